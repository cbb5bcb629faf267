"""Small pictures made where they are needed, as bytes."""

from __future__ import annotations

import io
import struct
import zlib
from typing import Any

import numpy as np
from PIL import Image


def smooth(width: int = 96, height: int = 64, *, seed: int = 1) -> Image.Image:
    """Coloured clouds: compressible and structured, as a photograph is."""
    coarse = np.random.default_rng(seed).integers(0, 256, (8, 8, 3), dtype=np.uint8)
    return Image.fromarray(coarse).resize((width, height), Image.Resampling.BICUBIC)


def noise(width: int = 64, height: int = 48, *, seed: int = 1) -> Image.Image:
    return Image.fromarray(np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8))


def encoded(image: Image.Image, format: str, **options: Any) -> bytes:  # noqa: A002
    out = io.BytesIO()
    image.save(out, format, **options)
    return out.getvalue()


def chunk(kind: bytes, body: bytes = b"") -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def header(width: int, height: int, depth: int, colour: int, *rest: int) -> bytes:
    return chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, colour, *(rest or (0, 0, 0))))


def png(*chunks: bytes) -> bytes:
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)


def rows(height: int, row_bytes: int) -> bytes:
    """An IDAT chunk of unfiltered rows that differ."""
    return chunk(b"IDAT", zlib.compress(b"".join(b"\0" + bytes([row % 200]) * row_bytes for row in range(height))))


def spoiled(data: bytes, kind: bytes) -> bytes:
    """The PNG with one bit of the checksum of its first `kind` chunk turned."""
    at = data.index(kind)
    stop = at + 8 + int.from_bytes(data[at - 4 : at], "big")
    return data[: stop - 1] + bytes([data[stop - 1] ^ 1]) + data[stop:]


def segment(marker: int, body: bytes) -> bytes:
    """A JPEG marker segment."""
    return bytes([0xFF, marker]) + struct.pack(">H", len(body) + 2) + body


def tiff_block(value: int, *, order: str = ">", kind: int = 3) -> bytes:
    """A TIFF directory with the orientation tag alone; kind 3 is SHORT, 4 is LONG."""
    cell = struct.pack(order + ("HH" if kind == 3 else "I"), *((value, 0) if kind == 3 else (value,)))
    mark = b"II*\0" if order == "<" else b"MM\0*"
    return mark + struct.pack(order + "IHHHI", 8, 1, 0x0112, kind, 1) + cell + struct.pack(order + "I", 0)


def bitmap_of(colours: list[tuple[int, int, int]], numbers: list[int], width: int) -> bytes:
    """An 8-bit BMP with a colour table; `numbers` from its bottom row up, `width` divisible by 4."""
    start, body = 54 + 4 * len(colours), bytes(numbers)
    head = struct.pack("<IHHI", start + len(body), 0, 0, start)
    info = struct.pack("<IiiHHIIiiII", 40, width, len(body) // width, 1, 8, 0, len(body), 0, 0, len(colours), 0)
    return b"BM" + head + info + b"".join(bytes((*colour[::-1], 0)) for colour in colours) + body


def gif(canvas: tuple[int, int], *boxes: tuple[int, int, int, int]) -> bytes:
    """A GIF with a picture in each box (left, top, width, height), whose pixels count up from 1; not compressed."""
    table = b"".join(bytes([number, number * 3 % 256, number * 7 % 256]) for number in range(256))
    pictures = b"".join(b"\x2c" + struct.pack("<4HB", *box, 0) + _codes(box[2] * box[3]) for box in boxes)
    return b"GIF89a" + struct.pack("<HHBBB", *canvas, 0xF7, 0, 0) + table + pictures + b";"


def _codes(pixels: int) -> bytes:
    """Codes of 9 bits, cleared before they grow (GIF89a, appendix F)."""
    codes = [code for at in range(pixels) for code in ([256] if at % 100 == 0 else []) + [(at + 1) % 256]]
    bits = sum(code << 9 * at for at, code in enumerate([*codes, 257]))
    body = bits.to_bytes(-(-9 * (len(codes) + 1) // 8), "little")
    blocks = [body[at : at + 255] for at in range(0, len(body), 255)]
    return b"\x08" + b"".join(bytes([len(block)]) + block for block in blocks) + b"\0"
