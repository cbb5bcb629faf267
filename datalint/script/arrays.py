"""Images in memory, and what is done to one image: decoding, resizing, scaling."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from datalint.script.arithmetic import FLOATS, dtype_of
from datalint.script.sides import sided_or_one, sides, sized
from datalint.script.values import (
    Array,
    Choice,
    Group,
    Listed,
    Literal,
    Opaque,
    Ref,
    Step,
    Value,
    options,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from datalint.script.expressions import Expressions
    from datalint.script.log import Log

_NUMPY = ("np", "numpy")
_COLORS = {"rgb": 3, "grayscale": 1, "rgba": 4, "RGB": 3, "L": 1, "RGBA": 4}
_SAME_SHAPE = frozenset(("reshape", "copy", "squeeze", "transpose", "swapaxes", "numpy", "clip", "round", "view"))
_PICTURE = frozenset(("rotate", "transpose", "crop", "copy", "filter", "thumbnail"))


def colors(value: Value | None) -> Value | None:
    """Channels of a `color_mode` or a mode of Pillow; None for any other."""
    known = _COLORS.get(str(value.value)) if isinstance(value, Literal) else None
    return None if known is None else Literal(known)


def _channels(log: Log, value: Value | None, step: Step) -> None:
    if value is None:
        return
    if log.facts:
        for facts in log.facts:
            facts.channels.append((value, step))
    else:
        log.channels.append((value, step))


def _mark(log: Log, *, reads: bool = False, decodes: bool = False, parses: bool = False) -> None:
    for facts in log.facts:
        facts.reads = facts.reads or reads
        facts.decodes = facts.decodes or decodes
        facts.parses = facts.parses or parses


# One image.


def _read(walk: Expressions, _step: Step) -> Value:
    _mark(walk.log, reads=True)
    return Opaque()


def _decode(walk: Expressions, step: Step) -> Value:
    """`channels` is 0 where nobody says it: as many as the file has."""
    _mark(walk.log, decodes=True)
    index = 2 if step.name == "decode_and_crop_jpeg" else 1
    value = step.value("channels", index) or Literal(0)
    absent = isinstance(value, Literal) and value.value is None
    _channels(walk.log, Literal(0) if absent else value, step)
    return Opaque()


def _parse(walk: Expressions, _step: Step) -> Value:
    _mark(walk.log, parses=True)
    return Opaque()


def _imread(walk: Expressions, step: Step) -> Value:
    _mark(walk.log, reads=True, decodes=True)
    if Ref(step.target).root != "cv2":
        return Array(dtype="uint8") if "skimage" in step.target or "imageio" in step.target else Opaque(step=step)
    flag = step.value("flags", 1)
    grey = (isinstance(flag, Ref) and flag.last == "IMREAD_GRAYSCALE") or (
        isinstance(flag, Literal) and flag.value == 0 and flag.value is not False
    )
    usual = flag is None or (isinstance(flag, Ref) and flag.last == "IMREAD_COLOR")
    _channels(walk.log, Literal(1) if grey else Literal(3) if usual else None, step)
    return Array(dtype="uint8")


def _cv2(walk: Expressions, step: Step) -> Value | None:
    """Functions of OpenCV give the type that they are given."""
    if Ref(step.target).root != "cv2":
        return None
    code = step.value("code", 1)
    if isinstance(code, Ref) and code.last.endswith("2GRAY"):
        _channels(walk.log, Literal(1), step)
    return _array_in(step) or Array(dtype="uint8")


def _open(walk: Expressions, step: Step) -> Value | None:
    if not step.target.endswith("Image.open"):
        return None
    _mark(walk.log, reads=True, decodes=True)
    return Array(picture=True)


def _load_img(walk: Expressions, step: Step) -> Value:
    _mark(walk.log, reads=True, decodes=True)
    size = step.value("target_size", 3)
    if size is not None and not (isinstance(size, Literal) and size.value is None):
        sized(walk.log, *sides(size), step)
    grey = step.named.get("grayscale")
    mode = step.value("color_mode", 1) or Literal("grayscale" if _is_true(grey) else "rgb")
    _channels(walk.log, colors(mode) or Opaque(), step)
    return Array(picture=True)


def _is_true(value: Value | None) -> bool:
    return isinstance(value, Literal) and value.value is True


def _img_to_array(_walk: Expressions, step: Step) -> Value:
    return Array(dtype=dtype_of(step.value("dtype", 2)) or "float32")


def _resize(walk: Expressions, step: Step) -> Value | None:
    """cv2.resize takes width and height, everybody else height and width."""
    root = Ref(step.target).root
    if root == "cv2":
        width, height = sides(step.value("dsize", 1))
        sized(walk.log, height, width, step)
        return _array_in(step) or Array(dtype="uint8")
    if "transform" in step.target and root in ("skimage", "transform"):
        sized(walk.log, *sides(step.value("output_shape", 1)), step)
        return Array(dtype="float64")
    if not step.target.endswith(("image.resize", "images.resize", "ops.resize", "resize_images")):
        return None
    sized(walk.log, *sides(step.value("size", 1)), step)
    return _array_in(step) or Opaque()


def _smart_resize(walk: Expressions, step: Step) -> Value:
    sized(walk.log, *sides(step.value("size", 1)), step)
    return _array_in(step) or Opaque()


def _resize_to(walk: Expressions, step: Step) -> Value | None:
    """`tf.image.resize_with_pad(image, height, width)`."""
    sized(walk.log, step.value("target_height", 1), step.value("target_width", 2), step)
    return Opaque()


def _crop(walk: Expressions, step: Step) -> Value | None:
    if "image" not in step.target:
        return None
    sized(walk.log, *sides(step.value("size", 1)), step)
    return Opaque()


def _torch_size(walk: Expressions, step: Step) -> Value | None:
    """Transforms of torchvision; Resize with one number keeps the proportions, so nobody knows the other side."""
    if Ref(step.target).root in ("albumentations", "A"):
        sized(walk.log, step.value("height", 0), step.value("width", 1), step)
        return Opaque(step=step)
    if "transforms" not in step.target and Ref(step.target).root not in ("T", "transforms", "v2"):
        return None
    size = step.value("size", 0)
    if step.name != "Resize" or not isinstance(size, Literal):
        sized(walk.log, *sided_or_one(size), step)
    return Opaque(step=step)


def _composed(walk: Expressions, step: Step) -> Value | None:
    """Of several transforms in a row the last one gives the size."""
    parts = step.args[0] if step.args and isinstance(step.args[0], Listed) else Listed()
    steps = [item.step for item in parts.items if isinstance(item, Opaque) and item.step is not None]
    resizing = [size for size in walk.log.sizes if size[2] in steps]
    walk.log.sizes = [size for size in walk.log.sizes if size not in resizing[:-1]]
    return None


def _array_in(step: Step) -> Array | None:
    return next((value for value in step.args if isinstance(value, Array)), None)


# All of them.


def joined(_walk: Expressions, step: Step) -> Value | None:
    """One array of a list of them: `np.array`, `np.stack`, `np.concatenate`."""
    if Ref(step.target).root not in _NUMPY:
        return None
    given = step.args[0] if step.args else None
    named = (
        step.value("dtype", 1) if step.name in ("array", "asarray", "ascontiguousarray") else step.named.get("dtype")
    )
    dtype = dtype_of(named)
    return _made(given, dtype, step, typed=named is not None)


def _made(given: Value | None, dtype: str | None, step: Step, *, typed: bool) -> Value:
    node = step.node_of("dtype", 1) if dtype else None
    if isinstance(given, Choice):
        return Opaque()
    if isinstance(given, Array):
        own = "uint8" if given.picture else given.dtype
        return replace(given, dtype=dtype or (None if typed else own), picture=False, typed=node or given.typed)
    if isinstance(given, Listed):
        images = [item for value in given.items for item in options(value) if isinstance(item, Array)]
        types = {"uint8" if item.picture else item.dtype for item in images}
        scales = {item.scale for item in images} or {"none"}
        own = next(iter(types)) if len(types) == 1 else None
        scale = "none" if scales == {"none"} else "per_image"
        scaled = next((item.scaled for item in images if item.scaled is not None), None)
        found = dtype or (None if typed else own)
        held = own if own in FLOATS else None
        return Array(found, scale, "list", listed=given, held=held, made=step, scaled=scaled, typed=node)
    return Array(dtype, made=step, typed=node)


def _empty(_walk: Expressions, step: Step) -> Value | None:
    if Ref(step.target).root not in _NUMPY:
        return None
    index = 2 if step.name == "full" else 1
    given = step.value("dtype", index)
    dtype = dtype_of(given) if given is not None else "float64" if step.name != "full" else None
    return Array(dtype, build="preallocated", made=step, typed=step.node_of("dtype", index) if dtype else None)


def _loaded(_walk: Expressions, step: Step) -> Value | None:
    """A file of one array is read into that array; one that is mapped takes what is touched of it."""
    if step.target not in ("numpy.load", "np.load", "numpy.memmap", "np.memmap"):
        return None
    mapped = step.value("mmap_mode", 1) or Literal(None)
    whole = step.name == "load" and isinstance(mapped, Literal) and mapped.value is None
    return Array(made=step, build="preallocated" if whole else None)


def _cast(_walk: Expressions, step: Step) -> Value | None:
    """`np.float32(x)`."""
    given = _array_in(step)
    if Ref(step.target).root not in _NUMPY or given is None:
        return None
    return astype(given, step.name, step)


def _same(_walk: Expressions, step: Step) -> Value | None:
    return _array_in(step) if Ref(step.target).root in _NUMPY else None


def _preprocessed(_walk: Expressions, step: Step) -> Value | None:
    """`preprocess_input` of Keras: float32 with values of its own."""
    given = _array_in(step)
    return None if given is None else replace(given, dtype="float32", scale="other", scaled=step.node)


def _split(_walk: Expressions, step: Step) -> Value:
    parts: list[Value] = []
    for value in step.args:
        part: Value = Opaque()
        if isinstance(value, Array):
            part = replace(value, split_of=value, split=step, cast=False)
        parts += [part, replace(part) if isinstance(part, Array) else Opaque()]
    return Group(tuple(parts))


def _load_data(_walk: Expressions, step: Step) -> Value | None:
    """Datasets that come with Keras are arrays of uint8."""
    if "datasets" not in step.target and Ref(step.target).root not in ("mnist", "cifar10", "cifar100", "fashion_mnist"):
        return None
    images = Array(dtype="uint8", made=step, build="preallocated")
    return Group((Group((images, Opaque())), Group((replace(images), Opaque()))))


def astype(owner: Array, dtype: str | None, step: Step) -> Array:
    fresh = owner.dtype in ("uint8", None) and owner.scale == "none" and dtype in FLOATS
    node = step.node.args[0] if step.node.args else step.node
    return replace(owner, dtype=dtype, cast=fresh, typed=node)


def method(walk: Expressions, owner: Array, step: Step) -> Value:
    """The array after one of its methods."""
    if owner.picture:
        return _picture(walk, owner, step)
    if step.name == "astype":
        return astype(owner, dtype_of(step.value("dtype", 0)), step)
    return owner if step.name in _SAME_SHAPE else Opaque()


def _picture(walk: Expressions, owner: Array, step: Step) -> Value:
    if step.name == "resize":
        width, height = sides(step.value("size", 0))
        sized(walk.log, height, width, step)
        return owner
    if step.name == "convert":
        _channels(walk.log, colors(step.value("mode", 0)) or Opaque(), step)
        return owner
    return owner if step.name in _PICTURE else Opaque()


FUNCTIONS: dict[str, Callable[[Expressions, Step], Value | None]] = {
    "read_file": _read,
    **dict.fromkeys(
        (
            "decode_jpeg",
            "decode_png",
            "decode_image",
            "decode_bmp",
            "decode_gif",
            "decode_webp",
            "decode_and_crop_jpeg",
        ),
        _decode,
    ),
    **dict.fromkeys(("parse_single_example", "parse_example", "parse_tensor", "decode_raw"), _parse),
    "imread": _imread,
    **dict.fromkeys(("cvtColor", "GaussianBlur", "flip", "imdecode", "warpAffine", "equalizeHist", "rotate"), _cv2),
    "open": _open,
    "load_img": _load_img,
    "img_to_array": _img_to_array,
    "resize": _resize,
    "resize_images": _resize,
    "smart_resize": _smart_resize,
    "resize_with_pad": _resize_to,
    "resize_with_crop_or_pad": _resize_to,
    "random_crop": _crop,
    **dict.fromkeys(("Resize", "CenterCrop", "RandomCrop", "RandomResizedCrop"), _torch_size),
    "Compose": _composed,
    **dict.fromkeys(("array", "asarray", "stack", "vstack", "ascontiguousarray"), joined),
    **dict.fromkeys(("empty", "zeros", "ones", "full"), _empty),
    **dict.fromkeys(("load", "memmap"), _loaded),
    **dict.fromkeys(("uint8", *FLOATS), _cast),
    **dict.fromkeys(("expand_dims", "squeeze", "transpose", "moveaxis", "reshape", "clip", "copy", "repeat"), _same),
    "preprocess_input": _preprocessed,
    "train_test_split": _split,
    "load_data": _load_data,
}
