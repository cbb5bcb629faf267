"""Which hashes lie close enough for their pictures to be looked at: as they are, and turned."""

from __future__ import annotations

import io
import zipfile
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from datalint.near.hamming import Pairs, TooAlikeError, between, pairs
from datalint.near.turns import TURNS, turned

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from datalint.near.hamming import Hashes

WIDE, NARROW = 11, 8
"""Bits in which hashes may differ: a crop of 5 % moves 11 bits where one of 2 % moves 8 (bench/duplicates.py)."""
_WIDE_UP_TO = 100_000
"""Pictures up to which the wide radius costs seconds; a million would cost minutes."""
_TURNED = 5
"""The same for a picture that is turned: seven more searches, and turning alone moves no bit."""
_FALLBACK = (WIDE, NARROW, 5, 2)
_PER_HASH, _AT_LEAST = 50, 1_000_000
"""Pairs beyond which the hashes are all alike, and a smaller radius says more."""


class Nominees(NamedTuple):
    """Hashes whose pictures are to be compared: `one` after that turn is close to `other`; each pair once."""

    one: Hashes
    other: Hashes
    turn: NDArray[np.uint8]
    distance: NDArray[np.uint8]
    radius: int
    """Bits within which all pairs are here; fewer than usual where the hashes lie too close together."""

    def among(self, hashes: Hashes) -> Nominees:
        """Those whose both hashes are in a sorted array."""
        kept = np.flatnonzero(_inside(self.one, hashes) & _inside(self.other, hashes))
        return Nominees(self.one[kept], self.other[kept], self.turn[kept], self.distance[kept], self.radius)


class Known(NamedTuple):
    """What an earlier search found."""

    hashes: Hashes
    """Sorted; every pair among them that is close enough is in `nominees`."""
    nominees: Nominees


def usual_radius(count: int) -> int:
    """Bits for so many pictures."""
    return WIDE if count <= _WIDE_UP_TO else NARROW


def nominate(hashes: Hashes, known: Known | None = None, *, asking: Hashes | None = None) -> Nominees:
    """Close pairs of sorted, distinct hashes; of what is `known` only what is new is searched for.

    With `asking`, some of the hashes, pairs of which neither is asked for may be missing.
    """
    usual = usual_radius(len(hashes))
    if known is not None and known.nominees.radius == usual:
        old = known.nominees.among(hashes)
        new = hashes[~_inside(hashes, known.hashes)]
        try:
            found = [_near(new, hashes, usual), old]
        except TooAlikeError:
            pass
        else:
            return _together(found, usual)
    for radius in (each for each in _FALLBACK if each <= usual):
        try:
            return _near(hashes if asking is None else asking, hashes, radius)
        except TooAlikeError:
            continue
    none = np.empty(0, np.uint64)
    return Nominees(none, none, np.empty(0, np.uint8), np.empty(0, np.uint8), 0)


def _near(new: Hashes, hashes: Hashes, radius: int) -> Nominees:
    most = max(_AT_LEAST, _PER_HASH * len(hashes))
    found: list[Nominees] = []
    for turn in range(len(TURNS)):
        if turn:
            close = between(turned(new, turn), hashes, min(radius, _TURNED), most=most)
        elif len(new) == len(hashes):
            close = pairs(hashes, radius, most=most)
        else:
            close = between(new, hashes, radius, most=most)
        found.append(_nominees(close, new, hashes, turn, radius))
    return _together(found, radius)


def _nominees(close: Pairs, asked: Hashes, hashes: Hashes, turn: int, radius: int) -> Nominees:
    one, other = asked[close.left], hashes[close.right]
    # Each pair is told from its smaller hash; a hash close to itself says nothing of two pictures.
    swapped = one > other
    turns = np.where(swapped, np.uint8(TURNS[turn].inverse), np.uint8(turn))
    apart = np.flatnonzero(one != other)
    low, high = np.minimum(one, other), np.maximum(one, other)
    return Nominees(low[apart], high[apart], turns[apart], close.distance[apart], radius)


def _together(found: list[Nominees], radius: int) -> Nominees:
    one = np.concatenate([each.one for each in found])
    other = np.concatenate([each.other for each in found])
    turn = np.concatenate([each.turn for each in found])
    distance = np.concatenate([each.distance for each in found])
    order = np.lexsort((turn, other, one))
    one, other, turn, distance = one[order], other[order], turn[order], distance[order]
    first = np.ones(len(one), bool)
    first[1:] = (one[1:] != one[:-1]) | (other[1:] != other[:-1]) | (turn[1:] != turn[:-1])
    return Nominees(one[first], other[first], turn[first], distance[first], radius)


def _inside(values: Hashes, among: Hashes) -> NDArray[np.bool_]:
    """Whether each is in a sorted array."""
    if not len(among):
        return np.zeros(len(values), bool)
    at = np.minimum(np.searchsorted(among, values), len(among) - 1)
    found: NDArray[np.bool_] = among[at] == values
    return found


def packed(known: Known) -> bytes:
    """To be kept between runs."""
    file = io.BytesIO()
    one, other, turn, distance, radius = known.nominees
    np.savez(file, hashes=known.hashes, one=one, other=other, turn=turn, distance=distance, radius=np.array([radius]))
    return file.getvalue()


def unpacked(content: bytes | None) -> Known | None:
    """None of anything but what `packed` made."""
    if content is None:
        return None
    try:
        with np.load(io.BytesIO(content), allow_pickle=False) as kept:
            wide = [np.asarray(kept[name], np.uint64) for name in ("hashes", "one", "other")]
            small = [np.asarray(kept[name], np.uint8) for name in ("turn", "distance")]
            radius = int(kept["radius"][0])
    except (OSError, ValueError, KeyError, EOFError, IndexError, zipfile.BadZipFile):
        return None
    lengths = {len(wide[1]), len(wide[2]), len(small[0]), len(small[1])}
    if len(lengths) > 1 or (len(small[0]) and int(small[0].max()) >= len(TURNS)):
        return None
    return Known(wide[0], Nominees(wide[1], wide[2], small[0], small[1], radius))
