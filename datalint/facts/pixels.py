"""One luminance plane -> brightness, contrast, sharpness, entropy, perceptual hash."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from datalint.facts.model import Facts

# Scaled planes keep the recall of perceptual hashing while their shorter side is at least 64 pixels, and that of
# the Laplacian blur measure from about 160 (docs/decoding.md, measured).
SIDE = 160
# Below this standard deviation (of 255) a plane is flat: its hash would be noise.
_FLAT = 2.0
_LEVELS = np.arange(256, dtype=np.float64)
_GRID = 32
_LOW = 8


def describe(facts: Facts, plane: NDArray[np.uint8], *, height: float, width: float) -> None:
    """Fill the pixel columns; `height` and `width` are the true extents of the picture in rows and columns of the
    plane (a scaled plane is rounded up: its last row may be covered in part).
    """
    total = plane.size
    histogram = np.bincount(plane.reshape(-1), minlength=256)
    mean = float(histogram @ _LEVELS) / total
    spread = max(0.0, float(histogram @ (_LEVELS - mean) ** 2) / total) ** 0.5
    shares = histogram[histogram > 0] / total
    facts.brightness = round(mean / 255, 5)
    facts.contrast = round(spread / 255, 5)
    facts.entropy = round(abs(float(shares @ np.log2(shares))), 4)
    if min(plane.shape) >= 3:
        facts.sharpness = round(_sharpness(plane), 2)
    if spread >= _FLAT:
        facts.phash = _phash(plane, height, width)


def _sharpness(plane: NDArray[np.uint8]) -> float:
    """Variance of the 4-neighbour Laplacian (Pech-Pacheco 2000)."""
    signed = plane.astype(np.int16)
    laplacian = signed[:-2, 1:-1] + signed[2:, 1:-1] + signed[1:-1, :-2] + signed[1:-1, 2:] - 4 * signed[1:-1, 1:-1]
    values = laplacian.reshape(-1).astype(np.float32)
    mean = float(values.mean())
    return max(0.0, float(values @ values) / values.size - mean * mean)


def _phash(plane: NDArray[np.uint8], height: float, width: float) -> int:
    """64 bits: the 8 x 8 lowest DCT coefficients of the 32 x 32 area-averaged plane against their median."""
    rows = _reducer(plane.shape[0], height)
    columns = _reducer(plane.shape[1], width)
    low = rows @ plane.astype(np.float32) @ columns.T
    bits = (low > np.median(low)).reshape(-1)
    unsigned = int.from_bytes(np.packbits(bits).tobytes(), "big")
    return unsigned - (1 << 64) if unsigned >> 63 else unsigned


@lru_cache(maxsize=4096)
def _reducer(length: int, extent: float) -> NDArray[np.float32]:
    """8 x length: area average of `extent` pixels into 32 bins, then the first 8 rows of an orthonormal DCT-II."""
    edges = np.linspace(0, extent, _GRID + 1)
    starts = np.arange(length)
    ends = np.minimum(starts + 1.0, extent)
    overlap = np.minimum(ends[None, :], edges[1:, None]) - np.maximum(starts[None, :], edges[:-1, None])
    average = np.clip(overlap, 0, None) / (extent / _GRID)
    angles = np.pi / _GRID * (np.arange(_GRID) + 0.5)[None, :] * np.arange(_LOW)[:, None]
    transform = np.cos(angles) * np.sqrt(2 / _GRID)
    transform[0] /= np.sqrt(2)
    result: NDArray[np.float32] = (transform @ average).astype(np.float32)
    return result
