"""The engine: tables in, rows out, and what happens when the child does not survive."""

from __future__ import annotations

import contextlib
import io
import json
import os
import signal
import subprocess
import sys
import threading
import time
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import pytest

from datalint.errors import UnfinishedError, UsageError
from datalint.finding import Severity
from datalint.rule.child import GRACE
from datalint.rule.engine import RuleEngine
from datalint.rule.judge import judge
from datalint.rule.load import load_rule
from datalint.rule.outcome import Outcome
from datalint.tables import Data
from tests.conftest import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
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


ENDLESS = "from files a, files b, files c, files d"
MANY = {"samples": Data({"path": ["p"]}), "files": Data({"path": [str(n) for n in range(3000)]})}
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


def test_columns_that_differ_in_a_letter_beyond_ascii_keep_their_names() -> None:
    tables = {"samples": Data({"path": ["p"], "\u00c9": ["one"], "\u00e9": ["two"]}, extra=("\u00c9", "\u00e9"))}
    sql = 'select path, "\u00e9" as first, "\u00c9" as second from samples where $limit > 0'
    query = replace(rule(sql, message="{words}"), extra=("\u00e9", "\u00c9"))
    with RuleEngine(threads=1) as engine:
        assert engine.run([Bound(query)], tables)["rule"].rows == [["p", "two", "one"]]


def test_a_manifest_without_the_column_is_said() -> None:
    query = rule("select path, hospital from samples where $limit > 0", message="{words}")
    with RuleEngine(threads=1) as engine:
        outcome = engine.run([Bound(query)], {"samples": Data({"path": ["p"]})})["rule"]
    assert outcome.error.startswith("the dataset brings no column 'hospital' of its own")


def test_a_killed_child_costs_one_rule() -> None:
    slow = rule(f"select max(a.path) as path {ENDLESS} where $limit > 0", name="slow", message="{words}")
    with RuleEngine(timeout=1, threads=1) as engine:
        first = engine.pid
        outcomes = engine.run([Bound(slow), Bound(PATHS)], MANY)
        assert outcomes["slow"].error == "it was stopped after 1 s"
        assert outcomes["rule"].rows == [["p"]]
        assert engine.pid != first


def test_a_child_that_was_killed_before_is_replaced() -> None:
    tables = {"samples": Data({"path": ["p"]})}
    with RuleEngine(threads=1) as engine:
        engine.prepare([PATHS])
        killed = engine.pid
        os.kill(killed, signal.SIGKILL)
        os.waitid(os.P_PID, killed, os.WEXITED | os.WNOWAIT)
        assert engine.run([Bound(PATHS)], tables)["rule"].rows == [["p"]]
        assert engine.pid != killed


def test_a_child_that_dies_before_its_first_job_is_an_error_and_no_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is a race who is first, the child's death or the job, so both are met."""
    monkeypatch.setattr(sys, "executable", "/bin/false")
    for _ in range(30):
        with RuleEngine(threads=1) as engine, pytest.raises((UsageError, UnfinishedError)):
            engine.run([Bound(PATHS)], MANY)


def test_too_many_rows_are_cut_and_said() -> None:
    tables = {"samples": Data({"path": ["a", "b", "c"]})}
    with RuleEngine(threads=1, max_rows=3) as engine:
        whole = engine.run([Bound(PATHS)], tables)["rule"]
    assert (whole.error, whole.more) == ("", False)
    with RuleEngine(threads=1, max_rows=2) as engine:
        outcome = engine.run([Bound(PATHS)], tables)["rule"]
    assert (outcome.error, outcome.more) == ("", True)
    assert outcome.rows == [["a"], ["b"]]


SHUFFLED = {"samples": Data({"path": [f"c{index * 7919 % 5000:04}" for index in range(300_000)]})}


def many(sql: str, *, times: int = 4) -> list[list[Any]]:
    """The first cells of what each of several runs returns."""
    found = []
    for _ in range(times):
        with RuleEngine(threads=4) as engine:
            outcome = engine.run([Bound(rule(sql))], SHUFFLED)["rule"]
        assert not outcome.error
        found.append([row[0] for row in outcome.rows])
    return found


def test_rows_without_an_order_come_in_the_same_one_each_time() -> None:
    runs = many("select path, count(*) as n from samples where $limit > 0 and len($words) > 0 group by path")
    assert all(run == sorted(run) for run in runs)
    assert len(runs[0]) == 5000


