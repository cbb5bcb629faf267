"""One recipe, run for real in this process: `python -m bench.workload '{"recipe": {...}, ...}'` prints its peak.

The peak is VmHWM, the most that was resident, in bytes: what a memory limit and the kernel's killer look at.
"""

from __future__ import annotations

import io
import json
import os
import sys
from pathlib import Path
from typing import Any

from datalint.footprint.recipe import Recipe
from datalint.integrations import gauge

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
EXTRAS = ("matplotlib", "pandas", "pyarrow", "scipy")
"""What Keras imports where it is installed, 100 MiB together; not here, so that every machine measures the same."""
TFRECORDS = ".tfrecord"
PAUSES = (1, 6)
"""Steps at which training pauses until every buffer has filled, as under a consumer that is slower than the input."""
LONGEST_PAUSE = 60.0
"""Seconds: on a machine with other work, large images take that long to fill every buffer."""


def build_array(recipe: Recipe, samples: int) -> tuple[Any, list[Any]]:
    """The array and whatever stays alive beside it, made as the recipe says."""
    import numpy as np
    from PIL import Image

    height, width, channels = recipe.input_height or 0, recipe.input_width or 0, recipe.input_channels or 0
    encoded = io.BytesIO()
    Image.linear_gradient("L").resize((width, height)).convert("RGB").save(encoded, "JPEG")

    def decoded() -> Any:
        return np.array(Image.open(encoded))

    def prepared() -> Any:
        return decoded().astype(recipe.dtype) / 255.0

    scale = recipe.array_scale
    one = prepared if scale == "per_image" else decoded
    first: Any = np.uint8 if scale in ("cast_and_divide", "divide_uint8") else np.dtype(recipe.dtype)
    images: list[Any] = []
    if recipe.build == "preallocated":
        array = np.empty((samples, height, width, channels), first)
        for number in range(samples):
            array[number] = one()
    else:
        images = [one() for _ in range(samples)]
        array = np.array(images, first)
        if recipe.build == "list_freed":
            images = []
    if scale == "in_place":
        array /= 255
    elif scale == "divide":
        array = array / 255.0
    elif scale == "cast_and_divide":
        array = array.astype(recipe.dtype) / 255.0
    elif scale == "divide_uint8":
        array = array / 255.0
    return array, images


def warm_up(recipe: Recipe, *, fit: bool) -> None:
    """Load what would be loaded on the way, so that what follows allocates for the data alone."""
    if fit:
        run_array(recipe, train=2 * recipe.batch, val=0, call="fit")
    else:
        build_array(recipe, 2)


def model_for(shape: tuple[int | None, ...]) -> Any:
    """So small that what is measured is the data."""
    import keras

    layers = keras.layers
    model = keras.Sequential(
        [
            layers.Input(shape),
            layers.Rescaling(1.0),
            layers.AveragePooling2D(8),
            layers.GlobalAveragePooling2D(),
            layers.Dense(2),
        ]
    )
    model.compile("sgd", "mse")
    return model


