"""Strict YAML with the place of every key and value."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import yaml

from datalint.errors import Position, UsageError

Way = tuple[str | int, ...]
_PREFIX = "tag:yaml.org,2002:"


@dataclass(slots=True)
class Loaded:
    data: Any
    values: dict[Way, Position] = field(default_factory=dict)
    keys: dict[Way, Position] = field(default_factory=dict)


class _Loader(yaml.SafeLoader):
    """Only null, true, false and numbers are anything but text: a class may be called `no` or 2020-01-01."""

    yaml_implicit_resolvers = {}  # noqa: RUF012


for _tag, _pattern, _first in (
    ("null", r"null|~|", ["n", "~", ""]),
    ("bool", r"true|false", list("tf")),
    ("int", r"[-+]?[0-9]+", list("-+0123456789")),
    ("float", r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?|[-+]?\.inf|\.nan", list("-+.0123456789")),
):
    import re

    _Loader.add_implicit_resolver(_PREFIX + _tag, re.compile(f"(?:{_pattern})$"), _first)


def load_yaml(text: str, file: str) -> Loaded:
    try:
        loader = _Loader(text)
        for token in iter(loader.get_token, None):
            if isinstance(token, yaml.AliasToken | yaml.AnchorToken):
                mark = token.start_mark
                raise UsageError("aliases are not allowed", Position(file, mark.line + 1, mark.column + 1))
        node = _Loader(text).get_single_node()
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        raise UsageError("character that YAML does not allow", Position(file, line)) from error
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = Position(file, mark.line + 1, mark.column + 1) if mark else Position(file)
        raise UsageError(error.problem or "not YAML", place) from error
    except RecursionError as error:
        raise UsageError("nested too deep", Position(file)) from error
    loaded = Loaded(None)
    if node is not None:
        loaded.data = _build(node, (), loaded, file)
    return loaded


def _build(node: yaml.Node, way: Way, loaded: Loaded, file: str) -> Any:
    place = Position(file, node.start_mark.line + 1, node.start_mark.column + 1)
    loaded.values[way] = place
    if isinstance(node, yaml.MappingNode):
        result: dict[Any, Any] = {}
        for key_node, value_node in node.value:
            key = _build(key_node, (), Loaded(None), file)
            where = Position(file, key_node.start_mark.line + 1, key_node.start_mark.column + 1)
            if not isinstance(key, str | int | float | bool | None):
                raise UsageError("a key must be text", where)
            if key in result:
                raise UsageError(f"duplicate key {key!r}", where)
            loaded.keys[(*way, key)] = where  # type: ignore[arg-type]
            result[key] = _build(value_node, (*way, key), loaded, file)  # type: ignore[arg-type]
        return result
    if isinstance(node, yaml.SequenceNode):
        return [_build(item, (*way, index), loaded, file) for index, item in enumerate(node.value)]
    tag = node.tag.removeprefix(_PREFIX)
    if tag == "str":
        return node.value
    if tag == "null":
        return None
    if tag == "bool":
        return node.value == "true"
    if tag == "int":
        return int(node.value)
    if tag == "float":
        return float(node.value.replace(".inf", "inf").replace(".nan", "nan"))
    raise UsageError(f"tag {node.tag} is not allowed", place)
