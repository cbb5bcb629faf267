"""The table `files` of a dataset: from the cache where it knows the bytes, else from scan processes."""

from __future__ import annotations

import os
import sys
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from datalint import engine
from datalint.engine import Failure
from datalint.entry import BlobLocator, FileLocator, PartLocator
from datalint.facts.cache import LYING
from datalint.facts.content import is_made_by
from datalint.facts.model import EXTRACTOR, MASKS, PLANES
from datalint.facts.pack import MANY, OF_IMAGES, OF_MASKS, Pack
from datalint.facts.row import COLUMNS, MAX_BYTES, too_large, unread
from datalint.facts.table import known_as, table
from datalint.tables import TABLES, Data

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from datalint.engine import Answered
    from datalint.entry import Entry
    from datalint.facts.cache import Cache, NullCache
    from datalint.facts.row import Item, Row, Signature

    Progress = Callable[[int, int], None]

BATCH = 64
CHUNK = 2_000
"""Rows that are looked up, or stored, at once."""
COMMIT_SECONDS = 2.0
# A scan process takes about 0.15 s to start, as long as some 60 small images take to read.
_FILES_PER_WORKER = 32
# Facts depend on these too: what they refuse today they may decode tomorrow.
_DECODERS = ("numpy", "pillow", "pillow-heif", "simplejpeg")

_KINDS: dict[str, tuple[str, str, str]] = {
    "missing": ("missing", "missing-file", "no such file"),
    "broken-link": ("missing", "broken-link", "a symbolic link to nothing"),
    "link-loop": ("unreadable", "link-loop", "a symbolic link that leads back to itself"),
    "unreadable-folder": ("unreadable", "permission", "a folder that may not be listed"),
    "special": ("unreadable", "not-a-file", "not a regular file"),
    "submodule": ("pointer", "submodule", "a submodule: git has its commit alone"),
    "remote": ("remote", "url", "a URL, no file on this machine"),
    "pointer": ("pointer", "dvc-missing", "tracked by DVC, its content is not here"),
}
_FAILURES = {
    "crash": "decoder-crash",
    "hang": "decoder-hang",
    "memory": "decoder-memory",
    "error": "decoder-crash",
}
_BOOLEANS = {column.name for column in TABLES["files"].columns if column.type == "BOOLEAN"}
_WORDS = {"format", "mode", "status", "cause"}
_TRUTH = {None: None, 0: False, 1: True}


@dataclass(frozen=True, slots=True)
class Gathered:
    """The table `files`: row number = position in the given files."""

    data: Data
    cached: int
    """Files whose facts came from the cache."""
    read: int
    """Files that were opened in this run; also those whose bytes the cache turned out to know."""
    identities: Sequence[str | None] = ()
    """Of each file the id of the bytes that were read, else what a pointer says; None where neither is known."""


def gather(
    files: Sequence[Entry],
    *,
    cache: Cache | NullCache,
    workers: int | None = None,
    timeout: float = 60,
    progress: Progress | None = None,
    masks: bool = False,
    planes: bool = False,
    fresh: bool = False,
) -> Gathered:
    """Facts of every file; `timeout` is seconds for one. Raises UnfinishedError when it cannot scan.

    Of `masks` the stored values too, under their names in `Facts`; of `planes` small pictures and nothing else.
    `fresh` reads every byte of files on disk again, whatever their time stamps say, and decodes only those that the
    cache does not know.
    """
    scan = _Scan(files, cache, (MASKS if masks else PLANES if planes else "") + extractor_version(), fresh)
    kept = None if planes or len(files) < MANY else OF_MASKS if masks else OF_IMAGES
    pack = None if kept is None else Pack(cache, scan.extractor, name=kept)
    scan.recall(pack)
    scan.read(workers or _cores(), timeout, progress)
    if pack is not None:
        pack.renew(scan.ids, scan.columns)
    same = known_as(files, scan.ids)
    found = table(files, same, scan.columns)
    more = [name for name in COLUMNS if (masks and name.startswith("mask_")) or (planes and name.endswith("plane"))]
    found |= {name: scan.columns[name] for name in more}
    return Gathered(Data(found), scan.cached, len(scan.pending), same)


