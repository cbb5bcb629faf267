"""Memory of this process, as a memory limit and the kernel's killer look at it."""

from __future__ import annotations

import sys
import threading
import time
from contextlib import suppress
from pathlib import Path

PATIENCE = 1.2
"""Seconds in which nothing may grow or compute any more."""
BUSY = 0.05
"""Of one core that other threads take or wait for: with more, buffers are still being filled, even if that fills memory
which the process had before."""
LONGEST = 12.0
"""Seconds after which nobody waits for it."""


def resident() -> int:
    """Bytes that are resident now; on other systems than Linux the most that ever were."""
    return _status("VmRSS:") or _most()


def peak() -> int:
    """Bytes that were resident at most, since `forget` on Linux."""
    return _status("VmHWM:") or _most()


def forget() -> None:
    """Let the peak count from now, where the system can."""
    try:
        with open("/proc/self/clear_refs", "w", encoding="ascii") as file:
            file.write("5")
    except OSError:
        pass


def volunteer() -> None:
    """Be the one that the kernel ends when memory runs out, not whoever else works on this machine."""
    try:
        with open("/proc/self/oom_score_adj", "w", encoding="ascii") as file:
            file.write("1000")
    except OSError:
        pass


def wait_until_full(longest: float = LONGEST) -> None:
    """Return when this process has stopped growing and its other threads computing; after `longest` seconds anyway."""
    started = since = time.monotonic()
    most, wanted = peak(), _wanted()
    while time.monotonic() - started < longest:
        time.sleep(0.1)
        now = time.monotonic()
        if peak() > most + (1 << 20) or _wanted() - wanted > BUSY * PATIENCE:
            most, wanted, since = peak(), _wanted(), now
        elif now - since >= PATIENCE:
            return


def _wanted() -> float:
    """Seconds that the other threads have computed or, on a busy machine, waited for a core."""
    total = 0
    for task in Path("/proc/self/task").glob("*"):  # nothing on other systems than Linux: growth alone decides there
        if task.name != str(threading.get_native_id()):
            with suppress(OSError):  # the thread has just ended
                total += sum(map(int, (task / "schedstat").read_text("ascii").split()[:2]))
    return total / 1e9


def _status(name: str) -> int:
    try:
        with open("/proc/self/status", encoding="ascii", errors="replace") as file:
            return next((int(line.split()[1]) * 1024 for line in file if line.startswith(name)), 0)
    except OSError:
        return 0


def _most() -> int:
    try:
        import resource
    except ImportError:  # Windows
        return 0
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most if sys.platform == "darwin" else most * 1024
