"""What XLA's compiler assigned for a model's step on a card, and what follows for another batch: tier 2 of accelerator
memory.

The compiler's figure is a promise about the step; what the allocator of a real card counted beside it was measured on
one: docs/footprint.md.
"""

from __future__ import annotations

from dataclasses import dataclass

from datalint.footprint.estimate import Band
from datalint.footprint.peaks import Peaks, chord

EXECUTORS = ("xla", "jax")
"""Those whose memory it is."""
SHARE = Band(0.95, 1.02, 1.25)
"""Measured over assigned: what the allocator rounds up, and cuDNN's workspaces once algorithms are tried."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Compiled(Peaks):
    """Bytes of the buffers that XLA assigned, with the next batch, for one card."""

    card: str
    described: str
    """Digest of the card's description."""
    jax: str
    compiler: str
    """Version of `jax-cuda12-pjrt`, which holds XLA."""

    def reaches(self, batch: int) -> bool:
        """Whether it is one of the batches that were compiled, or lies between them."""
        return self.peaks[0].batch <= batch <= self.peaks[-1].batch

    def at(self, batch: int) -> Band:
        """Bytes in use at most at a batch, on the card."""
        return self.assigned(batch).times(SHARE)

    def assigned(self, batch: int) -> Band:
        """What the compiler assigns; between the batches that it was asked for, on the line through the nearest two."""
        first, last = self.peaks[0], self.peaks[-1]
        if size := dict(self.peaks).get(batch):
            return Band(size, size, size)
        if batch < first.batch:
            # Never less than what stays.
            expected = self.static + max(0, first.size - self.static) * batch / first.batch
            return Band(expected, expected, first.size)
        if self.reaches(batch):
            expected = chord(*self.around(batch), batch)
            return Band(expected, expected, expected)
        line = chord(self.peaks[-2], last, batch)
        ray = self.static + (last.size - self.static) * batch / last.batch
        return Band(min(line, ray), line, max(line, ray))
