"""The inline tests of a rule file, checked against the tables that they fill."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from datalint.rule.model import Case
from datalint.rule.params import wrong_value
from datalint.rule.reader import is_a, shown, suggestion
from datalint.tables import TABLES

if TYPE_CHECKING:
    from collections.abc import Mapping

    from datalint.rule.model import Param
    from datalint.rule.reader import Reader
    from datalint.strict_yaml import Way

MAX_TIMES = 1_000_000
_KEYS = {"name": str, "params": dict, "given": dict, "expect": list}
_FITS: dict[str, tuple[type, ...]] = {
    "BIGINT": (int,),
    "DOUBLE": (int, float),
    "BOOLEAN": (bool,),
    "VARCHAR": (str, int, float, bool),
}


def read_cases(reader: Reader, tests: list[Any], params: Mapping[str, Param]) -> tuple[Case, ...]:
    """At least two: one that expects findings and one that expects none."""
    cases: list[Case] = []
    for index in range(len(tests)):
        way: Way = ("tests", index)
        given = reader.mapping(way, _KEYS, required=("name", "given", "expect"))
        if any(case.name == given["name"] for case in cases):
            reader.fail(f"two tests are called {given['name']!r}", (*way, "name"))
        cases.append(
            Case(
                name=given["name"],
                params=_params(reader, given.get("params", {}), params, (*way, "params")),
                given=_tables(reader, given["given"], (*way, "given")),
                expect=_expected(reader, given["expect"], (*way, "expect")),
                way=way,
            )
        )
    if not any(case.expect for case in cases):
        reader.fail("no test expects a finding: show the rule firing", ("tests",), key=True)
    if all(case.expect for case in cases):
        reader.fail("no test expects []: show the rule silent", ("tests",), key=True)
    return tuple(cases)


def _params(reader: Reader, given: dict[str, Any], params: Mapping[str, Param], way: Way) -> dict[str, Any]:
    for name, value in given.items():
        if name not in params:
            reader.fail(f"unknown parameter {name!r}", (*way, name), key=True, hint=suggestion(name, params))
        wrong = wrong_value(params[name], value)
        if wrong:
            reader.fail(f"{name}: {wrong}", (*way, name))
    return given


def _tables(reader: Reader, given: dict[str, Any], way: Way) -> dict[str, tuple[tuple[Mapping[str, Any], int], ...]]:
    tables = {}
    for name, rows in given.items():
        if name not in TABLES:
            reader.fail(f"unknown table {name!r}", (*way, name), key=True, hint=suggestion(name, TABLES))
        if not isinstance(rows, list):
            reader.fail(f"{name}: expected a list of rows, got {shown(rows)}", (*way, name))
        tables[name] = tuple(_row(reader, row, name, (*way, name, index)) for index, row in enumerate(rows))
    return tables


def _row(reader: Reader, row: Any, name: str, way: Way) -> tuple[Mapping[str, Any], int]:
    table = TABLES[name]
    types = table.types
    if not isinstance(row, dict):
        reader.fail(f"expected a row such as {{path: a.png}}, got {shown(row)}", way)
    values = dict(row)
    times = values.pop("times", 1)
    if not is_a(times, (int,)) or not 1 <= times <= MAX_TIMES:
        reader.fail(f"times: expected 1 to {MAX_TIMES}, got {shown(times)}", (*way, "times"))
    for column, value in values.items():
        if not isinstance(column, str) or (column not in types and not table.user_columns):
            hint = suggestion(column, types)
            reader.fail(f"table {name!r} has no column {column!r}", (*way, column), key=True, hint=hint)
        if column not in types and column.lower() in types:
            hint = f"did you mean {column.lower()!r}?"
            reader.fail(f"table {name!r} has no column {column!r}", (*way, column), key=True, hint=hint)
        type_ = types.get(column, "VARCHAR")
        if value is not None and not is_a(value, _FITS[type_]):
            reader.fail(f"{column} is a {type_}, got {shown(value)}", (*way, column))
        if type_ == "BIGINT" and value is not None and not -(2**63) <= value < 2**63:
            reader.fail(f"{column} is a {type_} of 64 bits, got {value}", (*way, column))
        if type_ == "VARCHAR" and value is not None:
            values[column] = as_text(value)
    return values, times


def as_text(value: Any) -> str:
    """A YAML scalar as a text column holds it: `label: 0` means the class '0'."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def _expected(reader: Reader, expect: list[Any], way: Way) -> tuple[Mapping[str, Any], ...]:
    for index, row in enumerate(expect):
        if row == {}:
            reader.fail("an expected row must name a column, as in {path: a.png}", (*way, index))
        if not isinstance(row, dict):
            reader.fail(f"expected a row such as {{path: a.png}}, got {shown(row)}", (*way, index))
    return tuple(expect)
