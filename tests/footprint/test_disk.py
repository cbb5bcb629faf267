"""Disk: what a real `cache(FILE)` writes, and what a target has of it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from datalint.footprint import disk
from datalint.footprint.images import Images
from datalint.footprint.recipe import Recipe
from datalint.target import Target
from tests.e2e.conftest import picture

if TYPE_CHECKING:
    from pathlib import Path

CACHED = Recipe(loader="files", input_height=64, input_width=48, cache="disk")
MANY = Images(train=80, val=20, measured=100)


@pytest.mark.tensorflow
@pytest.mark.parametrize("dtype", ["uint8", "float32"])
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_the_prediction_is_what_tensorflow_writes(tmp_path: Path, dtype: str) -> None:
    tf = pytest.importorskip("tensorflow")
    images = tf.data.Dataset.range(100).map(lambda number: tf.cast(tf.fill((64, 48, 3), number), dtype))
    for _ in images.cache(str(tmp_path / "cache")):
        pass
    written = sum(path.stat().st_size for path in tmp_path.iterdir())
    stage, total = disk.disk(replace(CACHED, dtype=dtype), MANY, Target(name="any", disk=10**9))
    assert total.low <= written <= total.high
    assert (stage.stage, total.fit) == ("cache", "fits")


@pytest.mark.tensorflow
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize("batch", [1, 32])
def test_batches_of_a_directory_are_records(tmp_path: Path, batch: int) -> None:
    """Of small images the bytes around a record count: 64 a batch, and 4 a label."""
    keras = pytest.importorskip("keras")
    for number in range(100):
        picture(tmp_path / "images" / f"{number % 2}" / f"{number:03}.jpg", number, size=16)
    recipe = Recipe(input_height=16, input_width=16, input_channels=1, batch=batch, cache="disk")
    loaded = keras.utils.image_dataset_from_directory(
        str(tmp_path / "images"), image_size=(16, 16), color_mode="grayscale", batch_size=batch, verbose=False
    )
    (tmp_path / "cache").mkdir()
    for _ in loaded.cache(str(tmp_path / "cache" / "file")):
        pass
    written = sum(path.stat().st_size for path in (tmp_path / "cache").iterdir())
    total = disk.disk(recipe, Images(train=100, measured=100), Target(name="any", disk=10**9))[-1]
    assert total.low <= written <= total.high


def test_the_largest_dataset_is_the_last_one_that_fits() -> None:
    machine = Target(name="small", disk=2_000_000)
    total = disk.disk(CACHED, MANY, machine)[-1]
    assert total.fit == "will not fit"
    largest = total.largest_n_samples
    assert largest is not None
    assert disk.disk(CACHED, Images(train=largest, measured=1), machine)[-1].fit == "fits"
    assert disk.disk(CACHED, Images(train=largest + 1, measured=1), machine)[-1].fit != "fits"


@pytest.mark.parametrize("cache", ["none", "memory"])
def test_only_a_cache_on_disk_takes_disk(cache: str) -> None:
    assert disk.disk(replace(CACHED, cache=cache), MANY, Target(name="any", disk=1)) == []
    assert disk.unpredicted(replace(CACHED, cache=cache), MANY) is None


def test_what_is_not_known_has_a_reason_and_no_row() -> None:
    free = replace(CACHED, input_height=None, input_width=None)
    assert disk.disk(free, Images(train=5), Target(name="any", disk=1)) == []
    assert "none of their sizes" in str(disk.unpredicted(free, Images(train=5)))
    assert disk.unpredicted(CACHED, Images(train=0)) == "no training samples"
    assert disk.disk(CACHED, MANY, Target(name="any"))[-1].fit == "unknown"
