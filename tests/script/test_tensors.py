"""The type of values as the model gets them: what the script's own pipeline has in TensorFlow, or nothing is said."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from datalint.script import recipe
from tests.e2e.conftest import picture

if TYPE_CHECKING:
    from pathlib import Path

HEAD = """\
import tensorflow as tf


def decoded(path):
    return tf.io.decode_jpeg(tf.io.read_file(path), channels=3)


def small(path):
    return tf.image.resize(decoded(path), (24, 16))


"""
FILES = "ds = tf.data.Dataset.list_files('*/*.jpg')"
DIRECTORY = "ds = tf.keras.utils.image_dataset_from_directory('.', image_size=(24, 16), batch_size=2, verbose=False)"


def said(code: str, folder: Path) -> tuple[Any, list[str]]:
    (folder / "train.py").write_text(f"{HEAD}{code}\nmodel.fit(ds)\n")
    found = recipe.read(str(folder / "train.py"))
    return found.values.get("dtype", (None,))[0], [words for key, words in found.notes if key == "dtype"]


CASTS = [
    "lambda p: tf.cast(small(p), tf.uint8)",
    "lambda p: tf.cast(small(p) / 255.0, tf.float16)",
    "lambda p: tf.cast(small(p), 'float64') / 255",
    "lambda p: tf.image.convert_image_dtype(decoded(p), tf.float16)",
    "lambda p: tf.image.resize(tf.image.convert_image_dtype(decoded(p), tf.float16), (24, 16), 'nearest')",
    "lambda p: tf.image.random_flip_left_right(tf.cast(small(p), tf.uint8))",
    "lambda p: tf.saturate_cast(small(p), dtype=tf.uint8)",
    "lambda p: 1 - tf.image.convert_image_dtype(small(p), tf.float32)",
    "decoded",
]


@pytest.mark.tensorflow
@pytest.mark.parametrize("mapped", CASTS)
def test_a_cast_in_a_mapped_function_is_followed(mapped: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("tensorflow")
    picture(tmp_path / "cat" / "0.jpg", 0, size=32)
    monkeypatch.chdir(tmp_path)
    code = f"{FILES}\nds = ds.map({mapped}).batch(1)"
    names: dict[str, Any] = {}
    exec(HEAD + code, names)
    assert said(code, tmp_path) == (names["ds"].element_spec.dtype.name, [])


@pytest.mark.tensorflow
@pytest.mark.parametrize(
    ("mapped", "told"),
    [
        ("lambda x, y: (tf.cast(x, tf.float16), y)", True),
        ("lambda x, y: (tf.cast(x / 255.0, tf.uint8), y)", True),
        ("lambda x, y: (tf.image.convert_image_dtype(tf.cast(x, tf.uint8), tf.float64), y)", True),
        ("lambda x, y: (x / 255.0, y)", False),
        ("lambda x, y: (tf.image.resize(x, (12, 12)), y)", False),
        ("lambda x, y: (x, tf.cast(y, tf.uint8))", False),
    ],
)
def test_what_follows_a_loader_is_followed(
    mapped: str, told: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where nobody casts, nothing is said: float32 is what the recipe assumes."""
    pytest.importorskip("tensorflow")
    for seed, name in enumerate(("cat", "dog")):
        picture(tmp_path / name / "0.jpg", seed, size=32)
    monkeypatch.chdir(tmp_path)
    code = f"{DIRECTORY}\nds = ds.map({mapped})"
    names: dict[str, Any] = {}
    exec(HEAD + code, names)
    dtype = names["ds"].element_spec[0].dtype.name
    assert told or dtype == "float32"
    assert said(code, tmp_path) == (dtype if told else None, [])


@pytest.mark.parametrize(
    "mapped",
    [
        "lambda p: imported(tf.cast(small(p), tf.uint8))",
        "lambda p: tf.cast(small(p), chosen)",
        "lambda p: tf.cast(small(p), tf.uint8) if unknown() else small(p)",
        "lambda p: tf.cast(small(p), tf.bfloat16)",
        "lambda p: (imported(p), tf.cast(small(p), tf.uint8))",
    ],
)
def test_a_type_that_is_not_certain_is_not_said(mapped: str, tmp_path: Path) -> None:
    assert said(f"{FILES}\nds = ds.map({mapped}).batch(1)", tmp_path)[0] is None


def test_a_buffer_of_another_type_is_said(tmp_path: Path) -> None:
    steps = "map(lambda p: tf.cast(small(p), tf.uint8)).cache().map(lambda x: tf.cast(x, tf.float32) / 255)"
    dtype, notes = said(f"{FILES}\nds = ds.{steps}.batch(2)", tmp_path)
    assert dtype == "float32"
    assert notes == [
        "train.py:13: .cache(): here values are uint8, and float32 as the model gets them: the recipe has one type"
    ]
