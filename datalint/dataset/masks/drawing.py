"""Whether a picture is drawn in areas of one value, as masks are, or taken by a camera."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from datalint.dataset.listing import Listing

_HEAD = 32
_A_PIXEL = 0.15
"""Bytes. Blood cells under a microscope, the smoothest photographs of our corpora, take 0.29 as grey PNG; areas of one
value take a few hundredths."""
_ASIDE = 512
"""Bytes of header, palette and checksums."""
_LARGEST = 1 << 26
"""Bytes that nobody reads to be sure."""
_LOOKED_AT = 5


def all_drawn(listing: Listing, paths: Sequence[str]) -> bool:
    """Of some that are spread over the folder."""
    return all(is_drawn(listing, path) is True for path in _some(paths))


def none_drawn(listing: Listing, paths: Sequence[str]) -> bool:
    """Where nobody can tell (JPEG), it is none."""
    return not any(is_drawn(listing, path) for path in _some(paths))


def is_drawn(listing: Listing, path: str) -> bool | None:
    """By its size as PNG or GIF, for its pixels; None for other formats, which compress otherwise or not at all."""
    size = _size(listing.head(path, _HEAD))
    if size is None:
        return None
    most = min(int(size[0] * size[1] * _A_PIXEL) + _ASIDE, _LARGEST)
    return len(listing.head(path, most + 1)) <= most


def _size(head: bytes) -> tuple[int, int] | None:
    """Width and height: of IHDR (PNG specification, 11.2.2), of the screen of a GIF (GIF89a, 18)."""
    if head.startswith(b"\x89PNG\r\n\x1a\n") and head[12:16] == b"IHDR" and len(head) >= 24:
        width, height = struct.unpack(">II", head[16:24])
        return width, height
    if head.startswith((b"GIF87a", b"GIF89a")) and len(head) >= 10:
        width, height = struct.unpack("<HH", head[6:10])
        return width, height
    return None


def _some(paths: Sequence[str]) -> Sequence[str]:
    return sorted(paths)[:: max(1, len(paths) // _LOOKED_AT)][:_LOOKED_AT]
