"""Files as they lie on disk, found as loaders find them: symbolic links are followed."""

from __future__ import annotations

import errno
import os
import posixpath
import stat
from collections import Counter
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from datalint.entry import Entry, FileLocator, Kind, node_of
from datalint.errors import UsageError
from datalint.source import dvc, sparse
from datalint.source.dvc import within

if TYPE_CHECKING:
    from collections.abc import Iterable

    from datalint.source.dvc import Tracked

PRUNED = frozenset({".git", ".datalint_cache", ".dvc"})
# Links to links to folders multiply without any loop: 30 folders of two links each are a thousand million paths.
MAX_WAYS = 100
_GONE = {errno.ENOENT, errno.ENOTDIR}


@dataclass(frozen=True, slots=True)
class _Listing:
    entries: list[Entry] = field(default_factory=list)
    folders: list[str] = field(default_factory=list)
    links: list[str] = field(default_factory=list)
    tracked: list[Tracked] = field(default_factory=list)


@dataclass(slots=True)
class Worktree:
    """One listing of each root is kept, because datasets ask for files and folders."""

    base: str
    name: str = "worktree"
    _listings: dict[str, _Listing] = field(default_factory=dict)
    _sparse: set[str] | None = None

    def entries(self, root: str) -> list[Entry]:
        return self._listing(root).entries

    def folders(self, root: str) -> list[str]:
        return self._listing(root).folders

    def links(self, root: str) -> list[str]:
        return self._listing(root).links

    def tracked(self, root: str) -> list[Tracked]:
        return self._listing(root).tracked

    def left_out(self, path: str) -> str:
        if self._sparse is None:
            self._sparse = sparse.left_out(self.base)
        if posixpath.normpath(path) not in self._sparse:
            return ""
        folder = posixpath.dirname(posixpath.normpath(path)) or "."
        return f"the sparse checkout leaves it out: `git sparse-checkout add {folder}`, or check with `--staged`"

    def read(self, path: str, *, limit: int | None = None) -> bytes | None:
        place = os.path.join(self.base, path)
        try:
            # Opening a pipe would wait for whoever writes into it.
            if not stat.S_ISREG(os.stat(place).st_mode):
                return None
            with open(place, "rb") as file:
                return file.read(-1 if limit is None else limit)
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as error:
            raise UsageError(f"cannot read {path}: {error.strerror}") from error

    def place(self, path: str) -> str | None:
        place = os.path.join(self.base, path)
        return place if os.path.isfile(place) else None

    def spooled(self, path: str) -> str | None:
        return self.place(path)

    def _listing(self, root: str) -> _Listing:
        if root not in self._listings:
            self._listings[root] = _with_dvc(self.base, root, _walk(self.base, root))
        return self._listings[root]


def open_worktree(base: str) -> Worktree:
    """Files below `base`, an existing folder."""
    return Worktree(os.path.abspath(base))


def _with_dvc(base: str, root: str, listing: _Listing) -> _Listing:
    """With pointers for what DVC tracks at or below the root and is not there."""
    # A repository of DVC may begin above the base: its stages and outputs are named from its top.
    top = dvc.top_of(os.path.join(base, root)) or base
    anchor = top if within(base, top) else base
    prefix = "" if anchor == base else os.path.relpath(base, anchor).replace(os.sep, "/") + "/"
    stages = [prefix + path for path in dvc.stages_of(entry.path for entry in listing.entries)]
    home = posixpath.normpath(prefix + root)
    stages += [stage for stage in dvc.stages_above(anchor, home) if stage not in stages]
    if not stages:
        return listing
    tracking = dvc.Tracking(anchor, Worktree(anchor).read)
    here = {prefix + entry.path: entry for entry in listing.entries}
    pointers, tracked = dvc.overlaid(tracking, stages, home, here)
    made = {path: entry._replace(path=path[len(prefix) :]) for path, entry in pointers.items()}
    entries = sorted((here | made).values(), key=_path) if made else listing.entries
    start = "" if root in ("", ".") else root.rstrip("/") + "/"
    above = {folder for folder in parents(entry.path for entry in made.values()) if folder.startswith(start)}
    told = [
        replace(each, path=_from_base(each.path, anchor, base), stage=_from_base(each.stage, anchor, base))
        for each in tracked
    ]
    return _Listing(entries, sorted({*listing.folders, *above}), listing.links, told)


def _from_base(path: str, anchor: str, base: str) -> str:
    return path if anchor == base else os.path.relpath(os.path.join(anchor, path), base).replace(os.sep, "/")


@dataclass(frozen=True, slots=True)
class _Folder:
    """A folder to list; `above` are the identities of the folders that lead to it, itself included."""

    place: str
    path: str
    above: tuple[tuple[int, int], ...]


def _walk(base: str, root: str) -> _Listing:
    prefix = "" if root in ("", ".") else root.rstrip("/") + "/"
    top = os.path.join(base, root) if prefix else base
    try:
        status = os.stat(top)
    except OSError:
        return _Listing()
    if not stat.S_ISDIR(status.st_mode):
        return _Listing([_file(root, top, status)])
    listing = _Listing()
    entries, folders = listing.entries, listing.folders
    ways: Counter[tuple[int, int]] = Counter()
    waiting = [_Folder(top, prefix, (_identity(status),))]
    while waiting:
        folder = waiting.pop()
        try:
            with os.scandir(folder.place) as inside:
                found = list(inside)
        except OSError as error:
            entries.append(_odd(folder.path.rstrip("/") or ".", folder.place, _why(error)))
            continue
        for item in found:
            path = folder.path + item.name
            try:
                status = item.stat()
            except OSError as error:
                kind = _why(error, link=item.is_symlink())
                if kind == "unreadable-folder":
                    # It may be listed but not entered: one defect, however many files.
                    entries.append(_odd(folder.path.rstrip("/") or ".", folder.place, kind))
                    break
                entries.append(_odd(path, item.path, kind))
                continue
            if not stat.S_ISDIR(status.st_mode):
                entries.append(_file(path, item.path, status))
            elif item.name not in PRUNED:
                identity = _identity(status)
                ways[identity] += 1
                if identity in folder.above or ways[identity] > MAX_WAYS:
                    entries.append(_odd(path, item.path, "link-loop"))
                    continue
                folders.append(path)
                if item.is_symlink():
                    listing.links.append(path)
                waiting.append(_Folder(item.path, path + "/", (*folder.above, identity)))
    entries.sort(key=_path)
    folders.sort()
    listing.links.sort()
    return listing


def _path(entry: Entry) -> str:
    return entry.path


def _file(path: str, place: str, status: os.stat_result) -> Entry:
    if not stat.S_ISREG(status.st_mode):
        return _odd(path, place, "special")
    return Entry(path, FileLocator(place), "file", status.st_size, status.st_mtime_ns, node_of(status))


def _odd(path: str, place: str, kind: Kind) -> Entry:
    return Entry(path, FileLocator(place), kind)


def _why(error: OSError, *, link: bool = False) -> Kind:
    if error.errno == errno.ELOOP:
        return "link-loop"
    if link:
        return "broken-link"
    return "missing" if error.errno in _GONE else "unreadable-folder"


def _identity(status: os.stat_result) -> tuple[int, int]:
    return (status.st_dev, status.st_ino)


def parents(paths: Iterable[str]) -> list[str]:
    """Every folder that a set of file paths implies, sorted."""
    found: set[str] = set()
    # Many files lie in one folder.
    for folder in {path.rpartition("/")[0] for path in paths}:
        while folder and folder not in found:
            found.add(folder)
            folder = folder.rpartition("/")[0]
    return sorted(found)
