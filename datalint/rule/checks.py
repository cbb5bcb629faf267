"""The one-line `check` of a rule -> the SQL that runs, as `datalint explain` shows it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from datalint.rule.model import Piece

if TYPE_CHECKING:
    from datalint.strict_yaml import Way

COMPARISON = re.compile(r"\s*(<=|>=|<>|!=|==|<|>|=)\s*[^\s<>=]")
# Texts, names in quotes and comments, each to its end.
_CLOSED = re.compile(
    r"""[eE]'(?:\\.|''|[^'\\])*'|'(?:''|[^'])*'|"(?:""|[^"])*"|\$\$.*?\$\$|--[^\n]*|/\*.*?\*/""", re.DOTALL
)
_OPENING = re.compile(r"['\"]|/\*")


@dataclass(frozen=True, slots=True)
class _Quote:
    """Text that the author wrote, to be found again when DuckDB complains about it."""

    text: str
    way: Way


def translate(check: dict[str, Any]) -> tuple[str, tuple[Piece, ...]]:
    """The query and where each piece of it comes from.

    Columns: those of the table (or `columns`, or `group_by`), then `metric` and `severity`.
    """
    quote = {key: _Quote(text, ("check", key)) for key, text in check.items() if isinstance(text, str)}
    listed = _listed(check, "group_by") or _listed(check, "columns") or [_Quote("*", ("check", "select"))]
    parts: list[str | _Quote] = ["with measured as (\n  select "]
    parts += [*_commas(listed), ", ", quote["metric"], " as metric\n  from ", quote["select"]]
    if "where" in check:
        parts += ["\n  where ", quote["where"]]
    if "group_by" in check:
        parts += ["\n  group by ", *_commas(_listed(check, "group_by"))]
    parts.append("\n)\nselect *, ")
    if "warn" in check and "fail" in check:
        parts += ["case when metric ", quote["fail"], " then 'error' else 'warning' end"]
    else:
        parts.append("'warning'" if "warn" in check else "'error'")
    parts.append(" as severity\nfrom measured\nwhere ")
    for index, key in enumerate(key for key in ("warn", "fail") if key in check):
        parts += ["\n   or " if index else "", "metric ", quote[key]]
    parts.append("\norder by all\n")
    return _joined(parts)


def unclosed(text: str) -> int | None:
    """Offset of a quote or a comment without its end; None without any.

    In the query the next text of the check would follow, and DuckDB would complain about that one.
    """
    found = _OPENING.search(_CLOSED.sub(lambda match: " " * len(match[0]), text))
    return found and found.start()


def _listed(check: dict[str, Any], key: str) -> list[_Quote]:
    value = check.get(key, [])
    if isinstance(value, str):
        return [_Quote(value, ("check", key))]
    return [_Quote(item, ("check", key, index)) for index, item in enumerate(value)]


def _commas(quotes: list[_Quote]) -> list[str | _Quote]:
    return [part for index, quote in enumerate(quotes) for part in ((", ", quote) if index else (quote,))]


def _joined(parts: list[str | _Quote]) -> tuple[str, tuple[Piece, ...]]:
    sql, pieces = "", []
    for part in parts:
        if isinstance(part, _Quote):
            pieces.append(Piece(len(sql), len(sql) + len(part.text), part.way))
            # A comment must not swallow what comes after it.
            sql += part.text + "\n" * ("--" in part.text)
        else:
            sql += part
    return sql, tuple(pieces)
