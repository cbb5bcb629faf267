"""Class weights: the published formulas, the loader's own indices, and no weight without a sample."""

from __future__ import annotations

import subprocess
import sys
from itertools import count
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from datalint.errors import UnfinishedError, UsageError
from datalint.integrations.keras import class_weight
from tests.e2e.conftest import picture

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from datalint.integrations.weights import Method


def images(root: Path, counts: Mapping[str, int]) -> None:
    """Folder -> how many pictures it gets, no two alike."""
    seeds = count()
    for folder, number in counts.items():
        (root / folder).mkdir(parents=True, exist_ok=True)
        for index in range(number):
            picture(root / folder / f"{index}.jpg", next(seeds), size=16)


def test_balanced_is_what_scikit_learn_publishes() -> None:
    """The example in the documentation of sklearn.utils.class_weight.compute_class_weight."""
    assert class_weight([1, 1, 1, 1, 0, 0]) == {0: 1.5, 1: 0.75}


def test_inverse_is_n_over_count() -> None:
    assert class_weight([1, 1, 1, 1, 0, 0], "inverse") == {0: 6 / 2, 1: 6 / 4}


@pytest.mark.parametrize(("method", "mean"), [("balanced", 1), ("inverse", 3)])
def test_every_class_weighs_the_same_in_the_sum(method: Method, mean: float) -> None:
    labels = [0] * 90 + [1] * 9 + [2]
    weights = class_weight(labels, method)
    sums = [weights[index] * labels.count(index) for index in range(3)]
    assert sums == pytest.approx([sums[0]] * 3)
    assert sum(sums) / len(labels) == pytest.approx(mean)


