"""From a measured part of a dataset to all of it: what is added, and that no bound comes nearer."""

from __future__ import annotations

import pytest

from datalint.footprint.estimate import TOTAL, Estimate
from datalint.footprint.host import host_memory
from datalint.footprint.images import Images
from datalint.footprint.recipe import Recipe
from datalint.footprint.scale import LEAST, NOISE, Difference, data_of, scaled
from datalint.target import Target

MIB = 2**20
IMAGES = Images(train=1000, encoded_mean=6e4, decoded_mean=250_000, decoded_max=1e6, measured=1000)
ARRAY = Recipe(loader="array", input_height=224, input_width=224)
STREAM = Recipe(loader="files", input_height=224, input_width=224, prefetch=2, parallel_calls=2)
HERE = Target(name="here", host_memory=64 << 30, cores=2)


def rows(recipe: Recipe, samples: int) -> list[Estimate]:
    return host_memory(recipe, IMAGES.grown(samples), HERE)


def whole(found: list[Estimate]) -> Estimate:
    [row] = [row for row in found if row.stage == TOTAL]
    return row


def difference(recipe: Recipe, samples: int, *, beyond: float, base: int = 500 * MIB) -> Difference:
    """As if the data of the part had taken that many bytes more than predicted."""
    predicted = data_of(rows(recipe, samples))
    return Difference(base, base + round(predicted + beyond), predicted)


@pytest.mark.parametrize("beyond", [-100 * MIB, 0, 100 * MIB])
def test_what_was_taken_beyond_the_prediction_is_added_and_may_grow(beyond: float) -> None:
    before, part = whole(rows(ARRAY, 10_000)), difference(ARRAY, 1000, beyond=beyond)
    after = whole(scaled(rows(ARRAY, 10_000), part))
    framework = next(row.expected for row in rows(ARRAY, 1000) if row.stage == "framework")
    assert after.expected == pytest.approx(before.expected - framework + 500 * MIB + beyond, abs=2)
    # Ten times the samples: ten times as much, or as much as it was.
    assert after.low == pytest.approx(before.low + min(0, 10 * beyond), abs=20)
    assert after.high == pytest.approx(before.high + max(0, 10 * beyond), abs=20)
    assert after.available == before.available


def test_a_framework_that_takes_more_than_ever_moves_the_upper_bound() -> None:
    part = difference(ARRAY, 1000, beyond=0, base=900 * MIB)
    assert whole(scaled(rows(ARRAY, 2000), part)).high == pytest.approx(whole(rows(ARRAY, 2000)).high + 195 * MIB)


def test_too_few_data_tell_nothing_of_more_of_them() -> None:
    few = next(number for number in range(1, 1000) if data_of(rows(ARRAY, number)) >= LEAST)
    assert difference(ARRAY, few, beyond=0).factor == pytest.approx(1)
    assert difference(ARRAY, few - 1, beyond=0).factor is None
    assert scaled(rows(ARRAY, 1000), difference(ARRAY, few, beyond=MIB))
    assert scaled(rows(ARRAY, 1000), difference(ARRAY, few - 1, beyond=MIB)) == []


def test_a_stream_whose_buffers_are_full_is_as_large_with_more_samples() -> None:
    part = difference(STREAM, 500, beyond=30 * MIB)
    assert part.factor is None
    found = whole(scaled(rows(STREAM, 1_000_000), part))
    assert found.high == pytest.approx(whole(rows(STREAM, 1_000_000)).high + 30 * MIB, abs=2)


def test_fewer_samples_than_the_part_are_no_reason_to_scale_down() -> None:
    part = difference(ARRAY, 1000, beyond=100 * MIB)
    found = scaled(rows(ARRAY, 10), part)
    assert next(row.high for row in found if row.stage == "beyond") == pytest.approx(100 * MIB, abs=2)


def test_the_noise_is_a_quarter_of_the_least() -> None:
    """What the page says of it."""
    assert (NOISE, LEAST) == (40 * MIB, 160 * MIB)
