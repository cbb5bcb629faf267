"""Tables on their way into the child's database: it loads each part while the next one is written."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from datalint.errors import UnfinishedError
from datalint.rule.handover import extra_columns, written
from datalint.rule.process import LostError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from datalint.rule.process import Process
    from datalint.tables import Data


class Loading:
    """Begins with some tables and ends with the others; what goes wrong is told at the end."""

    def __init__(self, child: Process, database: str, tables: Mapping[str, Data]) -> None:
        self.database = database
        self._child = child
        self._tables = dict(tables)
        self._lost: LostError | None = None
        self._told = 0
        size = sum(len(data) * len(data.columns) for data in tables.values())
        self._tell({"step": "fill", "database": database, "extra": extra_columns(tables), "cells": size})
        self._hand_over(tables)

    def is_begun_for(self, tables: Mapping[str, Data]) -> bool:
        """Whether what was given is a part of them, and the child still there."""
        given = all(tables.get(name) is data for name, data in self._tables.items())
        rest = {name: data for name, data in tables.items() if name not in self._tables}
        return given and self._child.alive and not extra_columns(rest)

    def finish(self, tables: Mapping[str, Data]) -> None:
        """Hand over the rest and wait until all is there; raises UnfinishedError."""
        self._hand_over({name: data for name, data in tables.items() if name not in self._tables})
        self._tell({"step": "filled"})
        answers: list[dict[str, Any]] = []
        try:
            if self._lost is not None:
                raise self._lost
            answers += [self._child.answer(None) for _ in range(self._told)]
        except LostError as loss:
            raise UnfinishedError(f"the tables could not be written: {loss}") from loss
        for answer in answers:
            if answer.get("error"):
                raise UnfinishedError(f"the tables could not be written: {answer['error']}")

    def _hand_over(self, tables: Mapping[str, Data]) -> None:
        for part in written(tables, self.database):
            self._tell({"step": "load", **part})

    def _tell(self, job: dict[str, Any]) -> None:
        if self._lost is not None:
            return
        try:
            self._child.tell(job)
            self._told += 1
        except LostError as loss:
            self._lost = loss
