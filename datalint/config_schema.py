"""Checks data against `config.schema.json`: the keywords that file uses, with messages for people.

A full validator would cost an import of 100 ms at every commit and would not say "did you mean".
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from datalint.similar import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

SCHEMA_FILE = Path(__file__).with_name("config.schema.json")

Keys = tuple[str | int, ...]
"""Way from the top of the file to a value: keys of mappings, indices of lists."""

_TYPES: Mapping[str, tuple[type, ...]] = {
    "object": (dict,),
    "array": (list,),
    "string": (str,),
    "boolean": (bool,),
    "number": (int, float),
    "integer": (int, float),
    "null": (type(None),),
}
_WORDS = {
    "object": "a mapping",
    "array": "a list",
    "string": "text",
    "boolean": "true or false",
    "number": "a number",
    "integer": "a whole number",
    "null": "nothing",
}


@dataclass(frozen=True, slots=True)
class Violation:
    """What is wrong at `keys`; `at_key` says that the key itself is wrong, not its value."""

    keys: Keys
    message: str
    hint: str = ""
    at_key: bool = False


@cache
def schema() -> dict[str, Any]:
    """The published JSON Schema, as data."""
    loaded: dict[str, Any] = json.loads(SCHEMA_FILE.read_text("utf-8"))
    return loaded


def violations(data: object) -> Iterator[Violation]:
    """Every way in which `data` breaks the schema, in the order of the file."""
    return _check(data, schema(), ())


def reference() -> str:
    """Every key in Markdown, for `docs/config.md`: one table a section."""
    lines: list[str] = []
    for title, properties in _sections(schema(), ""):
        lines += [f"### {title}", ""] if title else []
        lines += ["| key | value | default | meaning |", "|---|---|---|---|"]
        for name, node in properties.items():
            default = f"`{shown(node['default'])}`" if "default" in node else ""
            node = resolve(node)
            meaning = node.get("description", "").replace("|", r"\|")
            lines.append(f"| `{name}` | {_wanted_all(node)} | {default} | {meaning} |")
        lines.append("")
    return "\n".join(lines).rstrip() + "\n"


def _sections(node: dict[str, Any], title: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """The mappings of the schema, from the outside in, each with the name under which the user writes it."""
    node = resolve(node)
    if "properties" in node:
        yield title, node["properties"]
    inner = [(name, child) for name, child in node.get("properties", {}).items()]
    if isinstance(node.get("additionalProperties"), dict):
        inner.append(("NAME", node["additionalProperties"]))
    inner += [("[]", child) for child in (node.get("items"),) if child]
    for name, child in inner:
        yield from _sections(child, f"{title}.{name}".lstrip(".").replace(".[]", "[]"))
    for option in node.get("anyOf", ()):
        yield from _sections(option, title)


def resolve(node: dict[str, Any]) -> dict[str, Any]:
    """The node itself, or the definition that it refers to under the node's own description."""
    if "$ref" not in node:
        return node
    target: dict[str, Any] = schema()["definitions"][node["$ref"].rpartition("/")[2]]
    return {**target, **{key: value for key, value in node.items() if key != "$ref"}}


def suggest(word: str, known: Iterable[str]) -> str:
    """A hint with the nearest known word, or all of them where they are few; empty without any."""
    names = sorted(known)
    return did_you_mean(word, names) or (f"known: {', '.join(names)}" if 0 < len(names) <= 20 else "")


def shown(value: object) -> str:
    """A value as the user would write it, cut to fit into a message."""
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= 60 else text[:57] + "..."


def _check(value: Any, node: dict[str, Any], keys: Keys) -> Iterator[Violation]:
    node = resolve(node)
    if "anyOf" in node:
        yield from _check_any(value, [resolve(option) for option in node["anyOf"]], keys)
        return
    if not _fits(value, node):
        yield Violation(keys, f"expected {_wanted(node)}, got {shown(value)}", _enum_hint(value, node))
    elif isinstance(value, dict):
        yield from _check_mapping(value, node, keys)
    elif isinstance(value, list):
        yield from _check_list(value, node, keys)
    elif isinstance(value, str):
        yield from _check_text(value, node, keys)
    elif isinstance(value, int | float) and not isinstance(value, bool):
        yield from _check_number(value, node, keys)


