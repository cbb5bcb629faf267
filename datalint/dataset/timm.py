"""The classes of timm's `ReaderImageFolder` (timm 1.0): the innermost folder of each image, in natural order.

It has no class for a folder without images, one without a name for images beside the folders, and one for folders of
one name wherever they lie. Two names that differ in case, or in zeros before a number, have no order: which comes first
depends on the hashes of that run.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field
from itertools import groupby
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from datalint.dataset.plan import Layout

# timm.data.readers.img_extensions.IMG_EXTENSIONS
SUFFIXES = frozenset({".png", ".jpg", ".jpeg"})
_DIGITS = re.compile(r"(\d+)")


def natural_key(name: str) -> list[str | int]:
    """Text in lower case and numbers by turns, as timm.utils.natural_key makes it."""
    return [int(part) if part.isdecimal() else part for part in _DIGITS.split(name.lower())]


def label_of(folder: str, layout: Layout) -> str | None:
    """The class of images that lie directly in a folder, empty beside class folders; None outside of every split."""
    above = layout.above(folder)
    if layout.splits and above is None:
        return None
    return folder[len(above or "") :].rpartition("/")[2]


@dataclass(frozen=True, slots=True)
class Numbered:
    """A class of one split; `index` is None where it changes from run to run."""

    name: str
    index: int | None
    n_images: int
    folder: str
    """The first of those that it is made of, relative to the root."""


@dataclass(slots=True)
class Classes:
    """Fill it with one folder after the other."""

    _images: dict[str | None, Counter[str]] = field(default_factory=dict)
    """Split -> class -> images."""
    _folders: dict[tuple[str | None, str], str] = field(default_factory=dict)

    def add(self, split: str | None, label: str, folder: str, images: int) -> None:
        """So many of that class, directly in a folder."""
        self._images.setdefault(split, Counter())[label] += images
        known = self._folders.setdefault((split, label), folder)
        self._folders[split, label] = min(known, folder)

    def of(self, split: str | None) -> Iterator[Numbered]:
        """In their order."""
        images = self._images.get(split, Counter())
        start = 0
        for _, tied in groupby(sorted(images, key=lambda name: (natural_key(name), name)), natural_key):
            names = list(tied)
            for name in names:
                index = start if len(names) == 1 else None
                yield Numbered(name, index, images[name], self._folders[split, name])
            start += len(names)
