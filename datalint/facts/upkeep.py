"""What a cache holds, and how it is kept small: each step is one transaction, beside whatever else runs."""

from __future__ import annotations

import os
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from datalint.errors import UnfinishedError
from datalint.facts.cache import USED
from datalint.facts.database import FILE, Database
from datalint.facts.gather import extractor_version
from datalint.facts.model import MASKS, PLANES
from datalint.facts.pack import OF_IMAGES, OF_MASKS
from datalint.facts.row import COLUMNS

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Sequence

_OLDEST = (
    "DELETE FROM facts WHERE content_id IN (SELECT content_id FROM facts LEFT JOIN used USING (content_id) "
    "ORDER BY coalesce(day, 0), content_id LIMIT ?)"
)
_PACKS = f"FROM kept WHERE name IN ('{OF_IMAGES}', '{OF_MASKS}')"
"""What says the facts once more: the first to go."""
_REST = ("large", "kept", "stat")
"""What is dropped where no fact is left to drop."""


@dataclass(frozen=True, slots=True)
class Holding:
    """Rows of each kind, and bytes on disk."""

    size: int
    facts: int
    stale: int
    """Facts of other versions of datalint or of its decoders, which nobody reads any more."""
    signatures: int
    verdicts: int
    warnings: Sequence[str] = ()


def holding(folder: str) -> Holding:
    """Of the cache in a folder; without one, nothing."""
    with Database(folder) as cache:
        tables = _tables(cache)
        marks, current = _current()
        facts = _count(cache, "facts") if "facts" in tables else 0
        valid = f"SELECT count(*) FROM facts WHERE extractor IN ({marks})"  # noqa: S608
        fresh = cache.ask(valid, current)[0][0] if _readable(cache) else 0
        return Holding(
            size=_bytes(folder),
            facts=facts,
            stale=facts - fresh,
            signatures=_count(cache, "stat") if "stat" in tables else 0,
            verdicts=_count(cache, "verdict") if "verdict" in tables else 0,
            warnings=tuple(cache.warnings),
        )


def prune(folder: str, *, most_bytes: int | None = None) -> Sequence[str]:
    """Drop what nobody can use, then the facts that were longest not asked for until it is no larger than that.

    Returns warnings; raises UnfinishedError where another run does not let go of the cache.
    """
    with Database(folder) as cache:
        if _present(folder):
            cache.alter(_drop_useless)
            _shrunk(cache)
            while (
                most_bytes is not None and (size := _file_bytes(folder)) > most_bytes and _drop(cache, size, most_bytes)
            ):
                _shrunk(cache)
        _remove_damaged(folder)
        return tuple(cache.warnings)


def clear(folder: str) -> Sequence[str]:
    """Drop everything but the file itself: a run that has it open would write into one that is gone."""
    with Database(folder) as cache:
        if _present(folder):
            cache.alter(_drop_all)
            _shrunk(cache)
        _remove_damaged(folder)
        return tuple(cache.warnings)


def _current() -> tuple[str, tuple[str, ...]]:
    version = extractor_version()
    return "?, ?, ?", (version, MASKS + version, PLANES + version)


def _tables(cache: Database) -> set[str]:
    return {name for (name,) in cache.ask("SELECT name FROM sqlite_master WHERE type = 'table'")}


def _readable(cache: Database) -> bool:
    """Whether the facts have the columns of this version."""
    return [row[1] for row in cache.ask("PRAGMA table_info(facts)")][2:] == list(COLUMNS)


def _count(cache: Database, table: str) -> int:
    return int(cache.ask(f"SELECT count(*) FROM {table}")[0][0])  # noqa: S608 - a name of ours


def _drop_useless(database: sqlite3.Connection) -> None:
    tables = {name for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    for table in tables & {"stat", "large"}:
        paths = [path for (path,) in database.execute(f"SELECT path FROM {table}")]  # noqa: S608
        gone = [(path,) for path in paths if not os.path.lexists(bytes(path).split(b"\0", 1)[0])]
        database.executemany(f"DELETE FROM {table} WHERE path = ?", gone)  # noqa: S608
    if "verdict" in tables:
        database.execute("DELETE FROM verdict")
    if "facts" in tables:
        columns = [row[1] for row in database.execute("PRAGMA table_info(facts)")]
        marks, current = _current()
        if columns[2:] == list(COLUMNS):
            database.execute(f"DELETE FROM facts WHERE extractor NOT IN ({marks})", current)  # noqa: S608
        else:
            database.execute("DELETE FROM facts")
        if "used" in tables:
            database.execute("DELETE FROM used WHERE content_id NOT IN (SELECT content_id FROM facts)")


def _drop(cache: Database, size: int, most_bytes: int) -> bool:
    """Whether there was something to drop: packs, then as many facts as are too large, then the rest."""
    tables = _tables(cache)
    if "kept" in tables and cache.ask(f"SELECT 1 {_PACKS}"):
        cache.alter(_drop_packs)
        return not cache.warnings
    facts = _count(cache, "facts") if "facts" in tables else 0
    if not facts and not any(_count(cache, name) for name in tables.intersection(_REST)):
        return False

    def change(database: sqlite3.Connection) -> None:
        if facts:
            database.execute(USED)
            # A row more: however small the part, it ends.
            database.execute(_OLDEST, (1 + facts * (size - most_bytes) // size,))
            database.execute("DELETE FROM used WHERE content_id NOT IN (SELECT content_id FROM facts)")
        else:
            for name in tables.intersection(_REST):
                database.execute(f"DELETE FROM {name}")  # noqa: S608

    cache.alter(change)
    return not cache.warnings


def _drop_packs(database: sqlite3.Connection) -> None:
    database.execute(f"DELETE {_PACKS}")


def _drop_all(database: sqlite3.Connection) -> None:
    for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall():
        quoted = name.replace('"', '""')
        database.execute(f'DELETE FROM "{quoted}"')  # noqa: S608


def _shrunk(cache: Database) -> None:
    cache.shrink()
    stopped = next((warning for warning in cache.warnings if "is not used" in warning), None)
    if stopped:
        raise UnfinishedError(f"not done, try again: {stopped}")


def _present(folder: str) -> bool:
    return os.path.exists(os.path.join(folder, FILE))


def _file_bytes(folder: str) -> int:
    return os.path.getsize(os.path.join(folder, FILE)) if _present(folder) else 0


def _bytes(folder: str) -> int:
    """Of all files that lie there, however deep."""
    total = 0
    for place, _, names in os.walk(folder):
        for name in names:
            with suppress(OSError):
                total += os.lstat(os.path.join(place, name)).st_size
    return total


def _remove_damaged(folder: str) -> None:
    with suppress(FileNotFoundError):
        os.unlink(os.path.join(folder, f"{FILE}.damaged"))
