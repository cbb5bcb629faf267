"""What the git index and a git tree have in common: a fixed list of blobs."""

from __future__ import annotations

import os
import tempfile
import weakref
from bisect import bisect_left
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from datalint import git
from datalint.entry import BlobLocator, Entry, FileLocator
from datalint.errors import UnfinishedError
from datalint.source import dvc, lfs, links
from datalint.source.worktree import PRUNED, parents

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from datalint.source.dvc import Tracked


class Spool:
    """A temporary folder that is made when it is first asked for, and removed with its owner."""

    def __init__(self) -> None:
        self._made: tempfile.TemporaryDirectory[str] | None = None

    @property
    def folder(self) -> str:
        if self._made is None:
            self._made = tempfile.TemporaryDirectory(prefix="datalint-", ignore_cleanup_errors=True)
            weakref.finalize(self, self._made.cleanup)
        return self._made.name


class Blobs:
    """One git that answers for all small files; it is started when it is first asked, and ends with its owner."""

    def __init__(self) -> None:
        self._reader: git.BlobReader | None = None

    def read(self, repository: str, blob: str) -> bytes:
        """Raises as git.BlobReader does; the next call starts git anew."""
        if self._reader is None:
            self._reader = git.BlobReader(repository)
            weakref.finalize(self, self._reader.close)
        try:
            return self._reader.read(blob)
        except OSError:
            self._reader.close()
            self._reader = None
            raise


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Files of one moment in a repository; `base` is the top of its work tree."""

    base: str
    name: str
    files: Mapping[str, Entry]
    paths: Sequence[str]
    """Keys of `files`, sorted."""
    ordered: Sequence[Entry]
    """The files in that order."""
    ways: Collection[str] = ()
    """Symbolic links that lead to folders."""
    told: Sequence[Tracked] = ()
    """Outputs of DVC that cannot be looked into."""
    spool: Spool = field(default_factory=Spool, compare=False)
    blobs: Blobs = field(default_factory=Blobs, compare=False)

    def entries(self, root: str) -> list[Entry]:
        root = os.path.normpath(root)
        if root in self.files:
            return [self.files[root]]
        first, last = (0, len(self.paths)) if root == "." else self._below(root)
        return list(self.ordered[first:last])

    def _below(self, folder: str) -> tuple[int, int]:
        # '0' is the character after '/'.
        return bisect_left(self.paths, folder + "/"), bisect_left(self.paths, folder + "0")

    def folders(self, root: str) -> list[str]:
        root = os.path.normpath(root)
        first, last = (0, len(self.paths)) if root == "." else self._below(root)
        return [folder for folder in parents(self.paths[first:last]) if root == "." or folder.startswith(root + "/")]

    def links(self, root: str) -> list[str]:
        root = os.path.normpath(root)
        return sorted(path for path in self.ways if root == "." or path.startswith(root + "/"))

    def tracked(self, root: str) -> list[Tracked]:
        root = os.path.normpath(root)
        return [each for each in self.told if dvc.within(each.path, root) or dvc.within(root, each.path)]

    def left_out(self, path: str) -> str:
        place = os.path.normpath(os.path.join(self.base, path))
        path = os.path.relpath(place, self.base)
        if not os.path.exists(place):
            return ""
        if path.startswith(os.pardir + os.sep):
            return "it lies outside of the repository"
        inner = next((above for above in [path, *parents([path])] if self._is_submodule(above)), None)
        if inner is not None:
            return f"it lies in the submodule {inner}, of which git has the commit alone"
        if self.entries(path):
            return ""
        if self.name == "tree":
            return "it lies in the work tree, and was not committed"
        return "it lies in the work tree, and git does not track it: `git add` it, or check without `--staged`"

    def _is_submodule(self, path: str) -> bool:
        return path in self.files and self.files[path].kind == "submodule"

    def read(self, path: str, *, limit: int | None = None) -> bytes | None:
        entry = self.files.get(os.path.normpath(path))
        if entry is None or entry.kind != "file":
            return None
        if not isinstance(entry.locator, BlobLocator):
            with open(entry.locator.path, "rb") as file:
                return file.read(-1 if limit is None else limit)
        try:
            return self.blobs.read(self.base, entry.locator.blob)[:limit]
        except FileNotFoundError as error:
            raise UnfinishedError(f"cannot read {path} from the {self.name}: {error}") from error

    def place(self, path: str) -> str | None:
        entry = self.files.get(os.path.normpath(path))
        if entry is None or not isinstance(entry.locator, FileLocator):
            return None
        return entry.locator.path

    def spooled(self, path: str) -> str | None:
        entry = self.files.get(os.path.normpath(path))
        if entry is None or entry.kind != "file":
            return None
        if not isinstance(entry.locator, BlobLocator):
            return entry.locator.path
        place = os.path.join(self.spool.folder, entry.locator.blob)
        if not os.path.exists(place):
            try:
                git.write_blob(self.base, entry.locator.blob, place)
            except FileNotFoundError as error:
                raise UnfinishedError(f"cannot read {path} from the {self.name}: {error}") from error
        return place


def snapshot(top: str, name: str, items: git.Items) -> Snapshot:
    """Blobs become files; symbolic links are followed within the snapshot, a submodule stays one."""
    files: dict[str, Entry] = {}
    targets: dict[str, str] = {}
    pruned = {folder for folder in _folders(items.paths) if not PRUNED.isdisjoint(folder.split("/"))}
    for path, mode, blob in zip(items.paths, items.modes, items.blobs, strict=True):
        if pruned and path.rpartition("/")[0] in pruned:
            continue
        if mode == git.LINK:
            targets[path] = blob
        elif mode == git.SUBMODULE:
            files[path] = Entry(path, BlobLocator(top, blob), "submodule")
        else:
            # By position: there may be a million.
            files[path] = Entry(path, BlobLocator(top, blob), "file", None, None, None, f"git:{blob}")
    files = lfs.fetched(top, files)
    ways: Collection[str] = ()
    if targets:
        files, ways = links.followed(top, files, targets)
    told: Sequence[Tracked] = ()
    if dvc.stages_of(files):
        files, told = _with_dvc(top, files)
    paths = sorted(files)
    return Snapshot(top, name, files, paths, [files[path] for path in paths], ways, told)


def _folders(paths: Iterable[str]) -> set[str]:
    """Those that hold one of the paths directly."""
    return {path.rpartition("/")[0] for path in paths}


def _with_dvc(top: str, files: dict[str, Entry]) -> tuple[dict[str, Entry], Sequence[Tracked]]:
    """With what the stages in git track, which git itself does not have."""
    with git.BlobReader(top) as reader:

        def read(path: str) -> bytes | None:
            entry = files.get(path)
            if entry is None or entry.kind != "file" or not isinstance(entry.locator, BlobLocator):
                return None
            try:
                return reader.read(entry.locator.blob)
            except FileNotFoundError:
                # A partial clone has its name alone.
                return None

        made, told = dvc.expanded(dvc.Tracking(top, read), files)
    return files | made, told
