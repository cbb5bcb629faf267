"""Runs rules in a child process that may be killed: one rule that hangs or bursts costs that rule, not the run."""

from __future__ import annotations

import contextlib
import json
import os
import queue
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import datalint
from datalint.ending import ending
from datalint.errors import UnfinishedError, UsageError
from datalint.rule.handover import write_tables
from datalint.rule.hints import failure, hint
from datalint.rule.prepared import Known, Prepared
from datalint.rule.verify import verify

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from types import TracebackType

    from datalint.rule.model import Bound, Case, Rule
    from datalint.tables import Data

MEMORY = 4 * 2**30
"""Address space of the child beyond its own code, in bytes; DuckDB itself is told half of it."""
TIMEOUT = 30.0
"""Seconds that one rule may run."""
MAX_ROWS = 100_000
"""Findings of one rule; more help nobody."""
_START_TIMEOUT = 120.0
_END_TIMEOUT = 5.0
# -P and the explicit path: the child must never import a module from the directory that is being linted.
# _exit: taking Python and DuckDB apart would cost every run 25 ms, and there is nothing left to write.
_CHILD = "import os, sys; sys.path.insert(0, sys.argv[1]); from datalint.rule.child import main; main(); os._exit(0)"
_HOME = str(Path(datalint.__file__).parent.parent)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one rule returned; with an error, or where there were `more` than may be kept, not all of it."""

    columns: tuple[str, ...] = ()
    rows: Sequence[Sequence[Any]] = ()
    error: str = ""
    more: bool = False
    seconds: float = 0.0


class RuleEngine:
    """A child process and a private folder; both are gone when the `with` block ends.

    The child starts at once and imports DuckDB while the caller does something else. It is not asked about queries
    that are `known`.
    """

    def __init__(
        self,
        *,
        timeout: float = TIMEOUT,
        memory: int = MEMORY,
        threads: int | None = None,
        max_rows: int = MAX_ROWS,
        known: Known | None = None,
    ) -> None:
        self._timeout = timeout
        self._memory = memory
        self._threads = threads or min(_cores(), 8)
        self._max_rows = max_rows
        self._known = known or Known()
        self._prepared: dict[str, Prepared] = {}
        self._database = ""
        self._fills = 0
        self._child: _Child | None = None
        self._folder = tempfile.mkdtemp(prefix="datalint-")

    def __enter__(self) -> RuleEngine:
        self._start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._child:
            self._child.close()
        shutil.rmtree(self._folder, ignore_errors=True)

    @property
    def pid(self) -> int:
        """Process id of the child."""
        return self._running().pid

    def prepare(self, rules: Iterable[Rule]) -> dict[str, frozenset[str]]:
        """Rule id -> tables that it reads. Raises UsageError, with its place, for the first rule that is wrong."""
        rules = [rule for rule in rules if not self._is_ready(rule)]
        known = {rule.id: prepared for rule in rules if (prepared := self._known.of(rule))}
        asked = [rule for rule in rules if rule.id not in known]
        answers = iter(self._ask_about(asked))
        for rule in rules:
            if prepared := known.get(rule.id):
                columns: Sequence[Sequence[str]] = list(prepared.columns.items())
            else:
                prepared, columns = _understood(rule, next(answers))
            verify(rule, params=prepared.params, columns=columns)
            self._prepared[rule.id] = prepared
        return {name: prepared.tables for name, prepared in self._prepared.items()}

    def prepared(self, rules: Iterable[Rule]) -> dict[str, Prepared]:
        """Rule id -> all that can be known of its query before there is a dataset. Raises UsageError as `prepare`."""
        found = {}
        for rule in rules:
            outcome = self._on_rows(rule, {}, [])
            found[rule.id] = replace(self._prepared[rule.id], silent=not outcome.error and not outcome.rows)
        return found

    def columns(self, rule: str) -> frozenset[str]:
        """What the query of a prepared rule returns."""
        return frozenset(self._prepared[rule].columns)

    def run(self, rules: Iterable[Bound], tables: Mapping[str, Data]) -> dict[str, Outcome]:
        """Rule id -> what it found. A rule that fails, hangs or bursts has an error; the others still run."""
        rules = list(rules)
        self.prepare(item.rule for item in rules)
        self._fill(tables)
        return {item.rule.id: self._judged(item, tables) for item in rules}

    def _judged(self, item: Bound, tables: Mapping[str, Data]) -> Outcome:
        prepared = self._prepared[item.rule.id]
        absent = sorted(prepared.tables.difference(tables))
        if absent:
            # An empty table would make the rule silent, and silence reads as clean.
            return Outcome(error=f"nothing fills the table {absent[0]!r} yet")
        if not all(len(tables[name]) for name in prepared.needed):
            return Outcome(tuple(prepared.columns))
        params = self._bound(item.rule, item.params)
        if prepared.silent and not any(len(tables[name]) for name in prepared.tables):
            # A query gives the same answer every day: this one was asked when its rule was made.
            declared = {name: param.default for name, param in item.rule.params.items()}
            if params == self._bound(item.rule, declared):
                return Outcome(tuple(prepared.columns))
        outcome = self._outcome({"step": "run", "sql": item.rule.sql, "params": params}, ready=True)
        # DuckDB's threads return what has no order in another one each time.
        rows = outcome.rows if prepared.ordered else sorted(outcome.rows, key=_row_key)
        return replace(outcome, rows=rows, error=failure(outcome.error, item.rule.extra))

    def run_case(self, rule: Rule, case: Case) -> Outcome:
        """One inline test, on nothing but its own rows."""
        rows = [[table, values, times] for table, given in case.given.items() for values, times in given]
        return self._on_rows(rule, case.params, rows)

    def _on_rows(self, rule: Rule, params: Mapping[str, Any], rows: Sequence[Any]) -> Outcome:
        """On tables that hold these rows and no others."""
        self.prepare([rule])
        values = {**{name: param.default for name, param in rule.params.items()}, **params}
        job = {
            "step": "case",
            "sql": rule.sql,
            "params": self._bound(rule, values),
            "extra": list(rule.extra),
            "rows": rows,
        }
        return self._outcome(job, ready=False)

    def export(
        self,
        tables: Mapping[str, Data],
        sql: str,
        *,
        format: str,  # noqa: A002
        file: str | None,
        out: BinaryIO,
    ) -> None:
        """The rows of a query that the user typed, as csv, jsonl or parquet, to `file` or else to `out`."""
        self._fill(tables)
        target = os.path.join(self._folder, "export")
        child = self._running()
        self._open(child, writable=self._folder)
        try:
            answer = child.ask({"step": "export", "sql": sql, "format": format, "file": target}, timeout=None)
        except _LostError as loss:
            raise UnfinishedError(f"the query could not finish: {loss}") from loss
        child.opened = ""
        if answer.get("broken"):
            self._restart()
        if answer.get("error"):
            raise UsageError(f"the query failed: {answer['error']}")
        with open(target, "rb") as source:
            if file is None:
                shutil.copyfileobj(source, out)
                return
            try:
                with open(file, "wb") as destination:
                    shutil.copyfileobj(source, destination)
            except OSError as error:
                raise UnfinishedError(f"cannot write {file}: {error.strerror}") from error

    def _is_ready(self, rule: Rule) -> bool:
        prepared = self._prepared.get(rule.id)
        return prepared is not None and prepared.sql == rule.sql

    def _bound(self, rule: Rule, values: Mapping[str, Any]) -> dict[str, Any]:
        """Only what the query names: DuckDB refuses a parameter too many. A `number` is a number, also when whole."""
        return {
            name: float(values[name]) if rule.params[name].type == "number" else values[name]
            for name in self._prepared[rule.id].params
        }

    def _ask_about(self, rules: Sequence[Rule]) -> list[dict[str, Any]]:
        """All rules in one round trip; one by one where a query does not let the child live."""
        if not rules:
            return []
        answer = self._prepare_once(rules)
        if answer is not None:
            return answer
        alone = [self._prepare_once([rule]) for rule in rules]
        return [single[0] if single else {"error": "the query could not be parsed in time"} for single in alone]

    def _prepare_once(self, rules: Sequence[Rule]) -> list[dict[str, Any]] | None:
        items = [
            {
                "sql": rule.sql,
                "extra": list(rule.extra),
                "params": {
                    name: float(param.default) if param.type == "number" else param.default
                    for name, param in rule.params.items()
                },
            }
            for rule in rules
        ]
        try:
            answer = self._running().ask({"step": "prepare", "rules": items}, timeout=self._timeout)
        except _LostError:
            return None
        if answer.get("broken"):
            self._restart()
        found: list[dict[str, Any]] | None = answer.get("rules")
        return found

    def _fill(self, tables: Mapping[str, Data]) -> None:
        job = write_tables(tables, self._folder)
        self._fills += 1
        self._database = os.path.join(self._folder, f"facts-{self._fills}.duckdb")
        try:
            answer = self._running().ask({"step": "fill", "database": self._database, **job}, timeout=None)
        except _LostError as loss:
            raise UnfinishedError(f"the tables could not be written: {loss}") from loss
        if answer.get("error"):
            raise UnfinishedError(f"the tables could not be written: {answer['error']}")
        for table in job["tables"]:
            os.remove(table["file"])

    def _outcome(self, job: dict[str, Any], *, ready: bool) -> Outcome:
        child = self._running()
        if ready:
            self._open(child)
        started = time.monotonic()
        try:
            answer = child.ask({**job, "limit": self._max_rows}, timeout=self._timeout)
        except _LostError as loss:
            return Outcome(error=str(loss), seconds=time.monotonic() - started)
        if answer.get("broken"):
            self._restart()
        return Outcome(
            columns=tuple(answer.get("columns", ())),
            rows=answer.get("rows", ()),
            error=answer.get("error", ""),
            more=answer.get("truncated", False),
            seconds=time.monotonic() - started,
        )

    def _open(self, child: _Child, *, writable: str | None = None) -> None:
        if child.opened != self._database:
            job = {"step": "open", "database": self._database, "writable": writable}
            try:
                answer = child.ask(job, timeout=_START_TIMEOUT)
            except _LostError as loss:
                raise UnfinishedError(f"the tables cannot be read: {loss}") from loss
            if answer.get("error"):
                raise UnfinishedError(f"the tables cannot be read: {answer['error']}")
            child.opened = self._database

    def _start(self) -> _Child:
        if self._child:
            self._child.kill()
        self._child = _Child(self._folder, memory=self._memory, threads=self._threads)
        return self._child

    def _running(self) -> _Child:
        return self._child if self._child and self._child.alive else self._start()

    def _restart(self) -> None:
        if self._child:
            self._child.kill()


class _LostError(Exception):
    """The child is gone; the text says why."""


class _Child:
    """The process and its two pipes; a question that takes too long ends with its death."""

    def __init__(self, folder: str, *, memory: int, threads: int) -> None:
        self.opened = ""
        self._ready = False
        self._idle = False
        self._noise = tempfile.TemporaryFile(dir=folder)  # noqa: SIM115
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-c", _CHILD, _HOME],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._noise,
            cwd=folder,
            # Each of glibc's arenas maps 64 MiB of the address space that is limited.
            env={**os.environ, "MALLOC_ARENA_MAX": "2"},
        )
        self._answers: queue.SimpleQueue[bytes] = queue.SimpleQueue()
        self._listener = threading.Thread(target=self._listen, daemon=True)
        self._listener.start()
        # A child that is dead already is missed by whoever waits for its first answer.
        with contextlib.suppress(OSError):
            self._write({"step": "start", "folder": folder, "memory": memory, "threads": threads})

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def alive(self) -> bool:
        return self._process.poll() is None

    def ask(self, job: dict[str, Any], *, timeout: float | None) -> dict[str, Any]:
        """Raises _LostError, and has killed the child, when no answer came within `timeout` seconds."""
        if not self._ready:
            self._receive(_START_TIMEOUT)
            self._ready = True
        self._idle = False
        self._send(job)
        answer = self._receive(timeout)
        self._idle = True
        return answer

    def close(self) -> None:
        """Ends an idle child in good order, so that whoever watches it sees all of it; kills a busy one."""
        if self._idle:
            assert self._process.stdin
            with contextlib.suppress(OSError):
                self._process.stdin.close()
            self._listener.join(_END_TIMEOUT)
        self.kill()

    def kill(self) -> None:
        self._process.kill()
        self._process.wait()
        self._listener.join()
        for pipe in (self._process.stdin, self._noise):
            with contextlib.suppress(OSError):
                assert pipe
                pipe.close()

    def _listen(self) -> None:
        assert self._process.stdout
        with self._process.stdout as pipe:
            for line in pipe:
                self._answers.put(line)
        self._answers.put(b"")

    def _send(self, job: dict[str, Any]) -> None:
        try:
            self._write(job)
        except OSError as error:
            raise self._lost() from error

    def _write(self, job: dict[str, Any]) -> None:
        assert self._process.stdin
        self._process.stdin.write(json.dumps(job).encode() + b"\n")
        self._process.stdin.flush()

    def _receive(self, timeout: float | None) -> dict[str, Any]:
        try:
            line = self._answers.get(timeout=timeout)
        except queue.Empty:
            self.kill()
            raise _LostError(f"it was stopped after {timeout:g} s") from None
        if not line:
            raise self._lost()
        answer: dict[str, Any] = json.loads(line)
        return answer

    def _lost(self) -> _LostError:
        self._process.wait()
        self._noise.seek(0)
        said = self._noise.read().decode("utf-8", "replace").strip().splitlines()
        self.kill()
        words = f": {said[-1][:200]}" if said else ""
        return _LostError(f"its process ended: {ending(self._process.returncode)}{words}")


def _understood(rule: Rule, answer: Mapping[str, Any]) -> tuple[Prepared, Sequence[Sequence[str]]]:
    """What the child says of a query, and its columns: two of one name are for the caller to refuse."""
    if "error" in answer:
        place = rule.where_in_sql(answer.get("offset"))
        raise UsageError(answer["error"], place, hint(answer["error"], rule.sql))
    prepared = Prepared(
        sql=rule.sql,
        tables=frozenset(answer["tables"]),
        params=frozenset(answer["params"]),
        ordered=answer["ordered"],
        needed=frozenset(answer["needed"]),
        columns=dict(answer["columns"]),
    )
    return prepared, answer["columns"]


def _cores() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _row_key(row: Sequence[Any]) -> list[tuple[int, float, str]]:
    """Cell by cell: nothing before numbers, numbers by value, everything else as text."""
    return [_cell_key(cell) for cell in row]


def _cell_key(cell: Any) -> tuple[int, float, str]:
    if cell is None:
        return 0, 0.0, ""
    if isinstance(cell, int | float):
        return 1, cell, ""
    return 2, 0.0, cell if isinstance(cell, str) else json.dumps(cell)
