"""Which image an annotation file belongs to, by its name, in the folders where it may lie."""

from __future__ import annotations

import posixpath
from collections import defaultdict
from typing import TYPE_CHECKING

from datalint.dataset import layout
from datalint.dataset.voc.find import stem

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence


class Pairs:
    """Images and annotation files of one dataset, by the name that they share."""

    def __init__(
        self,
        files: Iterable[str],
        images: str | None = None,
        annotations: str | None = None,
        *,
        suffix: str = ".xml",
        written: Callable[[str], str | None] = lambda _: None,
    ) -> None:
        """`images` and `annotations`: the folders that they lie in, where the layout says so.

        `written` is asked for the name of the image inside an annotation file where several images have its stem.
        """
        self._written = written
        self._images: defaultdict[str, list[str]] = defaultdict(list)
        self._annotations: defaultdict[str, list[str]] = defaultdict(list)
        for path in files:
            if layout.is_junk(path):
                continue
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

        None where it belongs to another image of that name.
        """
        found = _nearest(image, self._annotations.get(stem(image), []))
        return found if found is not None and self.image_of(found) == image else None

    def image_of(self, annotation: str) -> str | None:
        """The other way round; of images in other folders than its own the one that it names goes first."""
        likely = self._images.get(stem(annotation), [])
        return _nearest(annotation, likely, self._written(annotation) if len(likely) > 1 else None)

    def image_called(self, name: str, near: str) -> str | None:
        """The image of exactly that name that lies nearest to a path."""
        return _nearest(near, [path for path in self._images.get(stem(name), []) if posixpath.basename(path) == name])


def _within(path: str, folder: str | None) -> bool:
    return folder is None or path.startswith(f"{folder}/")


def _nearest(path: str, others: Sequence[str], name: str | None = None) -> str | None:
    folders = posixpath.dirname(path).split("/")
    return max(others, key=lambda other: _alike(folders, other, name), default=None)


def _alike(folders: Sequence[str], other: str, name: str | None) -> tuple[bool, bool, int]:
    its = posixpath.dirname(other).split("/")
    return folders == its, posixpath.basename(other) == name, len(set(folders) & set(its))
