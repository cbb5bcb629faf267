"""What the user must fix before we can go on; each error knows its exit code."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


class ExitCode(IntEnum):
    """The promise made to CI: it depends on the verdict, never on the output format."""

    CLEAN = 0
    BLOCKED = 1
    USAGE = 2
    UNFINISHED = 3
    INTERRUPTED = 130


@dataclass(frozen=True, slots=True)
class Position:
    """A place in a file that the user wrote; line and column count from 1."""

    file: str
    line: int = 1
    column: int = 1

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}"


class DatalintError(Exception):
    """Base of every error that is reported without a traceback."""

    exit_code = ExitCode.UNFINISHED


class UsageError(DatalintError):
    """Wrong usage, configuration or rule file: exit code 2, with its position where there is one."""

    exit_code = ExitCode.USAGE

    def __init__(
        self, message: str, position: Position | None = None, hint: str = "", keys: tuple[str, ...] = ()
    ) -> None:
        super().__init__(f"{position}: {message}" if position else message)
        self.message = message
        self.position = position
        self.hint = hint
        self.keys = keys
        """Way to the value in the configuration that it is about, where whoever raised it knows no position."""
        self.others: tuple[UsageError, ...] = ()
        """Mistakes that were found beside this one."""


def together(mistakes: Iterable[UsageError]) -> UsageError:
    """The first of several, with the others beside it; each once."""
    known: dict[str, UsageError] = {}
    for mistake in mistakes:
        for each in (mistake, *mistake.others):
            known.setdefault(str(each), each)
    first, *others = known.values()
    first.others = tuple(others)
    return first


class UnfinishedError(DatalintError):
    """The check could not finish (no samples, unreadable source, killed worker): exit code 3."""


class NoSamplesError(UnfinishedError):
    """There is no dataset where one was looked for."""
