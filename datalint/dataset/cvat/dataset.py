"""The dataset of CVAT at a root: images that its XML names, and the tables they fill."""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING

from datalint.dataset.cvat import described, record
from datalint.dataset.drawn import Drawn
from datalint.dataset.listing import listing
from datalint.dataset.splits import split_name
from datalint.entry import display
from datalint.errors import UnfinishedError, UsageError

if TYPE_CHECKING:
    from collections.abc import Collection

    from datalint.dataset.cvat.record import Image, Record
    from datalint.dataset.model import Dataset
    from datalint.dataset.options import Options
    from datalint.source import Source


def read(source: Source, root: str, options: Options) -> Dataset:
    """`root` is a folder or the XML file itself; see cvat.read for what it raises."""
    found = listing(source, root)
    paths = [found.path(path) for path in described(found)]
    if not paths:
        raise UsageError(f"{root} holds no XML file of CVAT", keys=("dataset", "format"))
    alone = len(found.files) == 1 and paths == [root]
    drawn = Drawn(source, posixpath.dirname(root) if alone else root, options)
    labels: dict[str, None] = {}
    for path in paths:
        content = drawn.content(path, record.MAX_BYTES)
        if content is None:
            continue
        held = record.parse(content)
        _refuse(path, held)
        labels |= dict.fromkeys(held.labels)
        _file(drawn, path, held)
    drawn.leftover(paths, "unlisted")
    return drawn.dataset("cvat", list(labels) or None)


def _refuse(path: str, held: Record) -> None:
    """What is not read, and would look like a dataset without annotations."""
    if held.tracks and not held.images:
        raise UnfinishedError(
            f"{display(path)} has {_many(held.tracks, 'track')} of a video, which this version does not read: "
            'nothing was judged; export it as "CVAT for images 1.1"'
        )
    if held.tags and not any(image.shapes for image in held.images):
        raise UnfinishedError(
            f"{display(path)} has {_many(held.tags, 'tag')} of whole images and no shape, which this version does not "
            "read: nothing was judged; export it as ImageNet, whose folders are classes"
        )


def _file(drawn: Drawn, path: str, held: Record) -> None:
    for fault in held.faults:
        drawn.fault(path, fault)
    if held.tags:
        drawn.notes.append(f"{_many(held.tags, 'tag')} of whole images in {display(path)}: not read")
    home = posixpath.relpath(posixpath.dirname(path) or ".", drawn.root)
    for image in held.images:
        if not image.name:
            continue
        split = _split(drawn, image)
        place = _place(image, home, drawn.finder.below)
        sample = drawn.image(place, split, named=path, line=image.line, size=(image.width, image.height))
        drawn.draw(sample, path, image.shapes)
        if held.labels:
            drawn.unlisted(path, image.shapes, held.labels, f"the labels of {posixpath.basename(path)}")


def _split(drawn: Drawn, image: Image) -> str | None:
    """The subset of a project's task, as the user names it where the configuration has splits."""
    declared = drawn.options.splits
    if declared is None:
        return None if image.subset is None or image.subset.lower() == "default" else split_name(image.subset)
    return declared.get(image.subset or "")


def _place(image: Image, home: str, there: Collection[str]) -> str:
    """From the root: `images/SUBSET/NAME` of a project, `images/NAME` of a task, else beside the XML."""
    folders = [f"images/{image.subset}"] if image.subset else []
    likely = [posixpath.normpath(posixpath.join(home, each, image.name)) for each in (*folders, "images", "")]
    return next((path for path in likely if path in there), likely[0])


def _many(number: int, what: str) -> str:
    return f"{number:,} {what}" if number == 1 else f"{number:,} {what}s"
