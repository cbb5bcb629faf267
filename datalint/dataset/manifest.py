"""CSV, TSV, JSONL and Parquet manifests: a path, a label, a split, and whatever else the user keeps in columns."""

from __future__ import annotations

import difflib
import os
import posixpath
import re
import tempfile
from collections import Counter
from typing import TYPE_CHECKING

from datalint.dataset import layout
from datalint.dataset.model import Dataset, Rows, name_of
from datalint.dataset.rows import Bad, Row, parse, parse_parquet
from datalint.dataset.splits import split_name
from datalint.entry import Entry, FileLocator, display
from datalint.errors import UnfinishedError, UsageError
from datalint.source.lfs import POINTER
from datalint.tables import TABLES

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from datalint.source import Source

# Names that people give the columns, most specific first.
COLUMNS = {
    "path": ("path", "image_path", "filepath", "file_path", "file_name", "filename", "image", "img", "file"),
    "label": ("label", "class", "class_name", "category", "target", "y"),
    "split": ("split", "subset", "fold", "partition", "set"),
    "group": ("group", "group_key", "patient", "patient_id", "subject", "video", "scene", "source"),
}
_RESERVED = {column.name for column in TABLES["samples"].columns}
# What pandas.read_csv takes for NaN unless it is told not to: the words that mean nothing else, and those that may.
_NAN = frozenset(
    {"nan", "NaN", "-nan", "-NaN", "<NA>", "#N/A", "#N/A N/A", "#NA", "-1.#IND", "1.#IND", "-1.#QNAN", "1.#QNAN"}
)
_LOST = frozenset({"NA", "N/A", "n/a", "NULL", "null", "None"})
_WINDOWS = re.compile(r"^[A-Za-z]:[\\/]")


# The head of a text tells what it is.
_HEAD = 1 << 16


def names_images(source: Source, path: str, format: str) -> bool:  # noqa: A002
    """Whether the first row names an image, so that a folder with this file is a manifest's folder."""
    header, rows = _parsed(source, path, format, head=True) or ((), iter(()))
    first = next((row for row in rows if isinstance(row, Row)), None)
    if first is None:
        return False
    column = _find("path", header or tuple(first.cells))
    value = first.cells.get(column) if column else None
    return value is not None and layout.suffix(value.strip()) in layout.IMAGE_LIKE | layout.ARRAYS


def paths(source: Source, path: str, format: str, *, home: str | None, column: str | None) -> set[str]:  # noqa: A002
    """Files that the rows name, relative to the source's base; they start from `home`, else the manifest's folder."""
    header, rows = _parsed(source, path, format) or ((), iter(()))
    found = [row for row in rows if isinstance(row, Row)]
    column = column or _find("path", header or tuple(found[0].cells if found else ()))
    home = posixpath.dirname(path) if home is None else home
    written = (row.cells.get(column) for row in found) if column else iter(())
    return {posixpath.normpath(posixpath.join(home, value.strip())) for value in written if value}


