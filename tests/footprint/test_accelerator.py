"""From a recipe with a model to bounds of accelerator memory, a verdict, and what would fit."""

from __future__ import annotations

from dataclasses import dataclass, replace

import pytest

from datalint import footprint
from datalint.config import BoundRule
from datalint.footprint.accelerator import EXECUTORS, JAX_SHARE, RESOURCE, SLOTS, accelerator_memory, subject
from datalint.footprint.accelerator_advice import accelerator_changes
from datalint.footprint.advice import Change
from datalint.footprint.estimate import MARGIN, TOTAL, Estimate, table
from datalint.footprint.images import Images
from datalint.footprint.model import load
from datalint.footprint.recipe import Recipe
from datalint.rule.engine import RuleEngine
from datalint.ruleset import builtin_rules
from datalint.target import Target

MIB, GIB = 2**20, 2**30
IMAGES = Images(train=8000, val=2000, encoded_mean=60_000, decoded_mean=250_000, decoded_max=1e6, measured=10_000)
RECIPE = Recipe(loader="files", input_height=224, input_width=224, batch=32, model="ResNet50", precision="float32")
RULES = [rule for rule in builtin_rules() if "memory" in rule.tags]


@dataclass(frozen=True)
class Machine:
    accelerator_memory: int | None = 16 * GIB
    accelerators: int | None = 1
    usable: int | None = 64 * GIB
    cores: int | None = 2
    disk: int | None = None
    shm: int | None = None


def rows(recipe: Recipe, memory: int | None = 16 * GIB) -> dict[str, Estimate]:
    assert recipe.model is not None
    network = load.application(recipe.model)
    return {row.stage: row for row in accelerator_memory(recipe, IMAGES, network, Machine(memory))}


# Peaks in MiB that TensorFlow 2.21's own allocator counted (BFC on a CPU, Adam): `python -m bench.footprint model`.
@pytest.mark.parametrize(
    ("model", "batch", "measured"),
    [("MobileNet", 8, 465), ("ResNet50V2", 16, 1579), ("MobileNetV3Small", 2, 104), ("ResNet50", 8, 1060)],
)
def test_the_walk_is_near_what_tensorflow_counted(model: str, batch: int, measured: int) -> None:
    recipe = replace(RECIPE, model=model, batch=batch, executor="tf-graph", optimizer="adam")
    span = subject(recipe, load.application(model)).span(batch)
    assert span.low < measured * MIB < span.high
    assert span.expected == pytest.approx(measured * MIB, rel=0.1)


# Peaks in MiB on an NVIDIA H100 80GB HBM3: Keras 3.15 on JAX 0.11 and torchvision 0.26 under PyTorch 2.11, Adam.
@pytest.mark.parametrize(
    ("model", "executor", "precision", "measured"),
    [
        ("ResNet50", "jax", "float32", 5429),
        ("InceptionV3", "jax", "float32", 6576),
        ("DenseNet121", "jax", "float32", 6005),
        ("DenseNet121", "torch", "float32", 8173),
        ("MobileNetV3Large", "torch", "float32", 2881),
        ("InceptionV3", "torch", "float32", 6471),
    ],
)
def test_the_walk_is_near_what_a_gpu_took(model: str, executor: str, precision: str, measured: int) -> None:
    side = 299 if model == "InceptionV3" else 224
    framework = "pytorch" if executor == "torch" else "keras"
    recipe = replace(RECIPE, model=model, input_height=side, input_width=side, batch=64, executor=executor)
    recipe = replace(recipe, optimizer="adam", precision=precision, framework=framework)
    span = subject(recipe, load.application(model)).span(64)
    assert span.low < measured * MIB < span.high
    assert span.expected == pytest.approx(measured * MIB, rel=0.2)


def test_the_total_is_the_sum_and_names_its_tier() -> None:
    found = rows(RECIPE)
    total = found.pop(TOTAL)
    assert total.expected == pytest.approx(sum(row.expected for row in found.values()))
    assert total.low < total.expected < total.high
    assert "tier 0, layer walk" in total.formula
    assert found["weights"].expected == 4 * 25_636_712
    assert found["optimizer"].expected == 2 * 4 * 25_583_592


