"""Which archives a root stands for, and what their names say: set, number, split."""

from __future__ import annotations

import posixpath
import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from datalint import braces
from datalint.dataset.splits import meanings
from datalint.dataset.webdataset import SUFFIXES
from datalint.entry import Entry, FileLocator
from datalint.errors import UsageError
from datalint.globs import glob_pattern

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from datalint.source import Source

_NAME = re.compile(r"(?P<series>.*?)(?:(?:^|[-_.])(?P<number>[0-9]{1,18})(?:-of-(?P<all>[0-9]{1,18}))?)?", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Shard:
    """An archive and what its name says."""

    entry: Entry
    name: str
    """Relative to the root."""
    series: str
    number: int | None
    declared: int | None
    split: str | None = None


def shards(source: Source, root: str) -> tuple[list[Shard], list[Entry]]:
    """Archives in the order of their paths, of a pattern in its own; and what else lies below a folder."""
    entries = source.entries(root)
    if not entries and braces.is_pattern(root):
        folder = braces.place(root)
        start = 0 if folder == "." else len(folder) + 1
        return [_shard(_entry(source, path), path[start:]) for path in braces.expand(root)], []
    if len(entries) == 1 and entries[0].path == posixpath.normpath(root):
        return [_shard(entries[0], posixpath.basename(root))], []
    start = 0 if root in ("", ".") else len(root.rstrip("/")) + 1
    archives = [
        entry
        for entry in entries
        if entry.path.lower().endswith(SUFFIXES) and entry.kind in ("file", "missing", "pointer")
    ]
    taken = {entry.path for entry in archives}
    return [_shard(entry, entry.path[start:]) for entry in archives], [
        entry for entry in entries if entry.path not in taken
    ]


def _entry(source: Source, path: str) -> Entry:
    path = posixpath.normpath(path)
    found = source.entries(path)
    return found[0] if len(found) == 1 and found[0].path == path else Entry(path, FileLocator(path), "missing")


def _shard(entry: Entry, name: str) -> Shard:
    base = posixpath.basename(name)
    suffix = next((suffix for suffix in SUFFIXES if base.lower().endswith(suffix)), "")
    match = _NAME.fullmatch(base[: len(base) - len(suffix)])
    if match is None:
        raise AssertionError("any name matches")
    number, declared = (None if match[group] is None else int(match[group]) for group in ("number", "all"))
    folder = posixpath.dirname(name)
    return Shard(entry, name, posixpath.join(folder, match["series"]), number, declared)


def with_splits(found: Sequence[Shard], declared: Mapping[str, str] | None) -> tuple[list[Shard], str]:
    """The same with their splits, and what was guessed of them, if anything.

    `declared` maps a folder, a set, a glob or a brace pattern to a split; empty, there are none. Raises UsageError
    for one that no archive matches.
    """
    if declared is not None:
        return _declared(found, declared), ""
    words = {part for shard in found for part in shard.series.split("/") if part}
    known = meanings(sorted(words))
    if not known:
        return list(found), ""
    split = [replace(shard, split=_split(shard, known)) for shard in found]
    used = sorted({(part, known[part]) for shard in found for part in shard.series.split("/") if part in known})
    told = [f"{part} as {name}" for part, name in used if part != name]
    return split, f"splits were guessed: {', '.join(told)}; `dataset.splits` declares them" if told else ""


def _split(shard: Shard, known: Mapping[str, str]) -> str | None:
    return next((known[part] for part in shard.series.split("/") if part in known), None)


def _declared(found: Sequence[Shard], declared: Mapping[str, str]) -> list[Shard]:
    names = {shard.name for shard in found}
    splits: dict[str, str] = {}
    for written, split in declared.items():
        keys = ("dataset", "splits", split)
        some = _matching(written, names, found)
        if not some:
            known = sorted({shard.series or shard.name for shard in found})
            hint = f"there are: {', '.join(known[:8])}"
            raise UsageError(f"dataset.splits.{split}: no archive is called {written!r}", hint=hint, keys=keys)
        for name in some:
            if splits.setdefault(name, split) != split:
                raise UsageError(f"dataset.splits.{split}: {name} is in {splits[name]} already", keys=keys)
    return [replace(shard, split=splits.get(shard.name)) for shard in found]


def _matching(written: str, names: Iterable[str], found: Sequence[Shard]) -> list[str]:
    by_series = [shard.name for shard in found if shard.series == written.rstrip("/")]
    if by_series:
        return by_series
    patterns = [re.compile(glob_pattern(name)) for name in braces.expand(written)]
    return [name for name in names if any(pattern.fullmatch(name) for pattern in patterns)]
