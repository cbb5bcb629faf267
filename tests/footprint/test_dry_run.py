"""From peaks at small batches to bounds for any batch, and what tier 1 then says."""

from __future__ import annotations

from dataclasses import dataclass, replace

import pytest

from datalint import footprint
from datalint.footprint.accelerator import RESOURCE, SLOTS, accelerator_memory, subject
from datalint.footprint.accelerator_advice import accelerator_changes
from datalint.footprint.dry_run import NEAR, STRAIGHT, Reading
from datalint.footprint.estimate import TOTAL, Estimate
from datalint.footprint.images import Images
from datalint.footprint.model import load
from datalint.footprint.peaks import Asked, Peak
from datalint.footprint.recipe import Recipe
from datalint.integrations import building

MIB, GIB = 2**20, 2**30
IMAGES = Images(train=8000, val=2000, encoded_mean=60_000, decoded_mean=250_000, decoded_max=1e6, measured=10_000)
ASKED = Asked((224, 224, 3), "float32", "adam", accumulates=False)
RECIPE = Recipe(loader="files", input_height=224, input_width=224, batch=32, model="ResNet50", executor="tf-graph")
# ResNet50 with Adam under TensorFlow 2.21 and Keras 3.15: `python -m bench.footprint dry-run`.
RESNET = Reading(
    asked=ASKED,
    shape=(224, 224, 3),
    precision="float32",
    optimizer="adam",
    peaks=(Peak(2, 568_696_832), Peak(4, 781_132_544), Peak(8, 1_158_677_760)),
    weights=4 * 25_636_712,
    slots=2 * 4 * 25_583_592,
    parameters=25_636_712,
    workspace=6_422_528.0,
    keras="3.15.1",
    tensorflow="2.21.0",
)


@dataclass(frozen=True)
class Machine:
    accelerator_memory: int | None = 16 * GIB
    accelerators: int | None = 1
    usable: int | None = 64 * GIB
    cores: int | None = 2
    disk: int | None = None
    shm: int | None = None


def made(*sizes: int, static: int = 100 * MIB) -> Reading:
    peaks = tuple(Peak(batch, size * MIB) for batch, size in zip((2, 4, 8), sizes, strict=True))
    return replace(RESNET, peaks=peaks, weights=static, slots=0)


def rows(recipe: Recipe, reading: Reading | None, network: str | None = None) -> dict[str, Estimate]:
    followed = network or load.application("ResNet50")
    found = accelerator_memory(recipe, IMAGES, followed, Machine(), (reading,) if reading else ())
    return {row.stage: row for row in found}


@pytest.mark.parametrize(("batch", "measured"), [(16, 1_894_962_688), (32, 3_521_501_696)])
def test_what_another_process_took_is_inside(batch: int, measured: int) -> None:
    band = RESNET.at(batch)
    assert band.low < measured < band.high
    assert band.expected == pytest.approx(measured, rel=0.05)


def test_on_a_straight_line_nothing_is_added_but_what_repeating_adds() -> None:
    exact = made(120, 140, 180).at(32)
    assert exact.expected == pytest.approx(420 * MIB)
    assert exact.low == pytest.approx(NEAR.low * 420 * MIB)
    assert exact.high == pytest.approx(NEAR.high * 420 * MIB)


def test_what_is_shared_may_hide_what_a_sample_takes() -> None:
    """Flat so far: at larger batches the samples may take as much as all that is not kept from step to step."""
    flat = made(500, 500, 500).at(32)
    assert flat.expected == pytest.approx((500 + 100 + 400 * 32 / 8) / 2 * MIB)
    assert flat.low == pytest.approx(NEAR.low * 500 * MIB)
    assert flat.high == pytest.approx(NEAR.high * (100 + 400 * 32 / 8) * MIB)


def test_the_walk_knows_which_moment_will_be_the_highest() -> None:
    """VGG16 takes most for its first dense layer: twice the batch is far from twice the memory."""

    def walk(batch: int) -> float:
        return 0.5 * (1500 + 25.0 * batch) * MIB

    reading = made(1550, 1600, 1700, static=500 * MIB)
    assert reading.at(64, walk).expected == pytest.approx(3100 * MIB)
    assert reading.at(64).expected > 1.5 * 3100 * MIB
    assert reading.at(64, lambda batch: 1.0).expected == pytest.approx(3100 * MIB)
    assert reading.at(64, lambda batch: 1e3**batch).expected == pytest.approx(reading.at(64).high / NEAR.high)


def test_peaks_that_lie_on_no_line_have_wider_bounds() -> None:
    straight, bent = made(120, 140, 180), made(120, 155, 180)
    assert straight.bend < STRAIGHT < bent.bend
    wide, narrow = bent.at(64), straight.at(64)
    assert wide.low / wide.expected < narrow.low / narrow.expected
    assert wide.high / wide.expected >= narrow.high / narrow.expected


def test_between_the_measured_batches_it_lies_between_their_peaks() -> None:
    reading = made(120, 140, 180)
    assert reading.at(4).expected == 140 * MIB
    assert reading.at(6).expected == 160 * MIB
    assert made(120, 155, 180).at(8).expected == 180 * MIB
    one = reading.at(1)
    assert one.low < 110 * MIB < one.high
    bounds = [reading.at(batch).high for batch in range(1, 100)]
    assert bounds == sorted(bounds)


