"""Identity of bytes: git's own blob id, so that the work tree, the index and a commit share one cache."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import BinaryIO

_CHUNK = 1 << 20


def content_id(data: bytes | bytearray | memoryview) -> str:
    r"""`git:` and the SHA-1 of `blob <length>\0` and the bytes (git-hash-object)."""
    digest = _begun(len(data))
    digest.update(data)
    return f"git:{digest.hexdigest()}"


def content_id_of(file: BinaryIO, size: int) -> str:
    """The same of a file of `size` bytes that need not be in memory at once."""
    return f"git:{digested(file, _begun(size))}"


def digested(file: BinaryIO, digest: hashlib._Hash) -> str:
    """Hexadecimal hash of the rest of a file, read in parts."""
    while part := file.read(_CHUNK):
        digest.update(part)
    return digest.hexdigest()


def _begun(size: int) -> hashlib._Hash:
    return hashlib.sha1(b"blob %d\0" % size, usedforsecurity=False)
