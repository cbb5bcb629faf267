"""One JSON file of LabelMe -> its shapes with their lines, and what is wrong with it.

Keys and types of shapes are those of LabelFile.load and Shape in labelme 5 (labelme/label_file.py, labelme/shape.py);
X-AnyLabeling writes the same, with four points for a rectangle and `rotation` for an oriented one.
"""

from __future__ import annotations

import json
import math
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from datalint.dataset.drawn import Shape
from datalint.dataset.model import Fault

if TYPE_CHECKING:
    from datalint.dataset.drawn import Point

MAX_BYTES = 1 << 28
"""`imageData` is the whole image in base64, four thirds of its size."""
# In the text of a JSON string a quote has a backslash before it, so this is a key.
_POINTS = re.compile(r'"points"\s*:')
# Type of shape -> what it is here, and the fewest points that it has.
_TYPES = {
    "polygon": ("polygon", 3),
    "rectangle": ("box", 2),
    "rotation": ("obb", 4),
    "circle": ("ellipse", 2),
    "line": ("line", 2),
    "linestrip": ("line", 2),
    "point": ("keypoints", 1),
    "points": ("keypoints", 1),
    "mask": ("rle", 2),
}


@dataclass(slots=True)
class Record:
    image: str | None = None
    """`imagePath` as it is written."""
    image_line: int = 1
    embedded: int = 0
    """Characters of `imageData`."""
    width: int | None = None
    height: int | None = None
    shapes: list[Shape] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)


def parse(content: bytes) -> Record | None:
    """Never raises; None for JSON that is no annotation of an image."""
    try:
        text = content.decode("utf-8-sig")
        data = json.loads(text) if text.strip() else None
    except UnicodeDecodeError as error:
        place = content.count(b"\n", 0, error.start) + 1
        return _refused(place, f"byte 0x{content[error.start]:02x} is not UTF-8")
    except json.JSONDecodeError as error:
        return _refused(error.lineno, f"not JSON: {error.msg} (column {error.colno})")
    except (RecursionError, ValueError) as error:
        return _refused(1, "nested too deeply" if isinstance(error, RecursionError) else f"not JSON: {error}")
    if data is None:
        return _refused(1, "the file is empty")
    if not isinstance(data, dict) or not data.keys() & {"shapes", "imagePath"}:
        return None
    return _record(data, text)


def _refused(line: int, detail: str) -> Record:
    return Record(faults=[Fault("bad-annotation-file", line, detail)])


def _record(data: dict[str, Any], text: str) -> Record:
    record = Record(width=_size(data.get("imageWidth")), height=_size(data.get("imageHeight")))
    image, embedded = data.get("imagePath"), data.get("imageData")
    if isinstance(image, str) and image:
        record.image = image
        found = re.search(r'"imagePath"\s*:', text)
        record.image_line = text.count("\n", 0, found.start()) + 1 if found else 1
    else:
        record.faults.append(Fault("bad-annotation-file", 1, "it has no imagePath, which says whose shapes they are"))
    record.embedded = len(embedded) if isinstance(embedded, str) else 0
    shapes = data.get("shapes")
    if not isinstance(shapes, list):
        record.faults.append(Fault("bad-annotation-file", 1, "it has no list of shapes"))
        return record
    lines = _lines(text)
    known = len(lines) == len(shapes)
    for number, each in enumerate(shapes):
        line = lines[number] if known else 1
        shape = _shape(each, line)
        if isinstance(shape, str):
            record.faults.append(Fault("bad-annotation-line", line, f"shape {number + 1}: {shape}"))
        else:
            record.shapes.append(shape)
    return record


def _lines(text: str) -> list[int]:
    """Where the points of each shape begin."""
    lines, line, before = [], 1, 0
    for found in _POINTS.finditer(text):
        line += text.count("\n", before, found.start())
        before = found.start()
        lines.append(line)
    return lines


def _shape(written: Any, line: int) -> Shape | str:
    """Or what is wrong with it."""
    if not isinstance(written, dict):
        return "not an object"
    label, kind = written.get("label"), written.get("shape_type") or "polygon"
    if not isinstance(label, str) or not label.strip():
        return "it has no label"
    if kind not in _TYPES:
        return f"{label!r} has the shape_type {kind!r:.40}, which LabelMe does not know"
    points = _points(written.get("points"))
    if points is None:
        return f"the points of {label!r} are no pairs of numbers"
    meant, fewest = _TYPES[kind]
    if meant == "polygon" or (meant == "box" and len(points) == 4):
        # Too few of a polygon is said as it is for every format.
        corners = points
    elif len(points) < fewest:
        return f"{label!r} is a {kind} of {len(points)} {'point' if len(points) == 1 else 'points'}, not {fewest}"
    else:
        corners = points
    if meant in ("box", "rle"):
        # It is drawn from any corner to the opposite one, and readers sort them.
        across, down = zip(*corners, strict=True)
        corners = [(min(across), min(down)), (max(across), max(down))]
    elif meant == "ellipse":
        (x, y), edge = points[0], points[1]
        radius = math.dist((x, y), edge)
        corners = [(x - radius, y - radius), (x + radius, y + radius)]
    return Shape(meant, label, line, corners, _difficult(written))


def _difficult(written: dict[str, Any]) -> bool | None:
    # X-AnyLabeling has it.
    found = written.get("difficult")
    return found if isinstance(found, bool) else None


def _points(written: Any) -> list[Point] | None:
    if not isinstance(written, list):
        return None
    points = []
    for each in written:
        if not isinstance(each, list) or len(each) != 2 or not all(_is_number(side) for side in each):
            return None
        points.append((float(each[0]), float(each[1])))
    return points


def _is_number(value: Any) -> bool:
    return type(value) in (int, float) and abs(value) < 1 << 31


def _size(value: Any) -> int | None:
    return value if type(value) is int and 0 <= value < 1 << 31 else None
