"""WebDataset: tar files whose consecutive members of one key are one sample."""

from __future__ import annotations

from typing import TYPE_CHECKING

from datalint import braces

if TYPE_CHECKING:
    from datalint.dataset.listing import Listing
    from datalint.dataset.model import Dataset
    from datalint.dataset.options import Options
    from datalint.source import Source

SUFFIXES = (".tar", ".tgz", ".tar.gz")


def recognise(listing: Listing) -> str | None:
    """The first archive, where no images lie beside it; brace notation is that of archives by itself."""
    if not listing.files and braces.is_pattern(listing.root):
        return listing.root if braces.expand(listing.root)[0].lower().endswith(SUFFIXES) else None
    if listing.has_images:
        return None
    return next((path for path in listing.files if path.lower().endswith(SUFFIXES)), None)


def read(source: Source, root: str, options: Options) -> Dataset:
    """Samples of the archives below a folder, of one archive, or of those that a brace pattern names.

    Raises UsageError for a split or a column that the user declares and no archive has.
    """
    # Whoever asks for the look of a folder alone pays for no parser.
    from datalint.dataset.webdataset.reading import read as read_shards

    return read_shards(source, root, options)
