"""Where queries are asked: one connection for the empty tables, one for the facts, and every door closed.

The parent is trusted, the queries are not: they pass the guard first, then run on a read-only database with everything
else switched off.
"""

from __future__ import annotations

import contextlib
import os
from functools import cached_property
from typing import TYPE_CHECKING, Any

from datalint.rule import guard, needs
from datalint.rule.told import located, rows
from datalint.tables import TABLES

try:
    # The engine alone: what `duckdb` wraps around it, and asks of installed packages, takes longer to import.
    import _duckdb as duckdb
except ImportError:
    import duckdb  # type: ignore[no-redef]

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

DuckDBError = duckdb.Error
TOO_LARGE = (duckdb.OutOfMemoryException, MemoryError)
BROKEN = (duckdb.FatalException, duckdb.InternalException)
"""After one of these nobody knows what state DuckDB is in."""
# Every door that DuckDB can close by itself; the guard and the address-space limit stand before it.
SETTINGS = {
    "enable_external_access": "false",
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
    "allow_community_extensions": "false",
    "temp_directory": "",
    "max_temp_directory_size": "0B",
}
_SMALL = 64 * 2**20
"""Bytes of tables up to which threads and compression cost more than they save: some 200,000 images."""


class Room:
    """One connection for the empty schema and inline tests, one for the facts."""

    def __init__(self, job: dict[str, Any]) -> None:
        self.settings = {**SETTINGS, "threads": str(job["threads"]), "memory_limit": f"{job['memory'] // 2**21}MiB"}
        self.memory = job["memory"]
        self.facts: duckdb.DuckDBPyConnection | None = None
        self.own: duckdb.DuckDBPyConnection | None = None
        """The database that is being written."""
        limit_memory(self.memory)

    @cached_property
    def schema(self) -> duckdb.DuckDBPyConnection:
        """Tables without a row, for whoever asks for them: most runs know all of their queries."""
        # Each open database maps half a gigabyte for its threads, and DuckDB crashes if it may not.
        with self._unlimited():
            schema = duckdb.connect(":memory:", config={**self.settings, "threads": self._threads(0)})
            schema.execute("set errors_as_json = true; set enable_progress_bar = false")
            _create_tables(schema, TABLES, ())
            schema.execute("set lock_configuration = true")
        return schema

    def _threads(self, size: int) -> str:
        """For tables of `size` bytes."""
        return "1" if size <= _SMALL else self.settings["threads"]

    def prepare(self, job: dict[str, Any]) -> dict[str, Any]:
        """Guard each query and bind it to the empty schema."""
        return {"rules": [self._prepare(item) for item in job["rules"]]}

    def _prepare(self, item: dict[str, Any]) -> dict[str, Any]:
        sql, extra = item["sql"], item["extra"]
        try:
            guard.check_length(sql)
            row = self.schema.execute("select json_serialize_sql(?)", [sql]).fetchone()
            assert row is not None
            reads = guard.inspect(sql, row[0], params=item["params"], extra=extra)
            with self._transaction():
                if extra:
                    _create_tables(self.schema, ["samples"], extra)
                bound = {name: item["params"][name] for name in reads.params}
                head = "describe "
                self.schema.execute(head + sql, bound)
                columns = [[name, kind] for name, kind, *_ in self.schema.fetchall()]
        except guard.RefusedError as refusal:
            return {"error": str(refusal), "offset": refusal.offset}
        except duckdb.Error as error:
            message, offset = located(str(error))
            return {
                "error": message,
                "offset": None if offset is None else guard.characters(head + sql, offset) - len(head),
            }
        return {
            "tables": sorted(reads.tables),
            "params": sorted(reads.params),
            "ordered": reads.ordered,
            "needed": needs.written(reads.needed),
            "whole": sorted(reads.whole),
            "columns": columns,
        }

    def fill(self, job: dict[str, Any]) -> dict[str, Any]:
        """Begin to write the facts; like the next three it runs no query of a rule, and only they read files."""
        size = job["size"]
        self._abandon()
        with self._unlimited():
            self.own = duckdb.connect(job["database"], config={"threads": self._threads(size)})
            self.own.execute("set enable_progress_bar = false")
            if size <= _SMALL:
                # To find the best compression takes longer than to write as it is what is read for a second.
                self.own.execute("set force_compression = 'uncompressed'")
            # Each table of its own would be written to the disk by itself.
            self.own.execute("begin")
            _create_tables(self.own, TABLES, job["extra"])
        return {}

    def refill(self, job: dict[str, Any]) -> dict[str, Any]:
        """Go on with facts that were filled; nobody reads them meanwhile."""
        self._abandon()
        if self.facts:
            # DuckDB opens one file for readers or for a writer.
            self.facts.close()
            self.facts = None
        with self._unlimited():
            self.own = duckdb.connect(job["database"], config={"threads": "1"})
            self.own.execute("set enable_progress_bar = false; begin")
        return {}

    def load(self, job: dict[str, Any]) -> dict[str, Any]:
        """One part of a table, from a file that nobody needs any more."""
        with self._unlimited():
            _copy(self._begun(), job)
            os.remove(job["file"])
        return {}

    def filled(self, _: dict[str, Any]) -> dict[str, Any]:
        """All that was loaded is there, or nothing."""
        with self._unlimited():
            self._begun().execute("commit")
        self._abandon()
        return {}

    def _begun(self) -> duckdb.DuckDBPyConnection:
        if self.own is None:
            raise ValueError("no database was begun")
        return self.own

    def _abandon(self) -> None:
        """What was not committed is gone."""
        if self.own is not None:
            self.own.close()
            self.own = None

    def open(self, job: dict[str, Any]) -> dict[str, Any]:
        """From here on nothing can be written, but for exports into the folder `writable`."""
        if self.facts:
            self.facts.close()
        settings: dict[str, Any] = {**self.settings, "threads": self._threads(os.path.getsize(job["database"]))}
        if job.get("writable"):
            # The directory can be named only while outside access is still open.
            settings.pop("enable_external_access", None)
        limit_memory(None)
        self.facts = duckdb.connect(job["database"], read_only=True, config=settings)
        if job.get("writable"):
            folder = job["writable"].replace("'", "''")
            self.facts.execute(f"set allowed_directories = ['{folder}']; set enable_external_access = false")
        self.facts.execute("set errors_as_json = true; set enable_progress_bar = false; set lock_configuration = true")
        limit_memory(self.memory)
        return {}

    def run(self, job: dict[str, Any]) -> dict[str, Any]:
        """On a connection of its own, so that nothing temporary outlives the rule."""
        assert self.facts is not None
        with contextlib.closing(self.facts.cursor()) as own:
            return rows(own.execute(job["sql"], job["params"]), job["limit"])

    def case(self, job: dict[str, Any]) -> dict[str, Any]:
        """One inline test: its rows go in, the query runs, everything is rolled back."""
        with self._transaction():
            if job["extra"]:
                _create_tables(self.schema, ["samples"], job["extra"])
            for name, values, times in job["rows"]:
                # A row that gives no column is still a row.
                given = values or {TABLES[name].columns[0].name: None}
                columns = ", ".join(_quoted(column) for column in given)
                marks = ", ".join("?" for _ in given)
                insert = f"insert into {_quoted(name)} ({columns}) select {marks} from range(?)"  # noqa: S608
                self.schema.execute(insert, [*given.values(), times])
            return rows(self.schema.execute(job["sql"], job["params"]), job["limit"])

    def export(self, job: dict[str, Any]) -> dict[str, Any]:
        assert self.facts is not None
        options = {"csv": "format csv, header", "jsonl": "format json", "parquet": "format parquet"}[job["format"]]
        statements = duckdb.extract_statements(job["sql"])
        if len(statements) != 1:
            return {"error": "one SELECT, please"}
        query = statements[0].query.strip().rstrip(";")
        file = job["file"].replace("'", "''")
        self.facts.execute(f"copy (\n{query}\n) to '{file}' ({options})")
        return {}

    @contextlib.contextmanager
    def _unlimited(self) -> Iterator[None]:
        """What facts take follows from the dataset and not from a rule."""
        limit_memory(None)
        try:
            yield
        finally:
            limit_memory(self.memory)

    @contextlib.contextmanager
    def _transaction(self) -> Any:
        self.schema.execute("begin")
        try:
            yield
        finally:
            with contextlib.suppress(duckdb.Error):
                self.schema.execute("rollback")


