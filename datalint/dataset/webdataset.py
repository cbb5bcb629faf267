"""WebDataset: tar files whose members of one stem are one sample."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datalint.dataset.listing import Listing

SUFFIXES = (".tar", ".tgz", ".tar.gz")


def recognise(listing: Listing) -> str | None:
    """The first archive, where no images lie beside it."""
    if listing.has_images:
        return None
    return next((path for path in listing.files if path.lower().endswith(SUFFIXES)), None)
