"""What the footprint needs to know of a dataset: how many samples, how large encoded, how large decoded."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass, replace
from itertools import compress
from operator import mul
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from datalint.footprint.recipe import Recipe
    from datalint.tables import Data

_CHANNELS = 3
"""Of an image that is resized and not converted: nearly all are RGB."""


@dataclass(frozen=True, slots=True)
class Images:
    """Samples by use, and the sizes of their files: encoded in bytes, decoded in channel values."""

    train: int
    val: int = 0
    encoded_mean: float = 0.0
    decoded_mean: float = 0.0
    decoded_max: float = 0.0
    """Values of the largest image: it is decoded at full size, whatever it is resized to."""
    measured: int = 0
    """Files whose sizes are known; means and maximum are taken over them."""
    sizes: int = 1
    """Different pairs of width and height among them."""

    @property
    def loaded(self) -> int:
        """Samples that training holds or streams; a test split is not among them."""
        return self.train + self.val

    def grown(self, loaded: int) -> Images:
        """The same dataset with another number of samples, shared between the splits as now."""
        train = math.ceil(self.train * loaded / self.loaded)
        return replace(self, train=train, val=loaded - train)


def images_of(samples: Data, files: Data, *, channels: int | None) -> Images:
    """Counted from the tables; what is in no evaluation split trains. `channels` is what the loader converts to.

    Column by column, so that a million files take a tenth of a second.
    """
    splits = Counter(samples.columns["split"])
    known = [status == "ok" for status in files.columns["status"]]
    names = ("width", "height", "channels", "size_bytes")
    width, height, stored, encoded = (cast("list[int]", list(compress(files.columns[name], known))) for name in names)
    pixels = list(map(mul, width, height))
    decoded = [number * channels for number in pixels] if channels else list(map(mul, pixels, stored))
    count = len(decoded)
    return Images(
        train=splits.total() - splits["val"] - splits["test"],
        val=splits["val"],
        encoded_mean=sum(encoded) / count if count else 0.0,
        decoded_mean=sum(decoded) / count if count else 0.0,
        decoded_max=float(max(decoded, default=0)),
        measured=count,
        sizes=len(set(zip(width, height, strict=True))),
    )


def values_of(recipe: Recipe, images: Images) -> float:
    """Channel values of one element as the model gets it: height x width x channels."""
    if recipe.input_height is None or recipe.input_width is None:
        return images.decoded_mean
    return float(recipe.input_height * recipe.input_width * (recipe.input_channels or _CHANNELS))