@pytest.mark.parametrize(("optimizer", "slots"), SLOTS.items())
def test_an_optimizer_takes_its_slots(optimizer: str, slots: int) -> None:
    row = rows(replace(RECIPE, optimizer=optimizer)).get("optimizer")
    assert (row.expected if row else 0) == slots * 4 * 25_583_592


def test_half_precision_takes_less_and_accumulation_more() -> None:
    plain, mixed = rows(RECIPE)[TOTAL], rows(replace(RECIPE, precision="mixed_float16"))[TOTAL]
    assert mixed.expected < 0.75 * plain.expected
    summed = rows(replace(RECIPE, gradient_accumulation=4))
    assert summed["accumulators"].expected == 4 * 25_583_592
    assert rows(replace(RECIPE, gradient_accumulation=1)).keys() == rows(RECIPE).keys()


def test_bounds_are_those_of_every_executor_that_may_run() -> None:
    spans = [
        subject(replace(RECIPE, executor=name), load.application("ResNet50")).span(32) for name in ("xla", "tf-graph")
    ]
    either = subject(RECIPE, load.application("ResNet50")).span(32)
    assert either.low == min(span.low for span in spans)
    assert either.high == max(span.high for span in spans)
    assert either.expected == spans[0].expected


@pytest.mark.parametrize("executor", [None, *EXECUTORS])
def test_the_largest_batch_fits_and_the_next_does_not(executor: str | None) -> None:
    largest = rows(replace(RECIPE, executor=executor))[TOTAL].largest_batch
    assert largest
    assert rows(replace(RECIPE, executor=executor, batch=largest))[TOTAL].fit == "fits"
    assert rows(replace(RECIPE, executor=executor, batch=largest + 1))[TOTAL].fit != "fits"


def test_jax_hands_out_three_quarters() -> None:
    assert rows(replace(RECIPE, executor="jax"))[TOTAL].available == JAX_SHARE * 16 * GIB
    assert rows(replace(RECIPE, executor="xla"))[TOTAL].available == 16 * GIB


@pytest.mark.parametrize(
    ("recipe", "machine", "word"),
    [
        (replace(RECIPE, model=None), Machine(), "no model is declared"),
        (RECIPE, Machine(accelerators=0), "no accelerator"),
        (replace(RECIPE, model="VGG16", input_height=160, input_width=160), Machine(), "goes with 224 x 224 x 3 alone"),
        (replace(RECIPE, input_height=31, input_width=64), Machine(), "Keras builds it for 32 x 32 pixels and more"),
        (replace(RECIPE, model="Xception", input_height=71, input_width=70), Machine(), "for 71 x 71 pixels and more"),
        (
            replace(RECIPE, model="InceptionV3", framework="pytorch", input_height=20, input_width=20),
            Machine(),
            "a tensor of shape",
        ),
    ],
)
def test_what_is_not_predicted_says_why(recipe: Recipe, machine: Machine, word: str) -> None:
    network = load.application(recipe.model) if recipe.model else None
    assert word in footprint.unpredicted((), recipe, IMAGES, machine, network)[RESOURCE]
    assert accelerator_memory(recipe, IMAGES, network, machine) == []


def test_a_target_of_unknown_size_has_no_verdict() -> None:
    assert rows(RECIPE, None)[TOTAL].fit == "unknown"
    assert rows(RECIPE, None)[TOTAL].largest_batch is None


def changes(recipe: Recipe, memory: int = 13 * GIB, *, images: Images = IMAGES) -> list[Change]:
    network = load.application(recipe.model or "")
    return list(accelerator_changes(recipe, images, network, Machine(memory)))


def test_what_to_change_leads_to_what_fits() -> None:
    found = changes(replace(RECIPE, batch=512))
    batches = [change.recipe.batch for change in found]
    assert len(found) == 2
    assert batches == sorted(set(batches)), "what gives no larger batch is asked for nothing"
    for change in found:
        assert rows(change.recipe, 13 * GIB)[TOTAL].fit == "fits"
        assert change.recipe.batch * (change.recipe.gradient_accumulation or 1) == 512
    assert found[0].what.endswith("steps")
    assert found[1].what.startswith("precision mixed_float16")
    assert changes(replace(RECIPE, batch=512), 100 * MIB) == []


