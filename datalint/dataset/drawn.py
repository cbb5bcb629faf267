"""Images and the shapes drawn on them -> the tables of a dataset: what LabelMe, DOTA and CVAT have in common."""

from __future__ import annotations

import posixpath
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from datalint.dataset import layout
from datalint.dataset.coco.shape import of_polygons
from datalint.dataset.finder import Finder
from datalint.dataset.keys import check_splits
from datalint.dataset.model import Dataset, Fault, Rows, name_of, odd_entries
from datalint.dataset.splits import declared_folder, meanings
from datalint.entry import display
from datalint.errors import DatalintError
from datalint.source.lfs import POINTER

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from datalint.dataset.options import Options
    from datalint.entry import Entry
    from datalint.source import Source

Point = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Shape:
    """Lengths in pixels, counted from 0; `corners` have no extent where they are a line or single points."""

    kind: str
    """box, obb, polygon, ellipse, line, keypoints or rle."""
    category: str | None
    line: int | None
    corners: Sequence[Point] = ()
    """Of a box and an ellipse the two ends of their extent."""
    difficult: bool | None = None


_FLAT = frozenset({"line", "keypoints"})
_SIDES = frozenset({"polygon", "obb"})


@dataclass(slots=True)
class Drawn:
    """Rows that fill up; every path is relative to the source's base."""

    source: Source
    root: str
    options: Options
    samples: Rows = field(default_factory=lambda: Rows("samples"))
    skipped: Rows = field(default_factory=lambda: Rows("skipped"))
    problems: Rows = field(default_factory=lambda: Rows("problems"))
    annotations: Rows = field(default_factory=lambda: Rows("annotations"))
    notes: list[str] = field(default_factory=list)
    files: Mapping[str, Entry] = field(init=False)
    finder: Finder = field(init=False)
    _means: Mapping[str, str] = field(init=False)
    _shown: dict[str, set[int]] = field(default_factory=lambda: defaultdict(set))
    """Category -> samples that show it."""
    _used: set[str] = field(default_factory=set)
    """Declared splits that something is in."""
    _folders: set[str] = field(default_factory=set)
    """Folders, or subsets, that might have been declared."""

    def __post_init__(self) -> None:
        self.root = posixpath.normpath(self.root or ".")
        self.files = {entry.path: entry for entry in self.source.entries(self.root)}
        self.finder = Finder(self.source, self.root)
        odd_entries(list(self.files.values()), self.problems)
        self._means = meanings({part for path in self.files for part in self._parts(path)})

    def content(self, path: str, most: int) -> bytes | None:
        """Of an annotation file; None where it cannot be read or waits for git-lfs, which is said."""
        try:
            content = self.source.read(path, limit=most + 1) or b""
        except DatalintError as error:
            self.fault(path, Fault("bad-annotation-file", 1, str(error)))
            return None
        if content.startswith(POINTER):
            self.skipped.add(
                path=display(path), suffix=layout.suffix(path), size_bytes=len(content), reason="lfs-pointer"
            )
            return None
        if len(content) > most:
            self.fault(path, Fault("bad-annotation-file", 1, f"longer than {most:,} bytes: not read"))
            return None
        return content

    def fault(self, path: str, fault: Fault) -> None:
        """What is wrong in an annotation file."""
        self.problems.add(
            kind=fault.kind, path=display(path), manifest=display(path), line=fault.line, detail=display(fault.detail)
        )

    def split_of(self, path: str) -> str | None:
        """What the user says of a folder above the file, else the split that its name means."""
        folders = self._parts(path)
        if self.options.splits is None:
            return next((self._means[part] for part in folders if part in self._means), None)
        self._folders.add("/".join(folders))
        name = declared_folder("/".join(folders), self.options.splits)
        return None if name is None else self.declared(name)

    def declared(self, name: str) -> str | None:
        """What the user calls the split that is called so here; whatever nothing is called is refused in the end."""
        split = (self.options.splits or {}).get(name)
        if split is not None:
            self._used.add(name)
        else:
            self._folders.add(name)
        return split

    def image(
        self,
        written: str,
        split: str | None,
        *,
        folder: str = "",
        named: str | None = None,
        line: int | None = None,
        size: tuple[int | None, int | None] = (None, None),
        instead: str = "",
    ) -> int:
        """A sample; `written` starts at `folder` below the root, `named` is the file that names it, in its line.

        `instead`: words for one that is not there.
        """
        file_id, path, kinds = self.finder.find(written, folder)
        manifest = None if named is None else display(named)
        for kind, detail in kinds:
            more = f"{instead} ({named} names it)" if named is not None and kind == "missing-file" else ""
            self.problems.add(
                kind=kind, path=display(path), manifest=manifest, line=line, detail=display(detail + more)
            )
        number = len(self.samples.columns["sample_id"])
        self.samples.add(
            sample_id=number, file_id=file_id, path=display(path), split=None if split is None else display(split),
            manifest=manifest, line=line, declared_width=size[0], declared_height=size[1],
        )  # fmt: skip
        return number

    def draw(self, sample: int | None, path: str, shapes: Iterable[Shape]) -> None:
        """The shapes of one image, of the annotation file `path`; polygons that are none are problems."""
        seen: dict[tuple[object, ...], int | None] = {}
        for shape in shapes:
            number = len(self.annotations.columns["annotation_id"])
            if shape.kind in _SIDES:
                self._polygon(path, shape)
            if shape.kind != "box" and shape.corners:
                key = (shape.kind, shape.category, *shape.corners)
                if key in seen:
                    self.fault(path, Fault("duplicate-annotation", shape.line or 1, f"the same as line {seen[key]}"))
                seen.setdefault(key, shape.line)
            x, y, width, height = _extent(shape)
            self.annotations.add(
                annotation_id=number, sample_id=sample, kind=shape.kind,
                category=None if shape.category is None else display(shape.category), x=x, y=y, width=width,
                height=height, points=None if shape.kind in ("box", "ellipse", "rle") else len(shape.corners),
                difficult=shape.difficult, normalised=False, path=display(path), line=shape.line,
            )  # fmt: skip
            if shape.category is not None and sample is not None:
                self._shown[shape.category].add(sample)

    def unlisted(self, path: str, shapes: Iterable[Shape], names: Collection[str], where: str) -> None:
        """Categories of shapes that the list of classes lacks."""
        for shape in shapes:
            if shape.category is not None and shape.category not in names:
                detail = f"{shape.category!r} is not in {where}"
                self.fault(path, Fault("unlisted-category", shape.line or 1, detail))

    def leftover(self, read: Collection[str], images: str) -> None:
        """Files that are neither samples nor annotations; `images`: why a picture beside samples is no sample."""
        used = {entry.path for entry in self.finder.files}
        near = {posixpath.dirname(path) for path in used}
        for path, entry in self.files.items():
            if path in used or path in read or entry.kind != "file":
                continue
            reason = layout.skip_reason(path, in_class=False)
            if reason == "ignored-suffix":
                known = layout.suffix(path) in layout.KERAS | layout.TORCHVISION
                reason = "documentation" if posixpath.dirname(path) not in near else images if known else reason
            self.skipped.add(
                path=display(path), suffix=layout.suffix(path), size_bytes=entry.size, reason=reason
            )  # fmt: skip

    def dataset(self, name: str, classes: Sequence[str] | None) -> Dataset:
        """`name` of the format; `classes` in the order of their list, None where there is no list.

        Raises UsageError for a declared split that nothing is in.
        """
        check_splits(self.options.splits, self._used, filter(None, self._folders), "image in")
        return Dataset(
            name=name_of(self.root, self.source.base),
            format=name,
            root=display(self.root),
            manifest=None,
            files=self.finder.files,
            samples=self.samples.data(),
            classes=self._classes(name, sorted(self._shown) if classes is None else classes).data(),
            folders=Rows("folders").data(),
            skipped=self.skipped.data(),
            problems=self.problems.data(),
            annotations=self.annotations.data(),
            task="detection",
            assumptions=tuple(self.notes),
        )

    def _classes(self, loader: str, names: Sequence[str]) -> Rows:
        rows = Rows("classes")
        splits = self.samples.columns["split"]
        shown = Counter((name, splits[sample]) for name, samples in self._shown.items() for sample in samples)
        for split in dict.fromkeys(splits):
            for index, name in enumerate(names):
                rows.add(
                    name=display(name), index=index, split=split, loader=loader, n_samples=shown[name, split],
                    hidden=False,
                )  # fmt: skip
        return rows

    def _polygon(self, path: str, shape: Shape) -> None:
        what = "oriented box" if shape.kind == "obb" else "polygon"
        if shape.kind == "obb" and _crossed(shape.corners):
            detail = f"the corners of the oriented box of {shape.category!r} are out of order: two of its sides cross"
            self.fault(path, Fault("bad-polygon", shape.line or 1, detail))
            return
        for defect in of_polygons([[side for point in shape.corners for side in point]]).defects:
            detail = defect.replace("its polygon", f"the {what} of {shape.category!r}", 1)
            self.fault(path, Fault("bad-polygon", shape.line or 1, detail))

    def _parts(self, path: str) -> list[str]:
        """Folders between the root and the file."""
        start = 0 if self.root == "." else len(self.root) + 1
        return posixpath.dirname(path)[start:].split("/")


def _extent(shape: Shape) -> tuple[float | None, float | None, float | None, float | None]:
    if shape.kind in _FLAT or not shape.corners:
        return None, None, None, None
    across, down = zip(*shape.corners, strict=True)
    left, top = min(across), min(down)
    if shape.kind in _SIDES:
        return left, top, max(across) - left, max(down) - top
    # Sides keep the sign that they are written with.
    return across[0], down[0], across[1] - across[0], down[1] - down[0]


def _crossed(corners: Sequence[Point]) -> bool:
    """Whether opposite sides of a quadrangle cross, as they do where two corners were swapped."""
    if len(corners) != 4:
        return False
    a, b, c, d = corners
    return _cross(a, b, c, d) or _cross(b, c, d, a)


def _cross(a: Point, b: Point, c: Point, d: Point) -> bool:
    return _side(a, b, c) * _side(a, b, d) < 0 and _side(c, d, a) * _side(c, d, b) < 0


def _side(a: Point, b: Point, c: Point) -> float:
    return (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0])
