"""The speed of this machine against the shipped constants, timed on a sample of the dataset itself."""

from __future__ import annotations

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
_LARGEST = 32 << 20
"""Bytes of a file that is timed: the sample is to take a second, not a minute."""


def speed(source: Source, entries: Sequence[Entry], files: Data) -> float | None:
    """Time of this machine over that of the constants; None where no file of the sample could be timed.

    `entries` are the files of the rows of table `files`, in their order.
    """
    usable = [
        number
        for number, (status, size) in enumerate(zip(files.columns["status"], files.columns["size_bytes"], strict=True))
        if status == "ok" and cast("int", size) <= _LARGEST
    ]
    spent = expected = 0.0
    for turn, number in enumerate(usable[:: max(1, len(usable) // SAMPLE)][:SAMPLE]):
        content = source.read(entries[number].path)
        if content is None:
            continue
        if turn == 0:
            # The first picture loads the decoder: its time is that of the second round.
            decode_seconds(content)
        taken = decode_seconds(content)
        if taken is not None:
            spent += taken
            row = Data({name: [column[number]] for name, column in files.columns.items()})
            expected += timing.seconds(kinds_of(row), timing.PILLOW)
    return spent / expected if expected else None
