"""Tables as files that the child can load."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from datalint.rule.cells import UNSAFE, Lines
from datalint.rule.columns import ALL
from datalint.rule.identifiers import folded
from datalint.tables import TABLES

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from datalint.rule.columns import Columns
    from datalint.tables import Data

_CHUNK = 20_000
"""Rows that are turned into text, and loaded, at once: a million would be gigabytes."""


def extra_columns(tables: Mapping[str, Data]) -> list[str]:
    """What the user's own columns are called in SQL."""
    return [shown for name, data in tables.items() for shown in _renamed(name, data).values()]


def written(tables: Mapping[str, Data], stem: str, read: Columns = ALL) -> Iterator[dict[str, Any]]:
    """Write what is `read` of each table, large ones in parts, into files that begin with `stem`.

    Yields what the child must know of each.
    """
    for name, data in tables.items():
        types = TABLES[name].types
        renamed = _renamed(name, data)
        shown = {column: renamed.get(column, column) for column in data.columns if column in types or column in renamed}
        columns = {
            shown[column]: (data.columns[column], types.get(column, "VARCHAR"))
            for column in shown
            # What is NULL throughout needs no cell: the table says so by itself.
            if (name, shown[column]) in read and _has_any(data.columns[column])
        }
        if not len(data):
            continue
        if not columns:
            # A row of nothing is a row all the same.
            first = next(iter(data.columns))
            columns = {renamed.get(first, first): (data.columns[first], "VARCHAR")}
        rows = Lines(columns)
        for start in range(0, len(data), _CHUNK):
            file = f"{stem}-{name}-{start}.csv"
            with open(file, "w", encoding="utf-8", newline="") as stream:
                stream.write("\n".join(rows.lines(start, start + _CHUNK)) + "\n")
            yield {"name": name, "file": file, "columns": rows.names}


def _has_any(values: Sequence[Any]) -> bool:
    """Whether one of them is not NULL; to count is fast only among many of them that are."""
    return bool(values) and (values[0] is not None or values.count(None) < len(values))


def _renamed(name: str, data: Data) -> dict[str, str]:
    """The user's own columns of a table, and what they are called in SQL."""
    return dict(zip(data.extra, _distinct(data.extra, (column.name for column in TABLES[name].columns)), strict=True))


def _distinct(names: Iterable[str], taken: Iterable[str]) -> list[str]:
    """SQL does not tell `Label` from `label`: the later one becomes `Label_2`."""
    seen = {folded(name) for name in taken}
    result = []
    for name in names:
        number, fresh = 1, UNSAFE.sub("?", name) or "column"
        stem = fresh
        while folded(fresh) in seen:
            number += 1
            fresh = f"{stem}_{number}"
        seen.add(folded(fresh))
        result.append(fresh)
    return result
