"""PNG: the chunk walk, what each kind of damage is called, and what the header says."""

from __future__ import annotations

import csv
import io
import subprocess
import sys
import zlib
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image

from datalint.facts.extract import extract
from tests.facts.pictures import chunk, encoded, header, noise, png, rows, smooth, spoiled

if TYPE_CHECKING:
    from pathlib import Path

END = chunk(b"IEND")
PALETTE = chunk(b"PLTE", bytes(range(48)))
TEXT = chunk(b"tEXt", b"Comment\0hello")
GREY = png(header(8, 8, 8, 0), rows(8, 8), END)
COLOURED = png(header(8, 8, 4, 3), PALETTE, rows(8, 4), END)
ANIMATED = encoded(noise(seed=1), "PNG", save_all=True, append_images=[noise(seed=2), noise(seed=3)])


@pytest.mark.parametrize(
    ("depth", "colour", "row_bytes", "channels"),
    [
        (1, 0, 1, 1),
        (2, 0, 2, 1),
        (4, 0, 4, 1),
        (8, 0, 8, 1),
        (16, 0, 16, 1),
        (8, 2, 24, 3),
        (16, 2, 48, 3),
        (4, 3, 4, 1),
        (8, 4, 16, 2),
        (16, 4, 32, 2),
        (8, 6, 32, 4),
        (16, 6, 64, 4),
    ],
)
def test_every_kind_of_png_is_sound_and_described_as_stored(
    depth: int, colour: int, row_bytes: int, channels: int
) -> None:
    facts = extract(png(header(8, 6, depth, colour), PALETTE if colour == 3 else b"", rows(6, row_bytes), END))
    assert (facts.status, facts.pillow, facts.tensorflow) == ("ok", True, True)
    assert (facts.width, facts.height, facts.bit_depth, facts.channels) == (8, 6, depth, channels)
    assert facts.decoded_bytes == 8 * 6 * channels * (2 if depth == 16 else 1)


@pytest.mark.parametrize("kind", ["IHDR", "PLTE", "IDAT", "IEND"])
def test_a_wrong_checksum_of_a_critical_chunk_is_named(kind: str) -> None:
    facts = extract(spoiled(COLOURED, kind.encode()))
    assert (facts.status, facts.cause, facts.tensorflow) == ("damaged", "bad-checksum", False)
    assert f"checksum of chunk {kind} " in str(facts.detail)


def test_a_wrong_checksum_of_metadata_after_the_picture_is_harmless() -> None:
    facts = extract(spoiled(png(header(8, 8, 8, 0), rows(8, 8), TEXT, END), b"tEXt"))
    assert (facts.status, facts.pillow) == ("ok", True)


def test_a_wrong_checksum_of_metadata_that_pillow_refuses_is_named() -> None:
    facts = extract(spoiled(png(header(8, 8, 8, 0), TEXT, rows(8, 8), END), b"tEXt"))
    assert (facts.status, facts.cause, facts.pillow, facts.tensorflow) == ("damaged", "bad-checksum", False, True)
    assert "checksum of chunk tEXt " in str(facts.detail)


@pytest.mark.parametrize("stop", range(9, len(GREY)))
def test_a_png_cut_anywhere_is_truncated(stop: int) -> None:
    facts = extract(GREY[:stop])
    assert (facts.status, facts.cause) == ("damaged", "truncated")
    assert f"ends after {stop:,} " in str(facts.detail)


def test_a_png_cut_inside_a_chunk_names_it_and_how_much_is_missing() -> None:
    facts = extract(GREY[:50])
    assert f"ends after 50 of at least {GREY.index(b'IEND') - 4:,} bytes, in chunk IDAT" in str(facts.detail)


def test_a_png_without_image_data_says_so() -> None:
    facts = extract(png(header(8, 8, 8, 0), END))
    assert (facts.status, facts.cause, facts.detail) == ("damaged", "bad-header", "has no image data (no IDAT chunk)")


