"""JPEG: one strict decode at a reduced scale; only a file that complains is looked at again.

libjpeg-turbo decodes every coefficient even at 1/8, so a scaled decode finds what a full one finds, and its
warnings are the damage that Pillow, OpenCV and TensorFlow accept in silence.
"""

from __future__ import annotations

import re
import struct
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import simplejpeg

from datalint.facts import pixels, sniff
from datalint.facts.pillow import colour_entropy, loads

if TYPE_CHECKING:
    from datalint.facts.model import Facts

MAX_PIXELS = 178_956_970
"""Pillow refuses more as a decompression bomb (twice Image.MAX_IMAGE_PIXELS)."""
_FRAMES = {0xC0, 0xC1, 0xC2, 0xC3, 0xC5, 0xC6, 0xC7, 0xC9, 0xCA, 0xCB, 0xCD, 0xCE, 0xCF}
_PROGRESSIVE = {0xC2, 0xC6, 0xCA, 0xCE}
_ARITHMETIC = {0xC9, 0xCA, 0xCB, 0xCD, 0xCE, 0xCF}
# What libjpeg-turbo decodes at every scale; the binding crashes on others (lossless) when it scales them.
_SCALABLE = {0xC0, 0xC1, 0xC2, 0xC9, 0xCA}
_SEQUENTIAL = {0xC0, 0xC1}
_ALONE = {0x01, *range(0xD0, 0xD9)}
_FIRST_SEGMENT = 0xC0
"""Markers below begin no segment (ITU-T T.81, B.1.1.3); decoders that seek a restart marker step over them."""
_METADATA = {*range(0xE0, 0xF0), 0xFE}
_MODES = {1: "L", 3: "RGB", 4: "CMYK"}
_REFUSALS = (ValueError, RuntimeError, OverflowError)
_SECTOR = 512
_HOLE = re.compile(rb"\x00{256,}")


@dataclass(slots=True)
class _Header:
    frame: int = 0
    precision: int = 0
    width: int = 0
    height: int = 0
    components: int = 0
    orientation: int | None = None
    pictures: int = 1
    metadata: int = 0
    """Bytes of application segments and comments: EXIF, XMP, ICC."""
    scan: int | None = None
    """Offset of the first scan; None where the header does not come to one."""
    first_codes: dict[int, int] = field(default_factory=dict)
    """What the code of zeros alone means in each AC Huffman table of the header."""


