"""The parameters that a rule declares, and whether a value fits one."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from datalint.rule.model import Param
from datalint.rule.reader import WORDS, is_a, shown

if TYPE_CHECKING:
    from collections.abc import Callable

    from datalint.rule.reader import Reader
    from datalint.strict_yaml import Way

_IDENTIFIER = re.compile(r"[a-z_][a-z0-9_]*\Z")
_PARAM_KEYS = {"type": str, "default": object, "min": (int, float), "max": (int, float), "items": str,
               "choices": list, "doc": str}  # fmt: skip
_TYPES = {"integer": (int,), "number": (int, float), "string": (str,), "boolean": (bool,), "list": (list,)}


def read_params(reader: Reader, declared: dict[str, Any]) -> dict[str, Param]:
    params = {}
    for name in declared:
        way: Way = ("params", name)
        if not isinstance(name, str) or not _IDENTIFIER.match(name):
            reader.fail(f"parameter {name!r} must be lower case letters, digits and '_'", way, key=True)
        if name == "severity":
            reader.fail("in rules.settings 'severity' is the severity of the rule: name it otherwise", way, key=True)
        given = reader.mapping(way, _PARAM_KEYS, required=("type", "default"))
        kind = reader.one_of((*way, "type"), _TYPES)
        items = "string"
        if "items" in given:
            if kind != "list":
                reader.fail("only a list has items", (*way, "items"), key=True)
            items = reader.one_of((*way, "items"), [word for word in _TYPES if word != "list"])
        for limit in ("min", "max"):
            if limit in given and kind not in ("integer", "number"):
                reader.fail(f"{limit} needs an integer or a number", (*way, limit), key=True)
        if given.get("choices") == []:
            reader.fail("choices is empty", (*way, "choices"))
        param = Param(
            name=name, type=kind, default=given["default"], doc=given.get("doc", ""), min=given.get("min"),
            max=given.get("max"), items=items, choices=tuple(given.get("choices", ())),
        )  # fmt: skip
        wrong = wrong_value(param, param.default)
        if wrong:
            reader.fail(f"default of {name}: {wrong}", (*way, "default"))
        params[name] = param
    return params


def wrong_value(param: Param, value: Any, show: Callable[[Any], str] = shown) -> str:
    """What is wrong with a value for this parameter, which `show` writes; empty when nothing is."""
    if not is_a(value, _TYPES[param.type]):
        words = " or ".join(WORDS[kind] for kind in _TYPES[param.type] if kind is not int or param.type == "integer")
        return f"expected {words}, got {show(value)}"
    if param.type == "list":
        wrong = next((item for item in value if not is_a(item, _TYPES[param.items])), WORDS)
        if wrong is not WORDS:
            return f"expected a list of type {param.items}, got {show(wrong)} in it"
    chosen = value if param.type == "list" else [value]
    strangers = [item for item in chosen if param.choices and item not in param.choices]
    if strangers:
        return f"{show(strangers[0])} is none of {', '.join(map(str, param.choices))}"
    if param.min is not None and value < param.min:
        return f"{value} is below the minimum {param.min}"
    if param.max is not None and value > param.max:
        return f"{value} is above the maximum {param.max}"
    return ""
