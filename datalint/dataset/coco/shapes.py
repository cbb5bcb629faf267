"""Extents and areas of many polygons at once: a piece of a large file has thousands of them."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from datalint.dataset.coco.shape import POINTS

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import numpy.typing as npt

    from datalint.dataset.coco.shape import Extent

    Floats = npt.NDArray[np.float64]
    Integers = npt.NDArray[np.int64]


def of_all(drawings: Sequence[Any]) -> Iterator[tuple[int, Extent, float, int]]:
    """Place in the sequence, extent, area and points of each that is a list of polygons and nothing else.

    Left out is what has a polygon of less than three points, or one that encloses nothing.
    """
    flat: list[float] = []
    sizes: list[int] = []
    owners: list[int] = []
    firsts: list[int] = []
    for place, drawing in enumerate(drawings):
        if type(drawing) is not list or not drawing:
            continue
        counts = list(map(len, drawing))
        if min(counts) < 2 * POINTS or any(count % 2 for count in counts):
            continue
        owners.append(place)
        firsts.append(len(sizes))
        sizes += counts
        for polygon in drawing:
            flat += polygon
    if not owners:
        return
    with np.errstate(over="ignore", invalid="ignore"):
        sides, areas, points = _measured(np.array(flat), np.array(sizes) // 2, np.array(firsts))
    extents = zip(*(side.tolist() for side in sides), strict=True)
    for place, extent, area, many in zip(owners, extents, areas.tolist(), points.tolist(), strict=True):
        # False for NaN and for infinity.
        if 0 < area < math.inf:
            yield place, extent, area, many


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
