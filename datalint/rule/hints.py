"""What the author of a query may have meant, where DuckDB's message alone does not say it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection

# `hospital`, and `s.hospital`.
_NO_COLUMN = re.compile(r'(?:Referenced column (?=.*not found)|does not have a column named )"([^"]+)"')
_CURLY = ("\u2018\u2019", "\u201c\u201d")
"""Quotes of word processors: to SQL they are letters."""
_BRACE = re.compile(r'syntax error at or near "[{}]"')
_DIVISION = re.compile(r"division by zero", re.IGNORECASE)
_CAST = re.compile(r"explicit (type )?cast")


def hint(message: str, sql: str) -> str:
    """The next step for a query that was refused; empty where the message says enough."""
    reads_samples = "samples" in sql.lower()
    quotes = misquoted(message, sql)
    if quotes:
        return quotes
    if _NO_COLUMN.search(message) and reads_samples:
        return "a column of your manifest is known once a test gives it to a row of samples"
    if _BRACE.search(message):
        return "braces belong in message and remedy; in the query a parameter is written $name"
    if _CAST.search(message) and reads_samples:
        return "columns of your manifest are text: try_cast(age as integer)"
    return ""


def misquoted(message: str, sql: str) -> str:
    """How to write a text that was taken for a column; empty where none was."""
    column = _NO_COLUMN.search(message)
    if column is None:
        return ""
    name = column[1]
    if name[0] + name[-1] in _CURLY:
        return f"text is written in straight quotes: '{name[1:-1]}'"
    if re.search(rf'"{re.escape(name)}"|(?:[^<>]=|<>)\s*{re.escape(name)}\b', sql):
        return f"text is written in single quotes: '{name}'"
    return ""


def failure(message: str, extra: Collection[str]) -> str:
    """Why a sound rule could not run on these facts; `extra` names the columns that its tests gave to samples."""
    if _DIVISION.search(message):
        # What DuckDB advises (TRY, SET) is nothing that a rule may do.
        return "division by zero: write nullif(divisor, 0), which makes the quotient NULL"
    column = _NO_COLUMN.search(message)
    if column and column[1].lower() in {name.lower() for name in extra}:
        known = "path, label, split and group_key are those that were recognised"
        return f"the dataset brings no column {column[1]!r} of its own ({known})"
    return message
