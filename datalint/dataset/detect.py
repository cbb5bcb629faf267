"""Which format a path has where nobody says it: by its suffix, or by what lies in the folder."""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING

from datalint.dataset import layout, manifest
from datalint.dataset.plan import place, plan

if TYPE_CHECKING:
    from collections.abc import Mapping

    from datalint.source import Source

SUFFIXES = {".csv": "csv", ".tsv": "tsv", ".jsonl": "jsonl", ".ndjson": "jsonl", ".parquet": "parquet"}


def detect(
    source: Source, root: str, *, columns: Mapping[str, str], files_root: str | None = None
) -> tuple[str, str, str]:
    """Format, path, and what the user should know of the choice (else empty).

    A folder with one manifest is that manifest, unless there are class folders and it names fewer than half of
    their images: a list of the images that somebody looked at twice is not the dataset. `columns` and `files_root` are
    what the user says of it.
    """
    suffix = layout.suffix(root)
    if suffix in SUFFIXES and source.read(root) is not None:
        return SUFFIXES[suffix], root, ""
    prefix = _prefix(root)
    top = [entry.path for entry in source.entries(root) if "/" not in entry.path[len(prefix) :]]
    manifests = [path for path in top if layout.suffix(path) in SUFFIXES]
    if len(manifests) != 1:
        return "imagefolder", root, ""
    path, format_ = manifests[0], SUFFIXES[layout.suffix(manifests[0])]
    if not manifest.names_images(source, path, format_, columns):
        return "imagefolder", root, ""
    in_classes = _in_classes(source, root)
    if not in_classes:
        return format_, path, ""
    named = len(in_classes & manifest.paths(source, path, format_, columns, home=files_root))
    said = f"{path} names {named:,} of {len(in_classes):,} images in class folders"
    if 2 * named < len(in_classes):
        return "imagefolder", root, f"{said} and was not read: as `dataset.path` it is the dataset"
    left_out = f"{said}: `--format imagefolder` judges the folders instead"
    return format_, path, left_out if named < len(in_classes) else ""


def only_manifest(source: Source, root: str, wanted: str) -> str | None:
    """The one file of that format directly in a folder."""
    found = [
        entry.path
        for entry in source.entries(root)
        if posixpath.dirname(entry.path) == _prefix(root).rstrip("/")
        and SUFFIXES.get(layout.suffix(entry.path)) == wanted
    ]
    return found[0] if len(found) == 1 else None


def _in_classes(source: Source, root: str) -> set[str]:
    """Images in class folders, of which there are two at least; empty for any other folder."""
    prefix = _prefix(root)
    folders = [folder[len(prefix) :] for folder in source.folders(root)]
    images = {
        entry.path: entry.path[len(prefix) :].rpartition("/")[0]
        for entry in source.entries(root)
        if layout.suffix(entry.path) in layout.KERAS | layout.TORCHVISION
    }
    found = plan(set(images.values()), folders)
    labels = {folder: place(found, folder).label for folder in set(images.values())}
    classes = {label for label in labels.values() if label is not None and not label.startswith(".")}
    return {path for path, folder in images.items() if labels[folder] in classes} if len(classes) > 1 else set()


def _prefix(root: str) -> str:
    return "" if root in ("", ".") else root.rstrip("/") + "/"
