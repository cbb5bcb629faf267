"""Rules that are not asked, since what they would count is not all known."""

from __future__ import annotations

from typing import TYPE_CHECKING

from datalint.finding import NotChecked

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from datalint.config import BoundRule
    from datalint.dataset import Dataset
    from datalint.rule.model import Rule

_COUNTING = frozenset({"classes", "splits", "batch"})
_UNKNOWN = frozenset({"dvc-unknown", "submodule", "unreadable-folder"})
"""Kinds of problems behind which there may be samples that nobody sees."""
# What is seen of duplicates, labels and rows is true whatever else there is.
_CERTAIN = frozenset({"duplicates", "leakage", "labels", "manifest"})


def set_aside(found: Dataset, rules: Sequence[BoundRule[Rule]]) -> frozenset[str]:
    """Rules that count samples by class or split, where nobody knows what is in a folder."""
    if found.manifest is not None or _UNKNOWN.isdisjoint(found.problems.columns["kind"]):
        return frozenset()
    tags = {item.rule.id: frozenset(item.rule.tags) for item in rules}
    return frozenset(name for name, each in tags.items() if _COUNTING & each and not _CERTAIN & each)


def not_asked(rules: Collection[str]) -> list[NotChecked]:
    """What is said of them: the verdict stays open."""
    if not rules:
        return []
    return [NotChecked(f"{len(rules)} rules about classes and splits", "not all files of the dataset are known")]