def test_rows_whose_order_the_query_says_stay_in_it() -> None:
    runs = many(
        "select path, 1 as n from samples where $limit > 0 and len($words) > 0 group by path order by path desc",
        times=1,
    )
    assert runs == [sorted(runs[0], reverse=True)]
    assert len(runs[0]) == 5000


def test_rows_without_a_value_are_rows() -> None:
    query = rule("select 'p' as path from samples having count(*) > $limit", message="{words}")
    with RuleEngine(threads=1) as engine:
        facts = engine.run([Bound(query)], {"samples": Data({"path": [None] * 3})})["rule"]
        text = TEXT.format(name="rule", sql=query.sql, message="{words}").replace(
            "{path: a, hospital: x}", "{times: 3}"
        )
        case = load_rule(text, "rule.yaml", builtin=True)
        assert facts.rows == engine.run_case(case, case.tests[1]).rows == [["p"]]


def test_a_rule_over_a_table_that_nothing_fills_is_not_clean() -> None:
    query = rule("select 'p' as path from near where distance < $limit", message="{words}")
    with RuleEngine(threads=1) as engine:
        outcomes = engine.run([Bound(query)], {"samples": Data({"path": ["p"]})})
    assert outcomes["rule"].error == "nothing fills the table 'near' yet"


def test_a_table_without_rows_is_there() -> None:
    query = rule("select 'p' as path from samples having count(*) < $limit", message="{words}")
    with RuleEngine(threads=1) as engine:
        assert engine.run([Bound(query)], {"samples": Data({"path": []})})["rule"].rows == [["p"]]


@pytest.mark.parametrize(
    ("sql", "value"),
    [
        ("[1, null]", [1, None]),
        ("{'a': 1, 'b': [true]}", {"a": 1, "b": [True]}),
        ("1.25::decimal(9, 2)", 1.25),
        ("2::hugeint * 9223372036854775807", 2 * (2**63 - 1)),
        ("'2026-01-02'::date", "2026-01-02"),
        ("1e308 * 10", "inf"),
    ],
)
def test_what_a_query_returns(sql: str, value: object) -> None:
    query = rule(f"select 'p' as path, {sql} as value where $limit > 0", message="{words}")
    with RuleEngine(threads=1) as engine:
        assert engine.run([Bound(query)], {})["rule"].rows == [["p", value]]


IN = "split in ('val', (select max(split) from samples))"


@pytest.mark.parametrize(
    "sql",
    [
        f"select split as path from samples where {IN} group by split having count(*) < $limit order by split",
        f"select split as path from samples group by split having {IN} and count(*) < $limit order by split",
        f"select split as path from samples group by split having count(*) filter (where {IN}) between 1 and $limit "
        "order by split",
    ],
)
def test_a_list_may_hold_a_subquery(sql: str) -> None:
    """DuckDB 2.0.0 was said to answer this wrongly; 2.0.0 and 2.0.1 answer it rightly."""
    tables = {"samples": Data({"split": ["train", "train", "val", "test", "zoo", None]})}
    with RuleEngine(threads=1) as engine:
        assert engine.run([Bound(rule(sql, message="{words}"))], tables)["rule"].rows == [["val"], ["zoo"]]


def test_long_texts_are_cut() -> None:
    query = rule("select path, length(path) as n from samples where $limit > 0", message="{words}")
    with RuleEngine(threads=1) as engine:
        ((path, n),) = engine.run([Bound(query)], {"samples": Data({"path": ["x" * 30_000]})})["rule"].rows
    assert n == 20_000
    assert path == "x" * 10_000 + "..."


def test_a_query_that_takes_too_long_to_understand_is_refused() -> None:
    """DuckDB plans 2 to the power of 15 groupings, some 0.2 s: far beyond the limit, however busy the machine is."""
    cube = ", ".join(f"length(path) + {number}" for number in range(15))
    slow = rule(
        "select min(path) as path from samples where $limit > 0 and not list_contains($words, 'b') "
        f"group by cube ({cube})"
    )
    with RuleEngine(threads=1, timeout=1e-3) as engine, pytest.raises(UsageError, match="not be parsed in time"):
        engine.prepare([slow])


def test_facts_that_cannot_be_written_end_the_check() -> None:
    with RuleEngine(threads=1) as engine:
        os.mkdir(os.path.join(engine._folder, "facts-1.duckdb"))
        with pytest.raises(UnfinishedError, match="the tables could not be written"):
            engine.run([Bound(PATHS)], {})


