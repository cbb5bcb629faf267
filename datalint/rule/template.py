"""Message templates: `{n}`, `{n:bytes}`, `:duration`, `:percent`, `:.1f`, `:,`, `:g`, `{n:image|images}`.

Read by a regular expression, never by `str.format`, which would reach into objects.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from datalint.sizes import duration, size

if TYPE_CHECKING:
    from collections.abc import Mapping

_TOKEN = re.compile(r"\{\{|\}\}|\{([^{}]*)\}|[{}]")
_FIELD = re.compile(r"\s*([A-Za-z_][A-Za-z0-9_]*)\s*(?::([^{}]*))?\Z")
_FORMAT = re.compile(r"(?:,?\.[0-9]f|,|g)\Z")
_WORDS = re.compile(r"[^|]*\|[^|]*\Z")
NONE = "none"
"""How NULL reads in a sentence."""


class TemplateError(ValueError):
    """A template that cannot be read; `offset` counts characters from 0."""

    def __init__(self, message: str, offset: int) -> None:
        super().__init__(message)
        self.offset = offset


@dataclass(frozen=True, slots=True)
class Field:
    name: str
    format: str
    offset: int


_NOT_FINITE = ("inf", "-inf", "nan")


@dataclass(frozen=True, slots=True)
class Template:
    parts: tuple[str | Field, ...]

    @property
    def fields(self) -> tuple[Field, ...]:
        return tuple(part for part in self.parts if isinstance(part, Field))

    def render(self, values: Mapping[str, Any]) -> str:
        """Raises ValueError or TypeError where a value does not suit its format."""
        return "".join(part if isinstance(part, str) else shown(values[part.name], part.format) for part in self.parts)


def parse(text: str) -> Template:
    """Raises TemplateError for a brace without its partner or a format that does not exist."""
    parts: list[str | Field] = []
    at = 0
    for token in _TOKEN.finditer(text):
        parts.append(text[at : token.start()])
        at = token.end()
        if token.group() in ("{{", "}}"):
            parts.append(token.group()[0])
            continue
        if token.group(1) is None:
            raise TemplateError(f"a single {token.group()!r}: write it twice, or close it", token.start())
        field = _FIELD.match(token.group(1))
        if not field:
            raise TemplateError(f"{token.group()} is not a name in braces", token.start())
        name, form = field.group(1), (field.group(2) or "").strip()
        if form and form not in ("bytes", "duration", "percent") and not _FORMAT.match(form) and not _WORDS.match(form):
            known = "bytes, duration, percent, .1f, ',', g or singular|plural"
            raise TemplateError(f"unknown format {form!r}: {known}", token.start())
        parts.append(Field(name, form, token.start()))
    parts.append(text[at:])
    return Template(tuple(part for part in parts if part != ""))


def shown(value: Any, form: str = "") -> str:
    """A value as it reads in a sentence."""
    if value is None:
        return NONE
    if not form:
        return _plain(value)
    if value in _NOT_FINITE or (isinstance(value, float) and not math.isfinite(value)):
        # The child writes words: JSON has no number for them.
        return str(value)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TypeError(f"{value!r} is not a number, as ':{form}' needs")
    if "|" in form:
        return form.split("|")[value != 1]
    if form == "bytes":
        return size(value)
    if form == "duration":
        return duration(value)
    if form == "percent":
        share = value * 100
        return f"{share:.0f}%" if abs(share) >= 100 else f"{share:.3g}%"
    # A whole number is often a DOUBLE in SQL: round(), sum(width * 1.0).
    return format(int(value) if form == "," and value == int(value) else value, form)


def _plain(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list | tuple):
        return ", ".join(_plain(item) for item in value)
    if isinstance(value, float) and math.isfinite(value):
        if value.is_integer() and abs(value) < 1e15:
            return str(int(value))
        return f"{value:.6g}" if abs(value) < 1e6 else f"{value:.1f}"
    return str(value)
