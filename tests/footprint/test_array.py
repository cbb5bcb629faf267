"""Copies of arrays, counted in multiples of the array: the figures are those that were measured."""

from __future__ import annotations

from dataclasses import replace

import pytest

from datalint.footprint.array import BATCHES, array_stages
from datalint.footprint.images import Images
from datalint.footprint.recipe import Recipe

SIDE = 64
VALUES = SIDE * SIDE * 3
ARRAY = Recipe(loader="array", array_build="preallocated", input_height=SIDE, input_width=SIDE, batch=1)
SAMPLES = 10_000


def multiple(recipe: Recipe, *, val: int = 0) -> float:
    """Peak over the bytes of the images as uint8, without the batches on their way."""
    peak = sum(stage.size for stage in array_stages(recipe, Images(train=SAMPLES, val=val)) if stage.name != "batches")
    return peak / (SAMPLES * VALUES)


@pytest.mark.parametrize(
    ("dtype", "share", "expected"),
    [
        ("uint8", None, 3.0),
        ("float32", None, 12.0),
        ("float16", None, 14.0),
        ("float64", None, 20.0),
        ("float32", 0.2, 10.4),
        ("float32", 0.5, 10.0),
        ("float16", 0.2, 12.4),
        ("float64", 0.2, 18.4),
    ],
)
def test_fit_copies(dtype: str, share: float | None, expected: float) -> None:
    assert multiple(replace(ARRAY, dtype=dtype, validation_split=share)) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("build", "scale", "dtype", "expected"),
    [
        ("list", "none", "uint8", 2),
        ("list_freed", "none", "uint8", 2),
        ("preallocated", "none", "uint8", 1),
        ("list", "none", "float32", 5),
        ("list", "in_place", "float32", 5),
        ("list", "divide", "float32", 9),
        ("list", "cast_and_divide", "float32", 10),
        ("list", "divide_uint8", "float64", 10),
        ("list", "per_image", "float32", 8),
        ("list", "per_image", "float64", 16),
    ],
)
def test_building_and_scaling(build: str, scale: str, dtype: str, expected: float) -> None:
    """Over a PyDataset, which copies nothing, so that the peak is that of building."""
    recipe = replace(ARRAY, loader="sequence", array_build=build, array_scale=scale, dtype=dtype)
    assert multiple(recipe) == pytest.approx(expected)


def test_a_list_that_is_freed_makes_room_for_what_follows() -> None:
    kept = replace(ARRAY, array_build="list", dtype="float32")
    assert multiple(kept) - multiple(replace(kept, array_build="list_freed")) == pytest.approx(1)


@pytest.mark.parametrize(("split", "expected"), [("none", 12), ("copied", 16), ("source_freed", 12)])
def test_a_split_is_a_copy_until_its_source_is_freed(split: str, expected: float) -> None:
    assert multiple(replace(ARRAY, array_split=split)) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("split", "share", "least"),
    [("copied", None, 16 + 0.6 * 12), ("source_freed", None, 8 + 0.6 * 12), ("copied", 0.2, 16 + 4 + 0.8 * 8)],
)
def test_what_a_split_leaves_to_fit_is_not_known_from_below(split: str, share: float | None, least: float) -> None:
    recipe = replace(ARRAY, dtype="float64", array_split=split, validation_split=share)
    stages = [stage for stage in array_stages(recipe, Images(train=SAMPLES)) if stage.name != "batches"]
    assert sum(stage.least or stage.size for stage in stages) / (SAMPLES * VALUES) == pytest.approx(least)


def test_validation_data_is_copied_beside_the_training_constant() -> None:
    """Array of both, one copy of what trains, two of what is validated: more than three times what trains."""
    assert multiple(ARRAY, val=3 * SAMPLES) == pytest.approx(4 * 4 + 4 + 2 * 3 * 4)


@pytest.mark.parametrize(("dtype", "expected"), [("uint8", 3), ("float32", 12), ("float16", 6)])
def test_from_tensor_slices_keeps_two_copies_and_casts_nothing(dtype: str, expected: float) -> None:
    assert multiple(replace(ARRAY, loader="from_tensor_slices", dtype=dtype)) == pytest.approx(expected)


def test_the_batches_on_their_way_are_floats() -> None:
    stages = array_stages(replace(ARRAY, loader="sequence", dtype="uint8", batch=8), Images(train=SAMPLES))
    assert {stage.name: stage.size for stage in stages}["batches"] == BATCHES * 8 * VALUES * 4


def test_the_stages_say_their_arithmetic() -> None:
    [array, *_] = array_stages(replace(ARRAY, dtype="float32"), Images(train=1000))
    assert array.formula == "1,000 samples x 12,288 values x 4 B"


@pytest.mark.parametrize(
    ("samples", "shape", "dtype", "gibibytes"),
    [
        (87000, (227, 227, 3), "uint8", 12.5),
        (1225317, (64, 64, 6), "float32", 112),
        (546, (820, 820, 1), "float32", 1.37),
        (697932, (28, 28, 1), "float32", 2.04),
    ],
)
def test_the_array_is_what_numpy_says_it_cannot_allocate(
    samples: int, shape: tuple[int, int, int], dtype: str, gibibytes: float
) -> None:
    """The figures of `Unable to allocate ... for an array with shape` in users' reports."""
    height, width, channels = shape
    recipe = replace(ARRAY, input_height=height, input_width=width, input_channels=channels, dtype=dtype)
    stages = {stage.name: stage.size for stage in array_stages(recipe, Images(train=samples))}
    assert stages["array"] / 2**30 == pytest.approx(gibibytes, rel=0.005)
