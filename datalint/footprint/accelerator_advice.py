"""What to change so that training fits on the accelerator, each change predicted again."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from datalint.footprint.accelerator import hopeless, subject, whole
from datalint.footprint.advice import Change
from datalint.footprint.images import batch_of
from datalint.footprint.model.network import Network, NetworkError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from datalint.footprint.accelerator import Device
    from datalint.footprint.estimate import Estimate
    from datalint.footprint.images import Images
    from datalint.footprint.peaks import Peaks
    from datalint.footprint.recipe import Recipe

GRAPH = "tf-graph"
_GRAPH_WORDS = ("executor tf-graph, which is `jit_compile=False`",)


@dataclass(frozen=True, slots=True)
class _Question:
    """Whether a recipe fits, asked of the same model on the same device."""

    images: Images
    network: Network | str | None
    device: Device
    readings: Sequence[Peaks]

    def total(self, recipe: Recipe, *, searched: bool = False) -> Estimate | None:
        """None where it is not predicted."""
        return whole(recipe, self.images, self.network, self.device, self.readings, searched=searched)


def accelerator_changes(
    recipe: Recipe,
    images: Images,
    network: Network | str | None,
    device: Device,
    readings: Sequence[Peaks] = (),
) -> Iterator[Change]:
    """Changes after which it fits, the one that asks least of the user first.

    A smaller batch sums gradients up, so that an update sees as many samples as before; only a model that nobody
    could follow then, since it was measured without, gets a smaller batch alone. Where nothing else helps, everything
    is tried under the executor that takes least.
    """
    asked = _Question(images, network, device, readings)
    if not isinstance(network, Network):
        yield from _unfollowed(recipe, asked)
        return
    found: dict[frozenset[str], int] = {}
    for words, changed in (*_executor(recipe, alone=True), *_candidates(recipe, network, device)):
        change = _changed(words, changed, recipe, asked)
        # What leads to no larger batch than a part of it is asked for nothing.
        if change and all(change.recipe.batch > batch for part, batch in found.items() if part <= {*words}):
            found[frozenset(words)] = change.recipe.batch
            yield change
    if not found:
        for words, switched in _executor(recipe, alone=False):
            for more, changed in _candidates(switched, network, device):
                change = _changed((*words, *more), changed, recipe, asked) if more else None
                if change:
                    yield change


def _changed(words: tuple[str, ...], changed: Recipe, recipe: Recipe, asked: _Question) -> Change | None:
    """As it is, which for the recipe itself is known not to do, or with gradients summed up."""
    return (_fitting(words, changed, asked) if changed != recipe else None) or _accumulated(words, changed, asked)


def _executor(recipe: Recipe, *, alone: bool) -> Iterator[tuple[tuple[str, ...], Recipe]]:
    """TensorFlow's own graph instead of XLA, which takes gigabytes while it tries algorithms.

    `alone`: nothing but a smaller batch comes first.
    """
    if alone:
        yield (), recipe
    if recipe.executor in (None, "xla") and recipe.framework == "keras":
        yield _GRAPH_WORDS, replace(recipe, executor=GRAPH)


def _candidates(recipe: Recipe, network: Network, device: Device) -> Iterator[tuple[tuple[str, ...], Recipe]]:
    """What to change beside the batch: precision, optimizer, and last the size of images."""
    try:
        taken = subject(recipe, network)
    except NetworkError:
        return
    plain = recipe
    words: tuple[str, ...] = ()

    def worth(changed: Recipe) -> bool:
        return not hopeless(changed, network, device, than=plain)

    if taken.precision == "float32":
        words, recipe = ("precision mixed_float16",), replace(recipe, precision="mixed_float16")
        if worth(recipe):
            yield words, recipe
    if taken.slots and worth(plainer := replace(recipe, optimizer="sgd")):
        yield (*words, "optimizer sgd"), plainer
    if not network.fixed and recipe.input_height and recipe.input_width and min(taken.shape[:2]) > 1:
        height, width = recipe.input_height // 2, recipe.input_width // 2
        smaller = replace(recipe, input_height=height, input_width=width)
        if worth(smaller):
            yield (*words, f"half the height and width: {height} x {width}"), smaller


def _fitting(words: tuple[str, ...], recipe: Recipe, asked: _Question) -> Change | None:
    total = asked.total(recipe)
    return Change(" and ".join(words), recipe, total) if total and total.fit == "fits" else None


def _accumulated(words: tuple[str, ...], recipe: Recipe, asked: _Question) -> Change | None:
    """With a batch that fits, and as many steps as make up the samples of an update."""
    fed = batch_of(recipe, asked.images)
    update = fed * (recipe.gradient_accumulation or 1)
    summing = replace(recipe, gradient_accumulation=max(2, recipe.gradient_accumulation or 1))
    total = asked.total(summing, searched=True)
    most = min(total.largest_batch or 0, fed) if total else 0
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
    return _fitting((*words, summed), replace(recipe, batch=batch, gradient_accumulation=steps), asked)


def _unfollowed(recipe: Recipe, asked: _Question) -> Iterator[Change]:
    """Of a model that only a dry run knows."""
    for words, changed in _executor(recipe, alone=True):
        change = _fitting(words, changed, asked) if words else None
        if change is None:
            total = asked.total(changed, searched=True)
            if total is None or not total.largest_batch:
                continue
            less = replace(changed, batch=total.largest_batch)
            change = _fitting((*words, f"a batch of {total.largest_batch:,}"), less, asked)
        if change:
            yield change
