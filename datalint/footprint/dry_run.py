"""What a dry run measured of a model, and what follows for another batch: tier 1 of accelerator memory.

A training step's peak is the highest of several moments, each `fixed + batch x per_sample` bytes, where `fixed` is at
least what stays from step to step. How far the line through the measured peaks is off at larger batches was measured:
docs/footprint.md.
"""

from __future__ import annotations

from dataclasses import dataclass
from statistics import fmean as mean
from typing import TYPE_CHECKING

from datalint.footprint.estimate import Band
from datalint.footprint.peaks import Peaks, chord

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from datalint.footprint.peaks import Peak


NEAR = Band(0.85, 1.0, 1.15)
"""Measured over what was continued to a larger batch: 0.90 to 1.09 for 8 networks. The allocator hands out chunks of up
to twice the size that is asked for, whichever it finds, so that the same steps do not take the same twice."""
STRAIGHT = 0.05
"""Most that the middle of three peaks lies off the line through the others, where that is rounding alone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading(Peaks):
    """Bytes that TensorFlow's allocator counted during real train steps at rising batches, at least three."""

    workspace: float
    """Bytes a sample that a GPU's kernels may take beside the tensors, at most."""
    tensorflow: str

    def at(self, batch: int, foreseen: Callable[[int], float] | None = None) -> Band:
        """Bytes in use at most at a batch, under the executor that was measured.

        `foreseen` is what the layer walk says of a batch, None where it cannot follow the model.
        """
        first, last = self.peaks[0], self.peaks[-1]
        if batch > last.batch:
            lines = self._beyond(batch)
            least, most = min(lines), max(lines)
            expected = (least + most) / 2 if foreseen is None else self._scaled(batch, foreseen)
            return Band(least, min(max(least, expected), most), most).times(NEAR)
        if batch <= first.batch:
            # A smaller batch takes no more, and never less than what stays.
            share = self.static + (first.size - self.static) * batch / first.batch
            return Band(min(share, first.size), first.size, first.size).times(NEAR)
        left, right = self.around(batch)
        between = chord(left, right, batch)
        return Band(min(between, left.size), between, max(between, left.size, right.size)).times(NEAR)

    def _scaled(self, batch: int, foreseen: Callable[[int], float]) -> float:
        """The walk, times what the last three peaks are of it: it knows which moment will be the highest."""
        return foreseen(batch) * mean(peak.size / foreseen(peak.batch) for peak in self.peaks[-3:])

    def _beyond(self, batch: int) -> list[float]:
        """Everything that may be the continuation of the last three peaks.

        Peaks are the highest of straight lines: the line through them, continued, is below what follows where a steeper
        one is hidden yet, and the ray from what stays through the last peak is above every line that can be hidden.
        """
        three = self.peaks[-3:]
        line = _line(three, self.static, batch)
        last = three[-1]
        ray = self.static + (last.size - self.static) * batch / last.batch
        lines = [line, ray]
        if self.bend > STRAIGHT:
            lines += [chord(three[0], last, batch), chord(three[1], last, batch)]
        return lines

    @property
    def bend(self) -> float:
        """Share by which the middle one of the last three peaks lies off the line through the others."""
        first, middle, last = self.peaks[-3:]
        return abs(chord(first, last, middle.batch) / middle.size - 1)


def _line(peaks: Sequence[Peak], static: int, batch: int) -> float:
    """Least squares of the relative errors; at no sample it is not below what stays."""
    weights: list[float] = [1.0 / peak.size / peak.size for peak in peaks]
    whole = sum(weights)
    middle = sum(weight * peak.batch for weight, peak in zip(weights, peaks, strict=True)) / whole
    mean = sum(weight * peak.size for weight, peak in zip(weights, peaks, strict=True)) / whole
    spread = sum(weight * (peak.batch - middle) ** 2 for weight, peak in zip(weights, peaks, strict=True))
    joint = sum(w * (peak.batch - middle) * (peak.size - mean) for w, peak in zip(weights, peaks, strict=True))
    slope = joint / spread
    if mean - slope * middle >= static:
        return mean + slope * (batch - middle)
    shares = sum(weight * peak.batch * (peak.size - static) for weight, peak in zip(weights, peaks, strict=True))
    return static + batch * shares / sum(w * peak.batch**2 for w, peak in zip(weights, peaks, strict=True))
