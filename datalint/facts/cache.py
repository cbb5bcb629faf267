"""What is remembered between runs, in one SQLite file: facts by content, signatures by path, verdicts by key.

A cache never decides a verdict: whatever is wrong with it becomes a warning and a slower run.
"""

from __future__ import annotations

import sqlite3
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Self, TypeVar

from datalint.facts.database import LOCK_SECONDS, Database

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from datalint.facts.content import Algorithm
    from datalint.facts.row import Row, Signature

K = TypeVar("K")

VERDICTS = 500
"""Verdicts that are kept; each state of the index adds one or two."""
RACY_NS = 2_000_000_000
"""A file that changed this shortly before it was read may change again without a new time stamp (git's racy
rule; FAT keeps two-second stamps)."""
LYING = 0
"""`read_ns` of a signature under which two contents were seen: it is believed no more, until the file has another."""
_REMEMBER = """\
INSERT INTO stat VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (path) DO UPDATE SET
size = excluded.size, mtime_ns = excluded.mtime_ns, inode = excluded.inode,
read_ns = CASE WHEN stat.read_ns = 0
    AND (stat.size, stat.mtime_ns, stat.inode) = (excluded.size, excluded.mtime_ns, excluded.inode)
    THEN 0 ELSE excluded.read_ns END, content_id = excluded.content_id"""
_KEPT = "CREATE TABLE IF NOT EXISTS kept (name PRIMARY KEY, key, content) WITHOUT ROWID"
_LARGE = "CREATE TABLE IF NOT EXISTS large (path BLOB PRIMARY KEY, key, size, mtime_ns, inode, read_ns, content)"
"""Made when it is first needed: caches of earlier versions have none."""
USED = "CREATE TABLE IF NOT EXISTS used (content_id PRIMARY KEY, day) WITHOUT ROWID"
"""Day (since the epoch) on which facts were last asked for, give or take USED_DAYS; likewise made when needed."""
USED_DAYS = 7
"""A run that only reads writes this rarely."""
_KEYS = 500
"""Keys per query."""


