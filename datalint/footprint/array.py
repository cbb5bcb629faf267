"""Host memory of recipes that load everything: who is alive when most of it is.

A recipe is replayed as a row of allocations. Which copies NumPy, Keras 3.15 and TensorFlow 2.21 make was measured in
fresh processes (`python -m bench.footprint host`):

- `fit(x=array)`, `evaluate` and `predict` convert the array to a tensor and then capture it in a dataset: two copies
  beside the array, of which one stays. An array of float16 or float64 is first cast to float32, a copy more, which
  stays where `validation_split` takes slices of it.
- validation data is converted in the same way while the training copy is still there.
- `from_tensor_slices` keeps both copies.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from datalint.footprint.estimate import Stage
from datalint.footprint.images import batch_of, values_of
from datalint.footprint.recipe import ITEM_BYTES

if TYPE_CHECKING:
    from collections.abc import Mapping

    from datalint.footprint.images import Images
    from datalint.footprint.recipe import Recipe

KERAS_FLOAT = 4
"""Bytes of a value after Keras has cast an array of floats (`keras.config.floatx()` is float32)."""
BATCHES = 4
"""Batches on their way to the model, as float32."""
_CAST = ("float16", "float64")
_FED = ("fit", "fit cast")
LEAST_FED = 0.6
"""Share of the samples that `train_test_split` leaves to `fit` at least: scikit-learn's own is 0.75, and people split
60/20/20. Nobody says it in the recipe, so all of them are expected to be fed, and this share in the lower bound."""


@dataclass(slots=True)
class Timeline:
    """Allocations by name, in bytes; `peak` is what was alive at the moment when it was most."""

    alive: dict[str, float] = field(default_factory=dict)
    peak: Mapping[str, float] = field(default_factory=dict)

    def allocate(self, name: str, size: float) -> None:
        self.alive[name] = self.alive.get(name, 0.0) + size
        if sum(self.alive.values()) > sum(self.peak.values()):
            self.peak = {stage: held for stage, held in self.alive.items() if held}

    def free(self, name: str) -> None:
        self.alive.pop(name, None)


def array_stages(recipe: Recipe, images: Images) -> list[Stage]:
    """What is alive at the peak.

    `validation_split` is taken from the training samples, as `fit` does it; `array_split` is scikit-learn's
    `train_test_split`. Samples of a split `test` are not loaded.
    """
    time = Timeline()
    values = values_of(recipe, images)
    size = ITEM_BYTES[recipe.dtype]
    train, val = images.train * values, images.val * values
    for loaded in filter(None, (train, val)):
        _build(time, recipe, loaded, size)
    if recipe.array_split != "none":
        time.allocate("split", train * size)
        if recipe.array_split == "source_freed":
            time.alive["array"] -= train * size
    _feed(time, recipe, train, val, batches=BATCHES * batch_of(recipe, images) * values * max(size, KERAS_FLOAT))
    samples = f"{images.loaded:,} samples x {values:,.0f} values"
    stages = [Stage(name, held, f"{samples} x {held / (train + val):.3g} B") for name, held in time.peak.items()]
    if recipe.array_split == "none" or recipe.validation_split:
        return stages
    return [stage._replace(least=LEAST_FED * stage.size) if stage.name in _FED else stage for stage in stages]


def _build(time: Timeline, recipe: Recipe, values: float, size: int) -> None:
    """From decoded images to the array that is passed on."""
    scale = recipe.array_scale
    first = 1 if scale in ("cast_and_divide", "divide_uint8") else size
    listed = recipe.build != "preallocated"
    if listed:
        time.allocate("list", values * (size if scale == "per_image" else 1))
    made = "array" if scale in ("none", "in_place", "per_image") else "unscaled"
    time.allocate(made, values * first)
    if recipe.build == "list_freed":
        time.free("list")
    if scale == "cast_and_divide":
        time.allocate("cast", values * size)
    if made == "unscaled":
        time.allocate("array", values * size)
        time.free("unscaled")
        time.free("cast")


def _feed(time: Timeline, recipe: Recipe, train: float, val: float, *, batches: float) -> None:
    """What the framework copies of `train` and `val` channel values; `batches` are the bytes on their way."""
    share = recipe.validation_split or 0.0
    size = ITEM_BYTES[recipe.dtype]
    if recipe.loader == "sequence":
        # It hands over views of the array.
        time.allocate("batches", batches)
        return
    if recipe.loader == "from_tensor_slices":
        # Both copies live as long as the dataset, also where a part of it is taken for validation.
        time.allocate("fit", 2 * train * size)
        if val:
            time.allocate("validation", 2 * val * size)
        time.allocate("batches", batches)
        return
    casts = recipe.dtype in _CAST
    if casts:
        size = KERAS_FLOAT
        time.allocate("fit cast", train * size)
    _capture(time, "fit", train * (1 - share) * size)
    if casts and not share:
        time.free("fit cast")
    time.allocate("batches", batches)
    if casts and val:
        time.allocate("validation cast", val * size)
    if val or share:
        # With a share split off, what is validated is a part of what was cast.
        _capture(time, "validation", (val or train * share) * size)


def _capture(time: Timeline, stage: str, size: float) -> None:
    """The tensor and the constant made of it; the constant stays."""
    time.allocate(stage, 2 * size)
    time.alive[stage] -= size
