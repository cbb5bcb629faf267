"""PNG: every checksum before any decoding, because Pillow accepts wrong ones."""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from datalint.facts import pillow

if TYPE_CHECKING:
    from collections.abc import Iterator

    from datalint.facts.model import Facts


_LATER_FRAMES = {b"fcTL", b"fdAT"}
_DEPTHS = {0: (1, 2, 4, 8, 16), 2: (8, 16), 3: (1, 2, 4, 8), 4: (8, 16), 6: (8, 16)}
"""Bit depths by colour type (PNG specification, 11.2.1)."""
_ADAM7 = ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2))
_PIECE = 1 << 20
# libpng reads the data in pieces of this size (PNG_ZBUF_SIZE), and looks at a checksum only where it has read it.
_READ = 8192
_WINDOW = 1 << 15
"""Bytes that deflate may reach back at most, and does unless a header says less (RFC 1950, 2.2)."""
_MAX_SIDE = 1_000_000
"""PNG_USER_WIDTH_MAX and PNG_USER_HEIGHT_MAX of libpng, in pixels."""
_CHANNELS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}


@dataclass(slots=True)
class _Walk:
    """What the chunks tell: `fatal` of damage, `minor` for decoders that mind ancillary chunks."""

    fatal: tuple[str, str] | None = None
    minor: str | None = None
    foreign: str | None = None
    """Nothing is wrong, and libpng refuses it: words."""
    frame: str | None = None
    """A later frame's data is wrong."""
    frames: int | None = None
    """As declared by acTL."""
    stored: tuple[int, int, int, int] | None = None
    """Width, height, channels and bits a channel."""
    colour: int = 0
    """Colour type."""
    interlaced: bool = False
    colours: int | None = None
    """Of its palette; None where none has come."""
    transparent: bool = False
    """It has a tRNS chunk that libpng takes."""
    parts: list[slice] = field(default_factory=list)
    """Where the bodies of the IDAT chunks lie that follow one another; decoders stop at another chunk."""
    end: int = 8


def read(facts: Facts, data: bytes) -> None:
    """Walk the chunks (PNG specification, 5.3), then decode; raises only MemoryError."""
    facts.format = "png"
    walk = _walk(data)
    doubtful = pillow.read(facts, data, "png", taller=_taller(data, walk))
    if walk.stored is not None:
        # Pillow widens 2 and 4 bits to 8, reduces 16-bit colour to 8, adds channels to 16-bit grey with alpha, and
        # says nothing about what it refuses.
        facts.size(*walk.stored)
    facts.tensorflow_unknown()
    if facts.status == "oversized":
        return
    if walk.frames is not None and (facts.frames or 1) < walk.frames:
        facts.frames = walk.frames
    # The chunk walk names the cause better than the decoder that stumbled over it.
    if walk.fatal is not None:
        cause, detail = walk.fatal
        facts.status, facts.cause, facts.detail = "damaged", cause, detail
        facts.tensorflow_refuses()
        return
    trouble = _trouble(data, walk) if not facts.pillow or doubtful or _near_window(data, walk) else None
    if not facts.pillow:
        # libpng passes over metadata and later frames that Pillow minds, but nobody asked it; it leaves out an
        # ancillary chunk whose checksum is wrong (png_crc_finish).
        if trouble is not None and trouble.refused:
            facts.tensorflow_refuses()
        elif facts.cause == "bad-header" and walk.minor is not None:
            _taken(facts, walk)
        if facts.cause == "bad-header" and walk.minor is not None:
            facts.cause, facts.detail = "bad-checksum", walk.minor
        return
    _taken(facts, walk)
    if trouble is not None and trouble.refused:
        facts.tensorflow_refuses()
    if trouble is not None and trouble.cause is not None:
        facts.blame("damaged", trouble.cause, trouble.words)
    elif walk.frame is not None:
        facts.blame("damaged", "bad-checksum", walk.frame)
    if facts.status == "ok":
        facts.trailing_bytes = len(data) - walk.end
        facts.detail = trouble.words if trouble is not None else walk.foreign


