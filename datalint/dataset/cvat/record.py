"""An XML file of CVAT -> images, their shapes with lines, and what is wrong with it.

Elements are those of cvat/apps/dataset_manager/formats/cvat.py (create_xml_dumper, dump_as_cvat_annotation).
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from datalint.dataset.drawn import Shape
from datalint.dataset.model import Fault
from datalint.dataset.xml import Elements

if TYPE_CHECKING:
    from datalint.dataset.drawn import Point

MAX_BYTES = 1 << 30
_SHAPES = frozenset({"box", "polygon", "polyline", "points", "ellipse", "mask", "cuboid", "skeleton"})


@dataclass(slots=True)
class Image:
    name: str
    line: int
    subset: str | None = None
    width: int | None = None
    height: int | None = None
    shapes: list[Shape] = field(default_factory=list)


@dataclass(slots=True)
class Record:
    images: list[Image] = field(default_factory=list)
    labels: list[str] = field(default_factory=list)
    """Of the task or project; empty where the file does not say."""
    tags: int = 0
    """Labels of whole images."""
    tracks: int = 0
    """Of a video."""
    faults: list[Fault] = field(default_factory=list)


def parse(content: bytes) -> Record:
    """Never raises; what was read before a fault is kept."""
    record = Record()
    record.faults += _Reader(record).read(content)
    return record


class _Reader(Elements):
    root = "annotations"
    longest = 1 << 20

    def __init__(self, record: Record) -> None:
        super().__init__()
        self._record = record

    def opened(self, name: str, has: dict[str, str]) -> None:
        if self.path == ["annotations", "track"]:
            self._record.tracks += 1
        elif self.path == ["annotations", "image"]:
            self._image(has, self.line)
        elif self.path[:2] == ["annotations", "image"] and len(self.path) == 3:
            self._inside(name, has, self.line)

    def closed(self, _: str) -> None:
        if self.path[-3:] == ["labels", "label", "name"] and self.path[1:2] == ["meta"]:
            self._record.labels.append(self.text)

    def _image(self, has: dict[str, str], line: int) -> None:
        if not has.get("name"):
            self._fault("an image without a name", line)
        sizes = [_number(has.get(side)) for side in ("width", "height")]
        width, height = (int(side) if side is not None and side >= 0 else None for side in sizes)
        self._record.images.append(Image(has.get("name", ""), line, has.get("subset") or None, width, height))

    def _inside(self, name: str, has: dict[str, str], line: int) -> None:
        if name == "tag":
            self._record.tags += 1
            return
        if name not in _SHAPES:
            return
        label = has.get("label")
        if not label:
            self._fault(f"a {name} without a label", line)
        try:
            kind, corners = _drawn(name, has)
        except (KeyError, ValueError) as error:
            missing = error.args[0] if isinstance(error, KeyError) else None
            why = f"has no {missing}" if missing else str(error)
            self._fault(f"the {name} of {label!r} {why}", line)
            return
        self._record.images[-1].shapes.append(Shape(kind, label or None, line, corners))

    def _fault(self, detail: str, line: int) -> None:
        self._record.faults.append(Fault("bad-annotation-line", line, detail))


def _drawn(name: str, has: dict[str, str]) -> tuple[str, list[Point]]:
    """Kind and corners. Raises KeyError for an attribute that is not there, ValueError for one that is no number."""
    if name == "box":
        left, top, right, bottom = (_side(has, key) for key in ("xtl", "ytl", "xbr", "ybr"))
        turned = _side(has, "rotation") if "rotation" in has else 0.0
        if turned % 360 == 0:
            return "box", [(left, top), (right, bottom)]
        return "obb", _turned(left, top, right, bottom, turned)
    if name == "ellipse":
        x, y, across, down = (_side(has, key) for key in ("cx", "cy", "rx", "ry"))
        turned = math.radians(_side(has, "rotation")) if "rotation" in has else 0.0
        wide = math.hypot(across * math.cos(turned), down * math.sin(turned))
        high = math.hypot(across * math.sin(turned), down * math.cos(turned))
        return "ellipse", [(x - wide, y - high), (x + wide, y + high)]
    if name == "mask":
        left, top, width, height = (_side(has, key) for key in ("left", "top", "width", "height"))
        return "rle", [(left, top), (left + width, top + height)]
    if name == "cuboid":
        return "keypoints", [(_side(has, f"x{key}"), _side(has, f"y{key}")) for key in _EDGES if f"x{key}" in has]
    if name == "skeleton":
        return "keypoints", []
    points = [_point(each) for each in has["points"].split(";")]
    return {"polygon": "polygon", "polyline": "line", "points": "keypoints"}[name], points


_EDGES = ("tl1", "bl1", "tr1", "br1", "tl2", "bl2", "tr2", "br2")


def _turned(left: float, top: float, right: float, bottom: float, degrees: float) -> list[Point]:
    """Corners of a box that is turned clockwise around its middle, as CVAT draws it."""
    x, y = (left + right) / 2, (top + bottom) / 2
    cos, sin = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    corners = ((left, top), (right, top), (right, bottom), (left, bottom))
    return [(x + (a - x) * cos - (b - y) * sin, y + (a - x) * sin + (b - y) * cos) for a, b in corners]


def _point(written: str) -> Point:
    across, comma, down = written.partition(",")
    sides = _number(across), _number(down)
    if not comma or sides[0] is None or sides[1] is None:
        raise ValueError(f"has a point {written[:40]!r}, which is no x,y")
    return sides[0], sides[1]


def _side(has: dict[str, str], key: str) -> float:
    value = _number(has[key])
    if value is None:
        raise ValueError(f"has {key} {has[key][:40]!r}, which is no number of pixels")
    return value


def _number(text: str | None) -> float | None:
    try:
        value = float(text or "")
    except ValueError:
        return None
    return value if math.isfinite(value) and abs(value) < 1 << 31 else None
