"""Paths as a manifest writes them -> files, each once, and what is wrong with the way they are written."""

from __future__ import annotations

import os
import posixpath
import re
from typing import TYPE_CHECKING

from datalint.entry import Entry, FileLocator, node_of
from datalint.source.dvc import within

if TYPE_CHECKING:
    from collections.abc import Collection

    from datalint.source import Source

_WINDOWS = re.compile(r"^[A-Za-z]:[\\/]")
# RFC 3986; one letter is a drive.
_URL = re.compile(r"^[A-Za-z][A-Za-z0-9+.-]+://")


class Finder:
    """Numbers the files that a manifest names; one listing answers for all that lie below its home."""

    def __init__(self, source: Source, home: str, suffix: str = "") -> None:
        """`suffix` is what paths lack that do not end in it."""
        self._source = source
        self._suffix = suffix
        self._home = "" if home == "." else home.rstrip("/")
        self._known = {entry.path: entry for entry in source.entries(self._home or ".")}
        self._unknown = [each.path for each in source.tracked(self._home or ".") if each.unknown]
        """Folders that DVC tracks, of whose files even the names are not here."""
        self._ids: dict[str, int] = {}
        self._alike: dict[str, str] | None = None
        self._cases: dict[str, str] = {}
        """In lower case -> as it is called."""
        self._folders: set[str] = set()
        self.files: list[Entry] = []

    @property
    def below(self) -> Collection[str]:
        """Paths of the files below the home, relative to it."""
        prefix = len(self._home) + 1 if self._home else 0
        return {path[prefix:] for path in self._known}

    def find(self, written: str, folder: str = "") -> tuple[int, str, list[tuple[str, str]]]:
        """File id, path relative to the base, and what is wrong with the way it was written.

        It starts from `folder` below the home. One that leads out of the base from the top of a disk, where it is not
        there, keeps that path: how many `..` lead to it is true on this machine alone.
        """
        problems = []
        path = written
        if path != path.strip() and self._absent(path, folder):
            problems.append(("bad-row", f"spaces around the path: {written!r}"))
            path = path.strip()
        if not path.lower().endswith(self._suffix.lower()):
            path += self._suffix
        if _URL.match(path):
            return self._number(Entry(path, FileLocator(path), "remote")), path, [*problems, ("remote-path", path)]
        if "\\" in path and not _WINDOWS.match(path) and self._absent(path, folder):
            problems.append(("backslash-path", f"written with backslashes: {written}"))
            path = path.replace("\\", "/")
        if path.startswith("/") or _WINDOWS.match(path):
            problems.append(("absolute-path", f"the path is only true on one machine: {written}"))
            relative = os.path.relpath(path, self._source.base) if path.startswith("/") else path
        else:
            relative = posixpath.normpath(posixpath.join(self._home, folder, path))
        number = self._ids.get(relative)
        if number is None:
            entry = self._known.get(relative) or self._tracked(self._elsewhere(relative))
            if entry.kind == "missing" and path.startswith("/") and relative.startswith("../"):
                relative = posixpath.normpath(path)
                entry = entry._replace(path=relative)
            number = self._number(entry)
        if self.files[number].kind in ("missing", "broken-link"):
            problems.append(("missing-file", f"{relative} is not there{self._hint(relative)}"))
        return number, relative, problems

    def _hint(self, relative: str) -> str:
        """Words for where it is, else for a file that the path may mean."""
        left_out = self._source.left_out(relative)
        return f": {left_out}" if left_out else self._instead(relative)

    def _instead(self, relative: str) -> str:
        """The same name with a suffix or in another case, or in another folder where its own is not there.

        Names may be numbers.
        """
        if self._alike is None:
            self._alike = {}
            self._cases = {path.lower(): path for path in self._known}
            self._folders = {posixpath.dirname(path) for path in self._known}
            for path in self._known:
                name = posixpath.basename(path)
                for spelling in (posixpath.splitext(path)[0], name, posixpath.splitext(name)[0]):
                    self._alike.setdefault(spelling, path)
        found = self._alike.get(relative) or self._cases.get(relative.lower())
        if found is None and posixpath.dirname(relative) not in self._folders:
            found = self._alike.get(posixpath.basename(relative))
        if found is None:
            return ""
        lacks = posixpath.splitext(found)[1] if posixpath.splitext(found)[0] == relative else ""
        return f", but {found} is" + (f": say `suffix: {lacks}` under `dataset`" if lacks else "")

    def _number(self, entry: Entry) -> int:
        if entry.path not in self._ids:
            self._ids[entry.path] = len(self.files)
            self.files.append(entry)
        return self._ids[entry.path]

    def _absent(self, path: str, folder: str) -> bool:
        return posixpath.normpath(posixpath.join(self._home, folder, path)) not in self._known

    def _tracked(self, entry: Entry) -> Entry:
        """A file that is not here because all of its folder waits to be pulled is not missing."""
        if entry.kind != "missing" or not any(within(entry.path, folder) for folder in self._unknown):
            return entry
        return entry._replace(kind="pointer")

    def _elsewhere(self, relative: str) -> Entry:
        """A file outside the home: only the work tree can hold one."""
        place = os.path.join(self._source.base, relative)
        if self._source.name == "worktree":
            try:
                status = os.stat(place)
            except (OSError, ValueError):
                return Entry(relative, FileLocator(place), "missing")
            return Entry(relative, FileLocator(place), "file", status.st_size, status.st_mtime_ns, node_of(status))
        known = self._source.entries(relative)
        return known[0] if known else Entry(relative, FileLocator(place), "missing")
