"""The samples of one split with their class indices, as a training script needs them."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from datalint.dataset import layout
from datalint.dataset.splits import split_name
from datalint.dataset.table_files import SUFFIXES
from datalint.report.words import count

if TYPE_CHECKING:
    from collections.abc import Sequence

    from datalint.dataset import Dataset
    from datalint.footprint.recipe import Recipe

TRAIN, VAL = "train", "val"
_MOST_CLASSES = 1_000_000


@dataclass(frozen=True, slots=True)
class Part:
    """Samples of one split in the order in which datalint lists them: file ids, class indices, class names."""

    split: str
    files: Sequence[int]
    labels: Sequence[int]
    class_names: Sequence[str]
    """By index; also of classes without a sample here."""


def samples_of(found: Dataset, recipe: Recipe, split: str) -> Part:
    """The samples of a split; a dataset without splits is all `train`, unless `validation_split` cuts off a `val`.

    ValueError without any sample, for a sample without a class, and where the split numbers its classes in another
    way than `train` does.
    """
    if recipe.framework != "keras":
        raise ValueError(f"training.framework is {recipe.framework}: Keras would number and read the dataset otherwise")
    split = split_name(split)
    rows = _rows(found, recipe, split)
    if not rows:
        there = sorted({str(each or TRAIN) for each in found.samples.columns["split"]})
        raise ValueError(f"no samples in split {split!r} (there are: {', '.join(there) or 'none'})")
    labels = [found.samples.columns["label_index"][row] for row in rows]
    if None in labels:
        path = found.samples.columns["path"][rows[labels.index(None)]]
        raise ValueError(f"{count(labels.count(None), 'sample')} of {split!r} without a class (first: {path})")
    files = cast("list[int]", found.samples.columns["file_id"])
    names = _class_names(found, recipe, split)
    return Part(split, [files[row] for row in rows], cast("list[int]", labels), names)


def _rows(found: Dataset, recipe: Recipe, split: str) -> list[int]:
    splits = found.samples.columns["split"]
    share = recipe.validation_split
    rows = [row for row, each in enumerate(splits) if (each or TRAIN) == split]
    if share is None or split not in (TRAIN, VAL):
        return rows
    if split == VAL and rows:
        raise ValueError(f"training.validation_split is {share}, and there is a split {VAL!r} already")
    loaded = [row for row, each in enumerate(splits) if (each or TRAIN) == TRAIN]
    # Always the same draw, whatever else is seeded: no sample may ever be on both sides.
    held = set(random.Random(0).sample(loaded, int(share * len(loaded))))  # noqa: S311
    return [row for row in loaded if (row in held) is (split == VAL)]


def _class_names(found: Dataset, recipe: Recipe, split: str) -> list[str]:
    """By index. A folder is numbered split by split, a manifest and records over all of their splits."""
    if found.format == "tfrecord":
        return _recorded(found)
    is_table = found.format in SUFFIXES.values()
    reader = "manifest" if is_table else layout.reader(recipe.framework, recipe.loader)
    columns = found.classes.columns
    by_split: dict[str, dict[int, str]] = {}
    rows = zip(columns["loader"], columns["split"], columns["index"], columns["name"], strict=True)
    for loader, each, index, name in rows:
        if loader == reader and index is None:
            raise ValueError(f"class {name!r} has no index that lasts: timm gives it another one in every run")
        if loader == reader:
            place = split if is_table else str(each or TRAIN)
            by_split.setdefault(place, {})[cast("int", index)] = str(name)
    names = _ordered(by_split.get(split) or by_split[TRAIN])
    trained = _ordered(by_split.get(TRAIN, by_split.get(split, {})))
    for index, name in enumerate(names):
        if trained[index : index + 1] != [name]:
            there = f"index {trained.index(name)}" if name in trained else "not there"
            raise ValueError(
                f"class {name!r} is index {index} in {split!r} and {there} in {TRAIN!r}: give both the same folders"
            )
    return names


def _recorded(found: Dataset) -> list[str]:
    """Numbers that are written in records keep their place: one that no record has is called by its number."""
    columns = found.classes.columns
    names = dict(zip(cast("list[int]", columns["index"]), map(str, columns["name"]), strict=True))
    if min(names, default=0) < 0 or max(names, default=0) >= _MOST_CLASSES:
        raise ValueError(f"labels from {min(names)} to {max(names)} are no numbers of classes")
    return [names.get(index, str(index)) for index in range(max(names, default=-1) + 1)]


def _ordered(names: dict[int, str]) -> list[str]:
    return [names[index] for index in sorted(names)]
