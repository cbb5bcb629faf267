"""Similarities that an earlier run found, by what the two files held: two numbers a pair, packed."""

from __future__ import annotations

import hashlib
import io
import zipfile
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from datalint.near.hamming import Hashes, Numbers
    from datalint.near.similarity import Scores

# Odd numbers that spread every bit (the golden ratio's and one of xxHash's primes).
_SPREAD = (np.uint64(0x9E3779B97F4A7C15), np.uint64(0xC2B2AE3D27D4EB4F))


class Remembered(NamedTuple):
    keys: Hashes
    """Sorted."""
    scores: Scores


def keys(identities: Sequence[str | None], one: Numbers, other: Numbers, turn: NDArray[np.uint8]) -> Hashes:
    """One number for each pair of contents and the turn; 0 where a content is not known."""
    marks = np.zeros(len(identities), np.uint64)
    for number in np.unique(np.concatenate([one, other])).tolist():
        identity = identities[number]
        if identity is not None:
            marks[number] = int.from_bytes(hashlib.blake2b(identity.encode(), digest_size=8).digest(), "big")
    left, right = marks[one], marks[other]
    mixed: Hashes = ((left * _SPREAD[0] ^ left >> np.uint64(29)) + right) * _SPREAD[1] + turn.astype(np.uint64)
    return np.where((left == 0) | (right == 0), np.uint64(0), mixed)


def recalled(known: Remembered | None, wanted: Hashes) -> Scores:
    """NaN where it is not known."""
    scores = np.full(len(wanted), np.nan, np.float32)
    if known is not None and len(known.keys):
        at = np.minimum(np.searchsorted(known.keys, wanted), len(known.keys) - 1)
        found = (known.keys[at] == wanted) & (wanted != 0)
        scores[found] = known.scores[at[found]]
    return scores


def packed(pair_keys: Hashes, scores: Scores) -> bytes:
    """Those whose content and similarity are known."""
    sure = (pair_keys != 0) & ~np.isnan(scores)
    kept, first = np.unique(pair_keys[sure], return_index=True)
    file = io.BytesIO()
    np.savez(file, keys=kept, scores=scores[sure][first])
    return file.getvalue()


def unpacked(content: bytes | None) -> Remembered | None:
    """None of anything but what `packed` made."""
    if content is None:
        return None
    try:
        with np.load(io.BytesIO(content), allow_pickle=False) as kept:
            found = Remembered(np.asarray(kept["keys"], np.uint64), np.asarray(kept["scores"], np.float32))
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
        return None
    return found if len(found.keys) == len(found.scores) else None
