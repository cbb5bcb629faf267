"""A progress bar on standard error: only for people at a terminal."""

from __future__ import annotations

import os
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


def wanted() -> bool:
    """pre-commit gives hooks a pseudo-terminal and keeps what they print, so isatty alone is not enough."""
    return sys.stderr.isatty() and "PRE_COMMIT" not in os.environ and os.environ.get("TERM") != "dumb"


@contextmanager
def bar(title: str) -> Iterator[Callable[[int, int], None] | None]:
    """Yield `advance(done, total)`, or None where nobody would see it."""
    if not wanted():
        yield None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[rate]}"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as display:
        task = display.add_task(title, total=None, rate="")

        def advance(done: int, total: int) -> None:
            speed = display.tasks[0].speed
            display.update(task, completed=done, total=total, rate=f"{speed:,.0f} files/s" if speed else "")

        yield advance
