"""LabelMe: a JSON file of shapes for each image (https://github.com/wkentaro/labelme, labelme/label_file.py).

The old LabelMe on the web wrote an XML file for each (https://github.com/CSAILVision/LabelMeAnnotationTool).
"""

from __future__ import annotations

import posixpath
import re
from typing import TYPE_CHECKING

from datalint.dataset import layout

if TYPE_CHECKING:
    from datalint.dataset.listing import Listing
    from datalint.dataset.model import Dataset
    from datalint.dataset.options import Options
    from datalint.source import Source

_HEAD = 1 << 16
_PROBED = 5
"""JSON files, and XML files, that are opened."""
_ELEMENT = re.compile(rb"<([A-Za-z_][\w.-]*)")
_OWN = (b"LabelMe", b"<imagesize>", b"<deleted>")
"""What Pascal VOC does not write."""


def recognise(listing: Listing) -> str | None:
    """The first file of shapes, of those that are called like images where there are images."""
    found = listing.ending(".json", ".xml")
    if found and listing.has_images:
        images = {_stem(path) for path in listing.files if layout.suffix(path) in layout.IMAGE_LIKE}
        found = [path for path in found if _stem(path) in images]
    for suffix, known in ((".json", is_one), (".xml", is_web)):
        likely = [path for path in found if path.lower().endswith(suffix)][:_PROBED]
        clue = next((path for path in likely if known(listing.head(path, _HEAD))), None)
        if clue is not None:
            return clue
    return None


def read(source: Source, root: str, options: Options) -> Dataset:
    """An image for each JSON or XML file at or below `root`, with its shapes."""
    # Whoever asks for the look of a folder alone pays for no reader.
    from datalint.dataset.labelme import dataset

    return dataset.read(source, root, options)


def is_one(head: bytes) -> bool:
    """Whether the first bytes are those of shapes of an image: the keys that LabelMe asks for, as far as they go."""
    text = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    return text.startswith(b"{") and b'"shapes"' in text and any(key in text for key in (b'"imagePath"', b'"flags"'))


def is_web(head: bytes) -> bool:
    """Whether the first bytes of an XML file are those of the old LabelMe, and not of Pascal VOC."""
    first = _ELEMENT.search(head)
    own = any(mark in head for mark in _OWN) and b"<bndbox" not in head
    return first is not None and first[1] == b"annotation" and own


def _stem(path: str) -> str:
    return posixpath.splitext(posixpath.basename(path))[0]
