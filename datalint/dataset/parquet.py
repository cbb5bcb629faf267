"""Parquet -> columns of text, read by DuckDB in a process of its own: a file that kills the reader kills no run.

The reader writes a JSON array of the column names, then one of cells per row, into a file: neither side holds them all.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from typing import IO, TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_MEMORY = "2GB"
_BATCH = 10_000
# Images inside the file, lists of boxes: nothing that names a path or a class.
_NESTED = ("STRUCT", "MAP", "LIST", "UNION", "BLOB")
_FLOATS = ("FLOAT", "DOUBLE")
# Not `-m`: this module is imported before it would run, and Python warns of that on the reader's own channel.
_READER = "import sys; from datalint.dataset.parquet import main; sys.exit(main())"

_NOTHING = "no column holds single words or numbers"

_ROWS = "from read_parquet(?, hive_partitioning = false)"

Cells = list[str | None]


class UnreadableError(Exception):
    """Not a Parquet file, not a whole one, or one without a column that we read; the message says which."""


def read(place: str, *, limit: int | None = None) -> tuple[tuple[str, ...], Iterator[Cells]]:
    """Names of the columns that hold single values, and the cells of the first `limit` rows, else of all.

    Raises UnreadableError before the first row: half a manifest would be judged as a whole one.
    """
    answer = tempfile.TemporaryFile()  # noqa: SIM115 - the rows are read from it later
    with tempfile.TemporaryDirectory() as folder:
        # DuckDB takes names for patterns (`[`, `*`) and for partitions (`label=cat/`), and wants them in UTF-8.
        link = os.path.join(folder, "manifest.parquet")
        os.symlink(os.path.abspath(place), link)
        command = [sys.executable, "-P", "-c", _READER, link, "" if limit is None else str(limit)]
        run = subprocess.run(command, stdout=answer, stderr=subprocess.PIPE, check=False)
    if run.returncode:
        answer.close()
        words = run.stderr.decode("utf-8", "replace").replace(f" '{link}'", "").strip().splitlines()
        said = words[-1] if words and run.returncode > 0 else "its reader did not survive it"
        raise UnreadableError(said if said == _NOTHING else f"not a readable Parquet file: {said}")
    answer.seek(0)
    return tuple(json.loads(answer.readline())), _rows(answer)


def _rows(answer: IO[bytes]) -> Iterator[Cells]:
    with answer:
        for line in answer:
            yield json.loads(line)


def main() -> int:
    """The reader's side."""
    import duckdb

    path, limit = sys.argv[1:]
    database = duckdb.connect(config={"threads": 1, "memory_limit": _MEMORY, "autoinstall_known_extensions": False})
    # After two seconds it would be drawn between the rows.
    database.execute("set enable_progress_bar = false")
    # Maps in an odd state would hide what else is wrong with a file, and we read no geometry.
    database.execute("set enable_geoparquet_conversion = false")
    try:
        described = database.execute(f"describe {_ROWS}", [path]).fetchall()
        kinds = {name: kind for name, kind, *_ in described}
        names = [name for name, kind in kinds.items() if not kind.endswith("[]") and not kind.startswith(_NESTED)]
        if not names:
            print(_NOTHING, file=sys.stderr)
            return 1
        print(json.dumps(names))
        # Only a number can be NaN and mean that nothing is there; a text `nan` is a text.
        cells = ", ".join(
            f"nullif(cast({_quoted(name)} as varchar), 'nan')" if kinds[name] in _FLOATS
            else f"cast({_quoted(name)} as varchar)"
            for name in names
        )  # fmt: skip
        query = f"select {cells} {_ROWS}"
        found = database.execute(f"{query} limit {limit}" if limit else query, [path])
        while rows := found.fetchmany(_BATCH):
            sys.stdout.writelines(json.dumps(row) + "\n" for row in rows)
    except duckdb.Error as error:
        print(str(error).splitlines()[0], file=sys.stderr)
        return 1
    return 0


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
