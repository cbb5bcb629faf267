"""The plan of a dataset: features that are declared, described by TFDS, or found by looking at the first records."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from datalint.dataset.tfrecord import images, labels, wire
from datalint.dataset.tfrecord.plan import Head, Plan, known, named, shown
from datalint.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from datalint.dataset.tfrecord.tfds import Description

_LISTED = 20
"""Features that a message lists."""


def choose(
    heads: Sequence[Head], columns: Mapping[str, str], described: Description | None, place: str
) -> tuple[Plan, tuple[str, ...]]:
    """The plan, and what was guessed in words; raises UsageError for a declared feature that no record has."""
    declared = {part: _declared(part, name, heads, place) for part, name in columns.items()}
    there = known(heads)
    plan, words = images.choose(heads, declared.get("image"), described)
    plan = replace(plan, split=declared.get("split"), group=declared.get("group"), boxes=labels.boxes(there, described))
    width, height = named(images.WIDTHS, there), named(images.HEIGHTS, there)
    if plan.array is None and width and height:
        plan = replace(plan, width=width, height=height)
    plan, more = labels.choose(plan, heads, declared.get("label"), described)
    said = [*words, *more]
    if said:
        said[-1] += "; `dataset.columns` declares features (image, label, split, group)"
    return plan, tuple(said)


def _declared(part: str, name: str, heads: Sequence[Head], place: str) -> bytes:
    feature = name.encode("utf-8", "surrogateescape")
    if heads and feature not in known(heads) | {key for each in heads for key in each.steps}:
        there = ", ".join(sorted(shown(each) for each in known(heads))) or "none"
        message = f"dataset.columns.{part}: no feature {name!r} in the first records of {place}"
        raise UsageError(message, hint=f"there are: {there}", keys=("dataset", "columns", part))
    return feature


def names(heads: Sequence[Head]) -> str:
    """Every feature of the first records with its kind: what a message lists."""
    kinds: dict[bytes, int] = {}
    for each in heads:
        for name, kind in each.kinds.items():
            kinds[name] = kinds.get(name) or kind
    listed = [f"{shown(name)} ({wire.KINDS[kind]})" for name, kind in sorted(kinds.items())]
    more = len(listed) - _LISTED
    return ", ".join(listed[:_LISTED]) + (f" and {more} more" if more > 0 else "")
