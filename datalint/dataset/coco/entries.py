"""One entry of `images`, `annotations` or `categories`: its typed values, and what is wrong with the others.

Good entries are decoded by msgspec. What it refuses is read again by Python's json, as pycocotools reads it, and looked
at value by value.
"""

from __future__ import annotations

import json
import math
import re
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec
from msgspec import UNSET, UnsetType

from datalint.dataset.coco.stream import non_finite

if TYPE_CHECKING:
    from collections.abc import Sequence

Id = int | str
MAX_ID = 1 << 63
"""Exclusive: what a column of integers holds."""


class Defect(NamedTuple):
    """`kind` as in the table `problems`; `detail` is a sentence without its subject."""

    kind: str
    detail: str


class Mask(msgspec.Struct):
    """COCO's run lengths: `counts` is a list, or a text where they are compressed."""

    size: tuple[int, int]
    """Height, width."""
    counts: str | list[int]


class Image(msgspec.Struct):
    id: Id
    file_name: str
    width: int | UnsetType = UNSET
    height: int | UnsetType = UNSET


class Category(msgspec.Struct):
    id: Id
    name: str
    keypoints: list[str] | UnsetType = UNSET


class Annotation(msgspec.Struct):
    id: Id
    image_id: Id
    category_id: Id
    bbox: tuple[float, float, float, float] | UnsetType | None = UNSET
    """None for one that is wrong."""
    area: float | UnsetType = UNSET
    iscrowd: int | UnsetType = UNSET
    segmentation: Any = UNSET
    """A list of polygons, or a Mask."""
    keypoints: list[float] | UnsetType = UNSET
    num_keypoints: int | UnsetType = UNSET


class Columns(NamedTuple):
    """Values of many annotations, in the order of the fields of Annotation."""

    id: Sequence[Id]
    image_id: Sequence[Id]
    category_id: Sequence[Id]
    bbox: Sequence[tuple[float, float, float, float] | UnsetType | None]
    area: Sequence[float | UnsetType]
    iscrowd: Sequence[int | UnsetType]
    segmentation: Sequence[Any]
    keypoints: Sequence[list[float] | UnsetType]
    num_keypoints: Sequence[int | UnsetType]


class _Strict(Annotation):
    bbox: tuple[float, float, float, float] | UnsetType = UNSET
    segmentation: list[list[float]] | Mask | UnsetType = UNSET


_annotations = msgspec.json.Decoder(list[_Strict]).decode
_all_images = msgspec.json.Decoder(list[Image]).decode
_annotation = msgspec.json.Decoder(_Strict).decode
_image = msgspec.json.Decoder(Image).decode
_category = msgspec.json.Decoder(Category).decode
_KEY = re.compile(rb'"(\w++)"\s*+:')
_REFUSED = (msgspec.MsgspecError, ValueError, RecursionError)


def all_annotations(data: bytes) -> Sequence[Annotation] | None:
    """A list of them; None where one is not as it should be."""
    try:
        return _annotations(data)
    except _REFUSED:
        return None


def all_images(data: bytes) -> Sequence[Image] | None:
    """A list of them; None where one is not as it should be."""
    try:
        found = _all_images(data)
    except _REFUSED:
        return None
    usable = all(each.file_name and each.width is not UNSET and each.height is not UNSET for each in found)
    return found if usable else None


def columns(found: Sequence[Annotation]) -> Columns:
    """The values of annotations, of which there is one at least."""
    return Columns(*zip(*map(msgspec.structs.astuple, found), strict=True))


def key_counts(found: Columns) -> dict[bytes, int]:
    """How often each key stands in these annotations and their masks where none stands twice."""
    counts = {f'"{name}"'.encode(): len(values) - values.count(UNSET) for name, values in found._asdict().items()}
    masks = list(map(type, found.segmentation)).count(Mask)
    return {**counts, b'"counts"': masks, b'"size"': masks}


def annotation(data: bytes) -> tuple[Annotation | None, list[Defect]]:
    """None for what no loader can use; the annotation without the values that are wrong."""
    try:
        return _annotation(data), []
    except _REFUSED:
        pass
    found, defects = _parsed(data)
    if found is None:
        return None, defects
    look = _Look(found, defects)
    ids = look.id("id"), look.id("image_id"), look.id("category_id")
    result = Annotation(
        ids[0] if ids[0] is not None else "",
        ids[1] if ids[1] is not None else "",
        ids[2] if ids[2] is not None else "",
        look.box(),
        look.number("area"),
        look.crowd(),
        look.segmentation(),
        look.keypoints(),
        look.whole("num_keypoints"),
    )
    return (None if None in ids else result), look.defects


