"""Every pair of 64-bit hashes that differ in a few bits: exact, and in less than quadratic time.

If two hashes differ in at most r bits and are cut into three bands, one band differs in at most r // 3 of its bits
(pigeonhole; Norouzi, Punjani and Fleet 2012, "Fast search in Hamming space with multi-index hashing"). So the hashes
are sorted by each band in turn, and each looks up the bins that its own key reaches by so few flips.
"""

from __future__ import annotations

from itertools import combinations
from typing import TYPE_CHECKING, NamedTuple, TypeVar

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    Hashes = NDArray[np.uint64]
    Numbers = NDArray[np.int64]

_T = TypeVar("_T", bound=np.generic)
_BANDS = ((0, 22), (22, 21), (43, 21))
"""Lowest bit and width of each."""
_CHUNK = 1 << 18
"""Candidates that are compared at once: their hashes stay in a processor's cache."""
_ROUND = 1 << 14
"""Bins below which repeating costs less than another round of calls."""
_FEW = 1 << 27
"""Comparisons below which all with all is faster than tables: a tenth of a second's work a hundred million."""
_DENSE = 64
"""How many times the candidates of random hashes are still searched."""


class TooAlikeError(Exception):
    """The hashes lie so close together that nearly all are neighbours."""


class Pairs(NamedTuple):
    """Positions in the two arrays that were asked, and the bits in which they differ."""

    left: Numbers
    right: Numbers
    distance: NDArray[np.uint8]


def pairs(hashes: Hashes, radius: int, *, most: int | None = None) -> Pairs:
    """All pairs of different positions, left < right, that differ in at most `radius` bits (up to 11).

    Equal hashes should be collapsed first. Raises TooAlikeError where there are more than `most`, or where the search
    would take far longer than for random hashes.
    """
    return _search(hashes, None, radius, most)


def between(queries: Hashes, hashes: Hashes, radius: int, *, most: int | None = None) -> Pairs:
    """The same from each query to each hash, equal ones too: `left` is a position in `queries`."""
    return _search(queries, hashes, radius, most)


def _search(queries: Hashes, hashes: Hashes | None, radius: int, most: int | None) -> Pairs:
    found: list[Pairs] = []
    total = 0
    for some in _found(queries, hashes, radius):
        found.append(some)
        total += len(some.left)
        if most is not None and total > most:
            raise TooAlikeError
    if not found:
        return Pairs(np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0, np.uint8))
    return Pairs(*map(np.concatenate, zip(*found, strict=True)))


def _found(queries: Hashes, hashes: Hashes | None, radius: int) -> Iterator[Pairs]:
    others = queries if hashes is None else hashes
    if len(queries) * len(others) <= _FEW:
        yield from _all(queries, others, radius, ordered=hashes is None)
        return
    for number, band in enumerate(_BANDS):
        yield from _by_band(queries, hashes, radius, number, band)


