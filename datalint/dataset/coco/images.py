"""Names in `images` -> files: the folder that they start from is nowhere written, and is found by looking."""

from __future__ import annotations

import posixpath
import zipfile
from typing import TYPE_CHECKING

from datalint.dataset.coco.plan import folder_by_names, folders_to_try, usable
from datalint.dataset.finder import Finder
from datalint.entry import display

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from datalint.dataset.listing import Listing
    from datalint.entry import Entry
    from datalint.source import Source

    Find = Callable[[str], tuple[int, str, list[tuple[str, str]]]]

_ARCHIVES = 10


class Images:
    """Numbers the images that all files of a dataset name, each once."""

    def __init__(self, source: Source, suffix: str) -> None:
        self._source = source
        self._suffix = suffix
        self._finders: dict[str, Finder] = {}
        self._ids: dict[str, int] = {}
        self.files: list[Entry] = []

    def below(self, home: str, inner: str = "", packed: Mapping[str, str] | None = None) -> Find:
        """Finds names that start from the folder `inner` of `home`, of which one listing is made.

        `packed` tells of what is not there which archive holds it.
        """
        if home not in self._finders:
            self._finders[home] = Finder(self._source, home, self._suffix)
        finder = self._finders[home]

        def find(name: str) -> tuple[int, str, list[tuple[str, str]]]:
            number, path, problems = finder.find(name, inner)
            entry = finder.files[number]
            if entry.path not in self._ids:
                self._ids[entry.path] = len(self.files)
                self.files.append(entry)
            if packed and entry.kind == "missing" and (archive := packed.get(posixpath.basename(path))):
                problems = [(kind, _or_packed(kind, detail, archive)) for kind, detail in problems]
            return self._ids[entry.path], path, problems

        return find


def folder_in(listing: Listing, path: str, split: str | None, names: Sequence[str]) -> str:
    """Folder of the images of the annotations at `path`, both relative to the root."""
    names = usable(names)
    known = set(listing.files)
    tried = folders_to_try(path, split)
    best = max(tried, key=lambda folder: sum(posixpath.join(folder, name) in known for name in names))
    if not all(posixpath.join(best, name) in known for name in names):
        elsewhere = folder_by_names(listing.files, names)
        if elsewhere is not None and _hits(known, elsewhere, names) > _hits(known, best, names):
            return elsewhere
    return best


def _hits(known: set[str], folder: str, names: Sequence[str]) -> int:
    return sum(posixpath.join(folder, name) in known for name in names)


def folder_around(source: Source, path: str, split: str | None, names: Sequence[str]) -> str:
    """The same for a file that is the dataset by itself; both relative to the source's base."""
    names = usable(names)[:5]
    tried = folders_to_try(path, split)
    return max(tried, key=lambda folder: sum(_is_there(source, posixpath.join(folder, name)) for name in names))


def _is_there(source: Source, path: str) -> bool:
    found = source.entries(posixpath.normpath(path))
    return len(found) == 1 and found[0].kind == "file"


def archives(listing: Listing) -> dict[str, str]:
    """Name of a file in a zip archive beside the annotations -> the archive, of which few are looked into."""
    found: dict[str, str] = {}
    for name in listing.ending(".zip")[:_ARCHIVES]:
        place = listing.source.spooled(listing.path(name))
        try:
            with zipfile.ZipFile(place or "") as archive:
                found |= {posixpath.basename(inner): listing.path(name) for inner in archive.namelist()}
        except (OSError, ValueError, NotImplementedError, zipfile.BadZipFile):
            continue
    return found


def _or_packed(kind: str, detail: str, packed: str) -> str:
    hinted = kind != "missing-file" or ", but " in detail
    return detail if hinted else f"{detail}, but {display(packed)} holds it and is not unpacked"