def image(data: bytes) -> tuple[Image | None, list[Defect]]:
    """None for what no loader can use."""
    try:
        found = _image(data)
    except _REFUSED:
        pass
    else:
        if found.file_name:
            return found, _without_size(found)
    parsed, defects = _parsed(data)
    if parsed is None:
        return None, defects
    look = _Look(parsed, defects)
    id_, name = look.id("id"), look.text("file_name") or None
    if name is None and parsed.get("file_name") == "":
        look.defects.append(Defect("bad-entry", "has an empty `file_name`"))
    sides = look.whole("width"), look.whole("height")
    if id_ is None or name is None:
        return None, look.defects
    absent = [parsed.get(key) is None for key in ("width", "height")]
    lacking = [each for each, gone in zip(_without_size(Image(id_, name)), absent, strict=True) if gone]
    return Image(id_, name, *sides), look.defects + lacking


def category(data: bytes) -> tuple[Category | None, list[Defect]]:
    """None for what no loader can use."""
    try:
        return _category(data), []
    except _REFUSED:
        pass
    parsed, defects = _parsed(data)
    if parsed is None:
        return None, defects
    look = _Look(parsed, defects)
    id_, name = look.id("id"), look.text("name")
    if id_ is None or name is None:
        return None, look.defects
    keypoints = parsed.get("keypoints")
    return Category(id_, name, list(map(str, keypoints)) if isinstance(keypoints, list) else UNSET), look.defects


def written_id(data: bytes) -> str | None:
    """The id of an entry that cannot be used otherwise."""
    try:
        found = json.loads(data.decode("utf-8", "replace")).get("id")
    except (ValueError, RecursionError, AttributeError):
        return None
    return _shown(found) if isinstance(found, int | str | float) and not isinstance(found, bool) else None


