"""What one state of a repository has made of another one."""

from __future__ import annotations

import os
from dataclasses import dataclass

from datalint.git.commits import commit
from datalint.git.process import ask, run


@dataclass(frozen=True, slots=True)
class Change:
    """A path that differs from the base: A added, M modified, T other type, D deleted, R renamed (same bytes)."""

    path: str
    status: str
    old_path: str | None = None


def changes(top: str, *, base: str | None = None, head: str | None = None, worktree: bool = False) -> list[Change]:
    """What `head` (None: the index, or the tracked files of the work tree) has made of `base`.

    Without a base: of the last commit, or of the parent of `head`; where there is none, of nothing. Renames are
    those with the same bytes: guessing at similar ones would read every blob.
    """
    start = commit(top, base) if base is not None else _before(top, head)
    words = ("-z", "--name-status", "--find-renames=100%", "-l0", "--ignore-submodules=dirty")
    if worktree:
        listing = run(top, "diff", "--no-ext-diff", *words, start, "--")
    elif head is None:
        listing = run(top, "diff-index", "-r", "--cached", *words, start, "--")
    else:
        listing = run(top, "diff-tree", "-r", *words, start, commit(top, head), "--")
    return _changes(listing)


def _before(top: str, head: str | None) -> str:
    """HEAD, the parent of `head`, or the empty tree where that is missing."""
    name = "HEAD" if head is None else f"{commit(top, head)}^"
    found = ask(top, "rev-parse", "--verify", "--quiet", f"{name}^{{commit}}")
    return found.stdout.decode().strip() or run(top, "hash-object", "-t", "tree", "--stdin").decode().strip()


def _changes(listing: bytes) -> list[Change]:
    fields = iter(os.fsdecode(field) for field in listing.split(b"\0")[:-1])
    found = []
    for status in fields:
        old = next(fields) if status.startswith("R") else None
        found.append(Change(next(fields), status[0], old))
    return found