def _parsed(
    source: Source,
    path: str,
    format: str,  # noqa: A002
    *,
    head: bool = False,
) -> tuple[tuple[str, ...], Iterator[Row | Bad]] | None:
    """Column names and rows, the first ones or all; None where there is no such file."""
    if format != "parquet":
        content = source.read(path, limit=_HEAD if head else None)
        return None if content is None else parse(content, format)
    limit = 1 if head else None
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
    splits: Mapping[str, str],
) -> Dataset:
    """Samples of one manifest; paths in it are relative to `files_root`, else to the manifest's folder.

    `splits` says which split a cell of that column means. Raises UsageError for a cell that no row has.
    """
    if source.read(path, limit=len(POINTER)) == POINTER:
        raise UnfinishedError(f"{path} is a Git LFS pointer, its rows are not here: `git lfs pull` fetches them")
    parsed = _parsed(source, path, format)
    if parsed is None:
        raise UsageError(f"no manifest {path}")
    header, found = parsed
    rows = list(found)
    if not header:
        header = tuple(dict.fromkeys(name for row in rows if isinstance(row, Row) for name in row.cells))
    parts = {part: _column(part, header, columns, path) for part in COLUMNS}
    samples, problems = Rows("samples", _extra(header, parts)), Rows("problems")
    for name in parts.values():
        if name is not None and header.count(name) > 1:
            detail = f"{header.count(name)} columns are called {name!r}: the first one was read"
            problems.add(kind="bad-row", manifest=display(path), line=1, detail=detail)
    if parts["path"] is None and any(isinstance(row, Row) for row in rows):
        problems.add(
            kind="missing-column", manifest=display(path), line=1,
            detail=f"no column for the path of the image among {', '.join(header)}",
        )  # fmt: skip
        rows = [row for row in rows if isinstance(row, Bad)]
    _check_splits(splits, rows, parts["split"], path)
    home = files_root if files_root is not None else posixpath.dirname(path)
    finder = _Finder(source, home)
    for row in rows:
        if isinstance(row, Bad):
            problems.add(kind=row.kind, manifest=display(path), line=row.line, detail=row.detail)
            continue
        _sample(row, parts, path, finder, samples, problems, splits, pandas=format in ("csv", "tsv"))
    return Dataset(
        name=name_of(posixpath.dirname(path), source.base) if posixpath.dirname(path) else posixpath.basename(path),
        format=format,
        root=display(posixpath.dirname(path)),
        manifest=display(path),
        files=finder.files,
        samples=samples.data(),
        classes=_classes(samples).data(),
        folders=Rows("folders").data(),
        skipped=Rows("skipped").data(),
        problems=problems.data(),
        assumptions=_assumptions(parts, columns),
    )


def _assumptions(parts: Mapping[str, str | None], declared: Mapping[str, str]) -> tuple[str, ...]:
    guessed = [f"{part} from {name!r}" for part, name in parts.items() if name and part not in declared]
    return (f"columns were guessed: {', '.join(guessed)}",) if guessed else ()


def _find(part: str, header: Iterable[str]) -> str | None:
    names = {name.lower(): name for name in reversed(tuple(header))}
    return next((names[name] for name in COLUMNS[part] if name in names), None)


def _column(part: str, header: tuple[str, ...], declared: Mapping[str, str], path: str) -> str | None:
    if part not in declared:
        return _find(part, header)
    if declared[part] not in header:
        near = difflib.get_close_matches(declared[part], header, n=1)
        raise UsageError(
            f"{path} has no column {declared[part]!r} (dataset.columns.{part})",
            hint=f"did you mean {near[0]!r}?" if near else f"it has: {', '.join(header)}",
            keys=("dataset", "columns", part),
        )
    return declared[part]


def _extra(header: tuple[str, ...], parts: Mapping[str, str | None]) -> tuple[str, ...]:
    """User columns keep their own names; one that is called like a column of ours stays behind."""
    used = {name for name in parts.values() if name}
    found = dict.fromkeys(header)
    return tuple(name for name in found if name and name not in used and name.lower() not in _RESERVED)


def _sample(
    row: Row,
    parts: Mapping[str, str | None],
    manifest: str,
    finder: _Finder,
    samples: Rows,
    problems: Rows,
    splits: Mapping[str, str],
    *,
    pandas: bool,
) -> None:
    def cell(part: str) -> str | None:
        name = parts[part]
        return row.cells.get(name) if name else None

    def problem(kind: str, path: str | None, detail: str) -> None:
        problems.add(kind=kind, path=_shown(path), manifest=display(manifest), line=row.line, detail=display(detail))

    written, label, split = cell("path"), cell("label"), cell("split")
    if written is None:
        problem("missing-path", None, "the path of the image is empty")
        return
    if label is not None and pandas and label in _NAN:
        label = None
    if parts["label"] and label is None:
        problem("missing-label", written, "the label is empty or NaN")
    elif label in _LOST and pandas:
        problem("missing-label", written, f"pandas reads the label {label!r} as NaN")
    file_id, path, kinds = finder.find(written)
    for kind, detail in kinds:
        problem(kind, path if kind == "missing-file" else written, detail)
    samples.add(
        sample_id=len(samples.columns["sample_id"]), file_id=file_id, path=display(path),
        split=splits.get(split.strip()) or split_name(display(split)) if split else None, label=_shown(label),
        group_key=_shown(cell("group")), manifest=display(manifest), line=row.line,
        **{name: _shown(row.cells.get(name)) for name in samples.extra},
    )  # fmt: skip


