"""From a shard's name to what is in it: opened, looked into, read once, and remembered between runs."""

from __future__ import annotations

import itertools
import os
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from datalint.dataset.tfrecord import index as indexes
from datalint.dataset.tfrecord import scan
from datalint.dataset.tfrecord.plan import Head, head
from datalint.entry import FileLocator, display, node_of
from datalint.source.lfs import POINTER, POINTER_BYTES

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from datalint.dataset.options import Memory
    from datalint.dataset.tfrecord.index import Index
    from datalint.dataset.tfrecord.plan import Plan
    from datalint.dataset.tfrecord.shards import Shard
    from datalint.source import Source

_HEADS, _HEAD_SHARDS = 4, 16
"""Records that are looked at in each of so many shards to find out what the features are."""


@dataclass(frozen=True, slots=True)
class Place:
    """A shard on disk; `size`, `mtime_ns` and `inode` are those of the moment before it was read."""

    path: str
    size: int
    mtime_ns: int
    inode: int


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a shard was not read, as table `shards` says it."""

    status: str
    cause: str
    detail: str


def open_shard(source: Source, shard: Shard) -> Place | Refusal:
    """Where its bytes lie; raises UnfinishedError for a blob that git cannot give."""
    if shard.entry is None:
        return Refusal("missing", "not-there", "dataset_info.json describes it, and it is not there")
    if shard.entry.kind != "file":
        return Refusal("unreadable", shard.entry.kind, "it is no file that can be read")
    try:
        place = source.spooled(shard.full)
        if place is None:
            return Refusal("unreadable", "vanished", "it was there when the dataset was listed")
        status = os.stat(place)
        if status.st_size < POINTER_BYTES and _begins(place) == POINTER:
            return Refusal("pointer", "lfs-pointer", "a Git LFS pointer: its content was not fetched")
        return Place(place, status.st_size, status.st_mtime_ns, node_of(status))
    except OSError as error:
        return _unreadable(error)


def _begins(place: str) -> bytes:
    with open(place, "rb") as file:
        return file.read(len(POINTER))


def _unreadable(error: OSError) -> Refusal:
    return Refusal("unreadable", "io-error", display(error.strerror or str(error)).lower())


def heads(places: Sequence[Place]) -> Iterator[Head]:
    """The first records of shards from all over the dataset."""
    for place in places[:: max(1, len(places) // _HEAD_SHARDS)]:
        try:
            with scan.records(place.path) as found:
                yield from filter(None, map(head, itertools.islice(found, _HEADS)))
        except OSError:
            # Told when the whole shard is read.
            continue


def read_shard(shard: Shard, place: Place, plan: Plan, memory: Memory | None) -> Index | Refusal:
    """What was remembered of the shard, else what is read now."""
    if shard.entry is None or not isinstance(shard.entry.locator, FileLocator):
        # A copy of what git has: it is gone after the run.
        memory = None
    path, key = os.fsencode(place.path), f"tfrecord {indexes.VERSION} {plan!r}"
    status = (place.size, place.mtime_ns, place.inode)
    content = None if memory is None else memory.recall(path, key, status)
    found = None if content is None else indexes.unpack(content)
    if found is not None:
        return found
    now = time.time_ns()
    try:
        found = scan.scan(place.path, plan)
    except OSError as error:
        return _unreadable(error)
    if memory is not None:
        memory.remember(path, key, (*status, now), indexes.pack(found))
    return found
