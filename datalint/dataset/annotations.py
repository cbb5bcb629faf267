"""Annotations in pixels: fractions of the image wait for its size, which only its bytes tell."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from datalint.tables import Data

if TYPE_CHECKING:
    from collections.abc import Iterator

_TURNED = frozenset({5, 6, 7, 8})
"""EXIF orientations that swap width and height (EXIF 2.32, tag 274)."""
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
