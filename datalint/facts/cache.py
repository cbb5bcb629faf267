"""What is remembered between runs, in one SQLite file: facts by content, signatures by path, verdicts by key.

A cache never decides a verdict: whatever is wrong with it becomes a warning and a slower run.
"""

from __future__ import annotations

import os
import sqlite3
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from typing import TypeVar

    from datalint.facts.row import Row, Signature

    T = TypeVar("T")

FILE = "facts.sqlite"
SCHEMA = 1
LOCK_SECONDS = 5.0
VERDICTS = 500
"""Verdicts that are kept; each commit adds a few."""
RACY_NS = 2_000_000_000
"""A file that changed this shortly before it was read may change again without a new time stamp (git's racy rule;
FAT keeps two-second stamps)."""
_TABLES = (
    "CREATE TABLE stat (path BLOB PRIMARY KEY, size, mtime_ns, inode, read_ns, content_id) WITHOUT ROWID",
    "CREATE TABLE verdict (key TEXT PRIMARY KEY, value TEXT)",
)
_TAG = "Signature: 8a477f597d28d172789f06886806bc55\n# Made by datalint: safe to delete. https://bford.info/cachedir/\n"
_ROWS = 500
"""Keys per query."""
_DAMAGED = {sqlite3.SQLITE_ERROR, sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_MISMATCH}


class NullCache:
    """Remembers nothing."""

    folder: str | None = None
    warnings: tuple[str, ...] | list[str] = ()

    def signatures(self, paths: Sequence[bytes]) -> dict[bytes, tuple[Signature, str]]:  # noqa: ARG002
        return {}

    def facts(self, ids: Sequence[str], extractor: str) -> dict[str, Row]:  # noqa: ARG002
        return {}

    def store(
        self,
        facts: Iterable[tuple[str, Row]],
        signatures: Iterable[tuple[bytes, Signature, str]],
        extractor: str,
    ) -> None:
        pass

    def verdict_get(self, key: str) -> str | None:  # noqa: ARG002
        return None

    def verdict_put(self, key: str, text: str) -> None:
        pass

    def close(self) -> None:
        pass

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class Cache(NullCache):
    """One folder's cache; touches the disk when it is first asked, and creates it when it is first written."""

    def __init__(self, folder: str, *, read_only: bool = False) -> None:
        self.folder: str = folder
        self.warnings: list[str] = []
        self._path = os.path.join(folder, FILE)
        self._read_only = read_only
        self._broken = False
        self._connection: sqlite3.Connection | None = None
        self._has_facts = False

    def signatures(self, paths: Sequence[bytes]) -> dict[bytes, tuple[Signature, str]]:
        """Signature and content id by path, but for files that were read too soon after they had changed."""
        found: dict[bytes, tuple[Signature, str]] = {}
        for part in _parts(paths):
            query = (
                "SELECT path, size, mtime_ns, inode, read_ns, content_id FROM stat "
                f"WHERE mtime_ns < read_ns - {RACY_NS} AND path IN ({_marks(part)})"
            )
            rows = self._try(lambda database, q=query, p=part: database.execute(q, p).fetchall(), [])
            found.update((path, ((size, mtime, inode, read), known)) for path, size, mtime, inode, read, known in rows)
        return found

    def facts(self, ids: Sequence[str], extractor: str) -> dict[str, Row]:
        """Rows by content id, as this version of the extractor would make them."""
        found: dict[str, Row] = {}
        for part in _parts(ids):
            query = f"SELECT * FROM facts WHERE extractor = ? AND content_id IN ({_marks(part)})"
            rows = self._try(lambda database, q=query, p=part: _select_facts(database, q, (extractor, *p)), [])
            found.update((row[0], row[2:]) for row in rows)
        return found
