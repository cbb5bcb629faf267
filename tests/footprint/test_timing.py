"""Time of the input pipeline: in proportion to what is decoded, against what the model and the job leave it."""

from __future__ import annotations

import io
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from PIL import Image

from datalint.facts.speed import decode_seconds
from datalint.footprint import timing
from datalint.footprint.estimate import TOTAL
from datalint.footprint.images import Images, Kind, kinds_of
from datalint.footprint.recipe import Recipe
from datalint.tables import Data
from datalint.target import Target

if TYPE_CHECKING:
    from datalint.footprint.estimate import Estimate

PHOTOS = Images(train=1000, kinds=(Kind("jpeg", 1000, 100_000_000, 750_000_000),), measured=1000)
FOUR = Target(name="four", cores=4)
RECIPE = Recipe(loader="files", input_height=224, input_width=224)


def totals(recipe: Recipe, images: Images = PHOTOS, machine: Target = FOUR, **known: float) -> dict[str, Estimate]:
    rows = timing.times(recipe, images, machine, **known)
    return {row.resource: row for row in rows if row.stage == TOTAL}


def test_an_epoch_of_photographs_takes_its_decoding_and_resizing() -> None:
    """1,000 JPEGs of 1000 x 750 pixels and 100 kB: 1.45 ms each in the measured table, and 0.2 ms to resize."""
    epoch = totals(RECIPE)["input_time"]
    assert epoch.unit == "seconds"
    assert 0.35 < epoch.expected < 0.45
    assert epoch.low == pytest.approx(epoch.expected / 2)
    assert epoch.high == pytest.approx(epoch.expected * 2)


def test_cores_divide_it_and_parallel_calls_are_cores_that_are_used() -> None:
    whole = totals(RECIPE, machine=Target(name="one", cores=1))["input_time"].expected
    assert totals(RECIPE)["input_time"].expected == pytest.approx(whole / 4)
    assert totals(replace(RECIPE, parallel_calls=2))["input_time"].expected == pytest.approx(whole / 2)
    assert totals(replace(RECIPE, parallel_calls=64))["input_time"].expected == pytest.approx(whole / 4)


def test_what_was_timed_here_is_known_better() -> None:
    unknown, known = totals(RECIPE)["input_time"], totals(RECIPE, speed=2.0)["input_time"]
    assert known.expected == pytest.approx(2 * unknown.expected)
    assert known.high == pytest.approx(known.expected * 1.45)


def test_progressive_jpegs_cost_two_to_three_times_as_much() -> None:
    slow = replace(PHOTOS, kinds=(PHOTOS.kinds[0]._replace(format="progressive jpeg"),))
    plain = replace(RECIPE, input_height=None, input_width=None)
    assert 2 < totals(plain, slow)["input_time"].expected / totals(plain)["input_time"].expected < 4


def test_only_what_trains_is_read_in_an_epoch() -> None:
    split = replace(RECIPE, validation_split=0.25)
    assert totals(split)["input_time"].expected == pytest.approx(0.75 * totals(RECIPE)["input_time"].expected)
    both = replace(PHOTOS, train=500, val=500)
    assert totals(RECIPE, both)["input_time"].expected == pytest.approx(totals(RECIPE)["input_time"].expected / 2)


def test_the_model_s_steps_are_what_the_input_may_take() -> None:
    epoch = totals(replace(RECIPE, step_seconds=0.01))["input_time"]
    assert epoch.available == pytest.approx(0.32)
    assert totals(replace(RECIPE, step_seconds=0.001))["input_time"].fit == "will not fit"
    assert totals(replace(RECIPE, step_seconds=1.0))["input_time"].fit == "fits"
    assert totals(RECIPE)["input_time"].fit == "unknown"


