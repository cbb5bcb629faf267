"""The input pipeline against Keras' own loader, on real files: same images, same labels, and what it refuses."""

from __future__ import annotations

import math
import os
import subprocess
import sys
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from PIL import Image

from datalint.footprint.estimate import TOTAL
from datalint.footprint.host import host_memory
from datalint.footprint.images import Images
from datalint.footprint.recipe import Recipe
from datalint.integrations.keras import class_weight, input_pipeline
from datalint.target import Target
from tests.dataset.tfrecord.records import example, png
from tests.dataset.tfrecord.records import write as write_shard
from tests.e2e.conftest import dataset, picture

if TYPE_CHECKING:
    from collections.abc import Callable

pytestmark = pytest.mark.tensorflow

COLOR_MODES = {1: "grayscale", 3: "rgb", 4: "rgba"}
SIDE = 24


@pytest.fixture
def configure(here: Path, tf: Any) -> Callable[..., None]:
    """Write the recipe; images are small unless it says otherwise."""

    def write(training: str = "", **more: str) -> None:
        size = "" if "image_size" in training else f"image_size: {SIDE}, "
        lines = [f"training: {{{size}{training}}}", *(f"{key}: {value}" for key, value in more.items())]
        (here / "datalint.yaml").write_text("\n".join(lines) + "\n")

    return write


def noise(path: Path, seed: int, *, mode: str = "RGB", size: tuple[int, int] = (40, 30)) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(seed)
    values = rng.integers(0, 256, (size[1], size[0], len(Image.new(mode, (1, 1)).getbands())), dtype=np.uint8)
    Image.fromarray(values.squeeze(), mode).save(path)


def epoch(batches: Any) -> tuple[Any, list[int]]:
    """All images and labels of one epoch."""
    found = list(batches)
    return np.concatenate([images for images, _ in found]), [int(y) for _, labels in found for y in labels]


def numbered(folder: Path, number: int) -> None:
    """Grey pictures whose value is their number, in two classes."""
    for index in range(number):
        path = folder / ("cat", "dog")[index % 2] / f"{index:03}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new("L", (8, 8), index).save(path)


def order(batches: Any) -> list[int]:
    """Numbers of the pictures as they come."""
    return [int(value) for value in epoch(batches)[0][:, 0, 0, 0]]


@pytest.mark.parametrize("channels", COLOR_MODES)
def test_images_and_labels_are_those_of_keras(here: Path, keras: Any, configure: Any, channels: int) -> None:
    modes = {1: ("L", "RGB"), 3: ("L", "RGB", "RGBA"), 4: ("L", "RGB", "RGBA")}[channels]
    for seed, label in enumerate(("b", "a", "c")):
        for index, mode in enumerate(modes):
            noise(here / f"images/train/{label}/{index}.png", 10 * seed + index, mode=mode, size=(50 - 7 * seed, 31))
    if channels != 4:
        picture(here / "images/train/a/photo.jpg", 99)
    if channels == 3:
        noise(here / "images/train/c/x.gif", 100)
        noise(here / "images/train/c/y.bmp", 101)
    configure(f"channels: {channels}, batch: 4")
    mine = input_pipeline("images", shuffle=False)
    theirs = keras.utils.image_dataset_from_directory(
        "images/train",
        shuffle=False,
        batch_size=4,
        image_size=(SIDE, SIDE),
        color_mode=COLOR_MODES[channels],
        verbose=False,
    )
    assert mine.class_names == theirs.class_names == ["a", "b", "c"]
    assert mine.element_spec == theirs.element_spec
    assert len(mine) == len(theirs)
    for (images, labels), (others, answers) in zip(mine, theirs, strict=True):
        assert labels.dtype == "int32"
        assert np.array_equal(labels, answers)
        assert images.dtype == "float32"
        assert np.array_equal(images, others)


@pytest.mark.corpus
def test_photographs_are_those_of_keras(corpora: Path, here: Path, keras: Any, configure: Any) -> None:
    """A shuffled epoch against Keras' own: every image with its label, bit for bit."""
    root = corpora / "signdigits-imagefolder/Dataset"
    configure("batch: 64")
    mine = input_pipeline(root)
    theirs = keras.utils.image_dataset_from_directory(root, image_size=(SIDE, SIDE), verbose=False)
    assert mine.class_names == theirs.class_names
    read, expected = (
        Counter((image.tobytes(), y) for image, y in zip(*epoch(batches), strict=True)) for batches in (mine, theirs)
    )
    assert read == expected
    assert read.total() == mine.plan.samples > 500


