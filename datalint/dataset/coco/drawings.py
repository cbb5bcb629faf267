"""The list `annotations` of one file: boxes, polygons, masks and keypoints, column by column."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from msgspec import UNSET, UnsetType

from datalint.dataset.coco import entries
from datalint.dataset.coco.defects import LISTED, shown
from datalint.dataset.coco.shape import Shape, of_polygons
from datalint.dataset.coco.shapes import Shapes, distances, of_all, of_mask
from datalint.dataset.model import Rows

if TYPE_CHECKING:
    from collections.abc import Sequence

    from datalint.dataset.coco.entries import Id
    from datalint.dataset.coco.shape import Extent
    from datalint.dataset.coco.stream import Piece
    from datalint.dataset.coco.told import Told

_NO_BOX = (None, None, None, None)


class Drawings:
    """Columns that fill up; what they have to do with images and categories is not known yet."""

    def __init__(self, told: Told) -> None:
        self._told = told
        self.forget()

    def forget(self) -> None:
        """What an earlier list of that name held."""
        self.columns = Rows("annotations").columns
        self.image_ids: list[Id] = []
        self.category_ids: list[Id] = []
        self.interned: dict[Id, Id] = {}
        self.masks: dict[int, tuple[int, int]] = {}
        """Row -> height and width of its mask."""
        self._ids: set[str] = set()
        self._boxless: list[tuple[str, int]] = []
        self._n_boxless = 0

    def __len__(self) -> int:
        return len(self.image_ids)

    def place(self, row: int) -> tuple[str, int]:
        """Id and line of an annotation."""
        line = self.columns["line"][row]
        assert isinstance(line, int)
        return str(self.columns["written_id"][row]), line

    def take(self, piece: Piece) -> None:
        """The next entries."""
        found = entries.all_annotations(piece.whole())
        if found is not None:
            columns = entries.columns(found)
            self._told.keys_of_all(piece, entries.key_counts(columns))
            self._annotations(columns, piece.lines())
            return
        good: list[entries.Annotation] = []
        lines: list[int] = []
        for each, _, _, line in self._told.one_by_one(piece, entries.annotation):
            if each is not None:
                good.append(each)
                lines.append(line)
        if good:
            self._annotations(entries.columns(good), lines)

    def close(self) -> None:
        """Say which have no box, unless none has one and none a shape: those are labels of whole images."""
        if self._n_boxless < len(self) or any(self.columns["shape_area"]):
            for id_, line in self._boxless:
                self._told.add("bad-entry", f"annotation {id_} has no `bbox`", line=line, annotation=id_)

    def _annotations(self, found: entries.Columns, lines: Sequence[int]) -> None:
        out, number = self.columns, len(lines)
        written = self._checked_ids(found, lines)
        intern = self.interned.setdefault
        self.image_ids += map(intern, found.image_id, found.image_id)
        self.category_ids += map(intern, found.category_id, found.category_id)
        boxes = list(found.bbox)
        absent = [place for place, box in enumerate(boxes) if box is UNSET] if UNSET in boxes else []
        lacking = [place for place, box in enumerate(boxes) if not box] if None in boxes else absent
        kinds: list[str | None] = ["box"] * number
        for place in lacking:
            kinds[place] = None
        points: list[int | None] = [None] * number
        areas: list[float | None] = [None] * number
        away: list[float | None] = [None] * number
        shapes = of_all(found.segmentation)
        extents = shapes.extents if not lacking and len(shapes.owners) == number else None
        if extents is not None:
            # All have polygons and a box, as nearly all do: nothing need be looked at one by one.
            kinds, points, areas = ["polygon"] * number, list(shapes.points), list(shapes.areas)
            away = list(distances(boxes, extents))  # type: ignore[arg-type]
        else:
            self._shapes_one_by_one(found, shapes, boxes, kinds, points, areas, away, written, lines)
        self._boxless += [(written[place], lines[place]) for place in absent]
        if found.keypoints.count(UNSET) < number:
            for place, keypoints in enumerate(found.keypoints):
                if keypoints is not UNSET and keypoints:
                    kinds[place] = "keypoints"
                    points[place] = None if len(keypoints) % 3 else len(keypoints) // 3
                    self._keypoints(keypoints, found.num_keypoints[place], written[place], lines[place])
        self._n_boxless += len(absent)
        del self._boxless[LISTED + 1 :]
        out["written_id"] += written
        out["kind"] += kinds
        sides = zip(*(box or _NO_BOX for box in boxes), strict=True) if lacking else zip(*boxes, strict=True)
        for name, values in zip(("x", "y", "width", "height"), sides, strict=True):
            out[name] += values
        out["area"] += [None if area is UNSET else area for area in found.area]
        out["points"] += points
        out["iscrowd"] += [None if crowd is UNSET else crowd != 0 for crowd in found.iscrowd]
        out["shape_distance"] += away
        out["shape_area"] += areas
        out["line"] += lines

    def _shapes_one_by_one(
        self,
        found: entries.Columns,
        shapes: Shapes,
        boxes: list[Extent | UnsetType | None],
        kinds: list[str | None],
        points: list[int | None],
        areas: list[float | None],
        away: list[float | None],
        written: Sequence[str],
        lines: Sequence[int],
    ) -> None:
        """Fill the columns; an annotation without a box gets the extent of its shape."""
        first = len(self) - len(boxes)
        extents: list[Extent | None] = [None] * len(boxes)
        for place, extent, area, many in zip(shapes.owners, shapes.extents, shapes.areas, shapes.points, strict=True):
            kinds[place], extents[place], areas[place], points[place] = "polygon", extent, area, many
        for place, drawing in enumerate(found.segmentation):
            if drawing and extents[place] is None and drawing is not UNSET:
                kinds[place], drawn = self._drawn(drawing, first + place, written[place], lines[place])
                extents[place], areas[place], points[place] = drawn.extent, drawn.area, drawn.points
        for place, known in enumerate(extents):
            if known is not None:
                away[place] = _distance(boxes[place], known)
                boxes[place] = boxes[place] or (known[0], known[1], known[2] - known[0], known[3] - known[1])

    def _checked_ids(self, found: entries.Columns, lines: Sequence[int]) -> list[str]:
        """The ids of annotations as text; told are those that were there before, and those that are text already."""
        written = list(map(str, found.id))
        fresh = set(written)
        if len(fresh) < len(written) or not self._ids.isdisjoint(fresh):
            for id_, line in zip(written, lines, strict=True):
                if id_ in self._ids:
                    self._told.add("duplicate-id", f"annotation id {id_} is given twice", line=line, annotation=id_)
                self._ids.add(id_)
        self._ids |= fresh
        for what, ids in (("annotation", found.id), ("image_id", found.image_id), ("category_id", found.category_id)):
            if str in set(map(type, ids)):
                for each, line in zip(ids, lines, strict=True):
                    self._told.text_id(what, each, line)
        return list(map(shown, written)) if str in set(map(type, found.id)) else written

    def _drawn(self, drawing: Any, row: int, id_: str, line: int) -> tuple[str, Shape]:
        """What many at once leave out: masks, and polygons that are none."""
        if not isinstance(drawing, entries.Mask):
            kind, defect, drawn = "polygon", "bad-polygon", of_polygons(drawing)
        else:
            self.masks[row] = drawing.size
            kind, defect, drawn = "rle", "bad-mask", of_mask(drawing.counts, *drawing.size)
        for detail in drawn.defects:
            self._told.add(defect, f"annotation {id_}: {detail}", line=line, annotation=id_)
        return kind, drawn

    def _keypoints(self, numbers: list[float], counted: int | UnsetType, id_: str, line: int) -> None:
        if len(numbers) % 3:
            detail = f"annotation {id_} has {len(numbers)} numbers as its `keypoints`, not three for each"
            self._told.add("bad-keypoints", detail, line=line, annotation=id_)
            return
        visible = sum(1 for flag in numbers[2::3] if flag)
        if counted is not UNSET and counted != visible:
            detail = f"annotation {id_} counts {counted} keypoints, and {visible} are labelled"
            self._told.add("bad-keypoints", detail, line=line, annotation=id_)


def _distance(box: Extent | UnsetType | None, extent: Extent) -> float | None:
    """Pixels between the edges of a box and those of what it should hold, at the worst edge."""
    if not box:
        return None
    x, y, width, height = box
    left, top, right, bottom = extent
    return max(abs(x - left), abs(y - top), abs(x + width - right), abs(y + height - bottom))
