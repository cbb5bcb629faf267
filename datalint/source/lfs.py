"""Git-LFS pointers whose bytes this machine has fetched: the picture counts, not the pointer to it."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING

from datalint import git
from datalint.entry import BlobLocator, Entry, FileLocator, node_of

if TYPE_CHECKING:
    from collections.abc import Mapping

# git-lfs specification: a pointer is less than 1,024 bytes, its first line is the version.
POINTER_BYTES = 1024
POINTER = b"version https://git-lfs.github.com/spec/v1"
_FIELDS = re.compile(rb"^oid sha256:([0-9a-f]{64})\nsize ([0-9]{1,18})$", re.MULTILINE)


def fetched(top: str, files: Mapping[str, Entry]) -> dict[str, Entry]:
    """`files`, with each pointer replaced by its object where git-lfs has stored one; else it stays a pointer.

    The store is trusted, the work tree is not: a file there may hold other bytes of the same length.
    """
    found = dict(files)
    if not _uses_lfs(top, files):
        return found
    # git-lfs: relative to the git folder.
    store = os.path.join(git.common_folder(top), git.setting(top, "lfs.storage") or "lfs", "objects")
    blobs = {
        path: entry.locator.blob
        for path, entry in files.items()
        if entry.kind == "file" and isinstance(entry.locator, BlobLocator)
    }
    small = {blob for blob, size in git.sizes(top, set(blobs.values())).items() if len(POINTER) < size < POINTER_BYTES}
    with git.BlobReader(top) as reader:
        pointers = {blob: reader.read(blob) for blob in small}
    for path, blob in blobs.items():
        entry = _object(files[path], pointers.get(blob, b""), store)
        if entry is not None:
            found[path] = entry
    return found


def _uses_lfs(top: str, files: Mapping[str, Entry]) -> bool:
    """Where no attribute says so, no blob needs to be asked for its size."""
    attributes = [
        entry for path, entry in files.items() if path == ".gitattributes" or path.endswith("/.gitattributes")
    ]
    if not attributes:
        return False
    with git.BlobReader(top) as reader:
        return any(b"filter=lfs" in _content(reader, entry) for entry in attributes)


def _content(reader: git.BlobReader, entry: Entry) -> bytes:
    try:
        return reader.read(entry.locator.blob) if isinstance(entry.locator, BlobLocator) else b""
    except FileNotFoundError:
        return b""


def pointed(content: bytes) -> tuple[str, int] | None:
    """SHA-256 and size in bytes of what a pointer stands for; None for what is none."""
    match = _FIELDS.search(content) if content.startswith(POINTER) and len(content) < POINTER_BYTES else None
    return None if match is None else (match[1].decode(), int(match[2]))


def _object(entry: Entry, content: bytes, store: str) -> Entry | None:
    found = pointed(content)
    if found is None:
        return None
    oid, size = found
    place = os.path.join(store, oid[:2], oid[2:4], oid)
    try:
        status = os.stat(place)
    except OSError:
        return None
    if status.st_size != size:
        return None
    return entry._replace(
        locator=FileLocator(place),
        size=size,
        mtime_ns=status.st_mtime_ns,
        inode=node_of(status),
        content_id=f"lfs:{oid}",
    )
