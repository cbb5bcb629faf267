"""What a dry run measured of a model, and what follows for another batch: tier 1 of accelerator memory.

A training step's peak is the highest of several moments, each `fixed + batch x per_sample` bytes, where `fixed` is at
least what stays from step to step. How far the line through the measured peaks is off at larger batches was measured:
docs/footprint.md.
"""

from __future__ import annotations

from dataclasses import dataclass
from statistics import fmean as mean
from typing import TYPE_CHECKING, NamedTuple

from datalint.footprint.estimate import Band

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


class Peak(NamedTuple):
    """Bytes in use at most during the steps of a batch."""

    batch: int
    size: int


NEAR = Band(0.85, 1.0, 1.15)
"""Measured over what was continued to a larger batch: 0.90 to 1.09 for 8 networks. The allocator hands out chunks of up
to twice the size that is asked for, whichever it finds, so that the same steps do not take the same twice."""
STRAIGHT = 0.05
"""Most that the middle of three peaks lies off the line through the others, where that is rounding alone."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What a dry run is made of, beside the model; None where the model decides."""

    shape: tuple[int | None, ...]
    """Of one image: height, width, channels."""
    precision: str | None
    optimizer: str | None
    accumulates: bool


@dataclass(frozen=True, slots=True)
class Reading:
    """Bytes that TensorFlow's allocator counted during real train steps at rising batches, at least three."""

    asked: Asked
    shape: tuple[int, ...]
    precision: str
    optimizer: str
    peaks: tuple[Peak, ...]
    weights: int
    """Bytes of the model's variables."""
    slots: int
    """Bytes of the optimizer's variables, gradients that are summed up included."""
    parameters: int
    workspace: float
    """Bytes a sample that a GPU's kernels may take beside the tensors, at most."""
    keras: str
    tensorflow: str

    def answers(self, asked: Asked) -> bool:
        """Whether the same steps would be run again."""
        shape = self.asked.shape if None in asked.shape else self.shape
        return (
            self.asked.accumulates == asked.accumulates
            and shape == asked.shape
            and asked.precision == (self.asked.precision if asked.precision is None else self.precision)
            and asked.optimizer == (self.asked.optimizer if asked.optimizer is None else self.optimizer)
        )

    @property
    def static(self) -> int:
        """Bytes that stay from step to step, without the rounding of chunks."""
        return self.weights + self.slots

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
        left, right = next(pair for pair in zip(self.peaks, self.peaks[1:], strict=False) if batch <= pair[1].batch)
        between = left.size + (right.size - left.size) * (batch - left.batch) / (right.batch - left.batch)
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
            lines += [_chord(three[0], last, batch), _chord(three[1], last, batch)]
        return lines

    @property
    def bend(self) -> float:
        """Share by which the middle one of the last three peaks lies off the line through the others."""
        first, middle, last = self.peaks[-3:]
        return abs(_chord(first, last, middle.batch) / middle.size - 1)


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


def _chord(one: Peak, other: Peak, batch: int) -> float:
    return one.size + (other.size - one.size) * (batch - one.batch) / (other.batch - one.batch)
