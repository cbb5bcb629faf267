"""Patterns of shards; tests/dataset/webdataset/test_oracle.py holds them against the package braceexpand."""

from __future__ import annotations

import pytest

from datalint import braces
from datalint.errors import UsageError

KNOWN = {
    "a.tar": ["a.tar"],
    "s-{08..11}.tar": ["s-08.tar", "s-09.tar", "s-10.tar", "s-11.tar"],
    "{8..11..2}": ["8", "10"],
    "{2..0}": ["2", "1", "0"],
    "{train,val}-{0..1}": ["train-0", "train-1", "val-0", "val-1"],
    "{a,b{1..2}}": ["a", "b1", "b2"],
    "{one}": ["{one}"],
    "x{,y}": ["x", "xy"],
}


@pytest.mark.parametrize(("pattern", "names"), KNOWN.items())
def test_a_pattern_stands_for_its_names(pattern: str, names: list[str]) -> None:
    assert braces.expand(pattern) == names


@pytest.mark.parametrize("pattern", ["{1,2", "1,2}", "}{", "{{1..2}"])
def test_braces_must_match(pattern: str) -> None:
    with pytest.raises(UsageError, match="do not match"):
        braces.expand(pattern)


@pytest.mark.parametrize(
    ("path", "place"),
    [
        ("data/x/s-{0..1}.tar", "data/x"),
        ("s-{0..1}.tar", "."),
        ("data/{a,b}/0.tar", "data"),
        ("data/a.tar", "data/a.tar"),
    ],
)
def test_the_place_of_a_pattern_holds_all_its_names(path: str, place: str) -> None:
    assert braces.place(path) == place
