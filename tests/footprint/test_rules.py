"""A total that does not fit is blamed by exactly one rule, whatever its largest part is."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import pytest

from datalint.config import BoundRule
from datalint.footprint.estimate import TOTAL, table
from datalint.footprint.host import host_memory
from datalint.footprint.images import Images
from datalint.footprint.recipe import ARRAYS, STREAMS, Recipe, contradiction
from datalint.rule.engine import RuleEngine
from datalint.ruleset import builtin_rules
from datalint.target import Target

if TYPE_CHECKING:
    from collections.abc import Iterator

RULES = [rule for rule in builtin_rules() if "memory" in rule.tags and "accelerator" not in rule.id]
TARGET = Target(name="any", cores=4)
IMAGES = Images(train=80_000, val=20_000, encoded_mean=60_000, decoded_mean=1e6, decoded_max=3e8, measured=100_000)


@dataclass(frozen=True)
class Machine:
    usable: int
    cores: int = 4


def recipes() -> list[Recipe]:
    """Every loader with every way to hold much."""
    drawn = []
    for loader, dtype, scale, cache, stage, batch in itertools.product(
        (*ARRAYS, *STREAMS),
        ("uint8", "float16", "float32", "float64"),
        ("none", "divide", "per_image"),
        ("none", "memory"),
        (None, "encoded", "decoded", "batched"),
        (1, 4096),
    ):
        recipe = Recipe(
            loader=loader,
            dtype=dtype,
            array_scale=scale,
            array_build="list" if loader in ARRAYS else None,
            cache=cache,
            batch=batch,
            shuffle_stage=stage,
            shuffle_buffer=50_000 if stage else None,
        )
        if contradiction(recipe) is None:
            drawn.append(recipe)
    loaders = itertools.product((None, 1, 8), (1, 64, 4096), ("uint8", "float32"))
    plain = Recipe(loader="dataloader", framework="pytorch")
    drawn += [replace(plain, workers=workers, batch=batch, dtype=dtype) for workers, batch, dtype in loaders]
    return drawn


@pytest.fixture(scope="module")
def engine() -> Iterator[RuleEngine]:
    with RuleEngine(threads=1) as running:
        yield running


@pytest.mark.parametrize("usable", [2**20, 2**30, 2**33, 2**36])
def test_exactly_one_rule_blames_what_does_not_fit(engine: RuleEngine, usable: int) -> None:
    """In every combination; and the severity is that of the verdict."""
    blamed = set()
    for recipe in recipes()[:: 3 if usable == 2**33 else 13]:
        rows = host_memory(recipe, IMAGES, Machine(usable))
        [total] = [row for row in rows if row.stage == TOTAL]
        tables = {"training": recipe.row(), "target": TARGET.row(), "footprint": table(rows)}
        outcomes = engine.run([BoundRule(rule, rule.severity, {}) for rule in RULES], tables)
        found = {
            (name, dict(zip(outcome.columns, line, strict=True))["severity"])
            for name, outcome in outcomes.items()
            for line in outcome.rows
        }
        assert not [outcome.error for outcome in outcomes.values() if outcome.error]
        expected = {"will not fit": ["error"], "tight": ["warning"], "fits": []}[total.fit]
        assert [severity for _, severity in found] == expected, (recipe, found)
        blamed |= {name for name, _ in found}
    assert blamed


def test_the_reason_is_the_part_that_would_not_fit_alone(engine: RuleEngine) -> None:
    base = Recipe(loader="files", prefetch=2)
    cases = {
        "memory-cache": replace(base, cache="memory"),
        "memory-shuffle-buffer": replace(base, shuffle_buffer=50_000, shuffle_stage="decoded"),
        "memory-shuffle-batches": replace(base, shuffle_buffer=50_000, shuffle_stage="batched"),
        "memory-batches-in-flight": replace(base, batch=8192),
        "memory-too-small": replace(base, parallel_calls=64),
        "memory-fit-copies": Recipe(loader="array", array_build="preallocated"),
        "memory-tensor-slices": Recipe(loader="from_tensor_slices", array_build="preallocated"),
        "memory-load-all": Recipe(loader="sequence", array_build="list"),
    }
    assert set(cases) == {rule.id for rule in RULES}
    for name, recipe in cases.items():
        tables = {
            "training": recipe.row(),
            "target": TARGET.row(),
            "footprint": table(host_memory(recipe, IMAGES, Machine(2**32))),
        }
        outcomes = engine.run([BoundRule(rule, rule.severity, {}) for rule in RULES], tables)
        assert [rule for rule, outcome in outcomes.items() if outcome.rows] == [name]
