"""What to change so that training fits in host memory: the same recipe with one thing different, predicted again."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from datalint.footprint import disk
from datalint.footprint.estimate import TOTAL
from datalint.footprint.host import host_memory
from datalint.footprint.recipe import STREAMS
from datalint.sizes import size

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import Protocol

    from datalint.footprint import host
    from datalint.footprint.estimate import Estimate
    from datalint.footprint.images import Images
    from datalint.footprint.recipe import Recipe

    class Machine(host.Machine, disk.Machine, Protocol):
        """What is asked of a target."""


_SMALLER_BUFFER = 100


@dataclass(frozen=True, slots=True)
class Change:
    """A sentence for people, the recipe that it leads to, and the total that is then predicted."""

    what: str
    recipe: Recipe
    total: Estimate

    def __str__(self) -> str:
        return f"{self.what} ({size(self.total.expected)})"


def changes(recipe: Recipe, images: Images, machine: Machine) -> list[Change]:
    """Changes after which it fits, the one that asks least of the user first; two at once where one is not enough."""
    found = _fitting(recipe, images, machine)
    if found or recipe.prefetch is not None or recipe.loader not in STREAMS:
        return found
    fixed = _fitting(replace(recipe, prefetch=2, ram_budget=None), images, machine)
    return [replace(change, what=f"prefetch(2) instead of AUTOTUNE, and {change.what}") for change in fixed]


def _fitting(recipe: Recipe, images: Images, machine: Machine) -> list[Change]:
    found = []
    for what, changed in (*_candidates(recipe), *_batch(recipe, images, machine), *_size(recipe)):
        total = _total(changed, images, machine)
        if total and total.fit == "fits" and not any(row.unfit for row in disk.disk(changed, images, machine)):
            found.append(Change(what, changed, total))
    return found


def _total(recipe: Recipe, images: Images, machine: Machine) -> Estimate | None:
    return next((row for row in host_memory(recipe, images, machine) if row.stage == TOTAL), None)


def smallest(recipe: Recipe, images: Images, machines: Mapping[str, Machine]) -> str | None:
    """The name of the machine with the least host memory on which it fits; None where it fits on none."""
    by_memory = sorted((machine.usable, name) for name, machine in machines.items() if machine.usable is not None)
    for _, name in by_memory:
        total = _total(recipe, images, machines[name])
        if total and total.fit == "fits":
            return name
    return None


def _candidates(recipe: Recipe) -> Iterator[tuple[str, Recipe]]:
    """From a word in the pipeline to another way of loading."""
    if recipe.loader in STREAMS:
        yield from _pipeline(recipe)
    if recipe.workers and recipe.workers > 1:
        fewer = recipe.workers // 2
        yield f"{fewer:,} workers instead of {recipe.workers:,}", replace(recipe, workers=fewer)
    if recipe.build and recipe.dtype != "uint8":
        unscaled = replace(recipe, dtype="uint8", array_scale="none")
        yield "keep the array in uint8 and scale in the model: Rescaling(1 / 255)", unscaled
    if recipe.loader in ("array", "from_tensor_slices"):
        batches = replace(recipe, loader="sequence", array_build=recipe.build, validation_split=None)
        yield "hand over batches of the array with keras.utils.PyDataset", replace(batches, shuffle_buffer=None)
    if recipe.build:
        plain = {"array_build": None, "array_scale": "none", "array_split": "none", "shuffle_buffer": None}
        streamed = replace(recipe, loader="files", prefetch=2, shuffle_stage=None, **plain)  # type: ignore[arg-type]
        yield "decode from files with tf.data: map, batch, prefetch(2)", streamed


def _batch(recipe: Recipe, images: Images, machine: Machine) -> Iterator[tuple[str, Recipe]]:
    total = _total(recipe, images, machine)
    if total and total.largest_batch and total.largest_batch < recipe.batch:
        # Replicas want equal shares.
        batch = total.largest_batch - total.largest_batch % recipe.replicas or total.largest_batch
        yield f"a batch of {batch:,}", replace(recipe, batch=batch)


def _size(recipe: Recipe) -> Iterator[tuple[str, Recipe]]:
    if recipe.input_height and recipe.input_width and min(recipe.input_height, recipe.input_width) > 1:
        height, width = recipe.input_height // 2, recipe.input_width // 2
        yield f"half the height and width: {height} x {width}", replace(recipe, input_height=height, input_width=width)


def _pipeline(recipe: Recipe) -> Iterator[tuple[str, Recipe]]:
    if recipe.prefetch is None:
        yield "prefetch(2) instead of AUTOTUNE", replace(recipe, prefetch=2, ram_budget=None)
    if recipe.shuffle_buffer is not None:
        if recipe.stage != "encoded" and recipe.loader != "image_dataset_from_directory":
            yield "shuffle before decoding", replace(recipe, shuffle_stage="encoded")
        if recipe.loader == "image_dataset_from_directory":
            alone = replace(recipe, shuffle_buffer=None, shuffle_stage=None)
            yield "drop the shuffle: image_dataset_from_directory shuffles file names by itself", alone
        if recipe.shuffle_buffer > _SMALLER_BUFFER:
            smaller = replace(recipe, shuffle_buffer=_SMALLER_BUFFER)
            yield f"a shuffle buffer of {_SMALLER_BUFFER}", smaller
    if recipe.cache == "memory":
        yield "cache to a file", replace(recipe, cache="disk")
