"""Extents and areas of many polygons at once: a piece of a large file has thousands of them."""

from __future__ import annotations

from array import array
from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING, Any

import numpy as np

from datalint.dataset.coco.shape import POINTS, Shape, of_runs, runs

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from datalint.dataset.coco.shape import Extent

    Floats = npt.NDArray[np.float64]
    Integers = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Shapes:
    """Of those that have nothing but good polygons; `owners` are their places in the sequence that was given."""

    owners: list[int]
    extents: list[Extent]
    """Left, top, right, bottom."""
    areas: list[float]
    points: list[int]


_CHARACTERS = 6
"""Of one run length: 30 bits, more than any image has pixels in a row of columns."""
_LONG = 1 << 30


def of_all(drawings: Sequence[Any]) -> Shapes:
    """Each that is a list of polygons and nothing else.

    Left out is what has a polygon of less than three points, or one that encloses nothing.
    """
    flat = array("d")
    sizes: list[int] = []
    owners: list[int] = []
    firsts: list[int] = []
    for place, drawing in enumerate(drawings):
        if type(drawing) is not list or not drawing:
            continue
        counts = list(map(len, drawing))
        odd = counts[0] % 2 if len(counts) == 1 else any(count % 2 for count in counts)
        if odd or min(counts) < 2 * POINTS:
            continue
        owners.append(place)
        firsts.append(len(sizes))
        sizes += counts
        for polygon in drawing:
            flat.fromlist(polygon)
    if not owners:
        return Shapes([], [], [], [])
    with np.errstate(over="ignore", invalid="ignore"):
        sides, areas, points = _measured(np.frombuffer(flat), np.array(sizes) // 2, np.array(firsts))
        # False for NaN and for infinity, which is also the area of what has an infinite side.
        good = (areas > 0) & (areas < np.inf)
    if not good.all():
        owners = np.array(owners)[good].tolist()
        sides, areas, points = [side[good] for side in sides], areas[good], points[good]
    extents = list(zip(*(side.tolist() for side in sides), strict=True))
    return Shapes(owners, extents, areas.tolist(), points.tolist())


def distances(boxes: Sequence[Extent], extents: Sequence[Extent]) -> list[float]:
    """Pixels between the edges of boxes (x, y, width, height) and those of what they should hold, at the worst edge."""
    many = 4 * len(boxes)
    edges = np.fromiter(chain.from_iterable(boxes), np.float64, many).reshape(-1, 4)
    wanted = np.fromiter(chain.from_iterable(extents), np.float64, many).reshape(-1, 4)
    edges[:, 2:] += edges[:, :2]
    found: list[float] = np.abs(edges - wanted).max(axis=1, initial=0).tolist()
    return found


def _measured(flat: Floats, sizes: Integers, firsts: Integers) -> tuple[list[Floats], Floats, Integers]:
    """Left, top, right, bottom, then area and points, of each annotation.

    `sizes` are points of polygons, `firsts` the first polygon of each annotation. The area of one with a polygon that
    encloses nothing is NaN.
    """
    across, down = flat[::2], flat[1::2]
    ends = np.cumsum(sizes)
    starts = ends - sizes
    following = np.arange(1, len(across) + 1)
    following[ends - 1] = starts
    areas = np.abs(np.add.reduceat(across * down[following] - down * across[following], starts)) / 2
    areas[areas == 0] = np.nan
    sides = [
        of.reduceat(of.reduceat(values, starts), firsts)
        for of, values in ((np.minimum, across), (np.minimum, down), (np.maximum, across), (np.maximum, down))
    ]
    return sides, np.add.reduceat(areas, firsts), np.add.reduceat(sizes, firsts)


def of_mask(counts: str | list[int], height: int, width: int) -> Shape:
    """The same as shape.of_runs for what is sound, of counts as a list or as compressed text; else what that says."""
    lengths = _lengths(counts)
    if lengths is None or height <= 0 or width <= 0 or lengths.min(initial=0) < 0 or lengths.sum() != height * width:
        written = runs(counts) if isinstance(counts, str) else counts
        return Shape(defects=("the text of its mask is no run lengths",)) if written is None else of_runs(
            written, height, width
        )  # fmt: skip
    ends = np.cumsum(lengths)[1::2]
    drawn = lengths[1::2]
    ends, drawn = ends[drawn > 0], drawn[drawn > 0]
    if not len(drawn):
        return Shape(None, 0.0)
    first_column, first_row = np.divmod(ends - drawn, height)
    last_column, last_row = np.divmod(ends - 1, height)
    whole = bool((first_column != last_column).any())
    top, bottom = (0, height) if whole else (int(first_row.min()), int(last_row.max()) + 1)
    extent = (float(first_column[0]), float(top), float(last_column[-1] + 1), float(bottom))
    return Shape(extent, float(drawn.sum()))


def _lengths(counts: str | list[int]) -> Integers | None:
    """Run lengths; None for what is better looked at one by one (text that is none, numbers that are too large)."""
    if isinstance(counts, list):
        try:
            lengths = np.array(counts, dtype=np.int64)
        except OverflowError:
            return None
        return lengths if np.abs(lengths).max(initial=0) < _LONG else None
    bits = np.frombuffer(counts.encode("utf-8", "replace"), np.uint8).astype(np.int64) - 48
    if not len(bits) or bits.min() < 0 or bits.max() > 63 or bits[-1] & 32:
        return None
    last = np.flatnonzero(bits & 32 == 0)
    first = np.concatenate(([0], last[:-1] + 1))
    many = last - first + 1
    if many.max() > _CHARACTERS:
        return None
    shifts = 5 * (np.arange(len(bits)) - np.repeat(first, many))
    lengths = np.add.reduceat((bits & 31) << shifts, first)
    lengths -= np.where(bits[last] & 16, np.int64(1) << (5 * many), 0)
    # From the fourth on a difference to the last but one.
    lengths[1::2] = np.cumsum(lengths[1::2])
    lengths[2::2] = np.cumsum(lengths[2::2])
    return lengths
