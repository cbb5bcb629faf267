"""What every format module returns: files, and the tables that describe how they are used."""

from __future__ import annotations

import posixpath
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from datalint.entry import display
from datalint.tables import TABLES, Data

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from datalint.dataset.masks.classes import Classes
    from datalint.entry import Entry


@dataclass(frozen=True, slots=True)
class Dataset:
    """`files[n]` is the file with `file_id` n; one that does not exist has kind `missing`."""

    name: str
    format: str
    root: str
    manifest: str | None
    files: Sequence[Entry]
    samples: Data
    classes: Data
    folders: Data
    skipped: Data
    problems: Data
    annotations: Data = field(default_factory=lambda: Rows("annotations").data())
    """Boxes, polygons and masks, in pixels or, where `normalised`, in fractions of the image."""
    shards: Data = field(default_factory=lambda: Rows("shards").data())
    masks: Sequence[Entry] = ()
    """Files of segmentation masks, in the order of `mask_rows`."""
    mask_rows: Data = field(default_factory=lambda: Rows("masks").data())
    mask_classes: Classes | None = None
    """What the numbers or colours in masks mean, where a list says it."""
    task: str = "classification"
    """classification, detection or segmentation."""
    assumptions: tuple[str, ...] = ()
    group_column: str | None = None
    """The manifest's column of groups."""
    group_pattern: str | None = None
    """What took groups from paths, as `dataset.group` is written."""
    group_guessed: bool = False
    """Nobody declared that column or pattern: names alone say it."""
    leads_out: bool = False
    """A description names paths that may lie outside of the root."""

    @property
    def n_splits(self) -> int:
        return len({split for split in self.samples.columns["split"] if split is not None})

    @property
    def n_classes(self) -> int:
        table, column = (self.samples, "label") if self.task == "classification" else (self.classes, "name")
        return len({label for label in table.columns[column] if label is not None})

    @property
    def manifests(self) -> dict[str, str]:
        """Path of an image -> the manifest that names it; empty where one names them all, or none does."""
        columns = self.samples.columns
        if self.manifest is not None:
            return {}
        named = zip(columns["path"], columns["manifest"], strict=True)
        return {str(path): str(manifest) for path, manifest in named if manifest is not None}

    def tables(self, *, source: str) -> dict[str, Data]:
        """Every table that the dataset fills by itself, by name; `annotations` wait for the sizes of images."""
        about = Data(
            {
                "name": [self.name],
                "format": [self.format],
                "task": [self.task],
                "root": [self.root],
                "manifest": [self.manifest],
                "source": [source],
                "n_samples": [len(self.samples)],
                "group_column": [self.group_column],
                "group_pattern": [self.group_pattern],
                "group_guessed": [self.group_guessed],
            }
        )
        return {
            "dataset": about,
            "samples": self.samples,
            "classes": self.classes,
            "folders": self.folders,
            "skipped": self.skipped,
            "problems": self.problems,
            "shards": self.shards,
        }


@dataclass(slots=True)
class Rows:
    """Collects rows of one table, column by column."""

    table: str
    extra: tuple[str, ...] = ()
    columns: dict[str, list[object]] = field(init=False)

    def __post_init__(self) -> None:
        names = [column.name for column in TABLES[self.table].columns]
        self.columns = {name: [] for name in (*names, *self.extra)}

    def add(self, **values: object) -> None:
        """One row; columns that are not given are NULL."""
        for name, column in self.columns.items():
            column.append(values.get(name))
        if not values.keys() <= self.columns.keys():
            raise AssertionError(f"no columns {sorted(values.keys() - self.columns.keys())} in {self.table}")

    def extend(self, count: int, **values: Sequence[object]) -> None:
        """So many rows, column by column; columns that are not given are NULL."""
        for name, column in self.columns.items():
            column.extend(values[name] if name in values else [None] * count)
        if not values.keys() <= self.columns.keys() or any(len(column) != count for column in values.values()):
            raise AssertionError(f"{count} rows of {self.table} from {sorted(values)}")

    def data(self) -> Data:
        return Data(self.columns, self.extra)


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong in a line of an annotation file; `kind` as in the table `problems`."""

    kind: str
    line: int
    detail: str


def name_of(root: str, base: str) -> str:
    """What people call the dataset: the last part of its root, or of the folder that holds it."""
    return display(posixpath.basename(root.rstrip("/")) if root not in ("", ".") else posixpath.basename(base))


def odd_entries(entries: Sequence[Entry], problems: Rows) -> None:
    """Links, folders and devices that could not be listed become problems."""
    details: Mapping[str, tuple[str, str]] = {
        "broken-link": ("broken-link", "symbolic link to nothing"),
        "link-loop": ("link-loop", "symbolic link that leads back to itself or to a folder above it"),
        "unreadable-folder": ("unreadable-folder", "folder that may not be listed"),
        "special": ("not-a-file", "neither a file nor a folder"),
        "submodule": ("submodule", "a submodule, of which git has the commit alone"),
        "missing": ("missing-file", "vanished while it was listed"),
    }
    for entry in entries:
        if entry.kind in details:
            kind, detail = details[entry.kind]
            problems.add(kind=kind, path=display(entry.path), detail=detail)
