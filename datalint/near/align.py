"""Brings small planes into register, many pairs at once: a copy may be cropped a little, brighter or flatter.

Each pair is fitted by Gauss and Newton's method on the grey values (Lucas and Kanade 1981): scale and shift along
either axis, gain and offset.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Planes = NDArray[np.float32]
    """Pairs x rows x columns."""
    Places = NDArray[np.float32]
    """Of each pair: scale and shift (in half sides) of the rows, then of the columns."""

_COARSE = 4
"""Rounds on planes of half the size, where what was cropped is about a pixel."""
_FINE = 1
"""Rounds on the planes."""
_MOST = 0.09
"""What may be cropped of a side, as a share: beyond it a fit is a chance likeness."""


def fitted(first: Planes, second: Planes) -> Places:
    """Where the first picture of each pair lies in the second."""
    place = np.tile(np.array([1, 0, 1, 0], np.float32), (len(first), 1))
    for one, two, rounds in ((halved(first), halved(second), _COARSE), (first, second, _FINE)):
        for _ in range(rounds):
            place = _bounded(place + _step(one, two, place))
    return place


def halved(planes: Planes) -> Planes:
    """Means of two by two."""
    count, side, _ = planes.shape
    small: Planes = planes.reshape(count, side // 2, 2, side // 2, 2).mean(axis=(2, 4))
    return small


def _bounded(place: Places) -> Places:
    """Scales about 1 and shifts (in half sides) as far as cropping goes."""
    scale = np.clip(place[:, 0::2], 1 - _MOST, 1 / (1 - _MOST))
    shift = np.clip(place[:, 1::2], -_MOST, _MOST)
    return np.stack([scale[:, 0], shift[:, 0], scale[:, 1], shift[:, 1]], axis=1)


def warped(planes: Planes, place: Places) -> tuple[Planes, Planes]:
    """What lies at those places, and where that is inside (1, else 0); planes of any size."""
    # Bilinear, one axis after the other: the scales and shifts lie along them.
    side = planes.shape[1]
    rows, row_seen = _along(planes, place[:, 0], place[:, 1], side, axis=1)
    both, column_seen = _along(rows, place[:, 2], place[:, 3], side, axis=2)
    return both, row_seen[:, :, None] * column_seen[:, None, :]


def _along(planes: Planes, scale: Places, shift: Places, side: int, *, axis: int) -> tuple[Planes, Planes]:
    half = np.float32(side / 2)
    centred = (np.arange(side, dtype=np.float32) + 0.5) / half - 1
    at = (scale[:, None] * centred + shift[:, None] + 1) * half - np.float32(0.5)
    seen = ((at >= -0.5) & (at <= side - 0.5)).astype(np.float32)
    at = np.clip(at, 0, side - 1)
    low = np.minimum(at.astype(np.intp), side - 2)
    part = at - low.astype(np.float32)
    shape = (slice(None), slice(None), None) if axis == 1 else (slice(None), None, slice(None))
    below: Planes = np.take_along_axis(planes, low[shape], axis)
    above: Planes = np.take_along_axis(planes, low[shape] + 1, axis)
    between: Planes = below + (above - below) * part[shape]
    return between, seen


def _step(first: Planes, second: Planes, place: Places) -> Places:
    """How scales and shifts should change, by least squares on what is seen of both."""
    count, side, _ = first.shape
    lying, seen = warped(second, place)
    down, across = np.gradient(lying, axis=(1, 2))
    half = np.float32(side / 2)
    centred = (np.arange(side, dtype=np.float32) + 0.5) / half - 1
    down, across = down * half, across * half
    parts = (down * centred[:, None], down, across * centred, across, lying, np.ones_like(lying))
    slopes = np.stack([part * seen for part in parts], axis=1).reshape(count, len(parts), -1)
    wanted = (first * seen).reshape(count, -1, 1)
    normal = slopes @ slopes.transpose(0, 2, 1)
    weights = (1e-4 * np.trace(normal, axis1=1, axis2=2) + 1e-6).astype(np.float32)
    normal = normal + np.eye(len(parts), dtype=np.float32) * weights[:, None, None]
    solved = np.linalg.solve(normal, slopes @ wanted)[:, :, 0]
    # The slopes are those of the warped picture: what is found for it counts times its gain.
    gain = np.where(np.abs(solved[:, 4]) < 0.2, np.float32(0.2), solved[:, 4])
    step: Places = (solved[:, :4] / gain[:, None]).astype(np.float32)
    return np.clip(step, -_MOST, _MOST)
