"""Rows without which a query finds nothing, whatever else there is: then nobody need ask it.

Read from the syntax tree of a query that passed the guard. Where it is not plain that nothing can come of a table
without such a row, the row is not needed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from datalint.rule.conditions import extreme, needed_by, scope_of
from datalint.rule.identifiers import folded
from datalint.rule.needs import NOTHING, Need, Needs, either

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    Node = Mapping[str, Any]
    Named = Mapping[str, Needs]
    """What each name of a WITH clause needs."""

_AGGREGATES = """
    count count_star count_if countif sum avg mean min max arg_min arg_max argmin argmax min_by max_by first last
    any_value arbitrary mode median quantile quantile_cont quantile_disc approx_count_distinct stddev stddev_pop
    stddev_samp var_pop var_samp variance corr covar_pop covar_samp regr_slope regr_intercept regr_r2 skewness kurtosis
    entropy mad product bool_and bool_or bit_and bit_or bit_xor string_agg group_concat listagg list array_agg fsum
    kahan_sum sumkahan favg histogram
"""
AGGREGATES = frozenset(_AGGREGATES.split())
"""Of the functions that the guard lets pass those that make one row of none (DuckDB's aggregates)."""


def needed(node: Node) -> Needs:
    """Of a SELECT, as `json_serialize_sql` gives it."""
    try:
        return _of(node, {})
    except RecursionError:
        return NOTHING


def _of(node: Node, named: Named) -> Needs:
    for name, query in _with(node):
        named = {**named, name: _of(query, named)}
    if node["type"] == "SET_OPERATION_NODE":
        first, *others = (_of(child, named) for child in node["children"])
        if node["setop_type"] == "EXCEPT":
            return first
        return first.union(*others) if node["setop_type"] == "INTERSECT" else either([first, *others])
    if _sums_up(node, named):
        return NOTHING
    return _from(node["from_table"], named) | _where(node.get("where_clause"), [node["from_table"]], named)


def _with(node: Node) -> Iterator[tuple[str, Node]]:
    """The queries of its WITH clause, in their order: each knows those before it."""
    for entry in (node.get("cte_map") or {}).get("map", ()):
        yield folded(entry["key"]), entry["value"]["query_node"]


def _where(condition: Node | None, sources: Iterable[Node], named: Named) -> Needs:
    return needed_by(condition, scope_of(sources, named), lambda query: _of(query, named))


def _from(source: Node, named: Named) -> Needs:
    kind = source["type"]
    if kind == "BASE_TABLE":
        name = folded(source["qualified_name"]["path"][-1])
        return named.get(name, frozenset({Need(name)}))
    if kind == "SUBQUERY":
        return _of(source["subquery"]["node"], named)
    if kind != "JOIN" or source["ref_type"] not in ("REGULAR", "NATURAL", "CROSS"):
        return NOTHING
    sides = {side: _from(source[side], named) for side in ("left", "right")}
    taken = {"INNER": ("left", "right"), "SEMI": ("left", "right"), "LEFT": ("left",), "ANTI": ("left",),
             "RIGHT": ("right",)}.get(source["join_type"], ())  # fmt: skip
    found = NOTHING.union(*(sides[side] for side in taken))
    # Only of these is every row one that the condition is true of.
    inner = source["join_type"] in ("INNER", "SEMI")
    return found | _where(source.get("condition"), [source["left"], source["right"]], named) if inner else found


def _sums_up(node: Node, named: Named) -> bool:
    """Whether it may make a row of none: an aggregate without groups, or with a set of groups that is empty."""
    if not all(node["group_sets"]):
        return True
    if node["group_expressions"]:
        return False
    if node["aggregate_handling"] == "FORCE_AGGREGATES":
        return not any(_groups(item, node) for item in node["select_list"])
    if node["having"] is not None or node["aggregate_handling"] != "STANDARD_HANDLING":
        return True
    return any(_called([node["select_list"], node["qualify"], node["modifiers"]], named))


def _groups(item: Node, node: Node) -> bool:
    """Whether GROUP BY ALL groups by it: a column of this FROM, not one of outside, nor the name of another item."""
    if item["type"] != "COLUMN_REF" or len(item["column_names"]) != 2:
        return False
    names = scope_of([node["from_table"]], ()).names
    return folded(item["column_names"][0]) in names.keys() - {folded(each["alias"]) for each in node["select_list"]}


def _called(item: Any, named: Named, *, inside: bool = False) -> Iterator[str]:
    """Aggregates below, those of a window left out, and of queries inside those that are plainly their own."""
    if isinstance(item, list):
        for each in item:
            yield from _called(each, named, inside=inside)
    elif isinstance(item, dict):
        for name, _ in _with(item):
            named = {**named, name: NOTHING}
        if item.get("type") == "SUBQUERY":
            inside = True
            if extreme(item, named) is not None:
                # Its own aggregate; what else there is may hold one of a column of outside.
                query = item["subquery"]["node"]
                item = {**query, "select_list": list(query["select_list"][0].values())}
        is_aggregate = item.get("type") == "FUNCTION" and item["function_name"].lower() in AGGREGATES
        if is_aggregate and not (inside and _counts_rows(item)):
            yield item["function_name"]
        for each in item.values():
            yield from _called(each, named, inside=inside)


def _counts_rows(function: Node) -> bool:
    """Whether it names no column that might be one of outside."""
    return not (function["arguments"] or function["filter"] or function["order_bys"]["orders"])
