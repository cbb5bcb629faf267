"""The first fence around a rule's query: every node, table and function of its syntax tree must be known.

What is not on a list here is refused, so a DuckDB that learns something new does not open a door.
Works on the tree that DuckDB's own `json_serialize_sql` gives; needs no database itself.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from datalint.rule.columns import whole
from datalint.rule.identifiers import folded
from datalint.rule.needed import needed
from datalint.tables import TABLES

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from datalint.rule.needs import Needs

MAX_BYTES = 8192
"""Longest query; the worst that fits in it is parsed in milliseconds."""
_NOWHERE = 2**63
"""Locations beyond are DuckDB's way to say that it has none."""

_NODES = """
    SELECT_NODE SET_OPERATION_NODE BASE_TABLE JOIN SUBQUERY EMPTY EXPRESSION_LIST ORDER_MODIFIER LIMIT_MODIFIER
    LIMIT_PERCENT_MODIFIER DISTINCT_MODIFIER ORDER_DEFAULT ASCENDING DESCENDING COLUMN_REF STAR VALUE_CONSTANT
    VALUE_PARAMETER FUNCTION CASE_EXPR OPERATOR_CAST TYPE LAMBDA POSITIONAL_REFERENCE CONJUNCTION_AND
    CONJUNCTION_OR COMPARE_EQUAL COMPARE_NOTEQUAL COMPARE_LESSTHAN COMPARE_GREATERTHAN COMPARE_LESSTHANOREQUALTO
    COMPARE_GREATERTHANOREQUALTO COMPARE_DISTINCT_FROM COMPARE_NOT_DISTINCT_FROM COMPARE_IN COMPARE_NOT_IN
    COMPARE_BETWEEN COMPARE_NOT_BETWEEN OPERATOR_NOT OPERATOR_IS_NULL OPERATOR_IS_NOT_NULL OPERATOR_COALESCE
    GROUPING_FUNCTION ARRAY_EXTRACT ARRAY_SLICE STRUCT_EXTRACT WINDOW_AGGREGATE WINDOW_ROW_NUMBER WINDOW_RANK
    WINDOW_RANK_DENSE WINDOW_NTILE WINDOW_PERCENT_RANK WINDOW_CUME_DIST WINDOW_FIRST_VALUE WINDOW_LAST_VALUE
    WINDOW_NTH_VALUE WINDOW_LEAD WINDOW_LAG
"""
NODES = frozenset(_NODES.split())

_TYPES = """
    BOOLEAN TINYINT SMALLINT INTEGER BIGINT HUGEINT UTINYINT USMALLINT UINTEGER UBIGINT FLOAT DOUBLE DECIMAL
    VARCHAR DATE TIMESTAMP LIST ARRAY
"""
TYPES = frozenset(_TYPES.split())

# Nothing here makes a value much longer than its arguments (so no repeat, lpad, format, range), reads the
# surroundings (getvariable, getenv), or depends on time or chance. What is left to grow, as `||` in a chain of
# subqueries, meets the child's memory limit.
_FUNCTIONS = """
    + - * / // % ** ^ & | << >> ~ @ || ^@ <=> ~~ !~~ ~~* !~~* ~~~ like_escape not_like_escape ilike_escape
    not_ilike_escape && @> <@ count count_star count_if countif sum avg mean min max arg_min arg_max argmin argmax
    min_by max_by first last any_value arbitrary mode median quantile quantile_cont quantile_disc
    approx_count_distinct stddev stddev_pop stddev_samp var_pop var_samp variance corr covar_pop covar_samp
    regr_slope regr_intercept regr_r2 skewness kurtosis entropy mad product bool_and bool_or bit_and bit_or
    bit_xor string_agg group_concat listagg list array_agg fsum kahan_sum sumkahan favg histogram row_number rank
    dense_rank rank_dense ntile percent_rank cume_dist first_value last_value nth_value lead lag abs ceil ceiling
    floor round trunc sign sqrt cbrt exp ln log log2 log10 pow power mod fdiv fmod greatest least isnan isinf
    isfinite radians degrees sin cos tan asin acos atan atan2 pi gcd lcm bit_count xor even length len strlen
    lower upper lcase ucase trim ltrim rtrim substring substr left right strpos position instr contains
    starts_with prefix ends_with suffix split_part string_split str_split string_to_array split replace
    regexp_extract regexp_matches regexp_full_match regexp_replace regexp_extract_all concat concat_ws reverse
    ascii unicode ord chr translate strip_accents nfc_normalize parse_filename parse_dirname parse_path hamming
    mismatches jaro_winkler_similarity jaccard if ifnull nullif list_value list_contains list_has array_contains
    array_has list_position list_indexof array_position array_length list_distinct list_unique list_sort
    list_reverse_sort list_filter list_transform list_apply list_extract array_extract list_has_any list_has_all
    array_has_any array_has_all list_concat list_cat array_concat array_to_string list_min list_max list_sum
    list_avg list_first list_last list_count struct_pack struct_extract row unnest date_diff datediff date_part
    datepart date_trunc year month day hour minute second strptime try_strptime
"""
FUNCTIONS = frozenset(_FUNCTIONS.split())

_CLOCK_AND_CHANCE = """
    current_date current_time current_timestamp localtime localtimestamp current_user session_user user
    current_role current_schema current_database current_catalog today now get_current_timestamp
"""
CLOCK_AND_CHANCE = frozenset(_CLOCK_AND_CHANCE.split())
"""Words that parse as columns; a rule that used one would not give the same findings tomorrow."""


class RefusedError(ValueError):
    """The query is not for us; `offset` counts characters from 0, None where nobody knows."""

    def __init__(self, message: str, offset: int | None = None) -> None:
        super().__init__(message)
        self.offset = offset


