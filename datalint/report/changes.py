"""What has changed since a commit, in words that several formats share."""

from __future__ import annotations

from typing import TYPE_CHECKING

from datalint.report.words import count, seconds
from datalint.sizes import size

if TYPE_CHECKING:
    from datalint.finding import ResourceChange, SampleChange, Since

KINDS = ("added", "removed", "renamed", "relabelled", "changed")
"""What may happen to a sample, as `SampleChange` names it."""


def headline(since: Since, new: int) -> str:
    """`2 new since origin/main, 3 old ones remain, 1 mended`."""
    old = len(since.old)
    remain = f"{old:,} old one remains" if old == 1 else f"{old:,} old ones remain"
    return f"{new:,} new since {since.base}, {remain}, {len(since.mended):,} mended"


def samples(since: Since) -> list[str]:
    """A line for each split and class that has changed, the largest change first."""
    return [_sample(change) for change in ordered(since)]


def ordered(since: Since) -> list[SampleChange]:
    """Splits and classes that have changed, the largest change first."""
    changed = [change for change in since.samples if touched(change)]
    return sorted(changed, key=lambda change: (-touched(change), change.split or "", change.label or ""))


def touched(change: SampleChange) -> int:
    """How many samples are not as they were."""
    return sum(getattr(change, kind) for kind in KINDS)


def place(change: SampleChange) -> str:
    """`train/rose`; a dataset without splits or without classes has but one of the two."""
    return "/".join(part for part in (change.split, change.label) if part is not None) or "samples"


def _sample(change: SampleChange) -> str:
    counts = ((getattr(change, kind), kind) for kind in KINDS)
    return f"{place(change)}: {', '.join(f'{number:,} {kind}' for number, kind in counts if number)}"


def resources(since: Since) -> list[str]:
    """`host memory 9.8 GiB -> 39.0 GiB; 31.0 GiB usable; at most 12,000 training samples fit`, one line each.

    What reads the same before and after is no change.
    """
    return [
        _resource(change) for change in since.footprint if amount(change, change.before) != amount(change, change.after)
    ]


def _resource(change: ResourceChange) -> str:
    parts = [f"{name(change)} {amount(change, change.before)} -> {amount(change, change.after)}"]
    if change.available is not None:
        parts.append(f"{amount(change, change.available)} usable")
    if change.largest_n_samples is not None:
        parts.append(f"at most {count(change.largest_n_samples, 'training sample')} would fit")
    return "; ".join(parts)


def name(change: ResourceChange) -> str:
    """`host memory`."""
    return change.resource.replace("_", " ")


def amount(change: ResourceChange, value: float | None) -> str:
    """A figure with its unit; what nobody predicts is unknown."""
    if value is None:
        return "unknown"
    return size(value) if change.unit == "bytes" else seconds(value)
