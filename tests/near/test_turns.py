"""Hashes and planes of turned pictures against pictures that Pillow turned."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from datalint.facts.model import Facts
from datalint.facts.pixels import describe
from datalint.near.turns import INVERSE, TURNS, turned, turned_planes
from tests.facts.pictures import smooth

Transpose = Image.Transpose
# Pillow counts against the clock.
PILLOW = {
    "mirrored": Transpose.FLIP_LEFT_RIGHT,
    "flipped": Transpose.FLIP_TOP_BOTTOM,
    "rotated 180°": Transpose.ROTATE_180,
    "transposed": Transpose.TRANSPOSE,
    "rotated 90°": Transpose.ROTATE_270,
    "rotated 270°": Transpose.ROTATE_90,
    "transverse": Transpose.TRANSVERSE,
}


def phash(image: Image.Image) -> int:
    facts, plane = Facts(), np.asarray(image.convert("L"))
    describe(facts, plane, height=plane.shape[0], width=plane.shape[1])
    assert facts.phash is not None
    return facts.phash


@pytest.mark.parametrize("words", PILLOW)
@pytest.mark.parametrize("size", [(200, 140), (90, 90), (37, 211)])
def test_a_turned_hash_is_the_hash_of_the_turned_picture(words: str, size: tuple[int, int]) -> None:
    (turn,) = [number for number, about in enumerate(TURNS) if about.words == words]
    for seed in range(5):
        image = smooth(*size, seed=seed)
        foreseen = int(turned(np.array([phash(image)], np.uint64), turn)[0])
        # A wave of nearly no height may change its sign by rounding.
        assert (foreseen ^ phash(image.transpose(PILLOW[words]))).bit_count() <= 1
        assert (foreseen ^ phash(image)).bit_count() > 8


@pytest.mark.parametrize("words", PILLOW)
def test_a_turned_plane_is_the_turned_picture(words: str) -> None:
    (turn,) = [number for number, about in enumerate(TURNS) if about.words == words]
    image = smooth(48, 48).convert("L")
    plane = np.asarray(image, dtype=np.float32)[None]
    expected = np.asarray(image.transpose(PILLOW[words]), dtype=np.float32)
    assert np.array_equal(turned_planes(plane, turn)[0], expected)


def test_the_inverse_turn_leads_back() -> None:
    hashes = np.array([phash(smooth(seed=seed)) for seed in range(4)], np.uint64)
    plane = np.arange(9, dtype=np.float32).reshape(1, 3, 3)
    for turn in range(len(TURNS)):
        back = int(INVERSE[turn])
        assert np.array_equal(turned(turned(hashes, turn), back), hashes)
        assert np.array_equal(turned_planes(turned_planes(plane, turn), back), plane)


def test_as_it_lies_is_the_first_and_has_no_words() -> None:
    assert [number for number, turn in enumerate(TURNS) if turn.words is None] == [0]
    hashes = np.array([1, 2, 3 << 40], np.uint64)
    assert np.array_equal(turned(hashes, 0), hashes)
