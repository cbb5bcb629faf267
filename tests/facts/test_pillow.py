"""What Pillow decodes: modes, depths, frames, and the cause of each refusal."""

from __future__ import annotations

import os

import numpy as np
import pytest
from PIL import Image, features

from datalint.facts.extract import extract
from tests.facts.pictures import encoded, noise, smooth, tiff_block

FRAMES = [noise(seed=seed) for seed in (1, 2, 3)]
WIDE = Image.fromarray(np.arange(64 * 48, dtype=np.uint16).reshape(48, 64) * 21)

CLEAR = smooth().convert("RGBA")
CLEAR.putalpha(100)
BOMB = b"GIF89a\xff\xff\xff\xff\xf0\0\0" + bytes(6) + b"\x2c\0\0\0\0\xff\xff\xff\xff\0\2\2D\1\0;"


def animation(kind: str) -> bytes:
    return encoded(FRAMES[0], kind, save_all=True, append_images=FRAMES[1:])


def bitmap(*, width: int = 4, height: int = 4, header: int = 40, bits: int = 24, colours: int = 0) -> bytes:
    fields = ((header, 4), (width, 4), (height, 4), (1, 2), (bits, 2), (0, 4), (0, 4), (0, 4), (0, 4), (colours, 4))
    body = b"".join(value.to_bytes(size, "little") for value, size in fields) + bytes(4)
    start = 14 + max(40, header)
    return b"BM" + bytes(8) + start.to_bytes(4, "little") + body.ljust(start - 14, b"\0") + bytes(48)


@pytest.mark.parametrize(
    ("image", "kind", "mode", "channels", "depth"),
    [
        (smooth(), "BMP", "RGB", 3, 8),
        (smooth().convert("L"), "BMP", "L", 1, 8),
        (smooth().convert("1"), "BMP", "1", 1, 1),
        (smooth(), "GIF", "P", 1, 8),
        (smooth(), "WEBP", "RGB", 3, 8),
        (CLEAR, "WEBP", "RGBA", 4, 8),
        (smooth().convert("CMYK"), "TIFF", "CMYK", 4, 8),
        (smooth().convert("F"), "TIFF", "F", 1, 32),
        (WIDE, "TIFF", "I;16", 1, 16),
        (WIDE, "PPM", "I", 1, 32),
        (smooth(), "PPM", "RGB", 3, 8),
        (smooth(), "JPEG2000", "RGB", 3, 8),
        (smooth(), "TGA", "RGB", 3, 8),
    ],
)
def test_sound_files_are_ok_and_described(image: Image.Image, kind: str, mode: str, channels: int, depth: int) -> None:
    facts = extract(encoded(image, kind))
    assert (facts.status, facts.pillow) == ("ok", True)
    assert (facts.mode, facts.channels, facts.bit_depth) == (mode, channels, depth)
    assert (facts.width, facts.height, facts.frames) == (*image.size, 1)
    assert facts.brightness is not None


@pytest.mark.parametrize("kind", ["GIF", "TIFF", "WEBP"])
def test_frames_are_counted(kind: str) -> None:
    facts = extract(animation(kind))
    assert (facts.status, facts.frames) == ("ok", 3)


def test_a_later_frame_cut_short_is_named() -> None:
    facts = extract(animation("GIF")[:-300])
    assert (facts.status, facts.cause) == ("damaged", "truncated")
    assert "frame 3 of 3" in str(facts.detail)


KINDS = [
    ("BMP", {}),
    ("GIF", {}),
    ("WEBP", {}),
    ("WEBP", {"lossless": True}),
    ("TIFF", {}),
    ("TIFF", {"compression": "tiff_lzw"}),
    ("PPM", {}),
    ("TGA", {}),
    pytest.param("AVIF", {}, marks=pytest.mark.skipif(not features.check("avif"), reason="Pillow without AVIF")),
]


@pytest.mark.parametrize("share", [0.3, 0.7, 0.98])
@pytest.mark.parametrize(("kind", "options"), KINDS)
def test_a_file_cut_short_is_truncated(kind: str, options: dict[str, object], share: float) -> None:
    data = encoded(noise(), kind, **options)
    facts = extract(data[: int(len(data) * share)])
    assert (facts.status, facts.cause, facts.pillow) == ("damaged", "truncated", False)


def test_a_cut_webp_says_how_much_is_missing() -> None:
    data = encoded(noise(), "WEBP")
    assert extract(data[:200]).detail == f"ends after 200 of at least {len(data):,} bytes"


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (bitmap(bits=30_000), "30,000 bits a pixel"),
        (bitmap(header=66), "66 bytes long"),
        (bitmap(bits=8, colours=1 << 28), "268,435,456 palette colours"),
    ],
)
def test_an_impossible_bitmap_header_is_damage(data: bytes, words: str) -> None:
    facts = extract(data)
    assert (facts.status, facts.cause, facts.pillow) == ("damaged", "bad-header", False)
    assert words in str(facts.detail)


