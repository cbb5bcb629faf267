"""The dataset of Pascal VOC at a root: its homes, and the tables they fill."""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING

from datalint.dataset.listing import listing
from datalint.dataset.model import Dataset, Rows, name_of
from datalint.dataset.voc import find
from datalint.dataset.voc.reading import Reading
from datalint.entry import display

if TYPE_CHECKING:
    from datalint.dataset.options import Options
    from datalint.source import Source


def read(source: Source, root: str, options: Options) -> Dataset:
    """Images of the lists in ImageSets with their annotations; without lists every image below the root.

    Raises UsageError for a declared split that nothing is in.
    """
    found = listing(source, root)
    reading = Reading(source, posixpath.normpath(root or "."), options.splits)
    homes = find.homes(found)
    for home in homes:
        reading.home(posixpath.normpath(found.path(home)) if home else reading.root)
    if not homes:
        reading.loose()
    reading.others()
    reading.check_declared()
    return Dataset(
        name=name_of(root, source.base),
        format="voc",
        root=display(root),
        manifest=None,
        files=reading.finder.files,
        samples=reading.samples.data(),
        classes=reading.classes().data(),
        folders=Rows("folders").data(),
        skipped=reading.skipped.data(),
        problems=reading.problems.data(),
        annotations=reading.annotations.data(),
        task="detection",
        assumptions=tuple(reading.notes),
    )
