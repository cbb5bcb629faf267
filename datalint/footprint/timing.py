"""Time of training: what the input pipeline takes of the CPU, what the model leaves it, and a job's time limit.

The constants are CPU time of `tf.io.read_file`, `tf.io.decode_image` and the hand-over in a tf.data pipeline of
TensorFlow 2.21, fitted on 13 photographs at 5 sizes and up to 3 qualities (docs/footprint.md has the errors). Another
machine is faster or slower by one factor, which `datalint estimate` measures for the local one.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple, Protocol

from datalint.footprint.estimate import Estimate, total
from datalint.footprint.images import trained_of, values_of
from datalint.footprint.recipe import STREAMS

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from datalint.footprint.images import Images, Kind
    from datalint.footprint.recipe import Recipe

INPUT, JOB = "input_time", "job_time"


class Machine(Protocol):
    """What is asked of a target."""

    @property
    def cores(self) -> int | None: ...


class Cost(NamedTuple):
    """CPU time of one image: seconds, seconds a byte of the file, seconds a pixel."""

    image: float
    byte: float
    pixel: float

    def seconds(self, kind: Kind) -> float:
        """Of all images of a kind."""
        return self.image * kind.files + self.byte * kind.size_bytes + self.pixel * kind.pixels


TENSORFLOW: Mapping[str, Cost] = {
    "jpeg": Cost(73.7e-6, 6.37e-9, 1.04e-9),
    "progressive jpeg": Cost(59.5e-6, 27.23e-9, 1.99e-9),
    "png": Cost(115.9e-6, 0, 11.02e-9),
    "gif": Cost(42.2e-6, 0, 7.43e-9),
    "bmp": Cost(33.8e-6, 0, 1.07e-9),
    "webp": Cost(42.4e-6, 44.28e-9, 2.18e-9),
    # Records of arrays, with `parse_single_example` and `decode_raw`: measured from 784 to 150,528 bytes.
    "raw": Cost(23.6e-6, 0.43e-9, 0),
}
PILLOW: Mapping[str, Cost] = {
    "jpeg": Cost(46.1e-6, 6.68e-9, 1.14e-9),
    "progressive jpeg": Cost(39.4e-6, 28.62e-9, 1.90e-9),
    "png": Cost(104.6e-6, 0, 14.10e-9),
    "gif": Cost(24.4e-6, 0, 5.27e-9),
    "bmp": Cost(15.5e-6, 0.26e-9, 0),
    "webp": Cost(48.3e-6, 35.38e-9, 3.84e-9),
}
"""The same of `Image.open` and `convert("RGB")` on the same files: a machine's factor is its time over this."""
RESIZE = 1.3e-9
"""CPU seconds a value that bilinear `tf.image.resize` gives, with batching."""
CALIBRATED, ELSEWHERE = 0.45, 1.0
"""How far the prediction may be off: on a machine that was timed, and on one that was not (half to twice)."""


def seconds(kinds: Iterable[Kind], costs: Mapping[str, Cost]) -> float:
    """CPU seconds to decode every image of these kinds once; formats without a cost take that of PNG."""
    return sum(costs.get(kind.format, costs["png"]).seconds(kind) for kind in kinds)


def unpredicted(recipe: Recipe, images: Images, machine: Machine) -> dict[str, str]:
    """Resource -> why nothing is said about it."""
    reason = why_not(recipe, images, machine)
    if reason:
        return {INPUT: reason, JOB: reason}
    missing = [name for name in ("step_seconds", "epochs") if getattr(recipe, name) is None]
    return {JOB: f"{' and '.join(missing)}: not declared"} if missing else {}


def why_not(recipe: Recipe, images: Images, machine: Machine) -> str | None:
    """Why nothing is said of the time that input takes; None where it is predicted."""
    if recipe.framework != "keras" or recipe.loader not in STREAMS:
        return f"loader {recipe.loader}: its time is not predicted"
    if not images.train:
        return "no training samples"
    if machine.cores is None:
        return "nobody knows how many cores the target has"
    return None if images.kinds else "the size of no image is known"


def times(recipe: Recipe, images: Images, machine: Machine, *, speed: float | None = None) -> list[Estimate]:
    """Wall seconds of one epoch's input pipeline on all cores, and of the job where the step is known.

    `speed` is this machine's time over that of the shipped constants, None where nobody timed it.
    """
    if machine.cores is None or why_not(recipe, images, machine):
        return []
    spread = ELSEWHERE if speed is None else CALIBRATED
    cores = min(machine.cores, recipe.parallel_calls or machine.cores)
    trained = trained_of(recipe, images)
    steps = math.ceil(trained / recipe.batch)
    if recipe.steps_per_epoch is not None and recipe.steps_per_epoch < steps:
        # An epoch reads no more than its steps take.
        steps, trained = recipe.steps_per_epoch, float(recipe.steps_per_epoch * recipe.batch)
    share = trained / sum(kind.files for kind in images.kinds)
    factor = (speed or 1.0) / cores
    decode = factor * share * seconds(images.kinds, TENSORFLOW)
    values = values_of(recipe, images) if recipe.input_height else 0.0
    each = decode * cores / trained * 1e6
    stages = [
        around(INPUT, "decode", decode, spread, f"{trained:,.0f} images x {each:,.0f} us of CPU / {cores} cores"),
        around(
            INPUT,
            "resize",
            factor * trained * values * RESIZE,
            spread,
            f"{trained:,.0f} images x {values:,.0f} values / {cores} cores",
        ),
    ]
    offered = None if recipe.step_seconds is None else steps * recipe.step_seconds
    epoch = total(stages, available=offered)
    rows = [*stages, epoch]
    if offered is not None and recipe.epochs is not None:
        rows += _job(recipe, epoch, offered, steps=steps)
    return rows


def _job(recipe: Recipe, epoch: Estimate, offered: float, *, steps: int) -> list[Estimate]:
    """All epochs: the slower of the input and the model sets the pace. A cache spares all input but the first.

    Of more steps than the data have, only the upper bound knows: nobody says in the recipe that a dataset repeats.
    """
    epochs = recipe.epochs or 1
    cached = recipe.cache != "none"
    asked = max(steps, recipe.steps_per_epoch or 0)

    def lasts(reading: float, rounds: float = 1.0) -> float:
        trained = rounds * offered
        first = max(reading if cached else rounds * reading, trained)
        return first + (epochs - 1) * (trained if cached else first)

    counted = f"{_count(epochs, 'epoch')} of {_count(steps, 'step')}"
    more = f" (of {asked:,} where the dataset repeats)" if asked > steps else ""
    formula = f"{counted}{more} x {recipe.step_seconds:g} s, or of the input where that is slower"
    limit = None if recipe.time_limit is None else float(recipe.time_limit)
    low, expected, high = lasts(epoch.low), lasts(epoch.expected), lasts(epoch.high, asked / steps)
    stage = Estimate(JOB, "epochs", low, expected, high, formula, unit="seconds")
    return [stage, total([stage], available=limit)]


def _count(n: int, thing: str) -> str:
    return f"{n:,} {thing}{'' if n == 1 else 's'}"


def around(resource: str, stage: str, expected: float, spread: float, formula: str) -> Estimate:
    """Seconds that may be off by `spread`, as a factor."""
    return Estimate(
        resource, stage, expected / (1 + spread), expected, expected * (1 + spread), formula, unit="seconds"
    )