def read(facts: Facts, data: bytes) -> None:
    """Fill the facts of one JPEG; raises only MemoryError."""
    facts.format = "jpeg"
    header = _header(data)
    if header.frame:
        facts.size(header.width, header.height, header.components, header.precision)
        facts.mode = _MODES.get(header.components)
        facts.progressive = header.frame in _PROGRESSIVE
    facts.orientation = header.orientation
    facts.frames = header.pictures
    facts.metadata_bytes = header.metadata
    if header.frame and (header.frame not in _SCALABLE or header.precision != 8):
        kind = f"{header.precision}-bit" if header.precision != 8 else "lossless or hierarchical"
        facts.blame("unsupported", "jpeg-variant", f"{kind} JPEG, which training loaders do not decode")
        facts.pillow = loads(data, draft=False)[0]
        facts.tensorflow_refuses()
        return
    if header.width * header.height > MAX_PIXELS:
        facts.blame("oversized", "bomb", f"declares {header.width:,} x {header.height:,} pixels (limit {MAX_PIXELS:,})")
        facts.pillow = False
        return
    scale = _scale(header)
    side = -(-min(header.width, header.height) // scale)
    try:
        plane = simplejpeg.decode_jpeg(data, "GRAY", min_height=side, min_width=side, min_factor=1, strict=True)
    except _REFUSALS as error:
        repaired = _without_stray_bytes(data) if "extraneous bytes before marker" in str(error) else None
        if repaired is None:
            _diagnose(facts, data, header, str(error))
            return
        try:
            plane = simplejpeg.decode_jpeg(repaired, "GRAY", min_height=side, min_width=side, min_factor=1, strict=True)
        except _REFUSALS as deeper:
            _diagnose(facts, data, header, str(deeper))
            return
    facts.pillow = loads(data)[0] if header.frame in _ARITHMETIC else True
    _tensorflow_takes(facts, header)
    trailing = _trailing(data)
    # Cameras pad with zeros after the end of the picture, where they harm nobody.
    hole = _unseen_hole(data, header, len(data) - trailing) if header.frame in _SEQUENTIAL else None
    if hole is not None:
        facts.blame("damaged", "zero-filled", f"zero bytes at offset {hole:,}, which decoders take for pixels")
        return
    facts.trailing_bytes = trailing
    plane = plane[:, :, 0]
    true_scale = max(1, round(header.height / plane.shape[0]))
    pixels.describe(facts, plane, height=header.height / true_scale, width=header.width / true_scale)
    if header.components > 1 and (facts.entropy or 0) < pixels.NEARLY_FLAT:
        facts.colour_entropy = colour_entropy(data, side=side)


def _tensorflow_takes(facts: Facts, header: _Header) -> None:
    """CMYK becomes RGB and never grey; no JPEG becomes RGBA (tensorflow/core/lib/jpeg/jpeg_mem.cc)."""
    cmyk = header.components == 4
    facts.tensorflow_takes(3 if cmyk else header.components, asked=(3,) if cmyk else (1, 3))


def _scale(header: _Header) -> int:
    """The smallest of libjpeg's scales 1/8, 1/4, 1/2, 1 that keeps the shorter side long enough."""
    shorter = min(header.width, header.height)
    return next((scale for scale in (8, 4, 2) if shorter // scale >= pixels.SIDE), 1)


def _header(data: bytes) -> _Header:
    """Walk the marker segments up to the first scan (ITU-T T.81, B.1)."""
    header = _Header()
    at, end = 2, len(data)
    while at + 4 <= end:
        marker = data[at + 1]
        # Decoders step over stray bytes between segments, so the picture's header may come after some.
        if data[at] != 0xFF or marker in (0x00, 0xFF):
            at = data.find(b"\xff", at + 1)
            if at < 0:
                return header
            continue
        if marker in _ALONE:
            at += 2
            continue
        length = (data[at + 2] << 8) | data[at + 3]
        body = at + 4
        if marker in _METADATA:
            header.metadata += min(2 + length, end - at)
        if marker in _FRAMES and body + 6 <= end:
            header.frame = marker
            header.precision, header.height, header.width, header.components = struct.unpack_from(">BHHB", data, body)
        elif marker == 0xE1 and data[body : body + 6] == b"Exif\0\0" and header.orientation is None:
            header.orientation = _orientation(data[body + 6 : at + 2 + length])
        elif marker == 0xE2 and data[body : body + 4] == b"MPF\0":
            header.pictures = _pictures(data[body + 4 : at + 2 + length])
        elif marker == 0xC4:
            _read_tables(header, data[body : at + 2 + length])
        elif marker in (0xDA, 0xD9):
            header.scan = at if marker == 0xDA else None
            return header
        at += 2 + length
    return header


def _read_tables(header: _Header, tables: bytes) -> None:
    """The first value of each AC table of a DHT segment: its code is all zeros (ITU-T T.81, B.2.4.2, C.2)."""
    at = 0
    while at + 17 < len(tables):
        if tables[at] >> 4 == 1:
            header.first_codes[tables[at] & 15] = tables[at + 17]
        at += 17 + sum(tables[at + 1 : at + 17])


def _unseen_hole(data: bytes, header: _Header, end: int) -> int | None:
    """Offset of a sector of zeros in the scan, which stops before `end`, where zeros mean noise.

    Zeros are valid codes, so a decoder may come out of a hole in step, by chance, and not complain. Where they are
    not EOB, each two or three bits are one more coefficient of -1: no picture has that for hundreds of blocks. Where
    they are EOB in every component (optimised tables), they are merely a flat area.
    """
    if header.scan is None or not _zeros_are_noise(data, header):
        return None
    half = _SECTOR // 2
    zeros = bytes(half)
    starts = np.flatnonzero(np.frombuffer(data, np.uint8)[header.scan : end : half] == 0) * half + header.scan
    for at in starts.tolist():
        if data[at : at + half] == zeros:
            start = header.scan + len(data[header.scan : at].rstrip(b"\0"))
            if start + _SECTOR <= end and data[start : start + _SECTOR] == bytes(_SECTOR):
                return start
    return None


def _zeros_are_noise(data: bytes, header: _Header) -> bool:
    """In a scan of all components (ITU-T T.81, B.2.3), when one of them has more to say than EOB with zeros."""
    assert header.scan is not None
    number = data[header.scan + 4]
    if number != header.components:
        return False
    chosen = data[header.scan + 6 : header.scan + 6 + 2 * number : 2]
    return any(header.first_codes.get(tables & 15, 0) for tables in chosen)


def _without_stray_bytes(data: bytes) -> bytes | None:
    """The same picture without bytes that lie between header segments (an editor's wrong segment length).

    Every decoder steps over them and the pixels are whole. None where the stray bytes are not in the header.
    """
    parts, at, stray = [data[:2]], 2, False
    while at + 4 <= len(data):
        if data[at] != 0xFF or data[at + 1] in (0x00, 0xFF):
            at, stray = at + 1, True
            continue
        marker = data[at + 1]
        if marker == 0xDA:
            return b"".join([*parts, data[at:]]) if stray else None
        if marker in (0xD8, 0xD9):
            return None
        if marker in _ALONE:
            at, stray = at + 2, True
            continue
        stop = at + 2 + ((data[at + 2] << 8) | data[at + 3])
        parts.append(data[at:stop])
        at = stop
    return None


def _entries(block: bytes) -> tuple[str, int, int] | None:
    """Byte order, number and offset of the entries of the first TIFF directory."""
    order = {b"II*\0": "<", b"MM\0*": ">"}.get(block[:4])
    if order is None or len(block) < 10:
        return None
    start = struct.unpack_from(order + "I", block, 4)[0]
    if start + 2 > len(block):
        return None
    return order, struct.unpack_from(order + "H", block, start)[0], start + 2


def _orientation(block: bytes) -> int | None:
    """Value of tag 0x0112 (Exif 2.32, 4.6.4), also when it is outside 1 to 8; None where there is none."""
    found = _entries(block)
    if found is None:
        return None
    order, number, start = found
    for place in range(start, min(start + 12 * number, len(block) - 11), 12):
        if struct.unpack_from(order + "H", block, place)[0] == 0x0112:
            # The tag is a SHORT; some editors write a LONG, which other readers take.
            kind = struct.unpack_from(order + "H", block, place + 2)[0]
            return int(struct.unpack_from(order + ("I" if kind == 4 else "H"), block, place + 8)[0])
    return None


def _pictures(block: bytes) -> int:
    """NumberOfImages, tag 0xB001 of the multi-picture format (CIPA DC-007)."""
    found = _entries(block)
    if found is None:
        return 1
    order, number, start = found
    for place in range(start, min(start + 12 * number, len(block) - 11), 12):
        if struct.unpack_from(order + "H", block, place)[0] == 0xB001:
            return int(struct.unpack_from(order + "I", block, place + 8)[0])
    return 1


def _trailing(data: bytes) -> int:
    """Bytes after the end of the first picture; an embedded thumbnail lies in a segment and is stepped over."""
    if data.endswith(b"\xff\xd9") and not _ends_before(data):
        return 0
    end = _end_of_picture(data)
    return 0 if end is None else len(data) - end


def _ends_before(data: bytes) -> bool:
    """Whether an end marker stands somewhere before the last two bytes; several times as fast as bytes.find."""
    values = np.frombuffer(data, np.uint8, len(data) - 2)
    return bool(((values[:-1] == 0xFF) & (values[1:] == 0xD9)).any())


def _end_of_picture(data: bytes) -> int | None:
    """Offset just after the EOI marker, by walking segments and scans; None where it is missing."""
    at = 2
    while True:
        at = data.find(b"\xff", at)
        if at < 0 or at + 1 >= len(data):
            return None
        marker = data[at + 1]
        if marker == 0xD9:
            return at + 2
        if marker < _FIRST_SEGMENT or marker == 0xFF or marker in _ALONE:
            at += 1 if marker == 0xFF else 2
            continue
        if at + 4 > len(data):
            return None
        at += 2 + ((data[at + 2] << 8) | data[at + 3])


def _diagnose(facts: Facts, data: bytes, header: _Header, complaint: str) -> None:
    """Name the cause of a strict refusal, and whether Pillow and TensorFlow would refuse too."""
    decodes, words = loads(data)
    facts.pillow = decodes
    # TensorFlow 2.21 refuses what libjpeg calls a premature end of the *file*, and accepts other warnings.
    end = _end_of_picture(data)
    cut = "Premature end of JPEG file" in complaint or end is None
    if decodes and not cut:
        _tensorflow_takes(facts, header)
    else:
        facts.tensorflow_refuses()
    cause, detail = _cause(data, header, end, complaint)
    facts.blame("damaged", cause, detail if decodes else f"{detail}; {words}")


def _cause(data: bytes, header: _Header, end: int | None, complaint: str) -> tuple[str, str]:
    tail = len(data) - len(data.rstrip(b"\0"))
    if sniff.grown_line_ends(data):
        return "crlf-mangled", "every line feed follows a carriage return: its line ends were converted as if text"
    if end is None and tail >= 64:
        return "zero-filled", f"its last {tail:,} of {len(data):,} bytes are zero: a write or download did not finish"
    if end is None:
        return "truncated", f"ends after {len(data):,} bytes without its end marker ({complaint})"
    if header.scan is None or not header.frame:
        return "bad-header", f"its header is damaged ({complaint})"
    hole = _HOLE.search(data)
    if hole is not None and (hole.end() - hole.start()) >= 256:
        return "zero-filled", f"{hole.end() - hole.start():,} zero bytes at offset {hole.start():,} ({complaint})"
    return "bit-rot", f"its data is damaged ({complaint})"
