"""An XML file of the old LabelMe on the web -> its shapes with their lines, and what is wrong with it.

Elements are those of LabelMeAnnotationTool (annotationTools/js/xml.js, annotation.js): polygons, boxes as polygons of
four points with the type `bounding_box`, and segments with the box of their mask. What was deleted stays in the file.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from datalint.dataset.drawn import Shape
from datalint.dataset.labelme.record import Record
from datalint.dataset.model import Fault
from datalint.dataset.xml import Elements

if TYPE_CHECKING:
    from datalint.dataset.drawn import Point


def parse(content: bytes) -> Record:
    """Never raises; what was read before a fault is kept."""
    record = Record()
    record.faults += _Reader(record).read(content)
    if record.image is None and not record.faults:
        record.faults.append(Fault("bad-annotation-file", 1, "it has no filename, which says whose shapes they are"))
    return record


@dataclass(slots=True)
class _Object:
    line: int
    said: dict[str, str] = field(default_factory=dict)
    """name, deleted, type."""
    points: list[Point | None] = field(default_factory=list)
    """None for one that is no pair of numbers."""
    sides: dict[str, str] = field(default_factory=dict)
    """Of the point, or of the box of a segment, that is read now."""
    segment: bool = False


class _Reader(Elements):
    root = "annotation"

    def __init__(self, record: Record) -> None:
        super().__init__()
        self._record = record
        self._object: _Object | None = None
        self._number = 0

    def opened(self, name: str, _: dict[str, str]) -> None:
        if self.path == ["annotation", "object"]:
            self._object = _Object(self.line)
            self._number += 1
        elif self._object is not None and self.path[2:] in (["polygon", "pt"], ["segm", "box"]):
            self._object.sides = {}
            self._object.segment = name == "box"

    def closed(self, name: str) -> None:
        below, said = self.path[1:], self.text.strip()
        if below == ["filename"] and said:
            self._record.image, self._record.image_line = said, self.since
        elif below == ["imagesize", "nrows"]:
            self._record.height = _side(said)
        elif below == ["imagesize", "ncols"]:
            self._record.width = _side(said)
        elif self._object is not None and below[:1] == ["object"]:
            self._inside(self._object, below[1:], name, said)

    def _inside(self, of: _Object, below: list[str], name: str, said: str) -> None:
        if not below:
            self._object = None
            self._drawn(of)
        elif len(below) == 1:
            of.said[name] = said
        elif below[:2] in (["polygon", "pt"], ["segm", "box"]) and len(below) == 3:
            of.sides[name] = said
        elif below == ["polygon", "pt"]:
            of.points.append(_point(of.sides, "x", "y"))
        elif below == ["segm", "box"]:
            of.points += [_point(of.sides, "xmin", "ymin"), _point(of.sides, "xmax", "ymax")]

    def _drawn(self, of: _Object) -> None:
        if of.said.get("deleted") == "1":
            return
        name, points = of.said.get("name", ""), [point for point in of.points if point is not None]
        why = ""
        if not name:
            why = "it has no name"
        elif len(points) < len(of.points):
            why = f"the points of {name!r} are no pairs of numbers"
        elif not points:
            why = f"{name!r} has no polygon and no segment"
        if why:
            self._record.faults.append(Fault("bad-annotation-line", of.line, f"object {self._number}: {why}"))
            return
        kind = "rle" if of.segment else "box" if of.said.get("type") == "bounding_box" else "polygon"
        if kind != "polygon":
            across, down = zip(*points, strict=True)
            points = [(min(across), min(down)), (max(across), max(down))]
        self._record.shapes.append(Shape(kind, name, of.line, points))


def _point(sides: dict[str, str], across: str, down: str) -> Point | None:
    try:
        x, y = float(sides.get(across, "")), float(sides.get(down, ""))
    except ValueError:
        return None
    return (x, y) if all(math.isfinite(side) and abs(side) < 1 << 31 for side in (x, y)) else None


def _side(said: str) -> int | None:
    return int(said) if said.isascii() and said.isdigit() and len(said) < 10 else None
