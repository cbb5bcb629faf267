"""CSV, TSV, JSONL and Parquet manifests: a path, a label, a split, and whatever else the user keeps in columns."""

from __future__ import annotations

import itertools
import posixpath
import tempfile
from collections import Counter
from typing import TYPE_CHECKING

from datalint.dataset import box_columns, labels, layout, split_column
from datalint.dataset import columns as parts_of
from datalint.dataset.finder import Finder
from datalint.dataset.model import Dataset, Rows, name_of
from datalint.dataset.rows import Bad, Row, header_to_pandas, parse, parse_parquet
from datalint.dataset.splits import IS_VALID
from datalint.entry import display
from datalint.errors import UnfinishedError, UsageError
from datalint.source.lfs import POINTER

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from datalint.source import Source

# The head of a text tells what it is.
_HEAD = 1 << 16
_HEAD_ROWS = 20


def names_images(source: Source, path: str, format: str, columns: Mapping[str, str]) -> bool:  # noqa: A002
    """Whether the first rows name images, so that a folder with this file is a manifest's folder."""
    header, found = _parsed(source, path, format, columns, head=True) or ((), iter(()))
    rows = list(itertools.islice((row for row in found if isinstance(row, Row)), _HEAD_ROWS))
    header = header or tuple(dict.fromkeys(name for row in rows for name in row.cells))
    if not rows:
        return False
    column = columns.get("path") or parts_of.find_path(header, rows)
    names = header if column is None else (rows[0].cells.get(column),)
    return any(layout.suffix((name or "").strip()) in layout.IMAGE_LIKE | layout.ARRAYS for name in names)


def head(source: Source, path: str, format: str) -> list[Row]:  # noqa: A002
    """The first rows; none where it is not a table that can be read."""
    _, found = _parsed(source, path, format, {}, head=True) or ((), iter(()))
    return list(itertools.islice((row for row in found if isinstance(row, Row)), _HEAD_ROWS))


def rows_of(source: Source, path: str, format: str) -> Iterator[Row]:  # noqa: A002
    """All rows, one after the other; none where it is not a table that can be read."""
    _, found = _parsed(source, path, format, {}) or ((), iter(()))
    return (row for row in found if isinstance(row, Row))


def labels_by_path(
    source: Source,
    path: str,
    format: str,  # noqa: A002
    columns: Mapping[str, str],
    *,
    home: str | None,
) -> dict[str, str | None]:
    """Files that the rows name, relative to the source's base, with their labels; all None without such a column.

    Paths start from `home`, else from the manifest's folder.
    """
    header, found = _parsed(source, path, format, columns) or ((), iter(()))
    rows = [row for row in found if isinstance(row, Row)]
    header = header or tuple(dict.fromkeys(name for row in rows for name in row.cells))
    parts = parts_of.guess(header, rows) | dict(columns)
    home = posixpath.dirname(path) if home is None else home
    cells = ((_cell(row, parts["path"]), _cell(row, parts["label"])) for row in rows)
    return {posixpath.normpath(posixpath.join(home, name.strip())): label for name, label in cells if name}


def _parsed(
    source: Source,
    path: str,
    format: str,  # noqa: A002
    columns: Mapping[str, str],
    *,
    head: bool = False,
) -> tuple[tuple[str, ...], Iterator[Row | Bad]] | None:
    """Column names and rows, the first ones or all; None where there is no such file."""
    if format != "parquet":
        content = source.read(path, limit=_HEAD if head else None)
        known = {name for names in parts_of.NAMES.values() for name in names} | set(columns.values())
        return None if content is None else parse(content, format, known=known)
    limit = _HEAD_ROWS if head else None
    place = source.place(path)
    if place is not None:
        return parse_parquet(place, limit=limit)
    content = source.read(path)
    if content is None:
        return None
    with tempfile.NamedTemporaryFile() as file:
        file.write(content)
        file.flush()
        return parse_parquet(file.name, limit=limit)


