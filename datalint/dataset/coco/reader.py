"""One annotation file -> rows of samples, annotations and classes."""

from __future__ import annotations

import gc
from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from msgspec import UNSET, UnsetType

from datalint.dataset.coco import entries
from datalint.dataset.coco.defects import LISTED, Defects, shown
from datalint.dataset.coco.shape import Shape, of_polygons
from datalint.dataset.coco.shapes import Shapes, distances, of_all, of_mask
from datalint.dataset.coco.stream import CHUNK, Fault, Piece, Section, sections
from datalint.dataset.model import Rows
from datalint.entry import display

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from typing import BinaryIO

    from datalint.dataset.coco.entries import Defect, Id
    from datalint.dataset.coco.shape import Extent

SECTIONS = ("images", "annotations", "categories")
_NO_BOX = (None, None, None, None)
MAX_UNUSABLE = 100_000
"""Entries without which a file is read; behind them it is not worth the time."""
_KEYS = {
    "images": (b'"id"', b'"file_name"', b'"width"', b'"height"'),
    "annotations": (
        b'"id"', b'"image_id"', b'"category_id"', b'"bbox"', b'"area"', b'"iscrowd"', b'"segmentation"',
        b'"keypoints"', b'"num_keypoints"',
    ),
    "categories": (b'"id"', b'"name"', b'"keypoints"', b'"supercategory"'),
}  # fmt: skip


@dataclass(slots=True)
class Tables:
    """What all files of a dataset fill."""

    samples: Rows = field(default_factory=lambda: Rows("samples"))
    annotations: Rows = field(default_factory=lambda: Rows("annotations"))
    classes: Rows = field(default_factory=lambda: Rows("classes"))
    problems: Rows = field(default_factory=lambda: Rows("problems"))


@dataclass(frozen=True, slots=True)
class Found:
    """A file as the dataset wants it read: `find` gives file id, path and problems of a name in it."""

    path: str
    """Relative to the source's base."""
    split: str | None
    find: Callable[[str], tuple[int, str, list[tuple[str, str]]]]
    lines: bool = False
    """Whether the lines of samples are lines of the dataset's one manifest."""


def read_file(file: BinaryIO, found: Found, tables: Tables, *, chunk: int = CHUNK) -> None:
    """Adds the rows of one file; what keeps it from being read are rows of `problems`."""
    reader = _Reader(found, tables)
    collecting = gc.isenabled()
    # Nothing here refers back to itself, and looking for such among millions of lists takes a fifth of the time.
    gc.disable()
    try:
        for item in sections(file, chunk=chunk):
            reader.take(item)
    except _EnoughError:
        pass
    finally:
        if collecting:
            gc.enable()
    reader.close()


class _EnoughError(Exception):
    """So much is wrong that the rest is not read."""


