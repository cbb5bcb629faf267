"""Shards and their rows -> the tables of a dataset."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from datalint.dataset import columns as parts_of
from datalint.dataset import hf_splits, labels
from datalint.dataset.finder import Finder
from datalint.dataset.hf_parquet import shards
from datalint.dataset.hf_parquet.features import columns
from datalint.dataset.keys import check_splits
from datalint.dataset.masks.pairs import means_masks
from datalint.dataset.model import Dataset, Rows, name_of, odd_entries
from datalint.dataset.splits import split_name
from datalint.entry import Entry, PartLocator, display
from datalint.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from datalint.dataset.hf_card import Card
    from datalint.dataset.hf_parquet.features import Columns, ImageColumn
    from datalint.dataset.listing import Listing
    from datalint.dataset.options import Options

REFUSED, LOST = "metadata-refused", "metadata-lost"
NULL_IMAGE, BAD_LABEL = "null-image", "label-out-of-range"
_MANY = 20
"""Labels out of range that are told apart in one shard."""


@dataclass
class _Shard:
    """A file that is being read."""

    name: str
    path: str
    splits: Sequence[str | None]
    entry: Entry
    place: str
    status: str = "ok"
    cause: str | None = None
    detail: str | None = None
    compression: str | None = None
    records: int = 0
    seen: Columns | None = None
    odd: dict[tuple[str, str], list[int]] = field(default_factory=dict)
    """Kind and words of what is wrong with rows -> the first row and how many."""

    def note(self, kind: str, words: str) -> None:
        if (kind, words) in self.odd:
            self.odd[kind, words][1] += 1
        elif len(self.odd) < _MANY:
            self.odd[kind, words] = [self.records, 1]


@dataclass
class Reading:
    """Tables that fill up, one shard after the other."""

    there: Listing
    options: Options
    split_of: Mapping[str, Sequence[str]]
    """As the library splits, by its own names."""
    card: Card
    files: list[Entry] = field(default_factory=list)
    masks: list[Entry] = field(default_factory=list)
    mask_rows: Rows = field(default_factory=lambda: Rows("masks"))
    problems: Rows = field(default_factory=lambda: Rows("problems"))
    table: Rows = field(default_factory=lambda: Rows("shards"))
    samples: Rows = field(init=False)
    finder: Finder = field(init=False)
    first: _Shard | None = None
    """That whose columns count for all."""
    parts: dict[str, str | None] = field(default_factory=dict)
    names: Sequence[str] = ()
    """Of the classes, where labels are their numbers."""
    unlabelled: list[str] = field(default_factory=list)
    """Shards of evaluation without any label."""
    cells: set[str] = field(default_factory=set)
    """Of the column of splits."""
    numbers: dict[int, int] = field(default_factory=dict)
    """Number of a file outside -> that in `files`."""

    def dataset(self, names: Sequence[str]) -> Dataset:
        """Everything, once.

        Raises UsageError where no shard has a column of images, and for a declared split that nothing is in.
        """
        hf_splits.refuse_column(self.split_of, self.options.columns)
        self.finder = Finder(self.there.source, self.there.root)
        self.samples = Rows("samples")
        odd_entries(self.there.source.entries(self.there.root), self.problems)
        found = self._listed(names)
        whole = {number: shard for number, shard in enumerate(found) if shard.status == "ok"}
        with shards.events({number: shard.place for number, shard in whole.items()}) as events:
            self._take(whole, events)
        if self.first is None and found and all(shard.status == "ok" for shard in found):
            raise UsageError(f"no Parquet file in {self.there.root} has a column of images")
        named = self.split_of.values() if self._is_named() else ()
        called = {*self.cells, *(split for splits in named for split in splits)}
        if self.first is not None:
            check_splits(self.options.splits, called, called, "name of a file or folder, or cell, that says")
        for shard in found:
            self._end(shard)
        self._counted(found)
        self._left_out(names)
        others = ", ".join(self.card.others)
        return Dataset(
            name=name_of(self.there.root, self.there.source.base),
            format="hf-parquet",
            root=display(self.there.root),
            manifest=None,
            files=self.files,
            samples=self.samples.data(),
            classes=self._classes().data(),
            folders=Rows("folders").data(),
            skipped=Rows("skipped").data(),
            problems=self.problems.data(),
            shards=self.table.data(),
            masks=self.masks,
            mask_rows=self.mask_rows.data(),
            task="segmentation" if self.masks else "classification",
            assumptions=(
                *self._notes(),
                *((f"README.md has other configurations, which were not read: {others}",) if others else ()),
            ),
            group_column=self.parts.get("group"),
            group_guessed=self.parts.get("group") is not None and "group" not in self.options.columns,
        )

    def _listed(self, names: Sequence[str]) -> list[_Shard]:
        """Those that are read, in the order in which the library meets them."""
        order = hf_splits.ordered({split for splits in self.split_of.values() for split in splits})
        read = sorted(
            (name for name in names if self.split_of.get(name)),
            key=lambda name: (order.index(self.split_of[name][0]), name),
        )
        entries = {entry.path: entry for entry in self.there.source.entries(self.there.root)}
        found = []
        for name in read:
            path = self.there.path(name)
            place = self.there.source.spooled(path)
            if place is None or path not in entries:
                continue
            shard = _Shard(name, path, self._splits(name), entries[path], place)
            fault = shards.faults(place)
            if fault is not None:
                shard.status, shard.cause, shard.detail = fault
            found.append(shard)
        return found

    def _is_named(self) -> bool:
        """Whether anything is named after a split; else all is one."""
        return bool(self.card.patterns) or hf_splits.named(self.there.files)

    def _splits(self, name: str) -> list[str | None]:
        """By our names; none where the user says so, or nothing is named after one."""
        if self.options.splits == {} or not self._is_named():
            return [None]
        declared = self.options.splits or {}
        return [declared.get(split, split_name(split)) for split in self.split_of[name]]

    def _split(self, cell: str) -> str:
        self.cells.add(cell)
        return (self.options.splits or {}).get(cell, split_name(cell))

    def _take(self, found: Mapping[int, _Shard], events: Iterator[shards.Event]) -> None:
        shard: _Shard | None = None
        for event in events:
            if isinstance(event, shards.Opened):
                shard = found[event.number]
                shard.compression = "none" if event.compression == "uncompressed" else event.compression
                self._open(shard, columns(event.kinds, event.written))
            elif isinstance(event, shards.Ended):
                shard = found[event.number]
                after = f" (after {shard.records:,} rows)" if shard.records else ""
                shard.status, shard.cause, shard.detail = "damaged", "unreadable", f"{event.error}{after}"
            elif shard is not None:
                self._row(shard, event.cells)
                shard.records += 1

    def _open(self, shard: _Shard, seen: Columns) -> None:
        shard.seen = seen
        if self.first is None or self.first.seen is None:
            if not seen.images:
                return
            self.first = shard
            self._settle(seen, shard.path)
            return
        first = self.first.seen
        differ = sorted({*first.names} ^ {*seen.names})
        if differ:
            words = f"only one of this and {self.first.path} has {', '.join(differ[:8])}: the columns must be the same"
            self._problem(REFUSED, shard, words)
        label = self.parts["label"] or ""
        here, there = seen.class_labels.get(label), first.class_labels.get(label)
        if here is not None and there is not None and here != there:
            words = (
                f"its classes are {_listed(here)}, but those of {self.first.path}, {_listed(there)}, are taken for all"
            )
            self._problem(LOST, shard, words)

    def _settle(self, seen: Columns, path: str) -> None:
        """Which column plays which part, by the first shard."""
        header = tuple(seen.plain)
        declared = self.options.columns
        grouped = self.options.group is not None
        self.parts = {**parts_of.resolve(header, (), declared, path, grouped=grouped), "path": None}
        if self.parts["label"] is None:
            self.parts["label"] = next(iter(seen.class_labels), None)
        if self.options.splits == {} or len({*map(tuple, self.split_of.values())}) > 1:
            self.parts["split"] = None
        self.names = seen.class_labels.get(self.parts["label"] or "", ())
        self.samples = Rows("samples", parts_of.others(header, self.parts))

    def _row(self, shard: _Shard, cells: Sequence[object]) -> None:
        if shard.seen is None or self.first is None:
            return
        images = shard.seen.images
        start = 2 * len(images)
        plain = dict(zip(shard.seen.plain, cells[start:], strict=True))
        written = _text(plain.get(self.parts["label"] or ""))
        label = self._label(shard, written)
        split = _text(plain.get(self.parts["split"] or ""))
        masks = [image for image in images if means_masks(image.name)]
        sample: int | None = None
        for image in sorted(images, key=lambda image: image in masks):
            number = 2 * images.index(image)
            has_bytes, path = cells[number : number + 2]
            files = self.masks if image in masks and len(masks) < len(images) else self.files
            found = (
                self._inside(shard, image, files, named=len(images) > 1)
                if has_bytes
                else self._outside(shard, image, files, path)
            )
            if found is not None and files is self.masks:
                self.mask_rows.add(
                    mask_id=found[0], sample_id=sample, path=found[1], kind="classes",
                    split=None if sample is None else self.samples.columns["split"][sample],
                )  # fmt: skip
            elif found is not None:
                sample = len(self.samples.columns["sample_id"]) if sample is None else sample
                for each in [self._split(split)] if split else shard.splits:
                    self.samples.add(
                        sample_id=len(self.samples.columns["sample_id"]), file_id=found[0], path=found[1],
                        split=None if each is None else display(each), label=label, record=shard.records,
                        group_key=_text(plain.get(self.parts["group"] or "")), manifest=display(shard.path),
                        **{name: _text(plain.get(name)) for name in self.samples.extra},
                    )  # fmt: skip

    def _inside(self, shard: _Shard, image: ImageColumn, files: list[Entry], *, named: bool) -> tuple[int, str]:
        """Number in `files` and path of a cell."""
        path = f"{shard.path}#{shard.records}" + (f"/{image.name}" if named else "")
        locator = PartLocator(shard.place, shard.records, 0, "parquet", image.data or "")
        files.append(Entry(path, locator, "file", 0, shard.entry.mtime_ns, shard.entry.inode))
        return len(files) - 1, display(path)

    def _outside(self, shard: _Shard, image: ImageColumn, files: list[Entry], path: object) -> tuple[int, str] | None:
        """The same of a file that the cell names, from the root of the dataset on."""
        if not isinstance(path, str) or not path.strip():
            shard.note(NULL_IMAGE, image.name)
            return None
        number, relative, kinds = self.finder.find(path)
        for kind, words in kinds:
            self.problems.add(
                kind=kind, path=display(relative if kind == "missing-file" else path), manifest=display(shard.path),
                record=shard.records, detail=display(words),
            )  # fmt: skip
        if files is self.masks:
            files.append(self.finder.files[number])
            return len(files) - 1, display(relative)
        if number not in self.numbers:
            self.numbers[number] = len(files)
            files.append(self.finder.files[number])
        return self.numbers[number], display(relative)

    def _label(self, shard: _Shard, written: str | None) -> str | None:
        """The name of a class. A number without one is none; so is what is not there."""
        if self.parts["label"] is None:
            return None
        if written is None:
            shard.note("missing-label", "")
            return None
        if not self.names:
            return written
        try:
            index = int(written)
        except ValueError:
            index = -1
        if 0 <= index < len(self.names):
            return display(self.names[index])
        # What `datasets` writes where nobody knows the label.
        kind = "missing-label" if written == "-1" else BAD_LABEL
        shard.note(kind, written)
        return None

    def _end(self, shard: _Shard) -> None:
        for (kind, what), (row, n) in shard.odd.items():
            if kind == "missing-label" and n == shard.records and "train" not in shard.splits:
                self.unlabelled.append(shard.path)
                continue
            rows = f"row {row:,}" + (f" and {n - 1:,} more" if n > 1 else "")
            label = f"{rows}: {what}, and the {len(self.names):,} classes are numbered from 0"
            words = {NULL_IMAGE: f"{rows}: {what} is null", BAD_LABEL: label}
            self._problem(kind, shard, words.get(kind, label if what else rows), record=row)
        if shard.status == "ok" and not shard.records:
            shard.status, shard.cause, shard.detail = "empty", "empty", "no row"
        named = hf_splits.SHARD.fullmatch(shard.name.rpartition("/")[2])
        home = shard.path.rpartition("/")[0]
        for split in shard.splits:
            self.table.add(
                path=display(shard.path), split=split, records=shard.records, size_bytes=shard.entry.size,
                series=display(f"{home}/{named['series']}".lstrip("/")) if named else None,
                number=int(named["number"]) if named else None,
                declared_shards=int(named["shards"]) if named else None,
                compression=shard.compression, status=shard.status, cause=shard.cause,
                detail=None if shard.detail is None else display(shard.detail),
            )  # fmt: skip

    def _counted(self, found: Sequence[_Shard]) -> None:
        """Examples that the card states and the shards do not hold: the library raises NonMatchingSplitsSizesError."""
        for split, stated in self.card.examples.items():
            its = [shard for shard in found if split in self.split_of[shard.name]]
            held = sum(shard.records for shard in its)
            if its and held != stated and all(shard.status in ("ok", "empty") for shard in its):
                path = display(self.there.path("README.md"))
                words = f"it states {stated:,} examples of {split}, and there are {held:,}"
                self.problems.add(kind=REFUSED, path=path, manifest=path, detail=display(words))

    def _left_out(self, names: Sequence[str]) -> None:
        for name in names:
            if name not in self.split_of and not any(part.startswith((".", "__")) for part in name.split("/")):
                why = "README.md names other files" if self.card.patterns else "other files are named after splits"
                self.problems.add(
                    kind=LOST, path=display(self.there.path(name)), detail=f"{why}, so that it is never read"
                )

    def _notes(self) -> tuple[str, ...]:
        seen = self.first.seen if self.first else None
        if seen is None:
            return ()
        label = self.parts["label"]
        said = f"labels are those of {label!r}" if label else "no column of labels was found: labels were not judged"
        nested = ", ".join(seen.nested_images)
        both = ", ".join(image.name for image in seen.images)
        return (
            *(() if "label" in self.options.columns else (said,)),
            *((f"no row has a label in {_listed(self.unlabelled)}",) if self.unlabelled else ()),
            *((f"each of the images of a row is a sample: {both}",) if len(seen.images) > 1 else ()),
            *((f"lists of images are not read: {nested}",) if nested else ()),
        )

    def _classes(self) -> Rows:
        """In the order of the names in the schema, else sorted."""
        if not self.names:
            return labels.classes(self.samples, inferred=False)
        order = {display(name): index for index, name in enumerate(self.names)}
        written = self.samples.columns["label"]
        self.samples.columns["label_index"] = [None if name is None else order[str(name)] for name in written]
        counts = Counter(zip(self.samples.columns["split"], written, strict=True))
        rows = Rows("classes")
        for (split, name), n in sorted(counts.items(), key=str):
            if name is not None:
                rows.add(name=name, index=order[str(name)], split=split, loader="datasets", n_samples=n, hidden=False)
        return rows

    def _problem(self, kind: str, shard: _Shard, words: str, *, record: int | None = None) -> None:
        path = display(shard.path)
        self.problems.add(kind=kind, path=path, manifest=path, record=record, detail=display(words))


def _listed(names: Sequence[str]) -> str:
    return f"({', '.join(names[:4])}{', ...' if len(names) > 4 else ''})"


def _text(value: object) -> str | None:
    """A cell; blank ones are none."""
    return display(str(value)) if value is not None and str(value).strip() else None
