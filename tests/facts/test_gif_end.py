"""The end of a GIF: what stops before its trailer is truncated; TensorFlow wants the block that ends the picture."""

from __future__ import annotations

import io

import pytest
from PIL import Image

from datalint.facts.extract import extract


def gif(frames: int) -> bytes:
    pictures = [Image.linear_gradient("L").rotate(90 * n).resize((160, 120)).convert("P") for n in range(frames)]
    out = io.BytesIO()
    pictures[0].save(out, "GIF", save_all=True, append_images=pictures[1:])
    return out.getvalue()


@pytest.mark.parametrize("frames", [1, 3])
@pytest.mark.parametrize("cut", [1, 2, 3, 4, 20])
def test_a_gif_without_its_end_is_truncated(frames: int, cut: int) -> None:
    whole = gif(frames)
    assert extract(whole).status == "ok"
    assert extract(whole + b"after the trailer").status == "ok"
    found = extract(whole[:-cut])
    assert (found.status, found.cause) == ("damaged", "truncated")


@pytest.mark.tensorflow
@pytest.mark.parametrize("frames", [1, 3])
@pytest.mark.parametrize("cut", [0, 1, 2, 3, 4, 20])
def test_tensorflow_agrees_at_the_last_bytes(frames: int, cut: int) -> None:
    tensorflow = pytest.importorskip("tensorflow")
    whole = gif(frames)
    data = whole[: len(whole) - cut]
    try:
        tensorflow.io.decode_image(data, channels=3, expand_animations=False)
        taken = True
    except tensorflow.errors.OpError:
        taken = False
    assert extract(data).tensorflow is taken
