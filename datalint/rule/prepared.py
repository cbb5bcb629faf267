"""What is known of queries that passed the guard, also from a file: what ships with us need not be asked again."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from datalint.rule import needs
from datalint.tables import TABLES

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from datalint.rule.model import Rule


@dataclass(frozen=True, slots=True)
class Prepared:
    """A query that passed the guard and fits the tables."""

    sql: str
    tables: frozenset[str]
    params: frozenset[str]
    ordered: bool = False
    """Whether it says in which order its rows come."""
    needed: needs.Needs = needs.NOTHING
    """Rows without which it finds nothing."""
    whole: frozenset[str] = frozenset(TABLES)
    """Tables of which it may read columns that it does not name."""
    columns: Mapping[str, str] = field(default_factory=dict)
    """Name -> DuckDB type."""
    silent: bool = False
    """Whether it was seen to find nothing where its tables are empty and its parameters are the declared ones."""


class Known:
    """Queries that are known from a file that `written` made; a rule or a table that changed since is not in it."""

    def __init__(self, text: str = "{}") -> None:
        self._queries: Mapping[str, Any] = json.loads(text)
        self._tables = _tables() if self._queries else ""

    def of(self, rule: Rule) -> Prepared | None:
        """None where somebody must ask DuckDB."""
        found = self._queries.get(rule.id)
        # Columns of a user's manifest are no part of the tables that the file was written for.
        if found is None or rule.extra or found["of"] != _mark(rule, self._tables):
            return None
        return Prepared(
            sql=rule.sql,
            tables=frozenset(found["tables"]),
            params=frozenset(found["params"]),
            ordered=found["ordered"],
            needed=needs.read(found["needed"]),
            whole=frozenset(found["whole"]),
            columns=found["columns"],
            silent=found["silent"],
        )


def written(rules: Iterable[Rule], prepared: Mapping[str, Prepared]) -> str:
    """One line a rule, in their order."""
    tables = _tables()
    lines = []
    for rule in rules:
        query = prepared[rule.id]
        known = {
            "of": _mark(rule, tables),
            "tables": sorted(query.tables),
            "params": sorted(query.params),
            "ordered": query.ordered,
            "needed": needs.written(query.needed),
            "whole": sorted(query.whole),
            "silent": query.silent,
            "columns": dict(query.columns),
        }
        lines.append(f"{json.dumps(rule.id)}: {json.dumps(known)}")
    return "{\n" + ",\n".join(lines) + "\n}\n"


def _tables() -> str:
    return json.dumps([[name, [[column.name, column.type] for column in TABLES[name].columns]] for name in TABLES])


def _mark(rule: Rule, tables: str) -> str:
    """Of all that the answer depends on: the query, the types that its parameters are bound as, and the tables."""
    params = sorted((name, param.type, repr(param.default)) for name, param in rule.params.items())
    return hashlib.sha256(json.dumps([rule.sql, params, tables]).encode()).hexdigest()[:16]
