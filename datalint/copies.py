"""Copies among pictures: hashes nominate pairs, small pictures of those alone are gathered, and pixels decide."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from datalint import compared
from datalint.finding import NotChecked
from datalint.near import nominate
from datalint.near.chosen import Pictures, choose
from datalint.near.groups import grouped
from datalint.near.similarity import ENOUGH
from datalint.near.turns import INVERSE, TURNS
from datalint.near.units import Found, Row

if TYPE_CHECKING:
    from collections.abc import Iterator

    from datalint.looked import Looked
    from datalint.near.chosen import Chosen
    from datalint.near.similarity import Scores
    from datalint.near.units import Units


class _Copy(NamedTuple):
    """How a pair of files is most alike."""

    similarity: float
    turn: int
    distance: int


def search(looked: Looked, units: Units, version: str, *, across: bool, workers: int | None, timeout: float) -> Found:
    """Compare the pictures; `across` looks for copies in other splits alone. `timeout` is seconds for one picture.

    What was found under the same `version` is believed. Raises UnfinishedError when the files cannot be scanned.
    """
    pictures = Pictures(
        np.array(units.hashes, np.int64).astype(np.uint64),
        np.array(units.splits, np.int64),
        np.array(units.contents, np.int64),
    )
    nominees = compared.nominees(pictures, looked.cache, version, across=across)
    pairs = choose(pictures, nominees, across=across)
    scores = compared.scores(looked, units, pairs, version, workers=workers, timeout=timeout)
    unread = np.isnan(scores)
    blind = len(np.unique(np.concatenate([pairs.one[unread], pairs.other[unread]])))
    usual = nominate.usual_radius(len(np.unique(pictures.hashes)))
    unseen = (
        [NotChecked("near duplicates", f"{blind:,} pictures could not be decoded to compare them")] if blind else []
    )
    return Found(_rows(units, pairs, scores), list(_narrowed(nominees.radius, usual, pairs.cut)), unseen)


def _rows(units: Units, pairs: Chosen, scores: Scores) -> list[Row]:
    copies = _most_alike(units, pairs, scores)
    leaders = grouped(list(copies))
    return [
        (
            *(one, other, copy.distance, copy.similarity, TURNS[copy.turn].words),
            leaders[one] if leaders[one] == leaders[other] else None,
        )
        for (one, other), copy in sorted(copies.items())
    ]


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
