"""Tables beside a folder of images that name those images: whoever reads the folder alone never sees their labels."""

from __future__ import annotations

import posixpath
import re
from collections import defaultdict
from typing import TYPE_CHECKING

from datalint.dataset import box_columns, columns, layout, table_rows
from datalint.dataset.table_files import SUFFIXES, tables

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from collections.abc import Set as AbstractSet

    from datalint.dataset.rows import Row
    from datalint.source import Source

# Kaggle's form for predictions names the test images, and its labels are made up.
_FORM = re.compile(r"sample_?submission", re.IGNORECASE)
# A number of an epoch is the name of an image too; a column that means images says so.
_MEANS_IMAGES = re.compile(r"(^|[_ ])(id|ids|image|images|img|file|filename|filepath|name|path)($|[_ ])", re.IGNORECASE)


def unread(source: Source, root: str) -> Iterator[tuple[str, str, str]]:
    """Each table directly in the root or one folder below: its kind of problem, its path, and how it names images."""
    found = [path for path in tables(source, root, depth=1) if not _FORM.search(posixpath.basename(path))]
    if not found:
        return
    known: defaultdict[str, set[str]] = defaultdict(set)
    classes: set[str] = set()
    for entry in source.entries(root):
        if layout.suffix(entry.path) in layout.IMAGE_LIKE:
            name, folders = posixpath.basename(entry.path), posixpath.dirname(entry.path).split("/")
            classes.add(folders[-1])
            for spelling in (name, posixpath.splitext(name)[0]):
                known[spelling].update(folders)
    for path in found:
        format_ = SUFFIXES[layout.suffix(path)]
        rows = table_rows.head(source, path, format_)
        column = _naming(rows, known)
        if column is None or _agrees(rows, column, known):
            continue
        if _lists_classes(table_rows.rows_of(source, path, format_), column, classes):
            continue
        detail = f"its column {column!r} names images"
        if box_columns.columns(rows[0].cells, [column]) is None:
            yield "unread-manifest", path, detail
        else:
            yield "unread-boxes", path, f"{detail} and others hold a box in each row"


def _naming(rows: Sequence[Row], known: Mapping[str, set[str]]) -> str | None:
    """The first column whose cells are all images, beside others that may hold their labels."""
    for column in rows[0].cells if rows else ():
        named = all(_name(row, column) in known for row in rows)
        if named and len(rows[0].cells) > 1 and _MEANS_IMAGES.search(column):
            return column
    return None


def _agrees(rows: Sequence[Row], column: str, known: Mapping[str, set[str]]) -> bool:
    """Whether its labels are the folders that the images lie in: then nothing is lost."""
    label = columns.guess(rows[0].cells, rows)["label"]
    return label is not None and all((row.cells.get(label) or "") in known[_name(row, column)] for row in rows)


def _lists_classes(rows: Iterable[Row], numbers: str, classes: AbstractSet[str]) -> bool:
    """Whether another column names every class, each once: `numbers` are theirs (0,cat), and not those of images.

    All rows are asked. Of a thousand classes the first rows of a manifest may have a different one each.
    """
    seen: dict[str, set[str]] | None = None
    for row in rows:
        if not (row.cells.get(numbers) or "").strip().isdecimal():
            return False
        if seen is None:
            seen = {name: set() for name in row.cells if name != numbers}
        for name, cells in list(seen.items()):
            cell = (row.cells.get(name) or "").strip()
            if not cell or cell in cells:
                del seen[name]
            cells.add(cell)
        if not seen:
            return False
    return any(classes <= cells for cells in (seen or {}).values())


def _name(row: Row, column: str) -> str:
    return posixpath.basename((row.cells.get(column) or "").strip().replace("\\", "/"))
