"""JPEG: the strict verdict, what each kind of damage is called, and what the segments say."""

from __future__ import annotations

import io
import os
import re
import struct
from typing import Any

import numpy as np
import pytest
from PIL import Image

from datalint.facts.extract import extract
from datalint.facts.speed import without_metadata
from tests.facts.pictures import encoded, noise, segment, smooth, tiff_block

SOUND = encoded(noise(256, 192), "JPEG", quality=85)
SCAN = SOUND.index(b"\xff\xda")
START = SCAN + 14
"""First byte of the compressed data of a picture of three components."""
MIDDLE = (START + len(SOUND)) // 2


def replaced(old: bytes, new: bytes, data: bytes = SOUND) -> bytes:
    assert old in data
    return data.replace(old, new, 1)


def frame(data: bytes = SOUND, *, marker: int = 0xC0, precision: int = 8, size: tuple[int, int] | None = None) -> bytes:
    """The same file with another frame header."""
    at = data.index(b"\xff\xc0")
    height, width = size or struct.unpack_from(">HH", data, at + 5)
    fields = struct.pack(">BHH", precision, height, width)
    return data[: at + 1] + bytes([marker, *data[at + 2 : at + 4]]) + fields + data[at + 9 :]


def with_segments(*segments: bytes) -> bytes:
    return SOUND[:2] + b"".join(segments) + SOUND[2:]


@pytest.mark.parametrize(
    ("data", "cause", "words"),
    [
        (SOUND[:MIDDLE], "truncated", f"ends after {MIDDLE:,} bytes without its end marker"),
        (SOUND[:-2], "truncated", "without its end marker"),
        (SOUND[:MIDDLE] + bytes(500), "zero-filled", f"its last 500 of {MIDDLE + 500:,} bytes are zero"),
        (SOUND[:MIDDLE] + bytes(512) + SOUND[MIDDLE + 512 :], "zero-filled", "zero bytes at offset"),
        (SOUND[:MIDDLE] + b"\xff\xd3" + SOUND[MIDDLE:], "bit-rot", "its data is damaged"),
        (SOUND[:MIDDLE] + b"\xff\x02\xef\xef" + SOUND[MIDDLE:], "bit-rot", "its data is damaged"),
        (replaced(b"\xff\xc0", b"\xff\xef"), "bad-header", "its header is damaged"),
        (SOUND.replace(b"\n", b"\r\n"), "crlf-mangled", "every line feed follows a carriage return"),
    ],
    ids=["half", "no end marker", "zero tail", "hole", "stray marker", "reserved marker", "no frame", "line ends"],
)
def test_damage_has_a_cause_in_words(data: bytes, cause: str, words: str) -> None:
    facts = extract(data)
    assert (facts.status, facts.cause, facts.format) == ("damaged", cause, "jpeg")
    assert words in str(facts.detail)


@pytest.mark.parametrize("stop", range(3, len(SOUND), 211))
def test_a_jpeg_cut_anywhere_is_damaged(stop: int) -> None:
    assert extract(SOUND[:stop]).status == "damaged"


@pytest.mark.parametrize("progressive", [False, True])
def test_damage_that_loaders_accept_in_silence_is_found_and_they_are_told(progressive: bool) -> None:
    sound = encoded(noise(256, 192), "JPEG", progressive=progressive)
    at = sound.rindex(b"\xff\xda") + 100
    facts = extract(sound[:at] + b"\xff\xd3" + sound[at:])
    assert (facts.status, facts.pillow, facts.tensorflow) == ("damaged", True, True)


@pytest.mark.parametrize("size", [(8, 8), (1, 1), (17, 3), (3, 500), (1000, 40), (640, 480), (2000, 1500)])
def test_a_sound_jpeg_of_any_shape_is_ok(size: tuple[int, int]) -> None:
    facts = extract(encoded(smooth(*size), "JPEG"))
    assert (facts.status, facts.pillow, facts.tensorflow, facts.trailing_bytes) == ("ok", True, True, 0)
    assert (facts.width, facts.height) == size


