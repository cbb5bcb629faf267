"""Which image an annotation file belongs to, by its name, in the folders where it may lie."""

from __future__ import annotations

import posixpath
from collections import defaultdict
from typing import TYPE_CHECKING

from datalint.dataset import layout
from datalint.dataset.voc.find import stem

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


class Pairs:
    """Images and annotation files of one dataset, by the name that they share."""

    def __init__(
        self, files: Iterable[str], images: str | None = None, annotations: str | None = None, *, suffix: str = ".xml"
    ) -> None:
        """`images` and `annotations`: the folders that they lie in, where the layout says so."""
        self._images: defaultdict[str, list[str]] = defaultdict(list)
        self._annotations: defaultdict[str, list[str]] = defaultdict(list)
        for path in files:
            if layout.suffix(path) in layout.IMAGE_LIKE and _within(path, images):
                self._images[stem(path)].append(path)
            elif path.lower().endswith(suffix) and _within(path, annotations):
                self._annotations[stem(path)].append(path)

    @property
    def images(self) -> Sequence[str]:
        return sorted(path for paths in self._images.values() for path in paths)

    @property
    def annotations(self) -> Sequence[str]:
        return sorted(path for paths in self._annotations.values() for path in paths)

    def annotation_of(self, image: str) -> str | None:
        """Beside the image, else where most folders have the same names: `annotations/train` for `images/train`.

        None where it lies nearer to another image of that name.
        """
        found = _nearest(image, self._annotations.get(stem(image), []))
        return found if found is not None and self.image_of(found) == image else None

    def image_of(self, annotation: str) -> str | None:
        """The other way round."""
        return _nearest(annotation, self._images.get(stem(annotation), []))

    def image_called(self, name: str, near: str) -> str | None:
        """The image of exactly that name that lies nearest to a path."""
        return _nearest(near, [path for path in self._images.get(stem(name), []) if posixpath.basename(path) == name])


def _within(path: str, folder: str | None) -> bool:
    return folder is None or path.startswith(f"{folder}/")


def _nearest(path: str, others: Sequence[str]) -> str | None:
    folders = posixpath.dirname(path).split("/")
    return max(others, key=lambda other: _alike(folders, posixpath.dirname(other).split("/")), default=None)


def _alike(one: Sequence[str], other: Sequence[str]) -> tuple[bool, int]:
    return one == other, len(set(one) & set(other))
