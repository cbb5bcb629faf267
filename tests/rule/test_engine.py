"""The engine: tables in, rows out, and what happens when the child does not survive."""

from __future__ import annotations

import io
import json
import os
import signal
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest

from datalint.errors import UsageError
from datalint.finding import Severity
from datalint.rule.engine import Outcome, RuleEngine
from datalint.rule.judge import judge
from datalint.rule.load import load_rule
from datalint.tables import Data

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from datalint.rule.model import Rule

TEXT = """\
id: {name}
title: A rule
severity: warning
family: misled
params: {{limit: {{type: number, default: 2}}, words: {{type: list, default: [a]}}}}
docs: Because.
message: "{message}"
key: [path]
sql: |
  {sql}
tests:
  - {{name: silent, params: {{limit: 1}}, given: {{}}, expect: []}}
  - {{name: fires, given: {{samples: [{{path: a, hospital: x}}]}}, expect: [{{path: a}}]}}
"""


@dataclass(frozen=True)
class Bound:
    rule: Rule
    severity: Severity | None = None
    params: Mapping[str, Any] = field(default_factory=lambda: {"limit": 2, "words": ["a"]})


def rule(sql: str, *, name: str = "rule", message: str = "{path} {limit} {words}") -> Rule:
    return load_rule(TEXT.format(name=name, sql=sql, message=message), f"{name}.yaml", builtin=True)


PATHS = rule("select path from samples where $limit > 0 and not list_contains($words, 'b') order by path")
NASTY = ["", "a,b", 'say "hi"', "two\nlines", "cr\rcr", "crlf\r\n", "'", "NULL", "null"]
NASTY += ["é\u2028", "\x00", "\udcff", " x ", "#"]


def test_every_text_survives_the_way_to_the_database() -> None:
    tables = {"samples": Data({"path": [*NASTY, None], "sample_id": list(range(len(NASTY) + 1))})}
    query = rule("select path, sample_id from samples where $limit > 0 order by sample_id", message="{words}")
    with RuleEngine(threads=1) as engine:
        outcome = engine.run([Bound(query)], tables)["rule"]
    assert outcome.error == ""
    seen = [row[0] for row in outcome.rows]
    assert seen == [text.replace("\x00", "\\x00").replace("\udcff", "\\xff") for text in NASTY] + [None]


def test_every_type_survives() -> None:
    tables = {
        "files": Data(
            {
                "path": ["a", "b"],
                "width": [2**62, None],
                "contrast": [0.1, float("nan")],
                "progressive": [True, False],
            }
        )
    }
    sql = "select path, width, contrast, progressive from files where $limit > 0 order by path"
    query = rule(sql, message="{words}")
    with RuleEngine(threads=1) as engine:
        outcome = engine.run([Bound(query)], tables)["rule"]
    assert list(outcome.rows) == [["a", 2**62, 0.1, True], ["b", None, "nan", False]]


def test_columns_of_the_users_manifest_can_be_read() -> None:
    tables = {"samples": Data({"path": ["p"], "hospital": ["north"], "Path": ["other"]}, extra=("hospital", "Path"))}
    query = rule("select path, hospital from samples where $limit > 0", message="{words}")
    with RuleEngine(threads=1) as engine:
        assert engine.prepare([query]) == {"rule": {"samples"}}
        assert engine.run([Bound(query)], tables)["rule"].rows == [["p", "north"]]


def test_a_manifest_without_the_column_is_said() -> None:
    query = rule("select path, hospital from samples where $limit > 0", message="{words}")
    with RuleEngine(threads=1) as engine:
        outcome = engine.run([Bound(query)], {"samples": Data({"path": ["p"]})})["rule"]
    assert "hospital" in outcome.error


