"""What the rows of a FROM must hold so that a condition can be true of any."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from datalint.rule.cells import MAX_CELL
from datalint.rule.identifiers import folded
from datalint.rule.needs import NOTHING, Need, Needs, either
from datalint.tables import TABLES

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Mapping

    Node = Mapping[str, Any]

# A comparison with NULL is not true.
_COMPARISONS = frozenset(
    f"COMPARE_{kind}"
    for kind in ("EQUAL", "NOTEQUAL", "LESSTHAN", "GREATERTHAN", "LESSTHANOREQUALTO", "GREATERTHANOREQUALTO")
)
_TYPES = {"STRING": "VARCHAR", "BOOLEAN": "BOOLEAN"}
"""Constant -> the type of column that holds it as it is written."""


class Scope(NamedTuple):
    """What names stand for."""

    names: Mapping[str, str | None]
    """Of a source of rows in the FROM -> the table that it is; None where it is something else."""
    queries: Collection[str]
    """Of the WITH clauses."""


def scope_of(sources: Iterable[Node], queries: Collection[str]) -> Scope:
    """That of a condition on a FROM, or on what a JOIN has on its sides."""
    return Scope({name: table for source in sources for name, table in _names(source, queries)}, queries)


def _names(source: Node, queries: Collection[str]) -> Iterator[tuple[str, str | None]]:
    kind = source["type"]
    if kind == "JOIN":
        yield from _names(source["left"], queries)
        # Only the condition of such a join sees its right side: after it the name is one of outside, if any.
        if source["join_type"] not in ("SEMI", "ANTI"):
            yield from _names(source["right"], queries)
        return
    name = folded(source["qualified_name"]["path"][-1]) if kind == "BASE_TABLE" else ""
    is_table = name in TABLES and name not in queries and not source.get("column_name_alias")
    yield folded(source.get("alias") or name), name if is_table else None


def needed_by(condition: Node | None, scope: Scope, query: Callable[[Node], Needs]) -> Needs:
    """Where it is true; `query` tells it of a query inside the condition, of which a row is asked for."""
    if not condition:
        return NOTHING
    kind = condition["type"]
    if kind == "CONJUNCTION_AND":
        return NOTHING.union(*(needed_by(each, scope, query) for each in condition["children"]))
    if kind == "CONJUNCTION_OR":
        return either(needed_by(each, scope, query) for each in condition["children"])
    if kind == "SUBQUERY" and condition["subquery_type"] in ("EXISTS", "ANY"):
        return query(condition["subquery"]["node"]) | _known(condition.get("child"), scope)
    if kind == "COLUMN_REF":
        return _valued(condition, scope, "BOOLEAN", ("true",))
    if kind == "OPERATOR_NOT":
        [inner] = condition["children"]
        if inner["type"] == "COMPARE_IN":
            return _known(inner["children"][0], scope)
        return _valued(inner, scope, "BOOLEAN", ("false",))
    if kind == "OPERATOR_IS_NOT_NULL":
        return _known(condition["children"][0], scope)
    if kind == "COMPARE_BETWEEN":
        return _known(condition["input"], scope)
    if kind == "COMPARE_IN":
        first, *others = condition["children"]
        return _equal(first, others, scope) or _known(first, scope)
    if kind not in _COMPARISONS:
        return NOTHING
    left, right = condition["left"], condition["right"]
    equal = _equal(left, [right], scope) or _equal(right, [left], scope) if kind == "COMPARE_EQUAL" else NOTHING
    return equal or _known(left, scope) | _known(right, scope)


def _equal(node: Node, others: Collection[Node], scope: Scope) -> Needs:
    """A column that is one of some constants; nothing where they are not all of its type."""
    if not all(each["type"] == "VALUE_CONSTANT" for each in others):
        return NOTHING
    kinds = {each["literal"]["kind"] for each in others if each.get("literal")}
    values = [each["literal"]["text"] for each in others if each.get("literal")]
    if len(values) < len(others) or len(kinds) != 1 or not all(map(_is_plain, values)):
        return NOTHING
    return _valued(node, scope, _TYPES.get(kinds.pop(), ""), tuple(sorted(set(values))))


def _is_plain(text: str) -> bool:
    """Whether it is the same after the way into the database, where what SQL cannot hold is cut or written out."""
    return "\\" not in text and len(text) < MAX_CELL


def _known(node: Node | None, scope: Scope) -> Needs:
    """A column that is not NULL."""
    place = _place(node, scope)
    return NOTHING if place is None else frozenset({Need(*place)})


def _valued(node: Node, scope: Scope, kind: str, values: tuple[str, ...]) -> Needs:
    """A column of this type with one of the values."""
    place = _place(node, scope)
    if place is None or TABLES[place[0]].types[place[1]] != kind:
        return NOTHING
    return frozenset({Need(*place, values)})


def _place(node: Node | None, scope: Scope) -> tuple[str, str] | None:
    """Table and column, where it is plain which they are."""
    if node is None:
        return None
    if node["type"] == "SUBQUERY":
        return extreme(node, scope.queries)
    if node["type"] != "COLUMN_REF":
        return None
    *above, column = map(folded, node["column_names"])
    if len(above) > 1 or (not above and len(scope.names) != 1):
        return None
    table = scope.names.get(above[0]) if above else next(iter(scope.names.values()))
    return (table, column) if table is not None and column in TABLES[table].types else None


def extreme(query: Node, queries: Collection[str]) -> tuple[str, str] | None:
    """The column of which a scalar subquery returns the smallest or largest value: it is one of them."""
    node = query["subquery"]["node"]
    # One in a FROM has no such type.
    is_scalar = query.get("subquery_type") == "SCALAR"
    if not is_scalar or node["type"] != "SELECT_NODE" or (node.get("cte_map") or {}).get("map"):
        return None
    [item, *others] = node["select_list"]
    if others or item["type"] != "FUNCTION" or item["function_name"] not in ("min", "max"):
        return None
    arguments = item["arguments"]
    # DuckDB refuses none; of two, the second says how many values are wanted.
    return _place(arguments[0]["expression"], scope_of([node["from_table"]], queries)) if len(arguments) == 1 else None
