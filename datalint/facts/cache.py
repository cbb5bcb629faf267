"""What is remembered between runs, in one SQLite file: facts by content, signatures by path, verdicts by key.

A cache never decides a verdict: whatever is wrong with it becomes a warning and a slower run.
"""

from __future__ import annotations

import os
import sqlite3
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Self, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from typing import Any

    from datalint.facts.content import Algorithm
    from datalint.facts.row import Row, Signature

T = TypeVar("T")
K = TypeVar("K")

FILE = "facts.sqlite"
SCHEMA = 1
LOCK_SECONDS = 5.0
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
_TABLES = (
    "CREATE TABLE stat (path BLOB PRIMARY KEY, size, mtime_ns, inode, read_ns, content_id) WITHOUT ROWID",
    "CREATE TABLE verdict (number INTEGER PRIMARY KEY, key TEXT UNIQUE, value TEXT)",
)
_KEPT = "CREATE TABLE IF NOT EXISTS kept (name PRIMARY KEY, key, content) WITHOUT ROWID"
_LARGE = "CREATE TABLE IF NOT EXISTS large (path BLOB PRIMARY KEY, key, size, mtime_ns, inode, read_ns, content)"
"""Made when it is first needed: caches of earlier versions have none."""
USED = "CREATE TABLE IF NOT EXISTS used (content_id PRIMARY KEY, day) WITHOUT ROWID"
"""Day (since the epoch) on which facts were last asked for, give or take USED_DAYS; likewise made when needed."""
USED_DAYS = 7
"""A run that only reads writes this rarely."""
_TAG = """\
Signature: 8a477f597d28d172789f06886806bc55
# Made by datalint, safe to delete: https://bford.info/cachedir/
"""
_KEYS = 500
"""Keys per query."""
_DAMAGED = {sqlite3.SQLITE_ERROR, sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}


