"""Small pictures of a picture, to compare it with another whose hash is close.

`plane` is 48 x 48 bytes of luminance, stretched to the whole range, and twice 12 x 12 of chroma (Cb, Cr): each byte is
a mean of the pixels under it and, with less weight, of those around. `fine_plane` is 128 x 128 of luminance, deflated,
of pictures that are mostly one shade, where what tells them apart (a letter, a digit) is lost in the small one.
"""

from __future__ import annotations

import io
import warnings
import zlib
from contextlib import suppress
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from datalint.facts.model import Facts
from datalint.facts.pillow import MAX_PIXELS, REFUSALS, grey, is_wide

if TYPE_CHECKING:
    from numpy.typing import NDArray

SIDE = 48
CHROMA_SIDE = 12
FINE_SIDE = 128
# Planes are means of some pixels each; more than that costs decoding and tells nothing.
_DECODED = 2 * FINE_SIDE
_FLAT = 0.5
"""Share of one shade from which a picture is a drawing: photographs of the corpora have at most 0.4."""
_SHADE = 6
"""Levels of 255 that count as one shade."""


def extract_plane(data: bytes) -> Facts:
    """Of any picture that Pillow decodes; without planes for others. Raises only MemoryError."""
    facts = Facts()
    with warnings.catch_warnings(), suppress(*REFUSALS, Image.DecompressionBombError):
        warnings.simplefilter("ignore")
        with Image.open(io.BytesIO(data)) as image:
            if image.width * image.height <= MAX_PIXELS:
                _fill(facts, image)
    return facts


def _fill(facts: Facts, image: Image.Image) -> None:
    width, height = image.size
    image.draft("RGB", (_DECODED, _DECODED))
    # A JPEG that is decoded at 1/8 is rounded up: its last row may be covered in part.
    scale = max(1, round(width / image.width))
    box = (0.0, 0.0, width / scale, height / scale)
    luminance = _luminance(image)
    facts.plane = _stretched(_means(luminance, SIDE, box)).tobytes() + _chroma(image, box)
    fine = _stretched(_means(luminance, FINE_SIDE, box))
    if _one_shade(fine) >= _FLAT:
        facts.fine_plane = zlib.compress(fine.tobytes(), 6)


def _luminance(image: Image.Image) -> Image.Image:
    # As floating point: a faint picture that is rounded to whole levels first is noise once it is stretched.
    if is_wide(image):
        wide = np.nan_to_num(np.asarray(image, np.float32), posinf=0, neginf=0)
        return Image.fromarray(wide)
    return grey(image).convert("F")


def _means(image: Image.Image, side: int, box: tuple[float, float, float, float]) -> NDArray[np.float32]:
    # Pillow's box would take each pixel whole or not at all, and edges jump by half of one between two sizes.
    small = image.resize((side, side), Image.Resampling.BILINEAR, box)
    return np.asarray(small, dtype=np.float32)


def _stretched(means: NDArray[np.float32]) -> NDArray[np.uint8]:
    low, high = float(means.min()), float(means.max())
    levels = np.rint((means - low) * np.float32(255 / max(high - low, 1e-6)))
    whole: NDArray[np.uint8] = levels.astype(np.uint8)
    return whole


def _chroma(image: Image.Image, box: tuple[float, float, float, float]) -> bytes:
    if image.mode in ("1", "L", "LA") or is_wide(image):
        return bytes([128]) * (2 * CHROMA_SIDE * CHROMA_SIDE)
    small = image.convert("RGB").resize((CHROMA_SIDE, CHROMA_SIDE), Image.Resampling.BOX, box)
    return b"".join(band.tobytes() for band in small.convert("YCbCr").split()[1:])


def _one_shade(plane: NDArray[np.uint8]) -> float:
    """Share of the pixels that lie within a few levels of the commonest one."""
    counts = np.bincount(plane.reshape(-1), minlength=256)
    return float(np.convolve(counts, np.ones(_SHADE, np.int64)).max()) / plane.size
