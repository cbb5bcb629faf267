"""Identity of bytes: git's own blob id, so that the work tree, the index and a commit share one cache.

It is made as the repository makes its own, which is SHA-1 unless git-init was told otherwise.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from typing import BinaryIO

Algorithm = Literal["sha1", "sha256"]
"""Of a repository: `extensions.objectFormat` (git-config)."""
_CHUNK = 1 << 20
_DIGITS = {"sha1": 40, "sha256": 64}


def content_id(data: bytes | bytearray | memoryview, algorithm: Algorithm = "sha1") -> str:
    r"""`git:` and the hash of `blob <length>\0` and the bytes (git-hash-object)."""
    digest = _begun(len(data), algorithm)
    digest.update(data)
    return f"git:{digest.hexdigest()}"


def content_id_of(file: BinaryIO, size: int, algorithm: Algorithm = "sha1") -> str:
    """The same of a file of `size` bytes that need not be in memory at once."""
    return f"git:{digested(file, _begun(size, algorithm))}"


def is_made_by(algorithm: Algorithm, identity: str) -> bool:
    """Whether a content id was: an earlier run may have taken the other one."""
    return len(identity.partition(" ")[0]) == len("git:") + _DIGITS[algorithm]


def digested(file: BinaryIO, digest: hashlib._Hash) -> str:
    """Hexadecimal hash of the rest of a file, read in parts."""
    while part := file.read(_CHUNK):
        digest.update(part)
    return digest.hexdigest()


def _begun(size: int, algorithm: Algorithm) -> hashlib._Hash:
    return hashlib.new(algorithm, b"blob %d\0" % size, usedforsecurity=False)
