"""Queries that the child answers while the caller makes the tables that they do not read."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any

from datalint.rule.process import START_TIMEOUT, LostError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from datalint.rule.process import Process

    Job = Mapping[str, Any]


class Early:
    """Asked of tables that the child has been given; what it answers holds for the same query with the same values."""

    def __init__(self, child: Process, database: str, jobs: Mapping[str, Job]) -> None:
        self._child = child
        self._jobs = jobs
        self._numbers: dict[str, int] = {}
        self._found: dict[str, Job] | None = None
        # A child that is gone is missed by whoever waits for its answers.
        with suppress(LostError):
            self._opened = child.tell({"step": "open", "database": database})
            for name, job in jobs.items():
                self._numbers[name] = child.tell(job)
        child.opened = database

    def answer(self, name: str, job: Job) -> Job | None:
        """To exactly this job; None where nobody asked it, or the child did not live to answer."""
        assert self._found is not None, "wait first"
        return self._found.get(name) if self._jobs.get(name) == job else None

    def wait(self, timeout: float) -> None:
        """Until all is answered, `timeout` seconds for each; behind one that the child did not survive nothing is."""
        if self._found is not None:
            return
        self._found = {}
        asked = ""
        try:
            if not self._numbers or self._child.answer(self._opened, START_TIMEOUT).get("error"):
                return
            for asked, number in self._numbers.items():
                answer = self._found[asked] = self._child.answer(number, timeout)
                if answer.get("broken"):
                    self._child.kill()
                    return
        except LostError as loss:
            if asked:
                self._found[asked] = {"error": str(loss)}
