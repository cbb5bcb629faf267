"""The rules about near duplicates among a hundred thousand images of a still camera: in memory, and the right ones."""

from __future__ import annotations

import random

import pytest

from datalint.config import BoundRule
from datalint.rule.engine import RuleEngine
from datalint.ruleset import builtin_rules
from datalint.tables import Data

IMAGES, PAIRS = 100_000, 250_000
TRAIN = 90_000
RULES = {rule.id: rule for rule in builtin_rules(tests=False) if "near" in rule.id or "augmented" in rule.id}


@pytest.fixture(scope="module")
def pairs() -> list[tuple[int, int, str | None]]:
    chance = random.Random(5)
    numbers = ((chance.randrange(IMAGES), chance.randrange(IMAGES)) for _ in range(PAIRS))
    turns = (None, None, None, "mirrored")
    return [(min(each), max(each), chance.choice(turns)) for each in sorted(set(numbers)) if each[0] != each[1]]


def split(file: int) -> str:
    return "train" if file < TRAIN else "val"


def label(file: int) -> str:
    return f"class{file % 10}"


def expected(rule: str, pairs: list[tuple[int, int, str | None]]) -> int:
    if rule == "near-duplicate-in-split":
        return len({(one, split(one)) for one, other, _ in pairs if split(one) == split(other)})
    if rule == "near-duplicate-two-labels":
        return len({one for one, other, turn in pairs if turn is None and label(one) != label(other)})
    crossing = [(other, one, turn) for one, other, turn in pairs if split(one) != split(other)]
    if rule == "near-duplicate-across-splits":
        return len({other for other, _, turn in crossing if turn is None})
    return len({other for other, one, turn in crossing if turn and label(one) == label(other)})


@pytest.mark.parametrize("rule", RULES)
def test_a_hundred_thousand_images_and_more_pairs(rule: str, pairs: list[tuple[int, int, str | None]]) -> None:
    files = range(IMAGES)
    tables = {
        "samples": Data(
            {
                "file_id": list(files),
                "path": [f"{split(file)}/{label(file)}/{file:06}.jpg" for file in files],
                "split": [split(file) for file in files],
                "label": [label(file) for file in files],
            }
        ),
        "near": Data(
            {
                "file_id": [one for one, _, _ in pairs],
                "other_file_id": [other for _, other, _ in pairs],
                "similarity": [0.95 + (one + other) % 50 / 1000 for one, other, _ in pairs],
                "transform": [turn for _, _, turn in pairs],
                "group_id": [None] * len(pairs),
            }
        ),
    }
    with RuleEngine() as engine:
        outcome = engine.run([BoundRule(RULES[rule], RULES[rule].severity, {})], tables)[rule]
    assert outcome.error == ""
    assert not outcome.more
    assert len(outcome.rows) == expected(rule, pairs)
