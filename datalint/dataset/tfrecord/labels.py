"""Finds the features that say what an image shows: a label, or boxes."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING

from datalint.dataset.tfrecord import wire
from datalint.dataset.tfrecord.plan import Boxes, Head, Plan, blobs, known, looks_like_image, named, shown

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from datalint.dataset.tfrecord.tfds import Description

# What people call them, the most specific first; compared with the whole name, then with its last part.
NAMES = ("image/class/label", "label", "labels", "class", "class_label", "target", "y", "category", "class_id",
         "category_id", "label_id", "image/class/text", "class_name", "label_name")  # fmt: skip
_TEXTS = {"image/class/label": "image/class/text", "label": "label_name", "class": "class_name"}
_MOST_BYTES = 256
"""Of the name of a class."""


def choose(
    plan: Plan, heads: Sequence[Head], declared: bytes | None, described: Description | None
) -> tuple[Plan, list[str]]:
    """The plan with its label, and what was guessed of it; raises nothing: a feature that is no label is said so."""
    there = known(heads) - {plan.image}
    classes = [name.encode() for name in (described.classes if described else {}) if "/" not in name]
    name = declared or _first(classes, there) or named(NAMES, there)
    if name is None:
        return plan, [] if plan.boxes else ["no feature of labels was found: images are read without labels"]
    kinds = Counter(kind for each in heads if (kind := each.kinds.get(name)))
    kind = kinds.most_common(1)[0][0] if kinds else wire.INT
    hot, refusal = _judged(heads, name, kind)
    if refusal:
        return plan, [f"{shown(name)!r} was not read as a label: {refusal}"]
    text = _TEXTS.get(shown(name), "").encode()
    found = replace(plan, label=name, label_kind=kind, hot=hot, text=text if text in there else None)
    return found, [] if declared else [f"labels are read from {shown(name)!r}"]


def _judged(heads: Sequence[Head], name: bytes, kind: int) -> tuple[bool, str]:
    """Whether it names a class by a single 1 among zeros; and why it names none, else an empty text."""
    if kind == wire.BYTES:
        texts = [[each.data[start:end] for start, end in blobs(each, name)] for each in heads]
        if any(looks_like_image(text) for some in texts for text in some):
            return False, "it holds images"
        if any(len(text) > _MOST_BYTES for some in texts for text in some):
            return False, f"it holds more than {_MOST_BYTES} bytes"
        return False, "it holds several values" if any(len(some) > 1 for some in texts) else ""
    values = [found for each in heads if each.kinds.get(name) == kind and (found := _numbers(each, name, kind))]
    if any(len(some) > 1 for some in values):
        hot = len({len(some) for some in values}) == 1 and all(max(some) == sum(some) == 1 for some in values)
        return hot, "" if hot else "it holds several values"
    return False, "it holds fractions" if any(value != int(value) for [value] in values) else ""


def _numbers(each: Head, name: bytes, kind: int) -> Sequence[float]:
    try:
        return wire.ints(each.data, each.places[name]) if kind == wire.INT else _finite(each, name)
    except wire.MalformedError:
        return ()


def _finite(each: Head, name: bytes) -> Sequence[float]:
    # A NaN among labels is a defect of its record, and no reason to take them for measurements.
    values = filter(math.isfinite, wire.floats(each.data, each.places[name]))
    return [value if abs(value) < 1 << 53 else 0.5 for value in values]


def boxes(there: set[bytes], described: Description | None) -> Boxes | None:
    """Those of the Object Detection API (`image/object/bbox/xmin`), or those that TFDS describes."""
    for name in sorted(there):
        if name.endswith(b"bbox/xmin"):
            above = name[: -len(b"bbox/xmin")]
            sides = (name, above + b"bbox/ymin", above + b"bbox/xmax", above + b"bbox/ymax")
            if there.issuperset(sides):
                labels = [above + each for each in (b"class/label", b"bbox/label", b"label")]
                texts = [above + each for each in (b"class/text", b"text")]
                return Boxes(sides, None, _first(labels, there), _first(texts, there))
    for feature in described.boxes if described else ():
        name = feature.encode()
        if name in there:
            return Boxes(None, name, _first([name.rpartition(b"/")[0] + b"/label"], there))
    return None


def _first(wanted: Iterable[bytes], among: set[bytes]) -> bytes | None:
    return next((name for name in wanted if name in among), None)
