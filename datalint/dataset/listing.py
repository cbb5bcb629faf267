"""The paths below a root, which is all that most formats are known by."""

from __future__ import annotations

import itertools
import posixpath
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from datalint.dataset import layout

if TYPE_CHECKING:
    from datalint.source import Source


@dataclass(frozen=True, slots=True)
class Listing:
    """What lies at or below `root` in a source; `root` may be a single file, which then is the only one."""

    source: Source
    root: str
    files: tuple[str, ...]
    """Relative to the root, sorted; the name of a root that is a file."""
    folders: frozenset[str]
    _by_ending: dict[str, list[str]] = field(default_factory=dict, init=False, repr=False, compare=False)
    """Files by what follows the last dot of their path, in lower case; made when it is first asked for."""

    def ending(self, *suffixes: str) -> list[str]:
        """Files that end like this, in any case; each is a dot and a word, such as `.xml`.

        A dozen formats ask, of what may be a million names: one look at all of them answers for all.
        """
        if not self._by_ending:
            for path in self.files:
                self._by_ending.setdefault(path.rpartition(".")[2].lower(), []).append(path)
        found = [self._by_ending.get(suffix[1:], ()) for suffix in suffixes]
        return sorted(itertools.chain(*found)) if len(found) > 1 else list(found[0])

    @property
    def has_images(self) -> bool:
        """Whether image files lie there as such."""
        return any(layout.suffix(path) in layout.KERAS | layout.TORCHVISION for path in self.files)

    def path(self, name: str) -> str:
        """Relative to the source's base."""
        if posixpath.basename(self.root) == name and self.files == (name,):
            return self.root
        return name if self.root in ("", ".") else posixpath.join(self.root, name)

    def head(self, name: str, size: int) -> bytes:
        """The first `size` bytes of a file; empty where it is absent."""
        return self.source.read(self.path(name), limit=size) or b""


def listing(source: Source, root: str) -> Listing:
    """Of the entries and folders that the source lists."""
    entries = source.entries(root)
    if len(entries) == 1 and entries[0].path == posixpath.normpath(root):
        return Listing(source, root, (posixpath.basename(root),), frozenset())
    start = 0 if root in ("", ".") else len(root.rstrip("/")) + 1
    files = tuple(entry.path[start:] for entry in entries)
    return Listing(source, root, files, frozenset(path[start:] for path in source.folders(root)))
