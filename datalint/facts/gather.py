"""The table `files`: what the cache knows, and for the rest one pass of the scan."""

from __future__ import annotations

import json
import os
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from datalint.entry import BlobLocator, Entry, display
from datalint.facts.model import EXTRACTOR, FIELDS, failure
from datalint.tables import TABLES, Data
from datalint.work import Lost

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from datalint.facts.cache import Cache
    from datalint.facts.read import Answer

    Scan = Callable[[str, Iterable[object]], Iterator[tuple[int, list[Any]]]]

FUNCTION = "datalint.facts.read:answer"
_STATUS = FIELDS.index("status")
# What depends on more than the bytes is asked again next time.
_PASSING = frozenset({"missing", "unreadable", "crashed"})
_COMMIT_FILES = 2_000
_COMMIT_SECONDS = 2.0
_ODD = {
    "missing": ("missing", "missing", "there is no such file"),
    "broken-link": ("missing", "broken-link", "a symbolic link to nothing"),
    "link-loop": ("unreadable", "link-loop", "a symbolic link that leads back to itself"),
    "unreadable-folder": ("unreadable", "permission", "a folder that may not be listed"),
    "special": ("unreadable", "not-a-file", "neither a file nor a link to one"),
}


@dataclass(frozen=True, slots=True)
class Gathered:
    """`data` is the table `files`, row n for file n; the counts add up to its length."""

    data: Data
    cached: int
    read: int


@dataclass(slots=True)
class _Known:
    content_id: str | None
    size: int | None
    facts: tuple[object, ...]


def gather(
    files: Sequence[Entry], *, cache: Cache, scan: Scan, progress: Callable[[int, int], None] | None = None
) -> Gathered:
    """Facts of every file; `scan(function, items)` runs the function on each item that the cache does not know."""
    known: list[_Known | None] = [_odd(entry) for entry in files]
    cached = _from_cache(files, known, cache)
    waiting = [number for number, facts in enumerate(known) if facts is None]
    _scan(files, known, waiting, cache=cache, scan=scan, progress=progress)
    return Gathered(_table(files, known), cached, len(files) - cached)


def _odd(entry: Entry) -> _Known | None:
    if entry.kind == "file":
        return None
    return _Known(None, entry.size, _tuple(failure(*_ODD[entry.kind])))


def _tuple(facts: object) -> tuple[object, ...]:
    return tuple(getattr(facts, name) for name in FIELDS)


def _from_cache(files: Sequence[Entry], known: list[_Known | None], cache: Cache) -> int:
    hits = 0
    for start in range(0, len(files), 20_000):
        part = [number for number in range(start, min(start + 20_000, len(files))) if known[number] is None]
        contents = cache.known_contents([files[number] for number in part if files[number].content_id is None])
        ids = {number: files[number].content_id or contents.get(files[number].path) for number in part}
        stored = cache.facts_of({content for content in ids.values() if content}, EXTRACTOR)
        for number, content in ids.items():
            if content in stored:
                size, text = stored[content]
                known[number] = _Known(content, size, tuple(json.loads(text)))
                hits += 1
    return hits


def _scan(
    files: Sequence[Entry],
    known: list[_Known | None],
    waiting: Sequence[int],
    *,
    cache: Cache,
    scan: Scan,
    progress: Callable[[int, int], None] | None,
) -> None:
    first: dict[str, int] = {}
    twins: list[tuple[int, int]] = []
    once: list[int] = []
    for number in waiting:
        content = files[number].content_id
        if content is not None and content in first:
            twins.append((number, first[content]))
            continue
        if content is not None:
            first[content] = number
        once.append(number)
    began, pending = time.time_ns(), []
    committed = time.monotonic()
    done = 0
    for start, answers in scan(FUNCTION, (files[number].locator for number in once)) if once else ():
        for offset, answer in enumerate(answers):
            number = once[start + offset]
            known[number] = _known(files[number], answer)
            pending.append(number)
        done += len(answers)
        if progress is not None:
            progress(done, len(once))
        if len(pending) >= _COMMIT_FILES or time.monotonic() - committed > _COMMIT_SECONDS:
            _remember(files, known, pending, cache, began)
            pending, committed = [], time.monotonic()
    _remember(files, known, pending, cache, began)
    for number, twin in twins:
        known[number] = known[twin]


def _known(entry: Entry, answer: Answer | Lost) -> _Known:
    if isinstance(answer, Lost):
        return _Known(entry.content_id, entry.size, _tuple(failure("crashed", answer.cause, answer.detail)))
    content, size, facts = answer
    # Git's own id counts for a blob: a sha256 repository does not use SHA-1.
    return _Known(entry.content_id if isinstance(entry.locator, BlobLocator) else content, size, facts)


def _remember(
    files: Sequence[Entry], known: Sequence[_Known | None], numbers: Sequence[int], cache: Cache, began: int
) -> None:
    read, facts = [], {}
    for number in numbers:
        item = known[number]
        if item is None or item.content_id is None or item.facts[_STATUS] in _PASSING:
            continue
        read.append((files[number], item.content_id))
        facts[item.content_id] = (item.size or 0, json.dumps(item.facts, separators=(",", ":")))
    if read:
        cache.store(read, facts, EXTRACTOR, began)


def _table(files: Sequence[Entry], known: Sequence[_Known | None]) -> Data:
    columns: dict[str, list[object]] = {column.name: [] for column in TABLES["files"].columns}
    keys: dict[str, int] = {}
    places = [columns[name] for name in FIELDS]
    for number, (entry, item) in enumerate(zip(files, known, strict=True)):
        assert item is not None
        columns["file_id"].append(number)
        columns["path"].append(display(entry.path))
        columns["suffix"].append(os.path.splitext(display(entry.path))[1].lower())
        columns["content_id"].append(item.content_id)
        content = item.content_id
        columns["content_key"].append(None if content is None else keys.setdefault(content, len(keys)))
        columns["size_bytes"].append(item.size if item.size is not None else entry.size)
        for column, value in zip(places, item.facts, strict=True):
            column.append(value)
    return Data(columns)
