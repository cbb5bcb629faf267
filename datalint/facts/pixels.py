"""One luminance plane -> brightness, contrast, sharpness, entropy, perceptual hash."""

from __future__ import annotations

import math
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from datalint.facts.model import Facts

# Scaled planes keep the recall of perceptual hashing while their shorter side is at least 64 pixels, and that of
# the Laplacian blur measure from about 160 (docs/decoding.md, measured).
SIDE = 160
# Below this standard deviation (of 255) a plane is flat: its hash would be noise.
_FLAT = 2.0
NEARLY_FLAT = 1.0
"""Bits of luminance below which it is worth a look whether the colours differ."""
_POWERS = np.stack([np.arange(256.0), np.arange(256.0) ** 2])
_GRID = 32
_LOW = 8


def describe(facts: Facts, plane: NDArray[np.uint8], *, height: float, width: float) -> None:
    """Fill the pixel columns; `height` and `width` are the true extents of the picture in rows and columns of the
    plane (a scaled plane is rounded up: its last row may be covered in part).
    """
    total = plane.size
    # Pillow counts bytes as bytes; numpy.bincount would first widen each to eight.
    counts = Image.frombuffer("L", plane.shape[::-1], plane, "raw", "L", 0, 1).histogram()
    histogram = np.array(counts, dtype=np.float64)
    # Few calls on small arrays: after a decode each costs more than its arithmetic. All of these sums are exact.
    mean, square = (_POWERS @ histogram / total).tolist()
    spread = max(0.0, square - mean * mean) ** 0.5
    logarithms = float(histogram @ np.log2(np.maximum(histogram, 1)))
    facts.brightness = round(mean / 255, 5)
    facts.contrast = round(spread / 255, 5)
    facts.entropy = round(max(0.0, math.log2(total) - logarithms / total), 4)
    if min(plane.shape) >= 3:
        facts.sharpness = round(_sharpness(plane), 2)
    if spread >= _FLAT:
        facts.phash = _phash(plane, height, width)


def entropy(histogram: NDArray[np.float64]) -> float:
    """Of the shares of a histogram that is not empty, in bits (Shannon 1948)."""
    shares = histogram[histogram > 0] / histogram.sum()
    return round(max(0.0, float(-(shares @ np.log2(shares)))), 4)


def _sharpness(plane: NDArray[np.uint8]) -> float:
    """Variance of the 4-neighbour Laplacian over the inner pixels (Pech-Pacheco 2000)."""
    height, width = plane.shape
    # Neighbours are shifts of one flat line, which is one loop an operation; the outer columns come out wrong
    # (they wrap around) and are cleared.
    flat = plane.reshape(-1).astype(np.int16)
    size = flat.size
    inner = flat[width : size - width] * np.int16(-4)
    for start in (0, width - 1, width + 1, 2 * width):
        inner += flat[start : start + inner.size]
    laplacian = inner.astype(np.float32)
    laplacian.reshape(-1, width)[:, :: width - 1] = 0
    count = (height - 2) * (width - 2)
    mean = float(laplacian.sum()) / count
    return float(max(0.0, float(laplacian @ laplacian) / count - mean * mean))


def _phash(plane: NDArray[np.uint8], height: float, width: float) -> int:
    """63 bits: the signs of the 8 x 8 lowest DCT coefficients of the 32 x 32 area-averaged plane, but for the mean.

    Signs, and not the usual comparison with the median, so that mirroring and turning the picture only inverts or
    moves bits (Zauner 2010 for the hash; the DCT's symmetries for the rest).
    """
    rows = _reducer(plane.shape[0], height)
    columns = _reducer(plane.shape[1], width)
    bits = (rows @ plane.astype(np.float32) @ columns.T).reshape(-1) > 0
    bits[0] = False
    return int.from_bytes(np.packbits(bits).tobytes(), "big")


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
