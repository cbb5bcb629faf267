"""Manifest or folder -> samples. A format is one module, listed here."""

from __future__ import annotations

import os
import posixpath
from typing import TYPE_CHECKING

from datalint.dataset import foreign, imagefolder, layout, manifest
from datalint.dataset.model import Dataset
from datalint.errors import UnfinishedError, UsageError
from datalint.source.lfs import POINTER

if TYPE_CHECKING:
    from collections.abc import Mapping

    from datalint.source import Source

__all__ = ["FORMATS", "Dataset", "detect", "read"]

FORMATS = ("imagefolder", "csv", "tsv", "jsonl", "parquet")
_SUFFIXES = {".csv": "csv", ".tsv": "tsv", ".jsonl": "jsonl", ".ndjson": "jsonl", ".parquet": "parquet"}


def read(
    source: Source,
    *,
    root: str,
    format: str | None = None,  # noqa: A002 - the user's word
    framework: str | None = None,
    loader: str | None = None,
    columns: Mapping[str, str] | None = None,
    files_root: str | None = None,
) -> Dataset:
    """The dataset at `root`, a folder or a manifest.

    Raises UsageError for a format that does not exist, UnfinishedError for one that is only recognised.
    """
    name, path = detect(source, root, columns=columns or {}) if format is None else (format, root)
    if format is None and name == "imagefolder":
        _refuse_foreign(source, path)
    if name not in FORMATS:
        raise UsageError(f"unknown dataset format {name!r}: one of {', '.join(FORMATS)}")
    if name == "imagefolder":
        if os.path.isfile(os.path.join(source.base, path)) and source.name == "worktree":
            raise UsageError(f"{path} is a file, not a folder: it is one of {', '.join(FORMATS[1:])}")
        return imagefolder.read(source, root=path, reader=layout.reader(framework, loader))
    if format is not None and layout.suffix(path) not in _SUFFIXES:
        path = _only_manifest(source, path, format) or path
    return manifest.read(source, path=path, format=name, columns=columns or {}, files_root=files_root)


def _refuse_foreign(source: Source, root: str) -> None:
    prefix = 0 if root in ("", ".") else len(root.rstrip("/")) + 1
    files = [entry.path[prefix:] for entry in source.entries(root)]
    found = foreign.recognise(files, {path[prefix:] for path in source.folders(root)})
    shard = foreign.packed(files)
    if found is None or (shard is not None and _is_pointer(source, posixpath.join(root, shard[1]))):
        # What git-lfs has not fetched is judged as such.
        return
    raise UnfinishedError(
        f"{root} looks like {found}, which this version does not read: nothing was judged; "
        "--format imagefolder judges it as folders of classes"
    )


def _is_pointer(source: Source, path: str) -> bool:
    return source.read(path, limit=len(POINTER)) == POINTER


def detect(source: Source, root: str, *, columns: Mapping[str, str]) -> tuple[str, str]:
    """Format and path: a file by its suffix; a folder with one manifest and no class folders is that manifest."""
    suffix = layout.suffix(root)
    if suffix in _SUFFIXES and source.read(root) is not None:
        return _SUFFIXES[suffix], root
    prefix = "" if root in ("", ".") else root.rstrip("/") + "/"
    top = [entry.path for entry in source.entries(root) if "/" not in entry.path[len(prefix) :]]
    manifests = [path for path in top if layout.suffix(path) in _SUFFIXES]
    if len(manifests) == 1:
        format = _SUFFIXES[layout.suffix(manifests[0])]  # noqa: A001 - the user's word
        if manifest.names_images(source, manifests[0], format, columns):
            return format, manifests[0]
    return "imagefolder", root


def _only_manifest(source: Source, root: str, wanted: str) -> str | None:
    """The one file of that format directly in a folder."""
    prefix = "" if root in ("", ".") else root.rstrip("/") + "/"
    found = [
        entry.path
        for entry in source.entries(root)
        if posixpath.dirname(entry.path) == prefix.rstrip("/") and _SUFFIXES.get(layout.suffix(entry.path)) == wanted
    ]
    return found[0] if len(found) == 1 else None
