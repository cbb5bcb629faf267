"""How long a file says that it is, for formats whose decoders only say that they cannot begin."""

from __future__ import annotations

from typing import Literal

_ORDERS: dict[bytes, Literal["little", "big"]] = {b"II*\0": "little", b"MM\0*": "big"}


def missing(data: bytes, found: str | None) -> str | None:
    """Words where the file's own header points beyond its end, else None."""
    if found == "webp":
        stop: int | None = 8 + int.from_bytes(data[4:8], "little")
    elif found in ("avif", "heif"):
        stop = _boxes(data)
    elif found == "tiff":
        stop = _directory(data)
    elif found == "gif":
        stop = _blocks(data)
    else:
        return None
    if stop is None or stop <= len(data):
        return None
    return f"ends after {len(data):,} of at least {stop:,} bytes"


def grown_by_line_ends(data: bytes, found: str | None) -> bool:
    """Whether a file whose decoder notices nothing is longer than it says by one byte for each of its line ends."""
    at = {"bmp": 2, "webp": 4}.get(found or "")
    if at is None:
        return False
    surplus = len(data) - int.from_bytes(data[at : at + 4], "little") - (8 if found == "webp" else 0)
    return surplus > 0 and surplus == data.count(b"\r\n")


def _blocks(data: bytes) -> int | None:
    """One byte beyond the end where the blocks stop before their trailer (GIF89a, 15 to 27); None where they do not.

    What is no block ends the walk: some writers leave bytes between blocks, and every decoder passes over them.
    """
    if len(data) < 13:
        return None

    def table(flags: int) -> int:
        return 3 << (flags & 7) + 1 if flags & 0x80 else 0

    at = 13 + table(data[10])
    while at + 9 < len(data) and data[at] in (0x21, 0x2C):
        at += 2 if data[at] == 0x21 else 11 + table(data[at + 9])
        while at < len(data) and data[at]:
            at += 1 + data[at]
        at += 1
    return len(data) + 1 if at >= len(data) else None


def _boxes(data: bytes) -> int | None:
    """End of the last box of the top level (ISO/IEC 14496-12, 4.2); None where the last one runs to the end."""
    at = 0
    while at + 8 <= len(data):
        size = int.from_bytes(data[at : at + 4], "big")
        if size == 1:
            size = int.from_bytes(data[at + 8 : at + 16], "big")
        if size < 8:
            return None
        at += size
    return at if at >= len(data) else at + 8


def _directory(data: bytes) -> int | None:
    """End of the first directory (TIFF 6.0, section 2), which writers often put last."""
    order = _ORDERS.get(data[:4])
    if order is None:
        return None
    start = int.from_bytes(data[4:8], order)
    return start + 2 + 12 * int.from_bytes(data[start : start + 2], order)
