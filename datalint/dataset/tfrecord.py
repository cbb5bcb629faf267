"""TFRecord: files of tf.train.Example, known by their names."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datalint.dataset.listing import Listing


def recognise(listing: Listing) -> str | None:
    """The first shard, where no images lie beside it."""
    if listing.has_images:
        return None
    return next((path for path in listing.files if "tfrecord" in path.rpartition("/")[2].lower()), None)
