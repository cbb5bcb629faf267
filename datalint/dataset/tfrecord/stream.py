"""The bytes of a shard, decompressed in TensorFlow's own steps: both lose the same one where the stream is damaged."""

from __future__ import annotations

import os
import struct
import zlib
from typing import TYPE_CHECKING, Protocol

from datalint.dataset.tfrecord.checksum import masked

if TYPE_CHECKING:
    from typing import BinaryIO

    from datalint.entry import Codec

HEADER = struct.Struct("<QI")
"""Length of a record and the masked CRC32C of that length; after the record its own follows (4 bytes)."""
STEP = 256 << 10
"""Bytes that are read, and at most made of them, at once: tf.data's buffers of both (ZlibCompressionOptions)."""
_BOMB, _RATIO = 256 << 20, 200
"""A record beyond so many bytes, and so many times what was read of the file, is a bomb (deflate gives up to 1,032)."""
_WINDOWS = {"gzip": 31, "zlib": 15}
"""`wbits` of zlib for the two containers (RFC 1952, RFC 1950)."""


class Stream(Protocol):
    """A shard from its start; `fault` says why it ended early, `cut` that its end marker is missing."""

    fault: str | None
    cut: bool
    packed: bool
    """Whether it is compressed."""

    def read(self, size: int) -> bytes:
        """`size` bytes, fewer at the end or before what cannot be decompressed."""
        ...

    def skip(self, size: int) -> bool:
        """Pass over bytes; False where there are not as many."""
        ...


def codec_of(head: bytes) -> Codec:
    """By the first bytes: a length with its right CRC is no compression, whatever it looks like."""
    if len(head) < HEADER.size or framed(head):
        return "plain"
    if head.startswith(b"\x1f\x8b\x08"):
        return "gzip"
    # RFC 1950: deflate with a window of 32 KiB, and a multiple of 31.
    return "zlib" if head[0] == 0x78 and (head[0] << 8 | head[1]) % 31 == 0 else "plain"


def framed(head: bytes) -> bool:
    """Whether they begin a record."""
    if len(head) < HEADER.size:
        return False
    crc: int = HEADER.unpack_from(head)[1]
    return masked(head[:8]) == crc


def framed_inside(head: bytes) -> bool:
    """The same of what they decompress to."""
    codec = codec_of(head)
    if codec == "plain":
        return framed(head)
    try:
        return framed(zlib.decompressobj(_WINDOWS[codec]).decompress(head, HEADER.size))
    except zlib.error:
        return False


def open_stream(file: BinaryIO, codec: Codec) -> Stream:
    """Of a file that is open at its start, without a buffer of its own."""
    return Plain(file) if codec == "plain" else Inflated(file, _WINDOWS[codec])


class Plain:
    fault: str | None = None
    cut = packed = False

    def __init__(self, file: BinaryIO) -> None:
        self._file = file

    def read(self, size: int) -> bytes:
        if size > STEP:
            # A length may state anything, and Python reserves as much before it reads.
            size = min(size, max(0, os.fstat(self._file.fileno()).st_size - self._file.tell()))
        data = self._file.read(size)
        # Linux returns at most 2 GiB less 4 KiB at once.
        while 0 < len(data) < size and (more := self._file.read(size - len(data))):
            data += more
        return data

    def skip(self, size: int) -> bool:
        at = self._file.tell()
        end = self._file.seek(0, 2)
        self._file.seek(min(end, at + size))
        return at + size <= end


class Inflated:
    """A gzip of one or several members, or a zlib stream."""

    packed = True

    def __init__(self, file: BinaryIO, window: int) -> None:
        self._file = file
        self._window = window
        self._inflater = zlib.decompressobj(window)
        self._waiting = b""
        self._made = b""
        self._begun = False
        self._consumed = 0
        self.fault: str | None = None
        self.cut = False

    def read(self, size: int) -> bytes:
        if size <= len(self._made):
            data, self._made = self._made[:size], self._made[size:]
            return data
        parts = []
        whole = 0
        while size and (self._made or self._more()):
            part = self._made[:size]
            parts.append(part)
            size -= len(part)
            whole += len(part)
            self._made = self._made[len(part) :]
            if whole > _BOMB and whole > _RATIO * self._consumed:
                self.fault = f"it is more than {_RATIO} times as long as the whole file up to there, and was not held"
                break
        return b"".join(parts)

    def skip(self, size: int) -> bool:
        while size and (data := self.read(min(size, STEP))):
            size -= len(data)
        return not size

    def _more(self) -> bool:
        """One step; False at the end. Its output is lost where the step fails, as in tf.data."""
        while self.fault is None:
            try:
                self._made = self._inflater.decompress(self._waiting, STEP)
            except zlib.error as error:
                self.fault = _words(error)
                return False
            self._waiting = self._inflater.unconsumed_tail
            if self._inflater.eof:
                self._next_member()
            if self._made:
                return True
            if not self._waiting:
                self._waiting = self._file.read(STEP)
                self._consumed += len(self._waiting)
                if not self._waiting:
                    self.cut = self._begun
                    return False
                self._begun = True
        return False

    def _next_member(self) -> None:
        if self._window == _WINDOWS["gzip"]:
            self._waiting = self._inflater.unused_data
            self._inflater = zlib.decompressobj(self._window)
            self._begun = bool(self._waiting)
        else:
            # What follows a zlib stream is nothing to anybody.
            self._begun = False
            self._waiting = b""
            self._file.seek(0, 2)


def _words(error: zlib.error) -> str:
    """`Error -3 while decompressing data: invalid block type` -> the end of it."""
    return str(error).rpartition(": ")[2]
