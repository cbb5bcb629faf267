"""What a sparse checkout keeps from the work tree."""

from __future__ import annotations

import os

from datalint import git, git_index


def left_out(folder: str) -> set[str]:
    """Files at or below a folder that are in the index and not on the disk, relative to it."""
    folder = os.path.realpath(folder)
    located = git_index.locate(folder)
    if located is None or not os.path.exists(os.path.join(located[2], "info", "sparse-checkout")):
        return set()
    top = located[0]
    below = os.path.relpath(folder, os.path.realpath(top))
    prefix = "" if below == "." else below.replace(os.sep, "/") + "/"
    return {path[len(prefix) :] for path in git.left_out(top, below)}
