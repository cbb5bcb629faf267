"""Everything that Pillow decodes: header first, then every frame, then one luminance plane."""

from __future__ import annotations

import io
import warnings
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image, ImageFile, UnidentifiedImageError

from datalint.facts import length, pixels

if TYPE_CHECKING:
    from datalint.facts.model import Facts

# A padded half image is worse than none; another library in the process may have set it.
ImageFile.LOAD_TRUNCATED_IMAGES = False
MAX_PIXELS = 178_956_970
_MAX_FRAMES = 2_000
_DEPTH = {"1": 1, "I;16": 16, "I;16B": 16, "I;16L": 16, "I": 32, "F": 32}
_FORMATS = {"JPEG2000": "jp2", "DIB": "bmp", "MPO": "jpeg"}
# Decoders meet damaged bytes with whatever exception their arithmetic leads to; MemoryError alone is let through.
_REFUSALS = (
    ArithmeticError,
    AttributeError,
    EOFError,
    LookupError,
    OSError,
    RuntimeError,
    SyntaxError,
    TypeError,
    ValueError,
)
_TENSORFLOW = {"jpeg", "png", "gif", "bmp", "webp"}
_WEBP_PICTURES = (b"VP8 ", b"VP8L")
_WEBP_ALPHA, _WEBP_ANIMATION = 0x10, 0x02


