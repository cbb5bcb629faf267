"""A rule is not asked where a row that it needs is not there: DuckDB must agree that nothing would come of it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import duckdb
import pytest

from datalint.rule.engine import RuleEngine
from datalint.rule.guard import FUNCTIONS
from datalint.rule.needed import AGGREGATES, needed
from datalint.rule.needs import Need, Rows, either, read, written
from datalint.ruleset import builtin_rules
from datalint.tables import TABLES as DECLARED
from datalint.tables import Data
from tests.rule.worlds import Worlds, filled, parsed

if TYPE_CHECKING:
    from collections.abc import Iterator

    from datalint.rule.model import Case, Rule

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
        # A sum over no rows is a row, and of one of a column nobody looks whose it is.
        ("select (select sum(f.id) from files f) as n from samples", set()),
        ("select (select count(*) from files) as n from samples", {"samples"}),
        ("select (select 1 from files having count(*) > 0) as n from samples", {"samples"}),
        ("select (select count(*) from files) + count(*) as n from samples", set()),
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
        ("select (select n from (select 2 as n)) as n from samples", {"samples"}),
        # Of a subquery whose own aggregate is plain, all else may hold one of a column of outside.
        ("select (select max(s.label) from samples s where s.id > 0) as n from files", {"files"}),
        ("select (select max(s.label) from samples s where s.id = max(f.id)) as n from files f", set()),
        ("select (select max(s.label) from samples s having count(f.id) = 0) as n from files f", set()),
        ("select (select max(s.label) from samples s group by count(f.id)) as n from files f", set()),
        ("select (select max(s.label) from samples s order by count(f.id)) as n from files f", set()),
        ("select (select max(s.label) filter (where count(f.id) = 0) from samples s) as n from files f", set()),
        ("select (select max(s.label order by count(f.id)) from samples s) as n from files f", set()),
        ("select (select max(s.label) from samples s, (select count(f.id)) x) as n from files f", set()),
        ("select (with samples as (select 1) select (select max(label) from samples)) as n from files", set()),
        ("select (select max(x.label) from files anti join samples x using (id) limit 1) as n from classes x", set()),
        # So may what no argument tells.
        ("select (select mode() within group (order by s.label)) as n from samples s", set()),
        ("select (select count(*) filter (where s.label = 'a')) as n from samples s", set()),
        # After such a join its right side is out of sight.
        (
            "select x.c from files f,"
            " lateral (select f.label, count(*) as c from samples s anti join classes f using (id) group by all) x",
            {"files"},
        ),
    ],
)
def test_it_needs_what_makes_it_silent(database: duckdb.DuckDBPyConnection, sql: str, expected: set[str]) -> None:
    found = needed(parsed(database, sql))
    assert {need.table for need in found} <= silent_without(database, sql)
    assert found == {Need(table) for table in expected}


def test_every_aggregate_that_the_guard_lets_pass_is_known(database: duckdb.DuckDBPyConnection) -> None:
    kinds = database.execute("select function_name from duckdb_functions() where function_type = 'aggregate'")
    assert {name for (name,) in kinds.fetchall()} & FUNCTIONS == AGGREGATES


@pytest.fixture(scope="module")
def worlds() -> Worlds:
    return filled(80)


def said(need: Need) -> str:
    """As it is written below."""
    place = f"{need.table}.{need.column}" if need.column else need.table
    return f"{place}={'|'.join(need.values)}" if need.values else place


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ("select file_id from files where status = 'damaged'", "files files.status=damaged"),
        ("select file_id from files where 'damaged' = STATUS", "files files.status=damaged"),
        ("select file_id from files where status in ('damaged', 'empty')", "files files.status=damaged|empty"),
        ("select file_id from files where status in ('damaged', null)", "files files.status"),
        ("select file_id from files where status in ('damaged', split_part('ok ok', ' ', 1))", "files files.status"),
        ("select file_id from files where status not in ('damaged')", "files files.status"),
        ("select file_id from files where status <> 'damaged'", "files files.status"),
        ("select file_id from files where status is distinct from 'damaged'", "files"),
        ("select file_id from files where status is null", "files"),
        ("select file_id from files where status is not null", "files files.status"),
        ("select file_id from files where not (status = 'damaged')", "files"),
        ("select file_id from files where lower(status) = 'damaged'", "files"),
        ("select file_id from files where status = 'a\\b'", "files files.status"),
        ("select file_id from files where status = 'ok' and width > 3", "files files.status=ok files.width"),
        ("select file_id from files where width between 2 and 10", "files files.width"),
        ("select file_id from files where width = 9", "files files.width"),
        ("select file_id from files where width + 1 > 3", "files"),
        ("select file_id from files where coalesce(width, 9) > 3", "files"),
        ("select file_id from files where path_utf8", "files files.path_utf8=true"),
        ("select file_id from files where not path_utf8", "files files.path_utf8=false"),
        ("select file_id from files where path_utf8 = false", "files files.path_utf8=false"),
        ("select file_id from files where path_utf8 is distinct from true", "files"),
        ("select file_id from files where status = 'ok' or status = 'damaged'", "files files.status=damaged|ok"),
        ("select file_id from files where status = 'ok' or status is not null", "files files.status"),
        ("select file_id from files where status = 'ok' or width = 9", "files"),
        ("select file_id from files where status = 'ok' or (width > 3 and status = 'damaged')",
         "files files.status=damaged|ok"),
        ("select f.file_id from files f where f.status = 'ok'", "files files.status=ok"),
        ("select f.file_id from files f where status = 'ok'", "files files.status=ok"),
        ("select f.file_id from files f (file_id, width, status) where f.status = '9'", "files"),
        ("select files.status as label from files where label = 'ok'", "files"),
        # Whose column it is takes more than its name.
        ("select s.label from samples s, files where status = 'ok'", "samples files"),
        ("select s.label from samples s, files f where f.status = 'ok'", "samples files files.status=ok"),
        ("select s.label from samples s join files f on f.file_id = s.file_id and f.status = 'ok'",
         "samples samples.file_id files files.file_id files.status=ok"),
        ("select s.label from samples s left join files f on f.file_id = s.file_id and f.status = 'ok'", "samples"),
        ("select s.label from samples s left join files f on f.file_id = s.file_id where f.status = 'ok'",
         "samples files.status=ok"),
        ("select s.label from samples s left join files f using (file_id) where f.status is null", "samples"),
        ("select s.label from samples s semi join files f on f.file_id = s.file_id",
         "samples samples.file_id files files.file_id"),
        ("select s.label from samples s anti join files f on f.file_id = s.file_id", "samples"),
        ("select f.width from samples s full join files f on f.file_id = s.file_id where s.label = 'a'",
         "samples.label=a"),
        ("with files as (select 'ok' as status) select status from files where status = 'ok'", ""),
        ("with good as (select * from files where status = 'ok') select file_id from good where width > 3",
         "files files.status=ok"),
        ("with good as (select * from files where status = 'ok') select count(*) as n from good", ""),
        ("with good as (select * from files where status = 'ok') select width, count(*) as n from good group by width",
         "files files.status=ok"),
        ("select file_id from files where status = 'ok' union all select file_id from files where status = 'damaged'",
         "files files.status=damaged|ok"),
        ("select file_id from files where status = 'ok' union all select file_id from files where width > 3", "files"),
        ("select file_id from files where status = 'ok' union all select file_id from samples where label = 'a'", ""),
        ("select label from samples where exists (select 1 from files where status = 'ok')",
         "samples files files.status=ok"),
        ("select label from samples s where exists"
         " (select 1 from files f where f.file_id = s.file_id and s.label = 'a')", "samples files files.file_id"),
        ("select label from samples where not exists (select 1 from files where status = 'ok')", "samples"),
        ("select label from samples where exists (select count(*) from files where status = 'ok')", "samples"),
        ("select label from samples where file_id in (select file_id from files where status = 'ok')",
         "samples samples.file_id files files.status=ok"),
        ("select label from samples where file_id not in (select file_id from files where status = 'ok')", "samples"),
        ("select label from samples where (select max(task) from dataset) = 'detection'",
         "samples dataset.task=detection"),
        ("select label from samples where (select min(d.task) from dataset d where d.format = 'coco') <> 'detection'",
         "samples dataset.task"),
        ("select label from samples where (select count(task) from dataset) = 0", "samples"),
        ("select label from samples where coalesce((select max(task) from dataset), '') = ''", "samples"),
        ("with dataset as (select 'detection' as task) select label from samples"
         " where (select max(task) from dataset) = 'detection'", "samples"),
        ("select (select max(task) from dataset) as task from samples", "samples"),
        ("select label, (select count(*) from files) as n from samples where label = 'a'", "samples samples.label=a"),
        ("select count(*) as n from files where status = 'ok'", ""),
        ("select 1 as n from files where status = 'ok' having count(*) = 0", ""),
        ("select split, count(*) as n from samples where label = 'a' group by split", "samples samples.label=a"),
        ("select split, count(*) as n from samples where label = 'a' group by rollup (split)", ""),
        # After such a join its right side is out of sight: the name is one of outside.
        ("select x.width from files x where exists"
         " (select 1 from dataset anti join samples x on x.label = task where x.file_id = 1)", "files dataset"),
        ("select x.width from files x where exists"
         " (select 1 from dataset semi join samples x on x.split = 'val' where x.file_id is not null)",
         "files dataset samples samples.split=val"),
        # Only of letters of ASCII is the case nothing.
        ('select 1 as n from samples "\u00e9", files "\u00c9" where "\u00e9".file_id = 1',
         "samples samples.file_id files"),
        ('select 1 as n from samples "\u212a", files k where "\u212a".file_id = 1', "samples samples.file_id files"),
    ],
)  # fmt: skip
def test_it_needs_what_its_conditions_ask_for(worlds: Worlds, sql: str, expected: str) -> None:
    connection, all_tables = worlds
    found = needed(parsed(connection, sql))
    assert sorted(map(said, found)) == sorted(expected.split())
    answers = without = 0
    for world, tables in enumerate(all_tables):
        connection.execute(f"use world{world}")
        answer = connection.execute(sql).fetchall()
        there = Rows(tables).have(found)
        assert there or not answer, (tables, answer)
        answers, without = answers + bool(answer), without + (not there)
    # Where both were met the comparison says something.
    assert bool(without) == bool(expected)
    assert answers or "\\" in sql


def test_needs_are_written_and_read() -> None:
    needs = frozenset({Need("files"), Need("files", "width"), Need("files", "status", ("damaged", "ok"))})
    assert written(needs) == [["files"], ["files", "status", "damaged", "ok"], ["files", "width"]]
    assert read(written(needs)) == needs


def test_of_choices_the_one_with_least_counts() -> None:
    one = frozenset({Need("files", "status", ("ok",)), Need("files", "status"), Need("samples")})
    other = frozenset({Need("files", "status", ("damaged",)), Need("files", "width")})
    assert either([one, other]) == {Need("files"), Need("files", "status", ("damaged", "ok"))}


@pytest.mark.parametrize(
    ("column", "values", "words", "there"),
    [
        ("status", ["ok", None], ("ok",), True),
        ("status", ["okay", None], ("ok",), False),
        ("status", [], (), False),
        ("status", [None], (), False),
        ("status", [""], (), True),
        ("path", [7], ("7",), True),
        # They are equal, and as text they are not.
        ("path", [1, True, 1.0], ("True",), True),
        ("path", [1, True, 1.0], ("1.0",), True),
        ("path_utf8", [None, 1], ("true",), True),
        ("path_utf8", [None, 1], ("false",), False),
        ("path_utf8", [False], ("false",), True),
        ("cause", ["a"], (), True),
    ],
)
def test_a_value_is_there_as_the_rules_see_it(
    column: str, values: list[object], words: tuple[str, ...], there: bool
) -> None:
    assert Rows({"files": Data({column: values})}).have([Need("files", column, words)]) is there
    assert not Rows({"files": Data({"size_bytes": [1]})}).have([Need("files", column, words)])


def tables_of(case: Case) -> dict[str, Data]:
    """What a rule sees in its inline test."""
    tables = {}
    for name, table in DECLARED.items():
        rows = [values for values, _ in case.given.get(name, ())]
        tables[name] = Data({column.name: [row.get(column.name) for row in rows] for column in table.columns})
    return tables


def without(case: Case, need: Need) -> Case:
    """The same without what is needed: the table, or the column."""
    rows = [({**values, need.column: None}, times) for values, times in case.given[need.table] if need.column]
    return replace(case, given={**case.given, need.table: tuple(rows)})


@pytest.mark.parametrize("rule", builtin_rules(), ids=lambda rule: rule.id)
def test_a_rule_that_fires_is_silent_without_what_it_needs(engine: RuleEngine, rule: Rule) -> None:
    wanted = engine.prepared([rule])[rule.id].needed
    for case in (case for case in rule.tests if case.expect):
        assert Rows(tables_of(case)).have(wanted), case.name
        for need in wanted:
            assert not engine.run_case(rule, without(case, need)).rows, f"{case.name}, without {said(need)}"
