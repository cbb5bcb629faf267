"""Indexes of shards -> the tables of a dataset."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, cast

from datalint.dataset.model import Rows
from datalint.dataset.splits import split_name
from datalint.dataset.tfrecord import wire
from datalint.dataset.tfrecord.index import Index, integers
from datalint.dataset.tfrecord.reading import Place, Refusal
from datalint.entry import Entry, PartLocator, Pixels, display
from datalint.tables import Data

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from datalint.dataset.tfrecord.index import Box
    from datalint.dataset.tfrecord.plan import Plan
    from datalint.dataset.tfrecord.shards import Shard
    from datalint.entry import Codec
    from datalint.tables import Columns

    ClassKey = tuple[str | None, str, int | None]

_BIGINT = 1 << 63
_BITS = {wire.FLOAT: 32, wire.INT: 64}
"""Of each value of a list of numbers, however it is written."""
_LISTED = 5
"""Damaged records that are named after the first."""


@dataclass(frozen=True, slots=True)
class Read:
    """A shard that was read."""

    shard: Shard
    place: Place
    index: Index

    @property
    def shown(self) -> str:
        return display(self.shard.full)


@dataclass(slots=True)
class Samples:
    """Entries and the columns of `samples`, in step; boxes follow their samples."""

    plan: Plan
    names: Mapping[int | str, str]
    """Label -> what the class is called."""
    box_names: Mapping[int, str]
    described: bool
    """Whether a description names all classes: then there are no others, and -1 is no label (TFDS)."""
    splits: Mapping[str, str]
    """Value of the split feature -> split, as the user says it."""
    met: set[str] = field(default_factory=set)
    """Values of the split feature."""
    files: list[Entry] = field(default_factory=list)
    rows: Rows = field(default_factory=lambda: Rows("samples"))
    values: list[int | str | None] = field(default_factory=list)
    """Labels as they are written."""
    annotations: Rows = field(default_factory=lambda: Rows("annotations"))

    def add(self, read: Read) -> None:
        """All samples of one shard, column by column: there may be millions."""
        index, place = read.index, read.place
        start, numbers = len(self.files), integers(index.numbers)
        count = len(numbers)
        tails = [f"#{number}" for number in numbers]
        if index.steps:
            tails = [f"{tail}[{step}]" for tail, step in zip(tails, index.steps, strict=True)]
        bits = _BITS.get(self.plan.kind, 0)
        array = self.plan.array is not None
        shapes = [Pixels(*(shape or (0, 0, 0)), bits) for shape in index.shapes_of] if array else [None] * count
        codec = cast("Codec", index.codec)
        self.files += [
            Entry(
                read.shard.full + tail,
                PartLocator(place.path, offset, size, codec, pixels=pixels),
                "file", size, place.mtime_ns, place.inode,
            )
            for tail, offset, size, pixels in zip(
                tails, integers(index.offsets), integers(index.sizes), shapes, strict=True
            )
        ]  # fmt: skip
        # The last one is that of the code -1, no label.
        values, codes = [*index.values, None], integers(index.labels)
        named, indices = [self._label(value) for value in values], [_index(value) for value in values]
        self.values += [values[code] for code in codes]
        shown, ids, split = read.shown, range(start, start + count), read.shard.split
        some: Columns = {
            "split": [self._split(value) for value in index.splits]
            or [None if split is None else display(split)] * count,
            "group_key": list(index.groups) or ([f"{shown}#{number}" for number in numbers] if index.steps else []),
            "declared_width": list(index.widths),
            "declared_height": list(index.heights),
        }
        self.rows.extend(
            count, sample_id=ids, file_id=ids, path=[shown + tail for tail in tails], record=numbers,
            label=[named[code] for code in codes], label_index=[indices[code] for code in codes],
            **{name: column for name, column in some.items() if column},
        )  # fmt: skip
        for box in index.boxes:
            self._box(start + box.sample, shown, box)

    def data(self) -> Data:
        """The table `samples`."""
        return self.rows.data()

    def _label(self, value: int | str | None) -> str | None:
        return None if value is None or (self.described and value == -1) else self.names.get(value) or str(value)

    def _split(self, value: str | None) -> str | None:
        if value is None:
            return None
        self.met.add(value)
        return self.splits.get(value) or split_name(value)

    def _box(self, sample: int, shown: str, box: Box) -> None:
        extent = (box.x, box.y, box.width, box.height)
        x, y, width, height = extent if all(map(math.isfinite, extent)) else (None, None, None, None)
        name = box.name or (None if box.number is None else self.box_names.get(box.number, str(box.number)))
        self.annotations.add(
            annotation_id=len(self.annotations.columns["annotation_id"]), sample_id=sample, kind="box",
            category=name, category_id=_index(box.number), x=x, y=y, width=width, height=height,
            normalised=True, path=shown,
        )  # fmt: skip


def _index(label: int | str | None) -> int | None:
    return label if isinstance(label, int) and -_BIGINT <= label < _BIGINT else None


def classes(samples: Samples) -> Rows:
    """Labels that are numbers keep them as their index; texts are numbered in sorted order."""
    columns = samples.rows.columns
    texts = sorted({value for value in samples.values if isinstance(value, str)})
    if texts:
        order = {text: position for position, text in enumerate(texts)}
        columns["label_index"] = [order[value] if isinstance(value, str) else _index(value) for value in samples.values]
    keys = zip(columns["split"], columns["label"], columns["label_index"], strict=True)
    return _rows(
        Counter(cast("list[ClassKey]", [key for key in keys if key[1] is not None])), samples, samples.names.items()
    )


def categories(samples: Samples) -> Rows:
    """Classes of a detection dataset, with the number of images that have a box of each."""
    columns, splits = samples.annotations.columns, samples.rows.columns["split"]
    rows = zip(columns["sample_id"], columns["category"], columns["category_id"], strict=True)
    pairs = {(sample, name, number) for sample, name, number in rows if name is not None}
    keys = cast("list[ClassKey]", [(splits[cast("int", sample)], name, number) for sample, name, number in pairs])
    return _rows(Counter(keys), samples, samples.box_names.items())


def _rows(counts: Counter[ClassKey], samples: Samples, names: Iterable[tuple[int | str, str]]) -> Rows:
    """Those that a description names are there with 0 samples too."""
    named = list(names)
    if samples.described:
        there = {(label, name) for label, name in named}
        counts = Counter({key: count for key, count in counts.items() if (key[2], key[1]) in there})
    for split in dict.fromkeys(cast("list[str | None]", samples.rows.columns["split"])):
        for label, name in named:
            if isinstance(label, int):
                counts.setdefault((split, name, label), 0)
    rows = Rows("classes")
    for (split, name, number), count in sorted(
        counts.items(), key=lambda item: (str(item[0][0]), -1 if item[0][2] is None else item[0][2], item[0][1])
    ):
        rows.add(name=name, index=number, split=split, loader="tfrecord", n_samples=count, hidden=False)
    return rows


def shard_row(shard: Shard, found: object) -> dict[str, object]:
    """A row of `shards`; `found` is its Index, or the Refusal of one that was not read."""
    entry, name = shard.entry, shard.name
    row: dict[str, object] = {
        "path": display(shard.full), "split": None if shard.split is None else display(shard.split),
        "series": display(name.series), "number": name.number, "declared_shards": name.total,
        "declared_records": shard.declared, "size_bytes": None if entry is None else entry.size,
    }  # fmt: skip
    if isinstance(found, Refusal):
        return {**row, "status": found.status, "cause": found.cause, "detail": found.detail}
    assert isinstance(found, Index)
    row |= {"records": found.records, "compression": "none" if found.codec == "plain" else found.codec, "status": "ok"}
    if found.damage:
        first = found.damage[0]
        row |= {
            "status": "damaged", "cause": first.cause, "record": first.record, "offset": first.offset,
            "detail": f"{first.detail}{_more(found)}",
        }  # fmt: skip
    elif not found.records:
        row |= {"status": "empty", "detail": "no record"}
    return row


def _more(index: Index) -> str:
    """The other damaged records, and where reading ended."""
    others = [str(each.record) for each in index.damage[1:] if each.cause == "bad-data-crc"]
    number = index.damaged - (index.damage[0].cause == "bad-data-crc")
    words = f"; so do those of {_listed(others, number)}" if number else ""
    last = index.damage[-1]
    if len(index.damage) > 1 and last.cause != "bad-data-crc":
        words += f"; at record {last.record:,} (byte {last.offset:,}) {last.detail}"
    return words


def _listed(records: Sequence[str], number: int) -> str:
    if number == 1:
        return f"record {records[0]}"
    more = f" and {number - _LISTED:,} more" if number > _LISTED else ""
    return f"records {', '.join(records[:_LISTED])}{more}"
