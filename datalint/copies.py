"""Copies among pictures: hashes nominate pairs, small pictures of those alone are gathered, and pixels decide.

What was found is kept with the facts, so that one picture more costs a look-up and no search.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from datalint.facts.gather import extractor_version, gather
from datalint.finding import NotChecked
from datalint.near import nominate, remembered
from datalint.near.chosen import Chosen, Pictures, choose
from datalint.near.groups import grouped
from datalint.near.similarity import ENOUGH
from datalint.near.turns import INVERSE, TURNS
from datalint.near.verify import planes_of, verified

if TYPE_CHECKING:
    from collections.abc import Iterator

    from datalint.facts.cache import Cache, NullCache
    from datalint.locked import Looked
    from datalint.near.similarity import Scores
    from datalint.nearby import Units

VERSION = "1"
"""Raise it whenever the same pictures could be another pair."""
_PAIRS_AT_ONCE = 25_000
"""Pairs whose planes are in memory at once, some 6 kB each."""

Row = tuple[int, int, int, float, str | None, int | None]
"""In the order of the table `near`."""


class Found(NamedTuple):
    """Rows by file, what narrowed the search, and what could not be compared."""

    rows: list[Row]
    notes: list[str]
    not_checked: list[NotChecked]


class _Copy(NamedTuple):
    """How a pair of files is most alike."""

    similarity: float
    turn: int
    distance: int


def search(looked: Looked, units: Units, *, across: bool, workers: int | None, timeout: float) -> Found:
    """Compare the pictures; `across` looks for copies in other splits alone."""
    pictures = Pictures(
        np.array(units.hashes, np.int64).astype(np.uint64),
        np.array(units.splits, np.int64),
        np.array(units.contents, np.int64),
    )
    version = f"{VERSION}, {extractor_version()}"
    nominees = _nominees(pictures, looked.cache, version, across=across)
    pairs = choose(pictures, nominees, across=across)
    scores = _scores(looked, units, pairs, version, workers=workers, timeout=timeout)
    copies = _most_alike(units, pairs, scores)
    leaders = grouped(list(copies))
    rows: list[Row] = [
        (
            *(one, other, copy.distance, copy.similarity, TURNS[copy.turn].words),
            leaders[one] if leaders[one] == leaders[other] else None,
        )
        for (one, other), copy in sorted(copies.items())
    ]
    unread = np.isnan(scores)
    blind = len(np.unique(np.concatenate([pairs.one[unread], pairs.other[unread]])))
    usual = nominate.usual_radius(len(np.unique(pictures.hashes)))
    unseen = (
        [NotChecked("near duplicates", f"{blind:,} pictures could not be decoded to compare them")] if blind else []
    )
    return Found(rows, list(_narrowed(nominees.radius, usual, pairs.cut)), unseen)


def _nominees(pictures: Pictures, cache: Cache | NullCache, version: str, *, across: bool) -> nominate.Nominees:
    distinct = np.unique(pictures.hashes)
    known = nominate.unpacked(cache.kept("hashes", version))
    if known is not None and np.array_equal(known.hashes, distinct):
        return known.nominees
    if across and known is None:
        # Pictures of the smaller splits look for their copies; those of the largest wait to be found.
        largest = np.bincount(pictures.splits).argmax()
        return nominate.nominate(distinct, asking=np.unique(pictures.hashes[pictures.splits != largest]))
    found = nominate.nominate(distinct, known)
    if found.radius == nominate.usual_radius(len(distinct)):
        cache.keep("hashes", version, nominate.packed(nominate.Known(distinct, found)))
    return found


def _scores(
    looked: Looked, units: Units, pairs: Chosen, version: str, *, workers: int | None, timeout: float
) -> Scores:
    """Of each pair, from an earlier run or from its planes; NaN where those cannot be made."""
    identities = [looked.files.identities[file] for file in units.files]
    keys = remembered.keys(identities, pairs.one, pairs.other, pairs.turn)
    scores = remembered.recalled(remembered.unpacked(looked.cache.kept("alike", version)), keys)
    unknown = np.flatnonzero(np.isnan(scores))
    files = [looked.dataset.files[file] for file in units.files]
    for start in range(0, len(unknown), _PAIRS_AT_ONCE):
        some = unknown[start : start + _PAIRS_AT_ONCE]
        used, places = np.unique(np.concatenate([pairs.one[some], pairs.other[some]]), return_inverse=True)
        # Those that the cache knows from an earlier part are not decoded again.
        small = gather(
            [files[each] for each in used], cache=looked.cache, workers=workers, timeout=timeout, planes=True
        ).data.columns
        planes = planes_of(small["plane"], small["fine_plane"])
        scores[some] = verified(planes, places[: len(some)], places[len(some) :], pairs.turn[some])
    if len(unknown):
        looked.cache.keep("alike", version, remembered.packed(keys, scores))
    return scores


def _most_alike(units: Units, pairs: Chosen, scores: Scores) -> dict[tuple[int, int], _Copy]:
    """Of each pair of files that are copies the orientation in which they are most alike; in doubt, as they lie."""
    copies: dict[tuple[int, int], _Copy] = {}
    for row in np.flatnonzero(scores >= ENOUGH).tolist():
        one, other = units.files[int(pairs.one[row])], units.files[int(pairs.other[row])]
        turn = int(pairs.turn[row])
        if one > other:
            one, other, turn = other, one, int(INVERSE[turn])
        copy = _Copy(round(float(scores[row]), 4), turn, int(pairs.distance[row]))
        best = copies.setdefault((one, other), copy)
        if (copy.similarity, -copy.turn) > (best.similarity, -best.turn):
            copies[one, other] = copy
    return copies


def _narrowed(radius: int, usual: int, cut: int) -> Iterator[str]:
    if radius < usual:
        yield f"near duplicates: the pictures are so alike that only hashes within {radius} bits were compared"
    if cut:
        yield (
            f"near duplicates: {cut:,} pictures resemble so many others by their hashes that each was compared with "
            "the nearest of those alone"
        )
