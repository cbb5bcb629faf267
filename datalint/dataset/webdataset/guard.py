"""Bytes of an archive on their way to tarfile, which trusts what a header says of its own length.

An extended header may ask for gigabytes, hold a number of a million digits (CPython gh-121285, quadratic) or records
that overlap (gh-130577, endless): those are refused before tarfile sees them.
"""

from __future__ import annotations

import os
import re
import tarfile
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import BinaryIO

_BLOCK = tarfile.BLOCKSIZE
_MOST = 1 << 20
"""Bytes of an extended header: a path is at most 4,096, extended attributes at most 64 KiB each (Linux)."""
_PAX = frozenset((tarfile.XHDTYPE, tarfile.XGLTYPE, tarfile.SOLARIS_XHDTYPE))
_EXTENDED = _PAX | {tarfile.GNUTYPE_LONGNAME, tarfile.GNUTYPE_LONGLINK}
_DIGITS = re.compile(rb"[0-9]{512}")
_RECORD = re.compile(rb"([0-9]{1,7}) ")


class Guarded:
    """A file as tarfile asks for one; `read` raises tarfile.ReadError for what no archive of a dataset holds."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._extended = b""
        """Type of the extended header whose content is read next."""

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        self._extended = b""
        return self._stream.seek(offset, whence)

    def tell(self) -> int:
        return self._stream.tell()

    def read(self, size: int) -> bytes:
        """What follows, of a header or one of its extensions."""
        if not 0 <= size <= _MOST:
            raise tarfile.ReadError(f"a header of {size:,} bytes")
        data = self._stream.read(size)
        if self._extended:
            if self._extended in _PAX:
                _check_records(data)
            self._extended = b""
        else:
            self._extended = _extended(data)
        return data

    def content(self, offset: int, size: int) -> bytes:
        """Bytes of a member."""
        self._stream.seek(offset)
        return self._stream.read(size)

    def rest(self, most: int) -> tuple[int, bytes]:
        """Where the first byte that is not zero lies from here on, and a block from there; empty for none in `most`."""
        at = self._stream.tell()
        end = at + most
        while at < end and (data := self._stream.read(1 << 16)):
            if any(data):
                skipped = len(data) - len(data.lstrip(b"\0"))
                return at + skipped, data[skipped : skipped + _BLOCK]
            at += len(data)
        return at, b""


def is_header(block: bytes) -> bool:
    """Whether its checksum holds (POSIX.1-2008, ustar: the sum of all bytes, those of the sum itself as blanks)."""
    try:
        written = int(block[148:156].strip(b" \0"), 8)
    except ValueError:
        return False
    return len(block) == _BLOCK and written == sum(block) - sum(block[148:156]) + 8 * ord(" ")


def _extended(block: bytes) -> bytes:
    """Type of an extended header; a block of a sparse file's map only looks like one until its sum is checked."""
    kind = block[156:157]
    return kind if kind in _EXTENDED and is_header(block) else b""


def _check_records(data: bytes) -> None:
    """Records of a length, a blank, keyword=value and a line feed, up to the padding (POSIX.1-2008, pax)."""
    if _DIGITS.search(data):
        raise tarfile.ReadError("a number of more than 511 digits in a pax header")
    at = 0
    while at < len(data) and data[at]:
        match = _RECORD.match(data, at)
        end = at + int(match[1]) if match else 0
        if match is None or end <= match.end() or data[end - 1 : end] != b"\n" or b"=" not in data[match.end() : end]:
            raise tarfile.ReadError("a pax header with a damaged record")
        at = end
