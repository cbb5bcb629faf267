"""What DuckDB answers, as plain values that JSON and a report can hold."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence

MAX_TEXT = 10_000
"""Characters of one returned text; a sentence needs fewer."""
MAX_ANSWER = 64 * 2**20
"""Characters of all that one query returns, so that the parent's memory is safe too."""


class Result(Protocol):
    """What a query returned, as DB-API 2.0 gives it (PEP 249)."""

    @property
    def description(self) -> Sequence[Sequence[Any]]:
        """Of each column its name first."""

    def fetchmany(self, size: int, /) -> list[Any]:
        """The next rows, none at the end."""


def rows(result: Result, limit: int) -> dict[str, Any]:
    """At most `limit` of them, and no more than a parent can hold."""
    columns = [column[0] for column in result.description]
    rows: list[list[Any]] = []
    room = MAX_ANSWER
    while chunk := result.fetchmany(1000):
        for row in chunk:
            values = [_value(value) for value in row]
            room -= sum(len(value) if isinstance(value, str) else 8 for value in values)
            if len(rows) == limit or room < 0:
                return {"columns": columns, "rows": rows, "truncated": True}
            rows.append(values)
    return {"columns": columns, "rows": rows}


def _value(value: Any) -> Any:
    """What JSON and a report can hold; NaN and infinity read as text."""
    if value is None or isinstance(value, bool | int):
        return value
    if isinstance(value, str):
        return value if len(value) <= MAX_TEXT else f"{value[:MAX_TEXT]}..."
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    if isinstance(value, list | tuple):
        return [_value(item) for item in value]
    if isinstance(value, dict):
        return {str(key): _value(item) for key, item in value.items()}
    if hasattr(value, "as_tuple"):
        return float(value)
    return str(value)


def located(text: str) -> tuple[str, int | None]:
    """The first line of an error of DuckDB, and the byte that it points at."""
    try:
        answer = json.loads(text[text.index("{") :])
        message = str(answer["exception_message"])
    except (ValueError, KeyError):
        return text.split("\n", 1)[0], None
    place = answer.get("position")
    lines = [line.strip() for line in message.split("\n")]
    shown = "; ".join(line for line in lines[:2] if line and not line.startswith("Candidate functions"))
    return shown, int(place) if place is not None else None
