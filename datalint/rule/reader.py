"""Values of a rule file, each refused at its place when it is not what its key needs."""

from __future__ import annotations

import difflib
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NoReturn

from datalint.errors import UsageError
from datalint.rule import template

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from datalint.strict_yaml import Loaded, Way

WORDS = {str: "text", list: "a list", dict: "a mapping", bool: "true or false", int: "a whole number",
          float: "a number"}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Reader:
    """Values of the file, each refused at its place when it is not what the key needs."""

    loaded: Loaded

    def fail(self, message: str, way: Way, *, key: bool = False, hint: str = "") -> NoReturn:
        raise UsageError(message, self.loaded.position(way, key=key), hint)

    def at(self, way: Way) -> Any:
        value = self.loaded.data
        for step in way:
            value = value[step]
        return value

    def mapping(self, way: Way, keys: Mapping[str, Any], *, required: Iterable[str] = ()) -> dict[str, Any]:
        value = self.at(way)
        if not isinstance(value, dict):
            self.fail(f"expected a mapping, got {shown(value)}", way)
        for key, item in value.items():
            if key not in keys:
                self.fail(f"unknown key {key!r}", (*way, key), key=True, hint=suggestion(key, keys))
            kinds = keys[key] if isinstance(keys[key], tuple) else (keys[key],)
            if object not in kinds and not is_a(item, kinds):
                expected = " or ".join(WORDS[kind] for kind in kinds)
                hint = f'quote it: "{item}"' if str in kinds and isinstance(item, bool | int | float) else ""
                self.fail(f"{key}: expected {expected}, got {shown(item)}", (*way, key), hint=hint)
        for key in required:
            if key not in value:
                self.fail(f"the key {key!r} is missing", way)
        return value

    def text(self, key: str) -> str:
        value: str = self.at((key,))
        if not value.strip():
            self.fail(f"{key} is empty", (key,))
        return value

    def one_line(self, key: str) -> str:
        value = self.text(key)
        if "\n" in value.strip():
            self.fail(f"{key} must be one line", (key,))
        return value

    def one_of(self, way: Way, words: Iterable[str]) -> str:
        value = self.at(way)
        known = [str(word) for word in words]
        if value not in known:
            self.fail(f"unknown {way[-1]} {shown(value)}: {', '.join(known)}", way, hint=suggestion(value, known))
        return str(value)

    def names(self, key: str) -> tuple[str, ...]:
        """A list of texts, none twice; not empty."""
        items = self.at((key,))
        if not items:
            self.fail(f"{key} is empty", (key,))
        for index, item in enumerate(items):
            if not isinstance(item, str) or not item:
                self.fail(f"{key}: expected text, got {shown(item)}", (key, index))
            if item in items[:index]:
                self.fail(f"{key}: {item!r} is there twice", (key, index))
        return tuple(items)

    def template(self, key: str) -> template.Template:
        try:
            return template.parse(self.at((key,)))
        except template.TemplateError as error:
            raise UsageError(f"{key}: {error}", self.loaded.inside((key,), error.offset)) from error


def is_a(value: Any, kinds: tuple[type, ...]) -> bool:
    """isinstance, but a boolean is no number and a number is finite."""
    if isinstance(value, bool):
        return bool in kinds
    return isinstance(value, kinds) and not (isinstance(value, float) and not math.isfinite(value))


def shown(value: Any) -> str:
    """A value as a message names it."""
    if value is None:
        return "nothing"
    if isinstance(value, dict | list):
        return WORDS[type(value)]
    text = str(value).lower() if isinstance(value, bool) else repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


def suggestion(word: object, words: Iterable[str]) -> str:
    near = difflib.get_close_matches(str(word), list(words), n=1)
    return f"did you mean {near[0]!r}?" if near else ""
