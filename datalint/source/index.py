"""The git index: what is about to be committed, whatever lies in the work tree."""

from __future__ import annotations

from datalint import git
from datalint.errors import UsageError
from datalint.source.snapshot import Snapshot, snapshot


def open_index(top: str) -> Snapshot:
    """Entries of the index of the repository at `top`; raises UsageError in the middle of a merge conflict."""
    items = git.index_items(top)
    if set(items.stages) - {"0"}:
        conflict = next(item for item in items if item.stage)
        raise UsageError(f"the index has an unresolved conflict: {conflict.path}", hint="resolve it, then `git add`")
    return snapshot(top, "index", items)
