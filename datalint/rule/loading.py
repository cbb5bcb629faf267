"""Tables on their way into the child's database: it loads each part while the next one is written."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from datalint.errors import UnfinishedError
from datalint.rule.columns import ALL
from datalint.rule.early import Early
from datalint.rule.handover import extra_columns, written
from datalint.rule.process import LostError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from datalint.rule.columns import Columns
    from datalint.rule.early import Job
    from datalint.rule.process import Process
    from datalint.tables import Data


_LOOK = 100
"""Rows of a table by which its size is guessed."""


class Loading:
    """Begins with some tables and ends with the others; what goes wrong is told at the end."""

    def __init__(self, child: Process, database: str, tables: Mapping[str, Data], read: Columns = ALL) -> None:
        """`read` is all that anybody reads of them."""
        self.database = database
        self.read = read
        self._child = child
        self._tables = dict(tables)
        self._jobs: list[int] = []
        self._lost: LostError | None = None
        self.early: Early | None = None
        """What the child was asked before all is there."""
        self.size = sum(map(_size, tables.values()))
        """Bytes of text, about."""
        self._tell({"step": "fill", "database": database, "extra": extra_columns(tables), "size": self.size})
        self._hand_over(tables)

    def is_begun_for(self, tables: Mapping[str, Data], read: Columns) -> bool:
        """Whether what was given is a part of them, with all that is `read`."""
        given = self.read.cover(read) and all(tables.get(name) is data for name, data in self._tables.items())
        return given and not extra_columns(self._rest(tables))

    def is_in(self, child: Process) -> bool:
        """Whether it is this one that was given them."""
        return self._child is child

    def ask(self, jobs: Mapping[str, Job]) -> None:
        """Let the child answer queries of what was given before the rest comes."""
        self._tell({"step": "filled"})
        self.early = Early(self._child, self.database, jobs)

    def finish(self, tables: Mapping[str, Data]) -> None:
        """Hand over the rest and wait until all is there; raises UnfinishedError with what went wrong first."""
        rest = self._rest(tables)
        if self.early is None or any(map(len, rest.values())):
            if self.early is not None:
                self._tell({"step": "refill", "database": self.database})
                self._child.opened = ""
            self._hand_over(rest)
            self._tell({"step": "filled"})
        wrong = next(self._complaints(), None)
        if wrong is not None:
            raise UnfinishedError(f"the tables could not be written: {wrong}")

    def _rest(self, tables: Mapping[str, Data]) -> dict[str, Data]:
        """Those that were not given yet."""
        return {name: data for name, data in tables.items() if name not in self._tables}

    def _complaints(self) -> Iterator[str]:
        """What the child says against any of the jobs, in their order."""
        try:
            for job in self._jobs:
                answer = self._child.answer(job, None)
                if answer.get("error"):
                    yield answer["error"]
        except LostError as loss:
            yield str(self._lost or loss)
        if self._lost is not None:
            yield str(self._lost)

    def _hand_over(self, tables: Mapping[str, Data]) -> None:
        for part in written(tables, self.database, self.read):
            self._tell({"step": "load", **part})

    def _tell(self, job: dict[str, Any]) -> None:
        if self._lost is not None:
            return
        try:
            self._jobs.append(self._child.tell(job))
        except LostError as loss:
            self._lost = loss


def _size(table: Data) -> int:
    """Bytes of its text, by the first rows."""
    rows = min(_LOOK, len(table))
    cells = (value for column in table.columns.values() for value in column[:rows] if value is not None)
    return sum(len(str(value)) + 1 for value in cells) * len(table) // max(rows, 1)
