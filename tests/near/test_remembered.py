"""Similarities between runs: found again for the same contents and turn alone."""

from __future__ import annotations

import numpy as np
import pytest

from datalint.near.remembered import keys, packed, recalled, unpacked

NAMES = ["git:1", "git:2", None, "git:3"]


def of(
    *rows: tuple[int, int, int], names: list[str | None] | None = None
) -> np.ndarray[tuple[int], np.dtype[np.uint64]]:
    one, other, turn = np.array(rows, np.int64).T
    return keys(names or NAMES, one, other, turn.astype(np.uint8))


def test_a_pair_is_known_by_contents_order_and_turn() -> None:
    wanted = of((0, 1, 0), (0, 1, 3), (1, 0, 0), (0, 3, 0), (1, 3, 0))
    assert len(set(wanted.tolist())) == 5
    assert np.array_equal(of((1, 0, 3), names=["git:2", "git:1"]), of((0, 1, 3)))


def test_what_was_packed_is_recalled_and_nothing_else() -> None:
    stored = of((0, 1, 0), (0, 3, 2))
    known = unpacked(packed(stored, np.array([0.5, 0.97], np.float32)))
    scores = recalled(known, of((0, 3, 2), (0, 1, 1), (0, 1, 0)))
    assert scores[[0, 2]].tolist() == pytest.approx([0.97, 0.5])
    assert np.isnan(scores[1])


def test_unknown_contents_and_scores_are_not_kept() -> None:
    stored = of((0, 2, 0), (0, 1, 0))
    known = unpacked(packed(stored, np.array([0.9, np.nan], np.float32)))
    assert known is not None
    assert len(known.keys) == 0
    assert np.isnan(recalled(known, stored)).all()
    assert np.isnan(recalled(None, stored)).all()


@pytest.mark.parametrize("content", [None, b"", b"PK\x03\x04", b"\0" * 100])
def test_damaged_memory_is_none(content: bytes | None) -> None:
    assert unpacked(content) is None
