"""The other end of `datalint.child`: a process that gets one job and tells, line by line, how it went."""

from __future__ import annotations

import json
import os
import threading
from importlib import import_module
from typing import TYPE_CHECKING, Any

from datalint.integrations.building import JobError, refused

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    Job = Mapping[str, Any]
    Tell = Callable[[Mapping[str, Any]], None]


def serve(
    run: Callable[[Job, Tell], None], *, environment: Callable[[Job], Mapping[str, str]], needs: Sequence[str]
) -> None:
    """One job as JSON on standard input, lines of JSON on standard output; what anybody prints goes elsewhere.

    `environment` is set before the packages that it `needs` are imported; one that is missing is told.
    """
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    parent = os.fdopen(os.dup(0), encoding="utf-8")
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)

    def tell(line: Mapping[str, Any]) -> None:
        answers.write(json.dumps(line) + "\n")
        answers.flush()

    job = json.loads(parent.readline())
    # Nobody waits for a child whose parent was killed.
    threading.Thread(target=lambda: parent.read() or os._exit(1), daemon=True).start()
    os.environ.update(environment(job))
    try:
        for package in needs:
            import_module(package)
    except ImportError as error:
        tell({"error": "missing", "message": str(error)})
        os._exit(0)
    try:
        run(job, tell)
    except Exception as error:
        told = error if isinstance(error, JobError) else refused(error, f"{type(error).__name__}: ")
        tell({"error": told.kind, "message": str(told)})
    os._exit(0)  # taking TensorFlow apart would keep whoever waits for it
