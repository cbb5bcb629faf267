"""One file's facts on their way between worker, cache and table: plain tuples, cheap to send and to keep."""

from __future__ import annotations

from operator import attrgetter
from typing import TYPE_CHECKING

from datalint.entry import PartLocator
from datalint.facts.model import FIELDS, failure

if TYPE_CHECKING:
    from datalint.facts.model import Facts

COLUMNS = ("size_bytes", *FIELDS)
"""What a row holds: everything that the content alone decides."""
MAX_BYTES = 2 << 30
"""Larger files are not read (they are read whole): no image that trains is this large."""

Row = tuple[object, ...]
Item = tuple[int, str] | tuple[int, str, str] | tuple[int, PartLocator]
"""The caller's number, then a path, or a repository and a blob, or a part of a file."""
Signature = tuple[int, int, int, int]
"""Size, mtime_ns and inode of a file when it was opened, and when that was (ns since the epoch)."""
Answer = tuple[str | None, Signature | None, Row, bool]
"""Content id (None: nothing was read), signature (None: not a file), row, whether the cache knew it."""

_values = attrgetter(*FIELDS)


def row(size: int | None, facts: Facts) -> Row:
    """In the order of COLUMNS."""
    return (size, *_values(facts))


def unread(status: str, cause: str, detail: str, *, size: int | None = None) -> Row:
    """The row of a file whose content nobody has seen."""
    return row(size, failure(status, cause, detail))


def too_large(size: int) -> Row:
    """The row of a file above MAX_BYTES."""
    return unread("oversized", "too-large", f"{size:,} bytes (limit {MAX_BYTES:,}): not read", size=size)
