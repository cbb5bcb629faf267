"""Pascal VOC: an XML file of boxes for each image, and lists of names for the splits; also XML beside images."""

from __future__ import annotations

from typing import TYPE_CHECKING

from datalint.dataset.voc import find

if TYPE_CHECKING:
    from datalint.dataset.listing import Listing
    from datalint.dataset.model import Dataset
    from datalint.dataset.options import Options
    from datalint.source import Source


def recognise(listing: Listing) -> str | None:
    """The folder `Annotations` beside `JPEGImages` or `ImageSets`, or an XML file of boxes called like an image."""
    return find.clue(listing)


def read(source: Source, root: str, options: Options) -> Dataset:
    """Images of the lists in ImageSets with their annotations; without lists every image below the root."""
    # Whoever asks for the look of a folder alone pays for no reader.
    from datalint.dataset.voc import dataset

    return dataset.read(source, root, options)