def _taken(facts: Facts, walk: _Walk) -> None:
    """What libpng gives, as TensorFlow asks it (tensorflow/core/lib/png/png_io.cc)."""
    if walk.foreign is not None:
        facts.tensorflow_refuses()
        return
    _, _, channels, bits = walk.stored or (0, 0, 0, 0)
    facts.tensorflow_takes((4 if walk.transparent else 3) if walk.colour == 3 else channels)
    if bits < 8 and not walk.transparent:
        # It widens the pixels to 8 bits and not the alpha that it adds, which stays 1, 3 or 15.
        facts.misread = "alpha"


def _taller(data: bytes, walk: _Walk) -> bytes | None:
    """The same picture with one row more in its header: Pillow then reads the data to its end, as libpng does.

    None where that does not work: interlaced rows are not in this order, and frames have a size of their own.
    """
    if walk.fatal is not None or walk.stored is None or walk.interlaced or walk.frames is not None:
        return None
    width, height = walk.stored[:2]
    if width * (height + 1) > pillow.MAX_PIXELS:
        return None
    header = data[12:20] + struct.pack(">I", height + 1) + data[24:29]
    return b"".join((data[:12], header, struct.pack(">I", zlib.crc32(header)), memoryview(data)[33:]))


def _walk(data: bytes) -> _Walk:
    walk = _Walk()
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
        sound = zlib.crc32(data[at + 4 : stop - 4]) == int.from_bytes(data[stop - 4 : stop], "big")
        if not sound:
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
        body = data[at + 8 : stop - 4] if kind in (b"IHDR", b"acTL") else b""
        wrong_header = _enter(walk, kind, body, at, length) if kind[0] & 0x20 == 0 else None
        if wrong_header is not None:
            walk.fatal = ("bad-header", wrong_header)
            return walk
        if kind == b"tRNS" and sound and not walk.parts:
            walk.transparent = walk.transparent or _transparent(walk, length)
        if kind == b"acTL" and length == 8:
            # A number beyond PNG's 31 bits declares nothing.
            frames = int.from_bytes(body[:4], "big")
            walk.frames = frames if frames < 1 << 31 else None
        if kind == b"IDAT" and (not walk.parts or walk.parts[-1].stop + 4 == at):
            walk.parts.append(slice(at + 8, stop - 4))
        walk.end = stop
        if kind == b"IEND":
            walk.fatal = None if walk.parts else ("bad-header", "has no image data (no IDAT chunk)")
            return walk


def _enter(walk: _Walk, kind: bytes, body: bytes, at: int, length: int) -> str | None:
    """Take note of a critical chunk; words for what libpng and the specification (5.6, 11.2) do not allow."""
    if kind == b"IHDR":
        if at != 8:
            return f"has a second header (chunk IHDR) at offset {at:,}"
        width, height, depth, walk.colour = struct.unpack_from(">IIBB", body)
        impossible = _impossible(body)
        if impossible is not None:
            return impossible
        walk.stored = (width, height, _CHANNELS[walk.colour], depth)
        walk.interlaced = body[12] == 1
        if max(width, height) > _MAX_SIDE:
            walk.foreign = f"it takes no side of more than {_MAX_SIDE:,} pixels"
    elif kind == b"PLTE" and not walk.parts:
        if walk.colours is not None:
            return f"has a second palette (chunk PLTE) at offset {at:,}"
        walk.colours = length // 3
        if walk.colour == 3 and (length % 3 or not 0 < length <= 768):
            return f"its palette is {length:,} bytes long"
    elif kind == b"IDAT":
        if walk.colour == 3 and walk.colours is None:
            return "its pixels name colours of a palette that it does not have"
    elif kind not in (b"PLTE", b"IEND") and walk.foreign is None:
        walk.foreign = f"its chunk {kind.decode('ascii')} at offset {at:,} is critical and in no specification"
    return None


