"""CSV, TSV, JSONL and Parquet manifests: a path, a label, a split, and whatever else the user keeps in columns."""

from __future__ import annotations

import posixpath
from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from datalint.dataset import box_columns, labels, split_column
from datalint.dataset import columns as parts_of
from datalint.dataset.finder import Finder
from datalint.dataset.model import Dataset, Rows, name_of
from datalint.dataset.rows import Bad, Row, header_to_pandas
from datalint.dataset.splits import IS_VALID
from datalint.dataset.table_rows import HEAD, parsed
from datalint.entry import display
from datalint.errors import UnfinishedError, UsageError
from datalint.source.lfs import POINTER

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from datalint.source import Source


@dataclass(frozen=True, slots=True)
class Table:
    """One file of rows."""

    path: str
    folder: str = ""
    """Where the paths in it start, below the home of all."""
    split: str | None = None
    """That of the folder; None where a column says it, or nobody."""


def read(
    source: Source,
    *,
    tables: Sequence[Table],
    root: str,
    format: str,  # noqa: A002
    columns: Mapping[str, str],
    files_root: str | None,
    splits: Mapping[str, str] | None,
    suffix: str = "",
    grouped: bool = False,
) -> Dataset:
    """Samples of a manifest, or of several tables of the same columns.

    Paths in it are relative to `files_root`, else to the folder of the table, which lies at or below `root`. `suffix`
    is what they lack, `splits` says which split a cell of that column means. Where paths say the groups (`grouped`), no
    column is guessed to. Raises UsageError for a cell that no row has.
    """
    whole = [(table, *_whole(source, table.path, format, columns)) for table in tables]
    of_tables = [[row for row in found if isinstance(row, Row)] for _, _, found in whole]
    rows = [row for table in of_tables for row in table]
    header = next((names for _, names, _ in whole if names), ())
    if not header:
        header = tuple(dict.fromkeys(name for row in rows for name in row.cells))
    first = tables[0].path
    parts = parts_of.resolve(header, rows, columns, first, grouped=grouped)
    boxes = box_columns.find(header, of_tables, parts)
    others = (name for name in parts_of.others(header, parts) if boxes is None or name not in boxes.columns)
    samples, problems = Rows("samples", tuple(others)), Rows("problems")
    finder = Finder(source, root if files_root is None else files_root, suffix)
    for kind, detail in _about_columns(header, rows, parts, finder, boxes):
        problems.add(kind=kind, manifest=display(first), line=1, detail=display(detail))
    text = format in ("csv", "tsv")
    if splits == {}:
        # The user says that there are none, whatever a column is called; or the folders of the tables are splits.
        parts = {**parts, "split": None}
    splits = splits or {}
    if parts["split"] and parts["split"].lower() == "is_valid" and not splits:
        cells = {_cell(row, parts["split"]) for row in rows}
        splits = {cell: split for cell, split in IS_VALID.items() if cell in cells}
    meant = _splits(rows, parts, first, problems, splits, text=text)
    objects = None if boxes is None else box_columns.Objects(boxes)
    reading = _Reading(parts, meant, finder, samples, problems, objects, text=text)
    for table, _, found in whole:
        here = table if files_root is None else replace(table, folder="")
        for row in found:
            if isinstance(row, Bad):
                problems.add(kind=row.kind, manifest=display(table.path), line=row.line, detail=row.detail)
            elif parts["path"]:
                reading.add(row, here)
    if objects is None:
        classes, annotations = labels.classes(samples, inferred=text), Rows("annotations")
    else:
        classes, annotations = objects.classes(samples.columns["split"]), objects.annotations
    return Dataset(
        name=name_of(root, source.base) if root or len(tables) > 1 else posixpath.basename(first),
        format=format,
        root=display(root),
        manifest=display(first) if len(tables) == 1 else None,
        files=finder.files,
        samples=samples.data(),
        classes=classes.data(),
        folders=Rows("folders").data(),
        skipped=Rows("skipped").data(),
        problems=problems.data(),
        annotations=annotations.data(),
        task="classification" if boxes is None else "detection",
        assumptions=(
            *parts_of.assumptions(parts, columns),
            *(_said_to_pandas(source, first, header) if format == "csv" else ()),
            *split_column.undeclared(splits, meant),
            *(() if boxes is None else (boxes.note(),)),
        ),
        group_column=_shown(parts["group"]),
        group_guessed=parts["group"] is not None and "group" not in columns,
    )


def _whole(
    source: Source,
    path: str,
    format: str,  # noqa: A002
    columns: Mapping[str, str],
) -> tuple[tuple[str, ...], list[Row | Bad]]:
    """Column names and all rows; raises UsageError where it is not there, UnfinishedError for a mere pointer."""
    if source.read(path, limit=len(POINTER)) == POINTER:
        raise UnfinishedError(f"{path} is a Git LFS pointer, its rows are not here: `git lfs pull` fetches them")
    found = parsed(source, path, format, columns)
    if found is None:
        raise UsageError(f"no manifest {path}")
    return found[0], list(found[1])


