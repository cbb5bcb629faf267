"""Which pictures are compared: pairs of hashes become pairs of pictures, as many as can be looked at."""

from __future__ import annotations

from itertools import combinations, product
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from datalint.near.turns import INVERSE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from datalint.near.hamming import Hashes, Numbers
    from datalint.near.nominate import Nominees

NEAREST = (32, 16, 8, 4, 2, 1)
"""Others that a picture is compared with in its split, and as many in other splits: the first that is affordable."""
_EACH, _AT_LEAST = 2, 400_000
"""Comparisons for each picture on average, and in any case: a quarter of a millisecond each."""
_SHOWN = 4
"""Pictures of one hash and split that stand for all of them before other hashes."""


class Pictures(NamedTuple):
    """What is known of each picture before its pixels are looked at: arrays of one length."""

    hashes: Hashes
    splits: Numbers
    """Numbers of splits."""
    contents: Numbers
    """Equal for equal bytes."""


class Chosen(NamedTuple):
    """Pairs of positions in `Pictures`, one < other; `one` after that turn looks like `other`."""

    one: Numbers
    other: Numbers
    turn: NDArray[np.uint8]
    distance: NDArray[np.uint8]
    cut: int
    """Pictures that resemble more others than they are compared with."""


def choose(pictures: Pictures, nominees: Nominees, *, across: bool) -> Chosen:
    """Each pair once for each turn, nearest first where there are too many; `across` leaves out those of one split."""
    one, other, turn, distance = _pairs(pictures, nominees)
    kept = pictures.contents[one] != pictures.contents[other]
    crossing = pictures.splits[one] != pictures.splits[other]
    if across:
        kept &= crossing
    one, other, turn, distance, crossing = (each[kept] for each in (one, other, turn, distance, crossing))
    budget = max(_AT_LEAST, _EACH * len(pictures.hashes))
    rank = _ranks(one, other, crossing, distance)
    for nearest in NEAREST:
        affordable = np.flatnonzero(rank < nearest)
        if len(affordable) <= budget:
            break
    left_out = np.unique(np.concatenate([one[rank >= nearest], other[rank >= nearest]]))
    return Chosen(
        one[affordable],
        other[affordable],
        turn[affordable].astype(np.uint8),
        distance[affordable].astype(np.uint8),
        len(left_out),
    )


def _pairs(pictures: Pictures, nominees: Nominees) -> tuple[Numbers, Numbers, Numbers, Numbers]:
    """Positions, one < other, turns and distances; of hashes that several pictures have, those that stand for them."""
    buckets = list(_buckets(pictures.hashes))
    several = {int(pictures.hashes[bucket[0]]): _standing_for(pictures, bucket) for bucket in buckets}
    order = np.argsort(pictures.hashes, kind="stable")
    ordered = pictures.hashes[order]
    first, second = (order[np.searchsorted(ordered, each)] for each in (nominees.one, nominees.other))
    shared = np.array(sorted(several), np.uint64)
    crowded = np.isin(nominees.one, shared) | np.isin(nominees.other, shared)
    alone = ~crowded
    more = [pair for bucket in buckets for pair in _same_hash(pictures, bucket)]
    for number in np.flatnonzero(crowded).tolist():
        left = several.get(int(nominees.one[number]), [int(first[number])])
        right = several.get(int(nominees.other[number]), [int(second[number])])
        pair_turn, pair_distance = int(nominees.turn[number]), int(nominees.distance[number])
        more += [(low, high, pair_turn, pair_distance) for low, high in product(left, right)]
    table = np.array(more, np.int64).reshape(-1, 4).T
    one, other = np.concatenate([first[alone], table[0]]), np.concatenate([second[alone], table[1]])
    turn = np.concatenate([nominees.turn[alone].astype(np.int64), table[2]])
    distance = np.concatenate([nominees.distance[alone].astype(np.int64), table[3]])
    turn = np.where(one > other, INVERSE[turn], turn)
    return np.minimum(one, other), np.maximum(one, other), turn, distance


def _buckets(hashes: Hashes) -> Iterator[Numbers]:
    """Positions of each hash that several pictures have."""
    order = np.argsort(hashes, kind="stable")
    starts = np.flatnonzero(np.diff(hashes[order], prepend=~hashes[order[:1]]))
    counts = np.diff(starts, append=len(hashes))
    for start, count in zip(starts[counts > 1].tolist(), counts[counts > 1].tolist(), strict=True):
        yield order[start : start + count]


def _standing_for(pictures: Pictures, bucket: Numbers) -> list[int]:
    """Some of each split."""
    shown: dict[int, list[int]] = {}
    for position in bucket.tolist():
        some = shown.setdefault(int(pictures.splits[position]), [])
        if len(some) < _SHOWN:
            some.append(position)
    return [position for some in shown.values() for position in some]


def _same_hash(pictures: Pictures, bucket: Numbers) -> Iterator[tuple[int, int, int, int]]:
    standing = _standing_for(pictures, bucket)
    yield from ((one, other, 0, 0) for one, other in combinations(standing, 2))
    rest = set(bucket.tolist()).difference(standing)
    yield from ((one, other, 0, 0) for one, other in product(standing, sorted(rest)))


def _ranks(one: Numbers, other: Numbers, crossing: NDArray[np.bool_], distance: Numbers) -> Numbers:
    """How many are nearer to either picture of each pair, among those in its split or among those in others."""
    count = len(one)
    ends = np.concatenate([one, other])
    order = np.lexsort((np.tile(distance, 2), np.tile(crossing, 2), ends))
    keys = ends[order] * 2 + np.tile(crossing, 2)[order]
    begins = np.flatnonzero(np.diff(keys, prepend=-1))
    within = np.arange(2 * count) - np.repeat(begins, np.diff(begins, append=2 * count))
    rank = np.empty(2 * count, np.int64)
    rank[order] = within
    return np.minimum(rank[:count], rank[count:])