def test_a_manifest_is_read_from_its_rows(here: Path, configure: Any) -> None:
    numbered(here / "pics", 4)
    rows = [
        "pics/cat/000.png,z,train",
        "pics/dog/001.png,a,train",
        "pics/cat/002.png,z,train",
        "pics/dog/003.png,a,val",
    ]
    (here / "data.csv").write_text("\n".join(["path,label,split", *rows]) + "\n")
    configure("channels: 1")
    batches = input_pipeline("data.csv", shuffle=False)
    assert (order(batches), epoch(batches)[1]) == ([0, 1, 2], [1, 0, 1])
    assert order(input_pipeline("data.csv", split="validation")) == [3]


def test_a_path_need_not_be_utf8(here: Path, configure: Any) -> None:
    numbered(here / "images", 2)
    odd = os.fsencode(here) + b"/images/dog/\xff\xfe.png"
    Path(os.fsdecode(odd)).write_bytes((here / "images/dog/001.png").read_bytes())
    configure("channels: 1")
    assert sorted(order(input_pipeline("images"))) == [0, 1, 1]


@pytest.mark.parametrize("cache", [False, True])
def test_every_epoch_is_another_order_of_all_samples_that_the_seed_decides(
    here: Path, configure: Any, *, cache: bool
) -> None:
    numbered(here / "images", 60)
    configure("channels: 1, batch: 8")
    batches = input_pipeline("images", seed=3, cache=cache)
    assert batches.plan.cache is cache
    orders = [order(batches) for _ in range(3)]
    assert all(sorted(each) == list(range(60)) for each in orders)
    assert len({tuple(each) for each in [*orders, range(60)]}) == 4
    # Far from where they lie: a window of a few batches would not do that.
    assert any(number >= 50 for number in orders[1][:10])
    assert all(y == number % 2 for y, number in zip(*reversed(_both(batches)), strict=True))
    again = input_pipeline("images", seed=3, cache=cache)
    assert [order(again) for _ in range(3)] == orders
    assert order(input_pipeline("images", seed=4, cache=cache)) != orders[0]


def _both(batches: Any) -> tuple[list[int], list[int]]:
    images, labels = epoch(batches)
    return [int(value) for value in images[:, 0, 0, 0]], labels


def test_only_training_is_shuffled_unless_somebody_says_so(here: Path, configure: Any) -> None:
    numbered(here / "images/train", 30)
    numbered(here / "images/val", 30)
    listed = [*range(0, 30, 2), *range(1, 30, 2)]
    configure("channels: 1")
    assert order(input_pipeline("images")) != listed
    assert order(input_pipeline("images", split="val")) == listed
    assert order(input_pipeline("images", split="val", shuffle=True)) != listed
    configure("channels: 1, shuffle: false")
    assert order(input_pipeline("images")) == listed
    assert order(input_pipeline("images", shuffle=True)) != listed


def limit(here: Path) -> int:
    """The least host memory that holds the decoded images of `here`, by the prediction for its recipe."""
    recipe = Recipe(
        loader="files", input_height=64, input_width=64, batch=4, prefetch=2, parallel_calls=2, cache="memory"
    )
    images = Images(train=24, val=8, encoded_mean=1.0, decoded_mean=64 * 64 * 3, decoded_max=64 * 64 * 3, measured=32)
    [total] = [row for row in host_memory(recipe, images, Target(name="any", cores=2)) if row.stage == TOTAL]
    return math.ceil(total.high / 0.95)


@pytest.mark.parametrize(("less", "fits"), [(0, True), (1, False)])
def test_decoded_images_are_cached_where_they_fit(
    here: Path, tf: Any, configure: Any, *, less: int, fits: bool
) -> None:
    """Once all of it was read, the files are no longer needed; without a cache the next epoch opens them again."""
    dataset(here / "images")
    memory = limit(here) - less
    configure("image_size: 64, batch: 4", targets=f"{{here: {{host_memory: {memory}, cores: 2}}}}", target="here")
    batches = input_pipeline("images")
    assert batches.plan.cache is fits
    assert batches.plan.reason.endswith("usable on here (fits)" if fits else "usable on here (tight)")
    first = epoch(batches)
    (here / "images").rename(here / "away")
    if fits:
        images, labels = epoch(batches)
        assert sorted(labels) == sorted(first[1])
        assert np.array_equal(np.sort(images.reshape(24, -1), 0), np.sort(first[0].reshape(24, -1), 0))
    else:
        with pytest.raises(tf.errors.NotFoundError):
            epoch(batches)


