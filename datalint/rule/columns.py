"""Which columns of the tables queries may read: the others need not be handed to the child."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import reduce
from typing import TYPE_CHECKING, Any

from datalint.rule.identifiers import folded
from datalint.tables import TABLES

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    Node = Mapping[str, Any]

_WORD = re.compile(r"\w+")


@dataclass(frozen=True, slots=True)
class Columns:
    """Those that have one of some names, whatever table they are of, and all of some tables."""

    names: frozenset[str] = frozenset()
    whole: frozenset[str] = frozenset(TABLES)

    def __contains__(self, column: tuple[str, str]) -> bool:
        """Of a table and a name in it."""
        table, name = column
        return table in self.whole or folded(name) in self.names

    def __or__(self, other: Columns) -> Columns:
        return Columns(self.names | other.names, self.whole | other.whole)

    def cover(self, other: Columns) -> bool:
        """Whether all of the others are among them."""
        return other.whole <= self.whole and (other.names <= self.names or self.whole == frozenset(TABLES))


ALL = Columns()
NONE = Columns(whole=frozenset())


def read_by(queries: Iterable[tuple[str, frozenset[str]]]) -> Columns:
    """By queries, each with the tables that are `whole` to it."""
    return reduce(Columns.__or__, (Columns(words(sql), whole) for sql, whole in queries), NONE)


def words(sql: str) -> frozenset[str]:
    """Everything in a query that may name a column of ours."""
    return frozenset(map(folded, _WORD.findall(sql)))


def whole(node: Node, sql: str) -> frozenset[str]:
    """Tables of which a SELECT may read a column without its name in the text.

    By a star, a place (`#1`), a row as a value, a natural join, or under another name.
    """
    tables = [item for item in _below(node) if item.get("type") == "BASE_TABLE"]
    rows = {folded(name) for table in tables for name in (table["alias"], _name(table))}
    known = words(sql)
    if any(_hides(item, known, rows) for item in _below(node)):
        return frozenset(map(_name, tables)) & TABLES.keys()
    starred = (item for item in _below(node) if item.get("type") == "SELECT_NODE" and _has_star(item))
    sources = (source for select in starred for source in _below(select["from_table"], queries=False))
    return frozenset(_name(source) for source in sources if source.get("type") == "BASE_TABLE") & TABLES.keys()


def _hides(item: Node, known: frozenset[str], rows: set[str]) -> bool:
    """Whether nobody can tell which columns it is about; `known` are words of the text, `rows` names in a FROM."""
    kind = item.get("type")
    if kind == "COLUMN_REF":
        names = [*map(folded, item["column_names"])]
        return not known.issuperset(names) or (len(names) == 1 and names[0] in rows)
    if kind == "JOIN":
        return bool(item["ref_type"] == "NATURAL")
    if kind == "SELECT_NODE":
        return bool(item["from_table"]["type"] == "EMPTY" and _has_star(item))
    return kind == "POSITIONAL_REFERENCE" or bool(item.get("column_name_alias"))


def _has_star(select: Node) -> bool:
    """Of its own FROM."""
    return any(item.get("type") == "STAR" for item in _below(select, queries=False))


def _name(table: Node) -> str:
    return folded(table["qualified_name"]["path"][-1])


def _below(root: Node, *, queries: bool = True) -> Iterator[Node]:
    """It and every node below, without recursion, those of queries inside it on demand."""
    stack: list[Any] = [root]
    while stack:
        item = stack.pop()
        if isinstance(item, list):
            stack.extend(item)
        elif isinstance(item, dict) and (queries or item is root or item.get("type") != "SELECT_NODE"):
            yield item
            stack.extend(item.values())
