"""What `tf.io.decode_image(expand_animations=False)` makes of bytes, predicted from TensorFlow 2.21's own decoders.

docs/decoding.md says how well; TensorFlow itself is not needed.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

if TYPE_CHECKING:
    from collections.abc import Callable

    from datalint.facts.model import Facts

_WEBP_PICTURES = (b"VP8 ", b"VP8L")
_WEBP_ALPHA, _WEBP_ANIMATION = 0x10, 0x02
# Of the colours of a palette that TensorFlow takes for grey: levels and share from which they are other colours.
_LEVELS = 16
_SHARE = 0.01
_BGR = (0xFF0000, 0xFF00, 0xFF)


def judge(facts: Facts, data: bytes, image: Image.Image) -> None:
    """Fill the columns of TensorFlow for what Pillow has decoded into `image`; PNG and JPEG are judged elsewhere."""
    facts.tensorflow_refuses()
    if facts.format == "bmp":
        _bmp(facts, data)
        if facts.tensorflow:
            facts.misread = _misread_bmp(data, image)
    elif facts.format == "gif":
        _gif(facts, data, image)
    elif facts.format == "webp":
        _webp(facts, alpha=facts.channels == 4, animated=_webp_flags(data) & _WEBP_ANIMATION != 0)


def judge_refused(facts: Facts, data: bytes, loads: Callable[[bytes], bool]) -> None:
    """The same for what Pillow refuses: TensorFlow's own BMP and WebP decoders differ.

    docs/decoding.md lists where its GIF decoder does, too. `loads` tells whether Pillow decodes other bytes.
    """
    facts.tensorflow_refuses()
    if facts.format == "bmp":
        _bmp(facts, data)
    elif facts.format == "webp":
        found = _webp_picture(data)
        if found is not None and loads(found[0]):
            _webp(facts, alpha=found[1], animated=False)


def _bmp(facts: Facts, data: bytes) -> None:
    """Whole bytes a pixel in 1, 3 or 4 channels, not compressed, and not one byte after the last row.

    The header's compression is not looked at: compressed rows are merely of another length.
    """
    if len(data) < 32 or not data.startswith(b"BM"):
        return
    start, width, height = (int.from_bytes(data[at : at + 4], "little", signed=True) for at in (10, 18, 22))
    channels = int.from_bytes(data[28:30], "little", signed=True) // 8
    row = (channels * width + 3) // 4 * 4
    if channels in (1, 3, 4) and width > 0 and len(data) == start + row * abs(height):
        facts.tensorflow_takes(channels, asked=(3, 4))


def _misread_bmp(data: bytes, image: Image.Image) -> str | None:
    """It knows neither colour tables nor masks, and takes the fourth byte of a pixel for alpha."""
    if image.mode == "P":
        table = np.array(image.getpalette("RGB"), dtype=np.int16).reshape(-1, 3)
        used = np.bincount(np.asarray(image).ravel(), minlength=len(table))[: len(table)]
        away = np.abs(table - np.arange(len(table))[:, None]).max(axis=1) > _LEVELS
        return "palette" if used[away].sum() >= _SHARE * used.sum() else None
    if int.from_bytes(data[28:30], "little") != 32:
        return None
    if int.from_bytes(data[30:34], "little") == 3:
        masks = tuple(int.from_bytes(data[at : at + 4], "little") for at in (54, 58, 62))
        if any(masks) and masks != _BGR:
            return "order"
    if image.mode == "RGB":
        start = int.from_bytes(data[10:14], "little")
        return None if min(data[start + 3 :: 4]) == 255 else "alpha"
    return None


@dataclass(frozen=True, slots=True)
class _Frame:
    """Place of a picture of a GIF on its canvas, in pixels."""

    left: int
    top: int
    width: int
    height: int
    coloured: bool
    """It has a colour table, its own or the shared one."""


def _gif(facts: Facts, data: bytes, image: Image.Image) -> None:
    frames = _gif_frames(data)
    if not frames or not frames[0].coloured or not _within_palette(image):
        return
    first = frames[0]
    # The largest frame makes the size, and what lies beyond it is lost (tensorflow/core/lib/gif/gif_io.cc).
    width, height = max(frame.width for frame in frames), max(frame.height for frame in frames)
    facts.tensorflow_takes(3, asked=(3,), width=width, height=height)
    if first.left + first.width > width or first.top + first.height > height:
        facts.misread = "cropped"


def _gif_frames(data: bytes) -> list[_Frame]:
    """Those that giflib comes to; it stops at an extension without a block and at a frame that is cut."""

    def table(flags: int) -> int:
        return 3 << (flags & 7) + 1 if flags & 0x80 else 0

    shared, found = table(data[10]), list[_Frame]()
    at = 13 + shared
    while at + 9 < len(data) and data[at] in (0x21, 0x2C):
        frame = None
        if data[at] == 0x2C:
            left, top, width, height = struct.unpack_from("<4H", data, at + 1)
            own = table(data[at + 9])
            frame = _Frame(left, top, width, height, coloured=bool(own or shared))
            at += 11 + own
        elif data[at + 2] == 0:
            break
        else:
            at += 2
        while at < len(data) and data[at]:
            at += 1 + data[at]
        if at >= len(data):
            break
        at += 1
        if frame is not None:
            found.append(frame)
    return found


def _within_palette(image: Image.Image) -> bool:
    """Whether every pixel of the first frame names a colour; Pillow shows others as black."""
    if image.mode != "P":
        return True
    used = np.asarray(image)
    return int(used.max()) < len(image.getpalette("RGB") or ()) // 3


def _webp(facts: Facts, *, alpha: bool, animated: bool) -> None:
    """It converts the channels of every format but this one, and writes four of an animation whatever was asked for:
    beyond the end of its memory where the file has no alpha, which kills the process.
    """
    if alpha:
        facts.tensorflow_takes(4, asked=(4,))
    elif not animated:
        facts.tensorflow_takes(3, asked=(3,))


def _webp_flags(data: bytes) -> int:
    return data[20] if data[12:16] == b"VP8X" and len(data) > 20 else 0


def _webp_picture(data: bytes) -> tuple[bytes, bool] | None:
    """The still picture alone, as a file, and whether it has alpha: TensorFlow never looks at the chunks after it, as
    Pillow does.

    Chunks may stand before it only where a VP8X chunk announces them (WebP container specification, extended format).
    """

    def stop(at: int) -> int:
        return at + 8 + int.from_bytes(data[at + 4 : at + 8], "little")

    flags = _webp_flags(data)
    if len(data) < 30 or flags & _WEBP_ANIMATION:
        return None
    end, at, before, alpha = stop(0), 12, b"", flags & _WEBP_ALPHA != 0
    if data[at : at + 4] == b"VP8X":
        before = data[12:20] + bytes([flags & _WEBP_ALPHA]) + bytes(3) + data[24:30]
        while at < end and data[at : at + 4] not in _WEBP_PICTURES:
            after = stop(at) + stop(at) % 2
            before += data[at:after] if alpha and data[at : at + 4] == b"ALPH" else b""
            at = after
    kind = data[at : at + 4]
    if kind not in _WEBP_PICTURES or not stop(at) <= end <= len(data):
        return None
    # The decoder reads on where the length of the chunk is too short.
    picture = data[at + 8 :]
    if kind == b"VP8 " and at + 8 + (int.from_bytes(picture[:3], "little") >> 5) > stop(at):
        # The first of its partitions must lie in the chunk (RFC 6386, 9.1).
        return None
    if kind == b"VP8L":
        # Bit 4 says that alpha is used, the three above it that the version is unknown.
        if picture[4] > 0x1F:
            return None
        alpha = picture[4] & 0x10 != 0
    body = b"WEBP" + before + kind + len(picture).to_bytes(4, "little") + picture + bytes(len(picture) % 2)
    return b"RIFF" + len(body).to_bytes(4, "little") + body, alpha
