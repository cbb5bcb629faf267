"""The process that runs rules: its parent may kill it at any time.

Jobs come as JSON lines on standard input and are answered by one JSON line each.
"""

from __future__ import annotations

import contextlib
import json
import os
import queue
import shutil
import signal
import sys
import threading
import time
from typing import TYPE_CHECKING, Any

from datalint.rule.room import BROKEN, TOO_LARGE, DuckDBError, Room, limit_memory
from datalint.rule.told import located

if TYPE_CHECKING:
    from collections.abc import Callable

GRACE = 2.0
"""Seconds that a query may still take once nobody waits for its answer."""


def main() -> None:
    """Answer jobs until standard input ends."""
    answers = _private_stdout()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    jobs: queue.SimpleQueue[dict[str, Any] | None] = queue.SimpleQueue()
    threading.Thread(target=_listen, args=(jobs,), daemon=True).start()
    room: Room | None = None
    while job := jobs.get():
        if room is None:
            room = Room(job)
        text = json.dumps(_answer(room, job)) + "\n"
        # Of a parent that is gone the listener sees the end, and clears up.
        with contextlib.suppress(BrokenPipeError):
            answers.write(text)
            answers.flush()
    limit_memory(None)


def _private_stdout() -> Any:
    """What DuckDB prints must not end up among the answers. Never closed: its end is the end of the process."""
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8", closefd=False)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    return answers


def _listen(jobs: queue.SimpleQueue[dict[str, Any] | None]) -> None:
    """Beside the queries, so that a parent that was killed leaves neither a process nor a folder behind."""
    folder = ""
    for line in sys.stdin:
        job = json.loads(line)
        folder = job.get("folder", folder)
        jobs.put(job)
    if folder:
        shutil.rmtree(folder, ignore_errors=True)
    jobs.put(None)
    # An idle main thread ends the process at once; this line is reached only beside a query that goes on.
    time.sleep(GRACE)
    os._exit(0)


def _answer(room: Room, job: dict[str, Any]) -> dict[str, Any]:
    steps: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {
        "start": lambda _: {},
        "prepare": room.prepare,
        "fill": room.fill,
        "refill": room.refill,
        "load": room.load,
        "filled": room.filled,
        "open": room.open,
        "run": room.run,
        "case": room.case,
        "export": room.export,
    }
    try:
        return steps[job["step"]](job)
    except TOO_LARGE:
        return {"error": "it needs more memory than a rule may take", "broken": True}
    except DuckDBError as error:
        return {"error": located(str(error))[0], "broken": isinstance(error, BROKEN)}
    except (OSError, ValueError, RecursionError) as error:
        return {"error": str(error)}
