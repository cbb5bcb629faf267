"""Pairs of pictures -> how alike they are, from the planes that were gathered of them."""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from datalint.near.similarity import Pictures, agreements, similarities
from datalint.near.turns import TURNS, turned_planes

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from datalint.near.hamming import Numbers
    from datalint.near.similarity import Scores

_SIDE, _CHROMA, _FINE = 48, 12, 128
_LUMINANCE = _SIDE * _SIDE
_LENGTH = _LUMINANCE + 2 * _CHROMA * _CHROMA
_AT_ONCE = 512


class Planes(NamedTuple):
    """Of n pictures, as `facts.plane` describes them."""

    small: NDArray[np.uint8]
    """n x 2,592 bytes; what stands there for a picture without planes means nothing."""
    fine: Sequence[bytes | None]
    present: NDArray[np.bool_]


def planes_of(small: Sequence[object], fine: Sequence[object]) -> Planes:
    """From the columns of the facts."""
    present = np.array([isinstance(each, bytes) and len(each) == _LENGTH for each in small], bool)
    blank = bytes(_LENGTH)
    data = b"".join(each if ok and isinstance(each, bytes) else blank for each, ok in zip(small, present, strict=True))
    return Planes(
        np.frombuffer(data, np.uint8).reshape(-1, _LENGTH),
        [each if isinstance(each, bytes) else None for each in fine],
        present,
    )


def verified(planes: Planes, one: Numbers, other: Numbers, turn: NDArray[np.uint8]) -> Scores:
    """Similarity of each pair, `one` turned; NaN where either has no planes."""
    found = np.full(len(one), np.nan, np.float32)
    known = planes.present[one] & planes.present[other]
    for number in range(len(TURNS)):
        rows = np.flatnonzero((turn == number) & known)
        for start in range(0, len(rows), _AT_ONCE):
            part = rows[start : start + _AT_ONCE]
            found[part] = _alike(planes, one[part], other[part], number)
    return found


def _alike(planes: Planes, one: Numbers, other: Numbers, turn: int) -> Scores:
    first, second = _pictures(planes, one, turn), _pictures(planes, other, 0)
    scores = similarities(first, second)
    drawn = np.array(
        [
            number
            for number, (left, right) in enumerate(zip(one.tolist(), other.tolist(), strict=True))
            if planes.fine[left] and planes.fine[right]
        ],
        np.int64,
    )
    if len(drawn):
        agreed = agreements(
            first.luminance[drawn],
            second.luminance[drawn],
            _fine(planes, one[drawn], turn),
            _fine(planes, other[drawn], 0),
        )
        scores[drawn] = np.minimum(scores[drawn], agreed)
    return scores


def _pictures(planes: Planes, numbers: Numbers, turn: int) -> Pictures:
    small = planes.small[numbers]
    luminance = small[:, :_LUMINANCE].reshape(-1, _SIDE, _SIDE).astype(np.float32) * np.float32(1 / 255)
    chroma = small[:, _LUMINANCE:].reshape(-1, _CHROMA, _CHROMA).astype(np.float32) - np.float32(128)
    return Pictures(
        np.ascontiguousarray(turned_planes(luminance, turn)),
        np.ascontiguousarray(turned_planes(chroma, turn)).reshape(-1, 2, _CHROMA, _CHROMA),
    )


def _fine(planes: Planes, numbers: Numbers, turn: int) -> NDArray[np.float32]:
    raw = b"".join(zlib.decompress(planes.fine[number] or b"") for number in numbers.tolist())
    whole = np.frombuffer(raw, np.uint8).reshape(-1, _FINE, _FINE).astype(np.float32) * np.float32(1 / 255)
    return np.ascontiguousarray(turned_planes(whole, turn))
