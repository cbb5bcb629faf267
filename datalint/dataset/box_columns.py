"""A manifest with a box in each row: its images are what the rows name, and each row is an annotation of one.

As Roboflow and TensorFlow's tutorial write it (`filename,width,height,class,xmin,ymin,xmax,ymax`), keras-retinanet
(`path,x1,y1,x2,y2,class`, empty cells for an image without objects) and Open Images (`XMin,XMax,YMin,YMax`).
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from datalint.dataset.columns import listed
from datalint.dataset.model import Rows
from datalint.entry import display

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from datalint.dataset.rows import Row

_CORNERS = (("xmin", "ymin", "xmax", "ymax"), ("x1", "y1", "x2", "y2"), ("left", "top", "right", "bottom"))
_UNSAID = (("x", "y", "w", "h"), ("x", "y", "width", "height"), ("bbox",), ("boundingbox",))
"""Boxes of which nobody says whether x and y are a corner or the middle, and what the third number is."""
_THIRD = frozenset({"x3", "y3"})
"""Points of a polygon or a face come by more than two."""


@dataclass(frozen=True, slots=True)
class Boxes:
    """Where the box of a row is."""

    columns: tuple[str, ...]
    """Left, top, right and bottom where `corners`."""
    corners: bool
    normalised: bool = False
    """Every corner of the table is a fraction of the image."""

    def cells(self, row: Row) -> tuple[str, ...]:
        """As written, blank ones empty."""
        return tuple((row.cells.get(name) or "").strip() for name in self.columns)

    def extent(self, row: Row) -> Sequence[float | None]:
        """Left, top, width and height; ValueError for a cell that is no number."""
        if not self.corners:
            return (None, None, None, None)
        left, top, right, bottom = map(_number, self.columns, self.cells(row))
        return left, top, right - left, bottom - top

    def note(self) -> str:
        """What is assumed of the table."""
        where = f"each row is a box of its image, because of {listed(self.columns)}"
        if not self.corners:
            return f"{where}: nobody says how it is written, so boxes are not judged"
        return f"{where}, in fractions of the image" if self.normalised else where


def columns(header: Iterable[str], taken: Iterable[str | None] = ()) -> tuple[tuple[str, ...], bool] | None:
    """The columns of a box and whether they are its corners, by their names; None where there are none."""
    names = {_plain(name): name for name in reversed(tuple(header)) if name not in set(taken)}
    if names.keys() & _THIRD:
        return None
    for each, corners in (*((one, True) for one in _CORNERS), *((one, False) for one in _UNSAID)):
        if names.keys() >= set(each):
            return tuple(names[name] for name in each), corners
    return None


def find(header: Iterable[str], tables: Sequence[Sequence[Row]], parts: Mapping[str, str | None]) -> Boxes | None:
    """The boxes of tables of objects, each of images of its own; None for tables of images.

    One box in each image is also the region by which images of several classes are classified (traffic signs, cars):
    an image with two boxes, one with neither box nor class, or a single class is a detector's.
    """
    named = columns(header, parts.values())
    if named is None or parts["path"] is None:
        return None
    boxes = Boxes(*named)
    seen: defaultdict[tuple[int, str | None], set[tuple[str, ...]]] = defaultdict(set)
    for number, table in enumerate(tables):
        for row in table:
            seen[number, row.cells.get(parts["path"])].add(boxes.cells(row))
    rows = [row for table in tables for row in table]
    labels = {row.cells.get(parts["label"]) for row in rows if parts["label"]} - {None, ""}
    backgrounds = any(not any(boxes.cells(row)) and not row.cells.get(parts["label"] or "") for row in rows)
    if len(labels) > 1 and not backgrounds and all(len(each) == 1 for each in seen.values()):
        return None
    written = {cell for each in seen.values() for cells in each for cell in cells}
    return Boxes(*named, normalised=boxes.corners and _are_fractions(written))


@dataclass(slots=True)
class Objects:
    """Samples of a table of objects, one an image and split, and its annotations, as the rows come."""

    boxes: Boxes
    annotations: Rows = field(default_factory=lambda: Rows("annotations"))
    _samples: dict[tuple[str | int, str | None], int] = field(default_factory=dict)
    """Path as written or file, and split -> sample."""
    _lines: dict[tuple[object, ...], int] = field(default_factory=dict)
    _shown: dict[str, set[int]] = field(default_factory=lambda: defaultdict(set))

    def is_background(self, row: Row) -> bool:
        """Whether the row names an image and no object."""
        return not any(self.boxes.cells(row))

    def sample(self, image: str | int, split: str | None) -> int | None:
        """That of an image, by its path or file, which an earlier row named."""
        return self._samples.get((image, split))

    def keep(self, number: int, image: str | int, split: str | None) -> None:
        self._samples[image, split] = number

    def add(self, number: int, row: Row, label: str | None, table: str, problem: Callable[[str, str], None]) -> None:
        """The box of a row of a table; `problem` is told kind and detail of what is wrong with it."""
        if self.is_background(row):
            return
        try:
            x, y, width, height = self.boxes.extent(row)
        except ValueError as error:
            problem("bad-row", str(error))
            x = y = width = height = None
        if not self.boxes.corners:
            key = (number, label, self.boxes.cells(row))
            if key in self._lines:
                problem("duplicate-annotation", f"the same as line {self._lines[key]}")
            self._lines.setdefault(key, row.line)
        self.annotations.add(
            annotation_id=len(self.annotations.columns["annotation_id"]), sample_id=number, kind="box",
            category=None if label is None else display(label), x=x, y=y, width=width, height=height,
            normalised=self.boxes.normalised, path=display(table), line=row.line,
        )  # fmt: skip
        if label is not None:
            self._shown[label].add(number)

    def classes(self, splits: Sequence[object]) -> Rows:
        """Names in the order of the alphabet, with the images of each split that show them."""
        rows = Rows("classes")
        shown = Counter((name, splits[number]) for name, numbers in self._shown.items() for number in numbers)
        for split in dict.fromkeys(splits):
            for index, name in enumerate(sorted(self._shown)):
                rows.add(
                    name=display(name), index=index, split=split, loader="manifest", n_samples=shown[name, split],
                    hidden=False,
                )  # fmt: skip
        return rows


def size_of(row: Row, boxes: Boxes) -> tuple[int | None, int | None]:
    """Width and height of the image, where columns of these names state them."""
    cells = {name.lower(): cell or "" for name, cell in row.cells.items() if name not in boxes.columns}
    width, height = (cells.get(name, "").strip() for name in ("width", "height"))
    return int(width) if width.isdecimal() else None, int(height) if height.isdecimal() else None


def _plain(name: str) -> str:
    """`bbox_x1`, `box x1` and `X1` are one name; `bbox` alone stays."""
    plain = name.lower().replace("_", "").replace(" ", "").replace(".", "")
    return plain.removeprefix("bbox").removeprefix("box") or plain


def _number(name: str, cell: str) -> float:
    if not cell:
        raise ValueError(f"{name} is empty")
    try:
        value = float(cell)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise ValueError(f"{name} is {cell[:40]!r}, not a number of pixels")
    return value


def _are_fractions(cells: Iterable[str]) -> bool:
    """Whether all numbers lie between 0 and 1, and one of them between its ends."""
    try:
        values = {float(cell) for cell in cells if cell}
    except ValueError:
        return False
    return all(0 <= value <= 1 for value in values) and bool(values - {0.0, 1.0})
