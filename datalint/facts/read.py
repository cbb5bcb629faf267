"""What a scan process does with one file: read its bytes, identify them, extract their facts.

Run as `python -m datalint.facts.worker [CACHE_FOLDER EXTRACTOR] MARKER SLOT MEMORY`.
"""

from __future__ import annotations

import errno
import os
import stat
import sys
import time
from operator import attrgetter
from typing import TYPE_CHECKING

from datalint.engine.serve import serve, unlimited
from datalint.facts.cache import Cache
from datalint.facts.content import content_id
from datalint.facts.extract import extract
from datalint.facts.model import FIELDS, failure

if TYPE_CHECKING:
    from datalint import git
    from datalint.facts.model import Facts

# A file is read as a whole; no training image is this large.
MAX_BYTES = 2 << 30

Item = tuple[int, str] | tuple[int, str, str]
"""The caller's number, then a path, or a repository and a blob."""
Signature = tuple[int, int, int, int]
"""Size, mtime_ns and inode of a file when it was opened, and when that was (ns since the epoch)."""
Answer = tuple[str | None, Signature | None, tuple[object, ...], bool]
"""Content id and signature (None where there is no content), size_bytes and FIELDS, whether the cache knew them."""

_VALUES = attrgetter(*FIELDS)
_readers: dict[str, git.BlobReader] = {}


class _UnreadError(Exception):
    """There is no content to judge; the facts say why."""

    def __init__(self, status: str, cause: str | None, detail: str, size: int | None = None) -> None:
        self.row = unread(status, cause, detail, size)


def unread(status: str, cause: str | None, detail: str, size: int | None) -> tuple[object, ...]:
    """size_bytes and FIELDS of a file whose content nobody has seen."""
    return (size, *_VALUES(failure(status, cause, detail)))  # type: ignore[arg-type]


def examine(item: Item, cache: Cache | None = None, extractor: str = "") -> Answer:
    """Answer for one file; raises only MemoryError."""
    signature = None
    try:
        if len(item) == 2:
            data, signature = _read(item[1])
            identity = content_id(data)
            known = cache.facts([identity], extractor) if cache is not None else {}
            if identity in known:
                return identity, signature, known[identity], True
        else:
            data, identity = _read_blob(item[1], item[2]), f"git:{item[2]}"
    except _UnreadError as reason:
        return None, None, reason.row, False
    return identity, signature, (len(data), *_VALUES(extract(data))), False
