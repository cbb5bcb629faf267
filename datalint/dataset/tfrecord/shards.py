"""The shards of a dataset: which files they are, of which set and split, and what TFDS says of each."""

from __future__ import annotations

import posixpath
from dataclasses import dataclass
from typing import TYPE_CHECKING

from datalint.dataset.splits import SPLITS, meanings, split_name
from datalint.dataset.tfrecord import names, tfds
from datalint.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from datalint.dataset.listing import Listing
    from datalint.dataset.tfrecord.names import Name
    from datalint.entry import Entry

_HEAD = 64 << 10


@dataclass(frozen=True, slots=True)
class Shard:
    """`path` is relative to the root, `full` to the source's base; `entry` is None for one that only TFDS names."""

    path: str
    full: str
    name: Name
    entry: Entry | None
    split: str | None = None
    declared: int | None = None
    """Records that it must hold."""


def is_shard(listing: Listing, path: str) -> bool:
    """By its name, else by its first bytes where the name leaves it open."""
    if names.certain(path):
        return True
    if not names.possible(path):
        return False
    # Here, so that a dataset of another format does not load the library of checksums.
    from datalint.dataset.tfrecord.stream import framed_inside

    return framed_inside(listing.head(path, _HEAD))


def find(listing: Listing, splits: Mapping[str, str] | None) -> tuple[list[Shard], tfds.Description | None]:
    """Every shard in the order of paths, with its split; raises UsageError for a declared split that is not there."""
    below = {listing.path(path): path for path in listing.files}
    entries = {below[entry.path]: entry for entry in listing.source.entries(listing.root) if entry.path in below}
    paths = _paths(listing)
    described = _described(listing)
    known = {shard.path: shard for each in described for shard in each.shards}
    lone = len(listing.files) == 1 and listing.path(listing.files[0]) == posixpath.normpath(listing.root)
    paths = sorted({*paths, *(() if lone else known)})
    parsed = {path: names.parse(path) for path in paths}
    by_split = _splits(paths, parsed, known, splits, lone=lone)
    found = [
        Shard(
            path, listing.path(path), parsed[path], entries.get(path), by_split.get(path),
            known[path].records if path in known else None,
        )
        for path in paths
    ]  # fmt: skip
    return found, described[0] if len(described) == 1 else None


def _paths(listing: Listing) -> list[str]:
    """Those that are shards, and beside them those that are called alike: they may be empty, damaged, or pointers."""
    if len(listing.files) == 1:
        # Whoever names a single file as TFRecord says so, whatever it is called.
        return list(listing.files)
    known = {path for path in listing.files if is_shard(listing, path)}
    kinds = {_kind(path) for path in known}
    return [path for path in listing.files if path in known or (names.possible(path) and _kind(path) in kinds)]


def _kind(path: str) -> tuple[str, bool, str]:
    """What shards of one writer have in common: the folder, whether they are numbered, else the suffix."""
    numbered = names.parse(path).number is not None
    return posixpath.dirname(path), numbered, "" if numbered else posixpath.splitext(path)[1].lower()


def _described(listing: Listing) -> list[tfds.Description]:
    folders = [posixpath.dirname(path) for path in listing.files if posixpath.basename(path) == tfds.INFO]
    found = [
        tfds.read(listing.source, posixpath.dirname(listing.path(f"{each}/x" if each else "x")), each)
        for each in folders
    ]
    return [each for each in found if each is not None and each.shards]


def _splits(
    paths: Sequence[str],
    parsed: Mapping[str, Name],
    known: Mapping[str, tfds.Shard],
    declared: Mapping[str, str] | None,
    *,
    lone: bool,
) -> dict[str, str]:
    """Path -> split, for those that have one."""
    if declared is not None:
        return _declared(paths, parsed, declared)
    if lone:
        # One shard of a set is judged by itself, whatever part of the set it is.
        return {}
    found = {path: split_name(known[path].split) for path in paths if path in known}
    rest = [path for path in paths if path not in found]
    return found | _by_series(rest, parsed) or _by_folder(rest)


def _declared(paths: Sequence[str], parsed: Mapping[str, Name], declared: Mapping[str, str]) -> dict[str, str]:
    """A split may be said of a folder, of a set of shards or of one file."""
    found: dict[str, str] = {}
    used: set[str] = set()
    wanted = {posixpath.normpath(name): (name, split) for name, split in declared.items()}
    for path in paths:
        series = parsed[path].series
        for name in (path, posixpath.basename(path), series, posixpath.basename(series), *_parents(path)):
            if name in wanted:
                written, found[path] = wanted[name]
                used.add(written)
                break
    for name, split in declared.items():
        if name not in used:
            sets = sorted({posixpath.dirname(path) or parsed[path].series for path in paths})
            message = f"dataset.splits.{split}: no shard, set of shards or folder {name!r}"
            raise UsageError(message, hint=f"there are: {', '.join(sets)}", keys=("dataset", "splits", split))
    return found


def _parents(path: str) -> Iterable[str]:
    while path := posixpath.dirname(path):
        yield path
        yield posixpath.basename(path)


def _by_series(paths: Sequence[str], parsed: Mapping[str, Name]) -> dict[str, str]:
    series = {path: posixpath.basename(parsed[path].series) for path in paths}
    meant = meanings(set(series.values()))
    for path, name in series.items():
        # TFDS: dataset-split.tfrecord-00000-of-00001
        last = name.rpartition("-")[2]
        if parsed[path].number is not None and name not in meant and last in SPLITS and "-" in name:
            meant[name] = SPLITS[last]
    if not meant:
        return {}
    # Beside `train` and `test` a set of another name is a split of that name: `extra` of SVHN.
    return {path: meant.get(name, name) for path, name in series.items()}


def _by_folder(paths: Sequence[str]) -> dict[str, str]:
    """The outermost level of folders that means anything."""
    depth = max((path.count("/") for path in paths), default=0)
    for level in range(depth):
        at = {path: path.split("/")[level] for path in paths if path.count("/") > level}
        meant = meanings(set(at.values()))
        if meant:
            return {path: meant.get(name, name) for path, name in at.items()}
    return {}
