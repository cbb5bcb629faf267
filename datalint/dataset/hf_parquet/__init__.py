"""Hugging Face Parquet: images as structs of bytes and path, class names in the schema, shards that names sort.

As `datasets.load_dataset` reads it (version 5.2): the first file says for all what the columns are.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from datalint.dataset import hf_splits
from datalint.dataset.hf_parquet import shards
from datalint.dataset.hf_parquet.features import columns
from datalint.dataset.listing import listing
from datalint.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from datalint.dataset.hf_card import Card
    from datalint.dataset.listing import Listing
    from datalint.dataset.model import Dataset
    from datalint.dataset.options import Options
    from datalint.source import Source

SUFFIX = ".parquet"
_FOOTER = 1 << 20
"""Bytes at the end of a file in which the names of its columns are looked for, and at its start in which images are."""

_BEGINNINGS = (b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"GIF8", b"WEBP")
"""Of images. Pages are compressed as a whole, and what is compressed already stays as it is."""


def recognise(listing: Listing) -> str | None:
    """The first file with a column of images; the first shard by its name where none of the files can be read.

    Image files beside it are pictures in a README.md where the files are called shards, else the dataset itself.
    """
    files = [path for path in listing.ending(SUFFIX) if path.endswith(SUFFIX)]
    named = [path for path in files if hf_splits.SHARD.fullmatch(path.rpartition("/")[2])]
    if not files or (listing.has_images and not named):
        return None
    for path in files:
        place = listing.source.spooled(listing.path(path))
        if place is None or shards.faults(place) is not None:
            continue
        return path if _may_have_images(place) and _has_images(place) else None
    return next(iter(named), None)


def _may_have_images(place: str) -> bool:
    """Whether a column is called `bytes`, or an image may begin near the start: no process for a table of words."""
    with open(place, "rb") as file:
        start = file.read(_FOOTER)
        if any(each in start for each in _BEGINNINGS):
            return True
        file.seek(max(0, os.path.getsize(place) - _FOOTER))
        return b"bytes" in file.read()


def _has_images(place: str) -> bool:
    with shards.events({0: place}, rows=False) as found:
        opened = next((event for event in found if isinstance(event, shards.Opened)), None)
        return opened is not None and bool(columns(opened.kinds, opened.written).images)


def read(source: Source, root: str, options: Options) -> Dataset:
    """Samples of every row. Raises UsageError where there is no Parquet file, or no column of images in any."""
    there = listing(source, root)
    files = [path for path in there.ending(SUFFIX) if path.endswith(SUFFIX)]
    if not files:
        raise UsageError(f"no Parquet file (*{SUFFIX}) in {root}")
    # Whoever asks for the look of a folder alone pays for no reader.
    from datalint.dataset import hf_card
    from datalint.dataset.hf_parquet.reading import Reading

    card = hf_card.read(there)
    return Reading(there, options, _splits(there, card, files), card).dataset(files)


def _splits(there: Listing, card: Card, files: Sequence[str]) -> Mapping[str, Sequence[str]]:
    """Path -> splits of the files that are read, by the library's names."""
    return card.splits_of(files) if card.patterns else hf_splits.splits_of(there.files)
