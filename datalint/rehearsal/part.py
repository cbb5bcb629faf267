"""The slice of a dataset that is rehearsed, with its files where a loader finds them."""

from __future__ import annotations

import os
import posixpath
from dataclasses import dataclass
from itertools import compress
from typing import TYPE_CHECKING, cast

from datalint.entry import display
from datalint.footprint.images import images_of
from datalint.tables import Data

if TYPE_CHECKING:
    from collections.abc import Sequence

    from datalint.check import Evidence
    from datalint.footprint.images import Images
    from datalint.footprint.recipe import Recipe
    from datalint.workspace import Workspace


@dataclass(frozen=True, slots=True)
class Sample:
    """Numbers of a row in `samples` and in `files`, and what the child is told."""

    row: int
    file: int
    place: str
    path: str
    label: int
    validates: bool


def passed_over(evidence: Evidence) -> dict[int, str]:
    """Files that are not asked for, and why: nothing is fetched, and a decompression bomb is not set off."""
    reasons = {"remote": "a URL", "oversized": "larger than datalint decodes"}
    status = evidence.tables["files"].columns["status"]
    return {number: reasons[str(found)] for number, found in enumerate(status) if found in reasons}


def drawn(workspace: Workspace, evidence: Evidence, samples: int, scratch: str) -> list[Sample]:
    """Samples at equal distances in the dataset, in its order, with the shares of what trains and what validates."""
    columns = evidence.dataset.samples.columns
    entries = evidence.dataset.files
    splits, numbers = columns["split"], cast("list[int]", columns["file_id"])
    left_out = passed_over(evidence)
    usable = [number not in left_out for number in numbers]
    parts = {
        True: [row for row in compress(range(len(splits)), usable) if splits[row] == "val"],
        False: [row for row in compress(range(len(splits)), usable) if splits[row] not in ("val", "test")],
    }
    loaded = sum(map(len, parts.values()))
    wanted = min(samples, loaded)
    validated = wanted * len(parts[True]) // loaded if loaded else 0
    labels = {label: index for index, label in enumerate(sorted({str(label) for label in columns["label"]}))}
    chosen = []
    for validates, rows in parts.items():
        count = validated if validates else wanted - validated
        for index in range(count):
            row = rows[index * len(rows) // count]
            entry = entries[numbers[row]]
            chosen.append(
                Sample(
                    row=row,
                    file=numbers[row],
                    place=place(workspace, entry.path, os.path.join(scratch, f"file-{row}")),
                    path=display(entry.path),
                    label=labels[str(columns["label"][row])],
                    validates=validates,
                )
            )
    return sorted(chosen, key=lambda sample: sample.row)


def place(workspace: Workspace, path: str, spare: str) -> str:
    """Where on disk the file's content lies; git's goes to `spare`, with the suffix that loaders look at."""
    source = workspace.source
    if there := source.place(path):
        return there
    content = source.read(path) if source.name != "worktree" else None
    if content is None:
        # Whoever reads it says what is wrong with it.
        return os.path.join(source.base, path)
    spare += posixpath.splitext(path)[1]
    with open(spare, "wb") as file:
        file.write(content)
    return spare


def described(evidence: Evidence, samples: Sequence[Sample], recipe: Recipe) -> Images:
    """The slice as the footprint wants to know it."""
    parts = []
    for data, numbers in (
        (evidence.dataset.samples, [sample.row for sample in samples]),
        (evidence.tables["files"], list(dict.fromkeys(sample.file for sample in samples))),
    ):
        parts.append(Data({name: [column[number] for number in numbers] for name, column in data.columns.items()}))
    return images_of(parts[0], parts[1], channels=recipe.input_channels)
