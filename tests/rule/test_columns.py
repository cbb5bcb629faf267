"""Columns that no query reads are not handed over: then each answers as if all of them were there."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING

import duckdb
import pytest

from datalint.rule.columns import read_by, whole
from datalint.rule.engine import RuleEngine
from datalint.tables import TABLES, Data
from tests.rule.queries import made, rows
from tests.rule.test_engine import Bound, rule
from tests.rule.worlds import CELLS, Worlds, filled, parsed

if TYPE_CHECKING:
    from datalint.rule.columns import Columns

WORLDS, QUERIES, SEEDS = 8, 60, 4


@pytest.mark.parametrize(
    ("sql", "tables"),
    [
        ("select path, max(width) from files group by all having count(*) > 1", set()),
        ("select path from files order by 1", set()),
        ("select path from samples semi join files using (file_id)", set()),
        ("select path from files union by name select path from samples", set()),
        ("select list_transform([1], width -> width + 1) from files", set()),
        ("select * from (select path from files) i", set()),
        ("select * from samples s join (select path from files) f on true", {"samples"}),
        ("with a as (select * from files) select label from samples", {"files"}),
        ("from files", {"files"}),
        ("select f.* from files f", {"files"}),
        ("select * exclude (path) from files", {"files"}),
        ("select path from files where concat(*columns(*)) = 'x'", {"files"}),
        ("select (select *) from files", {"files"}),
        ("select #1 from files", {"files"}),
        ("select f from files f", {"files"}),
        ("select max(files) from files", {"files"}),
        ("select x.a from files as x(a)", {"files"}),
        ("select path from files natural join samples", {"files", "samples"}),
        ('select U&"p\\0061th" from files', {"files"}),
        ('select "a b" from samples', {"samples"}),
    ],
)
def test_tables_whose_columns_are_read_without_their_names(sql: str, tables: set[str]) -> None:
    assert whole(parsed(duckdb.connect(), sql), sql) == tables


@pytest.fixture(scope="module")
def worlds() -> Worlds:
    return filled(WORLDS)


@pytest.mark.parametrize("seed", range(SEEDS))
def test_a_query_answers_the_same_without_what_it_does_not_read(worlds: Worlds, seed: int) -> None:
    connection, _ = worlds
    spared = 0
    # Which rows a limit leaves is nobody's promise.
    certain = (sql for sql in made(connection, seed) if " limit " not in sql)
    for sql in islice(certain, QUERIES):
        read = read_by([(sql, whole(parsed(connection, sql), sql))])
        for world in range(WORLDS):
            connection.execute(f"use world{world}")
            expected = rows(connection, sql)
            spared += prune(connection, f"world{world}", read)
            connection.execute("use pruned")
            found = rows(connection, sql)
            assert found is not None
            assert expected is not None
            assert sorted(map(repr, found)) == sorted(map(repr, expected)), (sql, read)
    # Enough of the columns need not have been there for this to say something.
    assert spared > QUERIES * WORLDS


def prune(connection: duckdb.DuckDBPyConnection, world: str, read: Columns) -> int:
    """Fill the schema `pruned` with the tables of a world, and NULL for what is not read; how many columns that are."""
    connection.execute("create schema if not exists pruned")
    unread = 0
    for table, cells in CELLS.items():
        shown = []
        for column in cells:
            is_read = (table, column) in read
            unread += not is_read
            shown.append(column if is_read else f"null::{TABLES[table].types[column]} as {column}")
        connection.execute(f"create or replace table pruned.{table} as select {', '.join(shown)} from {world}.{table}")
    return unread


def test_what_was_left_out_is_there_for_whoever_reads_it_later() -> None:
    tables = {"samples": Data({"path": ["a.jpg"], "label": ["owl"], "split": [None]})}
    by_path = Bound(rule("select path from samples where $limit > 0", name="by-path", message="{words}"))
    by_label = Bound(rule("select label as path from samples where $limit > 0", name="by-label", message="{words}"))
    by_all = Bound(rule("select s::varchar as path from samples s where $limit > 0", name="by-all", message="{words}"))
    with RuleEngine(threads=1) as engine:
        engine.begin(tables, [by_path])
        outcomes = engine.run([by_path, by_label], tables)
        assert (outcomes["by-path"].rows, outcomes["by-label"].rows) == ([["a.jpg"]], [["owl"]])
        [[row]] = engine.run([by_all], tables)["by-all"].rows
        assert {"a.jpg", "owl"} <= set(row.replace("'", "").replace(",", "").split())


@pytest.mark.parametrize("labels", [[None, "a", None], ["a", None], ["", None], [None, None]])
def test_a_row_of_which_nothing_is_read_or_known_counts(labels: list[object]) -> None:
    tables = {"samples": Data({"path": ["x"] * len(labels), "label": labels})}
    counted = Bound(
        rule("select count(*)::varchar || count(label) as path from samples where $limit > 0", message="{words}")
    )
    with RuleEngine(threads=1) as engine:
        assert engine.run([counted], tables)["rule"].rows == [[f"{len(labels)}{len(labels) - labels.count(None)}"]]
