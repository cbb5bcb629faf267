"""Annotations in pixels: fractions of the image wait for its size, which only its bytes tell.

Fractions in a format of pixels are told by all boxes together.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import TYPE_CHECKING, Any

from datalint.tables import Data

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

_TURNED = frozenset({5, 6, 7, 8})
"""EXIF orientations that swap width and height (EXIF 2.32, tag 274)."""
_FEWEST = 3
"""Boxes that are no slip of the mouse."""
_ROUNDED = 0.01
"""How far a fraction may leave the image: what Ultralytics forgives."""
_ACROSS, _DOWN = ("x", "width"), ("y", "height")


def in_pixels(annotations: Data, samples: Data, files: Data) -> Data:
    """The same with `normalised` rows multiplied by the size at which their image is shown.

    Where that is not known they are NULL. `area` is left as it is written.
    """
    if not any(annotations.columns["normalised"]):
        return annotations
    columns: dict[str, list[Any]] = {name: list(column) for name, column in annotations.columns.items()}
    for row, (width, height) in _normalised(columns, samples, files):
        for names, side in ((_ACROSS, width), (_DOWN, height)):
            for name in names:
                written = columns[name][row]
                columns[name][row] = None if written is None or side is None else written * side
    return Data(columns, annotations.extra)


def with_fractions(annotations: Data, samples: Data) -> Data:
    """The same with `fractions` set where boxes in pixels are fractions of the image in truth.

    That is where all boxes of an image lie between 0 and 1: of pixels that would be its first one. There must be a few
    in one file and split, of one split where each image has a file, and most less than a pixel wide and high. Boxes of
    other images may be pixels: so they are where two datasets were merged.
    """
    columns = annotations.columns
    if 2 * sum(map(_is_part, columns["width"])) < _FEWEST:
        # So it is nearly everywhere, and nobody need look at a million boxes twice.
        return annotations
    images = list(zip(_places(columns, samples.columns["split"]), columns["sample_id"], strict=True))
    sides = (columns[name] for name in ("x", "y", "width", "height"))
    boxes = [(image, box) for image, box in zip(images, zip(*sides, strict=True), strict=True) if None not in box]
    outside = {image for image, box in boxes if _leaves(*box)}
    outside |= {image for image, normalised in zip(images, columns["normalised"], strict=True) if normalised}
    inside, small = Counter[object](), Counter[object]()
    for image, (_, _, width, height) in boxes:
        if image not in outside:
            inside[image[0]] += 1
            small[image[0]] += _is_part(width) and _is_part(height)
    places = {place for place, n in inside.items() if n >= _FEWEST and 2 * small[place] >= n}
    found: list[object] = [image not in outside and image[0] in places for image in images]
    return Data({**columns, "fractions": found}, annotations.extra)


def _places(columns: Mapping[str, Sequence[Any]], splits: Sequence[Any]) -> list[object]:
    """Of each annotation the file and split that it is compared in; no file where a file has one image."""
    images: defaultdict[object, set[object]] = defaultdict(set)
    for path, sample in zip(columns["path"], columns["sample_id"], strict=True):
        if len(images[path]) < 2:
            images[path].add(sample)
    return [
        (path if len(images[path]) > 1 else None, None if sample is None else splits[sample])
        for path, sample in zip(columns["path"], columns["sample_id"], strict=True)
    ]


def _leaves(x: float, y: float, width: float, height: float) -> bool:
    """Whether a box reaches beyond 0 and 1."""
    return min(x, y) < -_ROUNDED or max(x + width, y + height) > 1 + _ROUNDED


def _is_part(side: Any) -> bool:
    return side is not None and 0 < side < 1


def _normalised(
    columns: dict[str, list[Any]], samples: Data, files: Data
) -> Iterator[tuple[int, tuple[int | None, int | None]]]:
    """Rows to convert and the size of their image as shown."""
    shown = _shown(files)
    file_ids: list[Any] = samples.columns["file_id"]
    for row, (sample, normalised) in enumerate(zip(columns["sample_id"], columns["normalised"], strict=True)):
        if normalised:
            yield row, (None, None) if sample is None else shown[file_ids[sample]]


def _shown(files: Data) -> list[tuple[int | None, int | None]]:
    """Width and height once the EXIF orientation is applied, by file id."""
    sizes: zip[tuple[Any, ...]] = zip(
        *(files.columns[name] for name in ("width", "height", "orientation")), strict=True
    )
    return [(height, width) if turned in _TURNED else (width, height) for width, height, turned in sizes]
