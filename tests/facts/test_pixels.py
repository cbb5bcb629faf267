"""Every measure against its formula, written out with numpy."""

from __future__ import annotations

import math

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from datalint.facts.model import Facts
from datalint.facts.pixels import describe
from tests.facts.pictures import noise, smooth

Plane = NDArray[np.uint8]
PLANES = [
    pytest.param(np.asarray(image.convert("L")), id=name)
    for name, image in {
        "clouds": smooth(),
        "noise": noise(),
        "tall": smooth(40, 200),
        "odd": noise(67, 41),
        "one grid": noise(32, 32),
        "smaller than the grid": noise(9, 13),
        "three pixels": noise(3, 3),
    }.items()
]


def measured(plane: Plane) -> Facts:
    facts = Facts()
    describe(facts, plane, height=plane.shape[0], width=plane.shape[1])
    return facts


def distance(one: int | None, other: int | None) -> int:
    assert one is not None
    assert other is not None
    return ((one ^ other) & (1 << 64) - 1).bit_count()


@pytest.mark.parametrize("plane", PLANES)
def test_brightness_is_the_mean(plane: Plane) -> None:
    assert measured(plane).brightness == pytest.approx(plane.mean() / 255, abs=1e-5)


@pytest.mark.parametrize("plane", PLANES)
def test_contrast_is_the_standard_deviation(plane: Plane) -> None:
    assert measured(plane).contrast == pytest.approx(plane.std() / 255, abs=1e-5)


@pytest.mark.parametrize("plane", PLANES)
def test_entropy_is_shannons(plane: Plane) -> None:
    values = plane.ravel().tolist()
    shares = [values.count(value) / len(values) for value in set(values)]
    assert measured(plane).entropy == pytest.approx(-sum(share * math.log2(share) for share in shares), abs=1e-4)


@pytest.mark.parametrize("plane", PLANES)
def test_sharpness_is_the_variance_of_the_laplacian(plane: Plane) -> None:
    wide = plane.astype(float)
    laplacian = wide[:-2, 1:-1] + wide[2:, 1:-1] + wide[1:-1, :-2] + wide[1:-1, 2:] - 4 * wide[1:-1, 1:-1]
    assert measured(plane).sharpness == pytest.approx(laplacian.var(), rel=1e-4, abs=0.01)


@pytest.mark.parametrize("plane", [plane for plane in PLANES if plane.id != "three pixels"])
def test_phash_is_the_sign_of_the_low_frequencies(plane: Plane) -> None:
    box = np.empty((32, 32))
    height, width = plane.shape
    # Each cell is the mean of the pixels under it, those at its edge in part.
    fine = np.kron(plane.astype(float), np.ones((32, 32)))
    for row in range(32):
        for column in range(32):
            box[row, column] = fine[row * height : (row + 1) * height, column * width : (column + 1) * width].mean()
    steps = np.arange(32) + 0.5
    waves = np.array([np.cos(math.pi / 32 * order * steps) for order in range(8)])
    waves[0] /= math.sqrt(2)
    low = (waves @ box @ waves.T).ravel()
    # The mean is left out: it has no sign that a turn could change.
    clear = np.abs(low) > 1e-2
    clear[0] = False
    bits = [(measured(plane).phash or 0) >> (63 - place) & 1 for place in range(64)]
    assert clear.sum() > 40
    assert [bit for bit, sure in zip(bits, clear, strict=True) if sure] == (low > 0)[clear].tolist()


def test_phash_survives_scaling_and_brightening() -> None:
    image = smooth(320, 240).convert("L")
    original = measured(np.asarray(image)).phash
    half = measured(np.asarray(image.resize((160, 120), Image.Resampling.BOX))).phash
    brighter = measured(np.asarray(image.point(lambda value: value * 0.8 + 40))).phash
    assert distance(original, half) <= 2
    assert distance(original, brighter) <= 4


def test_phash_tells_pictures_apart() -> None:
    one, other = (measured(np.asarray(smooth(seed=seed).convert("L"))).phash for seed in (1, 2))
    assert distance(one, other) > 16


def test_phash_of_a_flat_plane_is_unknown() -> None:
    flat = measured(np.full((64, 64), 90, dtype=np.uint8))
    assert flat.phash is None
    assert (flat.contrast, flat.entropy, flat.sharpness) == (0, 0, 0)


def test_sharpness_falls_with_blur() -> None:
    image = noise(200, 200).convert("L")
    blurred = image.filter(ImageFilter.GaussianBlur(2))
    assert (measured(np.asarray(blurred)).sharpness or 0) < (measured(np.asarray(image)).sharpness or 0) / 10


def test_sharpness_needs_three_pixels_a_side() -> None:
    assert measured(np.zeros((2, 50), dtype=np.uint8)).sharpness is None
