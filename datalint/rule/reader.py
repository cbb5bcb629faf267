"""Values of a rule file, each refused at its place when it is not what its key needs."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NoReturn

from datalint.errors import UsageError, together
from datalint.rule import template
from datalint.similar import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from datalint.strict_yaml import Loaded, Way

WORDS = {str: "text", list: "a list", dict: "a mapping", bool: "true or false", int: "a whole number",
          float: "a number"}  # fmt: skip
_OF_ALL = "for a finding about the dataset as a whole return a constant: select 'dataset' as what, ... with key: [what]"


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
        """Raises UsageError with all that is wrong in its keys."""
        value = self.at(way)
        if not isinstance(value, dict):
            self.fail(f"expected a mapping, got {shown(value)}", way)
        mistakes = [mistake for key in value for mistake in self._mistakes(way, key, keys)]
        # A key that is missing and one that is called nearly so are one mistake.
        meant = {mistake.hint for mistake in mistakes}
        mistakes += [
            UsageError(f"the key {key!r} is missing", self.loaded.position(way))
            for key in required
            if key not in value and suggestion(key, [key]) not in meant
        ]
        if mistakes:
            raise together(mistakes)
        return value

    def _mistakes(self, way: Way, key: str, keys: Mapping[str, Any]) -> Iterator[UsageError]:
        """What is wrong with one key of a mapping, and the kind of its value."""
        item = self.at((*way, key))
        if key not in keys:
            place = self.loaded.position((*way, key), key=True)
            yield UsageError(f"unknown key {key!r}", place, suggestion(key, keys) or f"known: {', '.join(keys)}")
            return
        kinds = keys[key] if isinstance(keys[key], tuple) else (keys[key],)
        if object not in kinds and not is_a(item, kinds):
            expected = " or ".join(WORDS[kind] for kind in kinds)
            hint = f'quote it: "{item}"' if str in kinds and isinstance(item, bool | int | float) else ""
            place = self.loaded.position((*way, key))
            yield UsageError(f"{key}: expected {expected}, got {shown(item)}", place, hint)

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
            self.fail(f"{key} is empty", (key,), hint=_OF_ALL if key == "key" else "leave it out")
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
    """For a key or a value as YAML reads it."""
    return did_you_mean(str(word), words)