def repeated_keys(data: bytes) -> list[str]:
    """Keys that the entry itself, or an object in it, has twice; of such the last one counts in Python."""
    twice: list[str] = []

    def pairs(items: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(items)
        if len(found) < len(items):
            seen: set[str] = set()
            twice.extend(key for key, _ in items if key in seen or seen.add(key))  # type: ignore[func-returns-value]
        return found

    try:
        json.loads(data.decode("utf-8", "replace"), object_pairs_hook=pairs)
    except (ValueError, RecursionError):
        return []
    return list(dict.fromkeys(twice))


def _parsed(data: bytes) -> tuple[dict[str, Any] | None, list[Defect]]:
    """As Python's json reads it. What is no JSON at all is told where the file is cut into entries."""
    try:
        found = json.loads(data.decode("utf-8", "replace"))
    except (ValueError, RecursionError):
        return None, []
    if not isinstance(found, dict):
        return None, [Defect("bad-entry", f"is {_what(found)}, not an object")]
    word = non_finite(data)
    if word is None:
        return found, []
    keys = _KEY.findall(data, 0, word.start())
    where = f" in its `{keys[-1].decode()}`" if keys else ""
    return found, [Defect("non-finite-number", f"has {word[0].decode()}{where}")]


def _without_size(found: Image) -> list[Defect]:
    sides = (("width", found.width), ("height", found.height))
    return [Defect("bad-entry", f"has no `{name}`") for name, side in sides if side is UNSET]


class _Look:
    """Looks at values of one entry, and keeps what is wrong with them."""

    def __init__(self, found: dict[str, Any], defects: list[Defect]) -> None:
        self._found = found
        self.defects = defects

    def _bad(self, detail: str, kind: str = "bad-entry") -> UnsetType:
        self.defects.append(Defect(kind, detail))
        return UNSET

    def id(self, key: str) -> Id | None:
        """A whole number, or text; what pandas writes as 3.0 is 3, as it is to a dictionary."""
        value = self._found.get(key, UNSET)
        if isinstance(value, str) or (isinstance(value, int) and not isinstance(value, bool)):
            return value
        if isinstance(value, float) and value.is_integer():
            return int(value)
        self._bad(f"has no `{key}`" if value is UNSET else f"has {_what(value)} as its `{key}`")
        return None

    def text(self, key: str) -> str | None:
        value = self._found.get(key, UNSET)
        if isinstance(value, str):
            return value
        self._bad(f"has no `{key}`" if value is UNSET else f"has {_what(value)} as its `{key}`")
        return None

    def whole(self, key: str) -> int | UnsetType:
        value = self._found.get(key)
        if value is None:
            return UNSET
        if isinstance(value, float) and value.is_integer():
            return int(value)
        if isinstance(value, int) and not isinstance(value, bool):
            return value
        return self._bad(f"has {_what(value)} as its `{key}`")

    def number(self, key: str) -> float | UnsetType:
        value = self._found.get(key)
        if value is None:
            return UNSET
        found = _number(value)
        if found is None:
            return self._bad(f"has {_what(value)} as its `{key}`")
        return found if math.isfinite(found) else self._too_large(key)

    def _too_large(self, key: str) -> UnsetType:
        """NaN and Infinity as words are told already; 1e999 is infinity without the word."""
        if not any(defect.kind == "non-finite-number" for defect in self.defects):
            self._bad(f"has a number in its `{key}` that is too large for a float", "non-finite-number")
        return UNSET

    def _list(self, key: str, value: list[Any]) -> list[float] | None:
        found = [_number(each) for each in value]
        odd = next((each for each, number in zip(value, found, strict=True) if number is None), UNSET)
        if odd is not UNSET:
            self._bad(f"has {_what(odd)} in its `{key}`")
            return None
        numbers = [number for number in found if number is not None]
        if not all(map(math.isfinite, numbers)):
            self._too_large(key)
            return None
        return numbers

    def box(self) -> tuple[float, float, float, float] | UnsetType | None:
        """None for one that is wrong, which is told and not absent."""
        value = self._found.get("bbox")
        if value is None:
            return UNSET
        if not isinstance(value, list):
            self._bad(f"has {_what(value)} as its `bbox`")
            return None
        if len(value) != 4:
            many = f"{len(value)} {'number' if len(value) == 1 else 'numbers'}"
            self._bad(f"has {many} in its `bbox`, not 4")
            return None
        found = self._list("bbox", value)
        return None if found is None else (found[0], found[1], found[2], found[3])

    def crowd(self) -> int | UnsetType:
        value = self._found.get("iscrowd")
        if value is None:
            return UNSET
        return (
            int(value)
            if isinstance(value, int | float) and math.isfinite(value)
            else self._bad(f"has {_what(value)} as its `iscrowd`")
        )

    def segmentation(self) -> Any:
        value = self._found.get("segmentation")
        if value is None:
            return UNSET
        if isinstance(value, dict):
            return self._mask(value)
        if not isinstance(value, list):
            return self._bad(f"has {_what(value)} as its `segmentation`")
        if value and all(_number(each) is not None for each in value):
            return self._bad(
                "has one flat list of numbers as its `segmentation`: a list of polygons must stand there, [[x, y, ...]]"
            )
        polygons = [self._list("segmentation", each) if isinstance(each, list) else each for each in value]
        odd = next((each for each in polygons if each is not None and not isinstance(each, list)), UNSET)
        if odd is not UNSET:
            return self._bad(f"has {_what(odd)} in its `segmentation`, where a polygon must stand")
        return UNSET if None in polygons else polygons

    def _mask(self, value: dict[str, Any]) -> Mask | UnsetType:
        size, counts = value.get("size"), value.get("counts")
        sides = [_whole(each) for each in size] if isinstance(size, list) else []
        if len(sides) != 2 or sides[0] is None or sides[1] is None:
            return self._bad("has a mask without a `size` of height and width", "bad-mask")
        if isinstance(counts, str):
            return Mask((sides[0], sides[1]), counts)
        whole = [_whole(each) for each in counts] if isinstance(counts, list) else [None]
        numbers = [each for each in whole if each is not None]
        if len(numbers) < len(whole):
            return self._bad("has a mask whose `counts` are neither whole numbers nor text", "bad-mask")
        return Mask((sides[0], sides[1]), numbers)

    def keypoints(self) -> list[float] | UnsetType:
        value = self._found.get("keypoints")
        if value is None:
            return UNSET
        if not isinstance(value, list):
            return self._bad(f"has {_what(value)} as its `keypoints`")
        found = self._list("keypoints", value)
        return UNSET if found is None else found


def _number(value: object) -> float | None:
    """Infinity for what no float holds."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        return float(value)
    except OverflowError:
        return math.inf


def _whole(value: object) -> int | None:
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _what(value: object) -> str:
    """A value of JSON in words."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list):
        return "a list"
    if isinstance(value, dict):
        return "an object"
    return f"the text {_shown(value)!r}" if isinstance(value, str) else f"the number {_shown(value)}"


def _shown(value: object) -> str:
    try:
        text = str(value)
    except ValueError:
        return "of thousands of digits"
    return text if len(text) <= 40 else f"{text[:40]}..."
