"""Images of the splits and their label files -> the tables of the dataset."""

from __future__ import annotations

import posixpath
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from datalint.dataset import layout
from datalint.dataset.finder import Finder
from datalint.dataset.model import Fault, Rows, odd_entries
from datalint.dataset.yolo import find, lines
from datalint.dataset.yolo.tree import SUFFIXES, is_absolute, label_of
from datalint.entry import display
from datalint.errors import DatalintError
from datalint.source.lfs import POINTER

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from datalint.dataset.yolo.description import Description
    from datalint.dataset.yolo.places import Image, Placed
    from datalint.dataset.yolo.tree import Tree

MAX_BYTES = 1 << 26
"""Of a label file: a thousand polygons of a thousand points have 20 MB."""
_PROBED = 5
_HALF = 0.5
"""Share of the images without labels from which text files elsewhere are taken for their labels."""


@dataclass(slots=True)
class Reading:
    """Rows that fill up; `run` once, then ask."""

    tree: Tree
    placed: Placed
    given: Description | None
    names: Mapping[int, str] | None
    samples: Rows = field(default_factory=lambda: Rows("samples"))
    skipped: Rows = field(default_factory=lambda: Rows("skipped"))
    problems: Rows = field(default_factory=lambda: Rows("problems"))
    notes: list[str] = field(default_factory=list)
    finder: Finder = field(init=False)
    _labels: dict[str, lines.Labels | None] = field(default_factory=dict)
    """By path; None for a file that is not there."""
    _shapes: list[tuple[int | None, str, lines.Shape]] = field(default_factory=list)
    """Sample (None for a label file without an image), label file, shape."""
    _bare: list[str] = field(default_factory=list)
    """Images without a label file."""

    def __post_init__(self) -> None:
        self.finder = Finder(self.tree.source, self.tree.root)

    def run(self) -> None:
        """Read everything that the splits name, and look at what they do not."""
        odd_entries(list(self.tree.files.values()), self.problems)
        for flaw in self.given.flaws if self.given else ():
            path = self.given.path if self.given else None
            self._problem(flaw.kind, path=path, manifest=path, line=flaw.line, detail=flaw.detail)
        for problem in self.placed.problems:
            self._problem(**problem)  # type: ignore[arg-type]
        for image in self.placed.images:
            self._image(image)
        self._unread_labels()
        self._orphans()
        self._others()
        self._caches()

    def _problem(self, kind: str, **values: str | int | None) -> None:
        shown = {name: display(value) if isinstance(value, str) else value for name, value in values.items()}
        self.problems.add(kind=kind, **shown)

    def _image(self, image: Image) -> None:
        absolute = is_absolute(image.written)
        written = image.written if absolute else posixpath.relpath(image.written, self.tree.root)
        file_id, path, kinds = self.finder.find(written)
        for kind, detail in kinds:
            if kind == "missing-file" and image.manifest:
                detail += f" ({image.manifest} line {image.line} names it)"
            self._problem(kind, path=path, manifest=image.manifest, line=image.line, detail=detail)
        number = len(self.samples.columns["sample_id"])
        self.samples.add(
            sample_id=number, file_id=file_id, path=display(path), split=image.split,
            manifest=None if image.manifest is None else display(image.manifest),
        )  # fmt: skip
        place = label_of(path)
        labels = self._read(place)
        if labels is None:
            self._bare.append(path)
            self._problem("no-label-file", path=path, detail=f"there is no {place}")
            return
        if not labels.shapes and not labels.faults and not labels.unread:
            self._problem("empty-label-file", path=path, detail=f"{place} is empty")
        self._shapes += [(number, place, shape) for shape in labels.shapes]

    def _read(self, path: str) -> lines.Labels | None:
        if path not in self._labels:
            self._labels[path] = found = self._parsed(path)
            for fault in found.faults if found else ():
                self._problem(fault.kind, path=path, line=fault.line, detail=fault.detail)
        return self._labels[path]

    def _parsed(self, path: str) -> lines.Labels | None:
        try:
            content = self.tree.source.read(path, limit=MAX_BYTES + 1)
        except DatalintError as error:
            return lines.Labels(faults=[Fault("bad-annotation-line", 1, str(error))])
        if content is None:
            return None
        if len(content) > MAX_BYTES:
            return lines.Labels(faults=[Fault("bad-annotation-line", 1, f"longer than {MAX_BYTES:,} bytes")])
        if content.startswith(POINTER):
            self.skipped.add(path=display(path), suffix=".txt", size_bytes=len(content), reason="lfs-pointer")
            return lines.Labels(unread=True)
        return lines.parse(content, self.given.keypoints if self.given else None)

    def _unread_labels(self) -> None:
        """Text files that are called like images without labels, where no trainer looks: elsewhere, or in `.TXT`."""
        stems = {_stem(path): path for path in self._bare}
        places: defaultdict[tuple[str, str], list[str]] = defaultdict(list)
        for path in self.tree.files:
            if layout.suffix(path) == ".txt" and path not in self._labels and _stem(path) in stems:
                places[posixpath.dirname(path), posixpath.splitext(path)[1]].append(path)
        for (folder, suffix), paths in sorted(places.items()):
            wanted = [posixpath.dirname(label_of(stems[_stem(path)])) for path in paths]
            alike = [path for path in self._bare if posixpath.dirname(label_of(path)) in wanted]
            if len(paths) >= _HALF * len(alike) and self._are_labels(paths):
                one = "1 text file named like an image that has no label"
                files = one if len(paths) == 1 else f"{len(paths):,} text files named like images that have no labels"
                detail = f"{files}: labels are read from {wanted[0]}"
                detail += f", and end in .txt, not {suffix}" if suffix != ".txt" else ""
                self._problem("unread-labels", path=folder or ".", detail=detail)

    def _are_labels(self, paths: Sequence[str]) -> bool:
        """Whether one of the first ones begins with numbers: captions are called like images too."""
        heads = [self.tree.source.read(path, limit=find.HEAD) or b"" for path in paths[:_PROBED]]
        return any(head.strip() and lines.is_labels(head) for head in heads)

    def _orphans(self) -> None:
        """Label files whose image is not there; their lines are read too."""
        folders = {posixpath.dirname(path) for path in self._labels}
        homes = {home for folder in folders if (home := find.labels_home(folder)) is not None}
        above = {posixpath.dirname(home) for home in homes if home}
        owned = self._owned()
        for path in self.tree.files:
            if not find.may_be_labels(path) or path in owned or path in self._labels:
                continue
            # Beside the other folders of labels: what a detector predicted lies in folders `labels` as well.
            home = find.labels_home(posixpath.dirname(path))
            near = home in homes or (home and posixpath.dirname(home) in above)
            if not near and posixpath.dirname(path) not in folders:
                continue
            head = self.tree.source.read(path, limit=find.HEAD)
            if head is None or not lines.is_labels(head):
                continue
            labels = self._read(path)
            self._problem("label-without-image", path=path, detail="no image is called like it")
            self._shapes += [(None, path, shape) for shape in (labels.shapes if labels else ())]

    def _owned(self) -> Collection[str]:
        """Label files of everything that looks like an image, be it in a split or not."""
        return {label_of(path) for path in self.tree.files if layout.suffix(path) in layout.IMAGE_LIKE | SUFFIXES}

    def _others(self) -> None:
        """Files that are neither samples nor labels nor descriptions."""
        used = {entry.path for entry in self.finder.files}
        described = {*self._labels, *self._owned(), *((self.given.path,) if self.given else ())}
        described.update(image.manifest for image in self.placed.images if image.manifest)
        near = {posixpath.dirname(path) for path in used}
        for path, entry in self.tree.files.items():
            if path in used or path in described or entry.kind != "file":
                continue
            reason = layout.skip_reason(path, in_class=False)
            if reason not in ("os-junk", "appledouble") and layout.suffix(path) in SUFFIXES:
                reason = "no-split" if label_of(path) in self.tree.files else "documentation"
            elif reason == "ignored-suffix" and posixpath.dirname(path) not in near:
                reason = "documentation"
            self.skipped.add(
                path=display(path), suffix=layout.suffix(path), size_bytes=entry.size, reason=reason,
            )  # fmt: skip

    def _caches(self) -> None:
        """Ultralytics believes its cache as long as the names and the sum of all sizes are the same."""
        newest: dict[str, tuple[int, str]] = {}
        for path in self._labels:
            entry = self.tree.files.get(path)
            if entry is not None:
                folder = posixpath.dirname(path)
                newest[folder] = max(newest.get(folder, (0, "")), (entry.mtime_ns or 0, path))
        for path, entry in self.tree.files.items():
            folder, suffix = posixpath.splitext(path)
            if suffix != ".cache" or folder not in newest:
                continue
            edited, label = newest[folder]
            if self.tree.source.name != "worktree":
                self._problem("label-cache", path=path, detail="committed with the labels")
            elif entry.mtime_ns is not None and edited > entry.mtime_ns:
                self._problem("label-cache", path=path, detail=f"older than {label}")

    def annotations(self) -> Rows:
        """Fractions of the image; a file of nothing but quadrangles has oriented boxes."""
        rows = Rows("annotations")
        oriented = all(shape.kind == "polygon" and shape.points == 4 for _, _, shape in self._shapes)
        names = self.names or {}
        for number, (sample, path, shape) in enumerate(self._shapes):
            rows.add(
                annotation_id=number, sample_id=sample, kind="obb" if oriented else shape.kind,
                category=None if shape.category_id not in names else display(names[shape.category_id]),
                category_id=shape.category_id, x=shape.x, y=shape.y, width=shape.width, height=shape.height,
                points=shape.points, normalised=True, path=display(path), line=shape.line,
            )  # fmt: skip
        return rows

    def classes(self) -> Rows:
        """Every class that has a name, in every split, with the images that show it."""
        rows = Rows("classes")
        splits = self.samples.columns["split"]
        shown: Counter[tuple[object, int]] = Counter()
        for sample, category in {(sample, shape.category_id) for sample, _, shape in self._shapes}:
            if sample is not None:
                shown[splits[sample], category] += 1
        for split in dict.fromkeys(splits):
            for index, name in sorted((self.names or {}).items()):
                rows.add(
                    name=display(name), index=index, split=split, loader="yolo", n_samples=shown[split, index],
                    hidden=False,
                )  # fmt: skip
        return rows


def _stem(path: str) -> str:
    return posixpath.splitext(posixpath.basename(path))[0]
