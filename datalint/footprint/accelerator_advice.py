"""What to change so that training fits on the accelerator, each change predicted again."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from datalint.footprint.accelerator import accelerator_memory, subject
from datalint.footprint.advice import Change
from datalint.footprint.estimate import TOTAL
from datalint.footprint.images import batch_of
from datalint.footprint.model.network import Network, NetworkError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from datalint.footprint.accelerator import Device
    from datalint.footprint.estimate import Estimate
    from datalint.footprint.images import Images
    from datalint.footprint.recipe import Recipe


def accelerator_changes(
    recipe: Recipe, images: Images, network: Network | str | None, device: Device
) -> Iterator[Change]:
    """Changes after which it fits, the one that asks least of the user first.

    A smaller batch sums gradients up, so that an update sees as many samples as before.
    """
    for words, changed in _candidates(recipe, network):
        for with_batch in (False, True):
            more, complete = _accumulated(changed, images, network, device) if with_batch else ((), changed)
            total = complete and _total(complete, images, network, device)
            if complete and total and total.fit == "fits":
                yield Change(" and ".join((*words, *more)), complete, total)
                break


def _candidates(recipe: Recipe, network: Network | str | None) -> Iterator[tuple[tuple[str, ...], Recipe]]:
    """What to change beside the batch, from nothing to another optimizer and smaller images."""
    yield (), recipe
    if not isinstance(network, Network):
        return
    try:
        taken = subject(recipe, network)
    except NetworkError:
        return
    words: tuple[str, ...] = ()
    if taken.precision == "float32":
        words, recipe = ("precision mixed_float16",), replace(recipe, precision="mixed_float16")
        yield words, recipe
    if taken.slots:
        yield (*words, "optimizer sgd"), replace(recipe, optimizer="sgd")
    if not network.fixed and recipe.input_height and recipe.input_width and min(taken.shape[:2]) > 1:
        height, width = recipe.input_height // 2, recipe.input_width // 2
        smaller = replace(recipe, input_height=height, input_width=width)
        yield (*words, f"half the height and width: {height} x {width}"), smaller


def _accumulated(
    recipe: Recipe, images: Images, network: Network | str | None, device: Device
) -> tuple[tuple[str, ...], Recipe | None]:
    """The same with a batch that fits, and as many steps as make up the samples of an update; None where none does."""
    update = batch_of(recipe, images) * (recipe.gradient_accumulation or 1)
    summed = replace(recipe, gradient_accumulation=max(2, recipe.gradient_accumulation or 1))
    total = _total(summed, images, network, device)
    most = min(total.largest_batch or 0, batch_of(recipe, images)) if total else 0
    if not most:
        return (), None
    # A divisor leaves the update as it was; a much smaller one would only be slower.
    batch = next((size for size in range(most, most // 2, -1) if update % size == 0), most)
    steps = -(-update // batch)
    if steps == 1:
        return (), None
    words = f"a batch of {batch:,} with gradient accumulation over {steps:,} steps"
    return (words,), replace(recipe, batch=batch, gradient_accumulation=steps)


def _total(recipe: Recipe, images: Images, network: Network | str | None, device: Device) -> Estimate | None:
    return next((row for row in accelerator_memory(recipe, images, network, device) if row.stage == TOTAL), None)
