"""What a query may say: one SELECT over our tables, with known functions, that gives the same answer every day."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from datalint.errors import UsageError
from datalint.rule.engine import RuleEngine
from datalint.rule.guard import MAX_BYTES
from datalint.rule.load import load_rule

if TYPE_CHECKING:
    from collections.abc import Iterator

RULE = """\
id: acme/rule
title: A rule
severity: error
family: misled
docs: Because.
message: "something"
key: [path]
tests:
  - {name: silent, given: {}, expect: []}
  - {name: fires, given: {samples: [{path: a, today: x}]}, expect: [{path: a}]}
sql: |
"""
FIRST = RULE.count("\n") + 1
WHOLE = f"{FIRST}:3"

REFUSED = {
    "a statement that writes": ("drop table samples", "drop", "one SELECT"),
    "two statements": ("select path from samples; select path from files", "select", "one SELECT"),
    "a query about the database": ("show tables", "", "show is not allowed"),
    "a chance sample of a query": ("select path from samples using sample 5", "", "depends on chance"),
    "a chance sample of a table": ("select path from samples tablesample 5%", "samples", "depends on chance"),
    "recursion": ("with recursive q as (select '' as path union all from q) select path from q", "", "recursive"),
    "another sorting order": ("select path collate nocase as path from samples", "path", "collate"),
    "a table by its schema": ("select path from main.samples", "main", "name it without a schema"),
    "a table that is not ours": ("select sql as path from duckdb_tables", "duckdb_tables", "no table 'duckdb_tables'"),
    "a name of a query that is not in sight": (
        "select path from mine union all select path from (with mine as (from samples) from mine)",
        "mine",
        "no table 'mine'",
    ),
    "a function that reads a file": ("select content as path from read_text('x')", "read_text", "table function"),
    "a function by its schema": ("select main.lower(path) as path from samples", "main", "'main.lower'"),
    "a function after letters with accents": ("select 'é' || getenv('HOME') as path", "getenv", "'getenv'"),
    "columns by pattern": ("select columns('pa.*') from samples", "columns", "columns(...)"),
    "a type of an extension": ("select path::json as path from samples", "json", "type json"),
    "a parameter without a name": ("select path from samples where path = ?", "?", "parameters have names"),
    "a parameter that is not declared": ("select path from samples where path = $x", "$x", "$x is not declared"),
    "the clock": ("select path from samples where split = current_date", "current_date", "same answer every day"),
    "nesting beyond measure": (f"select {'abs(' * 900}1{')' * 900} as path", "select", "nested too deep"),
    "length beyond measure": (f"select path from samples --{'x' * MAX_BYTES}", "select", "(limit 8,192)"),
}
"""Query, the word that the message points at (none: at the whole query), what it says."""

ALLOWED = {
    "a name of a query, in the one after it": "with q as (from samples), r as (from q) select path from r",
    "a column of the manifest that is called like the clock": "select path from samples where today = 'x'",
    "windows": "select path from samples qualify row_number() over (partition by path order by line) = 1",
    "lists and lambdas": "select path from samples where len(list_filter([1, 2], lambda x: x > 1)) = 1",
    "as long as may be": "select path from samples --".ljust(MAX_BYTES - 1, "x"),
}


@pytest.fixture(scope="module")
def engine() -> Iterator[RuleEngine]:
    with RuleEngine(threads=1) as engine:
        yield engine


@pytest.mark.parametrize("name", REFUSED)
def test_refused_at_its_place(engine: RuleEngine, name: str) -> None:
    sql, place, words = REFUSED[name]
    with pytest.raises(UsageError) as caught:
        engine.prepare([load_rule(f"{RULE}  {sql}\n", "rule.yaml", builtin=False)])
    assert words in caught.value.message
    inside = f"{FIRST}:{sql.index(place) + 3}"
    assert str(caught.value.position) == f"rule.yaml:{inside if place else WHOLE}"


@pytest.mark.parametrize(
    ("sql", "tables"),
    [
        ("with near as (from samples) select path from near", {"samples"}),
        ("with samples as (from samples) select path from samples", {"samples"}),
        ("with q as (with files as (from samples) from files) select path from q join files using (path)",
         {"samples", "files"}),
        ("select path from samples where path in (select path from problems)", {"samples", "problems"}),
        ("select '' as path", set()),
        # The Kelvin sign is no k: what the WITH clause names is another table.
        ('with "mas\u212as" as (select 1) select path from masks', {"masks"}),
    ],
)  # fmt: skip
def test_the_tables_that_a_query_reads(engine: RuleEngine, sql: str, tables: set[str]) -> None:
    assert engine.prepare([load_rule(f"{RULE}  {sql}\n", "rule.yaml", builtin=False)])["acme/rule"] == tables


@pytest.mark.parametrize("name", ALLOWED)
def test_allowed(engine: RuleEngine, name: str) -> None:
    rule = load_rule(f"{RULE}  {ALLOWED[name]}\n", "rule.yaml", builtin=False)
    assert engine.prepare([rule])[rule.id] == {"samples"}
    assert engine.run_case(rule, rule.tests[1]).rows == [["a"]]
