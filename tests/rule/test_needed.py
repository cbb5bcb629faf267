"""A rule is not asked where a table that it needs is empty: DuckDB must agree that nothing would come of it."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import duckdb
import pytest

from datalint.rule.engine import RuleEngine
from datalint.rule.guard import FUNCTIONS
from datalint.rule.needed import AGGREGATES, needed
from datalint.ruleset import builtin_rules

if TYPE_CHECKING:
    from collections.abc import Iterator

    from datalint.rule.model import Rule

TABLES = ("samples", "files", "classes")


@pytest.fixture(scope="module")
def engine() -> Iterator[RuleEngine]:
    with RuleEngine(threads=1) as engine:
        yield engine


@pytest.fixture(scope="module")
def database() -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect()
    for name in TABLES:
        connection.execute(f"create table {name} (id bigint, label varchar)")
    return connection


def parsed(database: duckdb.DuckDBPyConnection, sql: str) -> Any:
    [[text]] = database.execute("select json_serialize_sql(?)", [sql]).fetchall()
    return json.loads(text)["statements"][0]["node"]


def silent_without(database: duckdb.DuckDBPyConnection, sql: str) -> set[str]:
    """Tables that make DuckDB's answer empty, where one of them alone has no rows."""
    found = set()
    for name in TABLES:
        for other in TABLES:
            database.execute(f"delete from {other}")
            if other != name:
                database.execute(f"insert into {other} values (1, 'a'), (2, 'b'), (2, 'b')")
        if not database.execute(sql).fetchall():
            found.add(name)
    return found


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ("select id from samples", {"samples"}),
        ("select s.id from samples s join files f on s.id = f.id", {"samples", "files"}),
        ("select s.id from samples s, files f", {"samples", "files"}),
        ("select s.id from samples s left join files f using (id)", {"samples"}),
        ("select f.id from samples s right join files f using (id)", {"files"}),
        ("select id from samples full join files using (id)", set()),
        ("select id from samples semi join files using (id)", {"samples", "files"}),
        ("select id from samples anti join files using (id)", {"samples"}),
        ("select s.id from samples s positional join files f", set()),
        ("select id from (select * from files) inside", {"files"}),
        ("with there as (select * from files) select s.id from samples s join there using (id)", {"samples", "files"}),
        ("with samples as (select * from files) select id from samples", {"files"}),
        ("with samples as (select 1 as id) select id from samples", set()),
        ("select id from samples union all select id from files", set()),
        ("select id from samples union all select s.id from samples s join files using (id)", {"samples"}),
        ("select id from samples except select -id from files", {"samples"}),
        ("select id from samples intersect select id from files", {"samples", "files"}),
        ("select count(*) as n from samples", set()),
        ("select 1 as n from samples having count(*) < 5", set()),
        ("select 1 + count(id) as n from samples", set()),
        # A sum over no rows is a row, and nobody looks whose sum it is.
        ("select (select count(*) from files) as n from samples", set()),
        ("select label, count(*) from samples group by label", {"samples"}),
        ("select count(*) as n from samples group by all", set()),
        ("select s.label, count(*) from samples s group by all", {"samples"}),
        ("select samples.label, count(*) from samples group by all having count(*) < 9", {"samples"}),
        ("select f.label, count(*) from samples s join files f using (id) group by all", {"samples", "files"}),
        # It might be the name of another item.
        ("select label, count(*) from samples group by all", set()),
        ("select label, count(*) from samples group by rollup (label)", set()),
        ("select label, count(*) from samples group by grouping sets ((label), ())", set()),
        ("select label, count(*) from samples group by grouping sets ((label), (id))", {"samples"}),
        ("select id, count(*) over () as n from samples", {"samples"}),
        ("select id from samples qualify row_number() over () < 3", {"samples"}),
        ("select id from samples where id not in (select id + 9 from files)", {"samples"}),
        ("select 1 as n where not exists (select * from samples)", set()),
        ("select distinct label from samples order by label limit 2", {"samples"}),
        ("select 1 as n from samples order by count(*)", set()),
        ("select id from samples union by name select id from files", set()),
        ("select id from samples union all by name select id from files", set()),
        ("select 1 as n from samples group by ()", set()),
        ("select 1 as n from samples group by grouping sets (())", set()),
        ("select count(*) as c, c from samples group by all", set()),
        ("select 1 as one, one, count(*) as n from samples group by all", set()),
        (
            "select s.id, x.c from samples s, lateral (select s.id, count(*) as c from files group by all) x",
            {"samples"},
        ),
        ("select unnest([1, 2]) as n from samples", {"samples"}),
        ("select v.n from (values (1), (2)) v (n), samples", {"samples"}),
    ],
)
def test_it_needs_what_makes_it_silent(database: duckdb.DuckDBPyConnection, sql: str, expected: set[str]) -> None:
    found = needed(parsed(database, sql))
    assert found <= silent_without(database, sql)
    assert found == expected


def test_every_aggregate_that_the_guard_lets_pass_is_known(database: duckdb.DuckDBPyConnection) -> None:
    kinds = database.execute("select function_name from duckdb_functions() where function_type = 'aggregate'")
    assert {name for (name,) in kinds.fetchall()} & FUNCTIONS == AGGREGATES


@pytest.mark.parametrize("rule", builtin_rules(), ids=lambda rule: rule.id)
def test_a_rule_that_fires_is_silent_without_a_table_that_it_needs(engine: RuleEngine, rule: Rule) -> None:
    wanted = engine.prepared([rule])[rule.id].needed
    for case in (case for case in rule.tests if case.expect):
        assert wanted <= {name for name, given in case.given.items() if given}, case.name
        for name in wanted:
            without = replace(case, given={table: rows for table, rows in case.given.items() if table != name})
            assert not engine.run_case(rule, without).rows, f"{case.name}, without {name}"
