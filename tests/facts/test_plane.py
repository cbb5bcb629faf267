"""Planes are means of the pixels under them, in every mode that Pillow decodes."""

from __future__ import annotations

import zlib

import numpy as np
import pytest
from PIL import Image

from datalint.facts.plane import CHROMA_SIDE, FINE_SIDE, SIDE, extract_plane
from tests.facts.pictures import encoded, noise, smooth

WIDTH, HEIGHT = 4 * SIDE, 2 * SIDE


def luminance(data: bytes) -> np.ndarray[tuple[int, int], np.dtype[np.int16]]:
    plane = extract_plane(data).plane
    assert plane is not None
    assert len(plane) == SIDE * SIDE + 2 * CHROMA_SIDE * CHROMA_SIDE
    return np.frombuffer(plane[: SIDE * SIDE], np.uint8).reshape(SIDE, SIDE).astype(np.int16)


def chroma(data: bytes) -> np.ndarray[tuple[int, int, int], np.dtype[np.int16]]:
    plane = extract_plane(data).plane
    assert plane is not None
    return np.frombuffer(plane[SIDE * SIDE :], np.uint8).reshape(2, CHROMA_SIDE, CHROMA_SIDE).astype(np.int16)


def tents(length: int) -> np.ndarray[tuple[int, int], np.dtype[np.float64]]:
    """SIDE x length weights: each place weighs what lies under it, and less with the distance from its middle."""
    step = length / SIDE
    apart = np.abs((np.arange(length) + 0.5)[None, :] - (np.arange(SIDE) + 0.5)[:, None] * step)
    weights = np.maximum(0, 1 - apart / step)
    shares: np.ndarray[tuple[int, int], np.dtype[np.float64]] = weights / weights.sum(axis=1, keepdims=True)
    return shares


def stretched(
    pixels: np.ndarray[tuple[int, int], np.dtype[np.float64]],
) -> np.ndarray[tuple[int, int], np.dtype[np.float64]]:
    """The oracle: weighted means by NumPy, from darkest to brightest."""
    means = tents(pixels.shape[0]) @ pixels @ tents(pixels.shape[1]).T
    spread: np.ndarray[tuple[int, int], np.dtype[np.float64]] = (means - means.min()) * 255 / np.ptp(means)
    return spread


def test_it_is_a_mean_of_the_pixels_under_each_place() -> None:
    grey = smooth(WIDTH, HEIGHT).convert("L")
    expected = stretched(np.asarray(grey, np.float64))
    assert np.abs(luminance(encoded(grey, "PNG")) - expected).max() <= 0.51


def test_sixteen_bits_are_not_cut_to_eight() -> None:
    """Levels 20,000 to 20,500 of 65,535: in eight bits there would be three of them."""
    faint = 20_000 + np.asarray(smooth(WIDTH, HEIGHT).convert("L"), np.uint16) * 2
    assert np.abs(luminance(encoded(Image.fromarray(faint), "PNG")) - stretched(faint.astype(np.float64))).max() <= 0.51