def test_the_slower_of_input_and_model_sets_the_pace_of_the_job() -> None:
    recipe = replace(RECIPE, step_seconds=1.0, epochs=10, time_limit=300)
    job = totals(recipe)["job_time"]
    assert (job.expected, job.available, job.fit) == (320.0, 300.0, "will not fit")
    starved = totals(replace(recipe, step_seconds=0.001))
    assert starved["job_time"].expected == pytest.approx(10 * starved["input_time"].expected)
    cached = totals(replace(recipe, step_seconds=0.001, cache="memory"))
    assert cached["job_time"].expected == pytest.approx(cached["input_time"].expected + 9 * 0.032)


@pytest.mark.parametrize("change", [{"loader": "array"}, {"framework": "pytorch"}, {"loader": "sequence"}])
def test_what_is_not_predicted_has_a_reason(change: dict[str, str]) -> None:
    recipe = replace(RECIPE, **change)  # type: ignore[arg-type]
    assert timing.times(recipe, PHOTOS, FOUR) == []
    assert set(timing.unpredicted(recipe, PHOTOS, FOUR)) == {"input_time", "job_time"}


def test_a_card_alone_has_no_cores_to_divide_by() -> None:
    card = Target(name="card")
    assert timing.times(RECIPE, PHOTOS, card) == []
    assert "cores" in timing.unpredicted(RECIPE, PHOTOS, card)["input_time"]


def test_fewer_steps_read_fewer_images() -> None:
    ten = totals(replace(RECIPE, steps_per_epoch=10, step_seconds=0.1))["input_time"]
    assert ten.expected == pytest.approx(totals(RECIPE)["input_time"].expected * 320 / 1000)
    assert ten.available == pytest.approx(1.0)
    more = totals(replace(RECIPE, steps_per_epoch=100, step_seconds=0.1))["input_time"]
    assert more.available == pytest.approx(3.2)


@pytest.mark.parametrize("cache", ["none", "memory"])
def test_more_steps_than_there_are_batches_may_all_be_taken(cache: str) -> None:
    """1,000 photographs are 32 batches; a dataset that repeats gives 320, ten times as many."""
    recipe = replace(RECIPE, step_seconds=1.0, epochs=2, time_limit=300, cache=cache)
    once = totals(recipe)["job_time"]
    more = totals(replace(recipe, steps_per_epoch=320))["job_time"]
    assert (once.fit, once.high) == ("fits", 64.0)
    assert (more.low, more.expected, more.high, more.fit) == (64.0, 64.0, 640.0, "tight")
    starved = totals(replace(recipe, steps_per_epoch=320, step_seconds=0.001))
    read, job = starved["input_time"].high, starved["job_time"].high
    assert job == pytest.approx(20 * read if cache == "none" else read + 0.32, rel=0.01)
    fewer = totals(replace(recipe, steps_per_epoch=10))["job_time"]
    assert (fewer.low, fewer.high) == (20.0, 20.0)


def test_a_job_needs_a_step_and_epochs() -> None:
    assert timing.unpredicted(RECIPE, PHOTOS, FOUR) == {"job_time": "step_seconds and epochs: not declared"}
    assert timing.unpredicted(replace(RECIPE, epochs=3, step_seconds=0.1), PHOTOS, FOUR) == {}
    assert "job_time" not in totals(replace(RECIPE, epochs=3))


def test_a_picture_is_timed_and_a_broken_one_is_not() -> None:
    content = io.BytesIO()
    Image.effect_noise((256, 256), 64).save(content, "JPEG")
    spent = decode_seconds(content.getvalue())
    assert spent is not None
    assert spent > 0
    assert decode_seconds(content.getvalue()[:500]) is None


def test_bytes_beside_the_picture_are_not_decoded() -> None:
    columns: dict[str, list[object]] = {
        "status": ["ok", "ok", "damaged"], "format": ["jpeg", "jpeg", "png"], "progressive": [False, True, None],
        "size_bytes": [1000, 500, 9], "trailing_bytes": [400, None, None],
        "metadata_bytes": [50, 20, None], "width": [10, 20, None], "height": [10, 20, None],
    }  # fmt: skip
    assert kinds_of(Data(columns)) == (Kind("jpeg", 1, 550, 100), Kind("progressive jpeg", 1, 480, 400))