def read(
    source: Source,
    *,
    path: str,
    format: str,  # noqa: A002
    columns: Mapping[str, str],
    files_root: str | None,
    splits: Mapping[str, str] | None,
    suffix: str = "",
    grouped: bool = False,
) -> Dataset:
    """Samples of one manifest; paths in it are relative to `files_root`, else to the manifest's folder.

    `suffix` is what they lack, `splits` says which split a cell of that column means. Where paths say the groups
    (`grouped`), no column is guessed to. Raises UsageError for a cell that no row has.
    """
    if source.read(path, limit=len(POINTER)) == POINTER:
        raise UnfinishedError(f"{path} is a Git LFS pointer, its rows are not here: `git lfs pull` fetches them")
    parsed = _parsed(source, path, format, columns)
    if parsed is None:
        raise UsageError(f"no manifest {path}")
    header, found = parsed[0], list(parsed[1])
    rows = [row for row in found if isinstance(row, Row)]
    if not header:
        header = tuple(dict.fromkeys(name for row in rows for name in row.cells))
    parts = parts_of.resolve(header, rows, columns, path, grouped=grouped)
    boxes = box_columns.find(header, rows, parts)
    others = (name for name in parts_of.others(header, parts) if boxes is None or name not in boxes.columns)
    samples, problems = Rows("samples", tuple(others)), Rows("problems")
    finder = Finder(source, files_root if files_root is not None else posixpath.dirname(path), suffix)
    for kind, detail in _about_columns(header, rows, parts, finder, boxes):
        problems.add(kind=kind, manifest=display(path), line=1, detail=display(detail))
    text = format in ("csv", "tsv")
    if splits == {}:
        # The user says that there are none, whatever a column is called.
        parts = {**parts, "split": None}
    splits = splits or {}
    if parts["split"] and parts["split"].lower() == "is_valid" and not splits:
        cells = {_cell(row, parts["split"]) for row in rows}
        splits = {cell: split for cell, split in IS_VALID.items() if cell in cells}
    meant = _splits(rows, parts, path, problems, splits, text=text)

    def problem(kind: str, row: Row, of: str | None, detail: str) -> None:
        problems.add(kind=kind, path=_shown(of), manifest=display(path), line=row.line, detail=display(detail))

    objects = None if boxes is None else box_columns.Objects(boxes, path, problem)
    for row in found:
        if isinstance(row, Bad):
            problems.add(kind=row.kind, manifest=display(path), line=row.line, detail=row.detail)
        elif parts["path"]:
            _sample(row, parts, meant, path, finder, samples, problem, objects, text=text)
    if objects is None:
        classes, annotations = labels.classes(samples, inferred=text), Rows("annotations")
    else:
        classes, annotations = objects.classes(samples.columns["split"]), objects.annotations
    return Dataset(
        name=name_of(posixpath.dirname(path), source.base) if posixpath.dirname(path) else posixpath.basename(path),
        format=format,
        root=display(posixpath.dirname(path)),
        manifest=display(path),
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
            *(_said_to_pandas(source, path, header) if format == "csv" else ()),
            *split_column.undeclared(splits, meant),
            *(() if boxes is None else (boxes.note(),)),
        ),
        group_column=_shown(parts["group"]),
        group_guessed=parts["group"] is not None and "group" not in columns,
    )


def _said_to_pandas(source: Source, path: str, header: tuple[str, ...]) -> Iterator[str]:
    """What must be said to read the same: without it the names of the columns are others, and a KeyError follows."""
    given = header_to_pandas((source.read(path, limit=_HEAD) or b"").partition(b"\n")[0])
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


def _sample(
    row: Row,
    parts: Mapping[str, str | None],
    splits: Mapping[str, str],
    manifest: str,
    finder: Finder,
    samples: Rows,
    problem: Callable[[str, Row, str | None, str], None],
    objects: box_columns.Objects | None,
    *,
    text: bool,
) -> None:
    written, label, split = _cell(row, parts["path"]), _cell(row, parts["label"]), _cell(row, parts["split"], nan=text)
    if written is None:
        problem("missing-path", row, None, "the path of the image is empty")
        return
    if split is None and parts["split"]:
        problem("missing-split", row, written, "the split is empty or NaN")
        if splits:
            # To code that picks its rows by split this one is in none of them.
            return
    if text and label in labels.NAN:
        label = None
    if parts["label"] and label is None:
        if objects is None or not objects.is_background(row):
            problem("missing-label", row, written, "the label is empty or NaN")
    elif text and label in labels.LOST:
        problem("missing-label", row, written, f"pandas reads the label {label!r} as NaN")
    part = splits[split] if split else None
    number = None if objects is None else objects.sample(written, part)
    if number is None:
        file_id, path, kinds = finder.find(written)
        for kind, detail in kinds:
            problem(kind, row, path if kind == "missing-file" else written, detail)
        number = None if objects is None else objects.sample(file_id, part)
        width, height = (None, None) if objects is None else box_columns.size_of(row, objects.boxes)
        if number is None:
            number = len(samples.columns["sample_id"])
            samples.add(
                sample_id=number, file_id=file_id, path=display(path), split=display(part) if part else None,
                label=_shown(label) if objects is None else None, declared_width=width, declared_height=height,
                group_key=_shown(_cell(row, parts["group"], nan=text)), manifest=display(manifest), line=row.line,
                **{name: _shown(row.cells.get(name)) for name in samples.extra},
            )  # fmt: skip
        if objects is not None:
            objects.keep(number, written, part)
            objects.keep(number, file_id, part)
    if objects is not None:
        objects.add(number, row, written, label)


def _shown(text: str | None) -> str | None:
    return None if text is None else display(text)
