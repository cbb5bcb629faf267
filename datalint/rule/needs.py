"""A row without which a query finds nothing, and whether it is there."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

from datalint.tables import TABLES, texts

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from datalint.tables import Data


class Need(NamedTuple):
    """Of a table any row; or one where a column is not NULL, or has one of some values."""

    table: str
    column: str = ""
    values: tuple[str, ...] = ()
    """As text: `damaged`, `true`."""


Needs = frozenset[Need]
NOTHING: Needs = frozenset()


def written(needs: Needs) -> list[list[str]]:
    """As JSON holds them: table, column and values of each."""
    return [[need.table, *filter(None, [need.column]), *need.values] for need in sorted(needs)]


def read(lists: Iterable[Sequence[str]]) -> Needs:
    """What `written` gave."""
    return frozenset(Need(some[0], "".join(some[1:2]), tuple(some[2:])) for some in lists)


def either(choices: Iterable[Needs]) -> Needs:
    """What is needed whichever of them it is."""
    first, *others = (_by_place(needs) for needs in choices)
    found = []
    for place, values in first.items():
        if all(place in other for other in others):
            all_values = [values, *(other[place] for other in others)]
            known = sorted({value for some in all_values for value in some}) if all(all_values) else ()
            found.append(Need(*place, tuple(known)))
    return frozenset(found)


def _by_place(needs: Needs) -> dict[tuple[str, str], tuple[str, ...]]:
    """Table and column -> values; of several needs in one place, one with values."""
    places: dict[tuple[str, str], tuple[str, ...]] = {}
    for need in sorted(needs):
        places[need.table, need.column] = need.values or places.get((need.table, need.column), ())
        places.setdefault((need.table, ""), ())
    return places


class Rows:
    """What is in the tables; a column is looked through once."""

    def __init__(self, tables: Mapping[str, Data]) -> None:
        self._tables = tables
        self._columns: dict[tuple[str, str], _Column] = {}

    def have(self, needs: Iterable[Need]) -> bool:
        """Whether nothing of it is missing."""
        return all(map(self._has, needs))

    def _has(self, need: Need) -> bool:
        if not need.column:
            return len(self._tables[need.table]) > 0
        place = need.table, need.column
        column = self._columns.get(place)
        if column is None:
            column = _Column(need.table, need.column, self._tables[need.table].columns.get(need.column, ()))
            self._columns[place] = column
        return not column.texts.isdisjoint(need.values) if need.values else column.is_known


class _Column:
    """One column of a table."""

    def __init__(self, table: str, name: str, values: Sequence[object]) -> None:
        self._is_truth = TABLES[table].types[name] == "BOOLEAN"
        self._values = values

    @cached_property
    def is_known(self) -> bool:
        """Anywhere."""
        return any(value is not None for value in self._values)

    @cached_property
    def texts(self) -> frozenset[str]:
        """Values as the child is handed them."""
        if self._is_truth:
            return frozenset("true" if value else "false" for value in set(self._values) if value is not None)
        # Not of a set of the values: 1 and True are equal, and read differently.
        return frozenset(text for text in set(texts(self._values)) if text is not None)
