"""What a worker is busy with, in memory that its parent shares: readable while it runs and when it is dead.

A record is two aligned words of 64 bits, each written by one store. `struct.pack_into` would not do: it clears
the bytes before it fills them, and a parent that looks in between sees an item begun at the dawn of time.
"""

from __future__ import annotations

import mmap
import time
from typing import NamedTuple

_WORDS = 2
_SHIFT = 32
SIZE = 8 * _WORDS
"""Bytes of one worker's record."""


class Mark(NamedTuple):
    """`item` is the position in the batch, None between two batches; `since` is monotonic nanoseconds."""

    batch: int
    item: int | None
    since: int


class Markers:
    """The records of all workers in the file `descriptor`, which must be as long as they are."""

    def __init__(self, descriptor: int) -> None:
        self._map = mmap.mmap(descriptor, 0)
        self._words = memoryview(self._map).cast("q")

    def set(self, slot: int, batch: int, item: int | None) -> None:
        """The time first: a new item with an old time would look stuck, the reverse only looks young."""
        at = _WORDS * slot
        self._words[at + 1] = time.monotonic_ns()
        self._words[at] = batch << _SHIFT | (0 if item is None else item + 1)

    def get(self, slot: int) -> Mark:
        at = _WORDS * slot
        busy, since = self._words[at], self._words[at + 1]
        item = busy & (1 << _SHIFT) - 1
        return Mark(busy >> _SHIFT, item - 1 if item else None, since)

    def close(self) -> None:
        self._words.release()
        self._map.close()
