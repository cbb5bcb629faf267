"""Submodules that nobody has checked out: in their place the work tree has an empty folder."""

from __future__ import annotations

import os

from datalint import git, git_index
from datalint.entry import display
from datalint.errors import UsageError


def absent(folder: str) -> str:
    """Words for those at or below a folder, with what to do; empty without any, or where git does not answer."""
    folder = os.path.realpath(folder)
    located = git_index.locate(folder)
    if located is None or not os.path.exists(os.path.join(located[0], ".gitmodules")):
        return ""
    top = os.path.realpath(located[0])
    try:
        listing = git.index_listing(top, [os.path.relpath(folder, top).replace(os.sep, "/")])
    except UsageError:
        return ""
    entries = (os.fsdecode(entry) for entry in listing.split(b"\0") if entry.startswith(git.SUBMODULE.encode()))
    paths = [path for path in (entry.partition("\t")[2] for entry in entries) if _is_empty(os.path.join(top, path))]
    if not paths:
        return ""
    which = f"the submodule {display(paths[0])} is" if len(paths) == 1 else f"{len(paths):,} submodules are"
    return f"{which} not checked out: `git submodule update --init`"


def _is_empty(folder: str) -> bool:
    return not os.path.isdir(folder) or not os.listdir(folder)
