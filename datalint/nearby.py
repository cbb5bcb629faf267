"""The table `near`: which pictures of a dataset are copies of one another, changed or turned."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, cast

from datalint.facts.gather import extractor_version
from datalint.near import answered
from datalint.near.units import Units
from datalint.tables import TABLES, Data

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from datalint.config import BoundRule
    from datalint.facts.gather import Gathered
    from datalint.finding import NotChecked
    from datalint.looked import Looked
    from datalint.near.units import Found
    from datalint.rule.model import Rule

VERSION = "4"
"""Raise it whenever the same pictures could be another pair."""
_NAMES = [column.name for column in TABLES["near"].columns]


class Asked(Enum):
    """Which pairs anybody wants to know of."""

    NOTHING = 0
    ACROSS = 1
    """Those of different splits."""
    ALL = 2


@dataclass(frozen=True, slots=True)
class Nearby:
    """The table, what narrowed the search, and what nobody could look at."""

    table: Data
    notes: Sequence[str] = ()
    not_checked: Sequence[NotChecked] = ()


def asked(bound: Iterable[BoundRule[Rule]], reads: Mapping[str, Collection[str]]) -> Asked:
    """What the rules read; a rule that is tagged `leakage` looks across splits alone."""
    reading = [item.rule for item in bound if "near" in reads[item.rule.id]]
    if not reading:
        return Asked.NOTHING
    return Asked.ACROSS if all("leakage" in rule.tags for rule in reading) else Asked.ALL


def compare(looked: Looked, wanted: Asked, *, workers: int | None = None, timeout: float = 60) -> Nearby:
    """Compare the pictures of all samples; `timeout` is seconds for one. Raises UnfinishedError when it cannot scan."""
    units = _units(looked.files, looked.dataset.samples) if wanted is not Asked.NOTHING else Units([], [], [], [])
    across = wanted is Asked.ACROSS
    if len(units.files) < 2 or (across and len(set(units.splits)) < 2):
        return Nearby(_table([]))
    found = _found(looked, units, across=across, workers=workers, timeout=timeout)
    return Nearby(_table(found.rows), found.notes, found.not_checked)


def _found(looked: Looked, units: Units, *, across: bool, workers: int | None, timeout: float) -> Found:
    version = f"{VERSION}, {extractor_version()}"
    name = "near, across" if across else "near"
    key = answered.key(units, looked.files.identities, version)
    known = answered.unpacked(looked.cache.kept(name, key)) if key else None
    if known is not None:
        return known
    # NumPy takes a tenth of a second to start, and nobody waits for it who asks again.
    from datalint.copies import search

    found = search(looked, units, version, across=across, workers=workers, timeout=timeout)
    answer = answered.packed(found)
    if key and answer is not None:
        looked.cache.keep(name, key, answer)
    return found


def _units(gathered: Gathered, samples: Data) -> Units:
    """A file of each content in each split, where its hash is known."""
    hashes = cast("Sequence[int | None]", gathered.data.columns["phash"])
    contents = cast("Sequence[int | None]", gathered.data.columns["content_key"])
    files = cast("Sequence[int | None]", samples.columns["file_id"])
    splits = samples.columns.get("split") or [None] * len(samples)
    numbers: dict[object, int] = {}
    for split in dict.fromkeys(splits):
        numbers[split] = numbers.setdefault("train" if split is None else split, len(numbers))
    first: dict[tuple[int, int], int] = {}
    for file, split in _once(files, splits):
        if file is not None and hashes[file] is not None and (content := contents[file]) is not None:
            first.setdefault((content, numbers[split]), file)
    return Units(
        files=list(first.values()),
        hashes=[hashes[file] or 0 for file in first.values()],
        splits=[number for _, number in first],
        contents=[content for content, _ in first],
    )


def _once(files: Sequence[int | None], splits: Sequence[object]) -> Iterable[tuple[int | None, object]]:
    """A file in two splits counts in the first: that it is in both is another rule's business."""
    if len(set(files)) == len(files):
        return zip(files, splits, strict=True)
    first: dict[int | None, object] = {}
    for file, split in zip(files, splits, strict=True):
        first.setdefault(file, split)
    return first.items()


def _table(rows: Sequence[tuple[object, ...]]) -> Data:
    columns = zip(*rows, strict=True) if rows else ([] for _ in _NAMES)
    return Data({name: list(values) for name, values in zip(_NAMES, columns, strict=True)})
