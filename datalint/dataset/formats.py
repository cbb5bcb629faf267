"""Every format by name. A module has `recognise(listing)`, and `read(source, root, options)` once we read it.

`recognise` says what gave the layout away (a path below the root), or None; the order is that in which they are asked.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Protocol, cast

if TYPE_CHECKING:
    from collections.abc import Iterator

    from datalint.dataset.listing import Listing
    from datalint.dataset.model import Dataset
    from datalint.dataset.options import Options
    from datalint.source import Source

PLAIN = ("imagefolder", "csv", "tsv", "jsonl", "parquet")
"""Folders of classes and tables, which are what remains where no layout is recognised."""
LAYOUTS = {
    "hf-imagefolder": "a Hugging Face imagefolder",
    "hf-parquet": "Hugging Face Parquet",
    "tfrecord": "TFRecord",
    "webdataset": "WebDataset",
    "voc": "Pascal VOC",
    "cvat": "CVAT for images",
    "coco": "COCO",
    "dota": "DOTA",
    "yolo": "YOLO",
    "labelme": "LabelMe",
    "masks": "images with segmentation masks",
    "croissant": "Croissant",
}
"""Name -> what people call it; one module each."""


class Format(Protocol):
    """What a module of a layout has."""

    def recognise(self, listing: Listing) -> str | None:
        """The path that gave the layout away, relative to the root."""
        ...

    # Where a folder may hold several descriptions of its images, also `chosen(listing)`: those that are read.

    def read(self, source: Source, root: str, options: Options) -> Dataset:
        """The dataset at `root`, a folder or a file."""
        ...


def load(name: str) -> Format:
    """The module of a layout, imported when it is used."""
    return cast("Format", import_module(f"datalint.dataset.{name.replace('-', '_')}"))


def is_read(name: str) -> bool:
    """Whether this version reads it, or only knows it by its look."""
    return name in PLAIN or hasattr(load(name), "read")


def recognise(listing: Listing) -> tuple[str, str] | None:
    """Name of the layout and the path that gave it away; None for what may be folders of classes or a table."""
    return next(_recognisers(listing), None)


def recognisers(listing: Listing) -> list[str]:
    """Names of all the layouts that it looks like."""
    return [name for name, _ in _recognisers(listing)]


def _recognisers(listing: Listing) -> Iterator[tuple[str, str]]:
    for name in LAYOUTS:
        clue = load(name).recognise(listing)
        if clue is not None:
            yield name, clue


def readable() -> tuple[str, ...]:
    """Names of the formats that this version reads."""
    return (*PLAIN, *filter(is_read, LAYOUTS))
