"""The time until a shuffle buffer is full, by what it holds."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from datalint.footprint import fill, timing
from datalint.footprint.estimate import TOTAL, Estimate
from datalint.footprint.images import Images, Kind
from datalint.footprint.recipe import Recipe
from datalint.target import Target

if TYPE_CHECKING:
    from pathlib import Path

PHOTOS = Images(train=1000, kinds=(Kind("jpeg", 1000, 100_000_000, 750_000_000),), measured=1000)
FOUR = Target(name="four", cores=4)
RECIPE = Recipe(loader="files", input_height=224, input_width=224, batch=10, shuffle_buffer=100)


def total(recipe: Recipe, images: Images = PHOTOS, machine: Target = FOUR, **known: float) -> Estimate:
    [*_, row] = fill.fill(recipe, images, machine, **known)
    assert row.stage == TOTAL
    return row


def test_a_buffer_of_everything_takes_what_an_epoch_of_input_takes() -> None:
    [*_, epoch] = timing.times(RECIPE, PHOTOS, FOUR)
    whole = total(replace(RECIPE, shuffle_buffer=1000))
    assert whole.expected == pytest.approx(epoch.expected)
    assert (whole.low, whole.high) == pytest.approx((epoch.low, epoch.high))
    assert total(replace(RECIPE, shuffle_buffer=99_999)).expected == whole.expected
    assert total(RECIPE).expected == pytest.approx(whole.expected / 10)
    assert total(replace(RECIPE, shuffle_buffer=99_999, validation_split=0.5)).expected == pytest.approx(
        whole.expected / 2
    )


def test_a_buffer_of_batches_holds_batch_times_as_many() -> None:
    batched = replace(RECIPE, shuffle_buffer=10, shuffle_stage="batched")
    assert total(batched).expected == pytest.approx(total(RECIPE).expected)
    directory = Recipe(input_height=224, input_width=224, batch=10, shuffle_buffer=10)
    assert total(directory).expected == pytest.approx(total(RECIPE).expected)


def test_encoded_elements_are_only_read_and_by_one_thread() -> None:
    encoded = replace(RECIPE, shuffle_stage="encoded")
    assert total(encoded).expected == pytest.approx(100 * (37e-6 + 100_000 * 0.64e-9))
    assert total(encoded, machine=Target(name="one", cores=1)).expected == total(encoded).expected
    records = Recipe(loader="tfrecord", input_height=224, input_width=224, shuffle_buffer=100)
    assert total(records).expected == pytest.approx(100 * (5e-6 + 100_000 * 0.76e-9))


def test_cores_and_what_was_timed_count_as_for_an_epoch() -> None:
    one = total(RECIPE, machine=Target(name="one", cores=1))
    assert one.expected == pytest.approx(4 * total(RECIPE).expected)
    assert total(replace(RECIPE, parallel_calls=1)).expected == pytest.approx(one.expected)
    timed = total(RECIPE, speed=2.0)
    assert timed.expected == pytest.approx(2 * total(RECIPE).expected)
    assert timed.high == pytest.approx(2 * timed.expected)


def test_without_a_buffer_there_is_nothing_to_fill() -> None:
    plain = replace(RECIPE, shuffle_buffer=None)
    assert fill.fill(plain, PHOTOS, FOUR) == []
    assert fill.unpredicted(plain, PHOTOS, FOUR) is None


def test_slices_of_an_array_and_names_fill_a_buffer_at_once() -> None:
    slices = Recipe(loader="from_tensor_slices", shuffle_buffer=10)
    assert fill.fill(slices, PHOTOS, FOUR) == []
    assert fill.unpredicted(slices, PHOTOS, FOUR) is None
    assert fill.unneeded(slices)
    assert fill.unneeded(replace(slices, shuffle_buffer=None)) is None
    assert fill.unneeded(RECIPE) is None
    names = replace(RECIPE, shuffle_stage="names")
    assert fill.fill(names, PHOTOS, FOUR) == []
    assert fill.unneeded(names) == "it holds names, and no file is read for them"


def test_what_is_not_predicted_has_a_reason() -> None:
    generator = Recipe(loader="generator", shuffle_buffer=10)
    assert fill.fill(generator, PHOTOS, FOUR) == []
    assert "generator" in str(fill.unpredicted(generator, PHOTOS, FOUR))
    assert fill.fill(RECIPE, PHOTOS, Target(name="card")) == []
    assert "cores" in str(fill.unpredicted(RECIPE, PHOTOS, Target(name="card")))


@pytest.mark.tensorflow
def test_tensorflow_reads_as_many_elements_before_the_first_one(tmp_path: Path) -> None:
    tf = pytest.importorskip("tensorflow")
    log = str(tmp_path / "read")

    def read(number: object) -> object:
        tf.print(number, output_stream=f"file://{log}")
        return number

    data = tf.data.Dataset.range(200).map(read)
    next(iter(data.shuffle(50)))
    with open(log) as lines:
        assert 50 <= len(lines.readlines()) <= 52
    next(iter(data.batch(10).shuffle(5)))
    with open(log) as lines:
        assert 100 <= len(lines.readlines()) <= 122
