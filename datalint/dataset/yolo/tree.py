"""What lies below the root, and where a path of a description leads."""

from __future__ import annotations

import os
import posixpath
import re
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from datalint.dataset import layout
from datalint.dataset.splits import meaning

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

    from datalint.entry import Entry
    from datalint.source import Source

# ultralytics.data.utils.IMG_FORMATS (8.4)
SUFFIXES = frozenset(
    {".avif", ".bmp", ".dng", ".heic", ".heif", ".jp2", ".jpeg", ".jpeg2000", ".jpg", ".mpo", ".png", ".tif", ".tiff",
     ".webp", ".pfm"}
)  # fmt: skip
# A drive of Windows, or the scheme of a URL.
_ABSOLUTE = re.compile(r"[A-Za-z]:[\\/]|[A-Za-z][A-Za-z0-9+.-]+://")


@dataclass(frozen=True)
class Tree:
    """Files and folders below a root; every path is relative to the source's base."""

    source: Source
    root: str

    @cached_property
    def files(self) -> Mapping[str, Entry]:
        return {entry.path: entry for entry in self.source.entries(self.root)}

    @cached_property
    def folders(self) -> Collection[str]:
        return {posixpath.normpath(self.root), *self.source.folders(self.root)}

    @cached_property
    def images(self) -> Sequence[str]:
        """Those that Ultralytics takes, by path."""
        start = 0 if self.root in ("", ".") else len(self.root.rstrip("/")) + 1
        return [path for path in self.files if layout.suffix(path) in SUFFIXES and not _is_hidden(path[start:])]

    @cached_property
    def with_images(self) -> Collection[str]:
        """Folders that hold images directly."""
        return {posixpath.dirname(path) for path in self.images}

    def is_folder(self, path: str) -> bool:
        if path in self.folders:
            return True
        return self._is_outside(path) and any(True for _ in self.below(path))

    def is_file(self, path: str) -> bool:
        return path in self.files or (self._is_outside(path) and self.source.place(path) is not None)

    def exists(self, path: str) -> bool:
        return self.is_file(path) or self.is_folder(path)

    def below(self, folder: str) -> Iterator[str]:
        """Images in a folder and below it, in order."""
        if not self._is_outside(folder):
            prefix = "" if folder == "." else f"{folder}/"
            yield from (path for path in self.images if path.startswith(prefix))
        elif os.path.isdir(os.path.join(self.source.base, folder)) and not self._holds_root(folder):
            for entry in self.source.entries(folder):
                if layout.suffix(entry.path) in SUFFIXES and not _is_hidden(entry.path[len(folder) :]):
                    yield entry.path

    def _is_outside(self, path: str) -> bool:
        root = posixpath.normpath(self.root)
        return path.startswith("..") if root == "." else path != root and not path.startswith(f"{root}/")

    def _holds_root(self, folder: str) -> bool:
        """A folder above the dataset may hold anything: it is not walked."""
        here = os.path.join(os.path.abspath(os.path.join(self.source.base, self.root)), "")
        return here.startswith(os.path.join(os.path.abspath(os.path.join(self.source.base, folder)), ""))

    def meant(self, written: str, root: str, split: str, taken: Collection[str]) -> str | None:
        """The folder of images that a path to nothing may mean: `validate/images` for `valid/images`.

        `taken` are folders that other splits use.
        """
        parts = [part for part in written.replace("\\", "/").split("/") if part not in ("", ".", "..")]
        for at in reversed(range(len(parts))):
            above = posixpath.normpath(posixpath.join(root, *parts[:at]))
            for name in sorted(self._children(above)):
                found = posixpath.normpath(posixpath.join(above, name, *parts[at + 1 :]))
                means = meaning(name) == split or name.lower() == parts[at].lower()
                if means and found not in taken and self._holds_images(found):
                    return found
        alike = [folder for folder in sorted(self.with_images) if folder not in taken and _means(folder, split)]
        return min(alike, key=lambda folder: folder.count("/"), default=None)

    def _children(self, folder: str) -> Iterator[str]:
        for path in self.folders:
            if posixpath.dirname(path) == ("" if folder == "." else folder) and path != ".":
                yield posixpath.basename(path)

    def _holds_images(self, folder: str) -> bool:
        return folder in self.folders and any(True for _ in self.below(folder))


def label_of(image: str) -> str:
    """The label file of an image: its last folder `images` becomes `labels` (Ultralytics' img2label_paths)."""
    above, found, below = f"/{image}".rpartition("/images/")
    path = f"{above}/labels/{below}" if found else f"/{image}"
    return posixpath.splitext(path)[0][1:] + ".txt"


def is_absolute(path: str) -> bool:
    """A path of one machine, or a URL."""
    return path.startswith("/") or _ABSOLUTE.match(path) is not None


def _means(folder: str, split: str) -> bool:
    return any(meaning(part) == split for part in folder.split("/"))


def _is_hidden(path: str) -> bool:
    """What begins with a dot: glob passes over it."""
    return any(part.startswith(".") and part != ".." for part in path.split("/"))
