"""From what XLA assigned at some batches to bounds for any batch, and what tier 2 then says."""

from __future__ import annotations

from dataclasses import dataclass, replace

import pytest

from datalint import footprint
from datalint.footprint.accelerator import JAX_SHARE, RESOURCE, accelerator_memory, step_memory, subject
from datalint.footprint.compiled import SHARE, Compiled
from datalint.footprint.estimate import MARGIN, TOTAL, Estimate
from datalint.footprint.images import Images
from datalint.footprint.model import load
from datalint.footprint.peaks import Asked, Peak, Peaks
from datalint.footprint.recipe import Recipe
from datalint.integrations.compile_step import MOST_TIMES, filling
from tests.footprint.test_dry_run import RESNET as DRY_RUN

MIB, GIB = 2**20, 2**30
IMAGES = Images(train=8000, val=2000, encoded_mean=60_000, decoded_mean=250_000, decoded_max=1e6, measured=10_000)
RECIPE = Recipe(loader="files", input_height=224, input_width=224, batch=32, model="ResNet50", executor="jax")
# ResNet50 with Adam, for an NVIDIA H100 under JAX 0.10.2 and Keras 3.15: `python -m bench.footprint compile`.
RESNET = Compiled(
    asked=Asked((224, 224, 3), "float32", "adam", accumulates=False),
    shape=(224, 224, 3),
    precision="float32",
    optimizer="adam",
    peaks=(Peak(8, 1_078_293_260), Peak(32, 2_926_821_628), Peak(64, 5_471_892_476)),
    weights=4 * 25_636_712,
    slots=2 * 4 * 25_583_592 + 8,
    parameters=25_636_712,
    keras="3.15.1",
    card="NVIDIA H100 80GB",
    described="0",
    jax="0.10.2",
    compiler="0.10.2",
)


@dataclass(frozen=True)
class Machine:
    accelerator_memory: int | None = 16 * GIB
    accelerators: int | None = 1
    usable: int | None = 64 * GIB
    cores: int | None = 2
    disk: int | None = None
    shm: int | None = None


def rows(recipe: Recipe, *readings: Peaks, network: str | None = None) -> dict[str, Estimate]:
    followed = network or load.application("ResNet50")
    return {row.stage: row for row in accelerator_memory(recipe, IMAGES, followed, Machine(), readings)}


# An NVIDIA H100 80GB HBM3 under Keras 3.15 on JAX 0.11.
@pytest.mark.parametrize(("batch", "measured"), [(32, 2896), (64, 5429)])
def test_what_a_real_card_took_is_inside(batch: int, measured: int) -> None:
    band = RESNET.at(batch)
    assert band.low < measured * MIB < band.high
    assert band.expected == pytest.approx(measured * MIB, rel=0.05)


def test_what_a_small_network_takes_while_algorithms_are_tried_is_inside() -> None:
    """MobileNetV3Large: 3 GiB of workspaces, beside the variables and two batches of images."""
    network = load.application("MobileNetV3Large")
    peaks = (Peak(8, 435_050_020), Peak(32, 1_359_358_244), Peak(64, 2_611_163_428))
    small = replace(RESNET, peaks=peaks, weights=4 * 5_507_432, slots=8 * 5_483_032)
    recipe = replace(RECIPE, model="MobileNetV3Large")
    for batch, measured in ((8, 3030), (32, 3119), (64, 3267)):
        span = subject(recipe, network, (small,)).span(batch)
        assert span.low < measured * MIB < span.high


def test_a_batch_that_was_compiled_is_what_the_compiler_said() -> None:
    for batch, size in RESNET.peaks:
        assert RESNET.assigned(batch) == (size, size, size)


def test_between_them_it_lies_on_the_line_and_beyond_them_between_line_and_ray() -> None:
    middle = (RESNET.peaks[1].size + RESNET.peaks[2].size) / 2
    assert RESNET.assigned(48).expected == pytest.approx(middle)
    beyond = RESNET.assigned(96)
    assert beyond.expected == pytest.approx(2 * RESNET.peaks[2].size - RESNET.peaks[1].size)
    assert min(beyond) == beyond.low
    assert max(beyond) == beyond.high > beyond.low
    small = RESNET.assigned(1)
    assert RESNET.static < small.low == small.expected < small.high == RESNET.peaks[0].size
    bounds = [RESNET.at(batch).high for batch in range(1, 200)]
    assert bounds == sorted(bounds)


