"""What a rule is, once its file has been read."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping

    from datalint.errors import Position
    from datalint.finding import Family, Severity
    from datalint.rule.template import Template
    from datalint.strict_yaml import Loaded, Way


@dataclass(frozen=True, slots=True)
class Param:
    """A parameter, bound as `$name`; limits are inclusive."""

    name: str
    type: str
    """integer, number, string, boolean or list."""
    default: Any
    doc: str = ""
    min: float | None = None
    max: float | None = None
    items: str = "string"
    """Type of a list's items."""
    choices: tuple[Any, ...] = ()


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch of the query and the text in the rule file that it comes from."""

    start: int
    end: int
    way: Way


@dataclass(frozen=True, slots=True)
class Case:
    """An inline test: these rows in, those findings out."""

    name: str
    params: Mapping[str, Any]
    given: Mapping[str, tuple[tuple[Mapping[str, Any], int], ...]]
    """Table -> rows and how many times each is there."""
    expect: tuple[Mapping[str, Any], ...]
    way: Way


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule file; `id` is kebab-case, with a namespace (`acme/name`) when it is not ours."""

    id: str
    title: str
    severity: Severity
    family: Family
    docs: str
    message: str
    key: tuple[str, ...]
    sql: str
    tests: tuple[Case, ...]
    file: str
    position: Position
    remedy: str = ""
    since: str = ""
    tags: tuple[str, ...] = ()
    cost: str = "low"
    params: Mapping[str, Param] = field(default_factory=dict)
    extra: tuple[str, ...] = ()
    """Columns of the user's manifest that the rule's own tests give to `samples`."""
    templates: Mapping[str, Template] = field(default_factory=dict, repr=False)
    """`message` and `remedy`, parsed."""
    pieces: tuple[Piece, ...] = field(default=(), repr=False)
    source: Loaded | None = field(default=None, repr=False, compare=False)

    def where(self, *way: str | int, key: bool = False) -> Position:
        """The place of a value (or key) in the rule's file."""
        return self.source.position(way, key=key) if self.source else self.position

    def where_in(self, way: Way, offset: int) -> Position:
        """The place of a character of a text in the rule's file."""
        return self.source.inside(way, offset) if self.source else self.position

    def where_in_sql(self, offset: int | None) -> Position:
        """The place of a character of the query; between two pieces, the end of the one before."""
        before = [piece for piece in self.pieces if offset is not None and piece.start <= offset]
        if offset is not None and before:
            return self.where_in(before[-1].way, min(offset, before[-1].end) - before[-1].start)
        # DuckDB does not tell where: the query as a whole, and of a check what it computes.
        piece = next((piece for piece in self.pieces if piece.way in (("sql",), ("check", "metric"))), None)
        return self.where_in(piece.way, 0) if piece else self.position

    def where_named(self, column: str) -> Position:
        """The place of the name that the author gives a column of the query; else of the query."""
        given = rf'\bas\s+(?="?{re.escape(column)}"?(?!\w))'
        ends = [found.end() for found in re.finditer(given, self.sql, re.IGNORECASE)]
        own = [end for end in ends if any(piece.start <= end < piece.end for piece in self.pieces)]
        return self.where_in_sql(own[-1] if own else None)


class Bound(Protocol):
    """A rule with the severity and parameter values of one run."""

    @property
    def rule(self) -> Rule: ...
    @property
    def severity(self) -> Severity | None: ...
    @property
    def params(self) -> Mapping[str, Any]: ...
