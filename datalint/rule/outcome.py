"""What one rule returned."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one rule returned; with an error, or where there were `more` than may be kept, not all of it."""

    columns: tuple[str, ...] = ()
    rows: Sequence[Sequence[Any]] = ()
    error: str = ""
    more: bool = False


def read(answer: Mapping[str, Any]) -> Outcome:
    """As the child answered."""
    return Outcome(
        columns=tuple(answer.get("columns", ())),
        rows=answer.get("rows", ()),
        # Silence is an answer only where the query was run.
        error=answer.get("error", "" if "columns" in answer else "its process gave no answer"),
        more=answer.get("truncated", False),
    )


def in_order(rows: Sequence[Sequence[Any]]) -> Sequence[Sequence[Any]]:
    """Rows that come in no order: DuckDB's threads return them in another one each time."""
    return sorted(rows, key=_row_key)


def _row_key(row: Sequence[Any]) -> list[tuple[int, float, str]]:
    """Cell by cell: nothing before numbers, numbers by value, everything else as text."""
    return [_cell_key(cell) for cell in row]


def _cell_key(cell: Any) -> tuple[int, float, str]:
    if cell is None:
        return 0, 0.0, ""
    if isinstance(cell, int | float):
        return 1, cell, ""
    return 2, 0.0, cell if isinstance(cell, str) else json.dumps(cell)
