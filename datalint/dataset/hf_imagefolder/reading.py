"""Rows of the metadata files -> samples, and what is wrong with them."""

from __future__ import annotations

import posixpath
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from datalint.dataset import columns, hf_card, hf_splits, labels, layout, split_column
from datalint.dataset.detect import in_class_folders
from datalint.dataset.finder import Finder
from datalint.dataset.hf_imagefolder import lost, metadata
from datalint.dataset.keys import check_splits
from datalint.dataset.model import Dataset, Rows, name_of, odd_entries
from datalint.dataset.splits import split_name
from datalint.entry import display

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from typing import Self

    from datalint.dataset.hf_imagefolder.metadata import Metadata
    from datalint.dataset.listing import Listing
    from datalint.dataset.options import Options
    from datalint.dataset.rows import Row

_OF_FINDER = frozenset({"missing-file", "bad-row"})
"""What is wrong with a path to the library too; it takes backslashes for slashes, and refuses the rest itself."""
_HEAD_ROWS = 20


@dataclass
class Reading:
    """Tables that fill up, one metadata file after the other."""

    there: Listing
    options: Options
    found: Sequence[Metadata]
    split_of: Mapping[str, Sequence[str]]
    """As the library splits, by its own names."""
    named: bool
    """Whether anything is named after a split; else all is one."""
    parts: Mapping[str, str | None]
    samples: Rows
    finder: Finder
    mask_finder: Finder
    """Masks are no pictures: they have numbers of their own."""
    masks: Rows = field(default_factory=lambda: Rows("masks"))
    mask_files: list[int] = field(default_factory=list)
    """By the number of the mask, that of its file."""
    cells: set[str] = field(default_factory=set)
    """Of the column of splits."""
    problems: Rows = field(default_factory=lambda: Rows("problems"))
    skipped: Rows = field(default_factory=lambda: Rows("skipped"))

    @classmethod
    def of(cls, there: Listing, options: Options, found: Sequence[Metadata]) -> Self:
        """Raises UsageError for a declared column that is not there or not used."""
        header = tuple(dict.fromkeys(name for each in found for name in each.header))
        rows = [row for each in found for row in each.rows[:_HEAD_ROWS]]
        declared = options.columns
        card = hf_card.read(there)
        split_of = card.splits_of(there.files) if card.patterns else hf_splits.splits_of(there.files)
        hf_splits.refuse_column(split_of, declared)
        grouped = options.group is not None
        parts = {**columns.resolve(header, rows, declared, there.path(found[0].name), grouped=grouped), "path": None}
        if options.splits == {} or len({split for splits in split_of.values() for split in splits}) > 1:
            parts["split"] = None
        if "label" not in declared and _nested(row.cells.get(parts["label"] or "") for row in rows):
            # Several labels an image: none of them is its class.
            parts["label"] = None
        images = dict.fromkeys(metadata.image_columns(header))
        extra = tuple(name for name in columns.others(header, parts) if name not in images)
        finders = Finder(there.source, there.root), Finder(there.source, there.root)
        named = bool(card.patterns) or hf_splits.named(there.files)
        return cls(there, options, found, split_of, named, parts, Rows("samples", extra), *finders)

    def dataset(self) -> Dataset:
        """Everything, once. Raises UsageError for a declared split that nothing is in."""
        odd_entries(self.there.source.entries(self.there.root), self.problems)
        for each in self.found:
            self._rows(each)
        called = {*self.cells, *(split for splits in self.split_of.values() for split in splits if self.named)}
        check_splits(self.options.splits, called, called, "name of a file or folder, or cell, that says")
        images = [path for path in self.there.files if lost.is_image(path)]
        self._without_row(images)
        for kind, name, words in (
            *lost.of_names(self.there.files),
            *lost.of_columns(self.found, self.split_of),
            *lost.of_splits(self.found, images, self.split_of),
            *lost.of_folders(images, self.split_of),
            *self._class_folders(),
        ):
            self._problem(kind, self.there.path(name) if name else self.there.root, words)
        unlabelled = "no column of labels was found in the metadata: labels were not judged"
        return Dataset(
            name=name_of(self.there.root, self.there.source.base),
            format="hf-imagefolder",
            root=display(self.there.root),
            manifest=display(self.there.path(self.found[0].name)) if len(self.found) == 1 else None,
            files=self.finder.files,
            samples=self.samples.data(),
            classes=labels.classes(self.samples, inferred=all(each.suffix == "csv" for each in self.found)).data(),
            folders=Rows("folders").data(),
            skipped=self.skipped.data(),
            problems=self.problems.data(),
            masks=[self.mask_finder.files[number] for number in self.mask_files],
            mask_rows=self.masks.data(),
            task="segmentation" if len(self.masks.columns["path"]) else "classification",
            assumptions=(
                *(() if self.parts["label"] else (unlabelled,)),
                *columns.assumptions(self.parts, self.options.columns),
            ),
            group_column=_shown(self.parts["group"]),
            group_guessed=self.parts["group"] is not None and "group" not in self.options.columns,
        )

    def _rows(self, found: Metadata) -> None:
        path = self.there.path(found.name)
        for bad in found.bad:
            self._problem(bad.kind, None, bad.detail, manifest=path, line=bad.line)
        declared = self.options.splits or {}
        cells = Counter(cell for row in found.rows if (cell := self._cell(row, "split")))
        self.cells.update(cells)
        meant = split_column.names(Counter({cell: n for cell, n in cells.items() if cell not in declared}))
        meant.update((cell, declared[cell]) for cell in cells if cell in declared)
        refused: defaultdict[str, list[tuple[Row, str]]] = defaultdict(list)
        masks = metadata.mask_columns(found.images)
        for row in found.rows:
            sample: int | None = None
            for name in sorted(found.images, key=lambda name: name in masks):
                named = metadata.written(row.cells.get(name), name)
                if not named:
                    words = f"{name} is empty: the image of this row is None"
                    self._problem("missing-path", None, words, manifest=path, line=row.line)
                for written in named:
                    if reason := lost.refused(written):
                        refused[reason].append((row, written))
                    if name in masks:
                        self._mask(sample, found, written)
                    else:
                        first = self._image(row, found, written, meant)
                        sample = first if sample is None else sample
        for reason, rows in refused.items():
            row, written = rows[0]
            more = f" ({len(rows):,} such paths)" if len(rows) > 1 else ""
            self._problem(lost.REFUSED, path, f"{written!r} {reason}{more}", line=row.line)

    def _mask(self, sample: int | None, found: Metadata, written: str) -> None:
        number, path, _ = self.mask_finder.find(posixpath.join(found.folder, written.replace("\\", "/")))
        self.masks.add(
            mask_id=len(self.mask_files), sample_id=sample, path=display(path), kind="classes",
            split=None if sample is None else self.samples.columns["split"][sample],
        )  # fmt: skip
        self.mask_files.append(number)

    def _image(self, row: Row, found: Metadata, written: str, meant: Mapping[str, str]) -> int:
        """The number of its sample, the first one where it is in several splits."""
        manifest = self.there.path(found.name)
        number, path, kinds = self.finder.find(posixpath.join(found.folder, written.replace("\\", "/")))
        for kind, words in kinds:
            if kind in _OF_FINDER:
                self._problem(kind, path, words.partition(": say `suffix")[0], manifest=manifest, line=row.line)
        label = self._cell(row, "label")
        if found.suffix == "csv" and label in labels.NAN:
            label = None
        if self.parts["label"] in found.header and label is None:
            self._problem("missing-label", path, "the label is empty or NaN", manifest=manifest, line=row.line)
        elif found.suffix == "csv" and label in labels.LOST:
            words = f"pandas reads the label {label!r} as NaN"
            self._problem("missing-label", path, words, manifest=manifest, line=row.line)
        cell = self._cell(row, "split")
        splits = [meant[cell]] if cell else self._splits(found.name) or self._splits(self._below(path)) or [None]
        first = len(self.samples.columns["sample_id"])
        for split in splits:
            self._sample(
                number, path, split, label=_shown(label), group_key=_shown(self._cell(row, "group")),
                manifest=display(manifest), line=row.line,
                **{name: _shown(row.cells.get(name)) for name in self.samples.extra},
            )  # fmt: skip
        return first

    def _sample(self, number: int, path: str, split: str | None, **values: object) -> None:
        number_of = len(self.samples.columns["sample_id"])
        self.samples.add(sample_id=number_of, file_id=number, path=display(path), split=_shown(split), **values)

    def _without_row(self, images: Sequence[str]) -> None:
        """Images of a split that has metadata and does not name them are left out; of one without, labels are None."""
        named = {self._below(entry.path) for entry in (*self.finder.files, *self.mask_finder.files)}
        with_metadata = {split for each in self.found for split in self.split_of.get(each.name, ())}
        order = hf_splits.ordered({split for splits in self.split_of.values() for split in splits})
        unlabelled = order[: min(map(order.index, with_metadata), default=0)]
        entries = {entry.path: entry for entry in self.there.source.entries(self.there.root)}
        for image in images:
            splits = self.split_of.get(image, ())
            path = self.there.path(image)
            if image in named or path not in entries:
                continue
            if set(splits) & with_metadata:
                self.skipped.add(
                    path=display(path), suffix=layout.suffix(image), size_bytes=entries[path].size, reason="unlisted",
                    split=next(iter(self._splits(image)), None),
                )  # fmt: skip
            elif set(splits) & set(unlabelled):
                number, _, _ = self.finder.find(image)
                for split in self._splits(image):
                    self._sample(number, path, split)

    def _class_folders(self) -> list[tuple[str, str, str]]:
        classes = in_class_folders(self.there.source, self.there.root) if self.parts["label"] is None else {}
        if not classes:
            return []
        names = sorted(set(classes.values()))
        shown = ", ".join(names[:4]) + (", ..." if len(names) > 4 else "")
        words = (
            f"beside metadata the folders of classes ({shown}) give no label, and the metadata has no column of labels"
        )
        return [(lost.LOST, "", words)]

    def _splits(self, name: str) -> list[str | None]:
        """Those of a file by our names; none for a file that is in no split, or where nothing is one."""
        if self.options.splits == {} or not self.named:
            return []
        declared = self.options.splits or {}
        return [declared.get(split, split_name(split)) for split in self.split_of.get(name, ())]

    def _below(self, path: str) -> str:
        """A path of the source, from the root on."""
        root = self.there.root
        return path if root in ("", ".") else path.removeprefix(f"{root.rstrip('/')}/")

    def _cell(self, row: Row, part: str) -> str | None:
        column = self.parts[part]
        return row.cells.get(column) if column else None

    def _problem(
        self, kind: str, path: str | None, words: str, *, manifest: str | None = None, line: int | None = None
    ) -> None:
        self.problems.add(
            kind=kind, path=_shown(path), manifest=_shown(manifest or path), line=line, detail=display(words)
        )


def _nested(cells: Iterable[str | None]) -> bool:
    """Whether JSON has a list or an object there."""
    return any(cell and cell[0] in "[{" for cell in cells)


def _shown(text: str | None) -> str | None:
    return None if text is None else display(text)
