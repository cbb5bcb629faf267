"""The speed of this machine against the shipped constants, timed on a sample of the dataset itself."""

from __future__ import annotations

from statistics import median
from typing import TYPE_CHECKING, cast

from datalint.facts.speed import decode_seconds
from datalint.footprint import timing
from datalint.footprint.images import kinds_of
from datalint.tables import Data

if TYPE_CHECKING:
    from collections.abc import Sequence

    from datalint.entry import Entry
    from datalint.source import Source

SAMPLE = 64
"""Files, at equal distances in the dataset."""
_ROUNDS = 3
"""Times that a file is decoded; the one in the middle counts."""
_ODD = 1.5
"""Times the usual factor beyond which a file tells of itself and not of the machine: one camera original of 40 MB
decoded among a thousand thumbnails."""
_LARGEST = 4 << 20
"""Bytes of a file that is timed: the sample is held in memory, and is to take a second or two."""


def speed(source: Source, entries: Sequence[Entry], files: Data) -> float | None:
    """Time of this machine over that of the constants; None where no file of the sample could be timed.

    `entries` are the files of the rows of table `files`, in their order.
    """
    usable = [
        number
        for number, (status, size) in enumerate(zip(files.columns["status"], files.columns["size_bytes"], strict=True))
        if status == "ok" and cast("int", size) <= _LARGEST
    ]
    chosen = usable[:: max(1, len(usable) // SAMPLE)][:SAMPLE]
    sample = {number: content for number in chosen if (content := source.read(entries[number].path)) is not None}
    # The first round loads decoders and warms caches, as all but the first images of an epoch find them.
    timed = [number for number, content in sample.items() if decode_seconds(content) is not None]
    times = {number: median(decode_seconds(sample[number]) or 0.0 for _ in range(_ROUNDS)) for number in timed}
    shipped = {number: timing.seconds(kinds_of(_row(files, number)), timing.PILLOW) for number in timed}
    usual = median([times[number] / shipped[number] for number in timed]) if timed else 0.0
    alike = [number for number in timed if usual / _ODD <= times[number] / shipped[number] <= usual * _ODD]
    return sum(times[number] for number in alike) / sum(shipped[number] for number in alike) if alike else None


def _row(files: Data, number: int) -> Data:
    return Data({name: [column[number]] for name, column in files.columns.items()})
