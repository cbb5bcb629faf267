"""The eight orientations of a picture, on its hash and on its planes.

A mirrored picture has the same cosine coefficients but for the sign of every odd wave, and a transposed one has them
transposed; so the hash of a turned picture follows from the hash by a mask and by moving bits.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from datalint.near.hamming import Hashes

_SIDE = 8


class Turn(NamedTuple):
    """What turns one picture into another: transposed first, then mirrored."""

    words: str | None
    """None for the orientation that both have."""
    transposed: bool
    left_right: bool
    top_bottom: bool
    inverse: int


TURNS = (
    Turn(None, transposed=False, left_right=False, top_bottom=False, inverse=0),
    Turn("mirrored", transposed=False, left_right=True, top_bottom=False, inverse=1),
    Turn("flipped", transposed=False, left_right=False, top_bottom=True, inverse=2),
    Turn("rotated 180°", transposed=False, left_right=True, top_bottom=True, inverse=3),
    Turn("transposed", transposed=True, left_right=False, top_bottom=False, inverse=4),
    Turn("rotated 90°", transposed=True, left_right=True, top_bottom=False, inverse=6),
    Turn("rotated 270°", transposed=True, left_right=False, top_bottom=True, inverse=5),
    Turn("transverse", transposed=True, left_right=True, top_bottom=True, inverse=7),
)
"""Clockwise, as Pillow's `Image.Transpose` and EXIF's orientation tag tell them apart."""
INVERSE = np.array([turn.inverse for turn in TURNS], np.uint8)


def turned(hashes: Hashes, turn: int) -> Hashes:
    """The hashes of the pictures after that turn."""
    about = TURNS[turn]
    stored = np.unpackbits(hashes.astype(">u8").view(np.uint8)).reshape(-1, _SIDE, _SIDE)
    bits = (stored.transpose(0, 2, 1) if about.transposed else stored) ^ _odd(about)
    # The mean has no sign, and its place holds no bit.
    bits[:, 0, 0] = 0
    return np.packbits(bits.reshape(-1, _SIDE * _SIDE)).view(">u8").astype(np.uint64)


def turned_planes(planes: NDArray[np.float32], turn: int) -> NDArray[np.float32]:
    """Square planes (n x side x side) after that turn; a view where that is enough."""
    about = TURNS[turn]
    if about.transposed:
        planes = planes.transpose(0, 2, 1)
    if about.top_bottom:
        planes = planes[:, ::-1]
    if about.left_right:
        planes = planes[:, :, ::-1]
    return planes


def _odd(about: Turn) -> NDArray[np.uint8]:
    odd = np.arange(_SIDE, dtype=np.uint8) & 1
    rows = odd if about.top_bottom else np.zeros_like(odd)
    columns = odd if about.left_right else np.zeros_like(odd)
    return np.bitwise_xor.outer(rows, columns)
