"""Whether a cache may be believed: not where a commit can have brought it, because facts decide the verdict."""

from __future__ import annotations

import os

from datalint import git_index
from datalint.errors import UsageError


def believable(folder: str) -> bool:
    """False for a folder with files that git tracks: whoever wrote the commit wrote them."""
    folder = os.path.realpath(folder)
    if os.path.lexists(os.path.join(folder, ".git")):
        return False  # a repository of its own, as a submodule is: its commit brought whatever lies in it
    located = git_index.locate(os.path.dirname(folder))
    if located is None:
        return not ({"GIT_DIR", "GIT_WORK_TREE"} & os.environ.keys() and _tracked_here(folder))
    top, index, directory = located
    below = os.path.relpath(folder, os.path.realpath(top))
    if not git_index.may_track(index, directory, below):
        return True
    from datalint import git

    return not git.index_listing(top, [below])


def _tracked_here(folder: str) -> bool:
    """Whether git tracks it where the environment alone says what the work tree is."""
    from datalint import git

    try:
        top = os.path.realpath(git.top_level(os.getcwd()))
    except UsageError:
        return False
    below = os.path.relpath(folder, top)
    return not below.startswith("..") and bool(git.index_listing(top, [below]))
