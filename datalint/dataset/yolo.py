"""YOLO: a text file of boxes for each image, in a folder `labels` beside `images` (Ultralytics)."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datalint.dataset.listing import Listing


def recognise(listing: Listing) -> str | None:
    """The first file of labels whose folder of images is there."""
    if not listing.has_images:
        return None
    labels = (path for path in listing.files if path.endswith(".txt"))
    return next((path for path in labels if images_of(path) in listing.folders), None)


def images_of(path: str) -> str | None:
    """`train/images` for `train/labels/1.txt`, `images/train` for `labels/train/1.txt`."""
    parts = path.split("/")[:-1]
    if "labels" not in parts:
        return None
    at = len(parts) - 1 - parts[::-1].index("labels")
    return "/".join((*parts[:at], "images", *parts[at + 1 :]))
