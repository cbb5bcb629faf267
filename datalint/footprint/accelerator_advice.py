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
    from collections.abc import Callable, Iterator, Sequence

    from datalint.footprint.accelerator import Device
    from datalint.footprint.estimate import Estimate
    from datalint.footprint.images import Images
    from datalint.footprint.peaks import Peaks
    from datalint.footprint.recipe import Recipe

    Predict = Callable[[Recipe], Estimate | None]
    """The total of a recipe; None where it is not predicted."""


def accelerator_changes(
    recipe: Recipe,
    images: Images,
    network: Network | str | None,
    device: Device,
    readings: Sequence[Peaks] = (),
) -> Iterator[Change]:
    """Changes after which it fits, the one that asks least of the user first.

    A smaller batch sums gradients up, so that an update sees as many samples as before; only a model that nobody
    could follow then, since it was measured without, gets a smaller batch alone.
    """

    def predict(recipe: Recipe) -> Estimate | None:
        rows = accelerator_memory(recipe, images, network, device, readings)
        return next((row for row in rows if row.stage == TOTAL), None)

    if not isinstance(network, Network):
        yield from _smaller(recipe, predict)
        return
    for words, changed in _candidates(recipe, network):
        found = _fitting(words, changed, predict) or _accumulated(words, changed, images, predict)
        if found:
            yield found


def _candidates(recipe: Recipe, network: Network) -> Iterator[tuple[tuple[str, ...], Recipe]]:
    """What to change beside the batch, from nothing to another optimizer and smaller images."""
    yield (), recipe
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


def _fitting(words: tuple[str, ...], recipe: Recipe, predict: Predict) -> Change | None:
    total = predict(recipe)
    return Change(" and ".join(words), recipe, total) if total and total.fit == "fits" else None


def _accumulated(words: tuple[str, ...], recipe: Recipe, images: Images, predict: Predict) -> Change | None:
    """With a batch that fits, and as many steps as make up the samples of an update."""
    update = batch_of(recipe, images) * (recipe.gradient_accumulation or 1)
    total = predict(replace(recipe, gradient_accumulation=max(2, recipe.gradient_accumulation or 1)))
    most = min(total.largest_batch or 0, batch_of(recipe, images)) if total else 0
    if not most:
        return None
    # A divisor leaves the update as it was; a much smaller one would only be slower. Replicas want equal shares.
    even = range(most - most % recipe.replicas, most // 2, -recipe.replicas)
    batch = next((size for size in even if update % size == 0), 0)
    if not batch:
        shares = -(-update // -(-update // most))
        batch = min(-(-shares // recipe.replicas) * recipe.replicas, most)
    steps = -(-update // batch)
    if steps == 1:
        return None
    summed = f"a batch of {batch:,} with gradient accumulation over {steps:,} steps"
    return _fitting((*words, summed), replace(recipe, batch=batch, gradient_accumulation=steps), predict)


def _smaller(recipe: Recipe, predict: Predict) -> Iterator[Change]:
    total = predict(recipe)
    if total and total.largest_batch:
        found = _fitting((f"a batch of {total.largest_batch:,}",), replace(recipe, batch=total.largest_batch), predict)
        if found:
            yield found
