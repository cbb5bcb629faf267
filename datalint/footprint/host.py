"""Host memory of training: the framework, the data, what is in flight, and what training adds."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Protocol

from datalint.footprint import loader, shm
from datalint.footprint.array import array_stages
from datalint.footprint.estimate import MARGIN, Band, Estimate, largest, total
from datalint.footprint.images import values_of
from datalint.footprint.pipeline import MIB, pipeline_stages
from datalint.footprint.recipe import ITEM_BYTES, STREAMS, TORCH

if TYPE_CHECKING:
    from collections.abc import Iterator

    from datalint.footprint.images import Images
    from datalint.footprint.recipe import Recipe

RESOURCE = "host_memory"
RAM_BUDGET_SHARE = 0.5
"""Of the free memory, for buffers under AUTOTUNE (kRamBudgetShare in tensorflow/core/framework/model.h)."""


class Machine(Protocol):
    """What is asked of a target."""

    @property
    def usable(self) -> int | None: ...
    @property
    def cores(self) -> int | None: ...


# Resident memory after `import tensorflow, keras` and one operation, TensorFlow 2.21 and Keras 3.15. Two thirds are
# pages of files, which a memory limit can take back: the lower bound is without them, the upper the most that was seen.
TENSORFLOW = Band(185 * MIB, 521 * MIB, 705 * MIB)
# A tiny model's `fit` adds next to nothing, traced graphs, oneDNN and arenas of real networks on CPU 240 to 450.
RUNTIME = Band(0, 0, 450 * MIB)
ARRAY_SHARE = 0.03
ARRAY_SLACK = 40 * MIB
# `np.asarray(Image.open(f))` leaves holes between the images of a list, at some sizes (192 x 192) two fifths of them;
# `np.array(Image.open(f))` leaves none.
LIST_HOLES = 0.45
PIPELINE_LOW, PIPELINE_HIGH = 0.85, 1.10
PIPELINE_SLACK = 10 * MIB


def unpredicted(recipe: Recipe, images: Images) -> str | None:
    """Why nothing is said about the host memory of this recipe; None where it is predicted."""
    if recipe.loader in TORCH:
        return loader.unpredicted(recipe, images)
    if recipe.framework != "keras":
        return f"framework {recipe.framework}: its host memory is not predicted"
    if recipe.workers:
        return f"loader {recipe.loader} with worker processes: its host memory is not predicted"
    if recipe.loader not in STREAMS and not recipe.build:
        return f"loader {recipe.loader}: its host memory is not predicted"
    if not images.train:
        return "no training samples"
    resized = recipe.input_height is not None
    if not resized and not images.measured:
        return "images are not resized and none of their sizes is known"
    if not resized and images.sizes > 1:
        return shm.differing(recipe, "no array or batch holds them")
    if recipe.loader in STREAMS and not images.measured:
        return "the size of no image is known"
    return None


def host_memory(recipe: Recipe, images: Images, machine: Machine) -> list[Estimate]:
    """One row a stage and the total, which knows the largest dataset and batch; empty where it is not predicted."""
    summed = whole(recipe, images, machine)
    if summed is None:
        return []
    stages = list(_stages(recipe, images, machine))
    if summed.available is None:
        return [*stages, summed]
    return [
        *stages,
        replace(
            summed,
            largest_n_samples=largest(lambda samples: _fits(recipe, images.grown(samples), machine)),
            largest_batch=largest_batch(recipe, images, machine),
        ),
    ]


def whole(recipe: Recipe, images: Images, machine: Machine) -> Estimate | None:
    """The total alone, which costs no search; None where it is not predicted."""
    if unpredicted(recipe, images):
        return None
    available = None if machine.usable is None else float(machine.usable)
    return total(list(_stages(recipe, images, machine)), available=available)


def largest_batch(recipe: Recipe, images: Images, machine: Machine) -> int | None:
    """The largest that fits, as `largest` says it; of a recipe that is predicted, on a machine that is known."""
    return largest(lambda batch: _fits(replace(recipe, batch=batch), images, machine))


def _fits(recipe: Recipe, images: Images, machine: Machine) -> bool:
    return sum(stage.high for stage in _stages(recipe, images, machine)) <= MARGIN * float(machine.usable or 0)


def _stages(recipe: Recipe, images: Images, machine: Machine) -> Iterator[Estimate]:
    if recipe.loader in TORCH:
        yield from loader.stages(recipe, images)
        return
    yield _measured("framework", TENSORFLOW, "TensorFlow and Keras, imported")
    yield _measured("runtime", RUNTIME, "graphs, arenas and libraries of training on CPU")
    yield from _array(recipe, images) if recipe.build else _pipeline(recipe, images, machine)


def _measured(stage: str, band: Band, formula: str) -> Estimate:
    return Estimate(RESOURCE, stage, band.low, band.expected, band.high, formula)


def _array(recipe: Recipe, images: Images) -> Iterator[Estimate]:
    for stage in array_stages(recipe, images):
        more = LIST_HOLES if stage.name == "list" else ARRAY_SHARE
        low = (stage.least or stage.size) * (1 - ARRAY_SHARE)
        yield Estimate(RESOURCE, stage.name, low, stage.size, stage.size * (1 + more), stage.formula)
    yield _measured("slack", Band(0, 0, ARRAY_SLACK), "allocator and threads")


def _pipeline(recipe: Recipe, images: Images, machine: Machine) -> Iterator[Estimate]:
    for stage in pipeline_stages(recipe, images, cores=machine.cores or 1):
        name, size, formula = stage.name, stage.size, stage.formula
        low = min(stage.least or size, size * PIPELINE_LOW)
        high = max(stage.most, size * PIPELINE_HIGH)
        if name == "shuffle names":
            high = 2 * high
        if name == "prefetch" and recipe.prefetch is None:
            high = max(high, _autotuned(recipe, images, machine))
            formula += "; AUTOTUNE takes more whenever training pauses"
        yield Estimate(RESOURCE, name, low, size, high, formula)
    yield _measured("slack", Band(-PIPELINE_SLACK, 0, 2.5 * PIPELINE_SLACK), "allocator and threads")


def _autotuned(recipe: Recipe, images: Images, machine: Machine) -> float:
    """Bytes that AUTOTUNE may fill with prefetched batches: its budget, or one epoch where that is less."""
    epoch = images.train * values_of(recipe, images) * ITEM_BYTES[recipe.dtype]
    if recipe.ram_budget is not None:
        return min(epoch, float(recipe.ram_budget))
    return epoch if machine.usable is None else min(epoch, RAM_BUDGET_SHARE * machine.usable)
