"""Everything that Pillow decodes: header first, then every frame, then one luminance plane."""

from __future__ import annotations

import io
import struct
import warnings
from contextlib import suppress
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image, ImageFile, UnidentifiedImageError

from datalint.facts import decode_image, length, pixels

if TYPE_CHECKING:
    from datalint.facts.model import Facts

# A padded half image is worse than none; another library in the process may have set it.
ImageFile.LOAD_TRUNCATED_IMAGES = False
MAX_PIXELS = 178_956_970
_MAX_FRAMES = 2_000
_DEPTH = {"1": 1, "I;16": 16, "I;16B": 16, "I;16L": 16, "I": 32, "F": 32}
_FORMATS = {"JPEG2000": "jp2", "DIB": "bmp", "MPO": "jpeg"}
# Decoders meet damaged bytes with whatever exception their arithmetic leads to; MemoryError alone is let through.
REFUSALS = (
    ArithmeticError,
    AttributeError,
    EOFError,
    LookupError,
    OSError,
    RuntimeError,
    SyntaxError,
    TypeError,
    ValueError,
    struct.error,
)


def loads(data: bytes, *, draft: bool = True) -> tuple[bool, str]:
    """Whether Pillow decodes the bytes, and what it says otherwise; `draft` decodes a JPEG at 1/8."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            with Image.open(io.BytesIO(data)) as image:
                if draft:
                    image.draft("L", (max(1, image.width // 8), max(1, image.height // 8)))
                image.load()
        except REFUSALS as error:
            return False, _words(error)
        except Image.DecompressionBombError as error:
            return False, _words(error)
    return True, ""


def read(facts: Facts, data: bytes, found: str | None, *, taller: bytes | None = None) -> bool:
    """Fill the facts of one file; `found` is the format by its first bytes. Raises only MemoryError.

    `taller` is the same PNG with one row more in its header. True where the data of a PNG may not end as it should,
    and where that was not seen: without `taller`, and where the last row holds only zeros, which is what Pillow leaves
    where there is no data for it.
    """
    facts.format = found
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if taller is not None:
            with suppress(*REFUSALS):
                return _read(facts, taller, found, spare=1)
        try:
            return _read(facts, data, found)
        except Image.DecompressionBombError as error:
            facts.blame("oversized", "bomb", _words(error))
            facts.pillow = False
            facts.tensorflow_unknown()
        except REFUSALS as error:
            _refused(facts, data, error, found)
    return True


def _read(facts: Facts, data: bytes, found: str | None, *, spare: int = 0) -> bool:
    """`spare`: how many rows at the end are not the picture's."""
    with Image.open(io.BytesIO(data)) as image:
        facts.format = _FORMATS.get(image.format or "", (image.format or found or "").lower())
        bands = 1 if image.mode in ("P", "PA") else len(image.getbands())
        height = image.height - spare
        facts.size(image.width, height, bands, _DEPTH.get(image.mode, 8))
        facts.mode = image.mode
        facts.progressive = bool(image.info.get("interlace")) if facts.format == "png" else None
        if image.width * height > MAX_PIXELS:
            facts.blame("oversized", "bomb", f"declares {image.width:,} x {height:,} pixels (limit {MAX_PIXELS:,})")
            facts.pillow = False
            return True
        image.load()
        facts.pillow = True
        facts.orientation = _orientation(image)
        picture = image.crop((0, 0, image.width, height)) if spare else image
        ended = facts.format != "png" or (spare > 0 and _blank(image, height) and not _blank(image, height - 1))
        decode_image.judge(facts, data, image)
        _describe(facts, picture)
        _frames(facts, image)
        # Pillow does not miss the blocks that end a GIF, TensorFlow does.
        if facts.format == "gif" and facts.status == "ok" and (cut := length.missing(data, "gif")) is not None:
            facts.blame("damaged", "truncated", cut)
    return not ended


def _blank(image: Image.Image, row: int) -> bool:
    return not image.crop((0, row, image.width, row + 1)).tobytes().strip(b"\0")


def _orientation(image: Image.Image) -> int | None:
    # Only after load(): reading the metadata of a damaged PNG earlier hides the error of its data.
    try:
        value = image.getexif().get(0x0112)
    except REFUSALS:
        return None
    return value if isinstance(value, int) else None