def _cores() -> int:
    """Those that this process may use, where the system tells."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def extractor_version() -> str:
    """Our own version of the facts and those of the decoders: part of the key of every remembered fact."""
    versions = [f"{name} {version}" for name in _DECODERS if (version := _version(name)) is not None]
    return ", ".join((EXTRACTOR, *versions))


def _version(distribution: str) -> str | None:
    """As the name of its folder tells (PEP 376); importlib.metadata takes longer than all else before a scan."""
    start, end = distribution.replace("-", "_") + "-", ".dist-info"
    for folder in filter(os.path.isdir, sys.path):
        for name in os.listdir(folder):
            if name.lower().startswith(start) and name.endswith(end):
                return name[len(start) : -len(end)]
    return None


@dataclass(slots=True)
class _Scan:
    """Columns that fill up, first from the cache and then from the files."""

    files: Sequence[Entry]
    cache: Cache | NullCache
    extractor: str
    fresh: bool = False
    cached: int = 0
    pending: list[int] = field(default_factory=list)
    """Files to read: one of each content that is known to be equal."""
    twins: dict[str, list[int]] = field(default_factory=dict)
    """Blobs to read, and every file that holds them."""
    columns: dict[str, list[object]] = field(default_factory=dict)
    ids: list[str | None] = field(default_factory=list)
    doubted: dict[int, str] = field(default_factory=dict)
    """What the cache believes of files that are read again all the same."""

    def recall(self, pack: Pack | None) -> None:
        """Fill in what needs no reading, and list the rest."""
        self.columns = {name: [None] * len(self.files) for name in COLUMNS}
        self.ids = [None] * len(self.files)
        for start in range(0, len(self.files), CHUNK):
            self._recall_chunk(range(start, min(start + CHUNK, len(self.files))), pack)

    def _recall_chunk(self, chunk: range, pack: Pack | None) -> None:
        identities: dict[int, str] = {}
        paths: dict[int, bytes] = {}
        odd: dict[int, Row] = {}
        for number in chunk:
            entry = self.files[number]
            if entry.kind != "file":
                odd[number] = unread(*_KINDS[entry.kind], size=entry.size)
            elif isinstance(entry.locator, BlobLocator):
                identities[number] = f"git:{entry.locator.blob}"
            elif entry.size is not None and entry.size > MAX_BYTES:
                odd[number] = too_large(entry.size)
            else:
                paths[number] = _key(entry.locator)
        signatures = self.cache.signatures(list(paths.values()))
        for number, path in paths.items():
            entry = self.files[number]
            if path in signatures:
                (size, mtime, inode, _), identity = signatures[path]
                same = (size, mtime, inode) == (entry.size, entry.mtime_ns, entry.inode)
                if same and is_made_by(self.cache.algorithm, identity):
                    (self.doubted if self.fresh else identities)[number] = identity
        copied = {} if pack is None else pack.copy(identities, self.columns)
        asked = {number: identity for number, identity in identities.items() if number not in copied}
        known = self.cache.facts(list(dict.fromkeys(asked.values())), self.extractor)
        found = {number: identity for number, identity in identities.items() if number in copied or identity in known}
        for number, identity in found.items():
            self.ids[number] = identity
        self.cached += len(found)
        rows = odd | {number: known[identity] for number, identity in found.items() if number not in copied}
        self._fill(sorted(rows), [rows[number] for number in sorted(rows)])
        for number in chunk:
            if number not in rows and number not in copied:
                self._schedule(number)

    def _schedule(self, number: int) -> None:
        locator = self.files[number].locator
        if isinstance(locator, BlobLocator):
            same = self.twins.setdefault(locator.blob, [])
            same.append(number)
            if len(same) > 1:
                return
        self.pending.append(number)

    def read(self, workers: int, timeout: float, progress: Progress | None) -> None:
        """Send what is left to scan processes; what they answer is stored as it comes."""
        if not self.pending:
            return
        workers = min(workers, 1 + len(self.pending) // _FILES_PER_WORKER)
        algorithm = self.cache.algorithm
        answered = engine.load("local").run(
            [sys.executable, "-P", "-m", "datalint.facts.worker", self.cache.folder or "", self.extractor, algorithm],
            self._batches(workers),
            workers=workers,
            timeout=timeout,
        )
        done = 0
        kept = _Kept(self.cache, self.extractor)
        try:
            for batch in answered:
                self._take(batch, kept)
                done += len(batch.items)
                if progress is not None:
                    progress(done, len(self.pending))
        finally:
            # Also when interrupted: nothing that was read is read again.
            kept.flush()

    def _take(self, batch: Answered, kept: _Kept) -> None:
        numbers: list[int] = []
        rows: list[Row] = []
        for item, answer in zip(batch.items, batch.answers, strict=True):
            number = item[0]
            locator = self.files[number].locator
            same = self.twins[locator.blob] if isinstance(locator, BlobLocator) else [number]
            numbers += same
            if isinstance(answer, Failure):
                rows += [self._failed(answer, number)] * len(same)
                continue
            identity, signature, row, known = answer
            rows += [row] * len(same)
            if identity is None:
                continue
            self.cached += len(same) if known else 0
            for each in same:
                self.ids[each] = identity
            path = None if isinstance(locator, BlobLocator) else _key(locator)
            if signature is not None and self.doubted.get(number, identity) != identity:
                signature = (*signature[:3], LYING)
            kept.add(identity, None if known else row, path, signature)
        self._fill(numbers, rows)
        kept.flush_when_due()

    def _batches(self, workers: int) -> Iterator[list[Item]]:
        """Smaller and smaller towards the end, so that all processes finish together."""
        start, total = 0, len(self.pending)
        while start < total:
            size = max(1, min(BATCH, (total - start) // (4 * workers)))
            yield [self._item(number) for number in self.pending[start : start + size]]
            start += size

    def _item(self, number: int) -> Item:
        locator = self.files[number].locator
        if isinstance(locator, BlobLocator):
            return number, locator.repository, locator.blob
        if isinstance(locator, PartLocator):
            return number, locator
        return number, locator.path

    def _failed(self, failure: Failure, number: int) -> Row:
        return unread("crashed", _FAILURES[failure.kind], failure.detail, size=self.files[number].size)

    def _fill(self, numbers: Sequence[int], rows: Sequence[Row]) -> None:
        if not numbers:
            return
        first, last = numbers[0], numbers[-1]
        contiguous = last - first + 1 == len(numbers)
        for name, values in zip(COLUMNS, zip(*rows, strict=True), strict=True):
            if name in _BOOLEANS:
                values = tuple(map(_TRUTH.__getitem__, values))
            elif name in _WORDS:
                # A million copies of "jpeg" would be a million strings.
                values = tuple(value if value is None else sys.intern(str(value)) for value in values)
            column = self.columns[name]
            if contiguous:
                column[first : last + 1] = values
            else:
                for number, value in zip(numbers, values, strict=True):
                    column[number] = value


def _key(locator: FileLocator | PartLocator) -> bytes:
    """Under which the cache remembers what lay there."""
    path = os.fsencode(locator.path)
    if isinstance(locator, FileLocator):
        return path
    shape = "" if locator.pixels is None else f" {locator.pixels}"
    return path + f"\0{locator.codec} {locator.column} {locator.offset} {locator.size}{shape}".encode()


@dataclass(slots=True)
class _Kept:
    """What is to be stored next; an interrupted run loses no more than this."""

    cache: Cache | NullCache
    extractor: str
    facts: list[tuple[str, Row]] = field(default_factory=list)
    signatures: list[tuple[bytes, Signature, str]] = field(default_factory=list)
    since: float = field(default_factory=time.monotonic)

    def add(self, identity: str, row: Row | None, path: bytes | None, signature: Signature | None) -> None:
        """`row` is None where the cache has it already, `path` where there is no file."""
        if row is not None:
            self.facts.append((identity, row))
        if path is not None and signature is not None:
            self.signatures.append((path, signature, identity))

    def flush_when_due(self) -> None:
        """After enough rows, or enough time."""
        due = time.monotonic() - self.since > COMMIT_SECONDS
        if due or max(len(self.facts), len(self.signatures)) >= CHUNK:
            self.flush()

    def flush(self) -> None:
        """One transaction."""
        if self.facts or self.signatures:
            self.cache.store(self.facts, self.signatures, self.extractor)
        self.facts, self.signatures, self.since = [], [], time.monotonic()
