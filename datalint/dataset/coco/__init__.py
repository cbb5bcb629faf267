"""COCO: images, annotations and categories in one JSON file for each split (detection, segmentation, keypoints)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from datalint.dataset.coco import plan

if TYPE_CHECKING:
    from datalint.dataset.listing import Listing
    from datalint.dataset.model import Dataset
    from datalint.dataset.options import Options
    from datalint.source import Source


def recognise(listing: Listing) -> str | None:
    """The first file of annotations, by a look at its head."""
    return plan.first(listing)


def chosen(listing: Listing) -> list[str]:
    """Files of annotations that are read, of those that lie here."""
    return [each.path for each in plan.plan(listing).files]


def read(source: Source, root: str, options: Options) -> Dataset:
    """The dataset at `root`, a folder or one JSON file."""
    # A check of another format does not wait for msgspec and NumPy.
    from datalint.dataset.coco import dataset

    return dataset.read(source, root, options)
