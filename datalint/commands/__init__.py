"""What each word on the command line does: one module a verb, each with `run(arguments) -> exit code`."""

from __future__ import annotations

import os
import sys


def reader_has_gone() -> None:
    """After a broken pipe (`datalint check | head -1`): else Python complains once more when it flushes at exit."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
