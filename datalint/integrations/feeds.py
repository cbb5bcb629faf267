"""A recipe's input, as its loader makes it of files: a tf.data pipeline or an array."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from datalint.footprint.recipe import Recipe

COLOR_MODES = {1: "grayscale", 3: "rgb", 4: "rgba"}
"""Channels -> what Keras calls them."""
MODES = {1: "L", 3: "RGB", 4: "RGBA"}
"""Channels -> what Pillow calls them."""
SUFFIXES = (".bmp", ".gif", ".jpeg", ".jpg", ".png")
"""Of files that image_dataset_from_directory takes."""


def link(paths: Sequence[bytes], labels: Sequence[int], folder: str) -> None:
    """A folder a class with links to the files, for a loader that wants a directory."""
    for label in sorted(set(labels)):
        os.makedirs(os.path.join(folder, f"{label:06}"))
    for number, (path, label) in enumerate(zip(paths, labels, strict=True)):
        suffix = os.path.splitext(os.fsdecode(path))[1].lower()
        name = f"{number:08}{suffix if suffix in SUFFIXES else SUFFIXES[-1]}"
        os.symlink(os.path.abspath(os.fsdecode(path)), os.path.join(folder, f"{label:06}", name))


def write_records(paths: Sequence[bytes], file: str) -> None:
    """One record an image, its bytes as they are."""
    import tensorflow as tf

    with tf.io.TFRecordWriter(file) as out:
        for path in paths:
            with open(path, "rb") as image:
                out.write(image.read())


def stream(
    recipe: Recipe, place: str | Sequence[bytes], *, channels: int, cache: str | None, subset: str | None = None
) -> Any:
    """Read -> decode -> [cache] -> [shuffle] -> batch -> [shuffle] -> prefetch, up to the model.

    `place` is the folder, the TFRecord or the files; `channels` what an image has, also where the loader does not
    convert; `cache` the file of a cache on disk, or "" for one in memory.
    """
    import tensorflow as tf

    calls = recipe.parallel_calls or tf.data.AUTOTUNE
    buffer = recipe.shuffle_buffer if subset != "validation" else None
    stage = recipe.stage if buffer else None
    batched = False
    if recipe.loader == "image_dataset_from_directory":
        # Whatever is done to single images is done before Keras makes batches, if it is asked for none.
        batched = stage != "decoded" and not recipe.drop_remainder
        data = _directory(recipe, str(place), batched=batched, subset=subset)
        if recipe.dtype != "float32":
            data = data.map(lambda image, label: (tf.cast(image, recipe.dtype), label))
    else:
        if recipe.loader == "tfrecord":
            data = tf.data.TFRecordDataset(place)
        else:
            data = tf.data.Dataset.from_tensor_slices(list(place))
            if stage == "names":
                data = data.shuffle(buffer)
            data = data.map(tf.io.read_file)
        if stage == "encoded":
            data = data.shuffle(buffer)
        data = data.map(
            # A model must know how many channels it gets, and `channels=0` does not tell.
            lambda encoded: (tf.ensure_shape(decoded(recipe, encoded), (None, None, channels)), 0),
            num_parallel_calls=calls,
        )
    if cache is not None:
        data = data.cache(cache)
    if stage == "decoded":
        data = data.shuffle(buffer)
    if not batched:
        data = data.batch(recipe.batch, drop_remainder=recipe.drop_remainder)
    if stage == "batched":
        data = data.shuffle(buffer)
    if recipe.prefetch != 0:
        data = data.prefetch(tf.data.AUTOTUNE if recipe.prefetch is None else recipe.prefetch)
    if recipe.ram_budget is not None:
        options = tf.data.Options()
        options.autotune.ram_budget = recipe.ram_budget
        data = data.with_options(options)
    return data


def decoded(recipe: Recipe, encoded: Any) -> Any:
    """One image as a tensor, by what every tf.data recipe does."""
    import tensorflow as tf

    image = tf.io.decode_image(encoded, channels=recipe.input_channels or 0, expand_animations=False)
    if recipe.input_height is not None:
        image = tf.image.resize(image, (recipe.input_height, recipe.input_width))
    return tf.cast(image, recipe.dtype)


def _directory(recipe: Recipe, folder: str, *, batched: bool, subset: str | None) -> Any:
    import keras

    trains = subset != "validation"
    share = {"validation_split": recipe.validation_split, "subset": subset} if recipe.validation_split else {}
    return keras.utils.image_dataset_from_directory(
        folder,
        color_mode=COLOR_MODES[recipe.input_channels or 3],
        batch_size=recipe.batch if batched else None,
        image_size=(recipe.input_height, recipe.input_width),
        # The parts of a split are those of one order.
        shuffle=recipe.shuffle is not False and (trains or bool(share)),
        seed=0,
        verbose=False,
        **share,
    )


def picture(recipe: Recipe, path: bytes) -> Any:
    """One image as people load it into an array: `np.array(Image.open(f).convert(...).resize(...))`, in uint8."""
    import numpy as np
    from PIL import Image

    with Image.open(os.fsdecode(path)) as image:
        mode = MODES.get(recipe.input_channels or 0, image.mode)
        found: Image.Image = image if image.mode == mode else image.convert(mode)
        if recipe.input_height is not None and recipe.input_width is not None:
            found = found.resize((recipe.input_width, recipe.input_height))
        array = np.array(found)
    return array if array.ndim == 3 else array[..., None]


def build(recipe: Recipe, paths: Sequence[bytes], tell: Callable[[int], None]) -> tuple[Any, list[Any]]:
    """The array and whatever stays alive beside it, made as the recipe says; `tell` hears how many are decoded."""
    import numpy as np

    scale = recipe.array_scale

    def one(number: int) -> Any:
        image = picture(recipe, paths[number])
        tell(number + 1)
        return image.astype(recipe.dtype) / 255.0 if scale == "per_image" else image

    first: Any = np.uint8 if scale in ("cast_and_divide", "divide_uint8") else np.dtype(recipe.dtype)
    images: list[Any] = []
    if recipe.build == "preallocated":
        shape = picture(recipe, paths[0]).shape
        array = np.empty((len(paths), *shape), first)
        for number in range(len(paths)):
            array[number] = one(number)
    else:
        images = [one(number) for number in range(len(paths))]
        array = np.array(images, first)
        if recipe.build == "list_freed":
            images = []
    if scale == "in_place":
        array /= 255
    elif scale in ("divide", "divide_uint8"):
        array = array / 255.0
    elif scale == "cast_and_divide":
        array = array.astype(recipe.dtype) / 255.0
    return array, images
