"""Disk that `cache(FILE)` fills: one record a decoded image, or a batch where batches are cached.

TensorFlow 2.21 wrote the values as they are and 65 to 71 bytes around each of 50 to 12,000 images of 48 to 512 pixels,
label included, and never more than that while it wrote.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Protocol

from datalint.footprint.estimate import MARGIN, Estimate, total
from datalint.footprint.images import batch_of, values_of
from datalint.footprint.recipe import ITEM_BYTES

if TYPE_CHECKING:
    from datalint.footprint.images import Images
    from datalint.footprint.recipe import Recipe

RESOURCE = "disk"
_RECORD, _LABEL = 64, 4
"""Bytes around the values of one record, and of each label in it."""
_SLACK = 0.01


class Machine(Protocol):
    """What is asked of a target."""

    @property
    def disk(self) -> int | None: ...


def unpredicted(recipe: Recipe, images: Images) -> str | None:
    """Why nothing is said about the disk; None where it is predicted, or nothing is written."""
    if recipe.cache != "disk":
        return None
    if not images.loaded:
        return "no training samples"
    if recipe.input_height is None and not images.measured:
        return "images are not resized and none of their sizes is known"
    return None


def disk(recipe: Recipe, images: Images, machine: Machine) -> list[Estimate]:
    """The cache file and, for the total, the largest dataset that fits; empty where none is written."""
    if recipe.cache != "disk" or unpredicted(recipe, images):
        return []
    record = batch_of(recipe, images) if recipe.cached_in_batches else 1
    element = values_of(recipe, images) * ITEM_BYTES[recipe.dtype] + _LABEL + _RECORD / record
    size = images.loaded * element
    formula = f"{images.loaded:,} samples x {element:,.0f} B"
    stage = Estimate(RESOURCE, "cache", size * (1 - _SLACK), size, size * (1 + _SLACK), formula)
    if machine.disk is None:
        return [stage, total([stage], available=None)]
    largest = int(MARGIN * machine.disk / (element * (1 + _SLACK)))
    return [stage, replace(total([stage], available=float(machine.disk)), largest_n_samples=largest)]
