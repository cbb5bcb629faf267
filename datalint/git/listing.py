"""What the index and a commit hold, and what the work tree has beside them."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from datalint.git.commits import commit
from datalint.git.process import ask, run

if TYPE_CHECKING:
    from collections.abc import Container, Iterator, Sequence

# The empty blob, by SHA-1 and by SHA-256.
_EMPTY = frozenset(
    {
        "e69de29bb2d1d6434b8b29ae775ad8c2e48c5391",
        "473a0f4c3be8a93681a267e3b1e9a7dcda1185436fe141f7749120a303721813",
    }
)
# A record of `ls-files --stage -z`, and one of `ls-tree -z`.
_STAGED = re.compile("([0-7]+) ([0-9a-f]+) ([0-3])\t([^\0]+)\0")
_COMMITTED = re.compile("([0-7]+) [a-z]+ ([0-9a-f]+)\t([^\0]+)\0")
REGULAR, EXECUTABLE, LINK, SUBMODULE = "100644", "100755", "120000", "160000"


class Item(NamedTuple):
    """One entry of the index or of a tree; `stage` is above 0 in an unfinished merge."""

    path: str
    mode: str
    blob: str
    stage: int = 0


@dataclass(frozen=True, slots=True)
class Items:
    """Entries column by column, as there may be a million."""

    paths: Sequence[str] = ()
    modes: Sequence[str] = ()
    blobs: Sequence[str] = ()
    stages: Sequence[str] = ()
    """One digit each; empty for a tree."""

    def __iter__(self) -> Iterator[Item]:
        stages = map(int, self.stages or "0" * len(self.paths))
        return map(Item, self.paths, self.modes, self.blobs, stages)

    def without(self, places: Container[int]) -> Items:
        """Those at other places."""
        kept = [place for place in range(len(self.paths)) if place not in places]
        return Items(*([column[place] for place in kept] if column else () for column in self._columns()))

    def _columns(self) -> tuple[Sequence[str], ...]:
        return self.paths, self.modes, self.blobs, self.stages


def index_items(top: str) -> Items:
    """What a commit of the index would hold, in git's order; `git add --intent-to-add` alone adds nothing."""
    found = _STAGED.findall(os.fsdecode(run(top, "ls-files", "--stage", "-z")))
    if not found:
        return Items()
    modes, blobs, stages, paths = zip(*found, strict=True)
    items = Items(paths, modes, blobs, stages)
    if not _EMPTY.isdisjoint(blobs):
        intended = _intended(top)
        pairs = enumerate(zip(blobs, paths, strict=True))
        return items.without({place for place, (blob, path) in pairs if blob in _EMPTY and path in intended})
    return items


def _intended(top: str) -> set[str]:
    """Paths that are in the index by intention only: git lists them as empty blobs that the work tree adds."""
    names = run(top, "diff-files", "--diff-filter=A", "--name-only", "-z").split(b"\0")
    return {os.fsdecode(name) for name in names}


def tree_items(top: str, ref: str) -> Items:
    """Every file of a commit; raises UsageError for a ref that does not exist."""
    found = _COMMITTED.findall(os.fsdecode(run(top, "ls-tree", "-r", "-z", "--full-tree", commit(top, ref))))
    if not found:
        return Items()
    modes, blobs, paths = zip(*found, strict=True)
    return Items(paths, modes, blobs)


def index_listing(top: str, paths: Sequence[str]) -> bytes:
    """Mode, blob id and name of every index entry at or below `paths`, as git prints it."""
    return run(top, "ls-files", "--stage", "-z", "--full-name", "--", *_below(*paths))


def has_links(top: str) -> bool:
    """Whether the index holds a symbolic link."""
    listed = index_listing(top, ["."])
    return listed.startswith(b"120000 ") or b"\x00120000 " in listed


def committed(top: str, paths: Sequence[str]) -> bytes:
    """Mode and object id of each of the paths in the last commit, as git prints them; empty before the first one."""
    if not ask(top, "rev-parse", "--verify", "--quiet", "HEAD^{commit}").stdout:
        return b""
    if {"", "."} & set(paths):
        return run(top, "rev-parse", "--verify", "HEAD^{tree}")
    return run(top, "ls-tree", "-z", "--full-tree", "HEAD", "--", *paths)


def left_out(top: str, folder: str) -> list[str]:
    """Files at or below a folder that a sparse checkout leaves out of the work tree, named from the top."""
    lines = run(top, "ls-files", "-t", "-z", "--full-name", "--", *_below(folder)).split(b"\0")
    return [os.fsdecode(line[2:]) for line in lines if line.startswith(b"S ")]


def untracked(top: str, folder: str) -> int:
    """Files at or below a folder of the work tree that are not in the index, also those that git ignores."""
    return run(top, "ls-files", "--others", "-z", "--", *_below(folder)).count(b"\0")


def ignored(folder: str, paths: Sequence[str]) -> set[str]:
    """Those of the paths, relative to a folder of the work tree, that are not in the index and that git ignores."""
    if not paths:
        return set()
    listed = ask(folder, "check-ignore", "-z", "--stdin", feed=b"".join(os.fsencode(path) + b"\0" for path in paths))
    return {os.fsdecode(path) for path in listed.stdout.split(b"\0") if path}


def _below(*paths: str) -> list[str]:
    """Pathspecs of what lies at or below any of the paths; none, which is everything, where one is the top."""
    return [] if {"", "."} & set(paths) else [f":(top,literal){path}" for path in paths]