@pytest.mark.parametrize(
    ("change", "same"),
    [
        ({}, True),
        ({"shape": (160, 224, 3)}, False),
        ({"precision": "mixed_float16"}, False),
        ({"optimizer": "sgd"}, False),
        ({"accumulates": True}, False),
        ({"precision": None}, False),
    ],
)
def test_a_reading_answers_for_its_own_steps_alone(change: dict[str, object], same: bool) -> None:
    assert RESNET.answers(replace(ASKED, **change)) is same  # type: ignore[arg-type]


def test_what_a_function_decided_is_known_afterwards() -> None:
    reading = replace(RESNET, asked=replace(ASKED, precision=None, optimizer=None))
    assert reading.answers(replace(ASKED, precision=None, optimizer=None))
    assert reading.answers(ASKED)
    assert not reading.answers(replace(ASKED, precision="mixed_float16"))


def test_the_total_is_the_sum_and_names_its_tier() -> None:
    found = rows(RECIPE, RESNET)
    total = found.pop(TOTAL)
    for name in ("low", "expected", "high"):
        assert getattr(total, name) == pytest.approx(sum(getattr(row, name) for row in found.values()))
    measured = subject(RECIPE, load.application("ResNet50"), (RESNET,)).measured(RESNET, 32)
    assert total.formula.startswith("tier 1, dry run: ")
    assert "Keras 3.15.1 and TensorFlow 2.21.0" in found["activations"].formula
    assert total.expected - found["context"].expected == pytest.approx(measured.expected)
    assert total.high > sum(row.expected for row in found.values()) + 32 * RESNET.workspace
    assert rows(RECIPE, None)[TOTAL].formula.startswith("tier 0, layer walk: ")


@pytest.mark.parametrize(
    "other",
    [
        replace(RECIPE, optimizer="sgd"),
        replace(RECIPE, precision="mixed_float16"),
        replace(RECIPE, gradient_accumulation=4),
        replace(RECIPE, input_height=256, input_width=256),
        replace(RECIPE, framework="pytorch", executor="torch"),
    ],
)
def test_for_other_steps_the_walk_speaks(other: Recipe) -> None:
    assert rows(other, RESNET)[TOTAL].formula.startswith("tier 0, layer walk: ")


def test_under_xla_the_walks_give_the_ratio_and_their_bounds_stay() -> None:
    network = load.application("ResNet50")
    under = {
        executor: subject(replace(RECIPE, executor=executor), network, (RESNET,)).span(64)
        for executor in ("tf-graph", "xla", "jax", None)
    }
    walked = subject(replace(RECIPE, executor="xla"), network).span(64)
    # An NVIDIA H100 took 5,429 MiB under Keras 3.15 on JAX 0.11.
    assert under["xla"].low < 5429 * MIB < under["xla"].high
    assert under["xla"].expected == pytest.approx(5429 * MIB, rel=0.15)
    assert under["xla"].high / under["xla"].expected > walked.high / walked.expected
    assert under["jax"] == under["xla"]
    assert under[None].low == min(under["xla"].low, under["tf-graph"].low)
    assert under[None].high == max(under["xla"].high, under["tf-graph"].high)


def test_a_model_that_only_a_dry_run_knows_is_predicted() -> None:
    recipe, unread = replace(RECIPE, model="net:build", precision=None, optimizer=None), "nobody read it"
    reading = replace(RESNET, asked=replace(ASKED, precision=None, optimizer=None))
    found = rows(recipe, reading, unread)
    assert found["weights"].expected == 4 * 25_636_712
    assert found[TOTAL].fit == "fits"
    assert found[TOTAL].largest_batch
    either = rows(replace(recipe, executor=None), reading, unread)[TOTAL]
    assert either.low < found[TOTAL].low < found[TOTAL].high < either.high
    assert RESOURCE not in footprint.unpredicted((), recipe, IMAGES, Machine(), unread, readings=(reading,))
    other = replace(recipe, optimizer="sgd")
    reason = footprint.unpredicted((), other, IMAGES, Machine(), unread, readings=(reading,))
    assert reason[RESOURCE] == "model net:build: nobody read it"
    # With summed gradients nobody measured it, so the batch alone is told.
    [change] = accelerator_changes(replace(recipe, batch=4096), IMAGES, unread, Machine(), (reading,))
    largest = rows(replace(recipe, batch=4096), reading, unread)[TOTAL].largest_batch
    assert largest
    assert change.recipe == replace(recipe, batch=largest)
    assert change.total.fit == "fits"


def test_the_largest_batch_fits_and_the_next_does_not() -> None:
    for executor in ("tf-graph", "xla"):
        largest = rows(replace(RECIPE, executor=executor), RESNET)[TOTAL].largest_batch
        assert largest
        assert rows(replace(RECIPE, executor=executor, batch=largest), RESNET)[TOTAL].fit == "fits"
        assert rows(replace(RECIPE, executor=executor, batch=largest + 1), RESNET)[TOTAL].fit != "fits"


@pytest.mark.tensorflow
def test_every_optimizer_that_is_known_is_a_name_of_the_child() -> None:
    pytest.importorskip("tensorflow", reason="the tensorflow extra is not installed")
    assert {name: building.name_of(building.optimizer(name)) for name in SLOTS} == {name: name for name in SLOTS}
