"""TensorFlow itself says what an element is where it is shuffled, and what a step takes."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any

import pytest

from datalint.script import recipe
from tests.e2e.conftest import picture

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.tensorflow

HEAD = """\
import tensorflow as tf


def decode(raw):
    return tf.image.resize(tf.io.decode_jpeg(raw, channels=3), (24, 16))


def load(path):
    return decode(tf.io.read_file(path))


"""


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("photos")
    for label in ("cat", "dog"):
        for number in range(4):
            picture(folder / label / f"{number}.jpg", number, size=32)
    return folder


def script(seed: int) -> list[str]:
    """Lines that make a dataset: a source, decoding in one map or in two, and everything else at random places."""
    rng = random.Random(seed)
    kind = rng.choice(("files", "read first", "directory", "directory unbatched"))
    if kind.startswith("directory"):
        batch = "None" if kind == "directory unbatched" else str(rng.randrange(2, 5))
        lines = [f"ds = tf.keras.utils.image_dataset_from_directory('.', image_size=(24, 16), batch_size={batch})"]
        maps: list[str] = []
    else:
        lines = ["ds = tf.data.Dataset.list_files('*/*.jpg')"]
        maps = ["ds = ds.map(load)"] if kind == "files" else ["ds = ds.map(tf.io.read_file)", "ds = ds.map(decode)"]
    batched = kind == "directory"
    if batched and rng.random() < 0.4:
        maps = ["ds = ds.unbatch()"]
        batched = False
    if not batched:
        maps.append(f"ds = ds.batch({rng.randrange(2, 5)}, drop_remainder={rng.random() < 0.5})")
    others = [f"ds = ds.shuffle({rng.randrange(2, 9)})", *(["ds = ds.repeat(2)"] if rng.random() < 0.5 else [])]
    places = sorted(rng.randrange(len(maps) + 1) for _ in others)
    for index in range(len(maps) + 1):
        lines += [other for other, place in zip(others, places, strict=True) if place == index]
        lines += maps[index : index + 1]
    return lines


@pytest.mark.parametrize("seed", range(40))
def test_the_stage_of_a_buffer_and_the_batch_are_those_of_tensorflow(
    seed: int, photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("tensorflow")
    monkeypatch.chdir(photos)
    lines = script(seed)
    names: dict[str, Any] = {}
    exec(HEAD, names)
    elements = []
    for line in lines:
        if ".shuffle(" in line:
            elements.append(names["ds"])
        exec(line, names)
    (tmp_path / "train.py").write_text(HEAD + "\n".join(lines) + "\nmodel.fit(ds)\n")
    found = {key: value for key, (value, _) in recipe.read(str(tmp_path / "train.py")).values.items()}
    assert found.get("shuffle_stage") == stage(elements[0])
    images = next(iter(names["ds"].unbatch().batch(1000)))
    images = images[0] if isinstance(images, tuple) else images
    assert found["image_size"] == list(images.shape[1:3])
    assert found["channels"] == images.shape[3]
    # An incomplete batch may come first, where batches are shuffled.
    assert found["batch"] == max(len(item[0] if isinstance(item, tuple) else item) for item in names["ds"])
    spec = names["ds"].element_spec
    fixed = (spec[0] if isinstance(spec, tuple) else spec).shape[0] is not None
    assert found.get("drop_remainder", False) is fixed


def stage(dataset: Any) -> str:
    """What one element holds."""
    element = next(iter(dataset))
    image = element[0] if isinstance(element, tuple) else element
    if image.dtype.name != "string":
        return "batched" if len(image.shape) == 4 else "decoded"
    return "encoded" if image.numpy().startswith(b"\xff\xd8") else "names"
