"""The child process of `datalint rehearse`: one job as JSON on its standard input, answers as lines of JSON.

Jobs: `taste` asks the loader's decoder for every file by itself, `run` trains on the slice and reads the gauge, `train`
takes some steps of the declared model. It ends when its standard input is closed, so that it never outlives its parent.
"""

from __future__ import annotations

import json
import os
import re
import sys
import threading
import time
from typing import TYPE_CHECKING, Any

from datalint.footprint.recipe import Recipe
from datalint.integrations import feeds, gauge

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

PAUSES = (1, 6)
"""Steps at which training pauses, as it does for a validation or a checkpoint, until every buffer has filled."""
WARM = 2
"""Samples that the model has seen before the gauge is read for the first time."""
RATE_SECONDS = 15.0
"""For which the input alone is timed at most."""
LEAST_RATE_SECONDS = 1.0
"""For which it is timed at least, over and over where the slice is smaller: starting it takes some milliseconds."""
LEAST_STEPS = 3
"""Of the declared model: the first traces it, the second allocates the optimizer's variables."""
MOST_STEPS = 6
MOST_TOLD = 300
"""Characters of an error."""
_TOLD = 0.2
"""Seconds between two words about how far it is."""


def main() -> None:
    """Answer one job, and leave without taking TensorFlow apart."""
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # TensorFlow and Keras print whatever they like
    job = json.loads(sys.stdin.buffer.readline())
    threading.Thread(target=_end_with_parent, daemon=True).start()
    gauge.volunteer()

    def tell(event: str, **values: object) -> None:
        answers.write(json.dumps({"event": event, **values}) + "\n")
        answers.flush()

    try:
        import keras
        import tensorflow as tf
    except ImportError as error:
        tell("missing", error=str(error))
    else:
        tf.get_logger().setLevel("ERROR")
        tell("ready", tensorflow=tf.__version__, keras=keras.__version__)
        jobs: dict[str, Callable[[dict[str, Any], Callable[..., None]], None]] = {
            "taste": taste,
            "run": run,
            "train": train,
        }
        try:
            jobs[job["step"]](job, tell)
            tell("done")
        except Exception as error:  # whatever stops the recipe is what was asked for
            tell("failed", error=told(error), peak=gauge.peak())
    os._exit(0)


def _end_with_parent() -> None:
    sys.stdin.buffer.read()
    os._exit(1)


def told(error: BaseException) -> str:
    """The first line of what TensorFlow says, without the names of its own nodes."""
    text = getattr(error, "message", None) or str(error) or type(error).__name__
    text = re.sub(r"\{\{[^}]*\}\}\s*", "", str(text)).strip()
    line = re.sub(r"\s*\[Op:[^\]]*\].*$", "", text.splitlines()[0] if text else "")
    return f"{type(error).__name__}: {line[:MOST_TOLD]}"


def taste(job: dict[str, Any], tell: Callable[..., None]) -> None:
    """Say of every file whether the decoder takes it; the number of a file is said before it is tried."""
    import tensorflow as tf

    recipe = Recipe(**job["recipe"])
    for number, path in enumerate(map(os.fsencode, job["paths"])):
        tell("tasting", number=number)
        try:
            if recipe.loader == "image_dataset_from_directory":
                path.decode()  # Keras makes a tensor of all names first
            if recipe.build:
                feeds.picture(recipe, path)
            else:
                feeds.decoded(recipe, tf.io.read_file(path))
        except MemoryError:
            raise
        except Exception as error:  # decoders raise what they like
            tell("refused", number=number, error=told(error))


