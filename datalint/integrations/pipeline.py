"""The tf.data pipeline that suits a dataset, its recipe and its target."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from datalint import progress
from datalint.check import look
from datalint.entry import FileLocator, PartLocator
from datalint.footprint.estimate import TOTAL
from datalint.footprint.host import host_memory, unpredicted
from datalint.footprint.images import images_of
from datalint.footprint.recipe import Recipe
from datalint.integrations.samples import TRAIN, samples_of
from datalint.report.words import count
from datalint.request import Request
from datalint.sizes import size
from datalint.workspace import open_workspace

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import tensorflow as tf

    from datalint.footprint.images import Images
    from datalint.target import Target

PREFETCH = 2
"""Batches made ahead: AUTOTUNE, which goes on to half of the free memory, is not more than this where training is
steady (docs/footprint.md)."""
_UNREAD = frozenset({"missing", "unreadable", "pointer", "remote", "crashed"})
_TAKEN = {1: "tensorflow_1", 3: "tensorflow", 4: "tensorflow_4", None: "tensorflow_channels"}
"""Channels that are asked for -> the column of `files` that tells whether decode_image gives them."""


@dataclass(frozen=True, slots=True)
class Plan:
    """How a pipeline was built."""

    split: str
    samples: int
    image_shape: tuple[int | None, int | None, int]
    """Height, width, channels; height and width are None where a batch is one image of any size."""
    batch: int
    drop_remainder: bool
    shuffle: bool
    parallel_calls: int | None
    """Images decoded at once; None for AUTOTUNE, where nobody knows the cores of the target."""
    prefetch: int
    """Batches."""
    cache: bool
    reason: str
    """Why it caches or not, in words."""


def input_pipeline(
    path: str | os.PathLike[str] | None = None,
    split: str = TRAIN,
    *,
    target: str | None = None,
    config: str | os.PathLike[str] | None = None,
    format: str | None = None,  # noqa: A002 - the user's word
    seed: int = 0,
    shuffle: bool | None = None,
    cache: bool = True,
) -> tf.data.Dataset:
    """Batches `(images, labels)` of a split for `model.fit`, `evaluate` and `predict`.

    `images` have the shape (batch, height, width, channels) and the recipe's `dtype`, values from 0 to 255 unless its
    `array_scale` divides them; `labels` have the shape (batch,), int32 class indices. Dataset, recipe (`image_size`,
    `channels`, `dtype`, `batch`, `drop_remainder`, `parallel_calls`, `prefetch`) and `target` are found as by
    `datalint check PATH` in the working directory.

    - Files are decoded by `tf.io.decode_image(channels=..., expand_animations=False)` and resized bilinearly, as
      `keras.utils.image_dataset_from_directory` does it. With `channels: original` and `image_size: original` nothing
      is converted.
    - `train` is shuffled whole, anew in each epoch, in an order that `seed` decides; other splits are not. `shuffle`
      overrides that and the recipe.
    - Decoded images are cached in memory where the upper bound of the predicted host memory of training and
      validation together takes at most 95 % of the target (docs/footprint.md); never for another split, nor with
      `cache=False`. With a cache the first batch of a shuffled split comes once all of it is decoded.
    - `prefetch` is 2 where the recipe gives no number.

    The dataset has two more attributes: `class_names`, by index, and `plan`, a Plan.

    Facts of every image come from datalint's cache; images that it does not know are read once.

    ValueError where the split has no sample or not one whole batch, for samples without a class, files that
    TensorFlow would refuse in the middle of the epoch, and images of several shapes that nothing makes equal.
    ImportError without TensorFlow; DatalintError where there is no dataset.
    """
    tf = _tensorflow()
    request = Request(
        path=None if path is None else os.fspath(path),
        config=None if config is None else os.fspath(config),
        format=format,
        target=target,
    )
    workspace = open_workspace(request)
    settings = workspace.config
    with progress.bar("reading images") as advance:
        evidence = look(workspace, request, progress=advance)
    found, recipe, files = evidence.dataset, settings.training, evidence.tables["files"]
    part = samples_of(found, recipe, split)
    _refuse_undecodable(files.columns, part.files, recipe)
    images = images_of(found.samples, files, channels=recipe.input_channels)
    plan = _plan(
        recipe,
        images,
        evidence.machine,
        split=part.split,
        samples=len(part.files),
        shape=_shape(files.columns, part.files, recipe),
        shuffle=shuffle,
        cache=cache,
    )
    paths = [_path(found.files[number].locator) for number in part.files]
    dataset = _dataset(tf, paths, part.labels, plan, recipe, seed)
    dataset.class_names, dataset.plan = list(part.class_names), plan
    return dataset


def _tensorflow() -> Any:
    try:
        import tensorflow
    except ImportError as error:
        # No command: on PyPI the name is nobody's, or anybody's.
        advice = "install datalint with its extra `tensorflow`: datalint-vision[tensorflow]"
        raise ImportError(f"TensorFlow cannot be imported ({error}): {advice}", name="tensorflow") from error
    return tensorflow


def _path(locator: object) -> bytes:
    """TensorFlow takes bytes, so that a path need not be UTF-8; ValueError for an image that is no file."""
    if isinstance(locator, PartLocator):
        raise ValueError(f"images lie inside {locator.path}: this reads files, tf.data.TFRecordDataset reads shards")
    assert isinstance(locator, FileLocator)
    return os.fsencode(locator.path)


def _dataset(tf: Any, paths: Sequence[bytes], labels: Sequence[int], plan: Plan, recipe: Recipe, seed: int) -> Any:
    def load(path: Any, label: Any) -> Any:
        image = tf.io.decode_image(tf.io.read_file(path), channels=recipe.input_channels or 0, expand_animations=False)
        if recipe.input_height is not None and recipe.input_width is not None:
            image = tf.image.resize(image, (recipe.input_height, recipe.input_width))
        if recipe.array_scale != "none":
            image = tf.cast(image, recipe.dtype) / 255
        elif recipe.dtype == "uint8" and image.dtype != tf.uint8:
            # A cast alone would cut every value down.
            image = tf.round(image)
        image = tf.cast(image, recipe.dtype)
        image.set_shape(plan.image_shape)
        return image, label

    # Two tensors that TensorFlow holds as a whole: no object an image.
    tensors = tf.constant(paths, tf.string), tf.constant(labels, tf.int32)
    dataset = tf.data.Dataset.from_tensor_slices(tensors)
    if plan.shuffle and not plan.cache:
        dataset = dataset.shuffle(plan.samples, seed=seed)
    dataset = dataset.map(load, num_parallel_calls=plan.parallel_calls or tf.data.AUTOTUNE)
    if plan.cache:
        dataset = dataset.cache()
        if plan.shuffle:
            # Before the cache, the first order would be that of every epoch. The buffer shares what is cached.
            dataset = dataset.shuffle(plan.samples, seed=seed)
    return dataset.batch(plan.batch, drop_remainder=plan.drop_remainder).prefetch(plan.prefetch)


def _plan(
    recipe: Recipe,
    images: Images,
    machine: Target,
    *,
    split: str,
    samples: int,
    shape: tuple[int | None, int | None, int],
    shuffle: bool | None,
    cache: bool,
) -> Plan:
    if recipe.drop_remainder and samples < recipe.batch:
        what = f"{count(samples, 'sample')} of {split!r} fill no batch of {recipe.batch:,}"
        raise ValueError(f"{what}, and training.drop_remainder drops what is no whole one")
    if shuffle is None:
        shuffle = split == TRAIN and recipe.shuffle is not False
    prefetch = PREFETCH if recipe.prefetch is None else recipe.prefetch
    parallel = recipe.parallel_calls or machine.cores
    built = Recipe(
        loader="files",
        input_height=recipe.input_height,
        input_width=recipe.input_width,
        input_channels=recipe.input_channels,
        dtype=recipe.dtype,
        batch=recipe.batch,
        prefetch=prefetch,
        parallel_calls=parallel,
        cache="memory",
    )
    cached, reason = _cached(built, images, machine, split) if cache else (False, "cache=False")
    return Plan(
        split=split,
        samples=samples,
        image_shape=shape,
        batch=recipe.batch,
        drop_remainder=recipe.drop_remainder,
        shuffle=shuffle,
        parallel_calls=parallel,
        prefetch=prefetch,
        cache=cached,
        reason=reason,
    )


def _cached(built: Recipe, images: Images, machine: Target, split: str) -> tuple[bool, str]:
    """Whether training and validation both fit into the memory of the target once they are decoded, and why."""
    if split not in (TRAIN, "val"):
        return False, f"{split!r} is not read in every epoch"
    if machine.usable is None:
        return False, f"nobody knows the memory of {machine.name}"
    # A batch of one image needs no equal sizes, and a cache none either: nothing predicts them.
    if reason := unpredicted(built, images):
        return False, reason
    total = next(row for row in host_memory(built, images, machine) if row.stage == TOTAL)
    span = f"{size(total.low)} to {size(total.high)} of {size(machine.usable)} usable on {machine.name}"
    return total.fit == "fits", f"host memory with a cache: {span} ({total.fit})"


def _refuse_undecodable(files: Mapping[str, Sequence[object]], numbers: Sequence[int], recipe: Recipe) -> None:
    """What TensorFlow would raise in the middle of an epoch, or what is not there, is said before it."""
    taken, status = files[_TAKEN[recipe.input_channels]], files["status"]
    bad = [n for n in numbers if status[n] in _UNREAD or (taken[n] is not None and not taken[n])]
    if bad:
        why = files["detail"][bad[0]] or files["cause"][bad[0]] or status[bad[0]]
        asked = f"channels={recipe.input_channels or 0}"
        raise ValueError(
            f"tf.io.decode_image({asked}) would stop at {len(bad):,} of {count(len(numbers), 'file')} "
            f"(first: {files['path'][bad[0]]}: {why}): `datalint check` lists them"
        )


def _shape(
    files: Mapping[str, Sequence[object]], numbers: Sequence[int], recipe: Recipe
) -> tuple[int | None, int | None, int]:
    """Height, width and channels of an image as the model gets it."""
    channels = recipe.input_channels or _only(files, numbers, ("tensorflow_channels",), "channels", "say 1, 3 or 4")[0]
    if recipe.input_height is not None and recipe.input_width is not None:
        return recipe.input_height, recipe.input_width, channels
    if recipe.batch == 1:
        return None, None, channels
    names = ("tensorflow_height", "tensorflow_width")
    height, width = _only(files, numbers, names, "image_size", "say a size, or `batch: 1`")
    return height, width, channels


def _only(
    files: Mapping[str, Sequence[object]], numbers: Sequence[int], names: Sequence[str], key: str, remedy: str
) -> tuple[int, ...]:
    """The values that all these files have; ValueError where two differ or one is not known."""
    first: dict[tuple[object, ...], int] = {}
    columns = [files[name] for name in names]
    for number in numbers:
        first.setdefault(tuple(column[number] for column in columns), number)
    for values, number in first.items():
        if None in values:
            raise ValueError(f"training.{key} is original, and nobody knows that of {files['path'][number]}: {remedy}")
    if len(first) > 1:
        (one, a), (other, b) = list(first.items())[:2]
        said = [f"{files['path'][n]} has {' x '.join(map(str, values))}" for values, n in ((one, a), (other, b))]
        raise ValueError(f"training.{key} is original, and no batch holds both: {' and '.join(said)}; {remedy}")
    [values] = first
    return tuple(int(str(value)) for value in values)
