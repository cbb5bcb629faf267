"""PNG: every checksum before any decoding, because Pillow accepts wrong ones."""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from datalint.facts import pillow

if TYPE_CHECKING:
    from datalint.facts.model import Facts


_LATER_FRAMES = {b"fcTL", b"fdAT"}
_DEPTHS = {0: (1, 2, 4, 8, 16), 2: (8, 16), 3: (1, 2, 4, 8), 4: (8, 16), 6: (8, 16)}
"""Bit depths by colour type (PNG specification, 11.2.1)."""
_ADAM7 = ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2))
_PIECE = 1 << 20
_CHANNELS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}


@dataclass(slots=True)
class _Walk:
    """What the chunks tell: `fatal` for every decoder, `minor` for those that mind ancillary chunks."""

    fatal: tuple[str, str] | None = None
    minor: str | None = None
    frame: str | None = None
    """A later frame's data is wrong."""
    frames: int | None = None
    """As declared by acTL."""
    stored: tuple[int, int, int, int] | None = None
    """Width, height, channels and bits a channel."""
    interlaced: bool = False
    parts: list[slice] = field(default_factory=list)
    """Where the bodies of the IDAT chunks lie."""
    end: int = 8


def read(facts: Facts, data: bytes) -> None:
    """Walk the chunks (PNG specification, 5.3), then decode; raises only MemoryError."""
    facts.format = "png"
    walk = _walk(data)
    blank_end = pillow.read(facts, data, "png")
    if walk.stored is not None:
        # Pillow widens 2 and 4 bits to 8, reduces 16-bit colour to 8, adds channels to 16-bit grey with alpha, and
        # says nothing about what it refuses.
        facts.size(*walk.stored)
    if facts.pillow is False and walk.fatal is None and _missing(data, walk) is None:
        # libpng passes over metadata and later frames that Pillow minds, but nobody asked it.
        facts.tensorflow = None
    if facts.status == "oversized":
        return
    if walk.frames is not None and (facts.frames or 1) < walk.frames:
        facts.frames = walk.frames
    # The chunk walk names the cause better than the decoder that stumbled over it.
    if walk.fatal is not None:
        cause, detail = walk.fatal
        facts.status, facts.cause, facts.detail = "damaged", cause, detail
        facts.tensorflow = False
    elif facts.cause == "bad-header" and walk.minor is not None:
        facts.cause, facts.detail = "bad-checksum", walk.minor
        # libpng leaves out an ancillary chunk whose checksum is wrong (png_crc_finish).
        facts.tensorflow = facts.tensorflow is None
    elif walk.frame is not None:
        facts.blame("damaged", "bad-checksum", walk.frame)
    elif facts.pillow and (blank_end or walk.interlaced) and (missing := _missing(data, walk)) is not None:
        facts.blame("damaged", "truncated", missing)
        facts.tensorflow = False
    elif facts.status == "ok":
        facts.trailing_bytes = len(data) - walk.end


def _walk(data: bytes) -> _Walk:
    walk, wants_palette = _Walk(), False
    while True:
        at = walk.end
        if at + 12 > len(data):
            walk.fatal = ("truncated", f"ends after {len(data):,} bytes without its end chunk")
            return walk
        length = int.from_bytes(data[at : at + 4], "big")
        kind = data[at + 4 : at + 8]
        stop = at + 12 + length
        if not kind.isalpha():
            walk.fatal = ("bit-rot", f"no chunk where one must begin, at offset {at:,}")
            return walk
        name = kind.decode("ascii")
        if stop > len(data):
            walk.fatal = ("truncated", f"ends after {len(data):,} of at least {stop:,} bytes, in chunk {name}")
            return walk
        if zlib.crc32(data[at + 4 : stop - 4]) != int.from_bytes(data[stop - 4 : stop], "big"):
            wrong = f"checksum of chunk {name} at offset {at:,} is wrong"
            if kind[0] & 0x20 == 0:
                walk.fatal = ("bad-checksum", wrong)
                return walk
            walk.minor = walk.minor or wrong
            if kind in _LATER_FRAMES:
                walk.frame = walk.frame or wrong
        if at == 8 and (kind != b"IHDR" or length != 13):
            walk.fatal = ("bad-header", f"begins with chunk {name} of {length:,} bytes, not with its header")
            return walk
        if kind == b"IHDR" and length == 13:
            width, height, depth, colour = struct.unpack_from(">IIBB", data, at + 8)
            impossible = _impossible(data[at + 8 : at + 21])
            if impossible is not None:
                walk.fatal = ("bad-header", impossible)
                return walk
            walk.stored = (width, height, _CHANNELS[colour], depth)
            walk.interlaced = data[at + 20] == 1
            wants_palette = colour == 3
        wants_palette = wants_palette and kind != b"PLTE"
        if kind == b"acTL" and length == 8:
            # A number beyond PNG's 31 bits declares nothing.
            frames = int.from_bytes(data[at + 8 : at + 12], "big")
            walk.frames = frames if frames < 1 << 31 else None
        if kind == b"IDAT":
            if wants_palette:
                walk.fatal = ("bad-header", "its pixels name colours of a palette that it does not have")
                return walk
            walk.parts.append(slice(at + 8, stop - 4))
        walk.end = stop
        if kind == b"IEND":
            walk.fatal = None if walk.parts else ("bad-header", "has no image data (no IDAT chunk)")
            return walk


def _missing(data: bytes, walk: _Walk) -> str | None:
    """Words where the image data is not enough for every row; libpng refuses that, Pillow does not."""
    if walk.stored is None:
        return None
    width, height, channels, bits = walk.stored
    wanted = sum(
        rows * (1 + -(-columns * channels * bits // 8))
        for columns, rows in (_passes(width, height) if walk.interlaced else [(width, height)])
        if columns
    )
    inflater, got = zlib.decompressobj(), 0
    try:
        for part in walk.parts:
            rest = data[part]
            while rest and got < wanted:
                got += len(inflater.decompress(rest, _PIECE))
                rest = inflater.unconsumed_tail
    except zlib.error as error:
        return f"its image data does not inflate ({error})"
    got += len(inflater.flush(1)) if got < wanted else 0
    return f"its image data ends after {got:,} of {wanted:,} bytes" if got < wanted else None


def _passes(width: int, height: int) -> list[tuple[int, int]]:
    """Columns and rows of each pass of Adam7 (PNG specification, 8.2)."""
    return [
        (-(-max(0, width - left) // across), -(-max(0, height - top) // down)) for left, top, across, down in _ADAM7
    ]


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
