"""The process that runs rules: the only one that imports duckdb, and one that its parent may kill at any time.

Jobs come as JSON lines on standard input and are answered by one JSON line each. The parent is trusted, the
queries are not: they pass the guard first, then run on a read-only database with everything else switched off.
"""

from __future__ import annotations

import contextlib
import json
import math
import os
import queue
import shutil
import signal
import sys
import threading
import time
from functools import cached_property
from typing import TYPE_CHECKING, Any

from datalint.rule import guard, needs
from datalint.tables import TABLES

try:
    # The engine alone: what `duckdb` wraps around it, and asks of installed packages, takes longer to import.
    import _duckdb as duckdb
except ImportError:
    import duckdb  # type: ignore[no-redef]

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

# Every door that DuckDB can close by itself; the guard and the address-space limit stand before it.
SETTINGS = {
    "enable_external_access": "false",
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
    "allow_community_extensions": "false",
    "temp_directory": "",
    "max_temp_directory_size": "0B",
}
MAX_TEXT = 10_000
"""Characters of one returned text; a sentence needs fewer."""
MAX_ANSWER = 64 * 2**20
"""Characters of all that one query returns, so that the parent's memory is safe too."""
GRACE = 2.0
"""Seconds that a query may still take once nobody waits for its answer."""
_SMALL = 64 * 2**20
"""Bytes of tables up to which threads and compression cost more than they save: some 200,000 images."""
_TOO_LARGE = (duckdb.OutOfMemoryException, MemoryError)
_BROKEN = (duckdb.FatalException, duckdb.InternalException)


def main() -> None:
    """Answer jobs until standard input ends."""
    answers = _private_stdout()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    jobs: queue.SimpleQueue[dict[str, Any] | None] = queue.SimpleQueue()
    threading.Thread(target=_listen, args=(jobs,), daemon=True).start()
    room: _Room | None = None
    while job := jobs.get():
        if room is None:
            room = _Room(job)
        text = json.dumps(_answer(room, job)) + "\n"
        # Of a parent that is gone the listener sees the end, and clears up.
        with contextlib.suppress(BrokenPipeError):
            answers.write(text)
            answers.flush()
    _limit_memory(None)


def _private_stdout() -> Any:
    """What DuckDB prints must not end up among the answers. Never closed: its end is the end of the process."""
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8", closefd=False)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    return answers


def _listen(jobs: queue.SimpleQueue[dict[str, Any] | None]) -> None:
    """Beside the queries, so that a parent that was killed leaves neither a process nor a folder behind."""
    folder = ""
    for line in sys.stdin:
        job = json.loads(line)
        folder = job.get("folder", folder)
        jobs.put(job)
    if folder:
        shutil.rmtree(folder, ignore_errors=True)
    jobs.put(None)
    # An idle main thread ends the process at once; this line is reached only beside a query that goes on.
    time.sleep(GRACE)
    os._exit(0)


def _answer(room: _Room, job: dict[str, Any]) -> dict[str, Any]:
    steps: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {
        "start": lambda _: {},
        "prepare": room.prepare,
        "fill": room.fill,
        "refill": room.refill,
        "load": room.load,
        "filled": room.filled,
        "open": room.open,
        "run": room.run,
        "case": room.case,
        "export": room.export,
    }
    try:
        return steps[job["step"]](job)
    except _TOO_LARGE:
        return {"error": "it needs more memory than a rule may take", "broken": True}
    except duckdb.Error as error:
        return {"error": _sentence(error), "broken": isinstance(error, _BROKEN)}
    except (OSError, ValueError, RecursionError) as error:
        return {"error": str(error)}


class _Room:
    """One connection for the empty schema and inline tests, one for the facts."""

    def __init__(self, job: dict[str, Any]) -> None:
        self.settings = {**SETTINGS, "threads": str(job["threads"]), "memory_limit": f"{job['memory'] // 2**21}MiB"}
        self.memory = job["memory"]
        self.facts: duckdb.DuckDBPyConnection | None = None
        self.own: duckdb.DuckDBPyConnection | None = None
        """The database that is being written."""
        _limit_memory(self.memory)

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
            message, offset = _located(error)
            return {"error": message, "offset": None if offset is None else _characters(head + sql, offset) - len(head)}
        return {
            "tables": sorted(reads.tables),
            "params": sorted(reads.params),
            "ordered": reads.ordered,
            "needed": needs.written(reads.needed),
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
        _limit_memory(None)
        self.facts = duckdb.connect(job["database"], read_only=True, config=settings)
        if job.get("writable"):
            folder = job["writable"].replace("'", "''")
            self.facts.execute(f"set allowed_directories = ['{folder}']; set enable_external_access = false")
        self.facts.execute("set errors_as_json = true; set enable_progress_bar = false; set lock_configuration = true")
        _limit_memory(self.memory)
        return {}

    def run(self, job: dict[str, Any]) -> dict[str, Any]:
        """On a connection of its own, so that nothing temporary outlives the rule."""
        assert self.facts is not None
        with contextlib.closing(self.facts.cursor()) as own:
            return _rows(own, job["sql"], job["params"], job["limit"])

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
            return _rows(self.schema, job["sql"], job["params"], job["limit"])

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
        _limit_memory(None)
        try:
            yield
        finally:
            _limit_memory(self.memory)

    @contextlib.contextmanager
    def _transaction(self) -> Any:
        self.schema.execute("begin")
        try:
            yield
        finally:
            with contextlib.suppress(duckdb.Error):
                self.schema.execute("rollback")


def _limit_memory(size: int | None) -> None:
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


def _rows(connection: duckdb.DuckDBPyConnection, sql: str, params: dict[str, Any], limit: int) -> dict[str, Any]:
    result = connection.execute(sql, params)
    columns = [column[0] for column in result.description]
    rows: list[list[Any]] = []
    room = MAX_ANSWER
    while chunk := result.fetchmany(1000):
        for row in chunk:
            values = [_value(value) for value in row]
            room -= sum(len(value) if isinstance(value, str) else 8 for value in values)
            if len(rows) == limit or room < 0:
                return {"columns": columns, "rows": rows, "truncated": True}
            rows.append(values)
    return {"columns": columns, "rows": rows}


def _value(value: Any) -> Any:
    """What JSON and a report can hold; NaN and infinity read as text."""
    if value is None or isinstance(value, bool | int):
        return value
    if isinstance(value, str):
        return value if len(value) <= MAX_TEXT else f"{value[:MAX_TEXT]}..."
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    if isinstance(value, list | tuple):
        return [_value(item) for item in value]
    if isinstance(value, dict):
        return {str(key): _value(item) for key, item in value.items()}
    if hasattr(value, "as_tuple"):
        return float(value)
    return str(value)


def _located(error: duckdb.Error) -> tuple[str, int | None]:
    """The first line of what DuckDB says, and the byte that it points at."""
    text = str(error)
    try:
        answer = json.loads(text[text.index("{") :])
        message = str(answer["exception_message"])
    except (ValueError, KeyError):
        return text.split("\n", 1)[0], None
    place = answer.get("position")
    lines = [line.strip() for line in message.split("\n")]
    shown = "; ".join(line for line in lines[:2] if line and not line.startswith("Candidate functions"))
    return shown, int(place) if place is not None else None


def _sentence(error: duckdb.Error) -> str:
    return _located(error)[0]


def _characters(sql: str, offset: int) -> int:
    return len(sql.encode("utf-8", "surrogatepass")[:offset].decode("utf-8", "ignore"))


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
