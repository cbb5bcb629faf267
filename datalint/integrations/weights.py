"""Class weights for `model.fit(class_weight=...)`, counted from the dataset or from labels."""

from __future__ import annotations

import operator
import os
import warnings
from collections import Counter
from typing import TYPE_CHECKING, Literal, get_args

from datalint.integrations.samples import TRAIN, samples_of
from datalint.listed import listed
from datalint.report.words import count
from datalint.request import Request
from datalint.workspace import open_workspace

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from datalint.integrations.samples import Part

Method = Literal["balanced", "inverse"]


def class_weight(
    path_or_labels: str | os.PathLike[str] | Iterable[int] | None = None,
    method: Method = "balanced",
    split: str = TRAIN,
    *,
    config: str | os.PathLike[str] | None = None,
    format: str | None = None,  # noqa: A002 - the user's word
) -> dict[int, float]:
    """Class index -> weight of each of its samples in the loss, for every class from 0.

    With n samples, k classes and c samples of the class:

    - `balanced`: n / (k c), the formula of scikit-learn's `compute_class_weight("balanced")` (after King and Zeng,
      Logistic Regression in Rare Events Data, 2001). The weights of all samples have the mean 1.
    - `inverse`: n / c, k times as much: the loss grows, and so do the steps of an optimizer like SGD.

    `path_or_labels` is a dataset, found and configured as by `datalint check PATH` in the working directory (None:
    the one that the configuration names), or the labels themselves, shape (n,), whole numbers from 0. Of a dataset
    the samples of `split` are counted as the loader of the recipe lists them. No image is opened: a damaged file
    counts as one sample of its class.

    ValueError for a class without a sample, which would weigh infinitely, for a split without samples, for samples
    without a class and for labels that are no whole numbers from 0. DatalintError where there is no dataset. With
    `training.validation_split` a UserWarning says whose part was counted.
    """
    if method not in get_args(Method):
        raise ValueError(f"method {method!r} is neither {' nor '.join(map(repr, get_args(Method)))}")
    if path_or_labels is None or isinstance(path_or_labels, str | os.PathLike):
        part = _part(path_or_labels, split, config, format)
        labels, names, place = part.labels, part.class_names, repr(part.split)
    else:
        labels, names, place = _whole(path_or_labels), None, "the labels"
    counts = Counter(labels)
    classes = max(labels) + 1 if names is None else len(names)
    if len(counts) < classes:
        # Labels may be any numbers: the classes of the largest are not listed to find those that lack.
        empty = next(index for index in range(classes) if index not in counts)
        name = f"class {empty}" if names is None else f"class {names[empty]!r} (index {empty})"
        more = classes - len(counts) - 1
        others = f", and neither {'has' if more == 1 else 'have'} {count(more, 'other', 'others')}" if more else ""
        raise ValueError(f"{name} has no sample in {place}, so it has no weight{others}")
    shares = classes if method == "balanced" else 1
    return {index: len(labels) / (shares * counts[index]) for index in range(classes)}


def _part(
    path: str | os.PathLike[str] | None,
    split: str,
    config: str | os.PathLike[str] | None,
    format_: str | None,
) -> Part:
    request = Request(
        path=None if path is None else os.fspath(path),
        config=None if config is None else os.fspath(config),
        format=format_,
    )
    workspace = open_workspace(request)
    recipe = workspace.config.training
    part = samples_of(listed(workspace, request), recipe, split)
    if recipe.validation_split is not None and part.split == TRAIN:
        message = (
            f"training.validation_split is {recipe.validation_split}: counted is the part on which "
            "datalint's input_pipeline trains; another loader draws another one"
        )
        warnings.warn(message, stacklevel=3)
    return part


def _whole(labels: Iterable[int]) -> Sequence[int]:
    try:
        found = [operator.index(label) for label in labels]
    except TypeError as error:
        raise ValueError(f"labels must be whole numbers in one dimension: {error}") from error
    if not found:
        raise ValueError("no labels: nothing to weigh")
    if min(found) < 0:
        raise ValueError(f"label {min(found)} is below 0")
    return found
