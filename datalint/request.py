"""What the user asked for, as one frozen value."""

from __future__ import annotations

import os
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One run over one dataset; None means that the configuration decides."""

    path: str | None = None
    staged: bool = False
    tree: str | None = None
    base: str | None = None
    """Commit that the table `changed` compares with."""
    policy_from: str | None = None
    """Commit whose configuration, rules and baseline count instead of those that come with the data."""
    since: str | None = None
    """Commit whose findings do not block."""
    format: str | None = None
    config: str | None = None
    select: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()
    target: str | None = None
    fail_on: str | None = None
    use_ignores: bool = True
    use_cache: bool = True
    cache_dir: str | None = None
    verify_lock: bool = False
    """Every byte of the work tree is read again before it is compared with the lock file."""
    workers: int | None = None
    """Scan processes; None takes every allowed core."""
    timeout: float = 60.0
    """Seconds that one file may take to decode."""
    rule_timeout: float = 30.0
    """Seconds that one rule may run."""


def named_config(said: str | None) -> str | None:
    """The configuration file that the command line names, else the environment."""
    return said or os.environ.get("DATALINT_CONFIG") or None
