"""Lists, images and annotation files -> the tables of the dataset."""

from __future__ import annotations

import posixpath
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

from datalint.dataset import layout
from datalint.dataset.finder import Finder
from datalint.dataset.keys import check_splits
from datalint.dataset.model import Fault, Rows, odd_entries
from datalint.dataset.splits import declared_folder, meanings
from datalint.dataset.voc import find, record, sets
from datalint.dataset.voc.pairs import Pairs
from datalint.entry import display
from datalint.errors import DatalintError
from datalint.source.lfs import POINTER

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from datalint.dataset.voc.record import Box, Record
    from datalint.dataset.voc.sets import Named, Sets
    from datalint.entry import Entry
    from datalint.source import Source


@dataclass
class Reading:
    """Rows that fill up; every path is relative to the source's base."""

    source: Source
    root: str
    declared: Mapping[str, str] | None = None
    """Folder below the root, or list of ImageSets -> split, where the user says it."""
    samples: Rows = field(default_factory=lambda: Rows("samples"))
    skipped: Rows = field(default_factory=lambda: Rows("skipped"))
    problems: Rows = field(default_factory=lambda: Rows("problems"))
    annotations: Rows = field(default_factory=lambda: Rows("annotations"))
    notes: list[str] = field(default_factory=list)
    _records: dict[str, Record | None] = field(default_factory=dict)
    """Annotation files that were read; None for a Git LFS pointer."""
    _names: dict[str, str | None] = field(default_factory=dict)
    """Names inside annotation files that were asked for."""
    _named: set[str] = field(default_factory=set)
    """Images that any list names, be it for segmentation."""
    _shown: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    """Category -> images that show it."""
    _used: set[str] = field(default_factory=set)
    """Declared splits that something is in."""
    _nameable: set[str] = field(default_factory=set)
    """Folders and lists that might have been declared."""

    def __post_init__(self) -> None:
        odd_entries(list(self.files.values()), self.problems)

    @cached_property
    def files(self) -> Mapping[str, Entry]:
        return {entry.path: entry for entry in self.source.entries(self.root)}

    @cached_property
    def finder(self) -> Finder:
        return Finder(self.source, self.root)

    @cached_property
    def label_map(self) -> tuple[str, Sequence[str]] | None:
        """Path and names of the map that lies nearest to the root."""
        likely = [path for path in self.files if posixpath.basename(path).lower() in find.LABEL_MAPS]
        for path in sorted(likely, key=lambda path: (path.count("/"), path)):
            names = find.label_map(self.source.read(path) or b"", path.lower())
            if names:
                return path, names
        return None

    def home(self, home: str) -> None:
        """A folder of the devkit's layout, with lists or without."""
        inside = "" if home == "." else f"{home}/"
        below = [path for path in self.files if path.startswith(inside)]
        folder = f"{inside}JPEGImages"
        has_images = any(path.startswith(f"{folder}/") for path in below)
        pairs = Pairs(below, folder if has_images else None, f"{inside}Annotations", written=self._written)
        for path in below:
            if path.startswith(f"{inside}ImageSets/") and path.endswith(".txt"):
                self._named.update(each.name.split()[0] for each in sets.names(self.source.read(path) or b""))
        lists = self._lists(f"{inside}ImageSets", below)
        if lists is None or not lists.splits:
            self._unlisted(pairs)
        else:
            self._listed(lists, pairs, folder, f"{inside}Annotations")
        for path in pairs.annotations:
            if path not in self._records and pairs.image_of(path) is None:
                self._problem("label-without-image", path=path, detail="no image is called like it")
                self._boxes(None, path, self._record(path))

    def loose(self) -> None:
        """Annotation files beside the images, or in a folder of their own."""
        pairs = Pairs(self.files, written=self._written)
        self._unlisted(pairs)
        for path in pairs.annotations:
            if path not in self._records and find.is_xml_annotation(self.source, path):
                self._problem("label-without-image", path=path, detail="no image is called like it")
                self._boxes(None, path, self._record(path))

    def _lists(self, folder: str, below: Iterable[str]) -> Sets | None:
        """Of the first kind that is there: those of detection before those of segmentation."""
        for kind in sets.KINDS:
            here = f"{folder}/{kind}".rstrip("/")
            paths = [path for path in below if posixpath.dirname(path) == here and path.endswith(".txt")]
            if paths:
                found = sets.read({path: self.source.read(path) or b"" for path in paths})
                self.notes += [display(note) for note in found.assumptions]
                return found
        return None

    def _listed(self, lists: Sets, pairs: Pairs, images: str, annotations: str) -> None:
        by_name = {posixpath.splitext(path)[0]: path for path in reversed(pairs.images)}
        whole = len(lists.splits) == 1 and "default" in lists.splits
        for split, (path, named) in lists.splits.items():
            said = split if self.declared is None else self._declared(split, path)
            for each in named:
                image = by_name.get(f"{images}/{each.name}") or f"{images}/{each.name}.jpg"
                annotation: str | None = f"{annotations}/{each.name}.xml"
                if annotation not in self.files:
                    detail = f"there is no {annotation}"
                    self._problem("missing-annotation-file", path=image, manifest=path, line=each.line, detail=detail)
                    annotation = None
                self._sample(image, None if whole else said, annotation, pairs, (path, each.line))
        self._compare(lists)
        self._class_lists(lists, annotations)

    def _declared(self, split: str, path: str) -> str | None:
        """Of a list, by its own name: those that the user does not name are splits as they stand, where any is."""
        name = find.stem(path)
        self._nameable.add(name)
        self._used.update({name} & set(self.declared or ()))
        return (self.declared or {}).get(name, split if self.declared else None)

    def check_declared(self) -> None:
        """UsageError for a declared split that nothing is in, once everything is read."""
        check_splits(self.declared, self._used, filter(None, self._nameable), "list of images or folder with images")

    def _compare(self, lists: Sets) -> None:
        """Whether trainval is train and val together."""
        if lists.both is None:
            return
        path, named = lists.both
        parts = {each.name for split in ("train", "val") if split in lists.splits for each in lists.splits[split][1]}
        more = [each for each in named if each.name not in parts]
        fewer = parts - {each.name for each in named}
        if more:
            first = f"(first: {more[0].name})"
            detail = f"{len(more):,} of its names {'is' if len(more) == 1 else 'are'} in neither train nor val {first}"
            self._problem("split-list-disagrees", path=path, line=more[0].line, detail=detail)
        if fewer and {"train", "val"} <= lists.splits.keys():
            detail = f"it lacks {len(fewer):,} {'name' if len(fewer) == 1 else 'names'} of train and val"
            self._problem("split-list-disagrees", path=path, detail=f"{detail} (first: {min(fewer)})")

    def _class_lists(self, lists: Sets, annotations: str) -> None:
        """Whether `cat_train.txt` says what the annotations say: 1 shows a cat, -1 none, 0 only difficult ones."""
        for category, path, named in lists.by_class:
            wrong = [(each, said) for each in named if (said := self._disagrees(category, each, annotations))]
            if wrong:
                each, said = wrong[0]
                more = f" ({len(wrong):,} lines differ)" if len(wrong) > 1 else ""
                self._problem("class-list-disagrees", path=path, line=each.line, detail=f"{each.name} {said}{more}")

    def _disagrees(self, category: str, each: Named, annotations: str) -> str:
        found = self._records.get(f"{annotations}/{each.name}.xml")
        if found is None:
            return ""
        boxes = [box for box in found.boxes if box.name == category]
        really = -1 if not boxes else 0 if all(box.difficult for box in boxes) else 1
        words = {-1: f"no {category!r}", 0: f"only difficult {category!r}", 1: f"{category!r}"}
        if each.flag is None or each.flag == really:
            return ""
        return f"has the flag {each.flag} ({words[each.flag]}), and {words[really]} in its annotations"

    def _unlisted(self, pairs: Pairs) -> None:
        """Every image is a sample; a folder called like a split is one."""
        start = 0 if self.root == "." else len(self.root) + 1
        names = {part for path in pairs.images for part in posixpath.dirname(path)[start:].split("/")}
        means = meanings(names)
        with_annotations = {posixpath.dirname(path) for path in pairs.images if pairs.annotation_of(path)}
        for image in pairs.images:
            annotation = pairs.annotation_of(image)
            split = next((means[part] for part in posixpath.dirname(image)[start:].split("/") if part in means), None)
            # A picture in a folder where none has annotations is there for readers, unless it is a split.
            if annotation is None and split is None and posixpath.dirname(image) not in with_annotations:
                continue
            if self.declared is not None:
                name = declared_folder(posixpath.dirname(image)[start:], self.declared)
                split = None if name is None else self.declared[name]
                self._used.update(filter(None, [name]))
                self._nameable.add(posixpath.dirname(image)[start:])
            self._sample(image, split, annotation, pairs, None)

    def _sample(
        self, image: str, split: str | None, annotation: str | None, pairs: Pairs, named: tuple[str, int] | None
    ) -> None:
        found = self._record(annotation) if annotation else None
        if found and found.filename and image not in self.files:
            # The name within is the only other thing that says which image is meant.
            image = pairs.image_called(posixpath.basename(found.filename), image) or image
        file_id, path, kinds = self.finder.find(posixpath.relpath(image, self.root))
        for kind, detail in kinds:
            where = f" ({named[0]} line {named[1]} names it)" if named and kind == "missing-file" else ""
            self._problem(
                kind, path=path, manifest=named[0] if named else None, line=named[1] if named else None,
                detail=detail + where,
            )  # fmt: skip
        number = len(self.samples.columns["sample_id"])
        self.samples.add(
            sample_id=number, file_id=file_id, path=display(path), split=None if split is None else display(split),
            manifest=display(named[0]) if named else None,
            declared_width=found.width if found else None, declared_height=found.height if found else None,
        )  # fmt: skip
        if annotation is not None:
            if found is not None:
                self._called(found, annotation, path, pairs)
            self._boxes(number, annotation, found)

    def _called(self, found: Record, annotation: str, image: str, pairs: Pairs) -> None:
        """Whether the name in the file is that of its image."""
        written = _name(found)
        name = posixpath.basename(image)
        if not written or written in (name, posixpath.splitext(name)[0]) or image not in self.files:
            return
        other = pairs.image_called(written, image)
        kind, more = ("other-file-name", f", and {other} is there too") if other else ("wrong-file-name", "")
        detail = f"it says <filename>{written}</filename>, and belongs to {name}{more}"
        self._problem(kind, path=annotation, line=found.filename_line, detail=detail)

    def _written(self, annotation: str) -> str | None:
        """The name of the image inside an annotation file; None where it is no such file or names none."""
        if annotation not in self._names:
            # Its head alone, and not yet as what some sample takes.
            try:
                head = self.source.read(annotation, limit=find.HEAD) or b""
            except DatalintError:
                head = b""
            self._names[annotation] = (_name(record.parse(head)) or None) if record.is_one(head) else None
        return self._names[annotation]

    def _boxes(self, sample: int | None, path: str, found: Record | None) -> None:
        for box in found.boxes if found else ():
            if box.name is not None and sample is not None:
                self._shown[box.name].add(str(sample))
            x, y, width, height = _extent(box)
            self.annotations.add(
                annotation_id=len(self.annotations.columns["annotation_id"]), sample_id=sample, kind="box",
                category=None if box.name is None else display(box.name), x=x, y=y, width=width, height=height,
                difficult=box.difficult, normalised=False, path=display(path), line=box.line,
            )  # fmt: skip

    def _record(self, path: str) -> Record | None:
        if path not in self._records:
            self._records[path] = found = self._parsed(path)
            if found is not None:
                self._report(found, path)
        return self._records[path]

    def _parsed(self, path: str) -> Record | None:
        try:
            content = self.source.read(path, limit=record.MAX_BYTES + 1) or b""
        except DatalintError as error:
            return record.Record(faults=[Fault("bad-annotation-file", 1, str(error))])
        if content.startswith(POINTER):
            self.skipped.add(path=display(path), suffix=".xml", size_bytes=len(content), reason="lfs-pointer")
            return None
        return record.parse(content)

    def _report(self, found: Record, path: str) -> None:
        for fault in found.faults:
            self._problem(fault.kind, path=path, line=fault.line, detail=fault.detail)
        if found.machine_path:
            self._problem("machine-path", path=path, line=found.machine_path_line, detail=found.machine_path)
        for box in found.boxes:
            low = [name for name in ("xmin", "ymin") if 0 <= box.corners.get(name, 1) < 1]
            if low:
                detail = f"{' and '.join(f'{name} is {box.corners[name]:g}' for name in low)}"
                self._problem("zero-based-box", path=path, line=box.line, detail=detail)
            if self.label_map and box.name is not None and box.name not in self.label_map[1]:
                detail = f"{box.name!r} is not in {self.label_map[0]}"
                self._problem("unlisted-category", path=path, line=box.line, detail=detail)

    def others(self) -> None:
        """Files that are neither samples nor their annotations."""
        used = {entry.path for entry in self.finder.files}
        pairs = Pairs(self.files, written=self._written)
        near = {posixpath.dirname(path) for path in used}
        for path, entry in self.files.items():
            if path in used or path in self._records or entry.kind != "file" or path.endswith((".xml", ".txt")):
                continue
            reason = layout.skip_reason(path, in_class=False)
            if reason == "ignored-suffix":
                annotation = pairs.annotation_of(path)
                lost = annotation is not None and find.stem(path) not in self._named and posixpath.dirname(path) in near
                reason = "no-split" if lost else "documentation"
            self.skipped.add(
                path=display(path), suffix=layout.suffix(path), size_bytes=entry.size, reason=reason
            )  # fmt: skip

    def classes(self) -> Rows:
        """Of the label map, in its order, else every name that boxes use, in the order of the alphabet."""
        rows = Rows("classes")
        splits = self.samples.columns["split"]
        names = self.label_map[1] if self.label_map else sorted(self._shown)
        shown = Counter((name, splits[int(sample)]) for name, samples in self._shown.items() for sample in samples)
        for split in dict.fromkeys(splits):
            for index, name in enumerate(names):
                rows.add(
                    name=display(name), index=index, split=split, loader="voc", n_samples=shown[name, split],
                    hidden=False,
                )  # fmt: skip
        return rows

    def _problem(self, kind: str, **values: str | int | None) -> None:
        shown = {name: display(value) if isinstance(value, str) else value for name, value in values.items()}
        self.problems.add(kind=kind, **shown)


def _name(found: Record) -> str:
    """The last part of `<filename>`; empty where there is none."""
    return posixpath.basename((found.filename or "").replace("\\", "/"))


def _extent(box: Box) -> tuple[float | None, float | None, float | None, float | None]:
    """Left, top, width and height in pixels counted from 0; None without four corners.

    The last pixel belongs to the box. Where two corners coincide it has no extent to readers that subtract them, as
    most do, and neither has it here.
    """
    if len(box.corners) < 4:
        return None, None, None, None
    left, width = _along(box.corners["xmin"], box.corners["xmax"])
    top, height = _along(box.corners["ymin"], box.corners["ymax"])
    return left, top, width, height


def _along(first: float, last: float) -> tuple[float, float]:
    # One that is counted from 0 is a problem of its own, not a box that leaves the image.
    start = 0.0 if 0 <= first < 1 else first - 1
    return start, last - start if last > first else last - first
