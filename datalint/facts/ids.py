"""Ids of files that no fact is about, such as annotation files: read once for each of their signatures."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING

from datalint.entry import BlobLocator, FileLocator
from datalint.facts.cache import LYING
from datalint.facts.content import content_id_of, is_made_by

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from datalint.entry import Entry
    from datalint.facts.cache import Cache, NullCache
    from datalint.facts.content import Algorithm
    from datalint.facts.row import Signature


def read_ids(
    entries: Sequence[Entry], cache: Cache | NullCache, *, fresh: bool = False
) -> list[tuple[str | None, int | None]]:
    """Id and size of files that no fact is about; what lies on disk is read once for each of its signatures."""
    keys = [os.fsencode(entry.locator.path) for entry in entries if isinstance(entry.locator, FileLocator)]
    known = cache.signatures(keys)
    learned: list[tuple[bytes, Signature, str]] = []
    found = [_identity(entry, known, learned, fresh=fresh, algorithm=cache.algorithm) for entry in entries]
    if learned:
        cache.store([], learned, "")
    return found


def _identity(
    entry: Entry,
    known: Mapping[bytes, tuple[Signature, str]],
    learned: list[tuple[bytes, Signature, str]],
    *,
    fresh: bool,
    algorithm: Algorithm,
) -> tuple[str | None, int | None]:
    if isinstance(entry.locator, BlobLocator):
        return f"git:{entry.locator.blob}", entry.size
    if not isinstance(entry.locator, FileLocator):
        return None, entry.size
    key = os.fsencode(entry.locator.path)
    signature, believed = known.get(key, (None, ""))
    same = signature is not None and signature[:3] == (entry.size, entry.mtime_ns, entry.inode)
    if not same or not is_made_by(algorithm, believed):
        believed = ""
    if believed and not fresh:
        return believed, entry.size
    began = time.time_ns()
    try:
        with open(entry.locator.path, "rb") as file:
            status = os.fstat(file.fileno())
            identity = content_id_of(file, status.st_size, algorithm)
    except OSError:
        return None, entry.size
    lying = believed not in ("", identity)
    learned.append((key, (status.st_size, status.st_mtime_ns, status.st_ino, LYING if lying else began), identity))
    return identity, status.st_size
