"""Runs rules in a child process that may be killed: one rule that hangs or bursts costs that rule, not the run."""

from __future__ import annotations

import os
import shutil
import tempfile
from dataclasses import replace
from typing import TYPE_CHECKING, Any, BinaryIO

from datalint.errors import UnfinishedError, UsageError, together
from datalint.rule import needs
from datalint.rule.columns import ALL, read_by
from datalint.rule.hints import failure, hint, misquoted
from datalint.rule.loading import Loading
from datalint.rule.outcome import Outcome, in_order, read
from datalint.rule.prepared import Known, Prepared
from datalint.rule.process import START_TIMEOUT, LostError, Process
from datalint.rule.verify import verify

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from types import TracebackType

    from datalint.rule.columns import Columns
    from datalint.rule.early import Early
    from datalint.rule.model import Bound, Case, Rule
    from datalint.tables import Data

MEMORY = 4 * 2**30
"""Address space of the child beyond its own code, in bytes; DuckDB itself is told half of it."""
TIMEOUT = 30.0
"""Seconds that one rule may run."""
MAX_ROWS = 100_000
"""Findings of one rule; more help nobody."""
_LARGE = 8 * 2**20
"""Bytes of tables, some 25,000 images, from which on it pays to ask before all of them are there."""


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
        self._loading: Loading | None = None
        self._child: Process | None = None
        self._folder = tempfile.mkdtemp(prefix="datalint-")

    def __enter__(self) -> RuleEngine:
        try:
            self._start()
        except BaseException:  # nobody leaves a block that was never entered
            shutil.rmtree(self._folder, ignore_errors=True)
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._child:
            self._child.close()
        shutil.rmtree(self._folder, ignore_errors=True)

    def scratch(self, name: str) -> str:
        """A place in the private folder, for what ends with the run: where that is killed, the child clears up."""
        return os.path.join(self._folder, name)

    @property
    def pid(self) -> int:
        """Process id of the child."""
        return self._running().pid

    def prepare(self, rules: Iterable[Rule]) -> dict[str, frozenset[str]]:
        """Rule id -> tables that it reads. Raises UsageError, with their places, for the rules that are wrong."""
        rules = [rule for rule in rules if not self.is_ready(rule)]
        known = {rule.id: prepared for rule in rules if (prepared := self._known.of(rule))}
        asked = [rule for rule in rules if rule.id not in known]
        answers = iter(self._ask_about(asked))
        mistakes = []
        for rule in rules:
            answer = None if rule.id in known else next(answers)
            try:
                self._prepared[rule.id] = _verified(rule, known[rule.id] if answer is None else answer)
            except UsageError as error:
                mistakes.append(error)
        if mistakes:
            raise together(mistakes)
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

    def begin(self, tables: Mapping[str, Data], rules: Iterable[Bound] = ()) -> None:
        """Let the child load some of the tables of the next `run` while the caller makes the others.

        Where they are large, it answers those of `rules` meanwhile that read nothing else.
        """
        rules = list(rules)
        self.prepare(item.rule for item in rules)
        there = needs.Rows(tables)
        is_ready = {item.rule.id: self._prepared[item.rule.id].tables <= tables.keys() for item in rules}
        asked = [item for item in rules if not is_ready[item.rule.id] or not self._answer(item, tables, there)]
        self._loading = loading = self._load(tables, self._read_by(asked) if rules else ALL)
        if rules and loading.size > _LARGE:
            loading.ask({item.rule.id: self._job(item) for item in asked if is_ready[item.rule.id]})

    def run(self, rules: Iterable[Bound], tables: Mapping[str, Data]) -> dict[str, Outcome]:
        """Rule id -> what it found. A rule that fails, hangs or bursts has an error; the others still run."""
        rules = list(rules)
        self.prepare(item.rule for item in rules)
        there = needs.Rows(tables)
        known = {item.rule.id: self._answer(item, tables, there) for item in rules}
        early = self._fill(tables, self._read_by(item for item in rules if not known[item.rule.id]))
        return {item.rule.id: known[item.rule.id] or self._asked(item, early) for item in rules}

    def _read_by(self, rules: Iterable[Bound]) -> Columns:
        return read_by((item.rule.sql, self._prepared[item.rule.id].whole) for item in rules)

    def _answer(self, item: Bound, tables: Mapping[str, Data], there: needs.Rows) -> Outcome | None:
        """What can be said of a rule without asking it."""
        prepared = self._prepared[item.rule.id]
        absent = sorted(prepared.tables.difference(tables))
        if absent:
            # An empty table would make the rule silent, and silence reads as clean.
            return Outcome(error=f"nothing fills the table {absent[0]!r} yet")
        # A column that the manifest lacks is an error, with or without rows.
        samples = tables.get("samples")
        lacks = not set(item.rule.extra).issubset(samples.extra if samples else ())
        if not lacks and not there.have(prepared.needed):
            return Outcome(tuple(prepared.columns))
        if prepared.silent and not any(len(tables[name]) for name in prepared.tables):
            # A query gives the same answer every day: this one was asked when its rule was made.
            declared = {name: param.default for name, param in item.rule.params.items()}
            if self._bound(item.rule, item.params) == self._bound(item.rule, declared):
                return Outcome(tuple(prepared.columns))
        return None

    def _job(self, item: Bound) -> dict[str, Any]:
        params = self._bound(item.rule, item.params)
        return {"step": "run", "sql": item.rule.sql, "params": params, "limit": self._max_rows}

    def _asked(self, item: Bound, early: Early | None) -> Outcome:
        """What a rule answers, or has answered early."""
        job = self._job(item)
        answer = early.answer(item.rule.id, job) if early else None
        outcome = self._outcome(job, ready=True) if answer is None else read(answer)
        rows = outcome.rows if self._prepared[item.rule.id].ordered else in_order(outcome.rows)
        return replace(outcome, rows=rows, error=failure(outcome.error, item.rule.extra))

    def run_case(self, rule: Rule, case: Case) -> Outcome:
        """One inline test, on nothing but its own rows."""
        rows = [[table, values, times] for table, given in case.given.items() for values, times in given]
        outcome = self._on_rows(rule, case.params, rows)
        return replace(outcome, error=failure(outcome.error, rule.extra))

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
            "limit": self._max_rows,
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
        self._fill(tables, ALL)
        target = os.path.join(self._folder, "export")
        child = self._running()
        self._open(child, writable=self._folder)
        try:
            answer = child.ask({"step": "export", "sql": sql, "format": format, "file": target}, timeout=None)
        except LostError as loss:
            raise UnfinishedError(f"the query could not finish: {loss}") from loss
        child.opened = ""
        if answer.get("broken"):
            self._restart()
        if answer.get("error"):
            raise UsageError(f"the query failed: {answer['error']}", hint=misquoted(answer["error"], sql))
        with open(target, "rb") as source:
            if file is None:
                shutil.copyfileobj(source, out)
                return
            try:
                with open(file, "wb") as destination:
                    shutil.copyfileobj(source, destination)
            except OSError as error:
                raise UnfinishedError(f"cannot write {file}: {error.strerror}") from error

    def is_ready(self, rule: Rule) -> bool:
        """Whether it was prepared, and nothing was wrong with it."""
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
        except LostError:
            return None
        if answer.get("broken"):
            self._restart()
        found: list[dict[str, Any]] | None = answer.get("rules")
        return found

    def _load(self, tables: Mapping[str, Data], read: Columns) -> Loading:
        child = self._running()
        self._fills += 1
        return Loading(child, os.path.join(self._folder, f"facts-{self._fills}.duckdb"), tables, read)

    def _fill(self, tables: Mapping[str, Data], read: Columns) -> Early | None:
        """All of them, but those that the child has been given since `begin`; what it has answered of those."""
        child = self._running()
        loading, self._loading = self._loading, None
        early = loading.early if loading and loading.is_begun_for(tables, read) else None
        if loading is None or not loading.is_begun_for(tables, read) or not loading.is_in(child):
            loading = self._load(tables, read)
        loading.finish(tables)
        self._database = loading.database
        return early

    def _outcome(self, job: dict[str, Any], *, ready: bool) -> Outcome:
        child = self._running()
        if ready:
            self._open(child)
        try:
            answer = child.ask(job, timeout=self._timeout)
        except LostError as loss:
            return Outcome(error=str(loss))
        if answer.get("broken"):
            self._restart()
        return read(answer)

    def _open(self, child: Process, *, writable: str | None = None) -> None:
        if child.opened != self._database:
            job = {"step": "open", "database": self._database, "writable": writable}
            try:
                answer = child.ask(job, timeout=START_TIMEOUT)
            except LostError as loss:
                raise UnfinishedError(f"the tables cannot be read: {loss}") from loss
            if answer.get("error"):
                raise UnfinishedError(f"the tables cannot be read: {answer['error']}")
            child.opened = self._database

    def _start(self) -> Process:
        if self._child:
            self._child.kill()
        try:
            self._child = Process(self._folder, memory=self._memory, threads=self._threads)
        except OSError as error:
            raise UnfinishedError(f"cannot start the process that runs rules: {error.strerror or error}") from error
        return self._child

    def _running(self) -> Process:
        """A child that waits for its next job, whatever became of those that it was told early."""
        if self._loading and self._loading.early:
            self._loading.early.wait(self._timeout)
        return self._child if self._child and self._child.alive else self._start()

    def _restart(self) -> None:
        if self._child:
            self._child.kill()


def _verified(rule: Rule, answer: Prepared | Mapping[str, Any]) -> Prepared:
    """What is known of a query, or what the child says of it, once it agrees with the rest of its rule."""
    if isinstance(answer, Prepared):
        prepared = answer
        columns: Sequence[Sequence[str]] = list(answer.columns.items())
    else:
        prepared, columns = _understood(rule, answer)
    verify(rule, params=prepared.params, columns=columns)
    return prepared


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
        needed=needs.read(answer["needed"]),
        whole=frozenset(answer["whole"]),
        columns=dict(answer["columns"]),
    )
    return prepared, answer["columns"]


def _cores() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
