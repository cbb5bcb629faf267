"""The rows of a table, all of them or the first ones, and what the first ones tell."""

from __future__ import annotations

import itertools
import posixpath
import tempfile
from typing import TYPE_CHECKING

from datalint.dataset import columns as parts_of
from datalint.dataset import layout
from datalint.dataset.rows import Bad, Row, parse, parse_parquet

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from datalint.source import Source

# The head of a text tells what it is.
HEAD = 1 << 16
_ROWS = 20


def names_images(source: Source, path: str, format: str, columns: Mapping[str, str]) -> bool:  # noqa: A002
    """Whether the first rows name images, so that a folder with this file is a manifest's folder."""
    header, found = parsed(source, path, format, columns, head=True) or ((), iter(()))
    rows = list(itertools.islice((row for row in found if isinstance(row, Row)), _ROWS))
    header = header or tuple(dict.fromkeys(name for row in rows for name in row.cells))
    if not rows:
        return False
    column = columns.get("path") or parts_of.find_path(header, rows)
    names = header if column is None else (rows[0].cells.get(column),)
    return any(layout.suffix((name or "").strip()) in layout.IMAGE_LIKE | layout.ARRAYS for name in names)


def head(source: Source, path: str, format: str) -> list[Row]:  # noqa: A002
    """The first rows; none where it is not a table that can be read."""
    _, found = parsed(source, path, format, {}, head=True) or ((), iter(()))
    return list(itertools.islice((row for row in found if isinstance(row, Row)), _ROWS))


def rows_of(source: Source, path: str, format: str) -> Iterator[Row]:  # noqa: A002
    """All rows, one after the other; none where it is not a table that can be read."""
    _, found = parsed(source, path, format, {}) or ((), iter(()))
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
    header, found = parsed(source, path, format, columns) or ((), iter(()))
    rows = [row for row in found if isinstance(row, Row)]
    header = header or tuple(dict.fromkeys(name for row in rows for name in row.cells))
    parts = parts_of.guess(header, rows) | dict(columns)
    home = posixpath.dirname(path) if home is None else home
    of_path, of_label = parts["path"], parts["label"]
    if of_path is None:
        return {}
    cells = ((row.cells.get(of_path), row.cells.get(of_label) if of_label is not None else None) for row in rows)
    return {posixpath.normpath(posixpath.join(home, name.strip())): label for name, label in cells if name}


def parsed(
    source: Source,
    path: str,
    format: str,  # noqa: A002
    columns: Mapping[str, str],
    *,
    head: bool = False,
) -> tuple[tuple[str, ...], Iterator[Row | Bad]] | None:
    """Column names and rows, the first ones or all; None where there is no such file."""
    if format != "parquet":
        content = source.read(path, limit=HEAD if head else None)
        known = {name for names in parts_of.NAMES.values() for name in names} | set(columns.values())
        return None if content is None else parse(content, format, known=known)
    limit = _ROWS if head else None
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
