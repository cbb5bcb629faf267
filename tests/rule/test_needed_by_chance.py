"""Queries of every shape, made by chance: where one has rows, nothing is missing of what we say that it needs."""

from __future__ import annotations

from itertools import islice

import pytest

from datalint.rule.needed import needed
from datalint.rule.needs import Rows
from tests.rule.queries import made, rows
from tests.rule.worlds import Worlds, filled, parsed

WORLDS, QUERIES, SEEDS = 30, 60, 4


@pytest.fixture(scope="module")
def worlds() -> Worlds:
    return filled(WORLDS)


@pytest.mark.parametrize("seed", range(SEEDS))
def test_a_query_with_rows_lacks_nothing_that_it_needs(worlds: Worlds, seed: int) -> None:
    connection, all_tables = worlds
    spared = 0
    for sql in islice(made(connection, seed), QUERIES):
        needs = needed(parsed(connection, sql))
        for world, tables in enumerate(all_tables):
            connection.execute(f"use world{world}")
            missing = not Rows(tables).have(needs)
            spared += missing
            assert not (missing and rows(connection, sql)), (sql, needs, tables)
    # Enough of them need not have been asked for this to say something.
    assert spared > QUERIES * WORLDS / 10
