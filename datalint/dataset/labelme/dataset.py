"""The dataset of LabelMe at a root: an image for each JSON file, and the tables they fill."""

from __future__ import annotations

import posixpath
from collections import defaultdict
from typing import TYPE_CHECKING

from datalint.dataset import layout
from datalint.dataset.drawn import Drawn
from datalint.dataset.labelme import record
from datalint.dataset.model import Fault
from datalint.dataset.yolo.tree import is_absolute
from datalint.entry import display

if TYPE_CHECKING:
    from collections.abc import Sequence

    from datalint.dataset.labelme.record import Record
    from datalint.dataset.model import Dataset
    from datalint.dataset.options import Options
    from datalint.source import Source

_IGNORED = "__ignore__"
"""What labelme2coco and labelme2voc want in the first line of their list of labels, as number -1."""


def read(source: Source, root: str, options: Options) -> Dataset:
    """Images that have a JSON file; the others are none to every converter of LabelMe, which begin with the JSON."""
    drawn = Drawn(source, root, options)
    by_stem: defaultdict[str, list[str]] = defaultdict(list)
    for path in drawn.files:
        if layout.suffix(path) in layout.IMAGE_LIKE:
            by_stem[posixpath.splitext(path)[0]].append(path)
    listed = _labels(drawn)
    done, copies = set(), 0
    for path in drawn.files:
        if not path.lower().endswith(".json"):
            continue
        content = drawn.content(path, record.MAX_BYTES)
        done.add(path)
        found = None if content is None else record.parse(content)
        if found is None:
            continue
        for fault in found.faults:
            drawn.fault(path, fault)
        if found.image is not None:
            copies += bool(found.embedded)
            _image(drawn, path, found, found.image, by_stem[posixpath.splitext(path)[0]])
        if listed is not None:
            drawn.unlisted(path, found.shapes, listed[1], listed[0])
    if copies:
        said = f"{copies:,} JSON {'file holds' if copies == 1 else 'files hold'} a copy of the image (imageData)"
        drawn.notes.append(f"{said}, which was not compared with it")
    drawn.leftover({*done, *(listed[:1] if listed else ())}, "unlisted")
    names = None if listed is None else [name for name in listed[1] if name != _IGNORED]
    return drawn.dataset("labelme", names)


def _image(drawn: Drawn, path: str, found: Record, written: str, beside: Sequence[str]) -> None:
    """`beside`: images that are called like the JSON file and lie with it."""
    home = posixpath.relpath(posixpath.dirname(path) or ".", drawn.root)
    start = written if is_absolute(written) or written.startswith("/") else posixpath.join(home, written)
    plain = posixpath.normpath(posixpath.join(posixpath.dirname(path), written.replace("\\", "/")))
    other = next((image for image in beside if image != plain), None) if plain not in beside else None
    if other is not None and not is_absolute(written):
        there = plain in drawn.files
        more = ", which is there too" if there else ""
        kind = "other-file-name" if there else "wrong-file-name"
        detail = f"it says imagePath {written!r}, and is called like {posixpath.basename(other)}{more}"
        drawn.fault(path, Fault(kind, found.image_line, detail))
        start = start if there else posixpath.relpath(other, drawn.root)
    copy = ", and the copy in imageData is all there is of it" if found.embedded else ""
    sample = drawn.image(
        start, drawn.split_of(path), named=path, line=found.image_line, size=(found.width, found.height), instead=copy
    )
    drawn.draw(sample, path, found.shapes)


def _labels(drawn: Drawn) -> tuple[str, list[str]] | None:
    """Path and lines of the list of labels nearest to the root, which converters are given."""
    found = [path for path in drawn.files if posixpath.basename(path) == "labels.txt"]
    for path in sorted(found, key=lambda path: (path.count("/"), path))[:1]:
        text = (drawn.source.read(path) or b"").decode("utf-8-sig", "replace")
        names = [line.strip() for line in text.splitlines() if line.strip()]
        return (display(path), names) if names else None
    return None