def run_array(recipe: Recipe, *, train: int, val: int, call: str) -> None:
    """`fit`, `evaluate` or `predict` on arrays, slices of them or batches out of them."""
    import keras
    import numpy as np
    import tensorflow as tf

    array, kept = build_array(recipe, train)
    others, kept_too = build_array(recipe, val) if val else (None, [])
    kept = [kept, kept_too]
    if recipe.array_split != "none":
        # What sklearn.model_selection.train_test_split does: fancy indexing, so copies.
        order = np.random.default_rng(0).permutation(train)
        parts = array[order[: train // 5]], array[order[train // 5 :]]
        if recipe.array_split == "source_freed":
            array = None
        array, others, kept = parts[1], parts[0], [kept, array]
    answers = np.zeros((len(array), 2), "float32")
    model = model_for(array.shape[1:])
    if recipe.loader == "from_tensor_slices":
        slices = tf.data.Dataset.from_tensor_slices((array, answers))
        if recipe.shuffle_buffer:
            slices = slices.shuffle(recipe.shuffle_buffer)
        model.fit(slices.batch(recipe.batch).prefetch(2), verbose=0)
    elif recipe.loader == "sequence":

        class Slices(keras.utils.PyDataset):  # type: ignore[misc]
            def __len__(self) -> int:
                return len(array) // recipe.batch

            def __getitem__(self, index: int) -> Any:
                part = slice(index * recipe.batch, (index + 1) * recipe.batch)
                return array[part], answers[part]

        model.fit(Slices(), verbose=0)
    elif call == "predict":
        model.predict(array, batch_size=recipe.batch, verbose=0)
    elif call == "evaluate":
        model.evaluate(array, answers, batch_size=recipe.batch, verbose=0)
    else:
        extra = {} if others is None else {"validation_data": (others, np.zeros((len(others), 2), "float32"))}
        model.fit(
            array,
            answers,
            batch_size=recipe.batch,
            validation_split=recipe.validation_split or 0.0,
            verbose=0,
            **extra,
        )


def run_pipeline(recipe: Recipe, *, folder: str, train: int) -> None:
    """Read -> decode -> [cache] -> [shuffle] -> batch -> [shuffle] -> prefetch -> fit, with pauses."""
    import keras
    import tensorflow as tf

    def parsed(encoded: Any) -> Any:
        image = tf.io.decode_image(encoded, channels=recipe.input_channels, expand_animations=False)
        image = tf.image.resize(image, (recipe.input_height, recipe.input_width))
        return tf.cast(image, recipe.dtype), tf.zeros(2)

    names = sorted(str(path) for path in Path(folder).iterdir())
    buffer = recipe.shuffle_buffer
    if recipe.loader == "tfrecord":
        data = tf.data.TFRecordDataset([name for name in names if name.endswith(TFRECORDS)]).take(train)
    else:
        data = tf.data.Dataset.from_tensor_slices(names[:train])
        if buffer and recipe.stage == "names":
            data = data.shuffle(buffer)
        data = data.map(tf.io.read_file)
    calls = recipe.parallel_calls or tf.data.AUTOTUNE
    if buffer and recipe.stage == "encoded":
        data = data.shuffle(buffer)
    data = data.map(parsed, num_parallel_calls=calls)
    if recipe.cache == "memory":
        data = data.cache()
    if buffer and recipe.stage == "decoded":
        data = data.shuffle(buffer)
    data = data.batch(recipe.batch, drop_remainder=recipe.drop_remainder)
    if buffer and recipe.stage == "batched":
        data = data.shuffle(buffer)
    if recipe.prefetch != 0:
        data = data.prefetch(tf.data.AUTOTUNE if recipe.prefetch is None else recipe.prefetch)

    # The last one: what is left is one full prefetch buffer, so that all has been read while it is still there.
    last = -(-train // recipe.batch) - (recipe.prefetch or 0) - 2

    class Pause(keras.callbacks.Callback):  # type: ignore[misc]
        def on_train_batch_end(self, batch: int, logs: object = None) -> None:
            if batch in (*PAUSES, last):
                gauge.wait_until_full(LONGEST_PAUSE)

    model_for((recipe.input_height, recipe.input_width, recipe.input_channels)).fit(
        data, epochs=recipe.epochs or 1, verbose=0, callbacks=[Pause()]
    )


def main() -> None:
    job = json.loads(sys.argv[1])
    sys.modules.update(dict.fromkeys(EXTRAS))  # type: ignore[arg-type]
    recipe = Recipe(**job["recipe"])
    if recipe.build:
        run_array(recipe, train=job["train"], val=job.get("val", 0), call=job.get("call", "fit"))
    else:
        run_pipeline(recipe, folder=job["folder"], train=job["train"])
    print(gauge.peak())


if __name__ == "__main__":
    main()
