"""What a commit changes: the table `changed`, which knows of files that are gone."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from datalint import git
from datalint.entry import display
from datalint.tables import Data

if TYPE_CHECKING:
    from collections.abc import Callable

    from datalint.request import Request
    from datalint.workspace import Workspace


def read(request: Request, workspace: Workspace) -> Data:
    """Changes at or below the dataset root; raises UsageError for a base that is no commit.

    The index is compared with the last commit and a commit with its first parent, unless the request names a base;
    the work tree only with a base that it names.
    """
    if workspace.top is None and request.base is None:
        return Data({})
    base = os.path.realpath(workspace.source.base)
    folder = os.path.normpath(os.path.join(base, workspace.root))
    if workspace.top is not None:
        top = workspace.top
        changes = git.changes(top, base=request.base, head=request.tree)
    else:
        folder = os.path.realpath(folder)
        top = git.top_level(folder if os.path.isdir(folder) else os.path.dirname(folder))
        changes = git.changes(top, base=request.base, worktree=True)
    # Every other table names files as they lie below the source's base.
    named = (lambda path: display(os.path.relpath(os.path.join(top, path), base))) if base != top else display
    return _table(changes, os.path.relpath(folder, top), named)


def _table(changes: list[git.Change], root: str, named: Callable[[str], str]) -> Data:
    below = [change for change in changes if _below(change.path, root) or _below(change.old_path or "", root)]
    return Data(
        {
            "path": [named(change.path) for change in below],
            "status": [change.status for change in below],
            "old_path": [None if change.old_path is None else named(change.old_path) for change in below],
        }
    )


def _below(path: str, root: str) -> bool:
    return root == "." or path == root or path.startswith(f"{root}/")