def _describe(facts: Facts, image: Image.Image) -> None:
    luminance = grey(image)
    factor = max(1, min(luminance.size) // pixels.SIDE)
    width, height = luminance.width / factor, luminance.height / factor
    plane = np.asarray(luminance.reduce(factor) if factor > 1 else luminance, dtype=np.uint8)
    pixels.describe(facts, plane, height=height, width=width)
    if (facts.entropy or 0) < pixels.NEARLY_FLAT:
        facts.colour_entropy = _colour_entropy(image)


def colour_entropy(data: bytes, *, side: int) -> float | None:
    """Of a JPEG, decoded at the smallest scale that keeps its shorter side so long; None where Pillow refuses it."""
    with suppress(*REFUSALS), Image.open(io.BytesIO(data)) as image:
        image.draft("RGB", (side, side))
        return _colour_entropy(image)
    return None


def _colour_entropy(image: Image.Image) -> float | None:
    """Bits of the red, green or blue histogram, whichever has most: colours may differ where luminance does not."""
    if image.mode in ("1", "L", "LA") or is_wide(image):
        return None
    counts = np.array(image.convert("RGB").histogram(), dtype=np.float64).reshape(3, 256)
    return max(pixels.entropy(band) for band in counts)


def is_wide(image: Image.Image) -> bool:
    """One channel of more than 8 bits."""
    return image.mode == "F" or image.mode.startswith("I")


def grey(image: Image.Image) -> Image.Image:
    """Luminance, 8 bits; wider pixels are scaled by their own range."""
    if is_wide(image):
        wide = np.nan_to_num(np.asarray(image, dtype=np.float64))
        low, high = float(wide.min()), float(wide.max())
        limit = 65535.0 if image.mode.startswith("I;16") else max(high - low, 1e-9)
        base = 0.0 if image.mode.startswith("I;16") else low
        return Image.fromarray(np.clip((wide - base) / limit * 255, 0, 255).astype(np.uint8))
    return image if image.mode == "L" else image.convert("L")


def _frames(facts: Facts, image: Image.Image) -> None:
    """Count the frames and decode them; decoders that do not animate see only the default image of an APNG."""
    at, facts.frames = 1, 1
    try:
        facts.frames = getattr(image, "n_frames", 1)
        for at in range(1, min(facts.frames, _MAX_FRAMES) if facts.format != "png" else 1):
            image.seek(at)
            image.load()
    except REFUSALS as error:
        facts.blame(
            "damaged",
            "truncated" if "truncated" in str(error) else "bit-rot",
            f"frame {at + 1} of {facts.frames}: {_words(error)}",
        )


def _refused(facts: Facts, data: bytes, error: Exception, found: str | None) -> None:
    words = _words(error)
    lower = words.lower()
    facts.pillow = False
    decode_image.judge_refused(facts, data, lambda other: loads(other, draft=False)[0])
    if "decompressed data too large" in lower:
        facts.blame("oversized", "bomb", f"its metadata is a decompression bomb: {words}")
    elif found == "bmp" and (impossible := _impossible_bmp(data)) is not None:
        facts.blame("damaged", "bad-header", impossible)
    elif (cut := length.missing(data, found)) is not None:
        facts.blame("damaged", "truncated", cut)
    elif found in ("heif", "jxl", "exr", "dicom", "npy", "fits") and isinstance(error, UnidentifiedImageError):
        facts.blame("unsupported", "no-decoder", f"{found} needs a decoder that is not installed")
    elif (
        "unsupported" in lower
        or "not supported" in lower
        or "invalid palette size" in lower
        or isinstance(error, NotImplementedError)
    ):
        facts.blame("unsupported", "variant", words)
    elif "truncated" in lower or "eof" in lower or "end of file" in lower:
        facts.blame("damaged", "truncated", words)
    elif isinstance(error, UnidentifiedImageError):
        facts.blame("damaged", "bad-header", f"its header is damaged: {_complaint(data, found)}")
    elif facts.width is None:
        facts.blame("damaged", "bad-header", words)
    else:
        facts.blame("damaged", "bit-rot", words)


def _complaint(data: bytes, found: str | None) -> str:
    """What the format's own decoder says; Image.open asks it too, and swallows the answer."""
    opener = Image.OPEN.get((found or "").upper())
    try:
        if opener is not None:
            opener[0](io.BytesIO(data), "")
    except REFUSALS as error:
        if "not identified by this driver" not in str(error):
            return _words(error)
    return f"{found or 'image'} by its first bytes only"


def _impossible_bmp(data: bytes) -> str | None:
    """Words for a header that no version of the format allows, as against one that Pillow does not know."""
    if len(data) < 54:
        return None
    header, bits, colours = (
        int.from_bytes(data[start:stop], "little") for start, stop in ((14, 18), (28, 30), (46, 50))
    )
    if not (header == 12 or 16 <= header <= 64 or header in (108, 124)):
        return f"its header says that it is {header:,} bytes long"
    if header >= 40 and bits not in (0, 1, 2, 4, 8, 16, 24, 32, 64):
        return f"its header says {bits:,} bits a pixel"
    if header >= 40 and colours * 4 > len(data):
        return f"its header says {colours:,} palette colours, more than the file holds"
    return None


def _words(error: BaseException) -> str:
    text = " ".join(str(error).split())
    if "BytesIO" in text:
        text = "no decoder recognises it"
    return text[:200] or type(error).__name__
