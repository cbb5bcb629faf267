"""One label file of DOTA -> its oriented boxes, and what is wrong line by line.

Lines are those of https://captain-whu.github.io/DOTA/dataset.html: two lines that say where the picture comes from and
how large a pixel is, then x1 y1 x2 y2 x3 y3 x4 y4 class difficult. Readers that take the last for granted
(mmrotate.datasets.DOTADataset) and those that pass over a line of less than nine words (DOTA_devkit's parse_dota_poly,
ultralytics' convert_dota_to_yolo_obb) differ, so a line without the flag is read, and a shorter one is a fault.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from datalint.dataset.drawn import Shape
from datalint.dataset.model import Fault

MAX_BYTES = 1 << 26
_HEADERS = ("imagesource:", "gsd:", "acquisition dates:")
_CORNERS = 8
"""Numbers of the four corners."""


@dataclass(slots=True)
class Labels:
    shapes: list[Shape] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)


def parse(content: bytes) -> Labels:
    """Never raises."""
    found = Labels()
    for number, line in enumerate(content.decode("utf-8-sig", "replace").splitlines(), 1):
        words = line.split()
        if not words or line.strip().lower().startswith(_HEADERS):
            continue
        shape = _shape(words, number)
        if isinstance(shape, str):
            found.faults.append(Fault("bad-annotation-line", number, shape))
        else:
            found.shapes.append(shape)
    return found


def is_labels(head: bytes) -> bool:
    """Whether the first line of a box has eight numbers and a word that is none."""
    for line in head.decode("utf-8-sig", "replace").splitlines():
        words = line.split()
        if words and not line.strip().lower().startswith(_HEADERS):
            corners = [_number(word) for word in words[:_CORNERS]]
            return len(words) in (9, 10) and None not in corners and _number(words[_CORNERS]) is None
    return False


def _shape(words: list[str], line: int) -> Shape | str:
    """Or what is wrong with it."""
    if len(words) not in (_CORNERS + 1, _CORNERS + 2):
        what = "8 numbers, a class and 0 or 1"
        return f"{len(words)} {'word' if len(words) == 1 else 'words'}, and an oriented box is {what}"
    sides = []
    for word in words[:_CORNERS]:
        side = _number(word)
        if side is None:
            return f"{word[:40]!r} is not a number of pixels"
        sides.append(side)
    flag = words[-1] if len(words) > _CORNERS + 1 else None
    if flag is not None and not flag.isdecimal():
        return f"the flag for difficult objects is {flag[:40]!r}, not 0 or 1"
    corners = list(zip(sides[::2], sides[1::2], strict=True))
    return Shape("obb", words[_CORNERS], line, corners, None if flag is None else flag.strip("0") != "")


def _number(word: str) -> float | None:
    try:
        value = float(word)
    except ValueError:
        return None
    return value if math.isfinite(value) and abs(value) < 1 << 31 else None
