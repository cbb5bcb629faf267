"""Parquet -> columns of text, read by DuckDB in a process of its own: a file that kills the reader kills no run.

Run as `python -P -m datalint.dataset.parquet FILE`: a JSON array of the column names, then one of cells per row.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_MEMORY = "2GB"
_BATCH = 10_000
# Images inside the file, lists of boxes: nothing that names a path or a class.
_NESTED = ("STRUCT", "MAP", "LIST", "UNION", "BLOB")
_FLOATS = ("FLOAT", "DOUBLE")

Cells = list[str | None]


class UnreadableError(Exception):
    """Not a Parquet file, or not a whole one; the message is DuckDB's."""


def read(content: bytes) -> tuple[tuple[str, ...], Iterator[Cells]]:
    """Names of the columns that hold single values, and the cells of every row; raises UnreadableError."""
    with tempfile.NamedTemporaryFile(suffix=".parquet") as file:
        file.write(content)
        file.flush()
        command = [sys.executable, "-P", "-m", "datalint.dataset.parquet", file.name]
        run = subprocess.run(command, capture_output=True, check=False)
    if run.returncode:
        words = run.stderr.decode("utf-8", "replace").replace(file.name, "the file").strip().splitlines()
        raise UnreadableError(words[0] if words and run.returncode > 0 else "its reader did not survive it")
    head, *lines = run.stdout.splitlines()
    return tuple(json.loads(head)), (json.loads(line) for line in lines)


def main() -> int:
    """The reader's side."""
    import duckdb

    path = sys.argv[1]
    database = duckdb.connect(config={"threads": 1, "memory_limit": _MEMORY, "autoinstall_known_extensions": False})
    try:
        described = database.execute("describe select * from read_parquet(?)", [path]).fetchall()
        kinds = {name: kind for name, kind, *_ in described}
        names = [name for name, kind in kinds.items() if not kind.endswith("[]") and not kind.startswith(_NESTED)]
        print(json.dumps(names))
        if not names:
            return 0
        # Only a number can be NaN and mean that nothing is there; a text `nan` is a text.
        cells = ", ".join(
            f"nullif(cast({_quoted(name)} as varchar), 'nan')" if kinds[name] in _FLOATS
            else f"cast({_quoted(name)} as varchar)"
            for name in names
        )  # fmt: skip
        found = database.execute(f"select {cells} from read_parquet(?)", [path])  # noqa: S608 - quoted names
        while rows := found.fetchmany(_BATCH):
            sys.stdout.writelines(json.dumps(row) + "\n" for row in rows)
    except duckdb.Error as error:
        print(str(error).splitlines()[0], file=sys.stderr)
        return 1
    return 0


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


if __name__ == "__main__":
    sys.exit(main())