def test_a_killed_child_costs_one_rule(tmp_path: Path) -> None:
    tables = {"samples": Data({"path": ["p"]}), "files": Data({"path": [str(n) for n in range(3000)]})}
    joined = "from files a, files b, files c, files d"
    slow = rule(f"select max(a.path) as path {joined} where $limit > 0", name="slow", message="{words}")
    with RuleEngine(timeout=1, threads=1) as engine:
        first = engine.pid
        outcomes = engine.run([Bound(slow), Bound(PATHS)], tables)
        assert outcomes["slow"].error == "it was stopped after 1 s"
        assert outcomes["rule"].rows == [["p"]]
        assert engine.pid != first


def test_a_child_that_was_killed_before_is_replaced() -> None:
    tables = {"samples": Data({"path": ["p"]})}
    with RuleEngine(threads=1) as engine:
        engine.prepare([PATHS])
        os.kill(engine.pid, signal.SIGKILL)
        os.waitid(os.P_PID, engine.pid, os.WEXITED | os.WNOWAIT)
        assert engine.run([Bound(PATHS)], tables)["rule"].rows == [["p"]]


def test_too_many_rows_are_cut_and_said() -> None:
    tables = {"samples": Data({"path": ["a", "b", "c"]})}
    with RuleEngine(threads=1, max_rows=3) as engine:
        assert engine.run([Bound(PATHS)], tables)["rule"].error == ""
    with RuleEngine(threads=1, max_rows=2) as engine:
        outcome = engine.run([Bound(PATHS)], tables)["rule"]
    assert outcome.error == "it found more than 2 rows; the first are shown"
    assert outcome.rows == [["a"], ["b"]]


def test_nothing_is_left_behind() -> None:
    with RuleEngine(threads=1) as engine:
        engine.run([Bound(PATHS)], {"samples": Data({"path": ["p"]})})
        folder, pid = engine._folder, engine.pid
        assert os.path.isdir(folder)
    assert not os.path.exists(folder)
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


@pytest.mark.parametrize("format", ["csv", "jsonl", "parquet"])
def test_export(tmp_path: Path, format: str) -> None:  # noqa: A002
    tables = {"samples": Data({"path": ["p", "q"], "line": [1, None]})}
    out = io.BytesIO()
    with RuleEngine(threads=1) as engine:
        engine.export(tables, "select path, line from samples order by path;", format=format, file=None, out=out)
        engine.export(tables, "from samples", format=format, file=str(tmp_path / "out"), out=io.BytesIO())
    assert (tmp_path / "out").stat().st_size
    if format == "csv":
        assert out.getvalue() == b"path,line\np,1\nq,\n"
    elif format == "jsonl":
        assert json.loads(out.getvalue().splitlines()[0]) == {"path": "p", "line": 1}
    else:
        assert out.getvalue()[:4] == b"PAR1"


@pytest.mark.parametrize("sql", ["select nosuch from samples", "select 1; select 2", "drop table samples", "", "selec"])
def test_a_wrong_query_is_wrong_usage(sql: str) -> None:
    with RuleEngine(threads=1) as engine, pytest.raises(UsageError, match="the query failed"):
        engine.export({}, sql, format="csv", file=None, out=io.BytesIO())


def test_judge_renders_and_identifies() -> None:
    outcome = Outcome(("path", "line", "other_path", "severity"), [["p", 3, None, "error"], ["q", None, "r", None]])
    first, second = judge(Bound(PATHS), outcome)
    assert (first.message, first.line, first.severity) == ("p 2 a", 3, Severity.ERROR)
    assert (second.other_path, second.severity) == ("r", Severity.WARNING)
    assert first.fingerprint != second.fingerprint
    (again, _) = judge(Bound(PATHS, Severity.INFO), outcome)
    assert again.severity is Severity.INFO
    assert again.fingerprint == first.fingerprint


def test_judge_drops_no_row() -> None:
    broken = rule("select path, 1 as n from samples where $limit > 0", message="{n:bytes} {words}")
    (finding,) = judge(Bound(broken), Outcome(("path", "n", "severity"), [["p", "x", "fatal"]]))
    assert finding.message.startswith("A rule (its message cannot be written: 'x' is not a number")
    assert finding.message.endswith("(the rule calls it 'fatal', which is no severity)")
    assert finding.severity is Severity.WARNING
