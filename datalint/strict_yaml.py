"""Strict YAML: plain data that remembers where each key and value stands.

Only null, true, false and numbers are anything but text, so a class may be called `no`, `012` or `2020-01-01`.
"""

from __future__ import annotations

import itertools
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import yaml

from datalint.errors import Position, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

Way = tuple[str | int, ...]
"""How to reach a value from the top: keys and list indexes."""

MAX_CHARACTERS = 4_000_000
MAX_DEPTH = 40
_INTEGER = re.compile(r"[-+]?(0|[1-9][0-9]{0,29})\Z")
_FLOAT = re.compile(r"[-+]?([0-9]+\.[0-9]*|\.[0-9]+|[0-9]+(?=[eE]))([eE][-+]?[0-9]{1,3})?\Z")
_WORDS: dict[str, Any] = {"": None, "~": None, "null": None, "true": True, "false": False}
_BREAK = re.compile("\r\n|[\n\r\x85\u2028\u2029]")
# libyaml reads ten times faster than PyYAML's own parser; a build without it still works.
_Parser: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@dataclass(frozen=True, slots=True)
class _Scalar:
    style: str
    start: yaml.Mark
    end: yaml.Mark


@dataclass(slots=True)
class Loaded:
    """Plain data, and the place of each value and key by its way from the top."""

    file: str
    text: str = field(repr=False)
    data: Any = None
    values: dict[Way, Position] = field(default_factory=dict, repr=False)
    keys: dict[Way, Position] = field(default_factory=dict, repr=False)
    written: dict[Way, str] = field(default_factory=dict, repr=False)
    """Values that are not text, as they stand in the file: `1e3`, `1.10`, `null`."""
    _scalars: dict[Way, _Scalar] = field(default_factory=dict, repr=False)

    def position(self, way: Way = (), *, key: bool = False) -> Position:
        """Where the value (or its key) stands; the nearest parent where it stands nowhere."""
        places = self.keys if key and way in self.keys else self.values
        while way and way not in places:
            way = way[:-1]
        return places.get(way, Position(self.file))

    def inside(self, way: Way, offset: int) -> Position:
        """Where character `offset` of a text stands in the file, however the text is quoted, folded or escaped."""
        scalar = self._scalars.get(way)
        if scalar is None:
            return self.position(way)
        value: str = self._at(way)
        start, end = scalar.start, scalar.end
        quotes = 0 if scalar.style == "" else 2
        if start.line == end.line and end.column - start.column == len(value) + quotes:
            return Position(self.file, start.line + 1, start.column + 1 + quotes // 2 + offset)
        return _place_at(self.text, _aligned(self.text, scalar, value, offset), self.file)

    def _at(self, way: Way) -> Any:
        value = self.data
        for step in way:
            value = value[step]
        return value


def load_own(path: Path) -> dict[str, dict[str, Any]]:
    """A file that ships with datalint: nobody needs its places."""
    loaded: dict[str, dict[str, Any]] = yaml.load(path.read_text("utf-8"), _Parser)  # noqa: S506
    return loaded


def load(text: str | bytes, file: str) -> Loaded:
    """Raises UsageError, with its place, for what is not plain YAML: also aliases, tags, duplicate keys."""
    if isinstance(text, bytes):
        text = decode(text, file)
    text = text.removeprefix("\ufeff")
    if len(text) > MAX_CHARACTERS:
        raise UsageError(f"longer than {MAX_CHARACTERS:,} characters", Position(file))
    loaded = Loaded(file, text)
    try:
        parser = _Parser(text)
        try:
            _read(parser, loaded)
        finally:
            parser.dispose()
    except yaml.reader.ReaderError as error:
        raise UsageError("a character that YAML does not allow", _forbidden(text, file)) from error
    except UnicodeEncodeError as error:
        raise UsageError("a character that YAML does not allow", _place_at(text, error.start, file)) from error
    except yaml.MarkedYAMLError as error:
        marks = _CONFLICT.search(text)
        if marks:
            hint = "keep the lines of both sides, remove the marks"
            raise UsageError("the file holds a merge conflict", _place_at(text, marks.start(), file), hint) from error
        raise _explained(error, file) from error
    return loaded


_CONFLICT = re.compile(r"^<{7} ", re.MULTILINE)
"""The first line that git writes around what it could not merge."""


def decode(content: bytes, file: str) -> str:
    """Text, its byte order mark included; raises UsageError with the place of the first byte that is not UTF-8."""
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError as error:
        good = content[: error.start].decode("utf-8").removeprefix("\ufeff")
        byte = content[error.start]
        raise UsageError(f"byte 0x{byte:02x} is not UTF-8", _place_at(good, len(good), file)) from error


def _place_at(text: str, offset: int, file: str) -> Position:
    lines = _BREAK.split(text[:offset])
    return Position(file, len(lines), len(lines[-1]) + 1)


_DOUBLE = re.compile(r"\\(?:x(..)|u(....)|U(.{8})|(\r\n|.))|.", re.DOTALL)
# Escapes of double quotes that stand for white space: of a letter, a space, a tab, or a line that goes on.
_WHITE = frozenset("tnvfrNLP_ \t\r\n\x85\u2028\u2029")


def _aligned(text: str, scalar: _Scalar, value: str, offset: int) -> int:
    """Where character `offset` of `value` stands in `text`: folding and escaping change nothing but white space."""
    at = len(value[:offset]) + len(value[offset:]) - len(value[offset:].lstrip())
    wanted = sum(not letter.isspace() for letter in value[:at])
    gap = value[offset:at]
    seen = list(itertools.islice(_visible(text, scalar), wanted + 1))
    if at < len(value) and len(seen) > wanted:
        return seen[wanted][0] - (0 if "\n" in gap else len(gap))
    return seen[min(wanted, len(seen)) - 1][1] if seen and wanted else _line_starts(text)[scalar.start.line]


def _visible(text: str, scalar: _Scalar) -> Iterator[tuple[int, int]]:
    """Start and end in `text` of each character of the scalar that is no white space."""
    lines = _line_starts(text)
    if scalar.style in ("|", ">"):
        start, end = lines[scalar.start.line + 1], len(text)
    else:
        quotes = len(scalar.style)
        start = lines[scalar.start.line] + scalar.start.column + quotes
        end = lines[scalar.end.line] + scalar.end.column - quotes
    tokens = _DOUBLE if scalar.style == '"' else re.compile("''|." if scalar.style == "'" else ".", re.DOTALL)
    for found in tokens.finditer(text, start, end):
        token = found.group()
        if scalar.style == '"' and token[0] == "\\":
            code = found[1] or found[2] or found[3]
            white = chr(int(code, 16)).isspace() if code else token[1] in _WHITE
        else:
            white = token.isspace()
        if not white:
            yield found.span()


def _line_starts(text: str) -> list[int]:
    return [0, *(found.end() for found in _BREAK.finditer(text)), len(text)]


def _forbidden(text: str, file: str) -> Position:
    found = re.search("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]", text)
    return _place_at(text, found.start(), file) if found else Position(file)


def _explained(error: yaml.MarkedYAMLError, file: str) -> UsageError:
    problem = error.problem or "not YAML"
    hint = ""
    if "chomping" in problem or "comment or line break" in problem:
        problem, hint = "a value that starts with '>' or '|' needs quotes", 'as in "> 5"'
    elif "'\\t'" in problem or "tab character" in problem or "cannot start any token" in problem:
        hint = "indent with spaces, not tabs; quote text that starts with a special character"
    elif "expected key" in problem:
        hint = "check the indentation; text that starts with { or [ needs quotes"
    elif "mapping values are not allowed" in problem:
        hint = "text that contains ': ' needs quotes"
    mark = error.problem_mark or error.context_mark
    return UsageError(problem, _place(mark, file), hint)


def _place(mark: yaml.Mark | None, file: str) -> Position:
    return Position(file, mark.line + 1, mark.column + 1) if mark else Position(file)


def _read(parser: Any, loaded: Loaded) -> None:
    parser.get_event()  # the stream's start
    if parser.check_event(yaml.StreamEndEvent):
        return
    parser.get_event()  # the document's start
    loaded.data = _value(parser, (), loaded)
    parser.get_event()  # the document's end
    following = parser.get_event()
    if not isinstance(following, yaml.StreamEndEvent):
        raise UsageError("a second document in one file", _place(following.start_mark, loaded.file))


def _value(parser: Any, way: Way, loaded: Loaded) -> Any:
    event = parser.get_event()
    place = _place(event.start_mark, loaded.file)
    if isinstance(event, yaml.AliasEvent):
        raise UsageError("aliases are not allowed", place)
    if event.anchor is not None:
        raise UsageError("anchors are not allowed", place)
    if event.tag is not None:
        raise UsageError("tags are not allowed", place)
    if len(way) > MAX_DEPTH:
        raise UsageError(f"nested deeper than {MAX_DEPTH} levels", place)
    loaded.values[way] = place
    if isinstance(event, yaml.MappingStartEvent):
        return _mapping(parser, way, loaded)
    if isinstance(event, yaml.SequenceStartEvent):
        items: list[Any] = []
        while not parser.check_event(yaml.SequenceEndEvent):
            items.append(_value(parser, (*way, len(items)), loaded))
        parser.get_event()
        return items
    value = _scalar(event)
    if isinstance(value, str):
        loaded._scalars[way] = _Scalar(_style(event), event.start_mark, event.end_mark)  # noqa: SLF001
    else:
        loaded.written[way] = event.value
    return value


def _mapping(parser: Any, way: Way, loaded: Loaded) -> dict[Any, Any]:
    result: dict[Any, Any] = {}
    while not parser.check_event(yaml.MappingEndEvent):
        event = parser.peek_event()
        place = _place(event.start_mark, loaded.file)
        if not isinstance(event, yaml.ScalarEvent | yaml.AliasEvent):
            raise UsageError("a key must be text", place)
        key = _value(parser, (*way, ""), loaded)
        loaded.values.pop((*way, ""), None)
        loaded.written.pop((*way, ""), None)
        loaded._scalars.pop((*way, ""), None)  # noqa: SLF001
        if key in result:
            raise UsageError(f"duplicate key {key!r}", place)
        loaded.keys[(*way, key)] = place
        result[key] = _value(parser, (*way, key), loaded)
    parser.get_event()
    return result


def _style(event: Any) -> str:
    return str(event.style or "")


def _scalar(event: Any) -> Any:
    text: str = event.value
    if _style(event):
        return text
    if text in _WORDS:
        return _WORDS[text]
    if _INTEGER.match(text):
        return int(text)
    return float(text) if _FLOAT.match(text) else text
