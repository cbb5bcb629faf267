"""A table in the folder of each split, beside its images: `train/_annotations.csv`, as Roboflow exports them."""

from __future__ import annotations

import posixpath
from collections import defaultdict
from typing import TYPE_CHECKING

from datalint.dataset import box_columns, layout, table_rows
from datalint.dataset import columns as parts_of
from datalint.dataset.keys import check_splits
from datalint.dataset.manifest import Table
from datalint.dataset.splits import meanings
from datalint.dataset.table_files import SUFFIXES, tables
from datalint.entry import display

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from datalint.dataset.rows import Row
    from datalint.source import Source


def found(
    source: Source, root: str, *, columns: Mapping[str, str], splits: Mapping[str, str] | None, home: str | None = None
) -> list[Table]:
    """Those of a folder; empty where there are none, and where they are not all of the dataset.

    Two folders or more lie directly below the root and hold images; each is a split, by its name or as the user says in
    `splits`, and has one table. All are called the same and have the same columns, among them one of labels or those of
    a box; rows of each name images that are there, from `home` or from the table's own folder on.
    """
    prefix = "" if root in ("", ".") else root.rstrip("/") + "/"
    entries = source.entries(root)
    by_folder: defaultdict[str, list[str]] = defaultdict(list)
    for path in tables(source, root, depth=1):
        folder = path[len(prefix) :].rpartition("/")[0]
        if folder:
            by_folder[folder].append(path)
    declared = {folder: split for folder, split in (splits or {}).items() if folder in by_folder}
    meant = {**meanings(by_folder), **declared}
    names = {posixpath.basename(path) for paths in by_folder.values() for path in paths}
    apart = len(set(meant.values())) == len(meant) == sum(map(len, by_folder.values()))
    if splits == {} or len(by_folder) < 2 or by_folder.keys() != meant.keys() or len(names) != 1 or not apart:
        return []
    images = {entry.path for entry in entries if layout.suffix(entry.path) in layout.IMAGE_LIKE}
    if {path[len(prefix) :].partition("/")[0] for path in images} - by_folder.keys():
        return []
    format_ = SUFFIXES[layout.suffix(next(iter(names)))]
    heads = {path: table_rows.head(source, path, format_) for [path] in by_folder.values()}
    headers = {tuple(rows[0].cells) for rows in heads.values() if rows}
    if len(headers) != 1 or not _teaches(next(iter(headers)), columns):
        return []
    if not all(_name_some(rows, path, images, columns, home) for path, rows in heads.items()):
        return []
    check_splits(splits, declared, by_folder, "folder with a table is called")
    return [Table(path, folder, meant[folder]) for folder, [path] in sorted(by_folder.items())]


def note(read: Sequence[Table]) -> str:
    """What was taken for the dataset."""
    return f"a table for each split: {', '.join(_named(read))}"


def _named(read: Sequence[Table]) -> Iterator[str]:
    return (f"{display(table.path)} is {display(table.split or '')}" for table in read)


def _teaches(header: tuple[str, ...], columns: Mapping[str, str]) -> bool:
    """Whether there are labels or boxes."""
    label = columns.get("label") or parts_of.guess(header, [])["label"]
    return label is not None or box_columns.columns(header) is not None


def _name_some(rows: Sequence[Row], table: str, images: set[str], columns: Mapping[str, str], home: str | None) -> bool:
    """Whether rows name images that are there; a table may have none."""
    column = columns.get("path") or parts_of.find_path(tuple(rows[0].cells) if rows else (), rows)
    start = posixpath.dirname(table) if home is None else home
    named = ((row.cells.get(column) or "").strip() for row in rows) if column else iter(())
    return not rows or any(posixpath.normpath(posixpath.join(start, name)) in images for name in named)
