"""Time until a shuffle buffer is full: tf.data gives no element before it, so no step begins.

It is a share of what an epoch's input takes (`timing`): of decoded pictures and batches their decoding, of encoded ones
only their reading.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from datalint.footprint import timing
from datalint.footprint.estimate import total
from datalint.footprint.images import trained_of, values_of

if TYPE_CHECKING:
    from datalint.footprint.estimate import Estimate
    from datalint.footprint.images import Images
    from datalint.footprint.recipe import Recipe

RESOURCE = "shuffle_fill"
READ = {"tfrecord": timing.Cost(5e-6, 0.76e-9, 0), "files": timing.Cost(37e-6, 0.64e-9, 0)}
"""CPU seconds to read an encoded image from memory, fitted on 8 to 160 kB; a disk or a network comes on top."""


def unpredicted(recipe: Recipe, images: Images, machine: timing.Machine) -> str | None:
    """Why nothing is said of it; None where it is predicted, or no buffer is filled."""
    if recipe.shuffle_buffer is None or unneeded(recipe):
        return None
    return timing.why_not(recipe, images, machine)


def unneeded(recipe: Recipe) -> str | None:
    """Why filling a buffer takes no time that anybody would notice; None where it does, or there is none."""
    if recipe.shuffle_buffer is not None and recipe.build:
        return "its elements are copied from an array in memory"
    if recipe.shuffle_buffer is not None and recipe.stage == "names":
        return "it holds names, and no file is read for them"
    return None


def fill(recipe: Recipe, images: Images, machine: timing.Machine, *, speed: float | None = None) -> list[Estimate]:
    """Wall seconds before the first step of an epoch, half to twice; empty where there is no buffer.

    `speed` is that of `timing.times`.
    """
    if recipe.shuffle_buffer is None or machine.cores is None:
        return []
    if unneeded(recipe) or timing.why_not(recipe, images, machine):
        return []
    trained = trained_of(recipe, images)
    wanted = recipe.shuffle_buffer * (recipe.batch if recipe.stage == "batched" else 1)
    held = min(float(wanted), trained)
    files, values = sum(kind.files for kind in images.kinds), values_of(recipe, images) if recipe.input_height else 0.0
    if recipe.stage == "encoded":
        cores, verb, costs = 1, "read", dict.fromkeys(timing.TENSORFLOW, READ[recipe.loader])
        each = timing.seconds(images.kinds, costs) / files
    else:
        cores, verb = min(machine.cores, recipe.parallel_calls or machine.cores), "decoded"
        each = timing.seconds(images.kinds, timing.TENSORFLOW) / files + timing.RESIZE * values
    each *= speed or 1.0
    formula = f"{held:,.0f} images {verb} x {each * 1e6:,.0f} us of CPU / {cores} {'core' if cores == 1 else 'cores'}"
    stage = timing.around(RESOURCE, "fill", held * each / cores, timing.ELSEWHERE, formula)
    return [stage, total([stage], available=None)]