def test_what_is_not_cached_has_a_reason(here: Path, configure: Any) -> None:
    dataset(here / "images")
    dataset(here / "images2")
    (here / "images2/val").rename(here / "images2/test")
    configure("")
    assert input_pipeline("images", cache=False).plan.reason == "cache=False"
    assert input_pipeline("images2", split="test").plan.reason == "'test' is not read in every epoch"
    unknown = input_pipeline("images", target="rtx-3060").plan
    assert (unknown.cache, unknown.reason) == (False, "nobody knows the memory of rtx-3060")
    assert unknown.parallel_calls is None


def test_buffers_are_as_large_as_the_recipe_says_else_two_batches(here: Path, configure: Any) -> None:
    dataset(here / "images")
    configure("batch: 5", targets="{here: {host_memory: 8 GiB, cores: 3}}", target="here")
    batches = input_pipeline("images")
    assert int(batches._buffer_size) == batches.plan.prefetch == 2
    assert batches.plan.parallel_calls == 3
    configure("batch: 5, prefetch: 4, parallel_calls: 1")
    batches = input_pipeline("images")
    assert int(batches._buffer_size) == batches.plan.prefetch == 4
    assert batches.plan.parallel_calls == 1


def test_an_incomplete_batch_is_dropped_where_the_recipe_drops_it(here: Path, configure: Any) -> None:
    numbered(here / "images", 11)
    configure("batch: 4")
    assert [len(labels) for _, labels in input_pipeline("images")] == [4, 4, 3]
    configure("batch: 4, drop_remainder: true")
    batches = input_pipeline("images")
    assert [len(labels) for _, labels in batches] == [4, 4]
    assert batches.element_spec[0].shape == (4, SIDE, SIDE, 3)
    configure("batch: 12, drop_remainder: true")
    with pytest.raises(ValueError, match=r"11 samples of 'train' fill no batch of 12, and training\.drop_remainder"):
        input_pipeline("images")


@pytest.mark.parametrize("dtype", ["uint8", "float16", "float64"])
def test_values_are_of_the_declared_type(here: Path, configure: Any, dtype: str) -> None:
    """A whole number is the nearest one."""
    for index, label in enumerate(("cat", "dog")):
        noise(here / f"images/{label}/0.png", index)
    configure("")
    exact, _ = epoch(input_pipeline("images", shuffle=False))
    configure(f"dtype: {dtype}")
    images, _ = epoch(input_pipeline("images", shuffle=False))
    assert images.dtype == dtype
    assert np.abs(images.astype("float64") - exact).max() <= {"uint8": 0.5, "float16": 0.07, "float64": 0}[dtype]


@pytest.mark.parametrize(("scale", "dtype"), [("cast_and_divide", "float32"), ("divide_uint8", "float64")])
def test_a_recipe_that_scales_an_array_scales_here_too(here: Path, configure: Any, scale: str, dtype: str) -> None:
    numbered(here / "images", 4)
    configure(f"loader: array, array_scale: {scale}, dtype: {dtype}, channels: 1")
    images, _ = epoch(input_pipeline("images", shuffle=False))
    assert images.dtype == dtype
    assert images[:, 0, 0, 0] == pytest.approx([0, 2 / 255, 1 / 255, 3 / 255])


def test_original_images_of_one_size_stay_as_they_are(here: Path, configure: Any) -> None:
    for index, label in enumerate(("cat", "dog")):
        noise(here / f"images/{label}/0.png", index, size=(40, 30))
    configure("loader: files, image_size: original, channels: original, dtype: uint8")
    batches = input_pipeline("images", shuffle=False)
    assert batches.plan.image_shape == (30, 40, 3)
    assert batches.element_spec[0].shape == (None, 30, 40, 3)
    images, _ = epoch(batches)
    assert np.array_equal(images[1], np.asarray(Image.open(here / "images/dog/0.png")))


