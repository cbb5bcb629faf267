"""A prediction as a range, and what follows from it: the rows of table `footprint`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, NamedTuple

from datalint.tables import TABLES, Data

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

TOTAL = "total"
MARGIN = 0.95
"""Share of what is usable that the upper bound may take; the rest is for what nobody predicted."""

Fit = Literal["fits", "tight", "will not fit", "unknown"]


class Band(NamedTuple):
    """A figure that was measured, not computed, and its bounds."""

    low: float
    expected: float
    high: float

    def times(self, other: Band) -> Band:
        return Band(*(mine * theirs for mine, theirs in zip(self, other, strict=True)))


class Stage(NamedTuple):
    """One part of what is alive at the same time: bytes, and the arithmetic with its numbers."""

    name: str
    size: float
    formula: str
    elements: float = 0.0
    """That a buffer holds."""
    least: float = 0.0
    most: float = 0.0
    """Bytes, where the bounds are further away than usual; 0 where they are not."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """Bytes or seconds that one stage of a resource takes; the row with stage `total` is their sum."""

    resource: str
    stage: str
    low: float
    expected: float
    high: float
    formula: str
    available: float | None = None
    unit: str = "bytes"
    largest_n_samples: int | None = None
    """None where the number of samples does not matter, or nothing is known of the target."""
    largest_batch: int | None = None
    change: str | None = None
    """After which it fits, where it does not and something is known; of the total."""

    @property
    def fit(self) -> Fit:
        """`will not fit` only where even the lower bound is too much."""
        if self.available is None:
            return "unknown"
        if self.low > self.available:
            return "will not fit"
        return "fits" if self.high <= MARGIN * self.available else "tight"

    @property
    def unfit(self) -> bool:
        """Whether it is the total of a resource that may not do."""
        return self.stage == TOTAL and self.fit in ("tight", "will not fit")


def total(stages: Sequence[Estimate], *, available: float | None) -> Estimate:
    """The sum of a resource's stages, which are alive at the same time."""
    return Estimate(
        resource=stages[0].resource,
        stage=TOTAL,
        low=sum(stage.low for stage in stages),
        expected=sum(stage.expected for stage in stages),
        high=sum(stage.high for stage in stages),
        formula=" + ".join(stage.stage for stage in stages),
        available=available,
        unit=stages[0].unit,
    )


def largest(fits: Callable[[int], bool], *, beyond: int = 1 << 40) -> int | None:
    """The largest number that fits, 0 where not even 1 does, None where any number up to `beyond` does."""
    if not fits(1):
        return 0
    low, high = 1, 2
    while fits(high):
        low, high = high, 2 * high
        if high > beyond:
            return None
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if fits(middle) else (low, middle)
    return low


def table(estimates: Sequence[Estimate]) -> Data:
    """The rows of table `footprint`; every stage knows what its resource has, only the total how it fits."""
    available = {row.resource: row.available for row in estimates if row.stage == TOTAL}
    computed = ("available", "fit", "rank")
    names = [column.name for column in TABLES["footprint"].columns if column.name not in computed]
    return Data(
        {
            **{name: [getattr(row, name) for row in estimates] for name in names},
            "available": [available[row.resource] for row in estimates],
            "fit": [row.fit if row.stage == TOTAL else None for row in estimates],
            "rank": [_rank(row, estimates) for row in estimates],
        }
    )


def _rank(row: Estimate, estimates: Sequence[Estimate]) -> int | None:
    """Place of a stage among those of its resource, from 1 for the largest."""
    if row.stage == TOTAL:
        return None
    others = (other for other in estimates if other.resource == row.resource and other.stage != TOTAL)
    return 1 + sum(other.high > row.high for other in others)
