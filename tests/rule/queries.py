"""Queries of every shape, made by chance, on the tables of tests.rule.worlds."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import TYPE_CHECKING

import duckdb

from tests.rule.worlds import CELLS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


@dataclass
class Maker:
    """Each query returns one column, `out`, so that it fits into another one."""

    chance: random.Random
    names: int = 0

    def query(self, depth: int, outside: Mapping[str, str]) -> str:
        kind = self.chance.randrange(10) if depth else 0
        if kind == 9:
            word = self.chance.choice(["union all", "union", "except", "intersect"])
            return f"({self.query(depth - 1, outside)}) {word} ({self.query(depth - 1, outside)})"
        if kind == 8:
            # Also under the name of a table, which it hides.
            name = self.chance.choice([self.name(), *CELLS])
            inner, columns = self.query(depth - 1, outside), ", ".join(f"out as {each}" for each in self.columns())
            return f"with {name} as (select {columns} from ({inner}) i) {self.select(depth - 1, outside, (name,))}"
        return self.select(depth, outside)

    def select(self, depth: int, outside: Mapping[str, str], queries: tuple[str, ...] = ()) -> str:
        source, names = self.source(depth, queries)
        scope = {**outside, **names}
        where = f" where {self.condition(depth, scope)}" if self.chance.random() < 0.8 else ""
        column = self.column(names)
        return self.chance.choice([
            f"select {column} as out from {source}{where}",
            f"select {self.value(depth, scope)} as out from {source}{where}",
            f"select {column} as out from {source}{where} group by {column}",
            f"select count(*) as out from {source}{where} group by {column}",
            f"select max({column}) as out from {source}{where}",
            f"select count(*) as out from {source}{where} having count(*) < 2",
            f"select {column} as out from {source}{where} group by all",
            f"select distinct {column} as out from {source}{where} limit 3",
            f"select i::varchar as out from (select * from {source}{where}) i",
            f"select {self.chance.choice([*names])}::varchar as out from {source}{where}",
        ])  # fmt: skip

    def source(self, depth: int, queries: tuple[str, ...]) -> tuple[str, dict[str, str]]:
        """A FROM, and which table each of its names is."""
        if depth and self.chance.random() < 0.4:
            left, one = self.source(0, queries)
            right, other = self.source(0, queries)
            kind = self.chance.choice(["join", "left join", "right join", "full join", "semi join", "anti join", ","])
            if kind == ",":
                return f"{left}, {right}", {**one, **other}
            seen = one if kind in ("semi join", "anti join") else {**one, **other}
            condition = self.condition(0, {**one, **other})
            same = f"{self.column(one)}::varchar = {self.column(other)}::varchar"
            return f"{left} {kind} {right} on {self.chance.choice([condition, same])}", seen
        name, table = self.name(), self.chance.choice([*queries, *CELLS])
        # A query in the place of a table has columns of these names too.
        return f"{table} {name}", {name: table}

    def condition(self, depth: int, scope: Mapping[str, str]) -> str:
        kind = self.chance.randrange(12)
        if depth and kind < 3:
            word = self.chance.choice(["and", "or"])
            return f"({self.condition(depth - 1, scope)} {word} {self.condition(depth - 1, scope)})"
        if depth and kind == 3:
            return f"not {self.condition(depth - 1, scope)}"
        if depth and kind == 4:
            return f"{self.chance.choice(['', 'not '])}exists ({self.query(depth - 1, scope)})"
        if depth and kind == 5:
            inner = f"select out::varchar from ({self.query(depth - 1, scope)}) i"
            return f"{self.column(scope)}::varchar {self.chance.choice(['in', 'not in'])} ({inner})"
        if kind == 6:
            table = self.chance.choice([*CELLS])
            column = self.chance.choice([*CELLS[table]])
            return f"(select {self.chance.choice(['min', 'max'])}({column}) from {table})::varchar = {self.constant()}"
        column = self.column(scope)
        return self.chance.choice([
            f"{column}::varchar = {self.constant()}", f"{self.text(scope)} = {self.constant()}",
            f"{self.text(scope)} in ({self.constant()}, {self.constant()})", f"{self.text(scope)} <> {self.constant()}",
            f"{column} is not null", f"{column} is null", f"{self.text(scope)} is distinct from {self.constant()}",
            f"coalesce({self.text(scope)}, 'a') = {self.constant()}",
        ])  # fmt: skip

    def value(self, depth: int, scope: Mapping[str, str]) -> str:
        table = self.chance.choice([*CELLS])
        column = self.chance.choice([*CELLS[table]])
        inner = f"(select count(*) from ({self.query(depth - 1, scope)}) i)" if depth else "1"
        return self.chance.choice([inner, f"(select max({column}) from {table})", f"max({self.column(scope)})", "'x'"])

    def text(self, scope: Mapping[str, str]) -> str:
        """A column of text, where there is one."""
        name = self.chance.choice([*scope])
        texts = [each for each in CELLS.get(scope[name], ()) if each not in ("file_id", "width", "path_utf8")]
        return f"{name}.{self.chance.choice(texts)}" if texts else f"{name}.label"

    def column(self, scope: Mapping[str, str]) -> str:
        name = self.chance.choice([*scope])
        return f"{name}.{self.chance.choice([*CELLS.get(scope[name], self.columns())])}"

    def columns(self) -> list[str]:
        """Every name that a column has."""
        return sorted({column for cells in CELLS.values() for column in cells})

    def constant(self) -> str:
        return self.chance.choice(["'a'", "'train'", "'ok'", "'damaged'", "'detection'", "'9'", "''", "null"])

    def name(self) -> str:
        self.names += 1
        return f"t{self.names}"


def made(connection: duckdb.DuckDBPyConnection, seed: int) -> Iterator[str]:
    """Queries that DuckDB takes, without end, the same ones each time."""
    maker = Maker(random.Random(seed))
    while True:
        sql = maker.query(2, {})
        if rows(connection, f"use world0; {sql}") is not None:
            yield sql


def rows(connection: duckdb.DuckDBPyConnection, sql: str) -> list[tuple[object, ...]] | None:
    """What DuckDB answers; None where chance made no query, or one that these values stop."""
    try:
        return connection.execute(sql).fetchall()
    except duckdb.Error:
        return None
