"""The dataset of LabelMe at a root: an image for each JSON or XML file, and the tables they fill."""

from __future__ import annotations

import posixpath
from collections import defaultdict
from typing import TYPE_CHECKING

from datalint.dataset import layout
from datalint.dataset.drawn import Drawn
from datalint.dataset.labelme import is_web, record, web
from datalint.dataset.model import Fault
from datalint.dataset.yolo.tree import is_absolute
from datalint.entry import display

if TYPE_CHECKING:
    from collections.abc import Sequence

    from datalint.dataset.labelme.record import Record
    from datalint.dataset.model import Dataset
    from datalint.dataset.options import Options
    from datalint.source import Source

_HEAD = 1 << 16
_IGNORED = "__ignore__"
"""What labelme2coco and labelme2voc want in the first line of their list of labels, as number -1."""


def read(source: Source, root: str, options: Options) -> Dataset:
    """Images that have a file of shapes; the others are none to every converter of LabelMe, which begin with it."""
    drawn = Drawn(source, root, options)
    by_stem: defaultdict[str, list[str]] = defaultdict(list)
    for path in drawn.files:
        if layout.suffix(path) in layout.IMAGE_LIKE:
            by_stem[posixpath.splitext(path)[0]].append(path)
    listed = _labels(drawn)
    done, copies = set(), 0
    for path in drawn.files:
        if not path.lower().endswith((".json", ".xml")):
            continue
        content = drawn.content(path, record.MAX_BYTES)
        done.add(path)
        found = None if content is None else _parsed(path, content)
        if found is None:
            continue
        for fault in found.faults:
            drawn.fault(path, fault)
        if found.image is not None:
            copies += bool(found.embedded)
            place = path if path.lower().endswith(".json") else _mirrored(drawn, path, found.image)
            _image(drawn, path, found, found.image, by_stem[posixpath.splitext(place)[0]], posixpath.dirname(place))
        if listed is not None:
            drawn.unlisted(path, found.shapes, listed[1], listed[0])
    if copies:
        said = f"{copies:,} JSON {'file holds' if copies == 1 else 'files hold'} a copy of the image (imageData)"
        drawn.notes.append(f"{said}, which was not compared with it")
    drawn.leftover({*done, *(listed[:1] if listed else ())}, "unlisted")
    names = None if listed is None else [name for name in listed[1] if name != _IGNORED]
    return drawn.dataset("labelme", names)


def _parsed(path: str, content: bytes) -> Record | None:
    """None for what is no annotation of an image."""
    if path.lower().endswith(".json"):
        return record.parse(content)
    # What was cut off, or is empty, tells nothing of itself.
    return web.parse(content) if is_web(content[:_HEAD]) or not content.strip() else None


def _mirrored(drawn: Drawn, path: str, written: str) -> str:
    """Where an XML file would lie if it lay with its image: below `Images` for one below `Annotations`."""
    parts = path.split("/")
    swapped = ["Images" if part == "Annotations" else part for part in parts]
    likely = ["/".join(swapped), "/".join(part.lower() if part == "Images" else part for part in swapped), path]
    there = {posixpath.dirname(image) for image in drawn.files if layout.suffix(image) in layout.IMAGE_LIKE}
    named = (place for place in likely if posixpath.join(posixpath.dirname(place), written) in drawn.files)
    folder = (place for place in likely if posixpath.dirname(place) in there)
    return next(named, None) or next(folder, path)


def _image(drawn: Drawn, path: str, found: Record, written: str, beside: Sequence[str], folder: str) -> None:
    """`beside`: images that are called like the file of shapes and lie in `folder`, from which the name starts."""
    home = posixpath.relpath(folder or ".", drawn.root)
    plain = posixpath.normpath(posixpath.join(folder, written.replace("\\", "/")))
    other = next((image for image in beside if image != plain), None) if plain not in beside else None
    if other is not None and not is_absolute(written):
        there = plain in drawn.files
        more = ", which is there too" if there else ""
        kind = "other-file-name" if there else "wrong-file-name"
        key = "imagePath" if path.lower().endswith(".json") else "filename"
        detail = f"it says {key} {written!r}, and is called like {posixpath.basename(other)}{more}"
        drawn.fault(path, Fault(kind, found.image_line, detail))
        if not there:
            written, home = posixpath.relpath(other, drawn.root), ""
    copy = ", and the copy in imageData is all there is of it" if found.embedded else ""
    sample = drawn.image(
        written, drawn.split_of(path), folder=home, named=path, line=found.image_line,
        size=(found.width, found.height), instead=copy,
    )  # fmt: skip
    drawn.draw(sample, path, found.shapes)


def _labels(drawn: Drawn) -> tuple[str, list[str]] | None:
    """Path and lines of the list of labels nearest to the root, which converters are given."""
    found = [path for path in drawn.files if posixpath.basename(path) == "labels.txt"]
    for path in sorted(found, key=lambda path: (path.count("/"), path))[:1]:
        text = (drawn.source.read(path) or b"").decode("utf-8-sig", "replace")
        names = [line.strip() for line in text.splitlines() if line.strip()]
        return (display(path), names) if names else None
    return None
