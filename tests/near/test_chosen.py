"""Which pairs of pictures are looked at."""

from __future__ import annotations

import numpy as np
import pytest

from datalint.near import chosen
from datalint.near.chosen import Pictures, choose
from datalint.near.nominate import Nominees, nominate


def pictures(hashes: list[int], splits: list[int] | None = None, contents: list[int] | None = None) -> Pictures:
    count = len(hashes)
    return Pictures(
        np.array(hashes, np.uint64),
        np.array(splits or [0] * count, np.int64),
        np.array(contents or list(range(count)), np.int64),
    )


def close(*rows: tuple[int, int, int, int]) -> Nominees:
    table = np.array(rows or np.empty((0, 4)), np.uint64).reshape(-1, 4).T
    return Nominees(table[0], table[1], table[2].astype(np.uint8), table[3].astype(np.uint8), 11)


def pairs(found: chosen.Chosen) -> set[tuple[int, ...]]:
    columns = (found.one, found.other, found.turn, found.distance)
    return set(zip(*(each.tolist() for each in columns), strict=True))


def test_a_pair_is_told_from_the_earlier_picture_and_its_turn_with_it() -> None:
    found = choose(pictures([90, 10, 50]), close((10, 90, 5, 2), (10, 50, 0, 1)), across=False)
    # 10 rotated by 90° is like 90, so 90 rotated by 270° is like 10.
    assert pairs(found) == {(0, 1, 6, 2), (1, 2, 0, 1)}
    assert found.cut == 0


def test_pictures_of_one_hash_are_compared() -> None:
    assert pairs(choose(pictures([7, 3, 7]), close(), across=False)) == {(0, 2, 0, 0)}


def test_equal_bytes_are_another_rules_business() -> None:
    assert pairs(choose(pictures([7, 7, 7], contents=[1, 1, 2]), close(), across=False)) == {(0, 2, 0, 0), (1, 2, 0, 0)}


def test_across_leaves_out_one_split() -> None:
    found = choose(pictures([7, 7, 9, 9], splits=[0, 1, 0, 0]), close((7, 9, 0, 3)), across=True)
    assert pairs(found) == {(0, 1, 0, 0), (1, 2, 0, 3), (1, 3, 0, 3)}


def test_a_thousand_pictures_of_one_hash_are_not_a_million_pairs() -> None:
    splits = [number % 2 for number in range(1000)]
    found = choose(pictures([5] * 1000 + [6] * 1000, splits=splits * 2), close((5, 6, 0, 1)), across=False)
    assert len(found.one) < 20_000
    assert len(np.unique(np.concatenate([found.one, found.other]))) == 2000


def test_the_nearest_are_compared_and_the_cut_is_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chosen, "NEAREST", (2,))
    nominees = close(*((1, other, 0, other - 1) for other in range(2, 8)))
    found = choose(pictures(list(range(1, 8))), nominees, across=False)
    # Each of the others has no nearer one than the first.
    assert len(found.one) == 6
    assert found.cut == 0
    ring = nominate(np.arange(64, dtype=np.uint64) << np.uint64(20))
    cut = choose(pictures([number << 20 for number in range(64)]), ring, across=False)
    assert cut.cut == 64
    assert cut.distance.max() == 1


def test_others_of_the_same_split_do_not_crowd_out_a_copy_across(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chosen, "NEAREST", (1,))
    nominees = close((1, 2, 0, 1), (1, 3, 0, 9), (2, 3, 0, 9))
    found = choose(pictures([1, 2, 3], splits=[0, 0, 1]), nominees, across=False)
    assert (0, 1, 0, 1) in pairs(found)
    assert any(row[1] == 2 for row in pairs(found))
