"""Polygons and run-length masks: their extent, their area, and what makes them no shape at all."""

from __future__ import annotations

import math
from dataclasses import dataclass
from operator import mul
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    Extent = tuple[float, float, float, float]

POINTS = 3
"""Fewest points of a polygon; four numbers are read as a box by pycocotools (mask.frPyObjects)."""


@dataclass(frozen=True, slots=True)
class Shape:
    """Lengths in pixels."""

    extent: Extent | None = None
    """Left, top, right, bottom; None for an empty mask, and where nothing can be said."""
    area: float | None = None
    """Of several polygons the sum, which is more than what they cover together where they overlap."""
    points: int | None = None
    """Of polygons."""
    defects: tuple[str, ...] = ()


def of_polygons(polygons: Sequence[Sequence[float]]) -> Shape:
    """Extent and area of those that are polygons (shoelace formula)."""
    points, area, defects = 0, 0.0, []
    left = top = math.inf
    right = bottom = -math.inf
    for number, flat in enumerate(polygons, start=1):
        count = len(flat)
        if count % 2 or count < 2 * POINTS:
            defects.append(f"{_which(number, polygons)} has {_too_few(count)}")
            continue
        across, down = flat[::2], flat[1::2]
        points += len(across)
        left, right = min(left, min(across)), max(right, max(across))
        top, bottom = min(top, min(down)), max(bottom, max(down))
        turned = sum(map(mul, across, down[1:])) - sum(map(mul, down, across[1:]))
        inside = abs(turned + across[-1] * down[0] - across[0] * down[-1]) / 2
        if not inside:
            defects.append(f"{_which(number, polygons)} encloses nothing: its points lie on one line")
        area += inside
    if not points:
        return Shape(defects=tuple(defects))
    extent = (left, top, right, bottom)
    if not all(map(math.isfinite, (*extent, area))):
        return Shape(points=points, defects=tuple(defects))
    return Shape(extent, area, points, tuple(defects))


def _which(number: int, polygons: Sequence[object]) -> str:
    return "its polygon" if len(polygons) == 1 else f"its polygon {number} of {len(polygons)}"


def _too_few(count: int) -> str:
    if count % 2:
        return f"{count} {'number' if count == 1 else 'numbers'}, which are no pairs of x and y"
    return f"{count // 2} {'point' if count == 2 else 'points'}, and a polygon needs {POINTS}"


def of_runs(counts: Sequence[int], height: int, width: int) -> Shape:
    """Of runs of background and mask in turn, column by column from the top left (COCO's RLE)."""
    if height <= 0 or width <= 0:
        return Shape(defects=(f"the size of its mask is {height} x {width}",))
    if any(count < 0 for count in counts):
        return Shape(defects=(f"its mask has a run of {min(counts)} pixels",))
    total = sum(counts)
    if total != height * width:
        return Shape(
            defects=(f"the runs of its mask add up to {total:,}, and {height} x {width} is {height * width:,} pixels",)
        )
    area = sum(counts[1::2])
    return Shape(_extent(counts, height) if area else None, float(area))


def _extent(counts: Sequence[int], height: int) -> Extent:
    first = last = None
    top, bottom, at = height, 0, 0
    for number, count in enumerate(counts):
        if number % 2 and count:
            column, row = divmod(at, height)
            end_column, end_row = divmod(at + count - 1, height)
            first = column if first is None else first
            last = end_column
            if column != end_column:
                top, bottom = 0, height - 1
            else:
                top, bottom = min(top, row), max(bottom, end_row)
        at += count
    assert first is not None
    assert last is not None
    return (float(first), float(top), float(last + 1), float(bottom + 1))


def runs(text: str) -> list[int] | None:
    """Counts of a compressed mask (pycocotools' rleFrString); None for what is none."""
    try:
        return list(_runs(text))
    except ValueError:
        return None


def _runs(text: str) -> Iterator[int]:
    """Five bits a character from 48 on, the lowest first, 32 for more to come; from the fourth count on a difference.

    The difference is to the count before the last. The sign is bit 16 of the last character.
    """
    before = last = value = shift = number = 0
    for code in text.encode("ascii"):
        bits = code - 48
        if not 0 <= bits < 64:
            raise ValueError(text)
        value |= (bits & 31) << shift
        shift += 5
        if bits & 32:
            # No count of an image takes more than 13 characters: 64 bits.
            if shift > 64:
                raise ValueError(text)
            continue
        if bits & 16:
            value -= 1 << shift
        if number > 2:
            value += before
        yield value
        before, last = last, value
        number += 1
        value = shift = 0
    if shift:
        raise ValueError(text)
