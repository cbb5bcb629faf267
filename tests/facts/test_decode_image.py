"""Whole files, asked for as Keras asks: for 1, 3 or 4 channels, and for none. TensorFlow itself is the oracle."""

from __future__ import annotations

import io
import os
import zlib
from typing import Any

import numpy as np
import pytest
from PIL import Image

from datalint.facts.extract import extract
from tests.facts.pictures import bitmap_of, chunk, encoded, gif, header, noise, png, rows, smooth
from tests.facts.test_pillow import TENSORFLOW

END = chunk(b"IEND")
COLOURS = [(255 - number, number, number // 2) for number in range(256)]
PALETTE = chunk(b"PLTE", bytes(range(48)))
CLEAR = chunk(b"tRNS", b"\0\1")
ROWS = b"".join(b"\0" + row.tobytes() for row in np.asarray(noise(60, 40)))
DATA = zlib.compress(ROWS)
HEAD = header(60, 40, 8, 2)


def painted(*chunks: bytes, depth: int = 8, colour: int = 0) -> bytes:
    """A PNG of 8 x 6 pixels with these chunks before its data."""
    row_bytes = {0: depth, 2: 3 * depth, 3: depth, 4: 2 * depth, 6: 4 * depth}[colour]
    return png(header(8, 6, depth, colour), *chunks, rows(6, row_bytes), END)


def with_data(body: bytes, *later: bytes) -> bytes:
    return png(HEAD, chunk(b"IDAT", body), *later, END)


def unsafe_window() -> bytes:
    """Data that reaches back four rows, farther than the 256 bytes that its header declares."""
    body = bytearray(zlib.compress(ROWS[: 4 * 181] * 10))
    body[0] &= 0x0F
    body[1] &= 0xE0
    body[1] += -(body[0] * 256 + body[1]) % 31
    return with_data(bytes(body))


FILES: dict[str, bytes] = {
    **{name: data for name, data in TENSORFLOW.items() if name != "animated webp"},
    **{f"{mode} jpeg": encoded(smooth().convert(mode), "JPEG") for mode in ("RGB", "L", "CMYK")},
    "RGB jpeg without YCbCr": encoded(smooth(), "JPEG", keep_rgb=True),
    **{f"{mode} png": encoded(smooth().convert(mode), "PNG") for mode in ("1", "L", "LA", "RGB", "RGBA", "P")},
    "P png with transparency": encoded(smooth().convert("P"), "PNG", transparency=3),
    "L png with transparency": encoded(smooth().convert("L"), "PNG", transparency=3),
    "RGB png with transparency": encoded(smooth(), "PNG", transparency=(1, 2, 3)),
    **{f"grey png of {depth} bits": painted(depth=depth) for depth in (1, 2, 4, 8, 16)},
    "grey png of 4 bits with transparency": painted(CLEAR, depth=4),
    "grey png of 16 bits with alpha": painted(depth=16, colour=4),
    "palette of 4 bits": painted(PALETTE, depth=4, colour=3),
    "palette of 4 bits with transparency": painted(PALETTE, CLEAR, depth=4, colour=3),
    "palette with a transparency that is empty": painted(PALETTE, chunk(b"tRNS"), depth=4, colour=3),
    "palette with transparency for more colours": painted(PALETTE, chunk(b"tRNS", bytes(17)), depth=4, colour=3),
    "palette with transparency before it": painted(CLEAR, PALETTE, depth=4, colour=3),
    "bitmap with a palette": bitmap_of(COLOURS, list(range(64)), 8),
    "animated webp with alpha": encoded(
        smooth().convert("RGBA"), "WEBP", save_all=True, append_images=[Image.new("RGBA", (96, 64))]
    ),
    "gif that begins in the middle": gif((10, 8), (2, 1, 6, 5)),
    "gif smaller than its canvas": gif((10, 8), (0, 0, 6, 5)),
    "gif larger than its canvas": gif((10, 8), (0, 0, 12, 9)),
    "gif with a larger second picture": gif((10, 8), (0, 0, 6, 5), (3, 2, 7, 6)),
    "gif with a smaller second picture": gif((10, 8), (0, 0, 10, 8), (9, 7, 5, 7)),
    "png data without its checksum": with_data(DATA[:-4]),
    "png data without half its checksum": with_data(DATA[:-2]),
    "png data with its checksum in a chunk of its own": with_data(DATA[:-4], chunk(b"IDAT", DATA[-4:])),
    "png data with a wrong checksum in a chunk of its own": with_data(DATA[:-4], chunk(b"IDAT", b"abcd")),
    "png data in chunks of one byte": png(HEAD, *(chunk(b"IDAT", DATA[at : at + 1]) for at in range(len(DATA))), END),
    "png data in chunks of one byte without its checksum": png(
        HEAD, *(chunk(b"IDAT", DATA[at : at + 1]) for at in range(len(DATA) - 4)), END
    ),
    "png data in chunks of one byte without half its checksum": png(
        HEAD, *(chunk(b"IDAT", DATA[at : at + 1]) for at in range(len(DATA) - 2)), END
    ),
    "black png data in chunks of one byte": png(
        HEAD, *(chunk(b"IDAT", bytes([byte])) for byte in zlib.compress(bytes(len(ROWS)))), END
    ),
    "png data and more": with_data(DATA + b"xyzzy"),
    "png data of one row more": with_data(zlib.compress(ROWS + ROWS[:181])),
    "png data of one row more without its checksum": with_data(zlib.compress(ROWS + ROWS[:181])[:-4]),
    "png data of five rows more that is cut": with_data(zlib.compress(ROWS + ROWS[:905])[:-12]),
    "png data in an unsafe window": unsafe_window(),
    "png data in a small window": with_data(zlib.compress(ROWS, wbits=9)),
    "png data after text": png(HEAD, chunk(b"tEXt", b"a\0b"), chunk(b"IDAT", DATA), END),
    "png data before and after text": with_data(DATA, chunk(b"tEXt", b"a\0b"), chunk(b"IDAT", b"more")),
    "png with a second header": with_data(DATA, HEAD),
    "png with a header twice": png(HEAD, HEAD, chunk(b"IDAT", DATA), END),
    "png with an unknown critical chunk": png(HEAD, chunk(b"ABCD", b"x"), chunk(b"IDAT", DATA), END),
    "png with an unknown critical chunk at its end": with_data(DATA, chunk(b"ABCD", b"x")),
    "png with an unknown chunk": with_data(DATA, chunk(b"abCD", b"x")),
    "colour png with two palettes": png(HEAD, PALETTE, PALETTE, chunk(b"IDAT", DATA), END),
    "colour png with half a palette": png(HEAD, chunk(b"PLTE", bytes(47)), chunk(b"IDAT", DATA), END),
    "palette twice": painted(PALETTE, PALETTE, colour=3),
    "palette that ends within a colour": painted(chunk(b"PLTE", bytes(47)), colour=3),
    "palette without a colour": painted(chunk(b"PLTE"), colour=3),
    "palette with more colours than it needs": painted(chunk(b"PLTE", bytes(144)), depth=4, colour=3),
    "grey png with two palettes": painted(PALETTE, PALETTE),
    "png 1,000,000 pixels wide": png(header(1_000_000, 1, 1, 0), rows(1, 125_000), END),
    "png 1,000,001 pixels wide": png(header(1_000_001, 1, 1, 0), rows(1, 125_001), END),
}  # fmt: skip


@pytest.fixture(scope="module")
def tensorflow() -> Any:
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    return pytest.importorskip("tensorflow")


def decoded(tensorflow: Any, data: bytes, channels: int) -> np.ndarray[Any, Any] | None:
    try:
        pixels = tensorflow.io.decode_image(data, channels=channels, expand_animations=False).numpy()
    except tensorflow.errors.InvalidArgumentError:
        return None
    return np.asarray(pixels)


@pytest.mark.tensorflow
@pytest.mark.parametrize("name", FILES)
def test_tensorflow_takes_what_we_say(tensorflow: Any, name: str) -> None:
    facts = extract(FILES[name])
    given = {channels: decoded(tensorflow, FILES[name], channels) for channels in (0, 1, 3, 4)}
    assert facts.pillow
    assert (facts.tensorflow_1, facts.tensorflow, facts.tensorflow_4) == tuple(
        given[channels] is not None for channels in (1, 3, 4)
    )
    shape = (facts.tensorflow_height, facts.tensorflow_width, facts.tensorflow_channels)
    assert shape == ((None, None, 0) if given[0] is None else given[0].shape)


def test_an_animation_without_alpha_kills_tensorflow() -> None:
    """Asked for no number of channels, it writes four into the memory for three."""
    facts = extract(TENSORFLOW["animated webp"])
    assert (facts.tensorflow_1, facts.tensorflow, facts.tensorflow_4) == (False, False, False)
    assert facts.tensorflow_channels == 0


@pytest.mark.parametrize(
    ("name", "misread"),
    [
        ("bitmap with a palette", "palette"),
        ("gif that begins in the middle", "cropped"),
        ("grey png of 1 bits", "alpha"),
        ("grey png of 4 bits", "alpha"),
        ("palette of 4 bits", "alpha"),
        ("palette of 4 bits with transparency", None),
        ("grey png of 8 bits", None),
        ("gif smaller than its canvas", None),
        ("gif with a larger second picture", None),
        ("grey bitmap", None),
        ("24-bit bitmap", None),
        ("32-bit bitmap", None),
        ("palette png", None),
        ("RGB jpeg", None),
    ],
)
@pytest.mark.tensorflow
def test_what_tensorflow_takes_for_something_else_is_told(tensorflow: Any, name: str, misread: str | None) -> None:
    """Against Pillow, which knows these formats: the same pixels, unless they are said to be misread."""
    assert extract(FILES[name]).misread == misread
    channels = 3 if decoded(tensorflow, FILES[name], 4) is None else 4
    pixels = decoded(tensorflow, FILES[name], channels)
    assert pixels is not None
    with Image.open(io.BytesIO(FILES[name])) as image:
        picture = np.asarray(image.convert("RGB" if channels == 3 else "RGBA"))[: pixels.shape[0], : pixels.shape[1]]
    same = np.abs(picture.astype(int) - pixels).max() <= 4
    # What lies beyond the edge of the frame is lost, so the same place shows the same.
    assert same == (misread in (None, "cropped"))


@pytest.mark.tensorflow
@pytest.mark.parametrize(("depth", "transparent"), [(1, True), (2, True), (4, True), (4, False)])
def test_a_faint_alpha_is_told(tensorflow: Any, depth: int, *, transparent: bool) -> None:
    data = painted(*([CLEAR] if transparent else []), depth=depth)
    pixels = decoded(tensorflow, data, 4)
    assert pixels is not None
    assert (set(pixels[..., 3].ravel().tolist()) <= {0, 255}) == transparent
    assert extract(data).misread == (None if transparent else "alpha")


@pytest.mark.tensorflow
def test_a_shifted_gif_loses_pixels(tensorflow: Any) -> None:
    pixels = decoded(tensorflow, FILES["gif that begins in the middle"], 3)
    assert pixels is not None
    shown = set(pixels[..., 0].ravel().tolist())
    assert 30 not in shown
    assert 1 in shown


@pytest.mark.parametrize(
    ("colours", "expected"),
    [
        ([(number, number, number) for number in range(256)], None),
        ([(min(number + 16, 255),) * 3 for number in range(256)], None),
        ([(min(number + 17, 255),) * 3 for number in range(256)], "palette"),
    ],
)
def test_a_palette_that_is_grey_but_for_a_little_is_no_loss(
    colours: list[tuple[int, int, int]], expected: str | None
) -> None:
    assert extract(bitmap_of(colours, list(range(64)), 8)).misread == expected


def bitmap_32(alpha: int, masks: tuple[int, ...] = ()) -> bytes:
    """2 x 2 pixels of 4 bytes; with masks of red, green and blue."""
    start = 54 + 4 * len(masks)
    fields = ((40, 4), (2, 4), (2, 4), (1, 2), (32, 2), (3 if masks else 0, 4), (16, 4), (0, 4), (0, 4), (0, 4), (0, 4))
    info = b"".join(value.to_bytes(size, "little") for value, size in fields)
    body = b"".join(mask.to_bytes(4, "little") for mask in masks) + bytes([10, 20, 230, alpha]) * 4
    return b"BM" + (start + 16).to_bytes(4, "little") + bytes(4) + start.to_bytes(4, "little") + info + body


@pytest.mark.tensorflow
@pytest.mark.parametrize(
    ("data", "misread"),
    [
        (bitmap_32(255), None),
        (bitmap_32(0), "alpha"),
        (bitmap_32(255, (0xFF0000, 0xFF00, 0xFF)), None),
        (bitmap_32(255, (0xFF000000, 0xFF0000, 0xFF00)), "order"),
    ],
)
def test_masks_and_the_fourth_byte_of_a_bitmap(tensorflow: Any, data: bytes, misread: str | None) -> None:
    facts = extract(data)
    assert (facts.pillow, facts.tensorflow, facts.misread) == (True, True, misread)
    pixels = decoded(tensorflow, data, 4)
    with Image.open(io.BytesIO(data)) as image:
        assert np.array_equal(np.asarray(pixels), np.asarray(image.convert("RGBA"))) == (misread is None)


@pytest.mark.parametrize(
    ("name", "status", "cause", "words"),
    [
        ("png data without its checksum", "damaged", "truncated", "its image data ends before its checksum"),
        (
            "png data with a wrong checksum in a chunk of its own",
            "damaged",
            "bad-checksum",
            "its image data is not what its checksum says",
        ),
        ("png with a second header", "damaged", "bad-header", "has a second header (chunk IHDR) at offset"),
        ("palette twice", "damaged", "bad-header", "has a second palette (chunk PLTE) at offset 93"),
        ("palette without a colour", "damaged", "bad-header", "its palette is 0 bytes long"),
        ("png with an unknown critical chunk", "ok", None, "its chunk ABCD at offset 33 is critical"),
        ("png data in an unsafe window", "ok", None, "reaches farther back than its header says"),
        ("png 1,000,001 pixels wide", "ok", None, "it takes no side of more than 1,000,000 pixels"),
        ("png data and more", "ok", None, "None"),
        ("png data in chunks of one byte", "ok", None, "None"),
        ("png data in chunks of one byte without half its checksum", "damaged", "truncated", "before its checksum"),
        ("black png data in chunks of one byte", "ok", None, "None"),
        ("png data of one row more", "ok", None, "None"),
    ],
)
def test_what_only_libpng_minds_is_named(name: str, status: str, cause: str | None, words: str) -> None:
    facts = extract(FILES[name])
    assert (facts.status, facts.cause) == (status, cause)
    assert words in str(facts.detail)


@pytest.mark.parametrize("size", [1, 8, 12])
def test_a_gif_cut_in_the_header_of_a_later_picture_is_damaged(size: int) -> None:
    whole = gif((10, 8), (0, 0, 10, 8), (0, 0, 10, 8))
    facts = extract(whole[: whole.rindex(b"\x2c\0\0\0\0\x0a\0") + size])
    assert (facts.status, facts.pillow, facts.width) == ("damaged", True, 10)
