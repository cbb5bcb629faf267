"""A snapshot whose paths start from another folder of its repository."""

from __future__ import annotations

import os
import posixpath
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datalint.entry import Entry
    from datalint.source import Source
    from datalint.source.dvc import Tracked


@dataclass(frozen=True, slots=True)
class Moved:
    """What lies outside of the folder stays readable, as `../name`."""

    inner: Source
    folder: str
    """Relative to the base of `inner`."""

    @property
    def base(self) -> str:
        return os.path.join(self.inner.base, self.folder)

    @property
    def name(self) -> str:
        return self.inner.name

    def entries(self, root: str) -> list[Entry]:
        return [entry._replace(path=self._ours(entry.path)) for entry in self.inner.entries(self._theirs(root))]

    def folders(self, root: str) -> list[str]:
        return [self._ours(path) for path in self.inner.folders(self._theirs(root))]

    def links(self, root: str) -> list[str]:
        return [self._ours(path) for path in self.inner.links(self._theirs(root))]

    def tracked(self, root: str) -> list[Tracked]:
        return [
            replace(each, path=self._ours(each.path), stage=self._ours(each.stage))
            for each in self.inner.tracked(self._theirs(root))
        ]

    def left_out(self, path: str) -> str:
        return self.inner.left_out(self._theirs(path))

    def read(self, path: str, *, limit: int | None = None) -> bytes | None:
        return self.inner.read(self._theirs(path), limit=limit)

    def place(self, path: str) -> str | None:
        return self.inner.place(self._theirs(path))

    def spooled(self, path: str) -> str | None:
        return self.inner.spooled(self._theirs(path))

    def _theirs(self, path: str) -> str:
        return posixpath.normpath(posixpath.join(self.folder, path))

    def _ours(self, path: str) -> str:
        prefix = self.folder + "/"
        return path[len(prefix) :] if path.startswith(prefix) else posixpath.relpath(path, self.folder)


def moved(source: Source, folder: str) -> Source:
    """The source as it is seen from `folder`; itself from its own base."""
    return source if folder == "." else Moved(source, folder)