class NullCache:
    """Remembers nothing."""

    folder: str | None = None
    algorithm: Algorithm = "sha1"
    """By which content ids are made."""

    @property
    def warnings(self) -> Sequence[str]:
        """What went wrong."""
        return ()

    def signatures(self, paths: Sequence[bytes]) -> dict[bytes, tuple[Signature, str]]:  # noqa: ARG002
        """Signature and content id by path."""
        return {}

    def facts(self, ids: Sequence[str], extractor: str) -> dict[str, Row]:  # noqa: ARG002
        """Rows by content id."""
        return {}

    def touch(self, ids: Sequence[str]) -> None:
        """Facts of these are in use, whoever keeps a copy of them."""

    def store(
        self,
        facts: Iterable[tuple[str, Row]],
        signatures: Iterable[tuple[bytes, Signature, str]],
        extractor: str,
    ) -> None:
        """Remember both, all or nothing."""

    def verdict_get(self, key: str) -> str | None:  # noqa: ARG002
        """What was put under this key."""
        return None

    def verdict_put(self, key: str, text: str) -> None:
        """Remember a text under a key."""

    def recall(self, path: bytes, key: str, status: tuple[int, int, int]) -> bytes | None:  # noqa: ARG002
        """What was made of a file that had this size, mtime_ns and inode; None where it may have changed since."""
        return None

    def remember(self, path: bytes, key: str, signature: Signature, content: bytes) -> None:
        """What was made of a file, one for each path; `key` says by what."""

    def kept(self, name: str, key: str) -> bytes | None:  # noqa: ARG002
        """What was kept under a name by the same version, which the key states."""
        return None

    def keep(self, name: str, key: str, content: bytes) -> None:
        """One content under each name."""

    def close(self) -> None:
        """Let go of the file."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def open_cache(folder: str | None, *, read_only: bool = False, algorithm: Algorithm = "sha1") -> Cache | NullCache:
    """The cache in a folder, or one that remembers nothing; the disk is touched when it is first asked."""
    opened = NullCache() if folder is None else Cache(folder, read_only=read_only)
    opened.algorithm = algorithm
    return opened


class Cache(NullCache):
    """Kept in a file, which is created when something is first remembered; `warnings` says what is wrong with it."""

    def __init__(self, folder: str, *, read_only: bool = False) -> None:
        self.folder: str = folder
        self._database = Database(folder, read_only=read_only)
        self._facts_are_in: sqlite3.Connection | None = None
        """An open file that was seen to have the columns of this version."""

    @property
    def warnings(self) -> Sequence[str]:
        return self._database.warnings

    def signatures(self, paths: Sequence[bytes]) -> dict[bytes, tuple[Signature, str]]:
        """Without the files that were read too soon after they had changed."""
        found: dict[bytes, tuple[Signature, str]] = {}
        for part in _parts(paths):
            query = (
                "SELECT path, size, mtime_ns, inode, read_ns, content_id FROM stat "  # noqa: S608
                f"WHERE path IN ({_marks(part)}) AND mtime_ns < read_ns - {RACY_NS}"
            )
            for path, size, mtime, inode, read, identity in self._database.ask(query, part):
                found[path] = ((size, mtime, inode, read), identity)
        return found

    def facts(self, ids: Sequence[str], extractor: str) -> dict[str, Row]:
        """As this version of the extractor made them."""
        found: dict[str, Row] = {}
        for part in _parts(ids):
            if not self._database.read(self._has_facts, default=False):
                break
            query = f"SELECT * FROM facts WHERE content_id IN ({_marks(part)}) AND extractor = ?"  # noqa: S608
            found.update((row[0], row[2:]) for row in self._database.ask(query, (*part, extractor)))
        self.touch(list(found))
        return found

    def touch(self, ids: Sequence[str]) -> None:
        """So that they are not dropped as the oldest; where that fails, nothing is lost."""
        database, day = self._database.writable, int(time.time() // 86_400)
        if database is None or not ids:
            return
        with suppress(sqlite3.Error):
            known = database.execute("SELECT 1 FROM sqlite_master WHERE name = 'used'").fetchone()
            last = known and database.execute("SELECT day FROM used WHERE content_id = ?", (ids[0],)).fetchone()
            if last and last[0] > day - USED_DAYS:
                return
            try:
                database.execute("PRAGMA busy_timeout = 0")
                database.execute("BEGIN IMMEDIATE")
                _use(database, ids)
                database.execute("COMMIT")
            finally:
                if database.in_transaction:
                    database.execute("ROLLBACK")
                database.execute(f"PRAGMA busy_timeout = {int(LOCK_SECONDS * 1000)}")

    def store(
        self,
        facts: Iterable[tuple[str, Row]],
        signatures: Iterable[tuple[bytes, Signature, str]],
        extractor: str,
    ) -> None:
        """One transaction; a value that SQLite cannot hold costs its own row."""
        rows: list[Row] = [(identity, extractor, *row) for identity, row in facts]
        stats: list[Row] = [(path, *signature, identity) for path, signature, identity in signatures]

        def write(database: sqlite3.Connection) -> None:
            if not self._has_facts(database):
                self._make_facts(database)
            marks = _marks(_facts_columns())
            _insert(database, f"INSERT OR REPLACE INTO facts VALUES ({marks})", rows)  # noqa: S608
            _use(database, [str(row[0]) for row in rows])
            _insert(database, _REMEMBER, stats)

        self._database.alter(write)

    def verdict_get(self, key: str) -> str | None:
        for (text,) in self._database.ask("SELECT value FROM verdict WHERE key = ?", (key,)):
            return str(text)
        return None

    def verdict_put(self, key: str, text: str) -> None:
        def write(database: sqlite3.Connection) -> None:
            database.execute("INSERT OR REPLACE INTO verdict (key, value) VALUES (?, ?)", (key, text))
            old = "DELETE FROM verdict WHERE number <= (SELECT max(number) FROM verdict) - ?"
            database.execute(old, (VERDICTS,))

        self._database.alter(write)

    def recall(self, path: bytes, key: str, status: tuple[int, int, int]) -> bytes | None:
        if self._database.ask("SELECT 1 FROM sqlite_master WHERE name = 'large'", ()):
            query = (
                "SELECT content FROM large WHERE path = ? AND key = ? AND size = ? AND mtime_ns = ? AND inode = ? "  # noqa: S608
                f"AND mtime_ns < read_ns - {RACY_NS}"
            )
            for (content,) in self._database.ask(query, (path, key, *status)):
                return bytes(content) if isinstance(content, bytes) else None
        return None

    def remember(self, path: bytes, key: str, signature: Signature, content: bytes) -> None:
        def write(database: sqlite3.Connection) -> None:
            database.execute(_LARGE)
            _insert(
                database,
                "INSERT OR REPLACE INTO large VALUES (?, ?, ?, ?, ?, ?, ?)",
                [(path, key, *signature, content)],
            )

        self._database.alter(write)

    def kept(self, name: str, key: str) -> bytes | None:
        if self._database.ask("SELECT 1 FROM sqlite_master WHERE name = 'kept'", ()):
            for (content,) in self._database.ask("SELECT content FROM kept WHERE name = ? AND key = ?", (name, key)):
                return bytes(content) if isinstance(content, bytes) else None
        return None

    def keep(self, name: str, key: str, content: bytes) -> None:
        def write(database: sqlite3.Connection) -> None:
            database.execute(_KEPT)
            database.execute("INSERT OR REPLACE INTO kept VALUES (?, ?, ?)", (name, key, content))

        self._database.alter(write)

    def close(self) -> None:
        self._database.close()

    def _has_facts(self, database: sqlite3.Connection) -> bool:
        """Whether the table has the columns that this version of datalint knows."""
        if self._facts_are_in is not database:
            columns = [row[1] for row in database.execute("PRAGMA table_info(facts)")]
            self._facts_are_in = database if columns == _facts_columns() else None
        return self._facts_are_in is database

    def _make_facts(self, database: sqlite3.Connection) -> None:
        database.execute("DROP TABLE IF EXISTS facts")
        columns = ", ".join(_facts_columns())
        database.execute(f"CREATE TABLE facts ({columns}, PRIMARY KEY (content_id, extractor)) WITHOUT ROWID")


def _facts_columns() -> list[str]:
    from datalint.facts.row import COLUMNS

    return ["content_id", "extractor", *COLUMNS]


def _use(database: sqlite3.Connection, ids: Sequence[str]) -> None:
    day = int(time.time() // 86_400)
    database.execute(USED)
    _insert(database, "INSERT OR REPLACE INTO used VALUES (?, ?)", [(identity, day) for identity in ids])


def _insert(database: sqlite3.Connection, statement: str, rows: Sequence[Row]) -> None:
    try:
        database.executemany(statement, rows)
    except (OverflowError, UnicodeError):
        for row in rows:
            with suppress(OverflowError, UnicodeError):
                database.execute(statement, row)


def _parts(keys: Sequence[K]) -> Iterator[Sequence[K]]:
    return (keys[start : start + _KEYS] for start in range(0, len(keys), _KEYS))


def _marks(values: Sequence[object]) -> str:
    return ", ".join("?" * len(values))
