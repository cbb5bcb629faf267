"""Pascal VOC: an XML file for each image, and lists of names for the splits."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datalint.dataset.listing import Listing


def recognise(listing: Listing) -> str | None:
    """The folder `Annotations` beside `JPEGImages`."""
    if not listing.has_images:
        return None
    homes = {folder.rpartition("/")[0] for folder in listing.folders if folder.rpartition("/")[2] == "JPEGImages"}
    beside = (f"{home}/Annotations".lstrip("/") for home in sorted(homes))
    return next((folder for folder in beside if folder in listing.folders), None)