def _check_any(value: Any, options: list[dict[str, Any]], keys: Keys) -> Iterator[Violation]:
    fitting = [option for option in options if _fits(value, option)]
    if not fitting:
        wanted = " or ".join(_wanted(option) for option in options)
        hints = (_enum_hint(value, option) for option in options)
        yield Violation(keys, f"expected {wanted}, got {shown(value)}", next(filter(None, hints), ""))
        return
    found = [list(_check(value, option, keys)) for option in fitting]
    if all(found):
        yield from found[0]


def _check_mapping(value: dict[Any, Any], node: dict[str, Any], keys: Keys) -> Iterator[Violation]:
    properties: dict[str, Any] = node.get("properties", {})
    others: bool | dict[str, Any] = node.get("additionalProperties", True)
    for key, item in value.items():
        if not isinstance(key, str):
            yield Violation((*keys, key), f"expected text as a key, got {shown(key)}", at_key=True)
        elif key in properties:
            yield from _check(item, properties[key], (*keys, key))
        elif isinstance(others, dict):
            yield from _check(item, others, (*keys, key))
        elif not others:
            yield Violation((*keys, key), f"unknown key {key!r}", suggest(key, properties), at_key=True)
    for key in node.get("required", ()):
        if key not in value:
            yield Violation(keys, f"missing key {key!r}: {properties[key].get('description', 'required')}")
    for choice in node.get("allOf", ()):
        names = [option["required"][0] for option in choice["anyOf"]]
        if not value.keys() & {*names}:
            yield Violation(keys, f"expected {' or '.join(names)}")


def _check_list(value: list[Any], node: dict[str, Any], keys: Keys) -> Iterator[Violation]:
    low, high = node.get("minItems", 0), node.get("maxItems")
    if len(value) < low or (high is not None and len(value) > high):
        yield Violation(keys, f"expected {low} values, got {len(value)}")
    for index, item in enumerate(value):
        yield from _check(item, node.get("items", {}), (*keys, index))


def _check_text(value: str, node: dict[str, Any], keys: Keys) -> Iterator[Violation]:
    if len(value) < node.get("minLength", 0):
        yield Violation(keys, "expected text, got nothing")
    elif "pattern" in node and not re.search(node["pattern"], value):
        yield Violation(keys, f"{shown(value)} is not understood: {node.get('description', node['pattern'])}")


def _check_number(value: float, node: dict[str, Any], keys: Keys) -> Iterator[Violation]:
    if value < node.get("minimum", value):
        yield Violation(keys, f"{value} is below the minimum {node['minimum']}")
    elif value > node.get("maximum", value):
        yield Violation(keys, f"{value} is above the maximum {node['maximum']}")
    elif "exclusiveMinimum" in node and not value > node["exclusiveMinimum"]:
        yield Violation(keys, f"{value} must be above {node['exclusiveMinimum']}")
    elif "exclusiveMaximum" in node and not value < node["exclusiveMaximum"]:
        yield Violation(keys, f"{value} must be below {node['exclusiveMaximum']}")


def _fits(value: object, node: dict[str, Any]) -> bool:
    """Whether the value has one of the node's types, or is one of its listed values."""
    if "enum" in node:
        return any(_is_boolean(value) == _is_boolean(item) and value == item for item in node["enum"])
    return "type" not in node or any(_is(value, name) for name in _type_names(node))


def _is(value: object, name: str) -> bool:
    if name == "integer" and isinstance(value, float):
        return value.is_integer()
    return isinstance(value, _TYPES[name]) and (name == "boolean" or not _is_boolean(value))


def _is_boolean(value: object) -> bool:
    return isinstance(value, bool)


def _type_names(node: dict[str, Any]) -> list[str]:
    names = node["type"]
    return names if isinstance(names, list) else [names]


def _wanted(node: dict[str, Any]) -> str:
    if "enum" in node:
        return " or ".join(map(str, (item for item in node["enum"] if item is not False)))
    return " or ".join(_WORDS[name] for name in _type_names(node) if name != "null") or _WORDS["null"]


def _wanted_all(node: dict[str, Any]) -> str:
    if "anyOf" in node:
        return " or ".join(_wanted(resolve(option)) for option in node["anyOf"])
    return _wanted(node)


def _enum_hint(value: object, node: dict[str, Any]) -> str:
    names = [item for item in node.get("enum", ()) if isinstance(item, str)]
    return did_you_mean(value, names) if isinstance(value, str) else ""
