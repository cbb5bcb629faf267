"""The metadata files of a Hugging Face `imagefolder`: which there are, their rows, and the columns that name images."""

from __future__ import annotations

import itertools
import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from datalint.dataset.masks.pairs import means_masks
from datalint.dataset.rows import Bad, Row, header_to_pandas, parse, parse_parquet
from datalint.errors import UnfinishedError
from datalint.source.lfs import POINTER

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from datalint.dataset.listing import Listing

NAMES = ("metadata.csv", "metadata.jsonl", "metadata.parquet")
"""FolderBasedBuilder.METADATA_FILENAMES of datasets 5.2, compared with their case."""
_ENDINGS = tuple(f".{name.rpartition('.')[2]}" for name in NAMES)
_HEAD = 1 << 16
_HEAD_ROWS = 20


@dataclass(frozen=True, slots=True)
class Metadata:
    """One of them, parsed."""

    name: str
    """Below the root of the dataset."""
    header: tuple[str, ...]
    rows: Sequence[Row]
    bad: Sequence[Bad]
    to_pandas: tuple[str, ...] = ()
    """Its header as pandas reads that of a CSV: parted at commas, spaces kept; else the same as `header`."""

    @property
    def folder(self) -> str:
        """Where its paths start, below the root; empty for the root itself."""
        return self.name.rpartition("/")[0]

    @property
    def suffix(self) -> str:
        return self.name.rpartition(".")[2]

    @property
    def images(self) -> tuple[str, ...]:
        """Columns that name images."""
        return image_columns(self.header)


def named(listing: Listing) -> list[str]:
    """Files below the root that are called so."""
    return [path for path in listing.ending(*_ENDINGS) if path.rpartition("/")[2] in NAMES]


def image_columns(header: Iterable[str]) -> tuple[str, ...]:
    """`file_name`, `*_file_name` and their plurals (lists), the plain one first."""
    found = [name for name in header if f"_{name}".endswith(("_file_name", "_file_names"))]
    return tuple(sorted(found, key=lambda name: name not in ("file_name", "file_names")))


def head(listing: Listing, name: str) -> tuple[str, ...]:
    """Columns by the first rows; none for what cannot be read."""
    if name.endswith(".parquet"):
        place = listing.source.spooled(listing.path(name))
        if place is None:
            return ()
        columns, rows = parse_parquet(place, limit=1)
        # The reader's file is closed at its end.
        return columns if list(rows) else ()
    header, found = parse(listing.head(name, _HEAD), name.rpartition(".")[2])
    return header or _keys(itertools.islice((row for row in found if isinstance(row, Row)), _HEAD_ROWS))


def read(listing: Listing, name: str) -> Metadata:
    """All rows of one; UnfinishedError where git-lfs has not fetched it."""
    path = listing.path(name)
    if listing.head(name, len(POINTER)) == POINTER:
        raise UnfinishedError(f"{path} is a Git LFS pointer, its rows are not here: `git lfs pull` fetches them")
    content = b"" if name.endswith(".parquet") else listing.source.read(path) or b""
    header, found = _parsed(listing, path, content)
    both = list(found)
    rows = [row for row in both if isinstance(row, Row)]
    header = header or _keys(rows)
    to_pandas = header_to_pandas(content) if name.endswith(".csv") else header
    return Metadata(name, header, rows, [row for row in both if isinstance(row, Bad)], to_pandas)


def _parsed(listing: Listing, path: str, content: bytes) -> tuple[tuple[str, ...], Iterator[Row | Bad]]:
    suffix = path.rpartition(".")[2]
    if suffix == "parquet":
        place = listing.source.spooled(path)
        return ((), iter(())) if place is None else parse_parquet(place)
    return parse(content, suffix)


def mask_columns(columns: Sequence[str]) -> frozenset[str]:
    """Those of the columns of images that name masks: not all of them, or they are the images."""
    masks = frozenset(name for name in columns if means_masks(re.sub("_?file_names?$", "", name)))
    return masks if len(masks) < len(columns) else frozenset()


def _keys(rows: Iterable[Row]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(name for row in rows for name in row.cells))


def written(cell: str | None, column: str) -> list[str]:
    """The paths in a cell; none where it is empty."""
    if cell is None:
        return []
    if not column.endswith("file_names"):
        return [cell]
    try:
        items = json.loads(cell)
    except ValueError:
        return []
    return [item for item in items if isinstance(item, str)] if isinstance(items, list) else []
