"""What of a rule can only be checked once its query's columns are known."""

from __future__ import annotations

from typing import TYPE_CHECKING

from datalint.errors import UsageError
from datalint.rule.reader import suggestion

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from datalint.rule.model import Rule

_NUMERIC = ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT", "FLOAT", "DOUBLE", "DECIMAL", "UTINYINT",
            "USMALLINT", "UINTEGER", "UBIGINT", "UHUGEINT", '"NULL"')  # fmt: skip
_SENTENCES = ("message", "remedy")
_TEXT = ("VARCHAR", '"NULL"')
_LOCATIONS = {"path": _TEXT, "other_path": _TEXT, "line": _NUMERIC, "severity": _TEXT}


def verify(rule: Rule, *, params: Collection[str], columns: Sequence[Sequence[str]]) -> None:
    """Raises UsageError, with its place, for a name that neither the query nor the parameters know."""
    types: dict[str, str] = {}
    for name, kind in columns:
        if name in types:
            raise UsageError(f"the query returns two columns called {name!r}", rule.where_named(name))
        types[name] = kind
    for name, kinds in _LOCATIONS.items():
        if name in types and not _is_one_of(types[name], kinds):
            hint = "rename it with `as`"
            wanted = "number" if kinds is _NUMERIC else kinds[0]
            raise UsageError(f"the column {name!r} is a {types[name]}, not a {wanted}", rule.where_named(name), hint)
    _key(rule, types)
    used = {*params, *_templates(rule, types)}
    for name in rule.params:
        if name not in used:
            hint = f"say ${name} in the query, or leave it out"
            raise UsageError(f"parameter {name!r} is not used", rule.where("params", name, key=True), hint)
        if name in types and name not in params:
            raise UsageError(f"{name!r} is both a column and a parameter", rule.where("params", name, key=True))
    _cases(rule, types)


def _is_one_of(kind: str, kinds: Collection[str]) -> bool:
    """`DECIMAL(18,3)` is a DECIMAL, a list of them is not."""
    return not kind.endswith("]") and kind.partition("(")[0] in kinds


def _key(rule: Rule, types: Collection[str]) -> None:
    for index, name in enumerate(rule.key):
        if name not in types:
            hint = suggestion(name, types)
            raise UsageError(f"key: the query returns no column {name!r}", rule.where("key", index), hint)


def _templates(rule: Rule, types: dict[str, str]) -> set[str]:
    """The names that message and remedy use."""
    used = set()
    for key, template in rule.templates.items():
        for field in template.fields:
            place = rule.where_in((key,), field.offset)
            param = rule.params.get(field.name)
            if field.name in types:
                numeric = _is_one_of(types[field.name], _NUMERIC)
            elif param:
                numeric = param.type in ("integer", "number")
            else:
                hint = suggestion(field.name, [*types, *rule.params])
                raise UsageError(f"{key}: {field.name!r} is no column of the query and no parameter", place, hint)
            if field.format and not numeric:
                raise UsageError(f"{key}: {field.name!r} is not a number, as ':{field.format}' needs", place)
            used.add(field.name)
    return used


def _cases(rule: Rule, types: Collection[str]) -> None:
    known = {*types, *_SENTENCES, "severity"}
    for case in rule.tests:
        for index, row in enumerate(case.expect):
            for name in row:
                if name not in known:
                    place = rule.where(*case.way, "expect", index, name, key=True)
                    raise UsageError(f"expect: the query returns no column {name!r}", place, suggestion(name, known))
