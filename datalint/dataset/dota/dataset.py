"""The dataset of DOTA at a root: images, their label files, and the tables they fill."""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING

from datalint.dataset.dota import is_home, lines
from datalint.dataset.drawn import Drawn
from datalint.dataset.model import Fault
from datalint.dataset.voc.pairs import Pairs

if TYPE_CHECKING:
    from datalint.dataset.model import Dataset
    from datalint.dataset.options import Options
    from datalint.source import Source


def read(source: Source, root: str, options: Options) -> Dataset:
    """Images of folders where some have labels, and of splits; the label file of an image lies in the nearest home."""
    drawn = Drawn(source, root, options)
    labels = {path for path in drawn.files if path.lower().endswith(".txt") and is_home(posixpath.dirname(path))}
    pairs = Pairs([path for path in drawn.files if not path.lower().endswith(".txt") or path in labels], suffix=".txt")
    labelled = {posixpath.dirname(image) for image in pairs.images if pairs.annotation_of(image)}
    taken = set()
    for image in pairs.images:
        path, split = pairs.annotation_of(image), drawn.split_of(image)
        # A picture in a folder where none has labels is there for readers, unless it is a split.
        if path is None and split is None and posixpath.dirname(image) not in labelled:
            continue
        sample = drawn.image(posixpath.relpath(image, drawn.root), split)
        if path is not None:
            taken.add(path)
            _labels(drawn, sample, path)
    for path in sorted(labels - taken):
        drawn.fault(path, Fault("label-without-image", 1, "no image is called like it"))
        _labels(drawn, None, path)
    drawn.leftover(labels, "documentation")
    return drawn.dataset("dota", None)


def _labels(drawn: Drawn, sample: int | None, path: str) -> None:
    content = drawn.content(path, lines.MAX_BYTES)
    found = lines.parse(content or b"")
    for fault in found.faults:
        drawn.fault(path, fault)
    drawn.draw(sample, path, found.shapes)
