"""Groups by the names of files: as `dataset.group` says, else as Roboflow names its copies of one photograph."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from datalint.group_pattern import compiled
from datalint.tables import Data

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator

    from datalint.dataset.model import Dataset

COPIES = "{group}.rf.*"
COPIES_OF_CLASS = "{group}/{group}.rf.*"
"""Where folders are classes, the `1.jpg` of one is not that of another."""
_MARK = ".rf."
_COPY = re.compile(r"\.rf\.[0-9a-f]{32}(?![0-9A-Za-z])")
"""`boat_jpg.rf.<md5>.jpg` is a copy of `boat.jpg`; one that went through Roboflow twice has two marks."""


def by_name(found: Dataset, pattern: str | None) -> Dataset:
    """With the groups that the declared pattern takes from paths; without one, and without other groups, Roboflow's."""
    if pattern is not None:
        return _grouped(found, pattern, map(compiled(pattern).group, names_of(found)))
    samples = found.samples.columns
    if found.group_column is not None or any(key is not None for key in samples.get("group_key", ())):
        return found
    paths = samples.get("path", ())
    if not any(_MARK in str(path) for path in paths):
        return found
    names = names_of(found)
    sources = [source_of(path) for path in names]
    copies = [
        (path, label)
        for path, label, source in zip(names, samples["label"], sources, strict=True)
        if source is not None
    ]
    if not copies:
        return found
    if found.task == "classification" and all(_folder(path) == label for path, label in copies):
        in_class = (source and f"{_folder(path)}/{source}" for path, source in zip(names, sources, strict=True))
        return _grouped(found, COPIES_OF_CLASS, in_class, guessed=True)
    return _grouped(found, COPIES, sources, guessed=True)


def source_of(path: str) -> str | None:
    """The photograph that a file is a copy of, as COPIES takes it from a name; None where Roboflow did not name it."""
    start = path.rfind("/") + 1
    mark = path.find(_MARK, start + 1)
    return path[start:mark] if mark > 0 and _COPY.search(path, mark) else None


def notes(found: Dataset) -> Iterator[str]:
    """What became of the pattern, in words."""
    if found.group_pattern is None or not len(found.samples):
        return
    groups: dict[str, str] = {}
    shared: set[str] = set()
    ungrouped: dict[str, None] = {}
    n_images = 0
    for path, key in zip(found.samples.columns["path"], found.samples.columns["group_key"], strict=True):
        if key is None:
            ungrouped[str(path)] = None
            continue
        n_images += 1
        if groups.setdefault(str(key), str(path)) != path:
            shared.add(str(key))
    if found.group_guessed:
        if shared:
            photographs = "1 photograph" if len(groups) == 1 else f"{len(groups):,} photographs"
            yield f"groups are by Roboflow's names: {n_images:,} images of {photographs}"
        return
    if ungrouped:
        verb = "has" if len(ungrouped) == 1 else "have"
        images = f"{len(ungrouped):,} {'image' if len(ungrouped) == 1 else 'images'}"
        first = f" (first: {next(iter(ungrouped))})"
        yield f"dataset.group: {images} of {len(found.samples):,} {verb} no group by {found.group_pattern!r}{first}"
    if groups and not shared:
        yield f"dataset.group: {found.group_pattern!r} makes each image a group of its own"


def matched(found: Dataset) -> bool:
    """Whether any sample has a group."""
    return any(key is not None for key in found.samples.columns["group_key"])


def _grouped(found: Dataset, pattern: str, keys: Iterable[str | None], *, guessed: bool = False) -> Dataset:
    samples = found.samples
    known: dict[str, str] = {}
    # Equal texts for each of a million images are a hundred megabytes.
    shared: list[object] = [None if key is None else known.setdefault(key, key) for key in keys]
    return replace(
        found,
        samples=Data({**samples.columns, "group_key": shared}, samples.extra),
        group_column=None,
        group_pattern=pattern,
        group_guessed=guessed,
    )


def names_of(found: Dataset) -> list[str]:
    """What of each path is matched: from the root on; a member of an archive by its name, a record by its shard's."""
    prefix = found.root.rstrip("/") + "/" if found.root not in ("", ".") else ""
    shards = {str(path) for path in found.shards.columns.get("path", ())}
    paths = [str(path) for path in found.samples.columns["path"]]
    if shards:
        paths = [_in_shard(path, shards, member=found.format == "webdataset") for path in paths]
    return [path.removeprefix(prefix) for path in paths]


def _in_shard(path: str, shards: Collection[str], *, member: bool) -> str:
    place = path.find("#")
    while place >= 0 and path[:place] not in shards:
        place = path.find("#", place + 1)
    if place < 0:
        return path
    return f"{path[:place]}/{path[place + 1 :]}" if member else path[:place]


def _folder(path: str) -> str:
    return path.rpartition("/")[0].rpartition("/")[2]