@pytest.mark.parametrize(
    ("mode", "format"),
    [("RGB", "PNG"), ("RGBA", "PNG"), ("P", "PNG"), ("CMYK", "TIFF"), ("RGB", "JPEG"), ("CMYK", "JPEG")],
)
def test_a_picture_has_one_plane_in_every_mode(mode: str, format: str) -> None:  # noqa: A002
    picture = smooth(WIDTH, HEIGHT)
    if mode == "P":
        picture = picture.quantize(256)
    expected = stretched(np.asarray(picture.convert("L"), np.float64))
    data = encoded(picture if mode == "P" else picture.convert(mode), format)
    assert np.abs(luminance(data) - expected).mean() <= 2
    hue = np.asarray(smooth(WIDTH, HEIGHT).convert("YCbCr"), np.float64)
    means = hue.reshape(CHROMA_SIDE, HEIGHT // CHROMA_SIDE, CHROMA_SIDE, WIDTH // CHROMA_SIDE, 3).mean(axis=(1, 3))
    assert np.abs(chroma(data) - np.moveaxis(means[:, :, 1:], 2, 0)).mean() <= 4


def test_what_is_no_number_counts_as_nothing() -> None:
    pixels = np.asarray(smooth(WIDTH, HEIGHT).convert("L"), np.float32)
    pixels[:2, :4], pixels[:2, 4:8], pixels[:2, 8:12] = np.nan, np.inf, -np.inf
    levels = luminance(encoded(Image.fromarray(pixels), "TIFF"))
    assert np.abs(levels - stretched(np.where(np.isfinite(pixels), pixels, 0).astype(np.float64))).max() <= 0.51


@pytest.mark.parametrize("mode", ["1", "L", "LA", "I;16", "I", "F"])
def test_grey_has_no_colour(mode: str) -> None:
    grey = smooth(WIDTH, HEIGHT).convert("L")
    picture = Image.fromarray(np.asarray(grey, np.uint16) * 200) if mode == "I;16" else grey.convert(mode)
    data = encoded(picture, "TIFF" if mode in ("F", "I") else "PNG")
    assert set(chroma(data).reshape(-1).tolist()) == {128}


def test_a_jpeg_that_is_decoded_small_lies_where_the_large_one_lies() -> None:
    """1,003 is no multiple of 8: the last row of the decoder's eighth is covered in part."""
    picture = smooth(1603, 1003)
    assert np.abs(luminance(encoded(picture, "JPEG", quality=95)) - luminance(encoded(picture, "PNG"))).max() <= 6


@pytest.mark.parametrize("side", [300, 355, 434, 610])
def test_edges_lie_alike_at_any_size(side: int) -> None:
    """Where each pixel is taken whole or not at all, they jump by half a pixel: 12 to 20 % of the range."""
    planes = []
    for size in (512, side):
        stripes = Image.new("L", (512, 512), 255)
        for left in range(40, 480, 37):
            stripes.paste(0, (left, 50, left + 11, 400))
        fine = extract_plane(encoded(stripes.resize((size, size), Image.Resampling.LANCZOS), "PNG")).fine_plane
        assert fine is not None
        planes.append(np.frombuffer(zlib.decompress(fine), np.uint8).astype(np.int16))
    assert np.abs(planes[0] - planes[1]).max() <= 0.06 * 255


def test_a_drawing_has_a_fine_plane_and_a_photograph_none() -> None:
    page = Image.new("L", (4 * FINE_SIDE, 4 * FINE_SIDE), 255)
    page.paste(0, (40, 40, 80, 60))
    fine = extract_plane(encoded(page, "PNG")).fine_plane
    assert fine is not None
    levels = np.frombuffer(zlib.decompress(fine), np.uint8).reshape(FINE_SIDE, FINE_SIDE)
    dark = np.argwhere(levels < 128)
    assert dark.min(axis=0).tolist() == [10, 10]
    assert dark.max(axis=0).tolist() == [14, 19]
    assert (levels[:9] == 255).all()
    assert (levels[11:14, 11:19] == 0).all()
    assert extract_plane(encoded(noise(512, 512), "PNG")).fine_plane is None


@pytest.mark.parametrize("shape", [(1, 1), (3, 5), (2000, 1), (SIDE - 1, SIDE + 1)])
def test_pictures_of_any_shape_have_one(shape: tuple[int, int]) -> None:
    levels = luminance(encoded(noise(*shape), "PNG"))
    assert levels.max() == (255 if shape != (1, 1) else 0)


@pytest.mark.parametrize("format", ["JPEG", "PNG", "WEBP", "GIF"])
def test_what_cannot_be_decoded_has_none(format: str) -> None:  # noqa: A002
    data = encoded(noise(200, 200), format)
    facts = extract_plane(data[: len(data) // 2])
    assert facts.plane is None
    assert facts.fine_plane is None
    assert extract_plane(b"").plane is None
    assert extract_plane(b"no picture at all").plane is None


def test_a_decompression_bomb_is_not_decoded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("datalint.facts.plane.MAX_PIXELS", 96 * 64 - 1)
    assert extract_plane(encoded(smooth(96, 64), "PNG")).plane is None
    monkeypatch.setattr("datalint.facts.plane.MAX_PIXELS", 96 * 64)
    assert extract_plane(encoded(smooth(96, 64), "PNG")).plane is not None