def _all(queries: Hashes, hashes: Hashes, radius: int, *, ordered: bool) -> Iterator[Pairs]:
    step = max(1, _CHUNK // max(1, len(hashes)))
    for start in range(0, len(queries), step):
        distance = np.bitwise_count(queries[start : start + step, None] ^ hashes[None, :])
        # NumPy finds them far faster in one dimension.
        close = np.flatnonzero(distance <= radius)
        left, right = np.divmod(close, len(hashes))
        left += start
        if ordered:
            close, left, right = (column[right > left] for column in (close, left, right))
        yield Pairs(left, right, distance.ravel()[close])


def _by_band(
    queries: Hashes, hashes: Hashes | None, radius: int, number: int, band: tuple[int, int]
) -> Iterator[Pairs]:
    """Pairs that this band brings together and no earlier one does."""
    flips = radius // len(_BANDS)
    low, width = band
    own = _Table(queries, low, width)
    others = own if hashes is None else _Table(hashes, low, width)
    earlier = [(np.uint64(start), np.uint64((1 << size) - 1)) for start, size in _BANDS[:number]]
    most = _DENSE * len(queries) * (1 + len(others.hashes) / (1 << width)) + _FEW
    for half, masks in _masks(width, flips):
        # Of a table with itself each two bins meet once: the one without the mask's highest bit looks up the other.
        asking = own.without(half) if hashes is None and half else own.all()
        for mask in masks:
            starts = others.starts(asking, mask)
            if starts.total > most:
                raise TooAlikeError
            for left, right in starts.expanded():
                differing = _take(own.hashes, left) ^ _take(others.hashes, right)
                distance = np.bitwise_count(differing)
                close = np.flatnonzero(distance <= radius)
                if hashes is None and not mask:
                    close = close[right[close] > left[close]]
                if not len(close):
                    continue
                left, right, differing, distance = left[close], right[close], differing[close], distance[close]
                fresh = np.ones(len(close), bool)
                for shift, bits in earlier:
                    fresh &= np.bitwise_count(differing >> shift & bits) > flips
                one, two = own.order[left[fresh]], others.order[right[fresh]]
                if hashes is None:
                    one, two = np.minimum(one, two), np.maximum(one, two)
                yield Pairs(one, two, distance[fresh])


def _masks(width: int, flips: int) -> Iterator[tuple[int, list[int]]]:
    """All words of so many bits at most, by their highest bit."""
    yield 0, [0]
    for high in range(width if flips else 0):
        lower = (bits for count in range(flips) for bits in combinations(range(high), count))
        yield 1 << high, [1 << high | sum(1 << bit for bit in bits) for bits in lower]


class _Starts(NamedTuple):
    """Of each query: where the bin begins that it looks up, and how many hashes are in it."""

    query: Numbers
    first: Numbers
    counts: Numbers
    total: int

    def expanded(self) -> Iterator[tuple[Numbers, Numbers]]:
        """Positions in both tables, some at a time."""
        for start in range(0, len(self.query), _CHUNK):
            part = slice(start, start + _CHUNK)
            yield from _one_by_one(self.query[part], self.first[part], self.counts[part])


def _one_by_one(query: Numbers, first: Numbers, count: Numbers) -> Iterator[tuple[Numbers, Numbers]]:
    """The first of each bin, the second of those that have two: cheaper than repeating, as long as many have one."""
    while len(query) > _ROUND:
        yield query, first
        more = np.flatnonzero(count > 1)
        query, first, count = query[more], first[more] + 1, count[more] - 1
    ends = np.cumsum(count)
    start = 0
    while start < len(ends):
        before = int(ends[start - 1]) if start else 0
        stop = max(start + 1, int(np.searchsorted(ends, before + _CHUNK, side="right")))
        if stop == start + 1:
            # However many share a bin, they are looked at in parts.
            for left in range(int(first[start]), int(first[start] + count[start]), _CHUNK):
                right = np.arange(left, min(left + _CHUNK, int(first[start] + count[start])))
                yield np.full(len(right), query[start]), right
        else:
            some = count[start:stop]
            run = np.arange(int(ends[stop - 1]) - before) - np.repeat(ends[start:stop] - before - some, some)
            yield np.repeat(query[start:stop], some), np.repeat(first[start:stop], some) + run
        start = stop


class _Asking(NamedTuple):
    """Positions in a table in ascending order, and the keys that stand there."""

    positions: Numbers
    keys: Numbers


class _Table:
    """Hashes in the order of one band, and where each value of it begins."""

    def __init__(self, hashes: Hashes, low: int, width: int) -> None:
        keys = (hashes >> np.uint64(low) & np.uint64((1 << width) - 1)).astype(np.int64)
        self.order: Numbers = np.argsort(keys, kind="stable")
        self.keys = keys[self.order]
        self.hashes = hashes[self.order]
        counts = np.bincount(self.keys, minlength=1 << width)
        self._begin = np.zeros((1 << width) + 1, np.int64)
        np.cumsum(counts, out=self._begin[1:])
        self._full = counts > 0

    def all(self) -> _Asking:
        """Every position."""
        return _Asking(np.arange(len(self.keys)), self.keys)

    def without(self, bit: int) -> _Asking:
        """Positions whose keys lack this bit."""
        positions = np.flatnonzero(self.keys & bit == 0)
        return _Asking(positions, self.keys[positions])

    def starts(self, asking: _Asking, mask: int) -> _Starts:
        """The bins of this table that the keys reach once the mask is flipped, but for empty ones."""
        flipped = asking.keys ^ mask
        # A byte a bin tells most of the questions apart before any wider table is touched.
        full = np.flatnonzero(_take(self._full, flipped))
        flipped = _take(flipped, full)
        first = _take(self._begin, flipped)
        count = _take(self._begin[1:], flipped) - first
        return _Starts(_take(asking.positions, full), first, count, int(count.sum()))


def _take(values: NDArray[_T], positions: Numbers) -> NDArray[_T]:
    """All positions are inside, and NumPy looks at none of them twice when it is told so."""
    return values.take(positions, mode="clip")
