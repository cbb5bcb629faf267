"""COCO: images, annotations and categories in one JSON file for each split."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datalint.dataset.listing import Listing


def recognise(listing: Listing) -> str | None:
    """The first file of annotations by its name, beside images."""
    return next(filter(_is_coco, listing.files), None) if listing.has_images else None


def _is_coco(path: str) -> bool:
    folder, _, name = path.rpartition("/")
    return name.endswith("_annotations.coco.json") or (name.endswith(".json") and folder == "annotations")