def test_a_png_that_does_not_begin_with_its_header_says_so() -> None:
    facts = extract(png(chunk(b"nHDR", bytes(13)), rows(8, 8), END))
    assert (facts.status, facts.cause, facts.pillow, facts.tensorflow) == ("damaged", "bad-header", False, False)
    assert "begins with chunk nHDR" in str(facts.detail)


def test_a_palette_picture_without_its_palette_says_so() -> None:
    facts = extract(png(header(8, 8, 4, 3), rows(8, 4), END))
    assert (facts.status, facts.cause, facts.tensorflow) == ("damaged", "bad-header", False)
    assert "palette that it does not have" in str(facts.detail)


def test_rubbish_between_chunks_is_located() -> None:
    start = png(header(8, 8, 8, 0))
    facts = extract(start + b"\0\0\0\4\1\2\3\4rubbish-rubbish" + rows(8, 8) + END)
    assert (facts.status, facts.cause) == ("damaged", "bit-rot")
    assert str(facts.detail).endswith(f"at offset {len(start)}")


@pytest.mark.parametrize("missing", [1, 7, 20])
def test_whole_image_data_for_fewer_rows_than_declared_is_truncated(missing: int) -> None:
    """Pillow leaves the rest black in silence; TensorFlow refuses the file in the middle of an epoch."""
    facts = extract(png(header(8, 40, 8, 0), rows(40 - missing, 8), END))
    assert (facts.status, facts.cause, facts.pillow, facts.tensorflow) == ("damaged", "truncated", True, False)
    assert f"its image data ends after {(40 - missing) * 9} of" in str(facts.detail)


@pytest.mark.parametrize("size", [(1, 1), (3, 5), (8, 8), (33, 17), (5, 2)])
@pytest.mark.parametrize("depth", [1, 8])
def test_an_interlaced_black_picture_is_whole(size: tuple[int, int], depth: int) -> None:
    """Each of Adam7's passes as its definition picks the pixels."""
    width, height = size
    starts = [(0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2)]
    data = b""
    for left, top, across, down in starts:
        columns, lines = len(range(left, width, across)), len(range(top, height, down))
        data += bytes(1 + (columns * depth + 7) // 8) * lines if columns else b""
    body = chunk(b"IDAT", zlib.compress(data))
    facts = extract(png(header(width, height, depth, 0, 0, 0, 1), body, END))
    assert (facts.status, facts.pillow, facts.tensorflow) == ("ok", True, True)
    short = extract(png(header(width, height, depth, 0, 0, 0, 1), chunk(b"IDAT", zlib.compress(data[:-2])), END))
    assert short.status == "damaged"


@pytest.mark.parametrize("parts", [1, 3])
def test_a_black_picture_in_several_chunks_is_whole(parts: int) -> None:
    data = zlib.compress(bytes(3001 * 2000))
    step = -(-len(data) // parts)
    body = b"".join(chunk(b"IDAT", data[at : at + step]) for at in range(0, len(data), step))
    assert extract(png(header(3000, 2000, 8, 0), body, END)).status == "ok"


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ((8, 8, 8, 1), "colour type 1"),
        ((8, 8, 8, 5), "colour type 5"),
        ((8, 8, 3, 0), "3 bits a channel"),
        ((8, 8, 4, 2), "4 bits a channel"),
        ((8, 8, 16, 3), "16 bits a channel"),
        ((0, 8, 8, 0), "0 x 8 pixels"),
        ((8, 8, 8, 0, 1, 0, 0), "compression 1"),
        ((8, 8, 8, 0, 0, 1, 0), "filter 1"),
        ((8, 8, 8, 0, 0, 0, 2), "interlace 2"),
    ],
)
def test_an_impossible_header_is_named(fields: tuple[int, ...], words: str) -> None:
    width, height, depth, colour, *rest = fields
    facts = extract(png(header(width, height, depth, colour, *rest), rows(8, 8), END))
    assert (facts.status, facts.cause, facts.tensorflow) == ("damaged", "bad-header", False)
    assert words in str(facts.detail)


@pytest.mark.parametrize("size", [0, 1, 500])
def test_bytes_after_the_end_are_counted_and_harmless(size: int) -> None:
    facts = extract(GREY + b"x" * size)
    assert (facts.status, facts.trailing_bytes) == ("ok", size)


