"""Finding the configuration file, and reading YAML or TOML into data that knows where it was written."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from datalint.errors import Position, UsageError

Reader = Callable[[str], bytes | None]
"""Content of a file relative to the folder of the configuration; None where it is absent."""

YAML_NAME = "datalint.yaml"
TOML_NAME = "pyproject.toml"
FILES = (YAML_NAME, TOML_NAME)
"""Names of the files that may hold a configuration."""


@dataclass(frozen=True, slots=True)
class Document:
    """Plain data, and the place of each value and key by its way from the top."""

    data: Any
    file: str
    values: Mapping[tuple[str | int, ...], Position] = field(default_factory=dict)
    keys: Mapping[tuple[str | int, ...], Position] = field(default_factory=dict)
    written: Mapping[tuple[str | int, ...], str] = field(default_factory=dict)
    """Numbers as they stand in the file: the `1e3` and `1.10` of a manifest are texts."""

    def position(self, keys: tuple[str | int, ...], *, key: bool = False) -> Position:
        """Place of a value (of its key with `key`), else of the nearest key above it."""
        if not key and keys in self.values:
            return self.values[keys]
        ways = (keys[:end] for end in range(len(keys), 0, -1))
        return next((self.keys[way] for way in ways if way in self.keys), Position(self.file))


def find_home(start: str, *, explicit: str | None = None) -> str:
    """Folder of the configuration: of `explicit`, else the nearest with one from `start` up to the git root.

    Without any, `start`. Outside git only `start` is looked at: a file in a shared parent is not the user's.
    """
    if explicit is not None:
        return os.path.dirname(os.path.abspath(explicit))
    start = os.path.abspath(start)
    for folder in _up_to_git_root(start):
        if present(lambda name, folder=folder: read_file(os.path.join(folder, name))):  # type: ignore[misc]
            return folder
    return start


def present(read: Reader) -> bool:
    """Whether there is a configuration to load here."""
    return read(YAML_NAME) is not None or read("datalint.yml") is not None or _has_table(read(TOML_NAME))


def read_document(read: Reader, *, explicit: str | None = None) -> Document | None:
    """The one configuration file, parsed; None without any. Two, or a wrong name, are a UsageError."""
    if explicit is not None:
        return _read_explicit(read, explicit)
    yaml, toml = read(YAML_NAME), read(TOML_NAME)
    if yaml is None and read("datalint.yml") is not None:
        raise UsageError("datalint.yml is not read", Position("datalint.yml"), f"rename it to {YAML_NAME}")
    if yaml is not None:
        if _has_table(toml):
            message = f"{YAML_NAME} and [tool.datalint] in {TOML_NAME} are both present"
            raise UsageError(message, Position(YAML_NAME), "keep one")
        return parse_yaml(yaml, YAML_NAME)
    return parse_toml(toml, TOML_NAME) if toml is not None and _has_table(toml) else None


def _read_explicit(read: Reader, name: str) -> Document:
    content = read(name)
    if content is None:
        raise UsageError(f"no configuration file {name}")
    if not name.endswith(".toml"):
        return parse_yaml(content, name)
    document = parse_toml(content, name)
    if document is None:
        raise UsageError("has no table [tool.datalint]", Position(name))
    return document


def parse_yaml(content: bytes, file: str) -> Document:
    """Strict YAML: no aliases, no duplicate keys, only true, false, null and numbers are not text."""
    from datalint import strict_yaml  # PyYAML costs 10 ms, and many runs have no configuration

    loaded = strict_yaml.load(content, file)
    return Document(loaded.data, file, values=loaded.values, keys=loaded.keys, written=loaded.written)


def parse_toml(content: bytes, file: str) -> Document | None:
    """Table [tool.datalint]; None where the file has none."""
    import tomllib

    from datalint import strict_yaml, toml_places

    text = strict_yaml.decode(content, file).removeprefix("\ufeff")
    try:
        data = tomllib.loads(text, parse_float=_Float)
    except tomllib.TOMLDecodeError as error:
        place = re.search(r" \(at line (\d+), column (\d+)\)$", str(error))
        message = str(error)[: place.start()] if place else str(error).removesuffix(" (at end of document)")
        line, column = map(int, place.groups()) if place else (text.count("\n") + 1, 1)
        raise UsageError(message[:1].lower() + message[1:], Position(file, line, column)) from error
    except (ValueError, RecursionError) as error:  # a number of 5,000 digits, lists a thousand deep
        raise UsageError(str(error).partition(";")[0].lower(), Position(file)) from error
    tool = data.get("tool")
    if not isinstance(tool, dict) or "datalint" not in tool:
        return None
    written: dict[tuple[str | int, ...], str] = {}
    plain = _plain(tool["datalint"], (), written)
    found = toml_places.places(text)
    return Document(plain, file, values=_own(found.values, file), keys=_own(found.keys, file), written=written)


def _own(places: Mapping[tuple[str | int, ...], tuple[int, int]], file: str) -> dict[tuple[str | int, ...], Position]:
    """Those below [tool.datalint], from there."""
    return {way[2:]: Position(file, *at) for way, at in places.items() if way[:2] == ("tool", "datalint") and way[2:]}


class _Float(float):
    """A number that remembers how it was written."""

    def __new__(cls, text: str) -> _Float:
        made = super().__new__(cls, text)
        made.text = text
        return made

    text: str


def _plain(value: Any, way: tuple[str | int, ...], written: dict[tuple[str | int, ...], str]) -> Any:
    """TOML's own dates as text, so that both languages give the same data."""
    if isinstance(value, dict):
        return {key: _plain(item, (*way, key), written) for key, item in value.items()}
    if isinstance(value, list):
        return [_plain(item, (*way, index), written) for index, item in enumerate(value)]
    if isinstance(value, _Float):
        written[way] = value.text
        return float(value)
    return value.isoformat() if isinstance(value, date) else value


def _has_table(content: bytes | None) -> bool:
    """Whether [tool.datalint] is there; a file with it that does not parse counts, so that it is reported."""
    if content is None or b"datalint" not in content:
        return False
    try:
        return parse_toml(content, TOML_NAME) is not None
    except UsageError:
        return re.search(rb"^\s*\[+\s*tool\s*\.\s*datalint\b", content, re.MULTILINE) is not None


def _up_to_git_root(start: str) -> list[str]:
    folders = [start]
    while not os.path.lexists(os.path.join(folders[-1], ".git")):
        parent = os.path.dirname(folders[-1])
        if parent == folders[-1]:
            return [start]
        folders.append(parent)
    return folders


def read_file(path: str) -> bytes | None:
    """None where it is absent; raises UsageError for what cannot be read."""
    try:
        # Opening a pipe would wait for whoever writes into it, and a device may have no end.
        if not stat.S_ISREG(os.stat(path).st_mode):
            raise UsageError(f"cannot read {path}: it is not a file")
        with open(path, "rb") as file:
            return file.read()
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise UsageError(f"cannot read {path}: {error.strerror}") from error
