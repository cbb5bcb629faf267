"""What the footprint needs to know of a dataset: how many samples, how large encoded, how large decoded."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass, replace
from itertools import compress
from operator import mul
from typing import TYPE_CHECKING, NamedTuple, cast

if TYPE_CHECKING:
    from datalint.footprint.recipe import Recipe
    from datalint.tables import Data

_CHANNELS = 3
"""Of an image that is resized and not converted: nearly all are RGB."""


class Kind(NamedTuple):
    """Files that one decoder reads: how many, and their encoded bytes and pixels together."""

    format: str
    """As in `files`, and `progressive jpeg`."""
    files: int
    size_bytes: int
    pixels: int


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
    kinds: tuple[Kind, ...] = ()
    """The same files by their format, without trailing bytes and metadata, on which no decoder spends time."""

    @property
    def loaded(self) -> int:
        """Samples that training holds or streams; a test split is not among them."""
        return self.train + self.val

    def grown(self, loaded: int) -> Images:
        """The same dataset with another number of samples, shared between the splits as now."""
        train = math.ceil(self.train * loaded / self.loaded)
        return replace(self, train=train, val=loaded - train)


def images_of(samples: Data, files: Data, *, channels: int | None) -> Images:
    """Counted from the tables. `channels` is what the loader converts to.

    Where no split is called `train`, everything trains that is in no evaluation split; else only that and what is in
    no split.

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
        train=splits["train"] + splits[None] if splits["train"] else splits.total() - splits["val"] - splits["test"],
        val=splits["val"],
        encoded_mean=sum(encoded) / count if count else 0.0,
        decoded_mean=sum(decoded) / count if count else 0.0,
        decoded_max=float(max(decoded, default=0)),
        measured=count,
        sizes=len(set(zip(width, height, strict=True))),
        kinds=kinds_of(files),
    )


def kinds_of(files: Data) -> tuple[Kind, ...]:
    """The sound files of table `files` by what their decoding costs."""
    names = ("status", "format", "progressive", "size_bytes", "trailing_bytes", "metadata_bytes", "width", "height")
    counted: dict[tuple[object, object], list[int]] = {}
    for row in zip(*(files.columns[name] for name in names), strict=True):
        status, format_, slow, size, rest, extra, width, height = cast(
            "tuple[str, str, bool, int, int | None, int | None, int, int]", row
        )
        if status != "ok":
            continue
        kind = counted.setdefault((format_, slow), [0, 0, 0])
        kind[0] += 1
        kind[1] += size - (rest or 0) - (extra or 0)
        kind[2] += width * height
    return tuple(
        Kind(f"progressive {format_}" if slow and format_ == "jpeg" else str(format_), *sums)
        for (format_, slow), sums in sorted(counted.items(), key=str)
    )


def trained_of(recipe: Recipe, images: Images) -> float:
    """Samples that train once `validation_split` is cut off, not rounded: each loader rounds in its own way."""
    return images.train * (1 - (recipe.validation_split or 0.0))


def batch_of(recipe: Recipe, images: Images) -> int:
    """Samples of the largest batch: all that train where they are fewer than `batch`.

    With `steps_per_epoch` they may be repeated, and batches are full.
    """
    if recipe.steps_per_epoch is not None:
        return recipe.batch
    trained = images.train - math.floor(images.train * (recipe.validation_split or 0.0))
    return max(1, min(recipe.batch, max(trained, images.val)))


def values_of(recipe: Recipe, images: Images) -> float:
    """Channel values of one element as the model gets it: height x width x channels."""
    if recipe.input_height is None or recipe.input_width is None:
        return images.decoded_mean
    return float(recipe.input_height * recipe.input_width * (recipe.input_channels or _CHANNELS))
