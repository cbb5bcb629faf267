"""How fast this machine decodes: one picture, once and in full, as a training script does it."""

from __future__ import annotations

import io
import time
import warnings

from PIL import Image

_COLOUR = {0xE0, 0xEE}
"""JFIF and Adobe: segments of an application that say how the colours are stored."""
_SCAN = 0xDA


def decode_seconds(content: bytes) -> float | None:
    """CPU seconds that Pillow takes for the picture in RGB; None for what does not decode, or is a bomb to it.

    Pillow parses EXIF, XMP and ICC while it opens a JPEG, which tf.data never does: they are left out.
    """
    picture = io.BytesIO(without_metadata(content))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            started = time.thread_time()
            with Image.open(picture) as image:
                image.load()
                if image.mode != "RGB":
                    image.convert("RGB")
            return time.thread_time() - started
        except Exception:
            return None


def without_metadata(content: bytes) -> bytes:
    """A JPEG without its application segments and comments (ITU-T T.81, B.2.4), anything else as it is."""
    if content[:2] != b"\xff\xd8":
        return content
    kept, at = [content[:2]], 2
    while at + 4 <= len(content) and content[at] == 0xFF and content[at + 1] != _SCAN:
        marker = content[at + 1]
        after = at + 2 + int.from_bytes(content[at + 2 : at + 4])
        if marker in _COLOUR or not (0xE0 <= marker <= 0xEF or marker == 0xFE):
            kept.append(content[at:after])
        at = after
    return b"".join((*kept, content[at:]))
