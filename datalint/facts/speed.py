"""How fast this machine decodes: one picture, once and in full, as a training script does it."""

from __future__ import annotations

import io
import time
import warnings

from PIL import Image


def decode_seconds(content: bytes) -> float | None:
    """CPU seconds that Pillow takes for the picture in RGB; None for what does not decode, or is a bomb to it."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            started = time.thread_time()
            with Image.open(io.BytesIO(content)) as image:
                image.load()
                if image.mode != "RGB":
                    image.convert("RGB")
            return time.thread_time() - started
        except Exception:
            return None
