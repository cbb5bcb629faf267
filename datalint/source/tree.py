"""A git tree: a commit as it stands."""

from __future__ import annotations

from datalint import git
from datalint.source.snapshot import Snapshot, snapshot


def open_tree(top: str, ref: str) -> Snapshot:
    """Files of the commit `ref`; raises UsageError where there is no such commit."""
    return snapshot(top, "tree", git.tree_items(top, ref))
