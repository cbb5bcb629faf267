"""What the git index and a git tree have in common: a fixed list of blobs."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from datalint import git
from datalint.entry import BlobLocator, Entry
from datalint.source.worktree import parents

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Files of one moment in a repository; `base` is the top of its work tree."""

    base: str
    name: str
    files: Mapping[str, Entry]

    def entries(self, root: str) -> list[Entry]:
        if root in self.files:
            return [self.files[root]]
        prefix = "" if root in ("", ".") else root.rstrip("/") + "/"
        return [self.files[path] for path in sorted(self.files) if path.startswith(prefix)]

    def folders(self, root: str) -> list[str]:
        prefix = "" if root in ("", ".") else root.rstrip("/") + "/"
        return [folder for folder in parents(self.files) if folder.startswith(prefix)]

    def read(self, path: str) -> bytes | None:
        entry = self.files.get(os.path.normpath(path))
        if entry is None or not isinstance(entry.locator, BlobLocator):
            return None
        with git.BlobReader(self.base) as reader:
            return reader.read(entry.locator.blob)


def snapshot(top: str, name: str, items: Iterable[git.Item]) -> Snapshot:
    """Blobs become files; a symbolic link or submodule is `special`, because no loader reads it from git."""
    files = {}
    for item in items:
        regular = item.mode in (git.REGULAR, git.EXECUTABLE)
        files[item.path] = Entry(
            item.path,
            BlobLocator(top, item.blob),
            "file" if regular else "special",
            content_id=f"git:{item.blob}" if regular else None,
        )
    return Snapshot(top, name, files)
