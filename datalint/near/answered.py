"""The answer about the very same pictures, from an earlier run: nothing is searched and NumPy is not started."""

from __future__ import annotations

import hashlib
import json
import zlib
from array import array
from typing import TYPE_CHECKING, Any

from datalint.near.units import Found

if TYPE_CHECKING:
    from collections.abc import Sequence

    from datalint.near.units import Row, Units

_CHECKSUM = 4
"""Bytes of the CRC-32 before the JSON: a flipped bit may be another number."""
_TYPES: tuple[Any, ...] = (int, int, int, float, str | None, int | None)


def key(units: Units, identities: Sequence[str | None], version: str) -> str | None:
    """One text for pictures in their places; None where the content of one is not known for sure."""
    digest = hashlib.blake2b(version.encode(), digest_size=16)
    for file in units.files:
        identity = identities[file]
        if identity is None:
            return None
        digest.update(identity.encode() + b"\n")
    for column in units:
        digest.update(array("q", column).tobytes())
    return digest.hexdigest()


def packed(found: Found) -> bytes | None:
    """To be kept between runs; None of an answer with gaps, which the next run may fill."""
    if found.not_checked:
        return None
    content = json.dumps([found.rows, found.notes]).encode()
    return _checksum(content) + content


def unpacked(content: bytes | None) -> Found | None:
    """None of anything but what `packed` made."""
    if content is None or content[:_CHECKSUM] != _checksum(content[_CHECKSUM:]):
        return None
    try:
        rows, notes = json.loads(content[_CHECKSUM:])
        if all(isinstance(note, str) for note in notes):
            return Found([_row(row) for row in rows], notes, [])
    except (ValueError, TypeError):
        pass
    return None


def _checksum(content: bytes) -> bytes:
    return zlib.crc32(content).to_bytes(_CHECKSUM, "big")


def _row(values: Any) -> Row:
    if not all(isinstance(value, kind) for value, kind in zip(values, _TYPES, strict=True)):
        raise ValueError(f"no row of the table: {values}")
    one, other, distance, similarity, transform, group = values
    return one, other, distance, similarity, transform, group
