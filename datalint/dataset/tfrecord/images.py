"""Finds the feature that holds the images, or the pixels themselves."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

from datalint.dataset.tfrecord import wire
from datalint.dataset.tfrecord.plan import Array, Head, Plan, blobs, known, looks_like_image, named, shown

if TYPE_CHECKING:
    from collections.abc import Sequence

    from datalint.dataset.tfrecord.tfds import Description

# What people call them, the most specific first; compared with the whole name, then with its last part.
NAMES = ("image/encoded", "image", "image_raw", "img", "image_bytes", "encoded", "encoded_image", "jpeg", "png",
         "image_data", "img_raw", "picture", "pixels", "x")  # fmt: skip
WIDTHS, HEIGHTS = ("image/width", "width", "cols"), ("image/height", "height", "rows")
_DEPTHS = ("image/channels", "depth", "channels", "image/depth")
_MASKS = ("mask", "segment", "label", "annotation", "depth")
_SIZES = (1, 2, 4, 8)
"""Bytes of one value of an array."""
_FEWEST = 16
"""Values of the smallest array that is taken for an image by its name."""


def choose(heads: Sequence[Head], declared: bytes | None, described: Description | None) -> tuple[Plan, list[str]]:
    """A plan with the image alone, and what was guessed of it; without an image where there is none."""
    pictured = _pictured(heads)
    name = declared or named(NAMES, pictured) or min(pictured, default=None)
    if name in pictured:
        return Plan(image=name), [] if declared else [_guessed(name, pictured - {name})]
    in_steps = [name for name in _pictured_steps(heads) if declared in (None, name)]
    if in_steps:
        words = f"each frame of the sequences in {shown(in_steps[0])!r} is judged as an image of its own"
        return Plan(image=in_steps[0], frames=True), [words]
    name = declared or _called_image(heads, described)
    if name is None:
        return Plan(), []
    kind = next((each.kinds[name] for each in heads if each.kinds.get(name)), wire.BYTES)
    array = _array(name, kind, heads, described)
    if array is not None:
        return Plan(image=name, kind=kind, array=array), [_array_words(name, array)]
    # Named like an image and holding none: each is judged as the image file that it should be.
    return (Plan(image=name), [] if declared else [_guessed(name, set())]) if kind == wire.BYTES else (Plan(), [])


def _guessed(name: bytes, others: set[bytes]) -> str:
    words = f"images are read from the feature {shown(name)!r}"
    if not others:
        return words
    listed = ", ".join(repr(shown(each)) for each in sorted(others))
    return f"{words}, not from {listed}, which {'holds' if len(others) == 1 else 'hold'} images too"


def _array_words(name: bytes, array: Array) -> str:
    what = f"the feature {shown(name)!r} holds pixels as they are, not image files"
    if array.names:
        return f"{what}; their height and width are read from {', '.join(repr(shown(each)) for each in array.names)}"
    if array.shape:
        return f"{what}: {' x '.join(map(str, array.shape))} by their length"
    return f"{what}, and nothing states their height and width: only counts and copies were judged"


def _pictured(heads: Sequence[Head]) -> set[bytes]:
    """Features of which a value begins like an image; masks only where nothing else does."""
    found = {name for each in heads for name in each.kinds if _shows(each, name)}
    pictures = {name for name in found if not any(word in name.decode("latin-1").lower() for word in _MASKS)}
    return pictures or found


def _shows(each: Head, name: bytes) -> bool:
    return any(looks_like_image(each.data[start : start + 16]) for start, _ in blobs(each, name)[:1])


def _pictured_steps(heads: Sequence[Head]) -> list[bytes]:
    """Feature lists of which the first step begins like an image."""
    found = []
    for each in heads:
        for name, steps in each.steps.items():
            kind, place = steps[0] if steps else (wire.UNSET, ())
            if kind == wire.BYTES and _shows(replace(each, kinds={name: kind}, places={name: place}), name):
                found.append(name)
    return list(dict.fromkeys(found))


def _called_image(heads: Sequence[Head], described: Description | None) -> bytes | None:
    """The feature that TFDS describes as images, or that is called so."""
    there = known(heads)
    for name in described.shapes if described else ():
        if name.encode() in there:
            return name.encode()
    found = named(NAMES, there)
    if found is None:
        return None
    kinds = {each.kinds.get(found, wire.UNSET) for each in heads}
    # `x` and its like may be any number; an image has more values.
    return found if wire.BYTES in kinds or any(_length(each, found) >= _FEWEST for each in heads) else None


def _length(each: Head, name: bytes) -> int:
    """Values of a feature, of one of bytes those of its first value."""
    kind = each.kinds.get(name, wire.UNSET)
    if kind == wire.BYTES:
        return next((end - start for start, end in blobs(each, name)), 0)
    try:
        return wire.count(each.data, kind, each.places[name]) if kind else 0
    except wire.MalformedError:
        return 0


def _array(name: bytes, kind: int, heads: Sequence[Head], described: Description | None) -> Array | None:
    """None where its values are no array of pixels: bytes of many lengths that no size explains."""
    lengths = [length for each in heads if (length := _length(each, name))]
    if not lengths:
        return None
    there = known(heads)
    sides = tuple(filter(None, (named(HEIGHTS, there), named(WIDTHS, there))))
    # A list holds numbers as they are; in bytes each of them takes some.
    sizes = _SIZES if kind == wire.BYTES else (1,)
    if len(sides) == 2:
        depth = named(_DEPTHS, there)
        for some in ((*sides, depth), sides) if depth else (sides,):
            if all(_explained(each, name, some, sizes) for each in heads):
                return Array(names=some)
    if len(set(lengths)) > 1 or (kind == wire.BYTES and len(lengths) < 2):
        # One text of bytes alone says nothing of the others.
        return None
    shape = described.shapes.get(shown(name), ()) if described else ()
    if len(shape) == 3 and min(shape) > 0 and any(lengths[0] == math.prod(shape) * size for size in sizes):
        return Array(shape=(shape[0], shape[1], shape[2]), size=lengths[0])
    return None if lengths[0] < _FEWEST else Array(shape=_square(lengths[0]), size=lengths[0])


def _explained(each: Head, name: bytes, sides: Sequence[bytes], sizes: Sequence[int]) -> bool:
    """Whether so many values of one of the sizes make the length."""
    area = math.prod(_number(each, side) or 0 for side in sides)
    channels = (1, 3, 4) if len(sides) == 2 else (1,)
    return area > 0 and any(_length(each, name) == area * size * number for size in sizes for number in channels)


def _square(length: int) -> tuple[int, int, int] | None:
    """28 x 28 for 784, 32 x 32 x 3 for 3,072."""
    for channels in (1, 3, 4):
        side = math.isqrt(length // channels)
        if side * side * channels == length:
            return side, side, channels
    return None


def _number(each: Head, name: bytes) -> int | None:
    try:
        return wire.number(each.data, each.places[name]) if each.kinds.get(name) == wire.INT else None
    except wire.MalformedError:
        return None
