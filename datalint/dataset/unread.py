"""Tables beside a folder of images that name those images: whoever reads the folder alone never sees their labels."""

from __future__ import annotations

import posixpath
import re
from typing import TYPE_CHECKING

from datalint.dataset import layout, manifest
from datalint.dataset.detect import SUFFIXES

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from datalint.source import Source

# Kaggle's form for predictions names the test images, and its labels are made up.
_FORM = re.compile(r"sample_?submission", re.IGNORECASE)
# A number of an epoch is the name of an image too; a column that means images says so.
_MEANS_IMAGES = re.compile(r"(^|[_ ])(id|ids|image|images|img|file|filename|filepath|name|path)($|[_ ])", re.IGNORECASE)


def unread(source: Source, root: str) -> Iterator[tuple[str, str]]:
    """Path of each table directly in the root or one folder below, and how it names images."""
    prefix = "" if root in ("", ".") else root.rstrip("/") + "/"
    entries = source.entries(root)
    tables = [
        entry.path
        for entry in entries
        if layout.suffix(entry.path) in SUFFIXES
        and entry.path[len(prefix) :].count("/") <= 1
        and not _FORM.search(posixpath.basename(entry.path))
    ]
    if not tables:
        return
    images = [entry.path for entry in entries if layout.suffix(entry.path) in layout.IMAGE_LIKE]
    known = {posixpath.basename(path) for path in images}
    known |= {posixpath.splitext(name)[0] for name in known}
    for path in tables:
        column = _naming(manifest.head(source, path, SUFFIXES[layout.suffix(path)]), known)
        if column is not None:
            yield path, f"its column {column!r} names images"


def _naming(rows: Sequence[Mapping[str, str | None]], known: set[str]) -> str | None:
    """The first column whose cells are all images, beside others that may hold their labels."""
    for column in rows[0] if rows else ():
        cells = [(row.get(column) or "").strip().replace("\\", "/") for row in rows]
        if (
            len(rows[0]) > 1
            and _MEANS_IMAGES.search(column)
            and all(posixpath.basename(cell) in known for cell in cells)
        ):
            return column
    return None
