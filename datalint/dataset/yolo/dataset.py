"""The dataset of YOLO at a root: which description and labels, and the tables they fill."""

from __future__ import annotations

import posixpath
from dataclasses import replace
from typing import TYPE_CHECKING

from datalint.dataset.keys import check_splits
from datalint.dataset.listing import listing
from datalint.dataset.model import Dataset, Rows, name_of
from datalint.dataset.yolo import darknet, description, find
from datalint.dataset.yolo.description import Place
from datalint.dataset.yolo.places import by_description, by_folders
from datalint.dataset.yolo.reading import Reading
from datalint.dataset.yolo.tree import Tree, is_absolute
from datalint.entry import display

if TYPE_CHECKING:
    from collections.abc import Mapping

    from datalint.dataset.listing import Listing
    from datalint.dataset.options import Options
    from datalint.dataset.yolo.description import Description
    from datalint.dataset.yolo.places import Placed
    from datalint.source import Source


def read(source: Source, root: str, options: Options) -> Dataset:
    """Images of the splits that data.yaml names, with the lines of their label files.

    `root` is a folder or data.yaml itself. Raises UsageError where several datasets lie in it, and for a
    declared split that is not there.
    """
    found, chosen, said = _chosen(source, root)
    given = None if chosen is None else _description(found, chosen)
    tree = Tree(source, posixpath.normpath(found.root or "."))
    if options.splits:
        used = [name for name in options.splits if tree.exists(found.path(posixpath.normpath(name)))]
        check_splits(options.splits, used, sorted(tree.with_images), "folder or list of images")
        given = replace(given or description.Description(found.path("data.yaml")), root=None)
        home = posixpath.dirname(given.path)
        folders = [(posixpath.relpath(found.path(name), home or "."), split) for name, split in options.splits.items()]
        given = replace(given, places=[Place(split, folder, 1) for folder, split in folders])
    placed = (
        by_description(tree, given)
        if given is not None and given.places
        else by_folders(tree, split=options.splits is None)
    )
    if options.splits == {}:
        placed.images = [replace(image, split=None) for image in placed.images]
    if given is not None and given.names is None:
        given = replace(given, names=_names(found))
    reading = Reading(tree, placed, given, _names(found) if given is None else given.names)
    reading.run()
    return Dataset(
        name=name_of(found.root, source.base),
        format="yolo",
        root=display(found.root),
        manifest=None,
        files=reading.finder.files,
        samples=reading.samples.data(),
        classes=reading.classes().data(),
        folders=Rows("folders").data(),
        skipped=reading.skipped.data(),
        problems=reading.problems.data(),
        annotations=reading.annotations().data(),
        task="detection",
        assumptions=tuple(filter(None, (said, *placed.assumptions, *reading.notes))),
        leads_out=given is not None and _leads_out(given, placed),
    )


def _chosen(source: Source, root: str) -> tuple[Listing, str | None, str]:
    """The listing of the dataset's folder, its description, and what the user should know of the choice."""
    found = listing(source, root)
    if len(found.files) == 1 and found.path(found.files[0]) == root:
        return listing(source, posixpath.dirname(root) or "."), found.files[0], ""
    return found, *find.only_description(found)


def _description(found: Listing, chosen: str) -> Description:
    path = found.path(chosen)
    content = found.head(chosen, description.MAX_BYTES + 1)
    if chosen.lower().endswith(".data"):
        return darknet.parse(content, path, found.source.read)
    return description.parse(content, path)


def _leads_out(given: Description, placed: Placed) -> bool:
    """Whether a path may lead above the description's folder, be it to nothing as yet."""
    written = [place.written for place in given.places]
    return given.root is not None or any(image.manifest for image in placed.images) or any(map(_climbs, written))


def _climbs(written: str) -> bool:
    return is_absolute(written) or ".." in written.split("/")


def _names(found: Listing) -> Mapping[int, str] | None:
    """Of the file with a name a line that lies nearest to the root."""
    for path in find.named(found)[:1]:
        return darknet.class_names(found.head(path, description.MAX_BYTES))
    return None
