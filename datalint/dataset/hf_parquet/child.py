"""Reads the small columns of Parquet shards with DuckDB, in a process that a bad shard may kill.

Writes JSON, a line each: an object that opens a shard, one about it, a list for each row (for each image column
whether it has bytes and its path, then the plain cells as text), and an object with the error that ended it, if one
did. The bytes of images are left where they are.
"""

from __future__ import annotations

import json
import sys
from contextlib import suppress
from typing import TYPE_CHECKING

from datalint.dataset.hf_parquet.features import PICTURES, columns, quoted
from datalint.dataset.tfrecord.plan import looks_like_image
from datalint.source.table_cells import literal

if TYPE_CHECKING:
    from collections.abc import Iterator

    import duckdb

_MEMORY = "2GB"
_BATCH = 2_000
_WRITTEN = "select decode(value) from parquet_kv_metadata(?) where decode(key) = 'huggingface'"
_COMPRESSIONS = """
select lower(compression) from parquet_metadata(?) group by 1 order by sum(total_compressed_size) desc
"""
_ROWS = "from read_parquet(?, hive_partitioning = false)"


def main() -> int:
    """What to read comes as JSON in a file that is named on the command line: numbers with paths, and whether rows."""
    import duckdb

    with open(sys.argv[1], encoding="utf-8", errors="surrogateescape") as file:
        asked = json.load(file)
    database = duckdb.connect(config={"threads": 1, "memory_limit": _MEMORY, "autoinstall_known_extensions": False})
    database.execute("set enable_progress_bar = false")
    database.execute("set enable_geoparquet_conversion = false")
    for number, path in asked["shards"]:
        print(json.dumps({"shard": number}), flush=True)
        try:
            for line in _shard(database, literal(path), rows=asked["rows"]):
                sys.stdout.write(line + "\n")
        except (duckdb.Error, OSError) as error:
            print(json.dumps({"error": _words(error, path)}))
    return 0


def _kind(database: duckdb.DuckDBPyConnection, path: str, name: str, kind: str) -> str:
    """The type of a column, or PICTURES by its first value; a damaged page is told where the rows are read."""
    import duckdb

    if kind != "BLOB":
        return kind
    column, first = quoted(name), None
    with suppress(duckdb.Error):
        first = database.execute(f"select {column} {_ROWS} where {column} is not null limit 1", [path]).fetchone()
    return PICTURES if first is not None and looks_like_image(first[0]) else kind


def _words(error: Exception, path: str) -> str:
    """The first line of the reader's own, without the place on this machine."""
    lines = str(error).splitlines() or [type(error).__name__]
    return lines[0].replace(f" '{path}'", "").replace(path, "the file")


def _shard(database: duckdb.DuckDBPyConnection, path: str, *, rows: bool) -> Iterator[str]:
    """The line about the file, then its rows if they are asked for."""
    written = database.execute(_WRITTEN, [path]).fetchone()
    features = None if written is None else str(written[0])
    kinds = {name: kind for name, kind, *_ in database.execute(f"describe {_ROWS}", [path]).fetchall()}
    kinds = {name: _kind(database, path, name, kind) for name, kind in kinds.items()}
    compressions = [name for (name,) in database.execute(_COMPRESSIONS, [path]).fetchall()]
    yield json.dumps({"kinds": kinds, "written": features, "compression": next(iter(compressions), None)})
    if not rows:
        return
    found = columns(kinds, features)
    cells = [
        f"{image.data + ' is not null' if image.data else 'false'}, {image.path or 'null'}" for image in found.images
    ]
    # Only a number can be NaN and mean that nothing is there.
    cells += [
        f"nullif(cast({quoted(name)} as varchar), 'nan')" if kinds[name] in ("FLOAT", "DOUBLE")
        else f"cast({quoted(name)} as varchar)"
        for name in found.plain
    ]  # fmt: skip
    if cells:
        answer = database.execute(f"select {', '.join(cells)} {_ROWS}", [path])
        while batch := answer.fetchmany(_BATCH):
            yield from map(json.dumps, batch)