def limit_memory(size: int | None) -> None:
    """`size` bytes beyond what is mapped now, None for no limit; nothing where the system cannot (Windows)."""
    try:
        import resource

        with open("/proc/self/statm", encoding="ascii") as file:
            mapped = int(file.read().split()[0]) * resource.getpagesize()
    except (ImportError, OSError):
        return
    _, hard = resource.getrlimit(resource.RLIMIT_AS)
    limit = hard if size is None else mapped + size
    resource.setrlimit(resource.RLIMIT_AS, (limit if hard < 0 else min(limit, hard), hard))


def _create_tables(connection: duckdb.DuckDBPyConnection, names: Iterable[str], extra: Iterable[str]) -> None:
    for name in names:
        columns = [f"{_quoted(column.name)} {column.type}" for column in TABLES[name].columns]
        columns += [f"{_quoted(column)} VARCHAR" for column in extra if TABLES[name].user_columns]
        connection.execute(f"create or replace table {_quoted(name)} ({', '.join(columns)})")


def _copy(connection: duckdb.DuckDBPyConnection, table: dict[str, Any]) -> None:
    """From a file that the parent wrote: NULL is nothing at all, text is always in quotes."""
    names = ", ".join(_quoted(name) for name in table["columns"])
    file = table["file"].replace("'", "''")
    connection.execute(
        f"copy {_quoted(table['name'])} ({names}) from '{file}' (format csv, header false, auto_detect false, "
        "delimiter ',', quote '\"', escape '\"', nullstr '', allow_quoted_nulls false, new_line '\\n', "
        "max_line_size 8388608, buffer_size 33554432)"
    )


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
