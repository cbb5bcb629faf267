"""Small tables filled by chance: what DuckDB answers of them is held against what we say of a query."""

from __future__ import annotations

import json
import random
from typing import TYPE_CHECKING, Any

import duckdb

from datalint.tables import TABLES, Data

if TYPE_CHECKING:
    from collections.abc import Mapping

CELLS: Mapping[str, Mapping[str, tuple[Any, ...]]] = {
    "samples": {"file_id": (0, 1, None), "label": ("a", "b", "", None), "split": ("train", "val", None)},
    "files": {"file_id": (0, 1, None), "status": ("ok", "damaged", None), "width": (1, 9, None),
              "path_utf8": (True, False, None)},
    "dataset": {"task": ("detection", "Detection", None), "format": ("coco", None)},
}  # fmt: skip
"""Columns, and values that rows are made of by chance."""

Worlds = tuple[duckdb.DuckDBPyConnection, list[dict[str, Data]]]
"""A connection with a schema `world0`, `world1`, ... for each set of tables, and what is in them."""


def filled(number: int) -> Worlds:
    """So many sets of tables of few rows, the same ones each time."""
    connection, chance, found = duckdb.connect(), random.Random(7), []
    for world in range(number):
        connection.execute(f"create schema world{world}; use world{world}")
        tables = {}
        for name, cells in CELLS.items():
            types = TABLES[name].types
            connection.execute(f"create table {name} ({', '.join(f'{column} {types[column]}' for column in cells)})")
            rows = [[chance.choice(values) for values in cells.values()] for _ in range(chance.randrange(4))]
            if rows:
                connection.executemany(f"insert into {name} values ({', '.join('?' for _ in cells)})", rows)
            tables[name] = Data({column: [row[place] for row in rows] for place, column in enumerate(cells)})
        found.append(tables)
    return connection, found


def parsed(connection: duckdb.DuckDBPyConnection, sql: str) -> Any:
    """The syntax tree of a query."""
    [[text]] = connection.execute("select json_serialize_sql(?)", [sql]).fetchall()
    return json.loads(text)["statements"][0]["node"]