@pytest.mark.parametrize("size", [(640, 480), (1999, 1499), (333, 2001)])
def test_measures_of_a_scaled_decode_are_those_of_the_picture(size: tuple[int, int]) -> None:
    data = encoded(smooth(*size), "JPEG", quality=95)
    facts = extract(data)
    plane = np.asarray(Image.open(io.BytesIO(data)).convert("L"), dtype=float)
    assert facts.brightness == pytest.approx(plane.mean() / 255, abs=0.005)
    assert facts.contrast == pytest.approx(plane.std() / 255, abs=0.005)


@pytest.mark.parametrize(
    ("image", "mode", "channels"),
    [(smooth(), "RGB", 3), (smooth().convert("L"), "L", 1), (smooth().convert("CMYK"), "CMYK", 4)],
    ids=["colour", "grey", "cmyk"],
)
def test_channels_are_told(image: Image.Image, mode: str, channels: int) -> None:
    facts = extract(encoded(image, "JPEG"))
    assert (facts.status, facts.mode, facts.channels, facts.bit_depth) == ("ok", mode, channels, 8)
    assert facts.decoded_bytes == image.width * image.height * channels


@pytest.mark.parametrize("progressive", [False, True])
def test_progressive_is_told(progressive: bool) -> None:
    assert extract(encoded(smooth(), "JPEG", progressive=progressive)).progressive is progressive


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (frame(marker=0xC3), "lossless or hierarchical JPEG"),
        (frame(marker=0xC5), "lossless or hierarchical JPEG"),
        (frame(marker=0xC1, precision=12), "12-bit JPEG"),
    ],
)
def test_a_variant_that_loaders_lack_is_unsupported_and_not_damaged(data: bytes, words: str) -> None:
    facts = extract(data)
    assert (facts.status, facts.cause, facts.tensorflow) == ("unsupported", "jpeg-variant", False)
    assert words in str(facts.detail)


# An empty arithmetic scan decodes to the most probable symbols: one block of middle grey.
ARITHMETIC = b"".join(
    (
        b"\xff\xd8",
        segment(0xDB, bytes(1) + bytes([1]) * 64),
        segment(0xC9, struct.pack(">BHHB3B", 8, 8, 8, 1, 1, 0x11, 0)),
        segment(0xDA, bytes([1, 1, 0, 0, 63, 0])),
        b"\xff\xd9",
    )
)


def test_an_arithmetic_jpeg_is_judged_by_the_decoders() -> None:
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    tensorflow = pytest.importorskip("tensorflow")
    facts = extract(ARITHMETIC)
    assert (facts.status, facts.pillow, facts.tensorflow) == ("ok", True, True)
    assert Image.open(io.BytesIO(ARITHMETIC)).convert("L").getextrema() == (128, 128)
    assert tensorflow.io.decode_image(ARITHMETIC, channels=3).shape == (8, 8, 3)


def test_a_bomb_is_told_without_decoding() -> None:
    facts = extract(frame(size=(65_500, 65_500)))
    assert (facts.status, facts.cause, facts.pillow, facts.brightness) == ("oversized", "bomb", False, None)
    assert (facts.width, facts.height) == (65_500, 65_500)
    assert "65,500 x 65,500 pixels" in str(facts.detail)


@pytest.mark.parametrize("value", [0, 1, 3, 6, 8, 9])
@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("kind", [3, 4])
def test_orientation_is_read_in_either_byte_order_and_width(value: int, order: str, kind: int) -> None:
    data = with_segments(segment(0xE1, b"Exif\0\0" + tiff_block(value, order=order, kind=kind)))
    facts = extract(data)
    assert (facts.status, facts.orientation) == ("ok", value)


