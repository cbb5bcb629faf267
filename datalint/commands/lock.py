"""`datalint lock`: write the lock file, and say what has changed in it."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

from datalint import check, locked, lockfile, progress, trust
from datalint.commands.check import request_of
from datalint.entry import display
from datalint.errors import ExitCode, UnfinishedError, UsageError
from datalint.facts.cache import open_cache
from datalint.lockfile import Lock
from datalint.report.words import count, printable
from datalint.workspace import open_workspace

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator

    from datalint.locked import Present
    from datalint.request import Request
    from datalint.workspace import Workspace

_SHOWN = 5
"""Paths of each kind."""
_WORDS = {"added": "added", "missing": "removed", "changed": "changed", "relabelled": "relabelled", "moved": "moved"}


def run(arguments: argparse.Namespace) -> int:
    request = request_of(arguments)
    workspace = open_workspace(request)
    name, root = workspace.config.lock, locked.root_of(workspace)
    path = os.path.join(workspace.source.base, workspace.home, name)
    # The file of the work tree is the one that is replaced.
    old, lost = _old(path, name)
    if old is not None and old.root != root:
        raise UsageError(
            f"{name} locks {display(old.root)}, not {display(root)}",
            hint=f"delete it to lock {display(root)}, or give `lock` another name in the configuration",
        )
    now = _look(workspace, request)
    lines = {each: line for each, line in now.lines.items() if line.content_id}
    if not lines:
        raise UnfinishedError("there is no content to lock: nothing was written")
    unread = len(now.lines) - len(lines)
    unseen = _left_out(workspace, old, now)
    lines |= unseen
    lockfile.write(path, Lock(root, lines))
    for text in (*lost, *_summary(path, old, lines, unread=unread, unseen=len(unseen)), *workspace.notes):
        sys.stderr.write(f"datalint: {printable(text)}\n")
    return ExitCode.CLEAN


def _old(path: str, name: str) -> tuple[Lock | None, list[str]]:
    """What is replaced; a damaged file, or one with the marks of a merge, is not compared."""
    try:
        with open(path, "rb") as file:
            content = file.read()
    except FileNotFoundError:
        return None, []
    except OSError as error:
        raise UnfinishedError(f"cannot read {name}: {error.strerror}") from error
    try:
        return lockfile.parse(content, name), []
    except UsageError as error:
        if isinstance(error, lockfile.OtherVersionError):
            raise
        return None, [f"the old file was replaced and not compared: {error}"]


def _look(workspace: Workspace, request: Request) -> Present:
    believed = request.use_cache and trust.believable(workspace.cache_dir)
    with (
        open_cache(workspace.cache_dir if believed else None, algorithm=workspace.algorithm) as cache,
        progress.bar("reading files") as advance,
    ):
        return locked.present(check.scan(workspace, request, cache, progress=advance))


def _left_out(workspace: Workspace, old: Lock | None, now: Present) -> dict[str, lockfile.Line]:
    """What was locked and is not here because a sparse checkout leaves it out: nobody took it away."""
    if old is None or workspace.source.name != "worktree":
        return {}
    gone = {path: line for path, line in old.lines.items() if path not in now.lines}
    return {path: line for path, line in gone.items() if workspace.source.left_out(os.path.join(workspace.home, path))}


def _summary(
    path: str, old: Lock | None, lines: dict[str, lockfile.Line], *, unread: int, unseen: int
) -> Iterator[str]:
    found = lockfile.counted(lockfile.compare(old.lines, lines)) if old is not None else {}
    parts = [f"{len(found[status]):,} {word}" for status, word in _WORDS.items() if status in found]
    changes = "" if old is None else f" ({', '.join(parts) or 'nothing has changed'})"
    yield f"{count(len(lines), 'file')} in {os.path.relpath(path)}{changes}"
    for status, word in _WORDS.items():
        paths = found.get(status, [])
        if paths and status != "added":
            more = f" and {len(paths) - _SHOWN:,} more" if len(paths) > _SHOWN else ""
            yield f"{word}: {', '.join(map(display, paths[:_SHOWN]))}{more}"
    if unread:
        yield f"{count(unread, 'file')} could not be read and {'is' if unread == 1 else 'are'} not locked"
    if unseen:
        yield f"{count(unseen, 'file')} left out by the sparse checkout: what was locked stays as it was"
