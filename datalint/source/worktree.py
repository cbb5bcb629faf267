"""Files as they lie on disk, found as loaders find them: symbolic links are followed."""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from datalint.entry import Entry, FileLocator, Kind
from datalint.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable

PRUNED = frozenset({".git", ".datalint_cache"})


@dataclass(slots=True)
class Worktree:
    """One listing of each root is kept, because datasets ask for files and folders."""

    base: str
    name: str = "worktree"
    _listings: dict[str, tuple[list[Entry], list[str]]] = field(default_factory=dict)

    def entries(self, root: str) -> list[Entry]:
        return self._listing(root)[0]

    def folders(self, root: str) -> list[str]:
        return self._listing(root)[1]

    def read(self, path: str) -> bytes | None:
        try:
            with open(os.path.join(self.base, path), "rb") as file:
                return file.read()
        except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
            return None
        except OSError as error:
            raise UsageError(f"cannot read {path}: {error.strerror}") from error

    def _listing(self, root: str) -> tuple[list[Entry], list[str]]:
        if root not in self._listings:
            self._listings[root] = _walk(self.base, root)
        return self._listings[root]


def open_worktree(base: str) -> Worktree:
    """Files below `base`, an existing folder."""
    return Worktree(os.path.abspath(base))


def _walk(base: str, root: str) -> tuple[list[Entry], list[str]]:
    prefix = "" if root in ("", ".") else root.rstrip("/") + "/"
    top = os.path.join(base, root) if prefix else base
    if not os.path.isdir(top):
        return ([_file(root, top, os.stat(top))] if os.path.exists(top) else []), []
    entries: list[Entry] = []
    folders: list[str] = []
    # Each folder travels with the identities of those above it: a link back to one of them is a loop.
    waiting: list[tuple[str, str, tuple[tuple[int, int], ...]]] = [(top, prefix, (_identity(os.stat(top)),))]
    while waiting:
        folder, shown, above = waiting.pop()
        try:
            with os.scandir(folder) as inside:
                found = list(inside)
        except OSError as error:
            entries.append(_odd(shown.rstrip("/") or ".", folder, "unreadable-folder" if error.errno else "special"))
            continue
        for item in found:
            path = shown + item.name
            try:
                status = item.stat()
            except OSError as error:
                entries.append(_odd(path, item.path, _link_kind(item, error)))
                continue
            if stat.S_ISDIR(status.st_mode):
                if item.name in PRUNED:
                    continue
                identity = _identity(status)
                if identity in above:
                    entries.append(_odd(path, item.path, "link-loop"))
                    continue
                folders.append(path)
                waiting.append((item.path, path + "/", (*above, identity)))
            else:
                entries.append(_file(path, item.path, status))
    entries.sort(key=lambda entry: entry.path)
    folders.sort()
    return entries, folders


def _file(path: str, place: str, status: os.stat_result) -> Entry:
    if not stat.S_ISREG(status.st_mode):
        return _odd(path, place, "special")
    return Entry(path, FileLocator(place), "file", status.st_size, status.st_mtime_ns, status.st_ino)


def _odd(path: str, place: str, kind: Kind) -> Entry:
    return Entry(path, FileLocator(place), kind)


def _link_kind(item: os.DirEntry[str], error: OSError) -> Kind:
    if not item.is_symlink():
        return "missing"
    return "broken-link" if isinstance(error, FileNotFoundError) else "link-loop"


def _identity(status: os.stat_result) -> tuple[int, int]:
    return (status.st_dev, status.st_ino)


def parents(paths: Iterable[str]) -> list[str]:
    """Every folder that a set of file paths implies, sorted."""
    found: set[str] = set()
    for path in paths:
        while "/" in path:
            path = path.rsplit("/", 1)[0]
            if path in found:
                break
            found.add(path)
    return sorted(found)
