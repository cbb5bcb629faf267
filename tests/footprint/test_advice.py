"""Advice over random recipes and machines names what is there, takes less, and fits where it says so."""

from __future__ import annotations

import random
import re
from dataclasses import fields, replace
from functools import cache
from typing import TYPE_CHECKING, Any

import pytest

from datalint import footprint
from datalint.config import BoundRule
from datalint.footprint.estimate import TOTAL, table
from datalint.footprint.images import Images, Kind
from datalint.footprint.model import load
from datalint.footprint.recipe import ARRAYS, LOADERS, STREAMS, TORCH, Recipe, contradiction
from datalint.rule.engine import RuleEngine
from datalint.rule.judge import judge
from datalint.ruleset import builtin_rules
from datalint.tables import TABLES, Data
from datalint.target import Target

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from datalint.finding import Finding
    from datalint.footprint.advice import Change
    from datalint.footprint.estimate import Estimate
    from datalint.footprint.model.network import Network

MIB = 2**20
RULES = [rule for rule in builtin_rules() if {"memory", "workers", "disk", "time"} & {*rule.tags}]
KNOBS: dict[str, tuple[Any, ...]] = {
    "loader": LOADERS,
    "dtype": ("uint8", "float16", "float32", "float64"),
    "batch": (1, 2, 32, 500, 4096),
    "array_build": (None, "list", "list_freed", "preallocated"),
    "array_scale": ("none", "in_place", "divide", "per_image"),
    "array_split": ("none", "copied", "source_freed"),
    "shuffle": (None, None, True, False),
    "shuffle_buffer": (None, None, 1, 90, 5000, 100_000),
    "shuffle_stage": (None, "names", "encoded", "decoded", "batched"),
    "cache": ("none", "none", "memory", "disk"),
    "prefetch": (None, None, 0, 1, 40),
    "ram_budget": (None, None, 512 * MIB),
    "parallel_calls": (None, 1, 3, 200),
    "workers": (None, 0, 1, 2, 48),
    "prefetch_factor": (None, 1, 2, 30),
    "replicas": (1, 1, 2, 4),
    "validation_split": (None, None, 0.2),
    "optimizer": (None, "sgd", "adam"),
    "precision": (None, "float32", "mixed_float16"),
    "gradient_accumulation": (None, 1, 4),
    "executor": (None, "xla", "tf-graph", "jax"),
    "step_seconds": (None, 0.001),
    "epochs": (None, 1, 20),
    "time_limit": (None, 60),
}
MODELS = (None, None, None, "MobileNetV2", "ResNet50", "VGG16")
SIZES = ((224, 224), (224, 224), (1, 1), (31, 500), (1500, 1500), (None, None))


@cache
def network(name: str) -> Network:
    return load.application(name)


