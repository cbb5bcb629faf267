"""Rows as lines: however often values repeat, each line says what a cell-by-cell reading of its row says."""

from __future__ import annotations

import random
from typing import Any

import pytest

from datalint.rule.cells import Lines


def plain(value: Any, kind: str) -> str:
    """NULL is nothing, text is in quotes, and quotes in it are doubled (RFC 4180)."""
    if value is None:
        return ""
    if kind == "VARCHAR":
        return '"' + str(value).replace('"', '""') + '"'
    return ("true" if value else "false") if kind == "BOOLEAN" else str(value)


CHOICES: dict[str, tuple[str, list[Any]]] = {
    "words": ("VARCHAR", ["png", "jpeg", None, 'a "quoted", one', "", "x\ny"]),
    "names": ("VARCHAR", [f"train/{number}.png" for number in range(700)]),
    "mixed": ("VARCHAR", [1, True, 1.0, "1", None]),
    "sizes": ("BIGINT", [1, 2, 3, None]),
    "counts": ("BIGINT", list(range(700))),
    "truth": ("BOOLEAN", [True, False, None]),
    "numbers": ("BOOLEAN", [1, 0, None]),
    "zero": ("DOUBLE", [0.0, -0.0, 0.5]),
    "shares": ("DOUBLE", [number / 7 for number in range(700)]),
}


@pytest.mark.parametrize("seed", range(12))
def test_lines_say_what_each_cell_says(seed: int) -> None:
    rng = random.Random(seed)
    chosen = rng.sample(sorted(CHOICES), rng.randint(1, len(CHOICES)))
    rows = rng.choice([1, 3, 500, 3000])
    columns = {name: ([rng.choice(CHOICES[name][1]) for _ in range(rows)], CHOICES[name][0]) for name in chosen}
    made = Lines(columns)
    assert sorted(made.names) == sorted(chosen)
    found = [line for start in range(0, rows, 1000) for line in made.lines(start, start + 1000)]
    assert found == [
        ",".join(plain(columns[name][0][row], columns[name][1]) for name in made.names) for row in range(rows)
    ]


def test_many_combinations_of_few_values_are_not_remembered() -> None:
    columns: dict[str, tuple[list[Any], str]] = {
        name: ([number // step % 50 for number in range(125_000)], "BIGINT")
        for name, step in (("a", 1), ("b", 50), ("c", 2500))
    }
    made = Lines(columns)
    assert next(made.lines(60_051, 60_052)) == "1,1,24"
    assert made.remembered < 1_000


def test_few_combinations_are() -> None:
    made = Lines({"a": ([1, 2] * 500, "BIGINT"), "b": (["x", "y"] * 500, "VARCHAR")})
    assert list(made.lines(0, 4)) == ['1,"x"', '2,"y"'] * 2
    assert made.remembered == 2
