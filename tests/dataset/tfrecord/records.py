"""Writes Examples and shards by hand, so that a test may write them wrong; test_oracle.py holds it to TensorFlow."""

from __future__ import annotations

import gzip
import io
import random
import struct
import zlib
from typing import TYPE_CHECKING

import google_crc32c
from PIL import Image

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    Value = bytes | str | int | float | Sequence[bytes] | Sequence[int] | Sequence[float] | None


def varint(number: int) -> bytes:
    number &= (1 << 64) - 1
    parts = bytearray()
    while number > 0x7F:
        parts.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*parts, number])


def message(number: int, body: bytes) -> bytes:
    """A field of bytes."""
    return varint(number << 3 | 2) + varint(len(body)) + body


def feature(value: Value) -> bytes:
    """Message Feature: a list of bytes, floats or integers by the type of its values; None for one without a list."""
    if value is None:
        return b""
    values = [value] if isinstance(value, bytes | str | int | float) else list(value)
    if not values or isinstance(values[0], bytes | str):
        texts = [each.encode() if isinstance(each, str) else each for each in values]
        return message(1, b"".join(message(1, text) for text in texts if isinstance(text, bytes)))
    if isinstance(values[0], float):
        return message(2, message(1, struct.pack(f"<{len(values)}f", *values)))
    return message(3, message(1, b"".join(varint(each) for each in values if isinstance(each, int))))


def features(values: Mapping[str, Value]) -> bytes:
    entries = (message(1, message(1, name.encode()) + message(2, feature(value))) for name, value in values.items())
    return b"".join(entries)


def example(values: Mapping[str, Value] | None = None, **more: Value) -> bytes:
    """Message Example."""
    return message(1, features({**(values or {}), **more}))


def sequence(context: Mapping[str, Value], lists: Mapping[str, Sequence[Value]]) -> bytes:
    """Message SequenceExample."""
    found = [
        message(1, message(1, name.encode()) + message(2, b"".join(message(1, feature(step)) for step in steps)))
        for name, steps in lists.items()
    ]
    return message(1, features(context)) + message(2, b"".join(found))


def masked(data: bytes) -> bytes:
    crc = google_crc32c.value(data)
    return struct.pack("<I", ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF)


def framed(data: bytes) -> bytes:
    length = struct.pack("<Q", len(data))
    return length + masked(length) + data + masked(data)


def shard(records: Iterable[bytes], codec: str = "plain") -> bytes:
    """The bytes of a file."""
    content = b"".join(map(framed, records))
    return {"plain": bytes, "gzip": lambda data: gzip.compress(data, mtime=0), "zlib": zlib.compress}[codec](content)


def write(path: Path, records: Iterable[bytes], codec: str = "plain") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(shard(records, codec))
    return path


def png(seed: int, size: tuple[int, int] = (12, 10)) -> bytes:
    """A small picture; each seed makes another."""
    file = io.BytesIO()
    Image.frombytes("L", size, random.Random(seed).randbytes(size[0] * size[1])).save(file, "PNG")
    return file.getvalue()
