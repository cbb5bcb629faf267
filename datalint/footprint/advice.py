"""What to change so that training fits in host memory: the same recipe with one thing different, predicted again."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from datalint.footprint import disk
from datalint.footprint.host import largest_batch, whole
from datalint.footprint.recipe import PREFETCH_FACTOR, STREAMS
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


def changes(recipe: Recipe, images: Images, machine: Machine) -> Iterator[Change]:
    """Changes after which it fits, the one that asks least of the user first; two at once where one is not enough."""
    found = False
    for change in _fitting(recipe, images, machine):
        found = True
        yield change
    if found or recipe.prefetch is not None or recipe.loader not in STREAMS:
        return
    for change in _fitting(replace(recipe, prefetch=2, ram_budget=None), images, machine):
        yield replace(change, what=f"prefetch(2) instead of AUTOTUNE, and {change.what}")


def _fitting(recipe: Recipe, images: Images, machine: Machine) -> Iterator[Change]:
    for what, changed in (*_candidates(recipe, machine), *_batch(recipe, images, machine), *_size(recipe)):
        total = whole(changed, images, machine)
        if total and total.fit == "fits" and not any(row.unfit for row in disk.disk(changed, images, machine)):
            yield Change(what, changed, total)


def smallest(recipe: Recipe, images: Images, machines: Mapping[str, Machine]) -> str | None:
    """The name of the machine with the least host memory on which it fits; None where it fits on none."""
    by_memory = sorted((machine.usable, name) for name, machine in machines.items() if machine.usable is not None)
    for _, name in by_memory:
        total = whole(recipe, images, machines[name])
        if total and total.fit == "fits":
            return name
    return None


def _candidates(recipe: Recipe, machine: Machine) -> Iterator[tuple[str, Recipe]]:
    """From a word in the pipeline to another way of loading."""
    if recipe.loader in STREAMS:
        yield from _pipeline(recipe, machine.cores or 1)
    if recipe.workers:
        yield from _workers(recipe, recipe.workers)
    if recipe.build and recipe.dtype != "uint8":
        unscaled = replace(recipe, dtype="uint8", array_scale="none")
        yield "keep the array in uint8 and scale in the model: Rescaling(1 / 255)", unscaled
    if recipe.loader in ("array", "from_tensor_slices"):
        batches = replace(recipe, loader="sequence", array_build=recipe.build, validation_split=None)
        yield "hand over batches of the array with keras.utils.PyDataset", replace(batches, shuffle_buffer=None)
    if recipe.build:
        yield "decode from files with tf.data: map, batch, prefetch(2)", _streamed(recipe)


def _streamed(recipe: Recipe) -> Recipe:
    """The same images from files: nothing of an array is left, and no argument of `fit` or of a PyDataset."""
    return replace(
        recipe,
        loader="files",
        prefetch=2,
        ram_budget=None,
        shuffle=None,
        shuffle_buffer=None,
        shuffle_stage=None,
        array_build=None,
        array_scale="none",
        array_split="none",
        workers=None,
    )


def _workers(recipe: Recipe, workers: int) -> Iterator[tuple[str, Recipe]]:
    ahead = recipe.prefetch_factor or PREFETCH_FACTOR
    if ahead > 1:
        yield f"prefetch_factor 1 instead of {ahead:,}", replace(recipe, prefetch_factor=1)
    if workers > 1:
        fewer = workers // 2
        yield (
            f"{fewer:,} {'worker' if fewer == 1 else 'workers'} instead of {workers:,}",
            replace(recipe, workers=fewer),
        )
    else:
        yield "no worker processes", replace(recipe, workers=None, prefetch_factor=None)


def _batch(recipe: Recipe, images: Images, machine: Machine) -> Iterator[tuple[str, Recipe]]:
    most = largest_batch(recipe, images, machine)
    if most and most < recipe.batch:
        # Replicas want equal shares.
        batch = most - most % recipe.replicas or most
        yield f"a batch of {batch:,}", replace(recipe, batch=batch)


def _size(recipe: Recipe) -> Iterator[tuple[str, Recipe]]:
    if recipe.input_height and recipe.input_width and min(recipe.input_height, recipe.input_width) > 1:
        height, width = recipe.input_height // 2, recipe.input_width // 2
        yield f"half the height and width: {height} x {width}", replace(recipe, input_height=height, input_width=width)


def _pipeline(recipe: Recipe, cores: int) -> Iterator[tuple[str, Recipe]]:
    if recipe.prefetch is None:
        yield "prefetch(2) instead of AUTOTUNE", replace(recipe, prefetch=2, ram_budget=None)
    if recipe.shuffle_buffer is not None:
        yield from _shuffle(recipe, recipe.shuffle_buffer)
    if recipe.cache == "memory":
        yield "cache to a file", replace(recipe, cache="disk")
    calls = recipe.parallel_calls or cores
    if calls > 1:
        yield f"decode one image at a time instead of {calls:,} (`parallel_calls`)", replace(recipe, parallel_calls=1)


def _shuffle(recipe: Recipe, buffer: int) -> Iterator[tuple[str, Recipe]]:
    if recipe.cache == "none":
        yield from _earlier_shuffle(recipe)
    if buffer > _SMALLER_BUFFER:
        yield f"a shuffle buffer of {_SMALLER_BUFFER}", replace(recipe, shuffle_buffer=_SMALLER_BUFFER)


def _earlier_shuffle(recipe: Recipe) -> Iterator[tuple[str, Recipe]]:
    """Of what weighs less. In front of a cache the order of the first epoch would be that of all."""
    alone = replace(recipe, shuffle_buffer=None, shuffle_stage=None)
    if recipe.loader == "image_dataset_from_directory" and recipe.shuffle is not False:
        yield "drop the shuffle: image_dataset_from_directory shuffles file names by itself", alone
    elif recipe.loader == "image_dataset_from_directory":
        words = "`shuffle=True` in image_dataset_from_directory, which shuffles file names, instead of the buffer"
        yield words, replace(alone, shuffle=True)
    elif recipe.loader == "files" and recipe.stage != "names":
        yield "shuffle file names before they are read", replace(recipe, shuffle_stage="names")
    elif recipe.loader == "tfrecord" and recipe.stage not in ("names", "encoded"):
        yield "shuffle before decoding", replace(recipe, shuffle_stage="encoded")
