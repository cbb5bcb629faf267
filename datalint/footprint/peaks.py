"""What was measured of a model's training step at some batches: by a dry run (tier 1) or by a compiler (tier 2)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple


class Peak(NamedTuple):
    """Bytes in use at most during the steps of a batch."""

    batch: int
    size: int


@dataclass(frozen=True, slots=True)
class Asked:
    """What the steps are made of, beside the model; None where the model decides."""

    shape: tuple[int | None, ...]
    """Of one image: height, width, channels."""
    precision: str | None
    optimizer: str | None
    accumulates: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Peaks:
    """The peaks at rising batches, at least two, and what the model was when it was built."""

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
    keras: str

    def answers(self, asked: Asked) -> bool:
        """Whether the same steps would be measured again."""
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

    def around(self, batch: int) -> tuple[Peak, Peak]:
        """The neighbours of a batch between the first and the last that were measured."""
        return next(pair for pair in zip(self.peaks, self.peaks[1:], strict=False) if batch <= pair[1].batch)


def chord(one: Peak, other: Peak, batch: int) -> float:
    """On the line through two peaks."""
    return one.size + (other.size - one.size) * (batch - one.batch) / (other.batch - one.batch)
