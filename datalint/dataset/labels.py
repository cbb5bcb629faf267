"""Labels of a manifest -> classes, told apart as pandas.read_csv tells them: the words for NaN, numbers, truths."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from typing import TYPE_CHECKING

from datalint.dataset.model import Rows

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    Number = int | float

# What pandas.read_csv takes for NaN unless it is told not to (`na_values` in its documentation): the words that mean
# nothing else, and those that may be the name of a class.
NAN = frozenset(
    {"nan", "NaN", "-nan", "-NaN", "<NA>", "#N/A", "#N/A N/A", "#NA", "-1.#IND", "1.#IND", "-1.#QNAN", "1.#QNAN"}
)
LOST = frozenset({"NA", "N/A", "n/a", "NULL", "null", "None"})

_INTEGER = re.compile(r"\s*[-+]?[0-9]+\s*")
_FLOAT = re.compile(
    r"\s*[-+]?(?:(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]+)?|inf|infinity)\s*", re.ASCII | re.IGNORECASE
)
# What 64 bits cannot hold makes pandas keep the column as text.
_DIGITS = 18
_TRUTH = {"true": 1, "false": 0}


def classes(samples: Rows, *, inferred: bool) -> Rows:
    """The table `classes`; gives `samples` its label_index. `inferred`: a text that pandas reads, numbers as numbers.

    Keras and pandas number the labels of a column in sorted order, over all splits alike.
    """
    labels: list[str | None] = [None if label is None else str(label) for label in samples.columns["label"]]
    numbers = _numbers(label for label in labels if label is not None) if inferred else None
    if numbers is not None:
        names = _one_name_each(Counter(label for label in labels if label is not None), numbers)
        labels = [None if label is None else names.get(label, label) for label in labels]
        samples.columns["label"] = list(labels)
    counts = Counter(pair for pair in zip(samples.columns["split"], labels, strict=True) if pair[1] is not None)
    by = (lambda label: (label not in numbers, numbers.get(label, 0), label)) if numbers else str
    order = {label: index for index, label in enumerate(sorted({str(label) for _, label in counts}, key=by))}
    samples.columns["label_index"] = [None if label is None else order[label] for label in labels]
    rows = Rows("classes")
    for (split, label), number in sorted(counts.items(), key=lambda item: (str(item[0][0]), str(item[0][1]))):
        rows.add(name=label, index=order[str(label)], split=split, loader="manifest", n_samples=number, hidden=False)
    return rows


def _numbers(labels: Iterable[str]) -> Mapping[str, Number] | None:
    """Label -> its value where pandas reads the whole column as integers, floats or booleans; else None."""
    seen = set(labels) - LOST
    readings: tuple[tuple[Callable[[str], object], Callable[[str], Number]], ...] = (
        (_INTEGER.fullmatch, int),
        (_FLOAT.fullmatch, float),
        (lambda label: label.lower() in _TRUTH, lambda label: _TRUTH[label.lower()]),
    )
    for fits, read in readings:
        if seen and all(len(label.strip()) <= _DIGITS and fits(label) for label in seen):
            return {label: read(label) for label in seen}
    return None


def _one_name_each(counts: Counter[str], numbers: Mapping[str, Number]) -> Mapping[str, str]:
    """Of labels that are one number the most frequent spelling names the class, of equals the shortest."""
    spelled: defaultdict[Number, list[str]] = defaultdict(list)
    for label, number in numbers.items():
        spelled[number].append(label)
    return {
        label: min(same, key=lambda each: (-counts[each], len(each), each))
        for same in spelled.values()
        for label in same
    }
