"""Rules that are asked before all tables are there: they say what they would have said at the end, whatever happens."""

from __future__ import annotations

import os
import signal
import time
from typing import TYPE_CHECKING

import pytest

from datalint.rule.engine import RuleEngine
from datalint.tables import Data
from tests.rule.test_engine import Bound, rule

if TYPE_CHECKING:
    from collections.abc import Iterator

TIMEOUT = 2.0
PATHS: list[object] = [f"{'x' * 120}{number:06}" for number in range(90_000)]
LARGE = {"samples": Data({"path": PATHS})}
"""Large enough to be asked about before the rest is there."""
NEAR = {"near": Data({"file_id": [7], "other_file_id": [8]})}

LAST = Bound(rule("select max(path) as path from samples where $limit > 0", name="last", message="{words}"))
PAIRS = Bound(rule("select file_id::varchar as path from near where $limit > 0", name="pairs", message="{words}"))
ENDLESS = Bound(
    rule(
        "select max(a.path || b.path || c.path) as path from samples a, samples b, samples c where $limit > 0",
        name="endless",
        message="{words}",
    )
)
HUGE = Bound(
    rule(
        "select max(len(long))::varchar as path from (select string_agg(a.path || b.path, '') as long "
        "from samples a, samples b where $limit > 0 and b.path < a.path)",
        name="huge",
        message="{words}",
    )
)


@pytest.fixture
def engine() -> Iterator[RuleEngine]:
    with RuleEngine(threads=1, timeout=TIMEOUT) as engine:
        yield engine


def test_what_reads_no_late_table_is_answered_before_the_others_come(engine: RuleEngine) -> None:
    engine.begin(LARGE, [LAST])
    process = engine.pid  # whoever asks for it waits until the answers are there
    os.kill(process, signal.SIGSTOP)
    try:
        assert engine.run([LAST], LARGE)["last"].rows == [[PATHS[-1]]]
    finally:
        os.kill(process, signal.SIGCONT)


def test_what_reads_a_late_table_sees_it(engine: RuleEngine) -> None:
    both = rule(
        "select n.file_id || (select max(path) from samples) as path from near n where $limit > 0", message="{words}"
    )
    rules = [LAST, PAIRS, Bound(both)]
    engine.begin(LARGE, rules)
    outcomes = engine.run(rules, {**LARGE, **NEAR})
    assert [outcomes[item.rule.id].rows for item in rules] == [[[PATHS[-1]]], [["7"]], [[f"7{PATHS[-1]}"]]]
    assert {outcome.error for outcome in outcomes.values()} == {""}


def test_a_rule_that_hangs_costs_its_time_once_and_no_other_rule(engine: RuleEngine) -> None:
    rules = [ENDLESS, LAST, PAIRS]
    engine.begin(LARGE, rules)
    started = time.monotonic()
    outcomes = engine.run(rules, {**LARGE, **NEAR})
    assert time.monotonic() - started < 2 * TIMEOUT + 5
    assert outcomes["endless"].error == f"it was stopped after {TIMEOUT:g} s"
    assert (outcomes["last"].rows, outcomes["pairs"].rows) == ([[PATHS[-1]]], [["7"]])


def test_a_rule_that_bursts_costs_no_other_rule() -> None:
    rules = [HUGE, LAST, PAIRS]
    with RuleEngine(threads=1, timeout=60, memory=2**28) as engine:
        engine.begin(LARGE, rules)
        outcomes = engine.run(rules, {**LARGE, **NEAR})
    assert outcomes["huge"].error == "it needs more memory than a rule may take"
    assert (outcomes["last"].rows, outcomes["pairs"].rows) == ([[PATHS[-1]]], [["7"]])


@pytest.mark.parametrize("answered", [False, True])
def test_a_process_that_is_killed_meanwhile_costs_no_answer(engine: RuleEngine, answered: bool) -> None:
    rules = [LAST, PAIRS]
    process = engine.pid
    engine.begin(LARGE, rules)
    if answered:
        assert engine.pid == process
    os.kill(process, signal.SIGKILL)
    os.waitid(os.P_PID, process, os.WEXITED | os.WNOWAIT)
    outcomes = engine.run(rules, {**LARGE, **NEAR})
    assert [(outcome.error, outcome.rows) for outcome in outcomes.values()] == [("", [[PATHS[-1]]]), ("", [["7"]])]


def test_other_values_or_tables_than_were_asked_about_are_asked_again(engine: RuleEngine) -> None:
    query = rule("select max(path) as path from samples where len(path) > $limit", name="long", message="{words}")
    engine.begin(LARGE, [Bound(query)])
    none = Bound(query, params={"limit": 1000, "words": ["a"]})
    assert engine.run([none], LARGE)["long"].rows == [[None]]
    engine.begin(LARGE, [LAST])
    other = {"samples": Data({"path": ["other"]})}
    assert engine.run([LAST], other)["last"].rows == [["other"]]
    assert engine.run([LAST], LARGE)["last"].rows == [[PATHS[-1]]]


def test_another_rule_may_be_tested_while_one_hangs(engine: RuleEngine) -> None:
    engine.begin(LARGE, [ENDLESS])
    assert engine.run_case(PAIRS.rule, PAIRS.rule.tests[0]).rows == []
    assert engine.run([ENDLESS], LARGE)["endless"].error.startswith("it was stopped after")
