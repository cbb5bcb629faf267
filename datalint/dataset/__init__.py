"""Manifest or folder -> samples. A format is one module, listed here."""

from __future__ import annotations

import os
import posixpath
from dataclasses import replace
from typing import TYPE_CHECKING

from datalint.dataset import foreign, imagefolder, layout, manifest
from datalint.dataset.detect import SUFFIXES, detect, only_manifest
from datalint.dataset.inside import dataset_below
from datalint.dataset.model import Dataset
from datalint.dataset.unread import unread
from datalint.entry import display
from datalint.errors import UnfinishedError, UsageError
from datalint.source.lfs import POINTER

if TYPE_CHECKING:
    from collections.abc import Mapping

    from datalint.source import Source

__all__ = ["FORMATS", "Dataset", "detect", "read"]

FORMATS = ("imagefolder", "csv", "tsv", "jsonl", "parquet")


def read(
    source: Source,
    *,
    root: str,
    format: str | None = None,  # noqa: A002 - the user's word
    framework: str = "keras",
    loader: str = "image_dataset_from_directory",
    columns: Mapping[str, str] | None = None,
    files_root: str | None = None,
    splits: Mapping[str, str] | None = None,
    suffix: str | None = None,
) -> Dataset:
    """The dataset at `root`, a folder or a manifest.

    Raises UsageError for a format that does not exist, UnfinishedError for one that is only recognised.
    """
    name, path, why = format or "", root, ""
    if format is None:
        name, path, why = detect(source, root, columns=columns or {}, files_root=files_root)
    if format is None and name == "imagefolder":
        _refuse_foreign(source, path)
    if name not in FORMATS:
        raise UsageError(f"unknown dataset format {name!r}: one of {', '.join(FORMATS)}")
    if name == "imagefolder":
        if os.path.isfile(os.path.join(source.base, path)) and source.name == "worktree":
            raise UsageError(f"{path} is a file, not a folder: it is one of {', '.join(FORMATS[1:])}")
        found = imagefolder.read(source, root=path, reader=layout.reader(framework, loader), splits=splits)
        tables = [
            {"kind": "unread-manifest", "path": display(table), "detail": display(detail)}
            for table, detail in unread(source, path)
        ]
        found = replace(found, problems=found.problems.extended(tables))
        below = dataset_below(source, path) if found.n_classes <= 1 else None
        if below is not None:
            why = f"the class folders lie in {below}: `datalint check {below}`, or `dataset.path`, judges those"
        return _noted(found, why)
    if format is not None and layout.suffix(path) not in SUFFIXES:
        path = only_manifest(source, path, format) or path
    found = manifest.read(
        source,
        path=path,
        format=name,
        columns=columns or {},
        files_root=files_root,
        splits=splits,
        suffix=suffix or "",
    )
    return _noted(found, why)


def _noted(found: Dataset, why: str) -> Dataset:
    return replace(found, assumptions=(*found.assumptions, why)) if why else found


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
