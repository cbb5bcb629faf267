"""YOLO (Ultralytics, YOLOv5, Darknet): a text file for each image, with a line for each box, polygon or pose."""

from __future__ import annotations

from typing import TYPE_CHECKING

from datalint.dataset.yolo import find

if TYPE_CHECKING:
    from datalint.dataset.listing import Listing
    from datalint.dataset.model import Dataset
    from datalint.dataset.options import Options
    from datalint.source import Source


def recognise(listing: Listing) -> str | None:
    """A label file whose folder of images is there, or a description beside images with text files."""
    return find.clue(listing)


def chosen(listing: Listing) -> list[str]:
    """The description that is read, of those that lie here."""
    first, _ = find.only_description(listing)
    return [] if first is None else [first]


def read(source: Source, root: str, options: Options) -> Dataset:
    """Images of the splits that data.yaml names, with the lines of their label files.

    `root` is a folder or data.yaml itself. Raises UsageError where several datasets lie in it.
    """
    # Whoever asks for the look of a folder alone pays for no reader.
    from datalint.dataset.yolo import dataset

    return dataset.read(source, root, options)