def _check_splits(splits: Mapping[str, str], rows: Iterable[Row | Bad], column: str | None, path: str) -> None:
    """UsageError for a declared split that no row is of: a slip of the pen would leave its rules silent."""
    cells = {(row.cells.get(column) or "").strip() for row in rows if isinstance(row, Row)} if column else set()
    for name, split in splits.items():
        if name not in cells:
            seen = ", ".join(sorted(display(cell) for cell in cells if cell)[:8])
            hint = f"there are: {seen}" if seen else "it has no column for the split"
            message = f"dataset.splits.{split}: no row of {path} has the split {name!r}"
            raise UsageError(message, hint=hint, keys=("dataset", "splits", split))


def _shown(text: str | None) -> str | None:
    return None if text is None else display(text)


class _Finder:
    """Numbers the files that a manifest names; one listing answers for all that lie below its home."""

    def __init__(self, source: Source, home: str) -> None:
        self._source = source
        self._home = "" if home == "." else home.rstrip("/")
        self._known = {entry.path: entry for entry in source.entries(self._home or ".")}
        self._ids: dict[str, int] = {}
        self.files: list[Entry] = []

    def find(self, written: str) -> tuple[int, str, list[tuple[str, str]]]:
        """File id, path relative to the base, and what is wrong with the way it was written."""
        problems = []
        path = written
        if path != path.strip() and self._absent(path):
            problems.append(("bad-row", f"spaces around the path: {written!r}"))
            path = path.strip()
        if "\\" in path and not _WINDOWS.match(path) and self._absent(path):
            problems.append(("backslash-path", f"written with backslashes: {written}"))
            path = path.replace("\\", "/")
        if path.startswith("/") or _WINDOWS.match(path):
            problems.append(("absolute-path", f"only true on one machine: {written}"))
            relative = os.path.relpath(path, self._source.base) if path.startswith("/") else path
        else:
            relative = posixpath.normpath(posixpath.join(self._home, path))
            if relative == ".." or relative.startswith("../"):
                problems.append(("outside-root", f"leads out of the dataset: {written}"))
        if relative not in self._ids:
            entry = self._known.get(relative) or self._elsewhere(relative)
            self._ids[relative] = len(self.files)
            self.files.append(entry)
        number = self._ids[relative]
        if self.files[number].kind in ("missing", "broken-link"):
            problems.append(("missing-file", f"{relative} is not there"))
        return number, relative, problems

    def _absent(self, path: str) -> bool:
        return posixpath.normpath(posixpath.join(self._home, path)) not in self._known

    def _elsewhere(self, relative: str) -> Entry:
        """A file outside the home: only the work tree can hold one."""
        place = os.path.join(self._source.base, relative)
        if self._source.name == "worktree":
            try:
                status = os.stat(place)
            except (OSError, ValueError):
                return Entry(relative, FileLocator(place), "missing")
            return Entry(relative, FileLocator(place), "file", status.st_size, status.st_mtime_ns, status.st_ino)
        known = self._source.entries(relative)
        return known[0] if known else Entry(relative, FileLocator(place), "missing")


def _classes(samples: Rows) -> Rows:
    """Keras and pandas number the labels of a column in sorted order, over all splits alike."""
    counts = Counter(
        (split, label)
        for split, label in zip(samples.columns["split"], samples.columns["label"], strict=True)
        if label is not None
    )
    order = {label: index for index, label in enumerate(sorted({str(label) for _, label in counts}))}
    samples.columns["label_index"] = [
        None if label is None else order[str(label)] for label in samples.columns["label"]
    ]
    rows = Rows("classes")
    for (split, label), number in sorted(counts.items(), key=lambda item: (str(item[0][0]), str(item[0][1]))):
        rows.add(name=label, index=order[str(label)], split=split, loader="manifest", n_samples=number, hidden=False)
    return rows
