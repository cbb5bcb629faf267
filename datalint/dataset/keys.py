"""Which keys of `dataset:` each format uses; what a configuration says beside them is refused and never ignored."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from datalint.dataset.formats import LAYOUTS
from datalint.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from datalint.dataset.options import Options

_NAMES = ("splits", "group")
_COLUMNS = ("columns.label", "columns.split", "columns.group")
_TABLE = ("columns.path", *_COLUMNS, "root", "suffix", *_NAMES)
USED: Mapping[str, tuple[str, ...]] = {
    "imagefolder": _NAMES,
    "csv": _TABLE,
    "tsv": _TABLE,
    "jsonl": _TABLE,
    "parquet": _TABLE,
    # `datasets` takes paths from columns with fixed names, and from the folder of the metadata on.
    "hf-imagefolder": (*_COLUMNS, *_NAMES),
    "hf-parquet": (*_COLUMNS, *_NAMES),
    "tfrecord": ("columns.image", *_COLUMNS, *_NAMES),
    "webdataset": ("columns.path", *_COLUMNS, *_NAMES),
    "voc": _NAMES,
    "cvat": _NAMES,
    "coco": ("root", "suffix", *_NAMES),
    "dota": _NAMES,
    "yolo": _NAMES,
    "labelme": _NAMES,
    "masks": _NAMES,
    "croissant": (),
}
"""Format -> keys; `path` and `format` are about which files are read, and every format has them."""
_NAMED = 8
"""Folders that a hint lists."""


def fitting(name: str, options: Options, place: str) -> Options:
    """What the format uses of them: the rest is left out, or a UsageError where they are `strict`.

    `place` is the dataset's own.
    """
    for key in unused(name, options) if options.strict else ():
        uses = USED[name]
        told = f"it uses {', '.join(uses)}; " if uses else ""
        raise UsageError(
            f"dataset.{key} is not used: {place} was read as {described(name)}",
            hint=f"{told}leave the key out, or say in dataset.path or dataset.format what is meant",
            keys=("dataset", *key.split(".")),
        )
    used = USED[name]
    if options.splits == {} and "split" in options.columns:
        words = "dataset.columns.split is not used: `splits: {}` says that there are no splits"
        raise UsageError(words, hint="leave one of both out", keys=("dataset", "columns", "split"))
    return replace(
        options,
        columns={part: column for part, column in options.columns.items() if f"columns.{part}" in used},
        files_root=options.files_root if "root" in used else None,
        suffix=options.suffix if "suffix" in used else "",
        splits=options.splits if "splits" in used else None,
        group=options.group if "group" in used else None,
    )


def unused(name: str, options: Options) -> list[str]:
    """Keys that are said and that the format does not use, such as `columns.label`; `splits: {}` is said too."""
    said = [f"columns.{part}" for part in options.columns]
    said += ["root"] if options.files_root is not None else []
    said += ["suffix"] if options.suffix else []
    said += ["splits"] if options.splits is not None else []
    said += ["group"] if options.group is not None else []
    return [key for key in said if key not in USED[name]]


def described(name: str) -> str:
    """What people call a format, and its own name."""
    if name == "imagefolder":
        return "a folder of images (imagefolder)"
    return f"{LAYOUTS[name]} ({name})" if name in LAYOUTS else f"a table ({name})"


def check_splits(declared: Mapping[str, str] | None, used: Collection[str], there: Iterable[str], what: str) -> None:
    """UsageError for a declared split that nothing is of: a slip of the pen would leave its rules silent.

    `used` are the names that something is of, `there` those that might be meant.
    """
    for name, split in (declared or {}).items():
        if name not in used:
            known = sorted(set(there))
            more = f" and {len(known) - _NAMED} more" if len(known) > _NAMED else ""
            raise UsageError(
                f"dataset.splits.{split}: no {what} {name!r}",
                hint=f"there are: {', '.join(known[:_NAMED])}{more}" if known else "",
                keys=("dataset", "splits", split),
            )