@dataclass(frozen=True, slots=True)
class Reads:
    """What a query asks for."""

    tables: frozenset[str]
    params: frozenset[str]
    ordered: bool
    """Whether it says in which order its rows come."""
    needed: Needs
    """Rows without which it finds nothing."""
    whole: frozenset[str]
    """Tables of which it may read columns that it does not name."""


def check_length(sql: str) -> None:
    """Before anything parses it."""
    size = len(sql.encode("utf-8", "surrogatepass"))
    if size > MAX_BYTES:
        raise RefusedError(f"the query is {size:,} bytes long (limit {MAX_BYTES:,})", 0)


def inspect(sql: str, serialized: str, *, params: Collection[str], extra: Collection[str] = ()) -> Reads:
    """Raises RefusedError for what is not one harmless SELECT.

    `serialized` is json_serialize_sql's answer for `sql`; `extra` names columns of the user's manifest.
    """
    try:
        answer = json.loads(serialized)
    except RecursionError as error:
        raise RefusedError("the query is nested too deep", 0) from error
    if answer.get("error"):
        place = answer.get("position")
        message = str(answer.get("error_message", "not SQL"))
        if "SELECT" in message:
            message = "a rule is one SELECT statement"
        raise RefusedError(message, characters(sql, int(place)) if place else 0)
    statements = answer["statements"]
    if len(statements) != 1:
        raise RefusedError("a rule is one SELECT statement", 0)
    walk = _Walk(sql, frozenset(params), frozenset(name.lower() for name in extra))
    walk.run(statements[0]["node"])
    node = statements[0]["node"]
    ordered = any(modifier["type"] == "ORDER_MODIFIER" for modifier in node.get("modifiers") or ())
    return Reads(frozenset(walk.tables), frozenset(walk.params), ordered, needed(node), whole(node, sql))


class _Walk:
    """Visits every node once, without recursion; remembers which tables and parameters it met."""

    def __init__(self, sql: str, declared: frozenset[str], extra: frozenset[str]) -> None:
        self.sql = sql
        self.declared = declared
        self.extra = extra
        self.tables: set[str] = set()
        self.params: set[str] = set()

    def run(self, root: Any) -> None:
        stack: list[tuple[Any, frozenset[str]]] = [(root, frozenset())]
        while stack:
            item, named = stack.pop()
            if isinstance(item, dict):
                self.visit(item, named)
                stack.extend(_children(item, named))
            elif isinstance(item, list):
                stack.extend((child, named) for child in item)

    def visit(self, node: dict[str, Any], named: frozenset[str]) -> None:
        if node.get("sample") is not None:
            self.refuse("a sample depends on chance", node)
        kind = node.get("type")
        if kind is None:
            return
        if kind not in NODES:
            self.refuse(f"{_words(kind)} is not allowed in a rule", node)
        if kind == "BASE_TABLE":
            self.table(node, named)
        elif kind == "VALUE_PARAMETER":
            self.param(node)
        elif kind == "TYPE":
            self.type(node)
        elif kind == "STAR" and node.get("expr") is not None:
            self.refuse("columns(...) is not allowed in a rule", node)
        elif kind == "COLUMN_REF":
            self.column(node)
        if "function_name" in node:
            self.function(node)

    def table(self, node: dict[str, Any], named: frozenset[str]) -> None:
        path = node["qualified_name"]["path"]
        if len(path) != 1 or node.get("at_clause") is not None:
            self.refuse(f"table {'.'.join(path)!r} is not allowed: name it without a schema", node)
        name = folded(path[0])
        if name in named:
            return
        if name in TABLES:
            self.tables.add(name)
        else:
            self.refuse(f"there is no table {path[0]!r}", node)

    def param(self, node: dict[str, Any]) -> None:
        name = node["identifier"]
        if name not in self.declared:
            message = f"parameter ${name} is not declared in params"
            self.refuse("parameters have names: $limit, not ?" if name.isdecimal() else message, node)
        self.params.add(name)

    def type(self, node: dict[str, Any]) -> None:
        path = node["qualified_name"]["path"]
        if len(path) != 1 or path[0].upper() not in TYPES:
            self.refuse(f"type {'.'.join(path)} is not allowed in a rule", node)

    def column(self, node: dict[str, Any]) -> None:
        names = [name.lower() for name in node["column_names"]]
        if len(names) == 1 and names[0] in CLOCK_AND_CHANCE and names[0] not in self.extra:
            self.refuse(f"{names[0]} is not allowed: a rule gives the same answer every day", node)

    def function(self, node: dict[str, Any]) -> None:
        name, path = node["function_name"], node["qualified_name"]["path"]
        if len(path) != 1 or name.lower() not in FUNCTIONS:
            self.refuse(f"function {'.'.join(path)!r} is not allowed in a rule", node)

    def refuse(self, message: str, node: dict[str, Any]) -> None:
        place = node.get("query_location")
        raise RefusedError(message, characters(self.sql, place) if place is not None and place < _NOWHERE else None)


def _children(node: dict[str, Any], named: frozenset[str]) -> Iterator[tuple[Any, frozenset[str]]]:
    """A WITH clause's own names are known after it, each also in the clauses that follow it."""
    for entry in (node.get("cte_map") or {}).get("map", ()):
        yield entry["value"], named
        named |= {folded(entry["key"])}
    yield from ((child, named) for key, child in node.items() if key != "cte_map")


def characters(sql: str, offset: int) -> int:
    """DuckDB counts bytes, people count characters."""
    return len(sql.encode("utf-8", "surrogatepass")[:offset].decode("utf-8", "ignore"))


def _words(kind: str) -> str:
    return kind.removesuffix("_NODE").removesuffix("_REF").lower().replace("_", " ")