def test_the_total_is_the_sum_and_names_tier_and_card() -> None:
    found = rows(RECIPE, RESNET)
    total = found.pop(TOTAL)
    for name in ("low", "expected", "high"):
        assert getattr(total, name) == pytest.approx(sum(getattr(row, name) for row in found.values()))
    assert total.formula.startswith("tier 2, compiled for NVIDIA H100 80GB: ")
    assert total.expected == pytest.approx(SHARE.expected * RESNET.peaks[1].size)
    assert "Keras 3.15.1 and JAX 0.10.2 for NVIDIA H100 80GB" in found["activations"].formula
    assert "cuDNN's workspaces are not in them" in found["allocator"].formula


def test_for_another_executor_the_compiler_says_nothing() -> None:
    graph = replace(RECIPE, executor="tf-graph")
    assert rows(graph, RESNET) == rows(graph)
    assert rows(graph, RESNET, DRY_RUN) == rows(graph, DRY_RUN)
    torch = replace(RECIPE, executor="torch", framework="pytorch")
    assert rows(torch, RESNET) == rows(torch)


def test_where_either_may_run_the_bounds_are_those_of_both() -> None:
    network = load.application("ResNet50")
    either = replace(RECIPE, executor=None)
    span = subject(either, network, (RESNET,)).span(64)
    xla = subject(replace(RECIPE, executor="xla"), network, (RESNET,)).span(64)
    graph = subject(replace(RECIPE, executor="tf-graph"), network).span(64)
    assert span == (min(xla.low, graph.low), xla.expected, max(xla.high, graph.high))
    assert "tf-graph by the layer walk" in rows(either, RESNET)["allocator"].formula
    assert "tf-graph by a dry run" in rows(either, RESNET, DRY_RUN)["allocator"].formula
    assert rows(either, RESNET, DRY_RUN)[TOTAL].formula.startswith("tier 2, ")


@pytest.mark.parametrize("change", [{"optimizer": "sgd"}, {"precision": "mixed_float16"}, {"gradient_accumulation": 4}])
def test_for_other_steps_the_walk_speaks(change: dict[str, str]) -> None:
    other = replace(RECIPE, **change)  # type: ignore[arg-type]
    assert rows(other, RESNET)[TOTAL].formula.startswith("tier 0, layer walk: ")


def test_a_model_that_only_the_compiler_knows_is_predicted_for_xla_alone() -> None:
    recipe, unread = replace(RECIPE, model="net:build", precision=None, optimizer=None), "nobody read it"
    reading = replace(RESNET, asked=replace(RESNET.asked, precision=None, optimizer=None))
    assert rows(recipe, reading, network=unread)[TOTAL].formula.startswith("tier 2, ")
    either = replace(recipe, executor=None)
    assert rows(either, reading, network=unread) == {}
    reason = footprint.unpredicted([], either, IMAGES, Machine(), unread, readings=(reading,))[RESOURCE]
    assert reason == (
        "model net:build: it was compiled for XLA, and of tf-graph only a dry run tells: say `executor`, or run it"
    )
    dry_run = replace(DRY_RUN, asked=reading.asked)
    assert rows(either, reading, dry_run, network=unread)[TOTAL].formula.startswith("tier 2, ")


def test_the_largest_batch_fits_and_the_next_does_not() -> None:
    for executor in ("xla", "jax"):
        largest = rows(replace(RECIPE, executor=executor), RESNET)[TOTAL].largest_batch
        assert largest
        assert rows(replace(RECIPE, executor=executor, batch=largest), RESNET)[TOTAL].fit == "fits"
        assert rows(replace(RECIPE, executor=executor, batch=largest + 1), RESNET)[TOTAL].fit != "fits"


def test_a_step_has_the_memory_that_the_framework_leaves() -> None:
    assert step_memory(RECIPE, Machine()) == int(MARGIN * JAX_SHARE * 16 * GIB)
    under_tensorflow = step_memory(replace(RECIPE, executor="xla"), Machine())
    assert under_tensorflow
    assert 16 * GIB - 3 * GIB < under_tensorflow < MARGIN * 16 * GIB
    assert step_memory(RECIPE, Machine(accelerator_memory=None)) is None


def test_the_last_batch_that_is_compiled_fills_the_card() -> None:
    assert filling({16: 1600, 32: 3200}, 16_000) == 160
    assert filling({16: 1600, 32: 3200}, 800) == 8
    # What is near to one that is known says nothing new; neither does one from far away, or a flat line.
    assert filling({16: 1600, 32: 3200}, 3300) is None
    assert filling({16: 1600, 32: 3200}, 10**9) == 32 * MOST_TIMES
    assert filling({16: 1600, 32: 1600}, 16_000) is None
