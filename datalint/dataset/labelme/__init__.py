"""LabelMe: a JSON file of shapes for each image (https://github.com/wkentaro/labelme, labelme/label_file.py)."""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING

from datalint.dataset import layout

if TYPE_CHECKING:
    from datalint.dataset.listing import Listing
    from datalint.dataset.model import Dataset
    from datalint.dataset.options import Options
    from datalint.source import Source

_HEAD = 1 << 16
_PROBED = 5
"""JSON files that are opened."""


def recognise(listing: Listing) -> str | None:
    """The first JSON file of shapes, of those that are called like images where there are images."""
    found = [path for path in listing.files if path.lower().endswith(".json")]
    if found and listing.has_images:
        images = {_stem(path) for path in listing.files if layout.suffix(path) in layout.IMAGE_LIKE}
        found = [path for path in found if _stem(path) in images]
    return next((path for path in found[:_PROBED] if is_one(listing.head(path, _HEAD))), None)


def read(source: Source, root: str, options: Options) -> Dataset:
    """An image for each JSON file at or below `root`, with its shapes."""
    # Whoever asks for the look of a folder alone pays for no reader.
    from datalint.dataset.labelme import dataset

    return dataset.read(source, root, options)


def is_one(head: bytes) -> bool:
    """Whether the first bytes are those of shapes of an image: the keys that LabelMe asks for, as far as they go."""
    text = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    return text.startswith(b"{") and b'"shapes"' in text and any(key in text for key in (b'"imagePath"', b'"flags"'))


def _stem(path: str) -> str:
    return posixpath.splitext(posixpath.basename(path))[0]
