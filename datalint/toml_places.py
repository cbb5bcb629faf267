"""Where each key and value of a TOML text stands; tomllib, which must have accepted the text, does not tell."""

from __future__ import annotations

import bisect
import re
import tomllib
from dataclasses import dataclass, field

Way = tuple[str | int, ...]
"""How to reach a value from the top: keys and list indexes."""

_SPACE = re.compile(r"[ \t]*")
_LINES = re.compile(r"(?:\s|#[^\n]*)*")
_WORD = re.compile(r"""[A-Za-z0-9_-]+|"(?:[^"\\\n]|\\.)*"|'[^'\n]*'""")
# A text of many lines may end in two quotes of its own.
_TEXT = re.compile(r"""'{3}.*?'{3,5}|'[^'\n]*'|"{3}(?:[^\\]|\\.)*?"{3,5}|"(?:[^"\\\n]|\\.)*?["]""", re.DOTALL)
_PLAIN = re.compile(r"[^,\]}#\n]+")


@dataclass(slots=True)
class Places:
    """Line and column, counted from 1, by the way from the top; a table's header is its key."""

    keys: dict[Way, tuple[int, int]] = field(default_factory=dict)
    values: dict[Way, tuple[int, int]] = field(default_factory=dict)


def places(text: str) -> Places:
    """Of all keys and values, in arrays and inline tables too."""
    reader = _Reader(text)
    reader.document()
    return reader.found


class _Reader:
    def __init__(self, text: str) -> None:
        self.found = Places()
        self._text = text
        self._at = 0
        self._starts = [0, *(found.end() for found in re.finditer("\n", text))]
        self._last: dict[Way, int] = {}
        """Of each array of tables, the number of the last one."""

    def document(self) -> None:
        table: Way = ()
        self._skip(_LINES)
        while self._at < len(self._text):
            if self._text[self._at] == "[":
                table = self._header()
            else:
                self._assignment(table)
            self._skip(_LINES)

    def _header(self) -> Way:
        many = self._text.startswith("[[", self._at)
        self._at += 1 + many
        self._skip(_SPACE)
        start = self._at
        words = self._words()
        self._skip(_SPACE)
        self._at += 1 + many
        table: Way = ()
        for number, word in enumerate(words, 1):
            table = (*table, word)
            self.found.keys.setdefault(table, self._place(start))
            if many and number == len(words):
                self._last[table] = self._last.get(table, -1) + 1
            if table in self._last:
                table = (*table, self._last[table])
                self.found.keys.setdefault(table, self._place(start))
        return table

    def _assignment(self, table: Way) -> None:
        start = self._at
        way = table
        for word in self._words():
            way = (*way, word)
            self.found.keys.setdefault(way, self._place(start))
        self._skip(_SPACE)
        self._at += 1  # the equals sign
        self._skip(_SPACE)
        self._value(way)

    def _words(self) -> list[str]:
        """A dotted key."""
        words: list[str] = []
        while found := _WORD.match(self._text, self._at):
            self._at = found.end()
            word = found.group()
            words.append(tomllib.loads(f"key = {word}")["key"] if word[0] in "\"'" else word)
            self._skip(_SPACE)
            if not self._text.startswith(".", self._at):
                break
            self._at += 1
            self._skip(_SPACE)
        return words

    def _value(self, way: Way) -> None:
        self.found.values[way] = self._place(self._at)
        opening = self._text[self._at]
        if opening not in "[{":
            self._skip(_TEXT if opening in "\"'" else _PLAIN)
            return
        self._at += 1
        count = 0
        self._skip(_LINES)
        while self._text[self._at] not in "]}":
            if opening == "{":
                self._assignment(way)
            else:
                self._value((*way, count))
            count += 1
            self._skip(_LINES)
            if self._text[self._at] == ",":
                self._at += 1
                self._skip(_LINES)
        self._at += 1

    def _skip(self, pattern: re.Pattern[str]) -> None:
        found = pattern.match(self._text, self._at)
        self._at = found.end() if found else self._at

    def _place(self, at: int) -> tuple[int, int]:
        line = bisect.bisect_right(self._starts, at)
        return line, at - self._starts[line - 1] + 1
