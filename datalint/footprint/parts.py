"""Table `parts`: what trains and what validates once the recipe's loader has cut off `validation_split`.

Each loader rounds and cuts in its own way, so no rule works it out by itself.
"""

from __future__ import annotations

import math
from collections import Counter
from itertools import chain, compress, repeat
from typing import TYPE_CHECKING

from datalint.tables import TABLES, Data

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from datalint.footprint.recipe import Recipe

_DIRECTORY, _GENERATOR, _ARRAY = "image_dataset_from_directory", "generator", "array"


def cut(loader: str, n: int, share: float) -> tuple[int, int]:
    """How many of `n` samples train and how many validate.

    By array_slicing.train_validation_split (fit), dataset_utils.get_training_or_validation_split (a directory) and
    the iterators of ImageDataGenerator in Keras 3; `fit` raises ValueError where either number is 0.
    """
    held = int(share * n)
    if loader == _ARRAY:
        held = n - math.floor(n * (1.0 - share))
    elif loader == _DIRECTORY and not held:
        # `samples[:-0]` is nothing, and `samples[-0:]` is everything.
        return 0, n
    return n - held, held


def exact(loader: str, n: int, share: float) -> bool:
    """Whether nobody cuts otherwise: the user's own code may round up or down, where there is something to round."""
    return loader in (_ARRAY, _DIRECTORY, _GENERATOR) or cut(loader, n, share) == cut(_ARRAY, n, share)


def table(samples: Data, recipe: Recipe, *, folder: bool) -> Data:
    """A row for each part, split and class. `folder`: the samples are those of a folder, read class by class."""
    columns = samples.columns
    splits, labels = columns["split"], columns["label"]
    rows: list[tuple[object, ...]] = []
    share = recipe.validation_split
    for (split, label), n in Counter(zip(splits, labels, strict=True)).items():
        if share is None or split not in (None, "train"):
            rows.append((split or "train", split, label, n, True, False))
    if share is not None:
        for split in dict.fromkeys(split for split in splits if split in (None, "train")):
            chosen = [item == split for item in splits]
            named = _in_order(columns, chosen, by_class=folder)
            certain = exact(recipe.loader, len(named), share)
            for part, counts in _parts(recipe, named, share, folder=folder).items():
                rows += [(part, split, label, n, certain, True) for label, n in counts.items()]
    names = [column.name for column in TABLES["parts"].columns]
    return Data({name: [row[index] for row in rows] for index, name in enumerate(names)})


def _in_order(columns: Mapping[str, Sequence[object]], chosen: Iterable[bool], *, by_class: bool) -> list[object]:
    """Labels as the loader lists them: paths in their order would put `cat-big/1.jpg` before `cat/1.jpg`."""
    labels = compress(columns["label"], chosen)
    if not by_class:
        return list(labels)
    classes = sorted(Counter(labels).items(), key=lambda item: "" if item[0] is None else str(item[0]))
    return list(chain.from_iterable(repeat(label, n) for label, n in classes))


def _parts(recipe: Recipe, labels: Sequence[object], share: float, *, folder: bool) -> dict[str, Mapping[object, int]]:
    """Part -> class -> samples; the class is None where chance or the user's own code decides."""
    classes = Counter(labels)
    if recipe.loader == _GENERATOR and folder:
        numbers = {label: cut(_GENERATOR, n, share) for label, n in classes.items()}
        return {
            "train": {label: trained for label, (trained, _) in numbers.items()},
            "val": {label: held for label, (_, held) in numbers.items()},
        }
    trained, held = cut(recipe.loader, len(labels), share)
    if not _by_position(recipe):
        return {"train": {None: trained}, "val": {None: held}}
    # flow_from_dataframe validates on the first rows, everybody else on the last ones.
    start = held if recipe.loader == _GENERATOR else 0
    first = Counter(labels[start : start + trained])
    return {
        "train": {label: first[label] for label in classes},
        "val": {label: n - first[label] for label, n in classes.items()},
    }


def _by_position(recipe: Recipe) -> bool:
    """Whether the order of the samples decides; a directory is shuffled before the cut unless `shuffle=False`."""
    return recipe.loader in (_ARRAY, _GENERATOR, "from_tensor_slices") or (
        recipe.loader == _DIRECTORY and recipe.shuffle is False
    )