def test_a_bitmap_of_a_depth_that_pillow_lacks_is_not_damaged() -> None:
    facts = extract(bitmap(bits=2))
    assert (facts.status, facts.cause, facts.pillow) == ("unsupported", "variant", False)


@pytest.mark.parametrize("data", [bitmap(width=1 << 20, height=1 << 20), BOMB])
def test_a_bomb_is_oversized(data: bytes) -> None:
    facts = extract(data)
    assert (facts.status, facts.cause, facts.pillow) == ("oversized", "bomb", False)


@pytest.mark.parametrize(
    ("head", "kind"),
    [
        (b"\xff\x0a" + bytes(64), "jxl"),
        (b"\0\0\0\x18ftypheic" + bytes(64), "heif"),
        (b"v/1\x01" + bytes(64), "exr"),
        (bytes(128) + b"DICM" + bytes(64), "dicom"),
        (b"\x93NUMPY\1\0" + bytes(64), "npy"),
    ],
)
def test_a_format_without_a_decoder_is_not_damaged(head: bytes, kind: str) -> None:
    facts = extract(head)
    assert (facts.status, facts.cause, facts.format, facts.tensorflow) == ("unsupported", "no-decoder", kind, False)


@pytest.mark.parametrize("kind", ["PNG", "WEBP"])
def test_orientation_is_read_beyond_jpeg(kind: str) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    assert extract(encoded(smooth(), kind, exif=exif)).orientation == 6


def test_a_tiff_of_nothing_but_an_orientation_is_damaged() -> None:
    assert extract(tiff_block(6)).status == "damaged"


def test_bits_turned_in_the_data_are_bit_rot() -> None:
    data = encoded(noise(), "TIFF", compression="tiff_adobe_deflate")
    facts = extract(data[:2000] + bytes(64) + data[2064:])
    assert (facts.status, facts.cause) == ("damaged", "bit-rot")


def bicolour(mode: str = "RGB") -> Image.Image:
    """Red beside a green of the same luminance."""
    image = Image.new("RGB", (64, 48), (255, 0, 0))
    image.paste((0, 130, 0), (32, 0, 64, 48))
    return image.convert(mode)


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "GIF", "WEBP", "BMP", "TIFF"])
def test_colours_that_differ_in_no_luminance_are_told(kind: str) -> None:
    facts = extract(encoded(bicolour(), kind, **({"lossless": True} if kind == "WEBP" else {})))
    assert facts.entropy is not None
    assert facts.entropy < 0.2
    # Two halves are one bit; lossy colours at the seam make it a little more.
    assert facts.colour_entropy == pytest.approx(1.0, abs=0.3)


def test_one_colour_has_no_entropy_of_any_kind() -> None:
    facts = extract(encoded(Image.new("RGB", (64, 48), (250, 20, 90)), "PNG"))
    assert (facts.entropy, facts.colour_entropy) == (0, 0)


@pytest.mark.parametrize("image", [smooth(), bicolour("L"), smooth().convert("L")])
def test_colours_are_not_measured_where_luminance_tells_or_there_are_none(image: Image.Image) -> None:
    for kind in ("PNG", "JPEG"):
        assert extract(encoded(image, kind)).colour_entropy is None


TENSORFLOW = {
    "24-bit bitmap": encoded(smooth(), "BMP"),
    "32-bit bitmap": encoded(smooth().convert("RGBA"), "BMP"),
    "grey bitmap": encoded(smooth().convert("L"), "BMP"),
    "1-bit bitmap": encoded(smooth().convert("1"), "BMP"),
    "bitmap with one byte more": encoded(smooth(), "BMP") + b"\0",
    "gif": encoded(smooth(), "GIF"),
    "animated gif": animation("GIF"),
    "gif with an empty comment": encoded(smooth(), "GIF").replace(b"\x2c", b"\x21\xfe\0\x2c", 1),
    "gif without a colour table": b"GIF89a\1\0\1\0\0\0\0\x2c\0\0\0\0\1\0\1\0\0\2\2D\1\0;",
    "webp": encoded(smooth(), "WEBP"),
    "animated webp": animation("WEBP"),
    "lossy webp with alpha": encoded(CLEAR, "WEBP"),
    "lossless webp with alpha": encoded(CLEAR, "WEBP", lossless=True),
    "webp with metadata": encoded(smooth(), "WEBP", icc_profile=bytes(9)),
    "tiff": encoded(smooth(), "TIFF"),
    "ppm": encoded(smooth(), "PPM"),
    "16-bit png": encoded(WIDE, "PNG"),
    "palette png": encoded(smooth().convert("P"), "PNG"),
}


@pytest.mark.parametrize("name", TENSORFLOW)
def test_tensorflow_accepts_what_we_say(name: str) -> None:
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    tensorflow = pytest.importorskip("tensorflow")
    try:
        tensorflow.io.decode_image(TENSORFLOW[name], channels=3, expand_animations=False)
        accepted = True
    except tensorflow.errors.InvalidArgumentError:
        accepted = False
    facts = extract(TENSORFLOW[name])
    assert facts.pillow
    assert facts.tensorflow is accepted
