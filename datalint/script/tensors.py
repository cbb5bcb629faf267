"""The type of an image inside of what is mapped over a dataset: TensorFlow casts nothing that nobody casts."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from datalint.script.values import Group, Literal, Pixels, Ref, Table, Value, options

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from datalint.script.values import Step

ELEMENT, DIVIDED = "element", "divided"
"""The type that the element came with, and that after a division: a uint8 becomes a float32, a float stays."""
_TYPES = {"half": "float16", "double": "float64"}
_FLOATS = ("float16", "float32", "float64")
_CASTS = frozenset(("cast", "saturate_cast", "convert_image_dtype"))
_DECODE = {"decode_jpeg": None, "decode_png": 2, "decode_image": 2, "decode_bmp": None, "decode_webp": None,
           "decode_and_crop_jpeg": None, "decode_gif": None}  # fmt: skip
"""Decoder -> place of its argument `dtype`, without one uint8."""
_SAME = frozenset(
    {"resize_with_crop_or_pad", "random_crop", "central_crop", "crop_to_bounding_box", "pad_to_bounding_box",
     "random_flip_left_right", "random_flip_up_down", "flip_left_right", "flip_up_down", "rot90", "transpose",
     "random_brightness", "random_contrast", "random_saturation", "random_hue", "adjust_brightness", "adjust_contrast",
     "adjust_saturation", "adjust_hue", "grayscale_to_rgb", "rgb_to_grayscale", "clip_by_value", "reshape", "squeeze",
     "expand_dims", "ensure_shape", "identity", "stop_gradient",
     "stateless_random_flip_left_right", "stateless_random_crop", "stateless_random_brightness",
     "stateless_random_contrast", "stateless_random_saturation", "stateless_random_hue"}
)  # fmt: skip


def typed(step: Step, found: Value) -> Value:
    """What a function gives, with the type of the image where it is known; `found` where it is not."""
    if step.name in _DECODE:
        at = _DECODE[step.name]
        said = step.value("dtype", at) if at is not None else None
        dtype = "uint8" if said is None else _dtype(said)
        return Pixels(dtype=dtype, typed=step) if dtype else found
    image = _one(step.args[0] if step.args else step.value("image"))
    if image is None:
        return found
    if step.name in _CASTS:
        dtype = _dtype(step.value("dtype", 1))
        return Pixels(dtype=dtype, typed=step) if dtype else found
    if step.name in ("resize", "resize_with_pad"):
        # Keras' own gives back the type that it is given, and neither does without a method that is known.
        nearest = _nearest(step.value("method", 2 if step.name == "resize" else 3))
        known = Ref(step.target).root in ("tf", "tensorflow") and nearest is not None
        return found if not known else image if nearest else Pixels(dtype="float32")
    # Some models' own preprocessing does nothing, others' makes float32 of bytes.
    same = step.name in _SAME or (step.name == "preprocess_input" and image.dtype in _FLOATS)
    return image if same else found


def computed(op: ast.operator, left: Value, right: Value) -> Value | None:
    """The type of a sum or a product with an image: that of the image, but for bytes that are divided."""
    image = next((side for side in (left, right) if isinstance(side, Pixels)), None)
    if image is None or image.dtype in _FLOATS:
        return image
    if isinstance(op, ast.Div):
        return Pixels(dtype="float32" if image.dtype == "uint8" else DIVIDED)
    return image


def image_of(results: Iterable[Value]) -> Pixels | None:
    """What a function that is mapped returns as its image, first or under that name; None where it is not known."""
    found = [
        value.items[0] if isinstance(value, Group) and value.items
        else value.items.get("image") if isinstance(value, Table)
        else value
        for result in results for value in options(result)
    ]  # fmt: skip
    return _alike(found)


def _one(value: Value | None) -> Pixels | None:
    return _alike(options(value))


def _alike(values: Sequence[Value | None]) -> Pixels | None:
    """The one that stands for all of them; None unless they have one type."""
    images = [value for value in values if isinstance(value, Pixels)]
    types = {image.dtype for image in images}
    return images[0] if len(images) == len(values) and len(types) == 1 else None


def _dtype(value: Value | None) -> str | None:
    name = value.value if isinstance(value, Literal) else value.last if isinstance(value, Ref) else None
    name = _TYPES.get(str(name), name)
    return str(name) if name in ("uint8", *_FLOATS) else None


def _nearest(value: Value | None) -> bool | None:
    """Whether resizing takes values as they are; None where its method is not known."""
    if value is None:
        return False
    name = value.value if isinstance(value, Literal) else value.last if isinstance(value, Ref) else None
    return None if name is None else str(name).lower() in ("nearest", "nearest_neighbor")
