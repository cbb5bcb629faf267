"""Runs the inline tests of rules, for `datalint test` and for our own suite."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from datalint.errors import UsageError
from datalint.finding import Severity
from datalint.rule.cases import as_text
from datalint.rule.engine import TIMEOUT, RuleEngine
from datalint.rule.judge import judge
from datalint.rule.reader import shown

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from datalint.finding import Finding
    from datalint.rule.model import Case, Rule


@dataclass(frozen=True, slots=True)
class CaseResult:
    """How one inline test went; `detail` says what was expected and what came, empty when it passed."""

    rule: str
    case: str
    passed: bool
    detail: str = ""


@dataclass(frozen=True, slots=True)
class _Bound:
    rule: Rule
    params: Mapping[str, Any]
    severity: Severity | None = None


def run_cases(rules: Iterable[Rule], *, timeout: float = TIMEOUT) -> Iterator[CaseResult]:
    """Every inline test, in order. At the end raises UsageError, with their places, for rules that are wrong."""
    rules = list(rules)
    _refuse_twins(rules)
    with RuleEngine(timeout=timeout, threads=1) as engine:
        wrong = None
        try:
            engine.prepare(rules)
        except UsageError as error:
            wrong = error
        for rule in filter(engine.is_ready, rules):
            for case in rule.tests:
                yield run_case(engine, rule, case)
        if wrong is not None:
            raise wrong


def _refuse_twins(rules: Iterable[Rule]) -> None:
    seen: dict[str, Rule] = {}
    for rule in rules:
        twin = seen.setdefault(rule.id, rule)
        if twin is not rule:
            raise UsageError(f"rule id {rule.id!r} is used twice, also in {twin.file}", rule.position)


def run_case(engine: RuleEngine, rule: Rule, case: Case) -> CaseResult:
    """One inline test of a rule."""
    detail = _detail(engine, rule, case)
    return CaseResult(rule.id, case.name, not detail, detail)


def _detail(engine: RuleEngine, rule: Rule, case: Case) -> str:
    outcome = engine.run_case(rule, case)
    if outcome.error:
        return outcome.error
    if outcome.more:
        return f"it returned more than {len(outcome.rows):,} rows"
    params = {**{name: param.default for name, param in rule.params.items()}, **case.params}
    findings = list(judge(_Bound(rule, params), outcome))
    rows = [dict(zip(outcome.columns, cells, strict=True)) for cells in outcome.rows]
    got = [_seen(row, finding) for row, finding in zip(rows, findings, strict=True)]
    lines = [
        f"row {index + 1}, {name}: expected {_worded(value)}, got {_worded(row.get(name))}"
        for index, (expected, row) in enumerate(zip(case.expect, got, strict=False))
        for name, value in expected.items()
        if not _equal(value, row.get(name))
    ]
    lines += [
        f"row {index + 1}, severity: {row['severity']!r} is no severity"
        for index, row in enumerate(rows)
        if row.get("severity") is not None and row["severity"] not in list(Severity)
    ]
    if len(got) != len(case.expect):
        lines.insert(0, f"expected {_rows(len(case.expect))}, got {_rows(len(got))}")
        lines += [f"got {_brief(row)}" for row in rows[:5]]
    return "\n".join(lines)


def _seen(row: Mapping[str, Any], finding: Finding) -> dict[str, Any]:
    words = {"message": finding.message, "remedy": finding.remedy, "severity": str(finding.severity)}
    return {**row, **words}


def _equal(expected: Any, got: Any) -> bool:
    if isinstance(got, str) and expected is not None:
        return as_text(expected) == got
    if isinstance(expected, bool) or isinstance(got, bool):
        return expected is got
    if isinstance(expected, int | float) and isinstance(got, int | float):
        return math.isclose(expected, got, rel_tol=1e-6, abs_tol=1e-9)
    if isinstance(expected, list) and isinstance(got, list):
        return len(expected) == len(got) and all(map(_equal, expected, got))
    return bool(expected == got)


def _worded(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False) if isinstance(value, list | dict) else shown(value)


def _rows(number: int) -> str:
    return "1 row" if number == 1 else f"{number} rows"


def _brief(row: Mapping[str, Any]) -> str:
    return "{" + ", ".join(f"{name}: {value}" for name, value in row.items() if value is not None) + "}"
