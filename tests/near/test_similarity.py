"""How alike two pictures are, through the planes that the scan makes of them."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageEnhance

from datalint.facts.plane import extract_plane
from datalint.near.similarity import ENOUGH
from datalint.near.turns import TURNS
from datalint.near.verify import planes_of, verified
from tests.facts.pictures import encoded, noise, smooth

if TYPE_CHECKING:
    from collections.abc import Callable


def photo(seed: int = 1) -> Image.Image:
    """Clouds with detail: coarse and fine structure."""
    fine = noise(60, 45, seed=seed).resize((360, 270), Image.Resampling.BICUBIC)
    return Image.blend(smooth(360, 270, seed=seed), fine, 0.35)


def alike(one: Image.Image, other: Image.Image, *, turn: int = 0, quality: int = 92) -> float:
    facts = [extract_plane(encoded(image, "JPEG", quality=quality)) for image in (one, other)]
    planes = planes_of([each.plane for each in facts], [each.fine_plane for each in facts])
    first, second = np.array([0]), np.array([1])
    return float(verified(planes, first, second, np.array([turn], np.uint8))[0])


CHANGES: dict[str, Callable[[Image.Image], Image.Image]] = {
    "nothing": lambda image: image,
    "a third": lambda image: image.resize((120, 90)),
    "another shape": lambda image: image.resize((224, 224)),
    "brighter": lambda image: ImageEnhance.Brightness(image).enhance(1.2),
    "flatter": lambda image: ImageEnhance.Contrast(image).enhance(0.6),
    "grey": lambda image: image.convert("L"),
    "crop 2 %": lambda image: image.crop((3, 1, 356, 266)),
    "crop 5 %": lambda image: image.crop((16, 0, 358, 258)),
}


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_changed_picture_is_a_copy_both_ways(change: str, seed: int) -> None:
    image = photo(seed)
    assert alike(image, CHANGES[change](image)) >= ENOUGH
    assert alike(CHANGES[change](image), image, quality=60) >= ENOUGH


def test_other_pictures_are_none() -> None:
    assert max(alike(photo(one), photo(other)) for one in range(5) for other in range(5, 10)) < 0.6


@pytest.mark.parametrize("turn", range(1, len(TURNS)))
def test_a_turn_is_undone(turn: int) -> None:
    image = photo().resize((270, 270))
    about = TURNS[turn]
    moved = image.transpose(Image.Transpose.TRANSPOSE) if about.transposed else image
    moved = moved.transpose(Image.Transpose.FLIP_TOP_BOTTOM) if about.top_bottom else moved
    moved = moved.transpose(Image.Transpose.FLIP_LEFT_RIGHT) if about.left_right else moved
    assert alike(image, moved, turn=turn) >= 0.98
    assert alike(image, moved) < 0.6


def test_other_colours_are_no_copy_and_grey_is() -> None:
    image = photo()
    red, green, blue = image.split()
    shifted = Image.merge("YCbCr", (image.convert("YCbCr").split()[0], *image.convert("YCbCr").split()[:0:-1]))
    assert alike(image, Image.merge("RGB", (red, green, blue))) >= ENOUGH
    assert alike(image, shifted.convert("RGB")) == 0
    assert alike(shifted.convert("RGB"), image.convert("L")) >= ENOUGH


def test_a_drawing_must_agree_in_every_stroke() -> None:
    drawing = Image.new("L", (400, 400), 255)
    ImageDraw.Draw(drawing).rectangle((60, 60, 340, 340), outline=0, width=12)
    ImageDraw.Draw(drawing).line((60, 60, 340, 340), fill=0, width=12)
    other = drawing.copy()
    ImageDraw.Draw(other).line((280, 90, 310, 90), fill=0, width=12)
    assert alike(drawing, drawing, quality=50) >= ENOUGH
    assert alike(drawing, other) < ENOUGH


def test_without_planes_nothing_is_known() -> None:
    broken = extract_plane(b"no picture")
    whole = extract_plane(encoded(photo(), "PNG"))
    planes = planes_of([broken.plane, whole.plane], [broken.fine_plane, whole.fine_plane])
    assert np.isnan(verified(planes, np.array([0]), np.array([1]), np.array([0], np.uint8))[0])


def test_a_jpeg_that_is_decoded_small_has_the_plane_of_the_whole() -> None:
    image = photo().resize((1811, 1403), Image.Resampling.BICUBIC)
    data = encoded(image, "JPEG", quality=95)
    with Image.open(io.BytesIO(data)) as whole:
        lossless = extract_plane(encoded(whole.convert("RGB"), "BMP")).plane
    drafted = extract_plane(data).plane
    assert drafted is not None
    assert lossless is not None
    one, other = (np.frombuffer(each, np.uint8).astype(int) for each in (drafted, lossless))
    assert np.abs(one - other).max() <= 6
    assert one[:2304].min() == 0
    assert one[:2304].max() == 255
