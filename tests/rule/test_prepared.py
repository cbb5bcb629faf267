"""What ships of each query is what DuckDB says of it, is believed, and is asked anew where it is stale."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import pytest

from datalint.queries import known_queries
from datalint.rule.engine import RuleEngine
from datalint.rule.load import load_rule
from datalint.rule.prepared import Known, written
from datalint.ruleset import builtin_rules
from datalint.tables import Data

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from datalint.finding import Severity
    from datalint.rule.model import Rule

RULE = """\
id: acme/rule
title: A rule
severity: error
family: misled
docs: Because.
params: {usual: {type: integer, default: 1}}
message: "{n}"
key: [n]
sql: select count(*) as n from samples having count(*) <> $usual
tests:
  - {name: fires, given: {}, expect: [{n: 0}]}
  - {name: silent, given: {samples: [{path: a}]}, expect: []}
"""


@dataclass(frozen=True)
class Bound:
    rule: Rule
    params: Mapping[str, Any] = field(default_factory=lambda: {"usual": 1})
    severity: Severity | None = None


@pytest.fixture(scope="module")
def engine() -> Iterator[RuleEngine]:
    with RuleEngine(threads=1) as engine:
        yield engine


@pytest.fixture(scope="module")
def rule() -> Rule:
    return load_rule(RULE, "rule.yaml", builtin=False)


def told(engine: RuleEngine, rule: Rule, **otherwise: Any) -> Known:
    """What is written of a rule, with something in it that is not so, by which one sees who was believed."""
    found = json.loads(written([rule], engine.prepared([rule])))
    return Known(json.dumps({rule.id: {**found[rule.id], **otherwise}}))


def test_what_ships_is_what_duckdb_says(engine: RuleEngine) -> None:
    rules, known = builtin_rules(), known_queries()
    assert {rule.id: known.of(rule) for rule in rules} == engine.prepared(rules), "run `make docs`"


def test_a_known_query_is_not_asked_about(engine: RuleEngine, rule: Rule) -> None:
    with RuleEngine(threads=1, known=told(engine, rule, tables=["files"])) as another:
        assert another.prepare([rule]) == {rule.id: {"files"}}


@pytest.mark.parametrize(
    "text",
    [RULE.replace("from samples", "from files"), RULE.replace("default: 1", "default: 2")],
    ids=["another query", "another default"],
)
def test_a_rule_that_changed_is_not_known(engine: RuleEngine, rule: Rule, text: str) -> None:
    assert told(engine, rule).of(rule)
    assert told(engine, rule).of(load_rule(text, "rule.yaml", builtin=False)) is None


def test_a_rule_that_reads_columns_of_a_manifest_is_not_known(engine: RuleEngine, rule: Rule) -> None:
    assert told(engine, rule).of(replace(rule, extra=("site",))) is None


def test_known_and_unknown_rules_are_told_apart(engine: RuleEngine, rule: Rule) -> None:
    other = load_rule(
        RULE.replace("acme/rule", "acme/other").replace("from samples", "from classes"), "other.yaml", builtin=False
    )
    with RuleEngine(threads=1, known=told(engine, rule)) as another:
        assert another.prepare([other, rule]) == {other.id: {"classes"}, rule.id: {"samples"}}


def test_silence_is_seen_where_it_is(engine: RuleEngine, rule: Rule) -> None:
    quiet = load_rule(RULE.replace("default: 1", "default: 0"), "rule.yaml", builtin=False)
    assert not engine.prepared([rule])[rule.id].silent
    assert engine.prepared([quiet])[rule.id].silent


@pytest.mark.parametrize(
    ("usual", "paths", "rows"),
    [(1, [], []), (2, [], [[0]]), (1, ["a", "b"], [[2]])],
    ids=["as it was asked", "another parameter", "a table that is not empty"],
)
def test_only_what_was_asked_before_is_not_run(
    engine: RuleEngine, rule: Rule, usual: int, paths: list[object], rows: list[list[int]]
) -> None:
    with RuleEngine(threads=1, known=told(engine, rule, silent=True)) as another:
        outcome = another.run([Bound(rule, {"usual": usual})], {"samples": Data({"path": paths})})[rule.id]
    assert (outcome.error, outcome.columns, list(outcome.rows)) == ("", ("n",), rows)


@pytest.mark.parametrize(("paths", "rows"), [([], []), (["a", "b"], [[2]])])
def test_a_rule_is_not_asked_where_a_table_that_it_needs_is_empty(
    engine: RuleEngine, rule: Rule, paths: list[object], rows: list[list[int]]
) -> None:
    with RuleEngine(threads=1, known=told(engine, rule, needed=[["samples"]])) as another:
        outcome = another.run([Bound(rule)], {"samples": Data({"path": paths})})[rule.id]
    assert (outcome.error, outcome.columns, list(outcome.rows)) == ("", ("n",), rows)


def test_a_rule_without_its_tests_is_the_same_rule() -> None:
    assert [replace(rule, tests=()) for rule in builtin_rules()] == builtin_rules(tests=False)
