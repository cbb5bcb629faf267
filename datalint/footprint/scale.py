"""What was measured on a part of a dataset, carried over to all of it: the prediction with measured parts in it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from datalint.footprint.estimate import TOTAL, Estimate, total
from datalint.footprint.pipeline import MIB

if TYPE_CHECKING:
    from collections.abc import Sequence

CONSTANT = ("framework", "runtime", "slack")
"""Stages of host memory that do not depend on the data."""
NOISE = 40 * MIB
"""Bytes by which one process differs from the next without any reason in its data."""
LEAST = 4 * NOISE
"""Bytes of data from which on a factor tells something: then the noise is a quarter of it."""


@dataclass(frozen=True, slots=True)
class Factor:
    """Measured over predicted bytes of data, give or take `spread`."""

    value: float
    spread: float


def data_of(rows: Sequence[Estimate]) -> float:
    """Expected bytes of what depends on the data, out of the stages of one resource."""
    return sum(row.expected for row in rows if row.stage not in (*CONSTANT, TOTAL))


def factor_of(rows: Sequence[Estimate], *, base: int, peak: int) -> Factor | None:
    """From a process that took `base` bytes before its data and `peak` at most; None where noise would decide."""
    predicted = data_of(rows)
    return Factor((peak - base) / predicted, NOISE / predicted) if predicted >= LEAST else None


def scaled(rows: Sequence[Estimate], factor: Factor, *, base: int) -> list[Estimate]:
    """The prediction for more samples: data by the factor, the framework as it was measured.

    Bounds are never narrower than before. Nobody knows whether what the part took beyond its prediction grows with the
    number of samples or stays as it is, so they hold both: the data as predicted and the data by the factor.
    """
    [whole] = [row for row in rows if row.stage == TOTAL]
    stages = []
    for row in rows:
        if row.stage == "framework":
            high = max(row.high, float(base))
            stages.append(replace(row, expected=float(base), high=high, formula="measured before the data"))
        elif row.stage not in (*CONSTANT, TOTAL):
            low = max(0.0, min(1.0, factor.value - factor.spread))
            high = max(1.0, factor.value + factor.spread)
            formula = f"({row.formula}) x {factor.value:.3g} as measured"
            expected = row.expected * factor.value
            stages.append(replace(row, low=row.low * low, expected=expected, high=row.high * high, formula=formula))
        elif row.stage != TOTAL:
            stages.append(row)
    return [*stages, total(stages, available=whole.available)]
