"""Hugging Face `imagefolder` with metadata: rows of `metadata.csv`, `.jsonl` or `.parquet` name the images.

As `datasets.load_dataset` reads it, versions 3.6 and 5.2: images that no row names are left out, folders of classes
give no label, and the names of folders or files decide on the splits.
"""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING

from datalint.dataset import columns
from datalint.dataset.detect import in_class_folders
from datalint.dataset.hf_imagefolder import metadata
from datalint.dataset.listing import listing
from datalint.errors import UsageError

if TYPE_CHECKING:
    from datalint.dataset.listing import Listing
    from datalint.dataset.model import Dataset
    from datalint.dataset.options import Options
    from datalint.source import Source


def recognise(listing: Listing) -> str | None:
    """The first metadata file with a column `file_name`, unless class folders say what the images are.

    Tables with labels inside those folders win: nobody writes a label twice. A metadata file that the user names
    itself is a table like any other.
    """
    if listing.files and listing.path(listing.files[0]) == listing.root:
        return None
    named = metadata.named(listing)
    for path in named:
        header = metadata.head(listing, path)
        if metadata.image_columns(header):
            inside = "/" in path and columns.guess(header, ())["label"] is not None
            return path if inside or not in_class_folders(listing.source, listing.root) else None
    return None


def read(source: Source, root: str, options: Options) -> Dataset:
    """Samples of every row. Raises UsageError where no metadata file is there, UnfinishedError for a pointer."""
    if posixpath.basename(root) in metadata.NAMES and source.read(root, limit=0) is not None:
        root = posixpath.dirname(root) or "."
    # Whoever asks for the look of a folder alone pays for no reader.
    from datalint.dataset.hf_imagefolder.reading import Reading

    there = listing(source, root)
    found = [metadata.read(there, path) for path in metadata.named(there)]
    if not found:
        raise UsageError(f"no {', '.join(metadata.NAMES[:2])} or {metadata.NAMES[2]} in {root}")
    return Reading.of(there, options, found).dataset()
