"""Folder, manifest or shards -> samples. A format is one module, listed in `formats`."""

from __future__ import annotations

import posixpath
from dataclasses import replace
from typing import TYPE_CHECKING

from datalint.dataset import formats, groups, imagefolder, keys, layout, manifest, split_tables
from datalint.dataset.detect import detect, only_manifest
from datalint.dataset.inside import Inside, dataset_below
from datalint.dataset.look import clearly_inside, described_by, format_of, layout_of
from datalint.dataset.model import Dataset
from datalint.dataset.options import Options
from datalint.dataset.table_files import SUFFIXES
from datalint.dataset.tracked import tracked
from datalint.dataset.unread import unread
from datalint.entry import display
from datalint.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from datalint.dataset.options import Memory
    from datalint.source import Source

_FILES = (
    "a table (.csv, .tsv, .jsonl, .parquet), a shard of TFRecord or WebDataset, the annotations of COCO, CVAT or "
    "LabelMe, data.yaml of YOLO"
)

__all__ = ["Dataset", "Inside", "clearly_inside", "described_by", "detect", "format_of", "read"]


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
    group: str | None = None,
    memory: Memory | None = None,
    strict: bool = True,
) -> Dataset:
    """The dataset at `root`, a folder, a manifest or a shard.

    Raises UsageError for a format that does not exist and, where it is `strict`, for an option that the format does not
    use, UnfinishedError for a format that is only recognised.
    """
    options = Options(framework, loader, columns or {}, files_root, splits, suffix or "", group, memory, strict)
    found = groups.by_name(_read(source, root, format, options), group)
    problems = list(tracked(source, root, found, files_root))
    return replace(found, problems=found.problems.extended(problems)) if problems else found


def _read(source: Source, root: str, format: str | None, options: Options) -> Dataset:  # noqa: A002
    name, why = format or layout_of(source, root), ""
    path = root
    if name is None:
        name, path, why = detect(
            source, root, columns=options.columns, files_root=options.files_root, splits=options.splits
        )
    if name in keys.USED:
        options = keys.fitting(name, options, display(path))
    if name in formats.LAYOUTS and formats.is_read(name):
        return formats.load(name).read(source, root, options)
    if name not in formats.PLAIN:
        raise UsageError(f"unknown dataset format {name!r}: one of {', '.join(formats.readable())}")
    if name == "imagefolder":
        found, below = _folder(source, path, options)
        return _noted(found, below or why)
    tables = [manifest.Table(path)]
    if layout.suffix(path) not in SUFFIXES and source.read(path, limit=1) is None:
        tables = _tables(source, path, name, options)
        why = split_tables.note(tables) if len(tables) > 1 else why
    found = manifest.read(
        source,
        tables=tables,
        root=posixpath.dirname(tables[0].path) if len(tables) == 1 else path,
        format=name,
        columns=options.columns,
        files_root=options.files_root,
        # What the folders say is no column.
        splits=options.splits if tables[0].split is None else {},
        suffix=options.suffix,
        grouped=options.group is not None,
    )
    return _noted(found, why)


def _tables(source: Source, root: str, wanted: str, options: Options) -> list[manifest.Table]:
    """Those of a folder, of that format; raises UsageError where there is none, and for several that are no splits."""
    found = split_tables.found(source, root, columns=options.columns, splits=options.splits, home=options.files_root)
    if found and SUFFIXES[layout.suffix(found[0].path)] == wanted:
        return found
    return [manifest.Table(only_manifest(source, root, wanted))]


def _folder(source: Source, root: str, options: Options) -> tuple[Dataset, str]:
    """Folders of classes, and where they lie if not there."""
    if source.read(root, limit=1) is not None:
        raise _not_a_folder(root)
    reader = layout.reader(options.framework, options.loader)
    found = imagefolder.read(source, root=root, reader=reader, splits=options.splits)
    tables = [
        {"kind": kind, "path": display(table), "detail": display(detail)}
        for kind, table, detail in unread(source, root)
    ]
    found = replace(found, problems=found.problems.extended(tables))
    below = dataset_below(source, root) if found.n_classes <= 1 else None
    if below is None:
        return found, ""
    return found, f"the class folders lie in {below}: `datalint check {below}`, or `dataset.path`, judges those"


def _not_a_folder(root: str) -> UsageError:
    """Why a file is no folder of classes, in words for what it is."""
    suffix = layout.suffix(root)
    if suffix in SUFFIXES:
        return UsageError(f"{root} is a file, not a folder: its format is {SUFFIXES[suffix]}")
    hint = f"name the folder that holds it: {display(posixpath.dirname(root)) or '.'}"
    if suffix in layout.IMAGE_LIKE:
        return UsageError(f"{root} is a file, not a folder: one image is no dataset", hint=hint)
    return UsageError(f"{root} is a file, not a folder, and none of those that are a dataset: {_FILES}", hint=hint)


def _noted(found: Dataset, why: str) -> Dataset:
    return replace(found, assumptions=(*found.assumptions, why)) if why else found
