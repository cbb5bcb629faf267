"""What became of locked files that the dataset does not have: only some of them are missing."""

from __future__ import annotations

import os
import posixpath
from typing import TYPE_CHECKING

from datalint import git, lockfile
from datalint.facts.ids import read_ids
from datalint.lockfile import Line
from datalint.source.dvc import within
from datalint.source.lfs import POINTER_BYTES, pointed

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Sequence

    from datalint.dataset import Dataset
    from datalint.entry import Entry
    from datalint.lockfile import Difference
    from datalint.looked import Looked
    from datalint.source import Source

_APART = {"dvc-missing", "dvc-unknown", "dvc-beside", "unreadable-folder"}
"""Problems of a path below which nobody knows what there is."""
_UNREAD = {"pointer", "unreadable", "unsupported"}
"""Shards of which the same holds."""


def settled(found: Iterable[Difference], looked: Looked) -> Iterator[Difference]:
    """With what is known of locked files that the dataset does not have: another status than missing for many.

    dropped: it is there as it was, and no part of the dataset any more; unknown: nobody can say whether it is there;
    outside: it lies in the work tree, and git, which is judged, ignores it; sparse: a sparse checkout leaves it out.
    """
    workspace = looked.workspace
    source = workspace.source
    apart = _apart(looked.dataset)
    found = list(found)
    paths = {each.path: posixpath.normpath(posixpath.join(workspace.home, each.path)) for each in found}
    gone = [paths[each.path] for each in found if each.status == "missing"]
    outside = _outside(looked, [path for path in gone if "\0" not in path])
    for each in found:
        path = paths[each.path]
        if each.status != "missing" or each.old is None:
            yield each
            continue
        entry = there(source, path) if "\0" not in path else None
        if entry is not None:
            new = _unnamed(entry, looked)._replace(uses=each.old.uses)
            status = lockfile.status(each.old, new) or "dropped"
            yield each._replace(status=status, new=new)
        elif any(within(path, other) or path.startswith(f"{other}#") for other in apart):
            yield each._replace(status="unknown")
        elif outside is None or path in outside:
            yield each._replace(status="outside")
        elif source.name == "worktree" and source.left_out(path):
            yield each._replace(status="sparse")
        else:
            yield each


def _outside(looked: Looked, gone: Sequence[str]) -> Collection[str] | None:
    """Those that lie in the work tree and that git, which is judged, ignores; None: all of them, as git has no image.

    What git does not ignore is gone from a commit, whatever is checked out beside it.
    """
    source = looked.workspace.source
    if source.name == "worktree" or not gone:
        return ()
    if "file" not in {entry.kind for entry in looked.dataset.files}:
        return None
    here = [path for path in gone if os.path.lexists(os.path.join(source.base, path))]
    return git.ignored(source.base, here)


def _unnamed(entry: Entry, looked: Looked) -> Line:
    """A file that the dataset does not name, as it is."""
    identity, size = read_ids([entry], looked.cache)[0]
    if size is None or size < POINTER_BYTES:
        read = pointed(looked.workspace.source.read(entry.path, limit=POINTER_BYTES) or b"")
        if read is not None:
            return Line(f"lfs:{read[0]}", read[1], ())
    return Line(identity or "", size, ())


def _apart(found: Dataset) -> list[str]:
    """Paths below which nobody knows what there is: they are told as such elsewhere."""
    problems, shards = found.problems.columns, found.shards.columns
    paths = [path for path, kind in zip(problems["path"], problems["kind"], strict=True) if kind in _APART]
    paths += [path for path, status in zip(shards["path"], shards["status"], strict=True) if status in _UNREAD]
    return [str(path) for path in paths]


def there(source: Source, path: str) -> Entry | None:
    """The file at a path; None where there is none."""
    if source.name == "worktree" and source.place(path) is None:
        return None
    path = posixpath.normpath(path)
    found = source.entries(path)
    return found[0] if len(found) == 1 and found[0].path == path and found[0].kind == "file" else None