class NullCache:
    """Remembers nothing."""

    folder: str | None = None
    warnings: Sequence[str] = ()
    algorithm: Algorithm = "sha1"
    """By which content ids are made."""

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
    """Created on disk when it is first written; `warnings` says what went wrong."""

    def __init__(self, folder: str, *, read_only: bool = False) -> None:
        self.folder: str = folder
        self.warnings: list[str] = []
        self._path = os.path.join(folder, FILE)
        self._read_only = read_only
        self._given_up = False
        self._database: sqlite3.Connection | None = None
        self._inode = 0
        self._facts_checked = False

    def signatures(self, paths: Sequence[bytes]) -> dict[bytes, tuple[Signature, str]]:
        """Without the files that were read too soon after they had changed."""
        found: dict[bytes, tuple[Signature, str]] = {}
        for part in _parts(paths):
            query = (
                "SELECT path, size, mtime_ns, inode, read_ns, content_id FROM stat "  # noqa: S608
                f"WHERE path IN ({_marks(part)}) AND mtime_ns < read_ns - {RACY_NS}"
            )
            for path, size, mtime, inode, read, identity in self._ask(query, part):
                found[path] = ((size, mtime, inode, read), identity)
        return found

    def facts(self, ids: Sequence[str], extractor: str) -> dict[str, Row]:
        """As this version of the extractor made them."""
        found: dict[str, Row] = {}
        for part in _parts(ids):
            if not self._facts_checked and not self._try(self._has_facts, default=False, create=False):
                break
            query = f"SELECT * FROM facts WHERE content_id IN ({_marks(part)}) AND extractor = ?"  # noqa: S608
            found.update((row[0], row[2:]) for row in self._ask(query, (*part, extractor)))
        self.touch(list(found))
        return found

    def touch(self, ids: Sequence[str]) -> None:
        """So that they are not dropped as the oldest; where that fails, nothing is lost."""
        database, day = self._database, int(time.time() // 86_400)
        if database is None or not ids or self._read_only or self._given_up:
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

        self._write(write)

    def verdict_get(self, key: str) -> str | None:
        for (text,) in self._ask("SELECT value FROM verdict WHERE key = ?", (key,)):
            return str(text)
        return None

    def verdict_put(self, key: str, text: str) -> None:
        def write(database: sqlite3.Connection) -> None:
            database.execute("INSERT OR REPLACE INTO verdict (key, value) VALUES (?, ?)", (key, text))
            old = "DELETE FROM verdict WHERE number <= (SELECT max(number) FROM verdict) - ?"
            database.execute(old, (VERDICTS,))

        self._write(write)

    def recall(self, path: bytes, key: str, status: tuple[int, int, int]) -> bytes | None:
        if self._ask("SELECT 1 FROM sqlite_master WHERE name = 'large'", ()):
            query = (
                "SELECT content FROM large WHERE path = ? AND key = ? AND size = ? AND mtime_ns = ? AND inode = ? "  # noqa: S608
                f"AND mtime_ns < read_ns - {RACY_NS}"
            )
            for (content,) in self._ask(query, (path, key, *status)):
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

        self._write(write)

    def kept(self, name: str, key: str) -> bytes | None:
        if self._ask("SELECT 1 FROM sqlite_master WHERE name = 'kept'", ()):
            for (content,) in self._ask("SELECT content FROM kept WHERE name = ? AND key = ?", (name, key)):
                return bytes(content) if isinstance(content, bytes) else None
        return None

    def keep(self, name: str, key: str, content: bytes) -> None:
        def write(database: sqlite3.Connection) -> None:
            database.execute(_KEPT)
            database.execute("INSERT OR REPLACE INTO kept VALUES (?, ?, ?)", (name, key, content))

        self._write(write)

    def ask(self, query: str, values: Sequence[object] = ()) -> list[tuple[Any, ...]]:
        """Rows of a query, none without a cache."""
        return self._ask(query, values)

    def alter(self, change: Callable[[sqlite3.Connection], None]) -> None:
        """One transaction: all of the change or nothing."""
        self._write(change)

    def shrink(self) -> None:
        """Give the room of what was dropped back to the disk."""

        def vacuum(database: sqlite3.Connection) -> None:
            database.execute("VACUUM")

        self._try(vacuum, default=None, create=False)

    def close(self) -> None:
        if self._database is not None:
            self._database.close()
            self._database = None

    def _ask(self, query: str, values: Sequence[object]) -> list[tuple[Any, ...]]:
        def read(database: sqlite3.Connection) -> list[tuple[Any, ...]]:
            return database.execute(query, values).fetchall()

        return self._try(read, default=[], create=False)

    def _write(self, change: Callable[[sqlite3.Connection], None]) -> None:
        def transaction(database: sqlite3.Connection) -> None:
            database.execute("BEGIN IMMEDIATE")
            change(database)
            database.execute("COMMIT")

        if not self._read_only:
            self._try(transaction, default=None, create=True)

    def _try(self, action: Callable[[sqlite3.Connection], T], *, default: T, create: bool) -> T:
        """What the action returns, or the default when the cache cannot serve."""
        if self._given_up:
            return default
        try:
            database = self._open(create=create)
            return default if database is None else action(database)
        except (sqlite3.Error, OSError) as error:
            # Closing takes back an unfinished transaction.
            self.close()
            if _code(error) in _DAMAGED and not self._read_only:
                self._put_aside(error)
            else:
                self._give_up(error)
            return default

    def _open(self, *, create: bool) -> sqlite3.Connection | None:
        if self._database is None:
            if create:
                make_folder(self.folder)
            elif not os.path.exists(self._path):
                return None
            self._database = sqlite3.connect(self._path, timeout=LOCK_SECONDS, isolation_level=None)
            self._inode = os.stat(self._path).st_ino
            self._database.execute("PRAGMA trusted_schema = OFF")
            self._database.execute("PRAGMA synchronous = NORMAL")
            self._facts_checked = False
        if _layout(self._database) == SCHEMA:
            return self._database
        if self._database.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]:
            # Another run may have made them just now; it does so in the transaction that states the layout.
            version = _layout(self._database)
            if version != SCHEMA:
                raise _ForeignError(f"layout {version}, expected {SCHEMA}")
            return self._database
        if not create:
            return None
        _make_tables(self._database)
        return self._database

    def _has_facts(self, database: sqlite3.Connection) -> bool:
        """Whether the table has the columns that this version of datalint knows."""
        if not self._facts_checked:
            columns = [row[1] for row in database.execute("PRAGMA table_info(facts)")]
            self._facts_checked = columns == _facts_columns()
        return self._facts_checked

    def _make_facts(self, database: sqlite3.Connection) -> None:
        database.execute("DROP TABLE IF EXISTS facts")
        columns = ", ".join(_facts_columns())
        database.execute(f"CREATE TABLE facts ({columns}, PRIMARY KEY (content_id, extractor)) WITHOUT ROWID")
        self._facts_checked = True

    def _put_aside(self, error: Exception) -> None:
        """Another run may have done so already: then its new file stays."""
        self._facts_checked = False
        try:
            if os.stat(self._path).st_ino == self._inode:
                os.replace(self._path, f"{self._path}.damaged")
                for tail in ("-journal", "-wal", "-shm"):
                    with suppress(FileNotFoundError):
                        os.unlink(self._path + tail)
        except FileNotFoundError:
            pass
        except OSError as refusal:
            self._give_up(refusal)
            return
        self.warnings.append(f"the cache {self._path} was damaged ({error}): it is rebuilt from the files")

    def _give_up(self, error: Exception) -> None:
        self._given_up = True
        self.warnings.append(f"the cache {self._path} is not used ({error}): same verdict, only slower")


class _ForeignError(sqlite3.DatabaseError):
    """Not a layout that this version reads."""

    sqlite_errorcode = sqlite3.SQLITE_NOTADB


def _code(error: Exception) -> int | None:
    """Primary result code of SQLite; its low byte (https://sqlite.org/rescode.html)."""
    code = getattr(error, "sqlite_errorcode", None)
    return code & 0xFF if isinstance(code, int) else None


def _facts_columns() -> list[str]:
    from datalint.facts.row import COLUMNS

    return ["content_id", "extractor", *COLUMNS]


def _layout(database: sqlite3.Connection) -> int:
    return int(database.execute("PRAGMA user_version").fetchone()[0])


def _make_tables(database: sqlite3.Connection) -> None:
    database.execute("BEGIN IMMEDIATE")
    # Another run may have been first.
    if _layout(database) != SCHEMA:
        for table in _TABLES:
            database.execute(table)
        database.execute(f"PRAGMA user_version = {SCHEMA}")
    database.execute("COMMIT")


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


def make_folder(folder: str) -> None:
    """Hidden from git and from backups."""
    os.makedirs(folder, exist_ok=True)
    for name, text in ((".gitignore", "*\n"), ("CACHEDIR.TAG", _TAG)):
        path = os.path.join(folder, name)
        if not os.path.exists(path):
            with open(f"{path}.{os.getpid()}", "w", encoding="ascii") as file:
                file.write(text)
            os.replace(f"{path}.{os.getpid()}", path)


def _parts(keys: Sequence[K]) -> Iterator[Sequence[K]]:
    return (keys[start : start + _KEYS] for start in range(0, len(keys), _KEYS))


def _marks(values: Sequence[object]) -> str:
    return ", ".join("?" * len(values))