def test_frames_of_an_animation_are_counted() -> None:
    facts = extract(ANIMATED)
    assert (facts.status, facts.frames, facts.tensorflow) == ("ok", 3, True)


def test_a_number_of_frames_beyond_31_bits_declares_nothing() -> None:
    facts = extract(png(header(8, 8, 8, 0), chunk(b"acTL", b"\x80\0\0\1\0\0\0\0"), rows(8, 8), END))
    assert (facts.status, facts.frames) == ("ok", 1)


def test_a_later_frame_with_a_wrong_checksum_is_damage_that_loaders_do_not_see() -> None:
    facts = extract(spoiled(ANIMATED, b"fdAT"))
    assert (facts.status, facts.cause, facts.pillow, facts.tensorflow) == ("damaged", "bad-checksum", True, True)
    assert "fdAT" in str(facts.detail)


@pytest.mark.parametrize(("adam7", "expected"), [(0, False), (1, True)])
def test_interlacing_is_told(adam7: int, *, expected: bool) -> None:
    data = png(header(1, 1, 8, 0, 0, 0, adam7), rows(1, 1), END)
    assert extract(data).progressive is expected


def test_metadata_that_inflates_without_end_is_a_bomb() -> None:
    text = chunk(b"zTXt", b"Comment\0\0" + zlib.compress(bytes(2 << 20)))
    facts = extract(png(header(8, 8, 8, 0), text, rows(8, 8), END))
    assert (facts.status, facts.cause, facts.pillow) == ("oversized", "bomb", False)


LARGEST = png(header((1 << 31) - 1, (1 << 31) - 1, 16, 6), rows(8, 8), END)


def test_a_bomb_is_never_decoded_and_its_size_is_told() -> None:
    facts = extract(LARGEST)
    assert (facts.status, facts.cause, facts.pillow, facts.width) == ("oversized", "bomb", False, (1 << 31) - 1)


def test_a_bomb_fits_the_table(tmp_path: Path) -> None:
    (tmp_path / "bomb.png").write_bytes(LARGEST)
    query = "select status, decoded_bytes from files"
    command = [sys.executable, "-m", "datalint", "facts", str(tmp_path), "--no-cache", "--sql", query]
    process = subprocess.run(command, check=True, capture_output=True, text=True)
    (row,) = csv.DictReader(io.StringIO(process.stdout))
    assert row == {"status": "oversized", "decoded_bytes": str((1 << 63) - 1)}


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        (b"\r\n", b"\n", "converted to LF"),
        (b"\n", b"\r\n", "converted to CR LF"),
        (b"\r", b"\n", "every CR of its PNG signature became LF"),
        (b"\n", b"\r", "every LF of its PNG signature became CR"),
    ],
)
def test_changed_line_ends_are_named(old: bytes, new: bytes, words: str) -> None:
    facts = extract(encoded(smooth(), "PNG").replace(old, new))
    assert (facts.status, facts.cause, facts.format) == ("damaged", "crlf-mangled", "png")
    assert words in str(facts.detail)


def test_line_ends_that_met_a_converter_which_knows_crlf_are_named() -> None:
    """Lone LF became CR LF; the CR LF of the signature stayed."""
    data = encoded(smooth(), "PNG").replace(b"\r\n", b"\0\0").replace(b"\n", b"\r\n").replace(b"\0\0", b"\r\n", 1)
    assert extract(data).cause == "crlf-mangled"


@pytest.mark.parametrize("place", [0, 1, 3, 6])
def test_a_damaged_signature_is_still_a_png(place: int) -> None:
    facts = extract(GREY[:place] + b"?" + GREY[place + 1 :])
    assert (facts.status, facts.format) == ("damaged", "png")
    assert "signature" in str(facts.detail)


def test_transparency_does_not_change_what_is_stored() -> None:
    image = Image.fromarray(np.arange(64, dtype=np.uint8).reshape(8, 8))
    facts = extract(encoded(image, "PNG", transparency=3))
    assert (facts.status, facts.channels) == ("ok", 1)