def drawn(seed: int) -> tuple[Recipe, Images, Target]:
    """A recipe that somebody could run, a dataset and a machine on which much does not fit."""
    draw = random.Random(seed)
    recipe = Recipe(loader=draw.choice((*LOADERS, "dataloader", "files")), model=draw.choice(MODELS))
    if recipe.loader in TORCH:
        recipe = replace(recipe, framework="pytorch")
    for key in draw.sample(sorted(KNOBS), k=len(KNOBS)):
        changed = replace(recipe, **{key: draw.choice(KNOBS[key])})
        if key != "loader" and contradiction(changed) is None:
            recipe = changed
    height, width = draw.choice(SIZES)
    sized = replace(recipe, input_height=height, input_width=width)
    recipe = sized if contradiction(sized) is None else recipe
    train, side = draw.choice((5, 300, 20_000, 900_000)), draw.choice((60, 400, 3000))
    encoded, pixels = 0.5 * side * side, side * side
    images = Images(
        train=train,
        val=draw.choice((0, train // 4)),
        encoded_mean=encoded,
        decoded_mean=3.0 * pixels,
        decoded_max=draw.choice((3.0, 9.0)) * pixels,
        measured=train,
        kinds=(Kind("jpeg", train, round(encoded) * train, pixels * train),),
    )
    machine = Target(
        name="m",
        host_memory=round(2 ** draw.uniform(29, 37)),
        shm=draw.choice((None, 64 * MIB, 8 << 30)),
        disk=round(2 ** draw.uniform(28, 40)),
        cores=draw.choice((1, 2, 16)),
        accelerator_memory=round(2 ** draw.uniform(31, 36)),
        accelerators=4,
    )
    return recipe, images, machine


def predicted(recipe: Recipe, images: Images, machine: Target) -> list[Estimate]:
    return footprint.predict(recipe, images, machine, network(recipe.model) if recipe.model else None)


def changes(rows: list[Estimate], recipe: Recipe, images: Images, machine: Target) -> list[Change]:
    return footprint.changes(rows, recipe, images, machine, network(recipe.model) if recipe.model else None)


def total_of(rows: list[Estimate], resource: str) -> Estimate:
    [found] = [row for row in rows if row.resource == resource and row.stage == TOTAL]
    return found


# Words of a remedy or of a change -> whether they go with the recipe.
WORDS: dict[str, Callable[[Any, Any], object]] = {
    r"uint8": lambda recipe, _: recipe.dtype != "uint8",
    r"Rescaling|the array|PyDataset|from_tensor_slices": lambda recipe, _: recipe.loader in ARRAYS,
    r"stream with tf\.data|decode from files|make the dataset of file names": lambda recipe, _: bool(recipe.build),
    r"shuffle=True`? in image_dataset": lambda recipe, _: recipe.shuffle is False,
    r"drop th\w+ shuffle": lambda recipe, _: recipe.shuffle is not False and bool(recipe.shuffle_buffer),
    # In front of a cache the order of the first epoch would be that of all.
    r"drop th\w+ shuffle|shuffles file names|shuffle (file names|the records|before)": lambda recipe, _: (
        recipe.cache == "none"
    ),
    r"image_dataset_from_directory": lambda recipe, _: recipe.loader == "image_dataset_from_directory",
    r"file names before": lambda recipe, _: recipe.loader not in ("tfrecord", *ARRAYS) and recipe.stage != "names",
    r"the records before|shuffle before decoding": lambda recipe, _: recipe.loader == "tfrecord",
    r"buffer": lambda recipe, _: bool(recipe.shuffle_buffer),
    r"cache before|resize first|cache to a file|leave it out": lambda recipe, _: recipe.cache != "none",
    r"cache to a file": lambda recipe, _: recipe.cache == "memory",
    r"resize first": lambda recipe, _: recipe.input_height is None,
    r"cache what is decoded": lambda recipe, _: recipe.cache == "none",
    r"AUTOTUNE": lambda recipe, _: recipe.prefetch is None and recipe.loader in STREAMS,
    r"options\.autotune\.ram_budget": lambda recipe, _: recipe.ram_budget is None,
    r"smaller `ram_budget`": lambda recipe, _: recipe.ram_budget is not None,
    r"smaller `prefetch`": lambda recipe, _: bool(recipe.prefetch),
    r"fewer `parallel|one image at a time": lambda recipe, machine: (recipe.parallel_calls or machine.cores) > 1,
    r"more images at once": lambda recipe, machine: (recipe.parallel_calls or machine.cores) < machine.cores,
    r"parallel": lambda recipe, _: recipe.loader in STREAMS,
    r"\bworkers?\b": lambda recipe, _: bool(recipe.workers),
    r"prefetch_factor": lambda recipe, _: bool(recipe.workers) and (recipe.prefetch_factor or 2) > 1,
    r"smaller images|scale down the largest": lambda recipe, _: recipe.loader is not None,
    r"(smaller|less) batch|a batch of": lambda recipe, _: recipe.batch > 1,
    r"half the height": lambda recipe, _: min(recipe.input_height, recipe.input_width) > 1,
    r"mixed_float16": lambda recipe, _: recipe.precision in (None, "float32") and recipe.model,
    r"optimizer sgd": lambda recipe, _: recipe.optimizer != "sgd" and recipe.model,
    r"jit_compile=False": lambda recipe, _: recipe.executor in (None, "xla") and recipe.model,
    r"fewer epochs": lambda recipe, _: (recipe.epochs or 1) > 1,
    r"tf\.device": lambda recipe, _: recipe.loader == "from_tensor_slices",
}  # fmt: skip


def untrue(text: str, recipe: Recipe, machine: Target) -> list[str]:
    """Words in it that do not go with the recipe."""
    return [word for word, holds in WORDS.items() if re.search(word, text) and not holds(recipe, machine)]


def test_every_change_fits_takes_less_and_names_what_is_there() -> None:
    keys: set[str] = set()
    for seed in range(600):
        recipe, images, machine = drawn(seed)
        rows = predicted(recipe, images, machine)
        for change in changes(rows, recipe, images, machine):
            keys |= {
                key.name for key in fields(Recipe) if getattr(recipe, key.name) != getattr(change.recipe, key.name)
            }
            told = (seed, recipe, change)
            assert contradiction(change.recipe) is None, told
            again = predicted(change.recipe, images, machine)
            before, after = (total_of(found, change.total.resource) for found in (rows, again))
            assert after.fit == "fits", told
            assert (after.expected, after.high) == (change.total.expected, change.total.high), told
            assert after.high < before.high, told
            # Another executor bounds the peak from above; what is expected of it may be a little more.
            assert change.recipe.executor != recipe.executor or after.expected <= before.expected, told
            spilled = any(row.unfit for row in again if row.resource == "disk")
            assert not spilled or change.total.resource != "host_memory", told
            assert change.recipe != recipe, told
            assert untrue(change.what, recipe, machine) == [], told
    # Every kind of change was advised somewhere.
    assert keys >= {"loader", "dtype", "batch", "prefetch", "cache", "shuffle_buffer", "shuffle_stage", "shuffle"}
    assert keys >= {"parallel_calls", "workers", "input_height", "array_build"}
    assert keys >= {"executor", "precision", "optimizer", "gradient_accumulation"}


def test_what_fits_at_most_fits_and_one_more_does_not() -> None:
    """Of every resource, on random machines: the dataset and the batch that are said to be the largest."""
    told = {"host_memory": 0, "accelerator_memory": 0, "shm": 0, "disk": 0}
    for seed in range(2000, 2400):
        recipe, images, machine = drawn(seed)
        for total in (row for row in predicted(recipe, images, machine) if row.stage == TOTAL):
            if total.available is None:
                continue
            cases = []
            for more in (0, 1):
                samples, batch = total.largest_n_samples, total.largest_batch
                if samples is not None and samples + more:
                    cases.append((recipe, images.grown(samples + more), more))
                if batch is not None and batch + more:
                    cases.append((replace(recipe, batch=batch + more), images, more))
            for changed, others, more in cases:
                again = total_of(predicted(changed, others, machine), total.resource)
                assert (again.fit == "fits") is (more == 0), (seed, total, changed, others)
                told[total.resource] += 1
    assert min(told.values()) > 20, told


@pytest.mark.parametrize(
    ("workers", "ahead", "expected"),
    [
        (8, 30, ["prefetch_factor 1 instead of 30", "4 workers instead of 8"]),
        (2, 30, ["prefetch_factor 1 instead of 30", "1 worker instead of 2"]),
        (1, 60, ["prefetch_factor 1 instead of 60", "no worker processes"]),
        (48, 1, ["24 workers instead of 48"]),
    ],
)
def test_workers_may_prepare_less_or_be_fewer(workers: int, ahead: int, expected: list[str]) -> None:
    recipe = Recipe(loader="dataloader", framework="pytorch", batch=64, workers=workers, prefetch_factor=ahead)
    images = Images(train=100_000, encoded_mean=6e4, decoded_mean=3e5, decoded_max=3e5, measured=100_000)
    total = total_of(predicted(recipe, images, Target(name="m", host_memory=1 << 40)), "host_memory")
    machine = Target(name="m", host_memory=round(0.8 * total.high))
    found = [change.what for change in changes(predicted(recipe, images, machine), recipe, images, machine)]
    assert [what for what in found if "worker" in what or "prefetch_factor" in what] == expected


def test_a_model_is_not_given_a_size_that_it_does_not_take() -> None:
    """VGG16 with its top takes 224 x 224 alone; without a model, half the height and width is advised."""
    recipe = Recipe(loader="files", input_height=224, input_width=224, cache="memory", prefetch=2)
    images = Images(train=20_000, encoded_mean=6e4, decoded_mean=3e5, decoded_max=3e5, measured=20_000)
    machine = Target(name="m", host_memory=6 << 30, cores=2)
    for model, advised in ((None, True), ("MobileNetV2", True), ("VGG16", False)):
        named = replace(recipe, model=model)
        found = [change.what for change in changes(predicted(named, images, machine), named, images, machine)]
        assert any(what.startswith("half the height") for what in found) is advised


def test_another_executor_is_advised_where_no_batch_fits_under_xla() -> None:
    """XLA may take 3 GiB beside the variables while it tries algorithms; TensorFlow's graph does not."""
    recipe = Recipe(loader="files", model="ResNet50", batch=4, input_height=224, input_width=224, executor="xla")
    images = Images(train=5000, encoded_mean=6e4, decoded_mean=3e5, decoded_max=3e5, measured=5000)
    machine = Target(name="m", accelerator_memory=9 << 29, accelerators=1)
    rows = predicted(recipe, images, machine)
    assert total_of(rows, "accelerator_memory").largest_batch == 0
    first = changes(rows, recipe, images, machine)[0]
    assert (first.what, first.recipe.executor) == ("executor tf-graph, which is `jit_compile=False`", "tf-graph")
    for executor in ("tf-graph", "jax"):
        other = replace(recipe, executor=executor)
        found = changes(predicted(other, images, machine), other, images, machine)
        assert not any("jit_compile" in change.what for change in found)


@pytest.fixture(scope="module")
def engine() -> Iterator[RuleEngine]:
    with RuleEngine(threads=1) as running:
        yield running


def files(images: Images) -> Data:
    """One picture that is as large as the mean."""
    side = round((images.decoded_mean / 3) ** 0.5)
    row = {"file_id": 0, "status": "ok", "format": "jpeg", "progressive": False, "width": side, "height": side}
    return Data({column.name: [row.get(column.name)] for column in TABLES["files"].columns})


def judged(engine: RuleEngine, recipe: Recipe, images: Images, machine: Target) -> list[Finding]:
    rows = predicted(recipe, images, machine)
    tables = {
        "training": recipe.row(),
        "target": machine.row(),
        "files": files(images),
        "footprint": table(footprint.advised(rows, changes(rows, recipe, images, machine))),
    }
    bound = [
        BoundRule(rule, rule.severity, {name: item.default for name, item in rule.params.items()})
        for rule in RULES
        # Those that count shards are about other things than the recipe.
        if "shards" not in rule.tags
    ]
    outcomes = engine.run(bound, tables)
    assert not [outcome.error for outcome in outcomes.values() if outcome.error]
    return [finding for item in bound for finding in judge(item, outcomes[item.rule.id], manifest=None)]


@pytest.mark.parametrize("seeds", [range(1000, 1070), pytest.param(range(1070, 1140), marks=pytest.mark.exhaustive)])
def test_remedies_name_what_is_there(engine: RuleEngine, seeds: range) -> None:
    seen = set()
    for seed in seeds:
        recipe, images, machine = drawn(seed)
        for finding in judged(engine, recipe, images, machine):
            seen.add(finding.rule)
            told = (seed, recipe, finding)
            assert untrue(finding.remedy, recipe, machine) == [], told
            assert not re.search(
                r"\b0 samples|\b0 fit|fits?: 0\b|is 0\b|of at most 0\b", finding.message + finding.remedy
            ), told
            assert "  " not in finding.remedy, told
    assert len(seen) > 8
