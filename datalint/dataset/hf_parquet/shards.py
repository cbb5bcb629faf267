"""Parquet shards -> their columns and rows, read by a child process; a shard that ends the child is left out."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Any

from datalint.source.lfs import POINTER

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

_MAGIC = b"PAR1"
_READER = "import sys; from datalint.dataset.hf_parquet.child import main; sys.exit(main())"
_SMALLEST = 12
"""Bytes of a Parquet file without anything in it: two magic numbers and the length of the footer."""


@dataclass(frozen=True, slots=True)
class Opened:
    """A shard whose footer was read."""

    number: int
    kinds: Mapping[str, str]
    written: str | None
    """JSON of `datasets`."""
    compression: str | None


@dataclass(frozen=True, slots=True)
class Cells:
    """One row of it."""

    cells: Sequence[Any]


@dataclass(frozen=True, slots=True)
class Ended:
    """Why there are no more rows: the words of the reader."""

    number: int
    error: str


Event = Opened | Cells | Ended


def faults(place: str) -> tuple[str, str, str] | None:
    """Status, cause and words for what is no whole Parquet file by its two ends."""
    size = os.path.getsize(place)
    if size == 0:
        return "empty", "empty", "0 bytes"
    with open(place, "rb") as file:
        head = file.read(len(POINTER))
        file.seek(max(0, size - len(_MAGIC)))
        tail = file.read()
    if head == POINTER:
        return "pointer", "lfs-pointer", "a Git LFS pointer: `git lfs pull` fetches it"
    if not head.startswith(_MAGIC):
        return "damaged", "not-parquet", "it does not begin like a Parquet file (PAR1)"
    if size < _SMALLEST or tail != _MAGIC:
        return "damaged", "truncated", f"it ends without its footer, after {size:,} bytes"
    return None


@contextmanager
def events(places: Mapping[int, str], *, rows: bool = True) -> Iterator[Iterator[Event]]:
    """What the shards hold, in order; nothing of the rows is kept in memory. `rows`: else only what they are."""
    with tempfile.TemporaryDirectory() as folder:
        answers = os.path.join(folder, "answers")
        left = dict(places)
        with open(answers, "wb") as file:
            while left:
                last = _run(left, file, os.path.join(folder, "asked"), rows=rows)
                left = {} if last is None else {number: place for number, place in left.items() if number > last}
        with open(answers, "rb") as file:
            yield _events(file)


def _run(places: Mapping[int, str], answers: IO[bytes], asked: str, *, rows: bool) -> int | None:
    """Read them all; the number of the shard that the child did not survive, None where it did."""
    with open(asked, "w", encoding="utf-8") as file:
        json.dump({"shards": list(places.items()), "rows": rows}, file)
    start = answers.tell()
    run = subprocess.run(
        [sys.executable, "-P", "-c", _READER, asked], stdout=answers, stderr=subprocess.PIPE, check=False
    )
    if not run.returncode:
        answers.seek(0, os.SEEK_END)
        return None
    last, end = _last(answers.name, start)
    # Half a line may be left of the last row.
    os.truncate(answers.name, end)
    answers.seek(0, os.SEEK_END)
    number = min(places) if last is None else last
    opening = b"" if last is not None else json.dumps({"shard": number}).encode() + b"\n"
    answers.write(opening + json.dumps({"error": "its reader did not survive it"}).encode() + b"\n")
    answers.flush()
    return number


def _last(name: str, start: int) -> tuple[int | None, int]:
    """The last shard that was opened after `start`, and where the last whole line ends."""
    last, end = None, start
    with open(name, "rb") as file:
        file.seek(start)
        for line in file:
            if not line.endswith(b"\n"):
                break
            end += len(line)
            if line.startswith(b'{"shard"'):
                last = json.loads(line)["shard"]
    return last, end


def _events(file: IO[bytes]) -> Iterator[Event]:
    number = -1
    for line in file:
        found = json.loads(line)
        if isinstance(found, list):
            yield Cells(found)
        elif "shard" in found:
            number = found["shard"]
        elif "error" in found:
            yield Ended(number, found["error"])
        else:
            yield Opened(number, found["kinds"], found["written"], found["compression"])
