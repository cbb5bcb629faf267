"""Shared memory of a PyTorch DataLoader: its workers hand over every batch in /dev/shm.

In PyTorch 2.13 each worker prepares `prefetch_factor` batches ahead, and one more is held by whoever consumes them.
Where training pauses, all of them are there at once: the peak was (workers x prefetch_factor + 1) batches to the page.
A consumer that never waits, or the thread of `pin_memory`, which copies them at once, leaves about one for each worker;
the fewest that were seen were three quarters of that, so the lower bound is one for every two.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple, Protocol

from datalint.footprint.estimate import MARGIN, Estimate, largest, total
from datalint.footprint.images import batch_of, trained_of, values_of
from datalint.footprint.recipe import ITEM_BYTES, STREAMS, TORCH

if TYPE_CHECKING:
    from datalint.footprint.images import Images
    from datalint.footprint.recipe import Recipe

RESOURCE = "shm"
_PAGE = 4096
_LABEL = 8
"""Bytes of an int64."""


class Machine(Protocol):
    """What is asked of a target."""

    @property
    def shm(self) -> int | None: ...


class Held(NamedTuple):
    """Batches that are in shared memory at the same time."""

    low: float
    expected: float
    high: float


def held(recipe: Recipe, images: Images) -> Held:
    """At most all batches of an epoch; none without workers."""
    epoch = batches_of(recipe, images)
    workers, ahead = recipe.workers or 0, recipe.ahead
    if not workers:
        return Held(0, 0, 0)
    # The last batch of training is still held while the first ones of validation are prepared.
    return Held(min(max(1, workers / 2), epoch), min(ahead + 1, epoch), min(ahead + 2, epoch + 1))


def batches_of(recipe: Recipe, images: Images) -> int:
    """Batches of an epoch."""
    return math.ceil(trained_of(recipe, images) / batch_of(recipe, images))


def batch_bytes(recipe: Recipe, images: Images) -> float:
    """One batch of images and of labels, one tensor each, in whole pages."""
    fed = batch_of(recipe, images)
    values = fed * values_of(recipe, images) * ITEM_BYTES[recipe.dtype]
    return float(_pages(values) + _pages(fed * _LABEL))


def _pages(size: float) -> int:
    return _PAGE * math.ceil(size / _PAGE)


def unneeded(recipe: Recipe) -> str | None:
    """Why a recipe takes no shared memory; None where it does."""
    if recipe.loader in STREAMS:
        return "tf.data decodes in threads of one process"
    if recipe.loader not in TORCH:
        return f"the loader {recipe.loader} hands over batches in its process, or through pipes"
    return None if recipe.workers else "a DataLoader without workers loads in its own process"


def unpredicted(recipe: Recipe, images: Images) -> str | None:
    """Why nothing is said about shared memory; None where it is predicted, or none is taken."""
    return None if unneeded(recipe) else sizes_unknown(recipe, images)


def sizes_unknown(recipe: Recipe, images: Images) -> str | None:
    """Why nobody knows how large a batch is."""
    if not images.train:
        return "no training samples"
    if recipe.input_height is None and not images.measured:
        return "images are not resized and none of their sizes is known"
    if recipe.input_height is None and images.sizes > 1:
        return differing(recipe, "no batch holds them")
    return None


def differing(recipe: Recipe, who: str) -> str:
    """Why nothing is said of images of many sizes; a batch of one image holds any of them."""
    why = "single ones are not predicted" if recipe.batch == 1 and not recipe.build else who
    return f"images are not resized and differ in size: {why}"


def shm(recipe: Recipe, images: Images, machine: Machine) -> list[Estimate]:
    """The batches that wait and, for the total, the largest batch that fits; empty where none is taken."""
    if unneeded(recipe) or unpredicted(recipe, images):
        return []
    stage = batches(recipe, images, RESOURCE)
    if machine.shm is None:
        return [stage, total([stage], available=None)]
    available = float(machine.shm)

    def fits(batch: int) -> bool:
        return batches(replace(recipe, batch=batch), images, RESOURCE).high <= MARGIN * available

    return [stage, replace(total([stage], available=available), largest_batch=largest(fits))]


def batches(recipe: Recipe, images: Images, resource: str) -> Estimate:
    """The same bytes are shared memory and host memory."""
    size, number = batch_bytes(recipe, images), held(recipe, images)
    workers, each = recipe.workers or 0, recipe.ahead // (recipe.workers or 1)
    formula = f"({workers} workers x {each} batches + 1)"
    if number.expected < recipe.ahead + 1:
        formula = f"{number.expected:g} batches, which are an epoch,"
    return Estimate(
        resource,
        "batches",
        number.low * size,
        number.expected * size,
        number.high * size,
        f"{formula} of {batch_of(recipe, images):,} x {values_of(recipe, images) * ITEM_BYTES[recipe.dtype]:,.0f} B",
    )
