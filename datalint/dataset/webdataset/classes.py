"""Labels of members -> the table `classes`."""

from __future__ import annotations

from collections import Counter

from datalint.dataset.model import Rows


def classes(samples: Rows) -> Rows:
    """Gives `samples` its label_index, too: of integers that is what they say, as webdataset decodes `.cls`.

    Names have the order that the user's own code gives them; here it is that of the alphabet.
    """
    written: list[str | None] = [None if label is None else str(label) for label in samples.columns["label"]]
    names = {label for label in written if label is not None}
    numbers = as_integers(names)
    if numbers is None:
        order = {name: index for index, name in enumerate(sorted(names))}
    else:
        spelled = {label: str(number) for label, number in numbers.items()}
        order = {spelled[label]: number for label, number in numbers.items()}
        written = [None if label is None else spelled[label] for label in written]
    samples.columns["label"] = list(written)
    samples.columns["label_index"] = [None if label is None else order[label] for label in written]
    counts = Counter(zip(samples.columns["split"], written, strict=True))
    rows = Rows("classes")
    for (split, label), number in sorted(
        counts.items(), key=lambda item: (str(item[0][0]), order.get(item[0][1] or "", -1))
    ):
        if label is not None:
            rows.add(name=label, index=order[label], split=split, loader="webdataset", n_samples=number, hidden=False)
    return rows


def as_integers(labels: set[str]) -> dict[str, int] | None:
    """Label -> its value where all are integers, as `int()` reads them; else None."""
    if not labels or not all(len(label) <= 18 and label.lstrip("+-").isdecimal() for label in labels):
        return None
    try:
        return {label: int(label) for label in labels}
    except ValueError:
        return None
