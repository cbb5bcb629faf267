"""Where a folder says that it is Pascal VOC: Annotations beside JPEGImages or ImageSets, or XML called like images."""

from __future__ import annotations

import posixpath
import re
from typing import TYPE_CHECKING

from datalint.dataset import layout
from datalint.dataset.voc.record import is_one
from datalint.dataset.yolo import find as yolo

if TYPE_CHECKING:
    from collections.abc import Sequence

    from datalint.dataset.listing import Listing
    from datalint.source import Source

HEAD = 1 << 16
_PROBED = 5
"""XML files that are opened."""
LABEL_MAPS = ("labelmap.txt", "label_map.pbtxt", "classes.txt", "labels.txt", "predefined_classes.txt")


def clue(listing: Listing) -> str | None:
    """The path that gives the layout away, relative to the listing's root.

    Beside a data.yaml, or labels of YOLO that lie where it looks for them, the XML is what they were converted from.
    """
    if not listing.ending(".xml"):
        return None
    found = next(iter(homes(listing)), None)
    if found is not None:
        return None if yolo.described(listing) and yolo.clue(listing) else posixpath.join(found, "Annotations")
    loose = next(iter(_loose(listing)), None) if listing.has_images else None
    return None if loose is None or yolo.clue(listing) else loose


def homes(listing: Listing) -> Sequence[str]:
    """Folders with Annotations of XML beside JPEGImages or ImageSets: VOC2007 and VOC2012 of a devkit."""
    with_xml = {posixpath.dirname(path) for path in listing.ending(".xml")}
    found = []
    for folder in sorted(folder for folder in listing.folders if posixpath.basename(folder) == "Annotations"):
        home = posixpath.dirname(folder)
        beside = (posixpath.join(home, name) for name in ("JPEGImages", "ImageSets"))
        images = any(path in listing.folders for path in beside)
        if images and any(path == folder or path.startswith(f"{folder}/") for path in with_xml):
            found.append(home)
    return found


def _loose(listing: Listing) -> Sequence[str]:
    """XML files of boxes that are called like an image."""
    stems = {stem(path) for path in listing.files if layout.suffix(path) in layout.IMAGE_LIKE}
    likely = [path for path in listing.ending(".xml") if stem(path) in stems]
    heads = {path: listing.head(path, HEAD) for path in likely[:_PROBED]}
    return [path for path, head in heads.items() if is_one(head) and b"<bndbox" in head]


def label_map(content: bytes, path: str) -> list[str]:
    """Names of a label map: CVAT's (`name:colour:parts:actions`), TensorFlow's, or a name a line."""
    text = content.decode("utf-8-sig", "replace")
    if path.endswith(".pbtxt"):
        return [found[1] or found[2] for found in re.finditer(r"""\bname\s*:\s*(?:'([^']*)'|"([^"]*)")""", text)]
    lines = [line.strip() for line in text.splitlines()]
    lines = [line for line in lines if line and not line.startswith("#")]
    return [line.split(":")[0] for line in lines] if path.endswith("labelmap.txt") else lines


def is_xml_annotation(source: Source, path: str) -> bool:
    """Whether an XML file is one of boxes; others may lie beside them."""
    return is_one(source.read(path, limit=HEAD) or b"")


def stem(path: str) -> str:
    """The name of a file without its suffix."""
    return posixpath.splitext(posixpath.basename(path))[0]
