"""Whether a cache may be believed: not where a commit can have brought it, because facts decide the verdict."""

from __future__ import annotations

import os

from datalint import git_index


def believable(folder: str) -> bool:
    """False for a folder with files that git tracks: whoever wrote the commit wrote them."""
    folder = os.path.realpath(folder)
    if os.path.lexists(os.path.join(folder, ".git")):
        return False  # a repository of its own, as a submodule is: its commit brought whatever lies in it
    located = git_index.locate(os.path.dirname(folder))
    if located is None:
        return True
    top, index, directory = located
    below = os.path.relpath(folder, os.path.realpath(top))
    tracked = git_index.tracks(index, directory, below)
    if tracked is None:
        from datalint import git

        tracked = bool(git.index_listing(top, [below]))
    return not tracked