@contextlib.contextmanager
def kill_later(engine: RuleEngine) -> Iterator[None]:
    """Kills the child half a second after it began to read a new database."""
    pid, database = engine.pid, os.path.join(engine._folder, "facts-1.duckdb")

    def watch() -> None:
        while not os.path.exists(database):
            time.sleep(0.01)
        time.sleep(0.5)
        os.kill(pid, signal.SIGKILL)

    watcher = threading.Thread(target=watch)
    watcher.start()
    yield
    watcher.join()


def test_a_rule_whose_process_is_killed_says_so() -> None:
    slow = rule(f"select max(a.path) as path {ENDLESS} where $limit > 0", name="slow", message="{words}")
    with RuleEngine(threads=1) as engine, kill_later(engine):
        outcomes = engine.run([Bound(slow), Bound(PATHS)], MANY)
    assert outcomes["slow"].error == "its process ended: killed by SIGKILL"
    assert outcomes["rule"].rows == [["p"]]


def test_a_rule_that_needs_too_much_memory_says_so() -> None:
    greedy = rule("select list(a.path || b.path)[1] as path from files a, files b where $limit > 0", name="greedy",
                  message="{words}")  # fmt: skip
    with RuleEngine(threads=1, memory=2**28) as engine:
        outcomes = engine.run([Bound(greedy), Bound(PATHS)], MANY)
    assert outcomes["greedy"].error == "it needs more memory than a rule may take"
    assert outcomes["rule"].rows == [["p"]]


def test_an_export_whose_process_is_killed_says_so() -> None:
    with RuleEngine(threads=1) as engine, kill_later(engine), pytest.raises(UnfinishedError, match="killed by SIGKILL"):
        engine.export(MANY, f"select max(a.path) {ENDLESS}", format="csv", file=None, out=io.BytesIO())


def test_facts_that_vanish_end_the_check() -> None:
    slow = rule(f"select max(a.path) as path {ENDLESS} where $limit > 0", name="slow", message="{words}")
    with RuleEngine(threads=1, timeout=2) as engine:
        remove = threading.Timer(1, os.remove, [os.path.join(engine._folder, "facts-1.duckdb")])
        engine.prepare([slow, PATHS])
        remove.start()
        with pytest.raises(UnfinishedError, match="the tables cannot be read"):
            engine.run([Bound(slow), Bound(PATHS)], MANY)
        remove.join()


def test_an_idle_child_ends_by_itself() -> None:
    with RuleEngine(threads=1) as engine:
        engine.prepare([PATHS])
        child = engine._running()
    assert child._process.returncode == 0


def test_a_child_that_was_never_asked_is_not_waited_for() -> None:
    with RuleEngine(threads=1) as engine:
        child = engine._running()
    assert child._process.returncode == -signal.SIGKILL


ORPHAN = """
import sys
from tests.rule.test_engine import ENDLESS, MANY, Bound, rule
from datalint.rule.engine import RuleEngine
with RuleEngine(threads=1) as engine:
    slow = rule(f"select max(a.path) as path {ENDLESS} where $limit > 0", message="{words}")
    engine.prepare([slow])
    print(engine.pid, engine._folder, flush=True)
    engine.run([Bound(slow)], MANY)
"""


def runs(pid: str) -> bool:
    """Not so for a zombie: who reaps orphans is not ours to say."""
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii") as file:
            return file.read().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def test_a_killed_parent_leaves_neither_process_nor_folder() -> None:
    with subprocess.Popen([sys.executable, "-c", ORPHAN], stdout=subprocess.PIPE, text=True, cwd=ROOT) as parent:
        assert parent.stdout
        pid, folder = parent.stdout.readline().split()
        while not os.path.exists(f"{folder}/facts-1.duckdb"):
            time.sleep(0.01)
        parent.kill()
    deadline = time.monotonic() + GRACE + 10
    while (os.path.exists(folder) or runs(pid)) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not os.path.exists(folder)
    assert not runs(pid)


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


def test_a_query_with_wrong_quotes_is_told_which_are_right() -> None:
    with RuleEngine(threads=1) as engine, pytest.raises(UsageError, match="the query failed") as caught:
        engine.export({}, 'from samples where split = "train"', format="csv", file=None, out=io.BytesIO())
    assert caught.value.hint == "text is written in single quotes: 'train'"


def test_an_export_to_nowhere_is_not_finished(tmp_path: Path) -> None:
    with RuleEngine(threads=1) as engine, pytest.raises(UnfinishedError, match=r"cannot write .*: No such file"):
        engine.export({}, "from samples", format="csv", file=str(tmp_path / "no/out"), out=io.BytesIO())


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
