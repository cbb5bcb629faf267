"""Bytes in a column of a Parquet file, row by row: an image that a Hugging Face dataset carries inside it.

DuckDB reads one row group at a time; a reader keeps its place, so that rows in order cost one pass over those groups
that hold them, and about twice the size of one group in memory.
"""

from __future__ import annotations

import bisect
import os
import re
from itertools import accumulate
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import duckdb

    from datalint.entry import PartLocator

_MEMORY = "2GB"
_PATTERN = re.compile(r"([\[\]*?])")


def literal(path: str) -> str:
    """For DuckDB, which takes `[`, `*` and `?` in a name for a pattern; raises OSError where it is not UTF-8."""
    try:
        path.encode()
    except UnicodeEncodeError as error:
        raise OSError("its name is not UTF-8, which the Parquet reader needs") from error
    return _PATTERN.sub(r"[\1]", os.path.abspath(path))


class TableReader:
    """Cells of one column of one file at a time."""

    def __init__(self) -> None:
        self._database: duckdb.DuckDBPyConnection | None = None
        self._place: tuple[str, str] | None = None
        self._ends: list[int] = []
        """Row after the last one of each row group."""
        self._next = 0
        """Row that comes next; -1 where no query is open."""

    def read(self, part: PartLocator) -> bytes:
        """The cell at row `offset` of `column`, empty for NULL; raises OSError for what cannot be read."""
        import duckdb

        try:
            cell = self._cell(part)
        except duckdb.Error as error:
            self.close()
            raise OSError(f"its Parquet file cannot be read there: {str(error).splitlines()[0]}") from error
        return cell or b""

    def _cell(self, part: PartLocator) -> bytes | None:
        database = self._open(part)
        row = part.offset
        if not (self._next <= row and (self._next >= 0 and self._group(row) == self._group(self._next))):
            # The column is an identifier that was quoted where the file was listed.
            query = f"select {part.column} from {_ROWS} where file_row_number >= ?"  # noqa: S608
            database.execute(query, [literal(part.path), row])
            self._next = row
        while True:
            found = database.fetchone()
            if found is None:
                self._next = -1
                raise OSError(f"its Parquet file ends before row {row:,}")
            self._next += 1
            if self._next > row:
                return found[0]  # type: ignore[no-any-return]

    def _group(self, row: int) -> int:
        return bisect.bisect_right(self._ends, row)

    def _open(self, part: PartLocator) -> duckdb.DuckDBPyConnection:
        import duckdb

        if self._database is None:
            self._database = duckdb.connect(
                config={"threads": 1, "memory_limit": _MEMORY, "autoinstall_known_extensions": False}
            )
            self._database.execute("set enable_progress_bar = false")
            self._database.execute("set enable_geoparquet_conversion = false")
        if self._place != (part.path, part.column):
            counts = self._database.execute(_GROUPS, [literal(part.path)]).fetchall()
            self._ends = list(accumulate(number for (number,) in counts))
            self._place, self._next = (part.path, part.column), -1
        return self._database

    def close(self) -> None:
        """Let go of the file that is open."""
        if self._database is not None:
            self._database.close()
        self._database = self._place = None


_ROWS = "read_parquet(?, hive_partitioning = false, file_row_number = true)"
_GROUPS = """
select any_value(row_group_num_rows) from parquet_metadata(?) group by row_group_id order by row_group_id
"""