def test_the_least_that_is_asked_comes_first_in_the_table() -> None:
    recipe = replace(RECIPE, batch=512)
    network, machine = load.application("ResNet50"), Machine(13 * GIB)
    rows = footprint.predict(recipe, IMAGES, machine, network)
    [first] = footprint.changes(rows, recipe, IMAGES, machine, network, first=True)
    assert first == footprint.changes(rows, recipe, IMAGES, machine, network)[0]
    predicted = footprint.advised(rows, [first])
    told = {row.resource: row.change for row in predicted if row.stage == TOTAL}
    assert told[RESOURCE] == str(changes(recipe)[0])
    assert all(row.change is None for row in predicted if row.stage != TOTAL)
    few = replace(RECIPE, batch=8)
    assert footprint.changes(footprint.predict(few, IMAGES, machine, network), few, IMAGES, machine, network) == []


def test_precision_is_no_advice_where_it_is_mixed_already() -> None:
    words = [change.what for change in changes(replace(RECIPE, batch=2048, precision="mixed_bfloat16"))]
    assert words
    assert not any("precision" in what for what in words)


def test_a_batch_to_accumulate_counts_the_accumulators() -> None:
    """The largest batch of the recipe as it is would not fit beside them."""
    recipe = replace(RECIPE, model="VGG16", batch=1000)
    [first, *_] = changes(recipe)
    assert first.recipe.batch < (rows(recipe, 13 * GIB)[TOTAL].largest_batch or 0)
    assert rows(first.recipe, 13 * GIB)[TOTAL].fit == "fits"


@pytest.mark.parametrize(("batch", "replicas"), [(258, 1), (254, 1), (252, 3), (510, 2)])
def test_a_batch_without_a_good_divisor_is_shared_out_evenly(batch: int, replicas: int) -> None:
    recipe = replace(RECIPE, batch=batch, replicas=replicas)
    network = load.application("ResNet50")
    [first, *_] = accelerator_changes(recipe, IMAGES, network, Machine(8 * GIB, accelerators=replicas))
    steps = first.recipe.gradient_accumulation or 1
    assert first.recipe.batch % replicas == 0
    assert batch <= steps * first.recipe.batch < batch + steps * replicas
    assert first.total.fit == "fits"


def test_a_dataset_smaller_than_its_batch_is_one_update() -> None:
    few = replace(IMAGES, train=300, val=0)
    [first, *_] = changes(replace(RECIPE, batch=4096), images=few)
    assert first.recipe.batch * (first.recipe.gradient_accumulation or 1) == 300


def test_a_model_that_no_batch_fits_is_told_what_else_does() -> None:
    recipe = replace(RECIPE, model="VGG16", batch=1, precision="mixed_float16")
    least = int(rows(replace(recipe, optimizer="sgd"))[TOTAL].high / MARGIN) + 1
    assert rows(recipe, least)[TOTAL].largest_batch == 0
    assert [change.what for change in changes(recipe, least)] == ["optimizer sgd"]


def test_an_array_may_be_placed_on_the_accelerator_by_tensorflow_alone() -> None:
    array = replace(RECIPE, loader="array", dtype="uint8")
    assert rows(array)["array"].low == 0
    assert rows(array)["array"].expected == 8000 * 224 * 224 * 3
    assert rows(array)["array"].high == 10_000 * 224 * 224 * 3
    assert rows(replace(array, dtype="float64"))["array"].expected == 4 * 8000 * 224 * 224 * 3
    slices = replace(array, loader="from_tensor_slices", dtype="float64")
    assert rows(slices)["array"].expected == 8 * 8000 * 224 * 224 * 3
    assert "array" not in rows(replace(array, executor="jax"))
    assert "array" not in rows(RECIPE)


