"""Croissant, a JSON file that describes a dataset: what it says is checked beside whatever format the files have."""

from __future__ import annotations

import posixpath
from dataclasses import replace
from typing import TYPE_CHECKING

from datalint.dataset import hf_parquet, table_rows
from datalint.dataset.croissant import files
from datalint.dataset.croissant.document import VOCABULARY, NotCroissantError, parse
from datalint.dataset.listing import listing
from datalint.dataset.model import Dataset, Rows, name_of
from datalint.entry import display

if TYPE_CHECKING:
    from datalint.dataset.listing import Listing
    from datalint.dataset.options import Options
    from datalint.source import Source

NAMES = ("croissant.json", "metadata.json")
_HEAD = 1 << 16
_LARGEST = 64 << 20
_ARCHIVES = (".tar", ".tgz", ".tar.gz")


def recognise(listing: Listing) -> str | None:
    """The document, where nothing lies beside it that another format reads."""
    if listing.has_images or any(path.endswith(_ARCHIVES) or "tfrecord" in path for path in listing.files):
        return None
    found = next(iter(_documents(listing)), None)
    return found if found is None or not _tables_of_images(listing) else None


def _tables_of_images(listing: Listing) -> bool:
    """Whether there is Parquet that holds images, or names some."""
    files = [path for path in listing.ending(".parquet") if path.endswith(".parquet")]
    return bool(files) and (
        hf_parquet.recognise(listing) is not None
        or any(table_rows.names_images(listing.source, listing.path(path), "parquet", {}) for path in files)
    )


def read(source: Source, root: str, options: Options) -> Dataset:  # noqa: ARG001 - every format gets them
    """No samples: `beside` says what is wrong with the description."""
    return Dataset(
        name=name_of(root, source.base),
        format="croissant",
        root=display(root),
        manifest=None,
        files=(),
        samples=Rows("samples").data(),
        classes=Rows("classes").data(),
        folders=Rows("folders").data(),
        skipped=Rows("skipped").data(),
        problems=Rows("problems").data(),
    )


def beside(found: Dataset, source: Source, root: str) -> Dataset:
    """The same with what is wrong with the Croissant files directly in `root`, or with that at `root`."""
    there = listing(source, root)
    rows, notes = [], []
    for name in _documents(there):
        path = there.path(name)
        content = source.read(path, limit=_LARGEST) or b""
        try:
            document = parse(content)
        except NotCroissantError as error:
            rows.append({"kind": "bad-row", "path": display(path), "manifest": display(path), "detail": str(error)})
            continue
        home = posixpath.dirname(path)
        start = len(home) + 1 if home else 0
        below = [entry.path[start:] for entry in source.entries(home or ".")]
        checked = files.check(source, home, document, below)
        rows += [
            {"kind": each.kind, "path": display(each.path), "manifest": display(path), "detail": display(each.words)}
            for each in checked.problems
        ]
        if checked.note:
            notes.append(display(f"{path}: {checked.note}"))
    if not rows and not notes:
        return found
    return replace(found, problems=found.problems.extended(rows), assumptions=(*found.assumptions, *notes))


def _documents(there: Listing) -> list[str]:
    """Of the usual names, or the root itself."""
    alone = len(there.files) == 1 and there.path(there.files[0]) == there.root
    named = there.files if alone else [path for path in there.files if path in NAMES]
    return [path for path in named if path.endswith(".json") and VOCABULARY in there.head(path, _HEAD)]
