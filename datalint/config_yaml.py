"""Strict YAML: plain data with the place of every key and value."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

import yaml

from datalint.errors import Position, UsageError

Way = tuple[str | int, ...]
_PREFIX = "tag:yaml.org,2002:"


@dataclass(slots=True)
class Loaded:
    """Plain data, and the place of each value and key by its way from the top."""

    data: Any = None
    values: dict[Way, Position] = field(default_factory=dict)
    keys: dict[Way, Position] = field(default_factory=dict)


class _Loader(yaml.SafeLoader):
    """Only null, true, false and numbers are anything but text: a class may be called `no` or 2020-01-01."""

    yaml_implicit_resolvers = {}  # noqa: RUF012  # the base class declares its type


for _kind, _pattern, _first in (
    ("null", r"null|~|", ["n", "~", ""]),
    ("bool", r"true|false", [*"tf"]),
    ("int", r"[-+]?[0-9]{1,30}", [*"-+0123456789"]),
    ("float", r"[-+]?(\.[0-9]+|[0-9]+\.[0-9]*)([eE][-+]?[0-9]+)?|[-+]?\.inf|\.nan", [*"-+.0123456789"]),
):
    _Loader.add_implicit_resolver(_PREFIX + _kind, re.compile(f"(?:{_pattern})\\Z"), _first)


def load_yaml(text: str, file: str) -> Loaded:
    """Raises UsageError, with its place, for what is not YAML and for aliases, tags and duplicate keys."""
    loaded = Loaded()
    try:
        _refuse_aliases(text, file)
        node = _Loader(text).get_single_node()
        if node is not None:
            loaded.data = _build(node, (), loaded, file)
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        raise UsageError("character that YAML does not allow", Position(file, line)) from error
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise UsageError(error.problem or "not YAML", _place(mark, file)) from error
    except RecursionError as error:
        raise UsageError("nested too deep", Position(file)) from error
    return loaded


def _refuse_aliases(text: str, file: str) -> None:
    for token in yaml.scan(text, Loader=_Loader):
        if isinstance(token, yaml.AliasToken | yaml.AnchorToken | yaml.TagToken):
            raise UsageError("aliases and tags are not allowed", _place(token.start_mark, file))


def _place(mark: yaml.Mark | None, file: str) -> Position:
    return Position(file, mark.line + 1, mark.column + 1) if mark else Position(file)


def _build(node: yaml.Node, way: Way, loaded: Loaded, file: str) -> Any:
    loaded.values[way] = _place(node.start_mark, file)
    if isinstance(node, yaml.MappingNode):
        result: dict[Any, Any] = {}
        for key_node, value_node in node.value:
            place = _place(key_node.start_mark, file)
            if not isinstance(key_node, yaml.ScalarNode):
                raise UsageError("a key must be text", place)
            key = _scalar(key_node)
            if key in result:
                raise UsageError(f"duplicate key {key!r}", place)
            loaded.keys[(*way, key)] = place
            result[key] = _build(value_node, (*way, key), loaded, file)
        return result
    if isinstance(node, yaml.SequenceNode):
        return [_build(item, (*way, index), loaded, file) for index, item in enumerate(node.value)]
    return _scalar(node)


def _scalar(node: yaml.Node) -> Any:
    text = node.value
    match node.tag.removeprefix(_PREFIX):
        case "null":
            return None
        case "bool":
            return text == "true"
        case "int":
            return int(text)
        case "float":
            return float(text.replace(".inf", "inf").replace(".nan", "nan"))
        case _:
            return text
