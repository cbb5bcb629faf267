"""Bytes of one record inside a larger file: a TFRecord's image, a member of a tar, a cell of a Parquet file."""

from __future__ import annotations

import gzip
import io
import os
import zlib
from typing import TYPE_CHECKING, Any, BinaryIO, cast

from datalint.source.table_cells import TableReader

if TYPE_CHECKING:
    from datalint.entry import PartLocator

_STEP = 1 << 20
"""Bytes that are decompressed at once."""


class PartReader:
    """Reads parts; those of one compressed file are cheap in the order of their offsets."""

    def __init__(self) -> None:
        self._place: tuple[str, str] | None = None
        self._stream: BinaryIO | None = None
        self._tables = TableReader()

    def read(self, part: PartLocator) -> bytes:
        """Its bytes, fewer where the file ends before; raises OSError, also for what cannot be decompressed."""
        if part.codec == "plain":
            return _slice(part.path, part.offset, part.size)
        if part.codec == "parquet":
            return self._tables.read(part)
        stream = self._at(part)
        try:
            stream.seek(part.offset)
            return stream.read(part.size)
        except (EOFError, zlib.error) as error:
            self.close()
            raise OSError(f"cannot be decompressed up to there: {error}") from error

    def _at(self, part: PartLocator) -> BinaryIO:
        if self._place != (part.path, part.codec) or self._stream is None:
            self.close()
            self._stream = open_stream(part.path, part.codec)
            self._place = (part.path, part.codec)
        return self._stream

    def close(self) -> None:
        """Let go of the file that is open."""
        self._tables.close()
        if self._stream is not None:
            self._stream.close()
        self._stream = self._place = None


def open_stream(path: str, codec: str) -> BinaryIO:
    """The decompressed bytes of a whole file (plain, gzip or zlib); raises OSError."""
    if codec == "gzip":
        return cast("BinaryIO", gzip.open(path))
    file = open(path, "rb")  # noqa: SIM115 - the caller closes it
    return file if codec == "plain" else cast("BinaryIO", io.BufferedReader(_Inflated(file), _STEP))


class _Inflated(io.RawIOBase):
    """A zlib stream (RFC 1950) that is read and sought forwards; to go backwards it starts again."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._rewind()

    def _rewind(self) -> None:
        self._file.seek(0)
        self._inflater = zlib.decompressobj()
        self._at = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        if whence != os.SEEK_SET:
            raise io.UnsupportedOperation("only from the start")
        if offset < self._at:
            self._rewind()
        while self._at < offset and self._some(min(_STEP, offset - self._at)):
            pass
        return self._at

    def readinto(self, buffer: Any) -> int:
        data = self._some(len(buffer))
        buffer[: len(data)] = data
        return len(data)

    def _some(self, size: int) -> bytes:
        """At most `size` bytes; none at the end."""
        while not self._inflater.eof:
            waiting = self._inflater.unconsumed_tail
            source = waiting or self._file.read(_STEP)
            data = self._inflater.decompress(source, size)
            if data:
                self._at += len(data)
                return data
            if not source:
                raise EOFError("the zlib stream ends before its end marker")
        return b""

    def close(self) -> None:
        self._file.close()
        super().close()


def _slice(path: str, offset: int, size: int) -> bytes:
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        data = os.pread(descriptor, size, offset)
        while 0 < len(data) < size and (more := os.pread(descriptor, size - len(data), offset + len(data))):
            data += more
        return data
    finally:
        os.close(descriptor)
