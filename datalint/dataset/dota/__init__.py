"""DOTA: text files of oriented boxes in `labelTxt` beside `images`, four corners, a class and a flag a line."""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING

from datalint.dataset.dota.lines import is_labels
from datalint.dataset.yolo import find as yolo

if TYPE_CHECKING:
    from datalint.dataset.listing import Listing
    from datalint.dataset.model import Dataset
    from datalint.dataset.options import Options
    from datalint.source import Source

_HEAD = 1 << 14
_PROBED = 20
"""Label files that are opened; those of pictures without objects are empty."""


def recognise(listing: Listing) -> str | None:
    """The first label file of four corners and a word.

    Beside labels of YOLO it is what they were converted from; beside a data.yaml it is where Ultralytics does not look.
    """
    texts = listing.ending(".txt")
    likely = [path for path in texts if is_home(posixpath.dirname(path))]
    if not likely or yolo.described(listing) or any(yolo.images_of(path) in listing.folders for path in texts):
        return None
    return next((path for path in likely[:_PROBED] if is_labels(listing.head(path, _HEAD))), None)


def read(source: Source, root: str, options: Options) -> Dataset:
    """Images with the label files of their names."""
    # Whoever asks for the look of a folder alone pays for no reader.
    from datalint.dataset.dota import dataset

    return dataset.read(source, root, options)


def is_home(folder: str) -> bool:
    """Whether labels lie in it: labelTxt, labelTxt-v1.5 (DOTA), annfiles (the splitter of MMRotate)."""
    return any(part == "annfiles" or part.startswith("labelTxt") for part in folder.split("/"))