@pytest.mark.parametrize("type_", ["uint8", "int32", "int64"])
def test_labels_may_be_an_array(type_: str) -> None:
    assert class_weight(np.array([0, 1, 1, 1], type_)) == {0: 2.0, 1: 2 / 3}


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        ([], "no labels: nothing to weigh"),
        ([0, -1], "label -1 is below 0"),
        ([0.0, 1.0], "labels must be whole numbers in one dimension"),
        (["cat", "dog"], "labels must be whole numbers in one dimension"),
        (np.array([[0], [1]]), "labels must be whole numbers in one dimension"),
        ([0, 2], "class 1 has no sample in the labels, so it has no weight$"),
        ([0, 3], "class 1 has no sample in the labels, so it has no weight, and neither has 1 other"),
        ([10**12], "class 0 has no sample in the labels, so it has no weight, and neither have 999,999,999,999 others"),
    ],
)
def test_what_cannot_be_weighed_is_refused(labels: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        class_weight(labels)


def test_an_unknown_method_is_refused_before_anything_is_read() -> None:
    with pytest.raises(ValueError, match="'sqrt' is neither 'balanced' nor 'inverse'"):
        class_weight("nowhere", "sqrt")  # type: ignore[arg-type]


@pytest.mark.tensorflow
def test_indices_are_those_of_keras(here: Path, keras: Any) -> None:
    """Names whose order is another one for people, for numbers and without regard to case."""
    counts = {"train/Zebra": 1, "train/ant": 2, "train/10": 3, "train/9": 4, "train/été": 5, "train/cat-big": 6}
    images(here / "images", {**counts, "train/cat/nested": 7, "val/ant": 9, "train/.hidden": 2})
    read = keras.utils.image_dataset_from_directory("images/train", batch_size=None, image_size=(8, 8), verbose=False)
    labels = [int(label) for _, label in read]
    names = read.class_names
    number = {name.removeprefix("train/"): each for name, each in {**counts, "cat": 7}.items()}
    assert class_weight("images", "inverse") == {index: 28 / number[name] for index, name in enumerate(names)}
    assert class_weight("images") == pytest.approx(class_weight(labels))


def test_a_dataset_without_splits_is_all_training(here: Path) -> None:
    images(here, {"images/cat": 1, "images/dog": 3})
    assert class_weight("images") == {0: 2.0, 1: 4 / 6}


def test_the_configuration_names_the_dataset(here: Path) -> None:
    images(here, {"data/cat": 1, "data/dog": 3})
    (here / "datalint.yaml").write_text("dataset: {path: data}\n")
    assert class_weight() == class_weight(here / "data") == {0: 2.0, 1: 4 / 6}
    (here / "other.yaml").write_text("dataset: {path: nowhere}\n")
    with pytest.raises(UsageError, match=r"other\.yaml:1:17: dataset path 'nowhere' does not exist"):
        class_weight(config="other.yaml")


def test_a_class_without_a_training_sample_is_named(here: Path) -> None:
    images(here / "images", {"train/cat": 2, "train/dog": 2, "train/eel": 0, "val/cat": 1, "val/dog": 1, "val/eel": 1})
    with pytest.raises(ValueError, match=r"class 'eel' \(index 2\) has no sample in 'train', so it has no weight"):
        class_weight("images")


def test_a_class_of_a_manifest_that_is_only_validated_is_named(here: Path) -> None:
    images(here, {"pics": 3})
    (here / "data.csv").write_text("path,label,split\npics/0.jpg,b,train\npics/1.jpg,c,train\npics/2.jpg,a,val\n")
    with pytest.raises(ValueError, match=r"class 'a' \(index 0\) has no sample in 'train'"):
        class_weight("data.csv")


def test_a_manifest_gives_labels_and_splits(here: Path) -> None:
    """Numbers are numbers: 10 comes after 9."""
    images(here, {"pics": 5})
    rows = ["pics/0.jpg,10,train", "pics/1.jpg,9,train", "pics/2.jpg,9,train", "pics/3.jpg,9,train", "pics/4.jpg,9,val"]
    (here / "data.csv").write_text("\n".join(["path,label,split", *rows]) + "\n")
    assert class_weight("data.csv", "inverse") == {0: 4 / 3, 1: 4.0}


def test_a_damaged_image_counts_as_one_of_its_class(here: Path) -> None:
    images(here, {"images/cat": 1, "images/dog": 2})
    (here / "images/cat/damaged.jpg").write_bytes(b"no image")
    (here / "images/dog/notes.txt").write_text("not counted")
    assert class_weight("images") == {0: 1.0, 1: 1.0}


def test_samples_without_a_class_are_refused(here: Path) -> None:
    images(here, {"pics": 3})
    (here / "data.csv").write_text("path,label\npics/0.jpg,a\npics/1.jpg,b\npics/2.jpg,\n")
    with pytest.raises(ValueError, match=r"1 sample of 'train' without a class \(first: pics/2\.jpg\)"):
        class_weight("data.csv")


def test_a_split_that_is_not_there_is_refused_with_those_that_are(here: Path) -> None:
    images(here / "images", {"val/cat": 1, "val/dog": 1, "test/cat": 1, "test/dog": 1})
    with pytest.raises(ValueError, match=r"no samples in split 'train' \(there are: test, val\)"):
        class_weight("images")


def test_indices_that_another_split_numbers_otherwise_are_refused(here: Path) -> None:
    images(here / "images", {"train/ant": 1, "train/bee": 1, "train/cat": 1, "val/ant": 1, "val/cat": 1})
    assert class_weight("images", "inverse") == {0: 3.0, 1: 3.0, 2: 3.0}
    with pytest.raises(ValueError, match="class 'cat' is index 1 in 'val' and index 2 in 'train'"):
        class_weight("images", split="validation")


def test_another_framework_would_number_otherwise(here: Path) -> None:
    images(here, {"images/cat": 1, "images/dog": 1, "images/.cache": 1})
    (here / "datalint.yaml").write_text("training: {framework: pytorch}\n")
    with pytest.raises(ValueError, match=r"training\.framework is pytorch"):
        class_weight("images")


def test_a_random_cut_is_said(here: Path) -> None:
    images(here, {"images/cat": 10, "images/dog": 10})
    (here / "datalint.yaml").write_text("training: {validation_split: 0.2}\n")
    with pytest.warns(UserWarning, match=r"training\.validation_split is 0\.2: counted is the part") as said:
        weights = class_weight("images", "inverse")
    assert said[0].filename == __file__
    assert sum(16 / weight for weight in weights.values()) == 16


def test_nothing_is_no_dataset(here: Path) -> None:
    (here / "images").mkdir()
    with pytest.raises(UnfinishedError, match="no samples found"):
        class_weight("images")


def test_weights_and_preflight_need_no_tensorflow(here: Path) -> None:
    images(here, {"images/cat": 12, "images/dog": 12})
    code = """\
import sys
sys.modules["tensorflow"] = sys.modules["keras"] = None
from datalint.integrations import keras
print(keras.class_weight("images"), keras.preflight("images").samples)
try:
    keras.input_pipeline("images")
except ImportError as error:
    print(error)
"""
    run = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    first, second = run.stdout.splitlines()
    assert first == "{0: 1.0, 1: 1.0} 24"
    assert second.startswith("TensorFlow cannot be imported (")
    assert second.endswith("): install datalint with its extra `tensorflow`: datalint-vision[tensorflow]")


@pytest.mark.tensorflow
def test_fit_takes_them_as_they_are(keras: Any, tf: Any) -> None:
    """With a rate of 0 the loss of the epoch is the mean of the weighted losses of the samples."""
    labels = [0] * 6 + [1] * 2
    model = keras.Sequential([keras.layers.Input((1,)), keras.layers.Dense(2)])
    model.compile(keras.optimizers.SGD(0.0), keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    values = np.linspace(-1, 1, 8, dtype="float32")[:, None]
    logits = np.asarray(model(values))
    losses = np.log(np.exp(logits).sum(1)) - logits[np.arange(8), labels]
    weights = class_weight(labels)
    batches = tf.data.Dataset.from_tensor_slices((values, labels)).batch(8)
    history = model.fit(batches, class_weight=weights, shuffle=False, verbose=0)
    assert history.history["loss"] == pytest.approx([np.mean([weights[y] for y in labels] * losses)], rel=1e-5)