def run(job: dict[str, Any], tell: Callable[..., None]) -> None:
    """Train a small model on the slice for one epoch; then time the input alone."""
    recipe = Recipe(**job["recipe"])
    shape = _shape(recipe, job)
    places = _places(recipe, job)
    model = small_model(shape)
    _warm_up(model, recipe, shape)
    base = gauge.resident()
    gauge.forget()
    tell("base", base=base)
    progress = _Progress(tell)
    if recipe.build:
        started, cpu = time.monotonic(), time.process_time()
        loaded = _fit_array(recipe, job, model, progress)
        tell("measured", base=base, peak=gauge.peak(), images=len(job["train"]) + len(job["val"]))
        seconds, spent = loaded[0] - started, loaded[1] - cpu
        tell("rate", images=len(job["train"]) + len(job["val"]), seconds=seconds, cpu=spent)
        return
    trained = _fit_stream(recipe, job, places, model, [progress.callback(pauses=PAUSES)])
    tell("measured", base=base, peak=gauge.peak(), images=trained)
    tell("rate", **_rate(recipe, places["train"], shape[2], trained))


def train(job: dict[str, Any], tell: Callable[..., None]) -> None:
    """Some steps of the declared model, on the CPU."""
    import keras

    recipe = Recipe(**job["recipe"])
    if recipe.precision:
        keras.config.set_dtype_policy(recipe.precision)
    model = _declared(job["model"], recipe)
    optimizer = keras.optimizers.get(
        keras.optimizers.SGD(momentum=0.9) if recipe.optimizer == "momentum" else recipe.optimizer or "adam"
    )
    optimizer.gradient_accumulation_steps = recipe.gradient_accumulation
    model.compile(optimizer, _loss(), jit_compile=False)
    tell("built", parameters=model.count_params())
    progress = _Progress(tell)
    callback = progress.callback(until=time.monotonic() + job["seconds"])
    if recipe.build:
        _fit_array(recipe, job, model, progress, [callback])
    else:
        _fit_stream(recipe, job, _places(recipe, job), model, [callback])
    steps = progress.steps
    usual = sorted(steps[1:])[len(steps[1:]) // 2] if len(steps) > 1 else None
    tell("trained", steps=len(steps), step_seconds=usual, peak=gauge.peak())


class _Progress:
    """What has been done so far, told a few times a second with the gauge."""

    def __init__(self, tell: Callable[..., None]) -> None:
        self._tell = tell
        self._last = 0.0
        self.steps: list[float] = []
        """Seconds of each."""

    def __call__(self, images: int, *, doing: str = "loaded") -> None:
        if time.monotonic() - self._last >= _TOLD:
            self._last = time.monotonic()
            self._tell("progress", images=images, doing=doing, peak=gauge.peak())

    def callback(self, *, pauses: tuple[int, ...] = (), until: float | None = None) -> Any:
        import keras

        progress = self

        class Watch(keras.callbacks.Callback):  # type: ignore[misc]
            def on_train_batch_begin(self, batch: int, logs: object = None) -> None:  # noqa: ARG002
                self.began = time.monotonic()

            def on_train_batch_end(self, batch: int, logs: object = None) -> None:  # noqa: ARG002
                progress.steps.append(time.monotonic() - self.began)
                if batch in pauses:
                    gauge.wait_until_full()
                progress(batch + 1, doing="steps")
                if until is not None and (
                    batch + 1 >= MOST_STEPS or (batch + 1 >= LEAST_STEPS and time.monotonic() > until)
                ):
                    self.model.stop_training = True

        return Watch()


def _loss() -> Any:
    """Whatever the model's outputs are: labels play no part in what a step takes."""
    import keras

    class Size(keras.losses.Loss):  # type: ignore[misc]
        def call(self, y_true: Any, y_pred: Any) -> Any:  # noqa: ARG002
            return keras.ops.mean(keras.ops.square(keras.ops.cast(y_pred, "float32")))

    return Size()


def small_model(shape: tuple[int | None, ...]) -> Any:
    """So small that what is measured is the data."""
    import keras

    layers = keras.layers
    model = keras.Sequential(
        [layers.Input(shape), layers.Rescaling(1.0), layers.GlobalAveragePooling2D(), layers.Dense(2)]
    )
    model.compile("sgd", _loss())
    return model


def _declared(named: dict[str, str], recipe: Recipe) -> Any:
    import keras

    if application := named.get("application"):
        sides = (recipe.input_height, recipe.input_width, recipe.input_channels or 3)
        return getattr(keras.applications, application)(weights=None, input_shape=sides)
    if named["file"].lower().endswith(".json"):
        with open(named["file"], encoding="utf-8") as file:
            return keras.models.model_from_json(file.read())
    return keras.models.load_model(named["file"], compile=False, safe_mode=True)


def _warm_up(model: Any, recipe: Recipe, shape: tuple[int | None, ...]) -> None:
    """Trace the step and load what it loads, so that what follows is the data's."""
    import tensorflow as tf

    sides = [32 if side is None else side for side in shape]
    images = tf.zeros((WARM, *sides), recipe.dtype)
    data = tf.data.Dataset.from_tensor_slices((images, tf.zeros(WARM, "int32"))).batch(recipe.batch)
    model.fit(data, verbose=0)


def _shape(recipe: Recipe, job: dict[str, Any]) -> tuple[int | None, int | None, int]:
    """Of what the model gets: sides where they are one for all, and the channels of the first image."""
    import tensorflow as tf

    first = os.fsencode(job["train"][0])
    if recipe.build:
        height, width, channels = feeds.picture(recipe, first).shape
        return height, width, channels
    channels = recipe.input_channels or int(feeds.decoded(recipe, tf.io.read_file(first)).shape[2])
    return recipe.input_height, recipe.input_width, channels


def _places(recipe: Recipe, job: dict[str, Any]) -> dict[str, Any]:
    """Where the loader finds what trains and what validates: folders, TFRecords or lists of files."""
    found: dict[str, Any] = {}
    if recipe.build:
        return found
    parts = {part: [os.fsencode(path) for path in job[part]] for part in ("train", "val")}
    directory = recipe.loader == "image_dataset_from_directory"
    if recipe.validation_split and not directory:
        held = int(len(parts["train"]) * recipe.validation_split)
        parts["val"] += parts["train"][len(parts["train"]) - held :]
        del parts["train"][len(parts["train"]) - held :]
    for part, paths in parts.items():
        place = os.path.join(job["scratch"], part)
        if not paths:
            continue
        if directory:
            if not os.path.exists(place):
                feeds.link(paths, job["labels"][part], place)
            found[part] = place
        elif recipe.loader == "tfrecord":
            feeds.write_records(paths, place)
            found[part] = place
        else:
            found[part] = paths
    return found


def _fit_stream(recipe: Recipe, job: dict[str, Any], places: dict[str, Any], model: Any, callbacks: list[Any]) -> int:
    """One epoch; returns the images that it trained on."""
    caches: Iterator[str | None] = iter((None, None))
    if recipe.cache != "none":
        folder = os.path.join(job["scratch"], f"cache-{job['step']}") if recipe.cache == "disk" else ""
        caches = iter((f"{folder}-train" if folder else "", f"{folder}-val" if folder else ""))
    split = recipe.validation_split and recipe.loader == "image_dataset_from_directory"
    channels = _shape(recipe, job)[2]
    part = "training" if split else None
    data = feeds.stream(recipe, places["train"], channels=channels, cache=next(caches), subset=part)
    held = places["train"] if split else places.get("val")
    validation = held and feeds.stream(recipe, held, channels=channels, cache=next(caches), subset="validation")
    model.fit(
        data,
        verbose=0,
        callbacks=callbacks,
        validation_data=validation,
        steps_per_epoch=_steps(recipe, len(job["train"])),
    )
    return int(len(job["train"]) * (1 - (recipe.validation_split or 0)))


def _steps(recipe: Recipe, samples: int) -> int | None:
    """Those of the recipe, unless the slice has fewer."""
    if recipe.steps_per_epoch is None or recipe.steps_per_epoch * recipe.batch > samples:
        return None
    return recipe.steps_per_epoch


def _rate(recipe: Recipe, place: Any, channels: int, samples: int) -> dict[str, object]:
    """What the input gives to whoever takes everything at once; a cache and a shuffle buffer would blur it."""
    from dataclasses import replace

    plain = replace(recipe, shuffle_buffer=None, shuffle_stage=None, prefetch=2, ram_budget=None)
    split = recipe.validation_split and recipe.loader == "image_dataset_from_directory"
    data = feeds.stream(plain, place, channels=channels, cache=None, subset="training" if split else None)
    for _ in data.take(LEAST_STEPS):
        # Threads start and buffers are made once.
        pass
    started, cpu, images = time.monotonic(), time.process_time(), 0
    for batch, _ in data.repeat():
        images += int(batch.shape[0])
        seconds = time.monotonic() - started
        if seconds > RATE_SECONDS or (seconds > LEAST_RATE_SECONDS and images >= samples):
            break
    return {"images": images, "seconds": time.monotonic() - started, "cpu": time.process_time() - cpu}


def _fit_array(
    recipe: Recipe, job: dict[str, Any], model: Any, progress: _Progress, callbacks: list[Any] | None = None
) -> tuple[float, float]:
    """Build, split, feed; returns the clock and the CPU time of the moment when the array was there."""
    import keras
    import numpy as np
    import tensorflow as tf

    paths = {part: [os.fsencode(path) for path in job[part]] for part in ("train", "val")}
    array, kept = feeds.build(recipe, paths["train"], progress)
    others, kept_too = (
        feeds.build(recipe, paths["val"], lambda done: progress(len(paths["train"]) + done))
        if paths["val"]
        else (None, [])
    )
    there = time.monotonic(), time.process_time()
    alive: list[Any] = [kept, kept_too]
    del kept, kept_too
    if recipe.array_split != "none":
        # What sklearn.model_selection.train_test_split does: fancy indexing, so copies.
        order = np.random.default_rng(0).permutation(len(array))
        parts = array[order[: len(order) // 5]], array[order[len(order) // 5 :]]
        if recipe.array_split == "source_freed":
            array = None
        alive += [array, others]
        array, others = parts[1], parts[0]
        del parts
    callbacks = [*(callbacks or [progress.callback()])]
    answers = np.zeros(len(array), "int32")
    held = None if others is None else (others, np.zeros(len(others), "int32"))
    if recipe.loader == "array":
        model.fit(
            array,
            answers,
            batch_size=recipe.batch,
            shuffle=recipe.shuffle is not False,
            validation_split=recipe.validation_split or 0.0,
            validation_data=held,
            verbose=0,
            callbacks=callbacks,
        )
        return there
    if recipe.loader == "from_tensor_slices":
        slices = tf.data.Dataset.from_tensor_slices((array, answers))
        validation = held and tf.data.Dataset.from_tensor_slices(held).batch(recipe.batch).prefetch(2)
        if recipe.validation_split:
            count = int(len(array) * recipe.validation_split)
            validation = slices.take(count).batch(recipe.batch)
            slices = slices.skip(count)
        if recipe.shuffle_buffer and recipe.stage == "decoded":
            slices = slices.shuffle(recipe.shuffle_buffer)
        slices = slices.batch(recipe.batch, drop_remainder=recipe.drop_remainder)
        if recipe.shuffle_buffer and recipe.stage == "batched":
            slices = slices.shuffle(recipe.shuffle_buffer)
        if recipe.prefetch != 0:
            slices = slices.prefetch(tf.data.AUTOTUNE if recipe.prefetch is None else recipe.prefetch)
        model.fit(slices, validation_data=validation, verbose=0, callbacks=callbacks)
        return there

    class Slices(keras.utils.PyDataset):  # type: ignore[misc]
        def __len__(self) -> int:
            return -(-len(array) // recipe.batch)

        def __getitem__(self, index: int) -> Any:
            part = slice(index * recipe.batch, (index + 1) * recipe.batch)
            return array[part], answers[part]

    model.fit(Slices(), validation_data=held, verbose=0, callbacks=callbacks)
    return there
