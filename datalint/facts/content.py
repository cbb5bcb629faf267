"""Identity of bytes: git's own blob id, so that the work tree, the index and a commit share one cache."""

from __future__ import annotations

import hashlib


def content_id(data: bytes | bytearray | memoryview) -> str:
    r"""`git:` and the SHA-1 of `blob <length>\0` and the bytes (git-hash-object)."""
    digest = hashlib.sha1(b"blob %d\0" % len(data), usedforsecurity=False)
    digest.update(data)
    return f"git:{digest.hexdigest()}"