@pytest.mark.parametrize(
    "exif",
    [b"", b"II*\0", b"II*\0\xff\xff\xff\xff\1\0", b"XX*\0" + bytes(30), tiff_block(6)[:-8], b"MM\0*\0\0\0\x08\xff\xff"],
)
def test_damaged_metadata_is_no_damage(exif: bytes) -> None:
    facts = extract(with_segments(segment(0xE1, b"Exif\0\0" + exif)))
    assert (facts.status, facts.orientation) == ("ok", None)


def test_without_exif_there_is_no_orientation() -> None:
    assert extract(SOUND).orientation is None


@pytest.mark.parametrize("tail", [bytes(1), bytes(5000), b"x" * 777, b"\xff\xd9", SOUND])
def test_bytes_after_the_end_are_counted_and_harmless(tail: bytes) -> None:
    facts = extract(SOUND + tail)
    assert (facts.status, facts.trailing_bytes) == ("ok", len(tail))


def test_a_thumbnail_in_a_segment_does_not_end_the_picture() -> None:
    thumbnail = encoded(smooth(32, 32), "JPEG")
    facts = extract(with_segments(segment(0xE1, b"thumbnail" + thumbnail)))
    assert (facts.status, facts.trailing_bytes) == ("ok", 0)
    assert (facts.width, facts.height) == (256, 192)


def test_pictures_of_a_multi_picture_file_are_counted() -> None:
    facts = extract(encoded(smooth(seed=1), "MPO", save_all=True, append_images=[smooth(seed=2)]))
    assert (facts.status, facts.format, facts.frames) == ("ok", "jpeg", 2)


@pytest.mark.parametrize("stray", [b"junk", bytes(40), b"\x01" * 3])
def test_stray_bytes_between_header_segments_are_harmless(stray: bytes) -> None:
    at = SOUND.index(b"\xff\xc0")
    facts = extract(SOUND[:at] + stray + SOUND[at:])
    assert (facts.status, facts.width, facts.height, facts.pillow) == ("ok", 256, 192, True)
    assert facts.brightness == extract(SOUND).brightness


def test_fill_bytes_before_a_marker_are_part_of_the_format() -> None:
    at = SOUND.index(b"\xff\xc0")
    facts = extract(SOUND[:at] + b"\xff" * 5 + SOUND[at:])
    assert (facts.status, facts.width) == ("ok", 256)


def test_restart_markers_are_part_of_the_format() -> None:
    data = encoded(noise(), "JPEG", restart_marker_blocks=2)
    assert re.search(rb"\xff[\xd0-\xd7]", data)
    assert extract(data).status == "ok"


@pytest.mark.parametrize(
    "more",
    [
        {},
        {"comment": b"a comment"},
        {"icc_profile": bytes(200_000)},
        {"exif": b"Exif\0\0" + bytes(5000), "comment": b"c", "progressive": True},
    ],
    ids=["plain", "comment", "profile of four segments", "all"],
)
def test_metadata_is_what_pillow_lists_and_nothing_of_the_picture(more: dict[str, Any]) -> None:
    content = encoded(smooth(64, 48), "JPEG", **more)
    with Image.open(io.BytesIO(content)) as image:
        listed = sum(4 + len(payload) for _, payload in image.applist)  # type: ignore[attr-defined,misc]
        shown = image.tobytes()
    assert extract(content).metadata_bytes == listed
    rest = without_metadata(content)
    assert extract(rest).metadata_bytes == (2 + 16 if b"JFIF" in rest else 0)
    with Image.open(io.BytesIO(rest)) as image:
        assert image.tobytes() == shown


def test_a_segment_longer_than_the_file_counts_no_more_than_there_is() -> None:
    content = SOUND[:2] + b"\xff\xe1\xff\xff" + bytes(100)
    assert extract(content).metadata_bytes == 104


def test_what_is_no_jpeg_has_no_metadata_to_leave_out() -> None:
    content = encoded(smooth(8, 8), "PNG")
    assert (without_metadata(content), without_metadata(b"\xff\xd8\xff")) == (content, b"\xff\xd8\xff")
