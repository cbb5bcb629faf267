"""What a commit changes: the table `changed`, which knows of files that are gone."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from datalint import braces, git
from datalint.dataset.splits import meaning
from datalint.entry import display
from datalint.tables import Data

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator

    from datalint.dataset import Dataset
    from datalint.request import Request
    from datalint.workspace import Workspace


def read(request: Request, workspace: Workspace, found: Dataset) -> Data:
    """Changes at or below the root of the dataset; raises UsageError for a base that is no commit.

    The index is compared with the last commit and a commit with its first parent, unless the request names a base;
    the work tree only with a base that it names.
    """
    if workspace.top is None and request.base is None:
        return Data({})
    base = os.path.realpath(workspace.source.base)
    folder = os.path.normpath(os.path.join(base, braces.place(workspace.root)))
    if workspace.top is not None:
        top = workspace.top
        changes = git.changes(top, base=request.base, head=request.tree)
    else:
        folder = os.path.realpath(folder)
        top = git.top_level(folder if os.path.isdir(folder) else os.path.dirname(folder))
        changes = git.changes(top, base=request.base, worktree=True)
    # Every other table names files as they lie below the source's base.
    named = (lambda path: display(os.path.relpath(os.path.join(top, path), base))) if base != top else display
    root = os.path.relpath(folder, top)
    folders = _classes(found) if found.format == "imagefolder" else None
    below = [change for change in changes if _below(change.path, root) or _below(change.old_path or "", root)]
    return _table(below, [class_folder(_before(change), root, folders) if folders else "" for change in below], named)


def unseen(request: Request, workspace: Workspace) -> Iterator[str]:
    """A note where there is nothing to compare a commit with: rules about what it deletes are silent then."""
    if (
        workspace.top is not None
        and request.tree
        and request.base is None
        and git.is_cut_off(workspace.top, request.tree)
    ):
        yield (
            f"the parent of {request.tree} is not here (a shallow clone), so what it deletes is not told: "
            "fetch two commits, or name one with --base"
        )


@dataclass(frozen=True, slots=True)
class Folders:
    """Names that the folders below the root have now."""

    splits: Collection[str]
    labels: Collection[str]


def _classes(found: Dataset) -> Folders:
    columns = found.folders.columns
    roles = list(zip(columns["name"], columns["role"], strict=True))
    return Folders(
        splits={str(name) for name, role in roles if role == "split"},
        labels={str(name) for name, role in roles if role == "class"},
    )


def _before(change: git.Change) -> str:
    """Path of what was there before; empty for what is new."""
    return (change.old_path or change.path) if change.status != "A" else ""


def class_folder(path: str, root: str, now: Folders) -> str:
    """The class folder that a file lay in, empty where it was in none; `path` and `root` start at the same folder.

    What a split was called then is not known: a usual name, or one that is a split now.
    """
    if not _below(path, root):
        return ""
    above = "" if root == "." else f"{root}/"
    parts = path[len(above) :].split("/")[:-1]
    if not parts:
        return ""
    usual = meaning(parts[0]) is not None and len(parts) > 1
    in_split = usual or display(parts[0]) in now.splits or (now.splits and display(parts[0]) not in now.labels)
    depth = 2 if in_split else 1
    return above + "/".join(parts[:depth]) if len(parts) >= depth else ""


def _table(changes: list[git.Change], folders: list[str], named: Callable[[str], str]) -> Data:
    return Data(
        {
            "path": [named(change.path) for change in changes],
            "status": [change.status for change in changes],
            "old_path": [None if change.old_path is None else named(change.old_path) for change in changes],
            "folder": [named(folder) if folder else None for folder in folders],
            "label": [display(os.path.basename(folder)) if folder else None for folder in folders],
        }
    )


def _below(path: str, root: str) -> bool:
    return root == "." or path == root or path.startswith(f"{root}/")
