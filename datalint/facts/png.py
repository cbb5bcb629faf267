"""PNG: every checksum before any decoding, because Pillow accepts wrong ones."""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING

from datalint.facts import pillow

if TYPE_CHECKING:
    from datalint.facts.model import Facts


_DEPTHS = {0: (1, 2, 4, 8, 16), 2: (8, 16), 3: (1, 2, 4, 8), 4: (8, 16), 6: (8, 16)}
"""Bit depths by colour type (PNG specification, 11.2.1)."""


def read(facts: Facts, data: bytes) -> None:
    """Walk the chunks (PNG specification, 5.3), then decode; raises only MemoryError."""
    facts.format = "png"
    problem, frames, end = _walk(data)
    pillow.read(facts, data, "png")
    if facts.status == "oversized":
        return
    if frames is not None and (facts.frames or 1) < frames:
        facts.frames = frames
    if problem is not None:
        cause, detail = problem
        # The chunk walk names the cause better than the decoder that stumbled over it.
        facts.status, facts.cause, facts.detail = "damaged", cause, detail
        facts.tensorflow = False
    elif facts.status == "ok":
        facts.trailing_bytes = len(data) - end


def _walk(data: bytes) -> tuple[tuple[str, str] | None, int | None, int]:
    """What is wrong with the critical chunks, the frames that acTL declares, and where the file ends."""
    at, frames, seen_data = 8, None, False
    while True:
        if at + 12 > len(data):
            return ("truncated", f"ends after {len(data):,} bytes without its end chunk"), frames, at
        length = int.from_bytes(data[at : at + 4], "big")
        kind = data[at + 4 : at + 8]
        stop = at + 12 + length
        if stop > len(data):
            if not kind.isalpha():
                return ("bit-rot", f"no chunk where one must begin, at offset {at:,}"), frames, at
            return (
                ("truncated", f"ends after {len(data):,} of at least {stop:,} bytes, in chunk {kind.decode()}"),
                frames,
                at,
            )
        if not kind.isalpha():
            return ("bit-rot", f"no chunk where one must begin, at offset {at:,}"), frames, at
        critical = not kind[0] & 0x20
        if critical and zlib.crc32(data[at + 4 : stop - 4]) != int.from_bytes(data[stop - 4 : stop], "big"):
            return ("bad-checksum", f"checksum of chunk {kind.decode()} at offset {at:,} is wrong"), frames, at
        if kind == b"IHDR" and length == 13 and (impossible := _impossible(data[at + 8 : at + 21])) is not None:
            return ("bad-header", impossible), frames, at
        if kind == b"acTL" and length == 8:
            # A number beyond PNG's 31 bits declares nothing.
            frames = int.from_bytes(data[at + 8 : at + 12], "big")
            frames = frames if frames < 1 << 31 else None
        seen_data = seen_data or kind == b"IDAT"
        if kind == b"IEND":
            return (None if seen_data else ("bad-header", "has no image data (no IDAT chunk)")), frames, stop
        at = stop


def _impossible(header: bytes) -> str | None:
    """Words for the first field of an IHDR that no PNG can hold."""
    width, height = int.from_bytes(header[:4], "big"), int.from_bytes(header[4:8], "big")
    depth, colour, compression, filtering, interlace = header[8:13]
    if not 0 < width < 1 << 31 or not 0 < height < 1 << 31:
        return f"its header declares {width:,} x {height:,} pixels"
    if colour not in _DEPTHS:
        return f"its header names colour type {colour}, which does not exist"
    if depth not in _DEPTHS[colour]:
        return f"its header declares {depth} bits a channel, which colour type {colour} does not have"
    if compression or filtering or interlace > 1:
        return f"its header names compression {compression}, filter {filtering}, interlace {interlace}: unknown"
    return None
