"""Tables as files that the child can load: CSV in which NULL is nothing and text is always in quotes."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from datalint.tables import TABLES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from datalint.tables import Data

MAX_CELL = 20_000
"""Characters of one cell; what is longer was never meant to be read by a rule."""
_CHUNK = 20_000
"""Rows that are turned into text, and loaded, at once: a million would be gigabytes."""
_LOOK, _FEW = 256, 64
"""Values that are looked at to learn whether a column has few, and how many are few."""
_UNSAFE = re.compile("[\x00\ud800-\udfff]")


def extra_columns(tables: Mapping[str, Data]) -> list[str]:
    """What the user's own columns are called in SQL."""
    return [shown for name, data in tables.items() for shown in _renamed(name, data).values()]


def written(tables: Mapping[str, Data], stem: str) -> Iterator[dict[str, Any]]:
    """Write each table, large ones in parts, into files that begin with `stem`; what the child must know of each."""
    for name, data in tables.items():
        types = {column.name: column.type for column in TABLES[name].columns}
        renamed = _renamed(name, data)
        columns = {
            renamed.get(column, column): (values, types.get(column, "VARCHAR"))
            for column, values in data.columns.items()
            # What is NULL throughout needs no cell: the table says so by itself.
            if (column in types or column in renamed) and any(value is not None for value in values)
        }
        if not len(data):
            continue
        if not columns:
            # A row of nothing is a row all the same.
            first = next(iter(data.columns))
            columns = {renamed.get(first, first): (data.columns[first], "VARCHAR")}
        for start in range(0, len(data), _CHUNK):
            cells = [_cells(values[start : start + _CHUNK], kind) for values, kind in columns.values()]
            file = f"{stem}-{name}-{start}.csv"
            with open(file, "w", encoding="utf-8", newline="") as stream:
                stream.write("\n".join(map(",".join, zip(*cells, strict=True))) + "\n")
            yield {"name": name, "file": file, "columns": list(columns)}


def _renamed(name: str, data: Data) -> dict[str, str]:
    """The user's own columns of a table, and what they are called in SQL."""
    return dict(zip(data.extra, _distinct(data.extra, (column.name for column in TABLES[name].columns)), strict=True))


def _distinct(names: Iterable[str], taken: Iterable[str]) -> list[str]:
    """SQL does not tell `Label` from `label`: the later one becomes `Label_2`."""
    seen = {name.lower() for name in taken}
    result = []
    for name in names:
        number, fresh = 1, _UNSAFE.sub("?", name) or "column"
        stem = fresh
        while fresh.lower() in seen:
            number += 1
            fresh = f"{stem}_{number}"
        seen.add(fresh.lower())
        result.append(fresh)
    return result


def _cells(values: Sequence[Any], kind: str) -> list[str]:
    few = _few(values, kind)
    if few is not None:
        shown = dict(zip(few, _written(few, kind), strict=True))
        return list(map(shown.__getitem__, values))
    return _written(values, kind)


def _few(values: Sequence[Any], kind: str) -> list[Any] | None:
    """The distinct values where most repeat, as those of most columns do; None where few do."""
    if len(set(values[:_LOOK])) > _FEW:
        return None
    found = set(values)
    # 1 and True are the same to a set, and not as text.
    alike = kind != "VARCHAR" or all(value is None or isinstance(value, str) for value in found)
    return list(found) if len(found) <= _FEW and alike else None


def _written(values: Sequence[Any], kind: str) -> list[str]:
    if kind == "VARCHAR":
        return _texts(values)
    write: Callable[[Any], str] = _boolean if kind == "BOOLEAN" else str
    if None in values:
        return ["" if value is None else write(value) for value in values]
    return list(map(write, values))


def _texts(values: Sequence[Any]) -> list[str]:
    """Almost always nothing needs care, which one look at all of them together tells."""
    present = [str(value) for value in values if value is not None]
    together = "".join(present)
    if '"' in together or _UNSAFE.search(together) or max(map(len, present), default=0) > MAX_CELL:
        return ["" if value is None else _text(value) for value in values]
    if len(present) == len(values):
        return [f'"{value}"' for value in present]
    return ["" if value is None else f'"{value}"' for value in values]


def _boolean(value: Any) -> str:
    return "true" if value else "false"


def _text(value: Any) -> str:
    text = str(value)
    if len(text) > MAX_CELL:
        text = text[:MAX_CELL]
    if _UNSAFE.search(text):
        text = _UNSAFE.sub(lambda found: f"\\x{ord(found.group()) & 0xFF:02x}", text)
    return '"' + text.replace('"', '""') + '"'