def loads(data: bytes, *, draft: bool = True) -> tuple[bool, str]:
    """Whether Pillow decodes the bytes, and what it says otherwise; `draft` decodes a JPEG at 1/8."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            with Image.open(io.BytesIO(data)) as image:
                if draft:
                    image.draft("L", (max(1, image.width // 8), max(1, image.height // 8)))
                image.load()
        except _REFUSALS as error:
            return False, _words(error)
        except Image.DecompressionBombError as error:
            return False, _words(error)
    return True, ""


def read(facts: Facts, data: bytes, found: str | None) -> bool:
    """Fill the facts of one file; `found` is the format by its first bytes. Raises only MemoryError.

    True where the last row of a PNG holds only zeros, which is what Pillow leaves where there is no data for it.
    """
    facts.format = found
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return _read(facts, data, found)
        except Image.DecompressionBombError as error:
            facts.blame("oversized", "bomb", _words(error))
            facts.pillow = False
            facts.tensorflow = None
        except _REFUSALS as error:
            _refused(facts, data, error, found)
    return False


def _read(facts: Facts, data: bytes, found: str | None) -> bool:
    with Image.open(io.BytesIO(data)) as image:
        facts.format = _FORMATS.get(image.format or "", (image.format or found or "").lower())
        bands = 1 if image.mode in ("P", "PA") else len(image.getbands())
        facts.size(image.width, image.height, bands, _DEPTH.get(image.mode, 8))
        facts.mode = image.mode
        facts.frames = getattr(image, "n_frames", 1)
        facts.progressive = bool(image.info.get("interlace")) if facts.format == "png" else None
        if image.width * image.height > MAX_PIXELS:
            facts.blame(
                "oversized", "bomb", f"declares {image.width:,} x {image.height:,} pixels (limit {MAX_PIXELS:,})"
            )
            facts.pillow = False
            return False
        image.load()
        blank_end = facts.format == "png" and _blank_end(image)
        facts.pillow = True
        facts.tensorflow = _tensorflow(facts, data, image)
        facts.orientation = _orientation(image)
        _describe(facts, image)
        if facts.format != "png":
            # Decoders that do not animate see only the default image of an APNG, which was just loaded.
            _other_frames(facts, image)
        # Pillow does not miss the blocks that end a GIF, TensorFlow does.
        if facts.format == "gif" and facts.status == "ok" and (cut := length.missing(data, "gif")) is not None:
            facts.blame("damaged", "truncated", cut)
    return blank_end


def _blank_end(image: Image.Image) -> bool:
    return not image.crop((0, image.height - 1, image.width, image.height)).tobytes().strip(b"\0")


def _tensorflow(facts: Facts, data: bytes, image: Image.Image) -> bool:
    """Whether tf.io.decode_image(channels=3, expand_animations=False) takes what Pillow has decoded."""
    if facts.format == "bmp":
        return _tensorflow_bmp(data)
    if facts.format == "gif":
        return _tensorflow_gif(data) and _within_palette(image)
    if facts.format == "webp" and ((facts.frames or 1) > 1 or facts.channels != 3):
        # It converts the channels of every format but this one.
        return False
    return facts.format in _TENSORFLOW


def _tensorflow_bmp(data: bytes) -> bool:
    """Whole bytes a pixel in 1, 3 or 4 channels, not compressed, and not one byte after the last row.

    The header's compression is not looked at: compressed rows are merely of another length.
    """
    if len(data) < 32:
        return False
    start, width, height = (int.from_bytes(data[at : at + 4], "little", signed=True) for at in (10, 18, 22))
    channels = int.from_bytes(data[28:30], "little", signed=True) // 8
    row = (channels * width + 3) // 4 * 4
    return channels in (1, 3, 4) and width > 0 and len(data) == start + row * abs(height)


def _tensorflow_gif(data: bytes) -> bool:
    """Whether giflib comes to a first frame that has a colour table; it takes no extension without a block."""

    def table(flags: int) -> int:
        return 3 << (flags & 7) + 1 if flags & 0x80 else 0

    shared = table(data[10])
    at = 13 + shared
    while at + 9 < len(data) and data[at] == 0x21:
        at += 2
        if data[at] == 0:
            return False
        while at < len(data) and data[at]:
            at += 1 + data[at]
        at += 1
    if at + 9 >= len(data) or data[at] != 0x2C or not (shared or table(data[at + 9])):
        return False
    # It reads the picture to the empty block that ends it, also when it has all pixels.
    at += 11 + table(data[at + 9])
    while at < len(data) and data[at]:
        at += 1 + data[at]
    return at < len(data)


def _tensorflow_webp(data: bytes) -> bool:
    """Whether the picture alone decodes: TensorFlow never looks at the chunks after it, as Pillow does.

    Chunks may stand before it only where a VP8X chunk announces them (WebP container specification, extended format).
    """

    def stop(at: int) -> int:
        return at + 8 + int.from_bytes(data[at + 4 : at + 8], "little")

    if len(data) < 30:
        return False
    end, at, extended = stop(0), 12, b""
    if data[at : at + 4] == b"VP8X":
        if data[20] & (_WEBP_ALPHA | _WEBP_ANIMATION):
            return False
        extended = data[12:20] + bytes(4) + data[24:30]
        while at < end and data[at : at + 4] not in _WEBP_PICTURES:
            at = stop(at) + stop(at) % 2
    kind = data[at : at + 4]
    if kind not in _WEBP_PICTURES or not stop(at) <= end <= len(data):
        return False
    # The decoder reads on where the length of the chunk is too short.
    picture = data[at + 8 :]
    if kind == b"VP8 " and at + 8 + (int.from_bytes(picture[:3], "little") >> 5) > stop(at):
        # The first of its partitions must lie in the chunk (RFC 6386, 9.1).
        return False
    if kind == b"VP8L" and picture[4:5] > b"\x0f":
        # Bit 4 says that alpha is used, the three above it that the version is unknown.
        return False
    body = b"WEBP" + extended + kind + len(picture).to_bytes(4, "little") + picture + bytes(len(picture) % 2)
    return loads(b"RIFF" + len(body).to_bytes(4, "little") + body, draft=False)[0]


def _within_palette(image: Image.Image) -> bool:
    """Whether every pixel of the first frame names a colour; Pillow shows others as black."""
    if image.mode != "P":
        return True
    used = np.asarray(image)
    return int(used.max()) < len(image.getpalette("RGB") or ()) // 3


def _orientation(image: Image.Image) -> int | None:
    # Only after load(): reading the metadata of a damaged PNG earlier hides the error of its data.
    try:
        value = image.getexif().get(0x0112)
    except _REFUSALS:
        return None
    return value if isinstance(value, int) else None


def _describe(facts: Facts, image: Image.Image) -> None:
    grey = _grey(image)
    factor = max(1, min(grey.size) // pixels.SIDE)
    width, height = grey.width / factor, grey.height / factor
    plane = np.asarray(grey.reduce(factor) if factor > 1 else grey, dtype=np.uint8)
    pixels.describe(facts, plane, height=height, width=width)


def _grey(image: Image.Image) -> Image.Image:
    """Luminance, 8 bits; wider pixels are scaled by their own range."""
    if image.mode.startswith("I") or image.mode == "F":
        wide = np.nan_to_num(np.asarray(image, dtype=np.float64))
        low, high = float(wide.min()), float(wide.max())
        limit = 65535.0 if image.mode.startswith("I;16") else max(high - low, 1e-9)
        base = 0.0 if image.mode.startswith("I;16") else low
        return Image.fromarray(np.clip((wide - base) / limit * 255, 0, 255).astype(np.uint8))
    return image if image.mode == "L" else image.convert("L")


def _other_frames(facts: Facts, image: Image.Image) -> None:
    for number in range(1, min(facts.frames or 1, _MAX_FRAMES)):
        try:
            image.seek(number)
            image.load()
        except _REFUSALS as error:
            facts.blame(
                "damaged",
                "truncated" if "truncated" in str(error) else "bit-rot",
                f"frame {number + 1} of {facts.frames}: {_words(error)}",
            )
            return


def _refused(facts: Facts, data: bytes, error: Exception, found: str | None) -> None:
    words = _words(error)
    lower = words.lower()
    facts.pillow = False
    # Its own decoders of BMP and GIF differ; docs/decoding.md lists where it takes a GIF that Pillow refuses.
    facts.tensorflow = (facts.format == "bmp" and _tensorflow_bmp(data)) or (found == "webp" and _tensorflow_webp(data))
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
    except _REFUSALS as error:
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