def test_exactly_one_rule_blames_what_does_not_fit() -> None:
    """Whatever the largest part is; and the severity is that of the verdict."""
    blamed = set()
    with RuleEngine(threads=1) as engine:
        for model, loader, batch, memory in [
            (model, loader, batch, memory)
            for model in ("ResNet50", "VGG16")
            for loader in ("files", "array")
            for batch in (1, 64, 4096)
            for memory in (GIB, 4 * GIB, 12 * GIB, 24 * GIB, 80 * GIB)
        ]:
            found = list(rows(replace(RECIPE, model=model, loader=loader, batch=batch), memory).values())
            recipe = replace(RECIPE, model=model, loader=loader, batch=batch)
            machine = Target(name="any", accelerator_memory=memory, accelerators=1)
            tables = {"training": recipe.row(), "target": machine.row(), "footprint": table(found)}
            outcomes = engine.run([BoundRule(rule, rule.severity, {}) for rule in RULES], tables)
            assert not [outcome.error for outcome in outcomes.values() if outcome.error]
            named = [
                (name, dict(zip(outcome.columns, line, strict=True))["severity"])
                for name, outcome in outcomes.items()
                for line in outcome.rows
            ]
            expected = {"will not fit": ["error"], "tight": ["warning"], "fits": []}[found[-1].fit]
            assert [severity for _, severity in named] == expected, (model, loader, batch, memory, named)
            blamed |= {name for name, _ in named}
    assert blamed == {"memory-accelerator-batch", "memory-accelerator-model", "memory-accelerator-array"}


def test_the_upper_bound_leaves_the_margin() -> None:
    total = rows(RECIPE)[TOTAL]
    assert rows(RECIPE, round(total.high / MARGIN) + 1)[TOTAL].fit == "fits"
    assert rows(RECIPE, round(total.low) - 1)[TOTAL].fit == "will not fit"


def test_what_is_frozen_keeps_nothing_for_backward() -> None:
    """Transfer learning: peaks in MiB under TensorFlow's allocator, MobileNetV2 at a batch of 16, Adam."""
    network = load.application("MobileNetV2")
    last = len(network.calls) - 1
    frozen = replace(
        network, calls=tuple(replace(call, trainable=number == last) for number, call in enumerate(network.calls))
    )
    recipe = replace(RECIPE, model="MobileNetV2", batch=16, executor="tf-graph", optimizer="adam")
    whole, head = subject(recipe, network), subject(recipe, frozen)
    assert head.graph.trainable == 1280 * 1000 + 1000
    assert whole.span(16).low < 1073 * MIB < whole.span(16).high
    assert head.span(16).low < 248 * MIB < head.span(16).high
    assert head.span(16).high < whole.span(16).low / 2


@pytest.mark.parametrize(("batch", "replicas", "share"), [(64, 2, 32), (33, 2, 17), (2, 4, 1)])
def test_a_replica_takes_its_share_of_the_batch(batch: int, replicas: int, share: int) -> None:
    recipe = replace(RECIPE, batch=batch, replicas=replicas)
    network = load.application("ResNet50")
    machine = Machine(accelerators=replicas)
    [*stages, summed] = accelerator_memory(recipe, IMAGES, network, machine)
    alone = accelerator_memory(replace(RECIPE, batch=share), IMAGES, network, machine)
    assert (summed.low, summed.expected, summed.high) == (alone[-1].low, alone[-1].expected, alone[-1].high)
    assert summed.largest_batch == (alone[-1].largest_batch or 0) * replicas
    [activations] = [row.formula for row in stages if row.stage == "activations"]
    assert activations.endswith(f"of a batch of {batch:,} on {replicas:,} replicas")


def test_more_replicas_than_accelerators_are_not_predicted() -> None:
    recipe, network = replace(RECIPE, replicas=2), load.application("ResNet50")
    assert accelerator_memory(recipe, IMAGES, network, Machine()) == []
    reason = footprint.unpredicted((), recipe, IMAGES, Machine(), network)[RESOURCE]
    assert reason == "a batch is shared between 2 accelerators and the target has 1"
    assert accelerator_memory(recipe, IMAGES, network, Machine(accelerators=None))
