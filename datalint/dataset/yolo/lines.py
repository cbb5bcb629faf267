"""One label file -> its boxes, polygons or keypoints, in fractions of the image, and what is wrong line by line.

Verdicts are those of ultralytics.data.utils.verify_image_label (8.4): one bad line, and the image is left out.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from datalint.dataset.model import Fault

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

TOLERANCE = 0.01
"""How far outside 0 to 1 a value may lie (Ultralytics 8.4; in YOLOv5 and before, not at all)."""
MAX_LINE = 1 << 20
"""Characters; a polygon of 10,000 points has 200,000."""
_MAX_CLASS = 1 << 31


@dataclass(frozen=True, slots=True)
class Shape:
    """`x`, `y`, `width` and `height` are fractions; None where they are not within the image."""

    kind: str
    line: int
    category_id: int
    x: float | None = None
    y: float | None = None
    width: float | None = None
    height: float | None = None
    points: int | None = None


@dataclass(slots=True)
class Labels:
    shapes: list[Shape] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)
    unread: bool = False
    """A Git LFS pointer stands for it."""


def parse(content: bytes, keypoints: tuple[int, int] | None = None) -> Labels:
    """Never raises; `keypoints` is the kpt_shape of the dataset."""
    found = Labels()
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        place = content.count(b"\n", 0, error.start) + 1
        found.faults.append(_bad(place, f"byte 0x{content[error.start]:02x} is not UTF-8"))
        return found
    seen: dict[tuple[float, ...], int] = {}
    for number, line in enumerate(text.splitlines(), 1):
        if line and not line.isspace():
            _line(number, line, keypoints, seen, found)
    found.faults.extend(_mixed(found.shapes))
    return found


def is_labels(head: bytes) -> bool:
    """Whether the first line that is not blank begins with five numbers, or none is there; DOTA's end in a name."""
    first = next((line for line in head.splitlines() if line.strip()), b"").split()[:5]
    return not first or (len(first) == 5 and all(_number(word.decode("latin-1")) is not None for word in first))


def _line(
    number: int, line: str, keypoints: tuple[int, int] | None, seen: dict[tuple[float, ...], int], found: Labels
) -> None:
    if len(line) > MAX_LINE:
        found.faults.append(_bad(number, f"longer than {MAX_LINE:,} characters"))
        return
    words = line.split()
    numbers = [value for value in map(_number, words) if value is not None]
    if len(numbers) < len(words):
        word = next(word for word in words if _number(word) is None)
        found.faults.append(_bad(number, f"{word[:40]!r} is not a number"))
        return
    kind, wrong = _kind(len(numbers), keypoints)
    category = numbers[0]
    if not wrong and (category % 1 or abs(category) >= _MAX_CLASS):
        wrong = f"the class id {words[0][:40]} is not a whole number"
    if wrong:
        found.faults.append(_bad(number, wrong))
        return
    fault = _range(kind, number, words, numbers, keypoints)
    if fault is not None:
        found.faults.append(fault)
    if kind != "box":
        key = tuple(numbers)
        if key in seen:
            found.faults.append(Fault("duplicate-annotation", number, f"the same as line {seen[key]}"))
        seen.setdefault(key, number)
    x, y, width, height = (None, None, None, None) if fault else _extent(kind, numbers)
    points = keypoints[0] if keypoints and kind == "keypoints" else None if kind == "box" else len(numbers) // 2
    found.shapes.append(Shape(kind, number, int(category), x, y, width, height, points))


def _number(word: str) -> float | None:
    """A finite one, as Python and NumPy read it."""
    try:
        value = float(word)
    except ValueError:
        return None
    return value if math.isfinite(value) else None


def _kind(columns: int, keypoints: tuple[int, int] | None) -> tuple[str, str]:
    """What a line with so many columns is, and what is wrong with the number."""
    if keypoints is not None:
        wanted = 5 + keypoints[0] * keypoints[1]
        return "keypoints", "" if columns == wanted else f"{columns} columns, and kpt_shape asks for {wanted}"
    if columns == 5:
        return "box", ""
    if columns < 5:
        return "box", f"{columns} {'column' if columns == 1 else 'columns'}, and a box has 5"
    if columns == 6:
        return "box", "6 columns, and a box has 5: a confidence at the end belongs to predictions"
    if columns % 2 == 0:
        return "polygon", f"{columns} columns, and a polygon has an odd number: a class id and pairs of x and y"
    return "polygon", ""


def _range(
    kind: str, number: int, words: Sequence[str], numbers: Sequence[float], keypoints: tuple[int, int] | None
) -> Fault | None:
    """The worst value outside 0 to 1, whether Ultralytics refuses it, and whether it looks like pixels."""
    if min(numbers[1:]) >= 0 and max(numbers[1:]) <= 1:
        return None
    each = keypoints[1] if keypoints else 2
    first = 5 if kind == "keypoints" else 1
    # The third number of a keypoint says whether it is visible: 0, 1 or 2.
    flags = set(range(first + 2, len(numbers), 3)) if each == 3 else set()
    worst = max(range(1, len(numbers)), key=lambda at: max(-numbers[at], 0 if at in flags else numbers[at] - 1))
    value = numbers[worst]
    if value >= 0 and (value <= 1 or worst in flags):
        return None
    refused = _refused(kind, numbers, flags)
    detail = f"{_column(kind, worst, first, each)} is {words[worst][:24]}, {'negative' if value < 0 else 'over 1'}"
    if value > 2 and all(number % 1 == 0 for number in numbers):
        detail += ": pixels, not fractions of the image"
    return Fault("not-normalised" if refused else "barely-not-normalised", number, detail)


def _refused(kind: str, numbers: Sequence[float], flags: Collection[int]) -> bool:
    """Whether Ultralytics leaves the image out. Of a polygon it looks at the box around it, of a pose at the points."""
    if kind == "polygon":
        x, y, width, height = _extent(kind, numbers)
        small = large = [x + width / 2, y + height / 2, width, height]
        sizes = small[2:]
    else:
        small, sizes = list(numbers[1:]), list(numbers[3:5])
        large = [numbers[at] for at in range(5 if kind == "keypoints" else 1, len(numbers)) if at not in flags]
    return max(large) > 1 + TOLERANCE or min(small) < -TOLERANCE or min(sizes) < 0


def _column(kind: str, place: int, first: int, each: int) -> str:
    if kind != "box" and place >= first:
        point, axis = divmod(place - first, each)
        return f"{('x', 'y', 'visibility')[axis]} of point {point + 1}"
    return ("x_center", "y_center", "width", "height")[place - 1]


def _extent(kind: str, numbers: Sequence[float]) -> tuple[float, float, float, float]:
    """Left, top, width and height."""
    if kind == "polygon":
        across, down = numbers[1::2], numbers[2::2]
        left, top = min(across), min(down)
        return left, top, max(across) - left, max(down) - top
    _, x, y, width, height = numbers[:5]
    return x - width / 2, y - height / 2, width, height


def _mixed(shapes: Sequence[Shape]) -> Iterator[Fault]:
    boxes = [shape.line for shape in shapes if shape.kind == "box"]
    if boxes and any(shape.kind == "polygon" for shape in shapes):
        yield _bad(boxes[0], "5 columns, a box, and the file has polygons: a file has one or the other")


def _bad(line: int, detail: str) -> Fault:
    return Fault("bad-annotation-line", line, detail)
