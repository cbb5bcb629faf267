"""What bytes are, whatever the file is called."""

from __future__ import annotations

import gzip
import io
import json
import zipfile

import numpy as np
import pytest
from PIL import Image

from datalint.facts import sniff
from datalint.facts.extract import extract
from tests.facts.pictures import encoded, noise, smooth

POINTER = (
    b"version https://git-lfs.github.com/spec/v1\n"
    b"oid sha256:4d7a214614ab2935c943f9e0ff69d22eadbb8f32b1258daaa5e2ca24d17e2393\nsize 12345\n"
)


def archive() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as opened:
        opened.writestr("a.txt", "a")
    return out.getvalue()


@pytest.mark.parametrize(
    ("data", "status", "cause", "words"),
    [
        (b"", "empty", "empty", "0 bytes"),
        (bytes(4096), "damaged", "zero-filled", "4,096 bytes, all zero"),
        (POINTER, "pointer", "lfs-pointer", "Git LFS pointer"),
        (POINTER.replace(b"\n", b"\r\n"), "pointer", "lfs-pointer", "Git LFS pointer"),
        (b"<!DOCTYPE html><html><body>404 Not Found</body></html>", "not-image", "html", "HTML page"),
        (b"\xef\xbb\xbf \n<HTML><HEAD></HEAD></HTML>", "not-image", "html", "HTML page"),
        (b'<?xml version="1.0"?><Error><Code>AccessDenied</Code></Error>', "not-image", "xml", "XML document"),
        (b'<svg xmlns="http://www.w3.org/2000/svg"/>', "not-image", "svg", "SVG drawing"),
        (json.dumps({"error": "rate limit"}).encode(), "not-image", "json", "JSON document"),
        (b"[1, 2, 3]", "not-image", "json", "JSON document"),
        (gzip.compress(b"picture"), "not-image", "gzip", "gzip archive"),
        (archive(), "not-image", "zip", "ZIP archive"),
        (b"%PDF-1.7\n", "not-image", "pdf", "PDF document"),
        (b"\0\5\x16\7\0\2\0\0Mac OS X        ", "not-image", "appledouble", "AppleDouble"),
        (b"hello, this is a note\n", "not-image", "text", "plain text"),
        (b"\x8a\x11\x03\xfe" * 50, "not-image", "unknown-format", "first bytes are 8a 11 03 fe"),
    ],
    ids=lambda value: value if isinstance(value, str) and "-" not in value and " " not in value else "",
)
def test_what_was_saved_in_place_of_an_image_is_named(data: bytes, status: str, cause: str, words: str) -> None:
    facts = extract(data)
    assert (facts.status, facts.cause, facts.format) == (status, cause, None)
    assert words in str(facts.detail)
    assert (facts.pillow, facts.tensorflow) == (False, False)


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        ("JPEG", "jpeg"),
        ("PNG", "png"),
        ("GIF", "gif"),
        ("BMP", "bmp"),
        ("WEBP", "webp"),
        ("TIFF", "tiff"),
        ("ICO", "ico"),
        ("PPM", "ppm"),
        ("JPEG2000", "jp2"),
        ("DDS", "dds"),
    ],
)
def test_a_format_is_known_by_its_first_bytes(kind: str, name: str) -> None:
    data = encoded(smooth(), kind)
    assert sniff.image_format(data) == name
    facts = extract(data)
    assert (facts.status, facts.format) == ("ok", name)


def test_a_format_without_a_signature_is_found_by_its_decoder() -> None:
    data = encoded(smooth().convert("L"), "TGA")
    assert sniff.image_format(data) is None
    assert extract(data).format == "tga"


@pytest.mark.parametrize("data", [b"P6 is a station\n", b"P632 8 8\n", b"RIFF\0\0\0\0WAVEfmt ", b"\0\0\0\x18ftypmp42"])
def test_what_only_begins_like_an_image_is_none(data: bytes) -> None:
    assert extract(data).status != "ok"
    assert extract(data).cause in {"text", "unknown-format", "bad-header"}


@pytest.mark.parametrize("size", [1, 2, 7, 8, 11, 15, 40])
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "GIF", "BMP", "WEBP", "TIFF", "PPM", "AVIF", "ICO"])
def test_the_first_bytes_alone_are_never_an_image(kind: str, size: int) -> None:
    facts = extract(encoded(smooth(), kind)[:size])
    assert facts.status in {"damaged", "not-image"}
    assert facts.pillow is False


@pytest.mark.parametrize("seed", range(20))
def test_random_bytes_are_not_an_image(seed: int) -> None:
    facts = extract(np.random.default_rng(seed).bytes(5000))
    assert (facts.status, facts.pillow) == ("not-image", False)


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"a\r\nb\r\nc\r\nd\r\n", True),
        (b"a\r\nb\r\nc\r\nd\n", False),
        (b"a\r\nb\r\nc\r\n", False),
        (b"no line ends", False),
    ],
)
def test_four_line_feeds_that_all_follow_a_carriage_return_are_no_chance(data: bytes, *, expected: bool) -> None:
    assert sniff.grown_line_ends(data) is expected


@pytest.mark.parametrize("kind", ["GIF", "BMP", "WEBP", "TIFF", "AVIF"])
def test_line_ends_changed_in_other_formats_are_named(kind: str) -> None:
    data = encoded(noise(300, 200), kind)
    assert data.count(b"\n") > 4
    facts = extract(data.replace(b"\n", b"\r\n"))
    assert (facts.status, facts.cause) == ("damaged", "crlf-mangled")


@pytest.mark.parametrize("kind", ["BMP", "WEBP", "PNG", "TIFF", "PPM"])
def test_a_picture_that_looks_like_line_ends_is_sound(kind: str) -> None:
    picture = Image.new("RGB", (60, 60), (0x0A, 0x0D, 0x00))
    assert extract(encoded(picture, kind)).status == "ok"
