"""The table `masks`: how masks are used, what they hold, and which of their values are no class."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from datalint.dataset.masks.classes import VOID
from datalint.tables import TABLES, Data

if TYPE_CHECKING:
    from datalint.dataset.model import Dataset

_SAME = ("width", "height", "format", "mode", "bit_depth", "channels", "orientation", "status", "cause", "detail")
_LISTED = 20


def table(found: Dataset, facts: Data) -> Data:
    """`facts` are those of `found.masks`, in the same order."""
    columns: dict[str, list[Any]] = {name: list(column) for name, column in found.mask_rows.columns.items()}
    columns |= {name: list(facts.columns[name]) for name in _SAME}
    names = {"values": "mask_values", "n_values": "mask_n_values", "min_value": "mask_min", "max_value": "mask_max"}
    columns |= {name: list(facts.columns[of]) for name, of in names.items()}
    unknown = [
        _unknown(found, values) if kind == "classes" else None
        for values, kind in zip(columns["values"], columns["kind"], strict=True)
    ]
    columns["n_unknown"] = [None if each is None else len(each) for each in unknown]
    columns["unknown"] = [", ".join(map(str, each[:_LISTED])) if each else None for each in unknown]
    columns["values"] = [
        None if values is None else ", ".join(map(str, json.loads(values)[:_LISTED])) for values in columns["values"]
    ]
    return Data({column.name: columns[column.name] for column in TABLES["masks"].columns})


def _unknown(found: Dataset, values: str | None) -> list[int] | list[str] | None:
    """Values that are no class; None where nobody says what the classes are."""
    stated = found.mask_classes
    if stated is None or values is None:
        return None
    seen: list[Any] = json.loads(values)
    if seen and isinstance(seen[0], str):
        return [value for value in seen if value not in stated.colours] if stated.colours else None
    return [value for value in seen if value not in stated.names and value != VOID]