def test_original_images_of_two_sizes_are_refused_unless_a_batch_is_one(here: Path, configure: Any) -> None:
    noise(here / "images/cat/0.png", 0, size=(40, 30))
    noise(here / "images/dog/0.png", 1, size=(30, 40))
    configure("loader: files, image_size: original")
    with pytest.raises(ValueError, match=r"training\.image_size is original, and no batch holds both: ") as caught:
        input_pipeline("images")
    assert "images/cat/0.png has 30 x 40 and images/dog/0.png has 40 x 30; say a size" in str(caught.value)
    configure("loader: files, image_size: original, batch: 1")
    batches = input_pipeline("images", shuffle=False)
    assert [images.shape for images, _ in batches] == [(1, 30, 40, 3), (1, 40, 30, 3)]
    assert (batches.plan.cache, batches.plan.reason) == (
        False,
        "images are not resized and differ in size: single ones are not predicted",
    )


def test_only_the_split_needs_one_size(here: Path, configure: Any) -> None:
    for seed, (split, label) in enumerate((s, c) for s in ("train", "val") for c in ("cat", "dog")):
        noise(here / f"images/{split}/{label}/0.png", seed, size=(40, 30) if split == "train" else (10, 10))
    configure("loader: files, image_size: original")
    assert input_pipeline("images").plan.image_shape == (30, 40, 3)
    assert input_pipeline("images", split="val").plan.image_shape == (10, 10, 3)


def test_original_channels_must_be_the_same(here: Path, configure: Any) -> None:
    noise(here / "images/cat/0.png", 0, mode="L")
    noise(here / "images/dog/0.png", 1)
    configure("loader: files, channels: original")
    with pytest.raises(ValueError, match=r"training\.channels is original, and no batch holds both: .* say 1, 3 or 4"):
        input_pipeline("images")


@pytest.mark.parametrize(
    ("name", "content", "channels", "said"),
    [
        ("a.png", b"", 3, "channels=3"),
        ("a.jpg", b"<html>no image</html>", 3, "channels=3"),
        (
            "a.jpg",
            b"version https://git-lfs.github.com/spec/v1\noid sha256:" + b"0" * 64 + b"\nsize 9\n",
            3,
            "channels=3",
        ),
        ("a.gif", None, 1, "channels=1"),
    ],
)
def test_what_would_stop_the_epoch_is_refused_before_it(
    here: Path, tf: Any, configure: Any, name: str, content: bytes | None, channels: int, said: str
) -> None:
    numbered(here / "images", 4)
    place = here / "images/cat" / name
    if content is None:
        noise(place, 1)
    else:
        place.write_bytes(content)
    with pytest.raises(tf.errors.InvalidArgumentError):
        tf.io.decode_image(place.read_bytes(), channels=channels, expand_animations=False)
    configure(f"channels: {channels}")
    with pytest.raises(ValueError, match=rf"decode_image\({said}\) would stop at 1 of 5 files \(first: images/cat/a\."):
        input_pipeline("images")


def test_a_file_that_is_not_there_is_refused(here: Path, configure: Any) -> None:
    numbered(here / "pics", 2)
    (here / "data.csv").write_text("path,label\npics/cat/000.png,a\npics/dog/001.png,b\npics/dog/gone.png,b\n")
    configure("")
    with pytest.raises(ValueError, match=r"would stop at 1 of 3 files \(first: pics/dog/gone\.png: no such file\)"):
        input_pipeline("data.csv")


def test_damage_that_tensorflow_takes_is_taken(here: Path, configure: Any) -> None:
    """The check reports it, and whoever ignores that may train on it."""
    numbered(here / "images", 2)
    photo = picture(here / "images/cat/photo.jpg", 1).read_bytes()
    (here / "images/cat/photo.jpg").write_bytes(photo[:-200] + bytes(64) + photo[-136:])
    configure("")
    assert len(epoch(input_pipeline("images"))[1]) == 3


def test_a_split_without_samples_is_refused(here: Path, configure: Any) -> None:
    numbered(here / "images/train", 4)
    configure("")
    with pytest.raises(ValueError, match=r"no samples in split 'val' \(there are: train\)"):
        input_pipeline("images", split="val")


def test_indices_that_training_does_not_have_are_refused(here: Path, configure: Any) -> None:
    for place in ("train/ant", "train/bee", "train/cat", "val/ant", "val/cat"):
        noise(here / "images" / place / "0.png", len(place))
    configure("")
    with pytest.raises(ValueError, match="class 'cat' is index 1 in 'val' and index 2 in 'train'"):
        input_pipeline("images", split="val")


