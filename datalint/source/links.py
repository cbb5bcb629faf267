"""Symbolic links in git, followed as a check-out of the same snapshot would follow them."""

from __future__ import annotations

import os
import posixpath
from bisect import bisect_left
from typing import TYPE_CHECKING

from datalint import git
from datalint.entry import BlobLocator, Entry
from datalint.source.worktree import MAX_WAYS

if TYPE_CHECKING:
    from collections.abc import Mapping

# Linux gives up (ELOOP) after as many.
_MAX_HOPS = 40


def followed(top: str, files: Mapping[str, Entry], blobs: Mapping[str, str]) -> tuple[dict[str, Entry], set[str]]:
    """`files` with those that each link (path -> blob) leads to, under its own path; and the links to folders.

    A link that leaves the snapshot is broken: whoever clones the repository has no such file.
    """
    with git.BlobReader(top) as reader:
        targets = {path: _target(reader, blob) for path, blob in blobs.items()}
    paths = sorted([*files, *targets])
    known = _Known(files, targets, paths)
    found, ways = dict(files), set[str]()
    for path, blob in blobs.items():
        ways |= _expand(path, Entry(path, BlobLocator(top, blob)), known, found)
    return found, ways


def _target(reader: git.BlobReader, blob: str) -> str:
    try:
        return os.fsdecode(reader.read(blob))
    except FileNotFoundError:
        # A partial clone knows the link but not where it leads: out of the snapshot, for all we can tell.
        return "/"


class _Known:
    """What the snapshot holds before any link is followed."""

    def __init__(self, files: Mapping[str, Entry], targets: Mapping[str, str], paths: list[str]) -> None:
        self.files = files
        self.targets = targets
        self.paths = paths

    def below(self, folder: str) -> list[str]:
        if not folder:
            return self.paths
        first, last = bisect_left(self.paths, folder + "/"), bisect_left(self.paths, folder + "0")
        return self.paths[first:last]

    def resolve(self, path: str) -> str | None:
        """The path without links, None where it leaves the snapshot; raises RecursionError for a loop."""
        done: list[str] = []
        waiting = path.split("/")[::-1]
        hops = 0
        while waiting:
            part = waiting.pop()
            if part in ("", "."):
                continue
            if part == "..":
                if not done:
                    return None
                done.pop()
                continue
            target = self.targets.get("/".join((*done, part)))
            if target is None:
                done.append(part)
                continue
            hops += 1
            if hops > _MAX_HOPS:
                raise RecursionError(path)
            if target.startswith("/"):
                return None
            waiting.extend(target.split("/")[::-1])
        return "/".join(done)


def _expand(link: str, entry: Entry, known: _Known, found: dict[str, Entry]) -> set[str]:
    """Walk what the link leads to: a folder that lies above the link is a loop. Returns the links to folders."""
    waiting: list[tuple[str, str, tuple[tuple[str, str], ...]]] = [(link, link, ())]
    ways: set[str] = set()
    while waiting:
        shown, path, passed = waiting.pop()
        # Folders that lead here: from where each link landed down to where the next one lies.
        above = (*passed[:-1], (passed[-1][0] if passed else "", posixpath.dirname(path)))
        try:
            real = known.resolve(path)
        except RecursionError:
            found[shown] = entry._replace(path=shown, kind="link-loop")
            continue
        if real is not None and real in known.files:
            found[shown] = known.files[real]._replace(path=shown)
            continue
        below = [] if real is None else known.below(real)
        if real is None or not below:
            found[shown] = entry._replace(path=shown, kind="broken-link")
        elif len(ways) >= MAX_WAYS or any(_within(real, start) and _within(end, real) for start, end in above):
            found[shown] = entry._replace(path=shown, kind="link-loop")
        else:
            ways.add(shown)
            for inner in below:
                inner_shown = shown + "/" + inner[len(real) + 1 if real else 0 :]
                if inner in known.targets:
                    waiting.append((inner_shown, inner, (*above, (real, real))))
                else:
                    found[inner_shown] = known.files[inner]._replace(path=inner_shown)
    return ways


def _within(path: str, folder: str) -> bool:
    return not folder or path == folder or path.startswith(folder + "/")