def _said_to_pandas(source: Source, path: str, header: tuple[str, ...]) -> Iterator[str]:
    """What must be said to read the same: without it the names of the columns are others, and a KeyError follows."""
    given = header_to_pandas((source.read(path, limit=HEAD) or b"").partition(b"\n")[0])
    if len(given) == 1 < len(header):
        yield f"the columns of {display(path)} are not parted by commas: `pandas.read_csv` needs `sep`"
    elif given != header and tuple(name.strip() for name in given) == header:
        yield f"columns of {display(path)} begin or end with spaces: `pandas.read_csv` keeps them in the names"


def _about_columns(
    header: tuple[str, ...],
    rows: Sequence[Row],
    parts: Mapping[str, str | None],
    finder: Finder,
    boxes: box_columns.Boxes | None,
) -> Iterator[tuple[str, str]]:
    for name in parts.values():
        if name is not None and header.count(name) > 1:
            yield "bad-row", f"{header.count(name)} columns are called {name!r}: the first one was read"
    if rows and parts["path"] is None:
        yield "missing-column", parts_of.without_path(header, rows, finder.below)
    elif rows and parts["label"] is None and boxes is None:
        yield "missing-column", parts_of.without_label(header, rows, parts)


def _splits(
    rows: Sequence[Row],
    parts: Mapping[str, str | None],
    manifest: str,
    problems: Rows,
    declared: Mapping[str, str],
    *,
    text: bool,
) -> Mapping[str, str]:
    """Spelling -> split; empty where the manifest has none. Spellings that part one split are problems."""
    first: dict[str, Row] = {}
    written: Counter[str] = Counter()
    for row in rows:
        cell = _cell(row, parts["split"], nan=text)
        if cell is not None:
            written[cell] += 1
            first.setdefault(cell, row)
    declared = split_column.as_written(declared, {each.strip() for each in written})
    split_column.check_declared(declared, written, manifest)
    guessed = Counter({each: number for each, number in written.items() if each.strip() not in declared})
    for spelling, words in split_column.slips(guessed):
        row = first[spelling]
        problems.add(
            kind="split-spelling", path=_shown(_cell(row, parts["path"])), manifest=display(manifest), line=row.line,
            detail=display(words),
        )  # fmt: skip
    return split_column.names(guessed) | {each: declared[each.strip()] for each in written.keys() - guessed.keys()}


def _cell(row: Row, column: str | None, *, nan: bool = False) -> str | None:
    """With `nan`, what pandas.read_csv reads as NaN is none."""
    cell = row.cells.get(column) if column else None
    return None if nan and (cell in labels.NAN or cell in labels.LOST) else cell


@dataclass(frozen=True, slots=True)
class _Reading:
    """What rows are turned into."""

    parts: Mapping[str, str | None]
    splits: Mapping[str, str]
    finder: Finder
    samples: Rows
    problems: Rows
    objects: box_columns.Objects | None
    text: bool

    def add(self, row: Row, table: Table) -> None:
        """The sample of a row, its box, or what is wrong with it."""
        parts, objects, text = self.parts, self.objects, self.text
        written, label = _cell(row, parts["path"]), _cell(row, parts["label"])
        split = _cell(row, parts["split"], nan=text)

        def problem(kind: str, of: str | None, detail: str) -> None:
            self.problems.add(
                kind=kind, path=_shown(of), manifest=display(table.path), line=row.line, detail=display(detail)
            )

        if written is None:
            problem("missing-path", None, "the path of the image is empty")
            return
        if split is None and parts["split"]:
            problem("missing-split", written, "the split is empty or NaN")
            if self.splits:
                # To code that picks its rows by split this one is in none of them.
                return
        if text and label in labels.NAN:
            label = None
        if parts["label"] and label is None:
            if objects is None or not objects.is_background(row):
                problem("missing-label", written, "the label is empty or NaN")
        elif text and label in labels.LOST:
            problem("missing-label", written, f"pandas reads the label {label!r} as NaN")
        part = self.splits[split] if split else table.split
        number = None if objects is None else objects.sample(written, part)
        if number is None:
            number = self._sample(row, table, written, label, part, problem)
        if objects is not None:
            objects.add(number, row, label, table.path, lambda kind, detail: problem(kind, written, detail))

    def _sample(
        self,
        row: Row,
        table: Table,
        written: str,
        label: str | None,
        part: str | None,
        problem: Callable[[str, str | None, str], None],
    ) -> int:
        """Number of that of an image, a new one where no row of this split named it yet."""
        objects, samples = self.objects, self.samples
        file_id, path, kinds = self.finder.find(written, table.folder)
        for kind, detail in kinds:
            problem(kind, path if kind == "missing-file" else written, detail)
        number = None if objects is None else objects.sample(file_id, part)
        width, height = (None, None) if objects is None else box_columns.size_of(row, objects.boxes)
        if number is None:
            number = len(samples.columns["sample_id"])
            samples.add(
                sample_id=number, file_id=file_id, path=display(path), split=display(part) if part else None,
                label=_shown(label) if objects is None else None, declared_width=width, declared_height=height,
                group_key=_shown(_cell(row, self.parts["group"], nan=self.text)), manifest=display(table.path),
                line=row.line, **{name: _shown(row.cells.get(name)) for name in samples.extra},
            )  # fmt: skip
        if objects is not None:
            objects.keep(number, written, part)
            objects.keep(number, file_id, part)
        return number


def _shown(text: str | None) -> str | None:
    return None if text is None else display(text)
