"""How alike pictures are whose hashes are close: what hashes nominate, pixels decide.

Of photographs it is the correlation of what is left once slow changes are taken away: on those the hashes agree
already. Of drawings, text and tiny pictures, where most of the plane is one shade and any two correlate, it is also
no more than what is left of 1 after the largest difference of a small block. And where both pictures have colours,
they must be the same ones.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from datalint.near.align import fitted, halved, warped

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from datalint.near.align import Planes

    Scores = NDArray[np.float32]
    """Of each pair, 0 to 1."""

ENOUGH = 0.94
"""Similarity from which two pictures are copies: bench/duplicates.py measures it."""
_SURE = 0.97
"""Pictures that are so alike as they lie need not be brought into register."""
_HOPELESS = 0.1
"""Pictures that are so unlike as they lie are no crops of each other."""
_BLUR = 5
_COLOURED = 4.0
"""Mean distance from grey, in levels of 255, from which a picture has colours."""
_SAME_HUES = 0.6
_BLOCK = 4
"""Side of a block of the fine plane: a stroke of a letter."""
_LIMIT = 0.06
"""Share of the range by which a block of copies may differ. Of two pages that differ in one digit the least different
make 0.11 where it is a sixteenth of the height, 0.08 at a 21st and 0.06 at a 27th; pages and drawings that were resized
to 0.3 to 0.9 make less than 0.05 (nine in ten; 0.08 at most)."""


class Pictures(NamedTuple):
    """Planes of n pictures."""

    luminance: Planes
    """n x 48 x 48, 0 to 1."""
    chroma: Planes
    """n x 2 x 12 x 12, about 0, in levels of 255."""


def similarities(first: Pictures, second: Pictures) -> Scores:
    """Of pairs of photographs."""
    one, two = halved(first.luminance), halved(second.luminance)
    found = _correlation(one, two, np.ones_like(one))
    open_ = np.flatnonzero((found < _SURE) & (found > _HOPELESS))
    if len(open_):
        lying, seen = warped(second.luminance[open_], fitted(first.luminance[open_], second.luminance[open_]))
        inside = (halved(seen) > 0.99).astype(np.float32)
        found[open_] = np.maximum(found[open_], _correlation(one[open_], halved(lying), inside))
    return np.where(_other_hues(first.chroma, second.chroma), np.float32(0), found)


def agreements(first: Planes, second: Planes, first_fine: Planes, second_fine: Planes) -> Scores:
    """Of pairs of drawings (n x 48 x 48, and n x 128 x 128): 1 less the largest difference of a block, scaled."""
    whole = _greatest_difference(first_fine, second_fine, np.ones_like(first_fine))
    open_ = np.flatnonzero(whole > _LIMIT)
    if len(open_):
        place = fitted(first[open_], second[open_])
        lying, seen = warped(second_fine[open_], place)
        whole[open_] = np.minimum(whole[open_], _greatest_difference(first_fine[open_], lying, seen))
    # At the limit what counts as enough.
    agreed: Scores = np.maximum(np.float32(0), 1 - whole * np.float32((1 - ENOUGH) / _LIMIT))
    return agreed


def _greatest_difference(first: Planes, second: Planes, seen: Planes) -> Scores:
    count, side, _ = first.shape
    apart = np.abs(first - second) * seen
    blocks = apart.reshape(count, side // _BLOCK, _BLOCK, side // _BLOCK, _BLOCK).mean(axis=(2, 4))
    greatest: Scores = blocks.max(axis=(1, 2))
    return greatest


def _other_hues(first: Planes, second: Planes) -> NDArray[np.bool_]:
    """Whether both pictures have colours, and not the same ones."""
    one, two = (each.reshape(len(each), -1) for each in (first, second))
    coloured = [np.sqrt((each**2).sum(axis=1) / (each.shape[1] / 2)) >= _COLOURED for each in (one, two)]
    alike = (one * two).sum(axis=1) / np.maximum(np.linalg.norm(one, axis=1) * np.linalg.norm(two, axis=1), 1e-6)
    other: NDArray[np.bool_] = coloured[0] & coloured[1] & (alike < _SAME_HUES)
    return other


def _correlation(first: Planes, second: Planes, seen: Planes) -> Scores:
    """Pearson's, of the detail where both are seen; 0 where it is less, or where there is no detail."""
    count = np.maximum(seen.sum(axis=(1, 2), keepdims=True), 1)
    one, two = _detail(first) * seen, _detail(second) * seen
    one = (one - one.sum(axis=(1, 2), keepdims=True) / count) * seen
    two = (two - two.sum(axis=(1, 2), keepdims=True) / count) * seen
    product = np.einsum("nij,nij->n", one, two)
    power = np.sqrt(np.einsum("nij,nij->n", one, one) * np.einsum("nij,nij->n", two, two))
    alike: Scores = np.clip(product / np.maximum(power, 1e-9), 0, 1)
    return alike


def _detail(planes: Planes) -> Planes:
    """Less the mean of the pixels around."""
    side, margin = planes.shape[1], _BLUR // 2
    padded = np.pad(planes, ((0, 0), (margin, margin), (margin, margin)), mode="edge")
    rows, around = np.zeros_like(padded[:, :side]), np.zeros_like(planes)
    for start in range(_BLUR):
        rows += padded[:, start : start + side]
    for start in range(_BLUR):
        around += rows[:, :, start : start + side]
    less: Planes = planes - around * np.float32(1 / _BLUR**2)
    return less
