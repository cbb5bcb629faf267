"""How a process ended, in words."""

from __future__ import annotations

import signal


def ending(status: int) -> str:
    """Of a `returncode` as subprocess gives it: negative for a signal."""
    if status >= 0:
        return f"exit status {status}"
    try:
        return f"killed by {signal.Signals(-status).name}"
    except ValueError:
        return f"killed by signal {-status}"
