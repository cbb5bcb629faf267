"""What a recipe refuses is what the libraries refuse."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from datalint.footprint.recipe import Recipe, contradiction
from tests.e2e.conftest import picture

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.tensorflow
@pytest.mark.parametrize(
    ("key", "asked", "recipe"),
    [
        ("image_size", {"image_size": None}, Recipe(input_height=None, input_width=None)),
        ("image_size", {"image_size": (None, None)}, Recipe(input_height=None, input_width=None)),
        ("channels", {"color_mode": None}, Recipe(input_channels=None)),
        ("channels", {"color_mode": "original"}, Recipe(input_channels=None)),
    ],
)
def test_keras_refuses_to_keep_what_its_directory_loader_makes_equal(
    tmp_path: Path, key: str, asked: dict[str, Any], recipe: Recipe
) -> None:
    keras = pytest.importorskip("keras")
    for seed, name in enumerate(("cat", "dog")):
        picture(tmp_path / name / "0.jpg", seed)
    assert len(keras.utils.image_dataset_from_directory(tmp_path, verbose=False))
    assert contradiction(Recipe()) is None
    with pytest.raises(ValueError):  # noqa: PT011 - texts of Keras and of TensorFlow
        keras.utils.image_dataset_from_directory(tmp_path, verbose=False, **asked)
    refused = contradiction(recipe)
    assert refused
    assert refused[0] == key