def _transparent(walk: _Walk, length: int) -> bool:
    """Whether libpng takes a tRNS chunk of that length (png_handle_tRNS)."""
    if walk.colour != 3:
        return length == {0: 2, 2: 6}.get(walk.colour)
    bits = walk.stored[3] if walk.stored is not None else 0
    return walk.colours is not None and 0 < length <= min(walk.colours, 1 << bits)


@dataclass(frozen=True, slots=True)
class _Trouble:
    """With the image data."""

    words: str
    cause: str | None = None
    """Of the damage; None where nothing is lost."""
    refused: bool = True
    """By libpng."""


def _near_window(data: bytes, walk: _Walk) -> bool:
    """Whether the image data says that it reaches back less far than it could."""
    first = next((data[part.start] for part in walk.parts if part.stop > part.start), 0x70)
    return 1 << (first >> 4) + 8 < min(_WINDOW, sum(rows * size for rows, size in _rows(walk)))


def _rows(walk: _Walk) -> list[tuple[int, int]]:
    """How many rows of how many bytes each pass has before they are compressed."""
    if walk.stored is None:
        return []
    width, height, channels, bits = walk.stored
    passes = _passes(width, height) if walk.interlaced else [(width, height)]
    return [(rows, 1 + -(-columns * channels * bits // 8)) for columns, rows in passes if columns]


def _trouble(data: bytes, walk: _Walk) -> _Trouble | None:
    """What libpng makes of the image data (png_read_IDAT_data): it wants more than Pillow, every row and the end.

    A wrong checksum stops it only where it comes in the same piece as the last pixels, and a missing end only where
    no byte follows them.
    """
    reader, passes, got = _Reader(_pieces(data, walk)), _rows(walk), 0
    try:
        for rows, size in passes:
            for _ in range(rows):
                made = reader.read(size)
                got += made
                if made < size:
                    wanted = sum(rows * size for rows, size in passes)
                    return _Trouble(f"its image data ends after {got:,} of {wanted:,} bytes", "truncated")
    except zlib.error as error:
        if "too far back" in str(error):
            return _Trouble("its image data reaches farther back than its header says")
        if "data check" in str(error):
            return _Trouble("its image data is not what its checksum says", "bad-checksum")
        return _Trouble(f"its image data does not inflate ({error})", "bit-rot")
    return reader.trouble_at_end()


def _pieces(data: bytes, walk: _Walk) -> Iterator[bytes]:
    for part in walk.parts:
        for at in range(part.start, part.stop, _READ):
            yield data[at : min(at + _READ, part.stop)]


class _Reader:
    """Inflates image data piece by piece, as libpng reads it."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self.pieces = pieces
        self.inflater = zlib.decompressobj(wbits=0)
        self.waiting = b""

    def read(self, size: int) -> int:
        """How many of so many bytes there are; raises zlib.error. It asks for more before it takes what is pending."""
        missing = size
        while missing and not self.inflater.eof and self._waits():
            missing -= len(self.inflater.decompress(self.waiting, missing))
            self.waiting = self.inflater.unconsumed_tail
        return size - missing

    def _waits(self) -> bool:
        self.waiting = self.waiting or next(self.pieces, b"")
        return bool(self.waiting)

    def trouble_at_end(self) -> _Trouble | None:
        """Once libpng has every row it looks at one piece more, and at all of them where that one holds more pixels."""
        surplus, looked = 0, False
        try:
            while not self.inflater.eof:
                if not self._waits():
                    refused = surplus > 0 or not looked
                    return _Trouble("its image data ends before its checksum", "truncated", refused=refused)
                surplus += len(self.inflater.decompress(self.waiting, _PIECE))
                self.waiting, looked = self.inflater.unconsumed_tail, True
        except zlib.error:
            return _Trouble("its image data is not what its checksum says", "bad-checksum", refused=False)
        return None


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