class _Reader:
    def __init__(self, found: Found, tables: Tables) -> None:
        self._found = found
        self._tables = tables
        self._defects = Defects(tables.problems, found.path)
        self._path = display(found.path)
        self._seen: dict[str, bool] = {}
        """Sections that were met, and whether they are a list that was read to its end."""
        self._now: str | None = None
        self._cut_short = False
        self._one_line = True
        self._unusable = 0
        self._images: dict[Id, int | None] = {}
        """Image id -> its sample; None for an image that cannot be used."""
        self._sizes: list[tuple[int | None, int | None]] = []
        """Stated width and height of each sample of this file."""
        self._categories: dict[Id, entries.Category] = {}
        self._texts: dict[str, list[tuple[str, int]]] = defaultdict(list)
        self._text_counts: dict[str, int] = defaultdict(int)
        self._first_sample = len(tables.samples.columns["sample_id"])
        self._start()

    def _start(self) -> None:
        """Begin the list of annotations."""
        self._columns = Rows("annotations").columns
        self._image_ids: list[Id] = []
        self._category_ids: list[Id] = []
        self._interned: dict[Id, Id] = {}
        self._ids: set[str] = set()
        self._masks: dict[int, tuple[int, int]] = {}
        self._boxless: list[tuple[str, int]] = []
        self._n_boxless = 0

    # --- what the file is made of ---

    def take(self, item: Section | Piece | Fault) -> None:
        """The next item of the file."""
        if isinstance(item, Section):
            self._section(item)
        elif isinstance(item, Fault):
            self._fault(item)
        elif item.key in SECTIONS and len(item):
            self._one_line = self._one_line and item.lines()[-1:] in ([], [1])
            {"images": self._take_images, "annotations": self._take_annotations, "categories": self._take_categories}[
                item.key
            ](item)

    def _section(self, item: Section) -> None:
        if self._now is not None:
            self._seen[self._now] = True
        self._now = item.key if item.key in SECTIONS else None
        if item.key not in SECTIONS:
            return
        if item.key in self._seen:
            detail = f"`{item.key}` stands twice in it: loaders take the last one and drop the first without a word"
            self._defects.add("duplicate-section", detail, line=item.line)
            self._forget(item.key)
        self._seen[item.key] = False
        if not item.is_list:
            self._now = None
            self._defects.add("missing-section", f"its `{item.key}` are no list", line=item.line)

    def _forget(self, key: str) -> None:
        """What an earlier list of that name held."""
        if key == "images":
            for column in self._tables.samples.columns.values():
                del column[self._first_sample :]
            self._images, self._sizes = {}, []
        elif key == "categories":
            self._categories = {}
        else:
            self._start()

    def _fault(self, item: Fault) -> None:
        if item.kind == "non-finite-number":
            if item.key not in SECTIONS:
                where = f"`{item.key}`" + ("" if item.number is None else f" entry {item.number}")
                self._defects.add(item.kind, f"{where} has {item.detail}", line=item.line, record=item.number)
            return
        place = f"at byte {item.offset:,}" + (f", line {item.line:,}" if item.line > 1 else "")
        inside = "" if item.key is None else f" in `{item.key}`"
        inside += "" if item.number is None else f", entry {item.number:,} from 0"
        detail = f"{item.detail} {place}{inside}"
        if item.fatal:
            self._now, self._cut_short = None, True
            detail += f": {self._judged()}"
        self._defects.add(item.kind, detail, line=item.line, record=item.number)

    def _judged(self) -> str:
        """How much of the file was read before its end."""
        n_images = len(self._tables.samples.columns["sample_id"]) - self._first_sample
        n = len(self._image_ids)
        if not n_images and not n:
            return "nothing of it was judged"
        said = [f"{n_images:,} {'image' if n_images == 1 else 'images'}"] if "images" in self._seen else []
        said += [f"{n:,} {'annotation' if n == 1 else 'annotations'}"] if "annotations" in self._seen else []
        return f"only the {' and '.join(said)} before it were judged"

    # --- images and categories ---

    def _take_images(self, piece: Piece) -> None:
        found = entries.all_images(piece.whole())
        if found is None:
            self._take_odd_images(piece)
            return
        self._keys_of_all(piece, {b'"id"': len(found), b'"file_name"': len(found)})
        for number, (each, line) in enumerate(zip(found, piece.lines(), strict=True), start=piece.first):
            self._image(each, number, line)

    def _take_odd_images(self, piece: Piece) -> None:
        for number, (data, line) in enumerate(zip(piece.entries(), piece.lines(), strict=True), start=piece.first):
            self._keys("images", data, number, line)
            found, defects = entries.image(data)
            name = f"image entry {number}" if found is None else f"image {found.id}"
            self._tell(defects, name, line, record=number)
            if found is not None:
                self._image(found, number, line)
                continue
            self._useless()
            written = entries.written_id(data)
            if written is not None:
                self._images.setdefault(_other_type(written), None)

    def _image(self, found: entries.Image, number: int, line: int) -> None:
        if isinstance(found.id, str):
            self._text_id("image", found.id, line)
        if found.id in self._images:
            detail = f"image id {found.id} is given twice: loaders keep the last image of that id"
            self._defects.add("duplicate-id", detail, line=self._line(line), record=number)
        columns = self._tables.samples.columns
        file_id, path, problems = self._found.find(found.file_name)
        for kind, detail in problems:
            written = path if kind == "missing-file" else found.file_name
            self._defects.add(kind, detail, line=self._line(line), path=written)
        size = _side(found.width), _side(found.height)
        sample = self._images[found.id] = len(self._sizes) + self._first_sample
        self._sizes.append(size)
        columns["sample_id"].append(sample)
        columns["file_id"].append(file_id)
        columns["path"].append(shown(path))
        columns["line"].append(self._line(line) if self._found.lines else None)
        columns["declared_width"].append(size[0])
        columns["declared_height"].append(size[1])

    def _samples(self) -> None:
        """Columns that are the same for all images, or empty."""
        for name, column in self._tables.samples.columns.items():
            value = {"split": self._found.split, "manifest": self._path}.get(name)
            column += [value] * (self._first_sample + len(self._sizes) - len(column))

    def _take_categories(self, piece: Piece) -> None:
        for number, (data, line) in enumerate(zip(piece.entries(), piece.lines(), strict=True), start=piece.first):
            self._keys("categories", data, number, line)
            found, defects = entries.category(data)
            name = f"category entry {number}" if found is None else f"category {found.id}"
            self._tell(defects, name, line, record=number)
            if found is None:
                self._useless()
                continue
            self._text_id("category", found.id, line)
            before = self._categories.get(found.id)
            if before is not None:
                detail = f"category id {found.id} is given to {before.name!r} and to {found.name!r}"
                self._defects.add(
                    "duplicate-id", f"{detail}: loaders keep the last one", line=self._line(line), record=number
                )
            self._categories[found.id] = found

    # --- annotations ---

    def _take_annotations(self, piece: Piece) -> None:
        found = entries.all_annotations(piece.whole())
        if found is not None:
            columns = entries.columns(found)
            self._keys_of_all(piece, entries.key_counts(columns))
            self._annotations(columns, piece.lines())
            return
        good: list[entries.Annotation] = []
        lines: list[int] = []
        for number, (data, line) in enumerate(zip(piece.entries(), piece.lines(), strict=True), start=piece.first):
            self._keys("annotations", data, number, line)
            each, defects = entries.annotation(data)
            if defects or each is None:
                written = entries.written_id(data)
                name = f"annotation {written}" if written is not None else f"annotation entry {number}"
                self._tell(defects, name, line, annotation=written, record=number)
            if each is None:
                self._useless()
                continue
            good.append(each)
            lines.append(line)
        if good:
            self._annotations(entries.columns(good), lines)

    def _annotations(self, found: entries.Columns, lines: Sequence[int]) -> None:
        out, number = self._columns, len(lines)
        written = self._checked_ids(found, lines)
        intern = self._interned.setdefault
        self._image_ids += map(intern, found.image_id, found.image_id)
        self._category_ids += map(intern, found.category_id, found.category_id)
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
        first = len(self._image_ids) - len(boxes)
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
                    detail = f"annotation id {id_} is given twice"
                    self._defects.add("duplicate-id", detail, line=self._line(line), annotation=id_)
                self._ids.add(id_)
        self._ids |= fresh
        for what, ids in (("annotation", found.id), ("image_id", found.image_id), ("category_id", found.category_id)):
            if str in set(map(type, ids)):
                for each, line in zip(ids, lines, strict=True):
                    self._text_id(what, each, line)
        return list(map(shown, written)) if str in set(map(type, found.id)) else written

    def _drawn(self, drawing: Any, row: int, id_: str, line: int) -> tuple[str, Shape]:
        """What many at once leave out: masks, and polygons that are none."""
        if not isinstance(drawing, entries.Mask):
            kind, defect, drawn = "polygon", "bad-polygon", of_polygons(drawing)
        else:
            self._masks[row] = drawing.size
            kind, defect, drawn = "rle", "bad-mask", of_mask(drawing.counts, *drawing.size)
        for detail in drawn.defects:
            self._defects.add(defect, f"annotation {id_}: {detail}", line=self._line(line), annotation=id_)
        return kind, drawn

    def _keypoints(self, numbers: list[float], counted: int | UnsetType, id_: str, line: int) -> None:
        if len(numbers) % 3:
            detail = f"annotation {id_} has {len(numbers)} numbers as its `keypoints`, not three for each"
            self._defects.add("bad-keypoints", detail, line=self._line(line), annotation=id_)
            return
        visible = sum(1 for flag in numbers[2::3] if flag)
        if counted is not UNSET and counted != visible:
            detail = f"annotation {id_} counts {counted} keypoints, and {visible} are labelled"
            self._defects.add("bad-keypoints", detail, line=self._line(line), annotation=id_)

    # --- what only the whole file tells ---

    def close(self) -> None:
        """Join the lists once all are known."""
        if self._now is not None:
            self._seen[self._now] = True
        self._samples()
        self._missing_sections()
        if not self._seen.get("categories"):
            # A part of them would make the others unknown.
            self._categories = {}
        self._tell_texts()
        if self._n_boxless < len(self._image_ids) or any(self._columns["shape_area"]):
            for id_, line in self._boxless:
                self._defects.add("bad-entry", f"annotation {id_} has no `bbox`", line=self._line(line), annotation=id_)
        samples = [self._images.get(image_id) for image_id in self._image_ids]
        self._orphans(samples)
        self._mask_sizes(samples)
        self._keypoint_counts()
        self._classes(samples)
        self._rows(samples)
        self._defects.close()

    def _missing_sections(self) -> None:
        """What an object that was read to its end lacks."""
        if self._cut_short:
            return
        if "images" not in self._seen:
            self._defects.add("missing-section", "it has no list `images`")
        if not self._image_ids:
            return
        if "categories" not in self._seen:
            self._defects.add("missing-section", "it has no list `categories`")
        elif self._seen["categories"] and not self._categories:
            self._defects.add("missing-section", "its list `categories` is empty")

    def _orphans(self, samples: list[int | None]) -> None:
        if self._categories:
            self._text_categories()
        if not self._seen.get("images"):
            return
        for row, (sample, image_id) in enumerate(zip(samples, self._image_ids, strict=True)):
            if sample is not None or image_id in self._images:
                continue
            id_, line = str(self._columns["written_id"][row]), self._columns["line"][row]
            assert isinstance(line, int)
            other = _other_type(image_id)
            why = ""
            if other in self._images:
                why = ", which is text, and the image's id is a number" if isinstance(image_id, str) else (
                    ", which is a number, and the image's id is text"
                )  # fmt: skip
            detail = f"annotation {id_} is of image {_short(image_id)}{why or ', and no image has that id'}"
            self._defects.add("orphan-annotation", detail, line=self._line(line), annotation=id_)

    def _text_categories(self) -> None:
        """Those that are not in the list; what the table has no number for, no rule can tell."""
        for row, category_id in enumerate(self._category_ids):
            if category_id not in self._categories and _fitting(category_id) is None:
                id_, line = str(self._columns["written_id"][row]), self._columns["line"][row]
                assert isinstance(line, int)
                why = ", which is text" if isinstance(category_id, str) else ""
                detail = f"annotation {id_} is of category {_short(category_id)}{why}, and no category has that id"
                self._defects.add("orphan-annotation", detail, line=self._line(line), annotation=id_)

    def _mask_sizes(self, samples: list[int | None]) -> None:
        for row, (height, width) in self._masks.items():
            sample = samples[row]
            declared = None if sample is None else self._sizes[sample - self._first_sample]
            if declared is None or None in declared or declared == (width, height):
                continue
            id_, line = str(self._columns["written_id"][row]), self._columns["line"][row]
            assert isinstance(line, int)
            swapped = ": height and width are exchanged" if declared == (height, width) else ""
            detail = (
                f"annotation {id_}: its mask is {width} x {height} pixels and its image "
                f"{declared[0]} x {declared[1]}{swapped}"
            )
            self._defects.add("bad-mask", detail, line=self._line(line), annotation=id_)

    def _keypoint_counts(self) -> None:
        """A category without names of keypoints says nothing of their number."""
        wanted = {
            id_: len(each.keypoints)
            for id_, each in self._categories.items()
            if each.keypoints is not UNSET and each.keypoints
        }
        if not wanted:
            return
        for row, category_id in enumerate(self._category_ids):
            if self._columns["kind"][row] != "keypoints" or category_id not in wanted:
                continue
            points = self._columns["points"][row]
            if points is not None and points != wanted[category_id]:
                id_, line = str(self._columns["written_id"][row]), self._columns["line"][row]
                assert isinstance(line, int)
                name = self._categories[category_id].name
                detail = f"annotation {id_} has {points} keypoints, and {name!r} has {wanted[category_id]}"
                self._defects.add("bad-keypoints", detail, line=self._line(line), annotation=id_)

    def _classes(self, samples: list[int | None]) -> None:
        images: dict[Id, set[int]] = defaultdict(set)
        for sample, category_id in zip(samples, self._category_ids, strict=True):
            if sample is not None:
                images[category_id].add(sample)
        for id_, each in self._categories.items():
            self._tables.classes.add(
                name=shown(each.name), index=_fitting(id_), split=self._found.split, loader="coco",
                n_samples=len(images.get(id_, ())), hidden=False,
            )  # fmt: skip

    def _rows(self, samples: list[int | None]) -> None:
        names = {id_: shown(each.name) for id_, each in self._categories.items()}
        numbers = {id_: _fitting(id_) for id_ in self._interned}
        out, number = self._tables.annotations.columns, len(self._image_ids)
        first = len(out["annotation_id"])
        columns: dict[str, list[Any]] = {
            # What COCO does not know stays empty until here.
            **{name: column or [None] * number for name, column in self._columns.items()},
            "annotation_id": list(range(first, first + number)),
            "sample_id": samples,
            "category": [names.get(id_) for id_ in self._category_ids],
            "category_id": [numbers[id_] for id_ in self._category_ids],
            "normalised": [False] * number,
            "path": [self._path] * number,
        }
        if self._one_line:
            columns["line"] = [None] * number
        for name, column in out.items():
            # The first file's lists become the table's: a copy would be held beside them.
            if first:
                column.extend(columns[name])
            else:
                out[name] = columns[name]

    # --- how it is said ---

    def _line(self, line: int) -> int | None:
        """None where the file is one line so far, which tells nobody anything."""
        return None if self._one_line else line

    def _tell(
        self,
        defects: list[Defect],
        name: str,
        line: int,
        *,
        annotation: str | None = None,
        record: int | None = None,
    ) -> None:
        for kind, detail in defects:
            self._defects.add(kind, f"{name} {detail}", line=self._line(line), annotation=annotation, record=record)

    def _useless(self) -> None:
        self._unusable += 1
        if self._unusable >= MAX_UNUSABLE:
            self._defects.add(
                "malformed-json", f"{MAX_UNUSABLE:,} entries cannot be used: the rest of the file was not judged"
            )
            self._now, self._cut_short = None, True
            raise _EnoughError

    def _keys_of_all(self, piece: Piece, counts: Mapping[bytes, int]) -> None:
        """The same for a whole piece: so often does each key stand in it if none stands twice."""
        body = piece.whole()
        if body.count(b":") == sum(counts.values()) or all(body.count(key) == n for key, n in counts.items()):
            return
        for number, (data, line) in enumerate(zip(piece.entries(), piece.lines(), strict=True), start=piece.first):
            self._keys(piece.key, data, number, line)

    def _keys(self, section: str, data: bytes, number: int, line: int) -> None:
        """Keys that stand twice: a look at the bytes tells almost always that there are none."""
        if not any(data.count(key) > 1 for key in _KEYS[section]):
            return
        written = entries.written_id(data)
        noun = {"images": "image", "annotations": "annotation", "categories": "category"}[section]
        name = f"{noun} entry {number}" if written is None else f"{noun} {written}"
        annotation = written if section == "annotations" else None
        for key in entries.repeated_keys(data):
            detail = f"{name} has the key `{key}` twice"
            self._defects.add("duplicate-key", detail, line=self._line(line), record=number, annotation=annotation)

    def _text_id(self, what: str, value: Id, line: int) -> None:
        if isinstance(value, str):
            self._text_counts[what] += 1
            if not self._texts[what]:
                self._texts[what].append((value, line))

    def _tell_texts(self) -> None:
        for what, number in self._text_counts.items():
            value, line = self._texts[what][0]
            many = "1 id" if number == 1 else f"{number:,} ids"
            of = {"image": " of images", "annotation": " of annotations", "category": " of categories"}
            said = f"{many}{of[what]}" if what in of else f"{number:,} `{what}`"
            verb = "is" if number == 1 else "are"
            self._defects.add("text-id", f"{said} {verb} text such as {value!r}", line=self._line(line))


def _distance(box: Extent | UnsetType | None, extent: Extent) -> float | None:
    """Pixels between the edges of a box and those of what it should hold, at the worst edge."""
    if not box:
        return None
    x, y, width, height = box
    left, top, right, bottom = extent
    return max(abs(x - left), abs(y - top), abs(x + width - right), abs(y + height - bottom))


def _side(value: object) -> int | None:
    return value if isinstance(value, int) and abs(value) < entries.MAX_ID else None


def _fitting(id_: Id) -> int | None:
    return id_ if isinstance(id_, int) and -entries.MAX_ID <= id_ < entries.MAX_ID else None


def _other_type(id_: Id) -> Id:
    if isinstance(id_, str):
        return int(id_) if id_.isdecimal() and len(id_) < 19 else id_
    return str(id_)


def _short(id_: Id) -> str:
    return repr(id_) if isinstance(id_, str) or abs(id_) < entries.MAX_ID else "that no 64 bits hold"
