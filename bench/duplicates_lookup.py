"""One picture more: the search for its neighbours alone, against the search among all hashes and their seven turns.

Run by `python -m bench.duplicates --search N`, after the search itself.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, TypeVar

import numpy as np

from datalint.near.nominate import Known, nominate, packed, unpacked

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")
# The 64th bit is no part of a hash.
_HASHES = 1 << 63


def report(count: int) -> str:
    """CPU seconds of both, and whether they find the same. Raises AssertionError where what was kept is lost."""
    chance = np.random.default_rng(20261128)
    hashes = np.unique(chance.integers(0, _HASHES, count, dtype=np.uint64))
    added = hashes[chance.integers(len(hashes))] ^ np.uint64(0b111 << 20)
    more = np.unique(np.append(hashes, added))
    kept, _ = _timed(lambda: packed(Known(hashes, nominate(hashes))))
    whole, searching = _timed(lambda: nominate(more))
    known, reading = _timed(lambda: unpacked(kept))
    assert known is not None
    found, looking = _timed(lambda: nominate(more, known))
    _, writing = _timed(lambda: packed(Known(more, found)))
    same = all(
        np.array_equal(getattr(whole, column), getattr(found, column))
        for column in ("one", "other", "turn", "distance")
    )
    new = int(((found.one == added) | (found.other == added)).sum())
    return (
        f"One more among {len(hashes):,}: {looking:.2f} CPU s to look for its neighbours in eight orientations and "
        f"{reading + writing:.2f} s to read and write what is kept, against {searching:.1f} s to search all anew; "
        f"{'the same' if same else '**not the same**'} {len(found.one):,} pairs, {new} of them new."
    )


def _timed(work: Callable[[], T]) -> tuple[T, float]:
    started = time.process_time()
    return work(), time.process_time() - started
