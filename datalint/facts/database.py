"""One SQLite file that several runs share: it may be locked, damaged or of another version, and nothing ends with it.

Whatever is wrong with it becomes a warning and an answer of nothing.
"""

from __future__ import annotations

import os
import sqlite3
from contextlib import suppress
from typing import TYPE_CHECKING, Self, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any

T = TypeVar("T")

FILE = "facts.sqlite"
SCHEMA = 1
LOCK_SECONDS = 5.0
_TABLES = (
    "CREATE TABLE stat (path BLOB PRIMARY KEY, size, mtime_ns, inode, read_ns, content_id) WITHOUT ROWID",
    "CREATE TABLE verdict (number INTEGER PRIMARY KEY, key TEXT UNIQUE, value TEXT)",
)
_TAG = """\
Signature: 8a477f597d28d172789f06886806bc55
# Made by datalint, safe to delete: https://bford.info/cachedir/
"""
_DAMAGED = {sqlite3.SQLITE_ERROR, sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}


class Database:
    """Created on disk when it is first written; `warnings` says what went wrong."""

    def __init__(self, folder: str, *, read_only: bool = False) -> None:
        self.warnings: list[str] = []
        self._folder = folder
        self._path = os.path.join(folder, FILE)
        self._read_only = read_only
        self._given_up = False
        self._opened: sqlite3.Connection | None = None
        self._inode = 0

    @property
    def writable(self) -> sqlite3.Connection | None:
        """The open file, for whoever writes on the side what may be lost; None where it is not open, or not for us."""
        return None if self._read_only or self._given_up else self._opened

    def ask(self, query: str, values: Sequence[object] = ()) -> list[tuple[Any, ...]]:
        """Rows of a query, none without a file."""
        return self.read(lambda database: database.execute(query, values).fetchall(), default=[])

    def read(self, action: Callable[[sqlite3.Connection], T], *, default: T) -> T:
        """What the action returns, or the default where there is no file that can serve."""
        return self._try(action, default=default, create=False)

    def alter(self, change: Callable[[sqlite3.Connection], object]) -> None:
        """One transaction: all of the change or nothing."""

        def transaction(database: sqlite3.Connection) -> None:
            database.execute("BEGIN IMMEDIATE")
            change(database)
            database.execute("COMMIT")

        if not self._read_only:
            self._try(transaction, default=None, create=True)

    def shrink(self) -> None:
        """Give the room of what was dropped back to the disk."""

        def vacuum(database: sqlite3.Connection) -> None:
            database.execute("VACUUM")

        self._try(vacuum, default=None, create=False)

    def close(self) -> None:
        """Let go of the file; it is opened again when it is asked again."""
        if self._opened is not None:
            self._opened.close()
            self._opened = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _try(self, action: Callable[[sqlite3.Connection], T], *, default: T, create: bool) -> T:
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
        if self._opened is None:
            if create:
                make_folder(self._folder)
            elif not os.path.exists(self._path):
                return None
            self._opened = sqlite3.connect(self._path, timeout=LOCK_SECONDS, isolation_level=None)
            self._inode = os.stat(self._path).st_ino
            self._opened.execute("PRAGMA trusted_schema = OFF")
            self._opened.execute("PRAGMA synchronous = NORMAL")
        if _layout(self._opened) == SCHEMA:
            return self._opened
        if self._opened.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]:
            # Another run may have made them just now; it does so in the transaction that states the layout.
            version = _layout(self._opened)
            if version != SCHEMA:
                raise _ForeignError(f"layout {version}, expected {SCHEMA}")
            return self._opened
        if not create:
            return None
        _make_tables(self._opened)
        return self._opened

    def _put_aside(self, error: Exception) -> None:
        """Another run may have done so already: then its new file stays."""
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


def make_folder(folder: str) -> None:
    """Hidden from git and from backups."""
    os.makedirs(folder, exist_ok=True)
    for name, text in ((".gitignore", "*\n"), ("CACHEDIR.TAG", _TAG)):
        path = os.path.join(folder, name)
        if not os.path.exists(path):
            with open(f"{path}.{os.getpid()}", "w", encoding="ascii") as file:
                file.write(text)
            os.replace(f"{path}.{os.getpid()}", path)
