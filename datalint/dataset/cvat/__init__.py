"""CVAT for images 1.1: one XML file of images with their shapes (https://docs.cvat.ai, "CVAT for image")."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datalint.dataset.listing import Listing
    from datalint.dataset.model import Dataset
    from datalint.dataset.options import Options
    from datalint.source import Source

_HEAD = 1 << 12
_PROBED = 5
"""XML files that are opened, those nearest to the root first."""
_ELEMENT = re.compile(rb"<([A-Za-z_][\w.-]*)")


def recognise(listing: Listing) -> str | None:
    """The first XML file whose root is <annotations>, which has a version, a task or an image."""
    return next(iter(described(listing)), None)


def read(source: Source, root: str, options: Options) -> Dataset:
    """The images of the XML file at `root`, or of all those nearest to it.

    Raises UnfinishedError for tracks of a video, and for tags of whole images alone.
    """
    # Whoever asks for the look of a folder alone pays for no reader.
    from datalint.dataset.cvat import dataset

    return dataset.read(source, root, options)


def chosen(listing: Listing) -> list[str]:
    """Files of annotations that are read, of those that lie here."""
    return described(listing)


def described(listing: Listing) -> list[str]:
    """XML files of CVAT that lie in one folder, relative to the listing's root."""
    found = sorted(listing.ending(".xml"), key=lambda path: path.count("/"))
    depth = None
    some = []
    for path in found[:_PROBED]:
        if (depth is None or path.count("/") == depth) and is_one(listing.head(path, _HEAD)):
            depth = path.count("/")
            some.append(path)
    return some


def is_one(head: bytes) -> bool:
    """Whether the first bytes are those of CVAT's annotations."""
    first = _ELEMENT.search(head)
    inside = any(tag in head for tag in (b"<version>", b"<meta>", b"<image ", b"<track"))
    return first is not None and first[1] == b"annotations" and inside