def test_validation_split_is_cut_once_for_both_sides(here: Path, configure: Any) -> None:
    numbered(here / "images", 50)
    configure("channels: 1, validation_split: 0.3")
    trained, held = order(input_pipeline("images", seed=1)), order(input_pipeline("images", split="val", seed=2))
    assert (len(trained), len(held)) == (35, 15)
    assert sorted(trained + held) == list(range(50))
    with pytest.warns(UserWarning, match="validation_split"):
        weights = class_weight("images", "inverse")
    assert weights[0] == 35 / sum(number % 2 == 0 for number in trained)


def test_a_second_validation_split_is_refused(here: Path, configure: Any) -> None:
    numbered(here / "images/train", 10)
    numbered(here / "images/val", 10)
    configure("validation_split: 0.2")
    with pytest.raises(ValueError, match=r"validation_split is 0\.2, and there is a split 'val' already"):
        input_pipeline("images", split="val")


def test_a_model_trains_on_it(here: Path, keras: Any, configure: Any) -> None:
    dataset(here / "images")
    configure("batch: 4")
    model = keras.Sequential(
        [keras.layers.Input((SIDE, SIDE, 3)), keras.layers.GlobalAveragePooling2D(), keras.layers.Dense(2)]
    )
    model.compile("sgd", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    history = model.fit(
        input_pipeline("images"),
        validation_data=input_pipeline("images", split="val"),
        class_weight=class_weight("images"),
        epochs=2,
        shuffle=False,
        verbose=0,
    )
    assert len(history.history["val_loss"]) == 2
    assert np.isfinite(history.history["loss"]).all()


MEASURED = """\
import os, sys
os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
from datalint.integrations.keras import input_pipeline
batches = input_pipeline("images")
assert batches.plan.cache and batches.plan.shuffle
for _ in range(2):
    for _ in batches:
        pass
print(next(int(line.split()[1]) for line in open("/proc/self/status") if line.startswith("VmHWM")))
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="VmHWM is of Linux")
def test_a_cache_and_the_shuffle_behind_it_take_what_was_predicted(here: Path, configure: Any) -> None:
    """The buffer of the whole split shares its images with the cache; copies of them would be beyond the bounds."""
    pixel = Image.effect_noise((224, 224), 80).convert("RGB")
    for index in range(1500):
        path = here / "images" / ("cat", "dog")[index % 2] / f"{index}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        pixel.save(path, quality=60)
    configure("image_size: 224")
    run = subprocess.run([sys.executable, "-c", MEASURED], check=True, capture_output=True, text=True)
    element = 224 * 224 * 3 * 4
    images = Images(train=1500, encoded_mean=1.0, decoded_mean=element / 4, decoded_max=element / 4, measured=1500)
    recipe = Recipe(loader="files", input_height=224, input_width=224, prefetch=2, cache="memory")
    machine = Target(name="any", cores=os.cpu_count())
    [total] = [row for row in host_memory(recipe, images, machine) if row.stage == TOTAL]
    copied = replace(total, high=total.high + 1500 * element)
    assert total.low <= int(run.stdout) * 1024 <= total.high < copied.high


def test_images_inside_shards_are_refused_in_words(here: Path, configure: Callable[..., None], tf: Any) -> None:
    for split in ("train", "val"):
        write_shard(here / f"data/{split}.tfrecord", [example(image=png(n), label=n % 2) for n in range(4)])
    configure()
    with pytest.raises(ValueError, match=r"images lie inside .*tf\.data\.TFRecordDataset"):
        input_pipeline("data", split="train")
    assert class_weight("data", split="train") == {0: 1.0, 1: 1.0}


def test_numbers_in_records_are_the_classes_of_the_weights(here: Path, configure: Callable[..., None]) -> None:
    write_shard(here / "data/train.tfrecord", [example(image=png(n), label=(0, 2, 2, 1)[n % 4]) for n in range(8)])
    configure()
    assert class_weight("data") == pytest.approx({0: 8 / 3 / 2, 1: 8 / 3 / 2, 2: 8 / 3 / 4})
    write_shard(here / "data/train.tfrecord", [example(image=png(n), label=n % 2 + 1) for n in range(8)])
    with pytest.raises(ValueError, match=r"class '0' \(index 0\) has no sample"):
        class_weight("data")
