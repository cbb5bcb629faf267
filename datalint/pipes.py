"""The answers of a child process, line by line as they come."""

from __future__ import annotations

import queue
import threading
from typing import IO


def listen(pipe: IO[bytes]) -> tuple[queue.SimpleQueue[bytes], threading.Thread]:
    """A queue of its lines, at the end an empty one, and the thread that fills it and ends with the pipe."""
    lines: queue.SimpleQueue[bytes] = queue.SimpleQueue()

    def fill() -> None:
        with pipe:
            for line in pipe:
                lines.put(line)
        lines.put(b"")

    thread = threading.Thread(target=fill, daemon=True)
    thread.start()
    return lines, thread
