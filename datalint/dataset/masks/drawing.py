"""Whether a picture is drawn in areas of one value, as masks are, or taken by a camera."""

from __future__ import annotations

import struct
import zlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from datalint.dataset.listing import Listing

_HEAD = 32
_A_PIXEL = 0.15
"""Bytes. Blood cells under a microscope, the smoothest photographs of our corpora, take 0.29 as grey PNG and more as
deflated BMP or TIFF; areas of one value take a few hundredths."""
_ASIDE = 512
"""Bytes of header, palette and checksums."""
_STEP = 1 << 16
"""Bytes that are deflated at once."""
_WIDTH, _HEIGHT, _COMPRESSION = 256, 257, 259
"""Tags of TIFF 6.0."""
_EXACT = frozenset({1, 2, 3, 4, 5, 8, 32773, 32946, 34925, 50000})
"""Compressions of TIFF that keep every value: none, fax, LZW, deflate, PackBits, LZMA, zstd."""
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
    """By its size as PNG or GIF, of BMP and TIFF once it is deflated, for its pixels; None where nobody can tell.

    JPEG and the like compress otherwise.
    """
    head = listing.head(path, _HEAD)
    size = _size(head)
    if size is not None:
        most = _most(*size)
        return len(listing.head(path, most + 1)) <= most
    stored = _stored(listing.head(path, _LARGEST)) if head.startswith((b"BM", b"II*\0", b"MM\0*")) else None
    return None if stored is None else _deflates(stored[2], _most(*stored[:2]))


def _most(width: int, height: int) -> int:
    """Bytes of a picture of areas."""
    return min(int(width * height * _A_PIXEL) + _ASIDE, _LARGEST)


def _deflates(content: memoryview, most: int) -> bool:
    """Whether it does to so many bytes."""
    deflating, size = zlib.compressobj(1), 0
    for start in range(0, len(content), _STEP):
        size += len(deflating.compress(content[start : start + _STEP]))
        if size > most:
            return False
    return size + len(deflating.flush()) <= most


def _size(head: bytes) -> tuple[int, int] | None:
    """Width and height: of IHDR (PNG specification, 11.2.2), of the screen of a GIF (GIF89a, 18)."""
    if head.startswith(b"\x89PNG\r\n\x1a\n") and head[12:16] == b"IHDR" and len(head) >= 24:
        width, height = struct.unpack(">II", head[16:24])
        return width, height
    if head.startswith((b"GIF87a", b"GIF89a")) and len(head) >= 10:
        width, height = struct.unpack("<HH", head[6:10])
        return width, height
    return None


def _stored(content: bytes) -> tuple[int, int, memoryview] | None:
    """Width, height and what holds the pixels, of a BMP or of a TIFF that keeps every value."""
    try:
        if content.startswith(b"BM"):
            start, header, width, height = struct.unpack_from("<IIii", content, 10)
            # Older headers have sides of 16 bits.
            return (width, abs(height), memoryview(content)[start:]) if header >= 40 else None
        tags = _tags(content, "<" if content.startswith(b"II") else ">")
        exact = tags.get(_COMPRESSION, 1) in _EXACT
        return (tags[_WIDTH], tags[_HEIGHT], memoryview(content)) if exact else None
    except (struct.error, KeyError):
        return None


def _tags(content: bytes, order: str) -> dict[int, int]:
    """Of the first directory of a TIFF (6.0, section 2), those of a single number."""
    (start,) = struct.unpack_from(f"{order}I", content, 4)
    (count,) = struct.unpack_from(f"{order}H", content, start)
    found = {}
    for place in range(start + 2, start + 2 + 12 * count, 12):
        tag, kind, values = struct.unpack_from(f"{order}HHI", content, place)
        if values == 1 and kind in (3, 4):
            (found[tag],) = struct.unpack_from(order + ("H" if kind == 3 else "I"), content, place + 8)
    return found


def _some(paths: Sequence[str]) -> Sequence[str]:
    return sorted(paths)[:: max(1, len(paths) // _LOOKED_AT)][:_LOOKED_AT]
