"""One annotation file of Pascal VOC -> its boxes with their lines, and what is wrong with it."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from datalint.dataset.model import Fault
from datalint.dataset.xml import Elements

MAX_BYTES = 1 << 24
"""A file of 10,000 boxes has 3 MB."""
_CORNERS = ("xmin", "ymin", "xmax", "ymax")
_BOX = ["annotation", "object", "bndbox"]


@dataclass(slots=True)
class Box:
    """Corners as written: in pixels counted from 1, and the last one belongs to the box."""

    line: int
    name: str | None = None
    corners: dict[str, float] = field(default_factory=dict)
    difficult: bool = False
    refused: set[str] = field(default_factory=set)
    """Corners that are no numbers, which were told already."""
    shaped: bool = False
    """It has a `bndbox`, or a polygon instead."""


@dataclass(slots=True)
class Record:
    filename: str | None = None
    filename_line: int = 1
    machine_path: str | None = None
    """`path`, where it is absolute."""
    machine_path_line: int = 1
    width: int | None = None
    height: int | None = None
    boxes: list[Box] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)


def parse(content: bytes) -> Record:
    """Never raises; what was read before a fault is kept."""
    record = Record()
    if len(content) > MAX_BYTES and content.strip():
        record.faults.append(Fault("bad-annotation-file", 1, f"longer than {MAX_BYTES:,} bytes: not read"))
        return record
    record.faults += _Reader(record).read(content)
    return record


def is_one(head: bytes) -> bool:
    """Whether the first bytes are those of an annotation with a box, or without any object."""
    return b"<annotation" in head and b"<annotations" not in head and (b"<bndbox" in head or b"<object" not in head)


class _Reader(Elements):
    root = "annotation"
    longest = 10_000

    def __init__(self, record: Record) -> None:
        super().__init__()
        self._record = record

    def opened(self, name: str, _: object) -> None:
        if self.path == ["annotation", "object"]:
            self._record.boxes.append(Box(self.line))
        elif self.path[:2] == _BOX[:2] and name in ("bndbox", "polygon", "robndbox") and len(self.path) == 3:
            self._record.boxes[-1].shaped = True

    def closed(self, name: str) -> None:
        text, path = self.text.strip(), self.path
        if path == ["annotation", "filename"]:
            self._record.filename, self._record.filename_line = text or None, self.since
        elif path == ["annotation", "path"] and (text.startswith("/") or text[1:3] in (":\\", ":/")):
            self._record.machine_path, self._record.machine_path_line = text, self.since
        elif path[:2] == ["annotation", "size"] and len(path) == 3 and name in ("width", "height"):
            self._size(name, text)
        elif path[:2] == _BOX[:2] and len(path) == 3 and name == "name":
            # Spaces around a name make another class of it, in every reader.
            self._record.boxes[-1].name = self.text or None
        elif path[:2] == _BOX[:2] and len(path) == 3 and name == "difficult":
            self._record.boxes[-1].difficult = text == "1"
        elif path[:3] == _BOX and len(path) == 4 and name in _CORNERS:
            self._corner(name, text)
        elif path == ["annotation", "object"]:
            self._finish(self._record.boxes[-1])

    def _size(self, name: str, text: str) -> None:
        value = _number(text)
        if value is None or not 0 <= value < 1 << 31:
            self._fault(f"<{name}> of <size> is {text[:40]!r}, not a number of pixels")
        elif name == "width":
            self._record.width = int(value)
        else:
            self._record.height = int(value)

    def _corner(self, name: str, text: str) -> None:
        value = _number(text)
        if value is None or abs(value) >= 1 << 31:
            self._fault(f"<{name}> is {text[:40]!r}, not a number of pixels")
            self._record.boxes[-1].refused.add(name)
        else:
            self._record.boxes[-1].corners[name] = value

    def _finish(self, box: Box) -> None:
        if box.name is None or not box.name.strip():
            self._fault("an object without a name", box.line)
            box.name = None
        missing = [corner for corner in _CORNERS if corner not in box.corners and corner not in box.refused]
        if not box.shaped:
            self._fault(f"object {box.name!r:.60} has no <bndbox>", box.line)
        elif missing and box.corners:
            self._fault(f"the box of {box.name!r:.60} has no {' and no '.join(missing)}", box.line)

    def _fault(self, detail: str, line: int | None = None) -> None:
        self._record.faults.append(Fault("bad-annotation-line", line or self.since, detail))


def _number(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) else None
