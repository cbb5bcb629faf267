"""All files of annotations of a dataset -> its tables."""

from __future__ import annotations

import posixpath
from collections import defaultdict
from typing import TYPE_CHECKING

from datalint.dataset import layout
from datalint.dataset.coco import look
from datalint.dataset.coco.images import Images, archives, folder_around, folder_in
from datalint.dataset.coco.plan import Annotated, Plan, plan, single, split_of
from datalint.dataset.coco.reader import Found, Tables, read_file
from datalint.dataset.listing import listing
from datalint.dataset.model import Dataset, Rows, name_of, odd_entries
from datalint.entry import display
from datalint.errors import UnfinishedError, UsageError
from datalint.source.lfs import POINTER

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from datalint.dataset.coco.images import Find
    from datalint.dataset.listing import Listing
    from datalint.dataset.options import Options
    from datalint.source import Source
    from datalint.tables import Data


def read(source: Source, root: str, options: Options) -> Dataset:
    """Samples, annotations and classes of a folder, or of one file.

    Raises UsageError where there is no file of annotations, or several datasets, UnfinishedError where no file of
    annotations was fetched by git-lfs.
    """
    found = listing(source, root)
    alone = found.files == (posixpath.basename(root),) and found.path(found.files[0]) == root
    planned = single(found.files[0], options.splits) if alone else _planned(found, root, options)
    paths = {each.path: found.path(each.path) for each in planned.files}
    pointers = {path for path, full in paths.items() if source.read(full, limit=len(POINTER)) == POINTER}
    if pointers == paths.keys():
        first = paths[min(pointers)]
        raise UnfinishedError(
            f"{first} is a Git LFS pointer, its annotations are not here: `git lfs pull` fetches them"
        )
    tables, images, skipped = Tables(), Images(source, options.suffix), Rows("skipped")
    for each in planned.files:
        if each.path in pointers:
            skipped.add(path=display(paths[each.path]), suffix=".json", reason="lfs-pointer", split=each.split)
        else:
            _read_one(found, each, images, tables, options, alone=alone)
    if not alone:
        odd_entries(source.entries(root), tables.problems)
    if not alone and not pointers:
        _unlisted(found, images, skipped)
    samples, task = _with_labels(tables)
    return Dataset(
        name=posixpath.basename(root) if alone else name_of(root, source.base),
        format="coco",
        root=display(posixpath.dirname(root) if alone else root),
        manifest=display(root) if alone else None,
        files=images.files,
        samples=samples,
        classes=tables.classes.data(),
        folders=Rows("folders").data(),
        skipped=skipped.data(),
        problems=tables.problems.data(),
        annotations=tables.annotations.data(),
        task=task,
        assumptions=tuple(_assumptions(found, planned)),
    )


def _planned(found: Listing, root: str, options: Options) -> Plan:
    planned = plan(found, options.splits)
    if planned.panoptic is not None:
        raise UnfinishedError(
            f"{found.path(planned.panoptic)} holds COCO's panoptic segments, which this version does not read: nothing "
            "was judged; --format imagefolder judges the images as folders of classes"
        )
    if not planned.files:
        raise UsageError(f"no COCO annotations below {root}: a JSON file with `images`, `annotations` and `categories`")
    if len(planned.homes) > 1:
        several = ", ".join(found.path(home) for home in planned.homes[:5])
        raise UsageError(f"{len(planned.homes)} COCO datasets lie below {root} ({several}): check one of them")
    return planned


def _read_one(
    found: Listing, each: Annotated, images: Images, tables: Tables, options: Options, *, alone: bool
) -> None:
    full = found.path(each.path)
    place = found.source.spooled(full)
    if place is None:
        raise UsageError(f"{full} is no file that can be read")
    find: Find
    if options.files_root is not None:
        find = images.below(options.files_root)
    elif alone:
        split = split_of(posixpath.basename(full))
        find = images.below(folder_around(found.source, full, split, look.names(place)) or ".")
    else:
        folder = folder_in(found, each.path, each.split, look.names(place))
        find = images.below(found.root, folder, archives(found))
    with open(place, "rb") as file:
        read_file(file, Found(full, each.split, find, lines=alone), tables)


def _unlisted(found: Listing, images: Images, skipped: Rows) -> None:
    """Images beside those that the annotations list, which no loader sees."""
    listed = {entry.path for entry in images.files}
    folders = {posixpath.dirname(entry.path) for entry in images.files if entry.kind == "file"}
    for name in found.files:
        path = found.path(name)
        seen = path in listed or posixpath.basename(path).startswith(".") or posixpath.dirname(path) not in folders
        if not seen and layout.suffix(name) in layout.IMAGE_LIKE:
            skipped.add(path=display(path), suffix=layout.suffix(name), reason="unlisted")


def _with_labels(tables: Tables) -> tuple[Data, str]:
    """Samples and task: annotations that draw nothing are labels of whole images."""
    kinds, samples = tables.annotations.columns["kind"], tables.samples
    if not kinds or any(kind is not None for kind in kinds):
        return samples.data(), "detection"
    labels: dict[object, set[tuple[object, object]]] = defaultdict(set)
    of = tables.annotations.columns
    for sample, category, number in zip(of["sample_id"], of["category"], of["category_id"], strict=True):
        if category is not None:
            labels[sample].add((category, number))
    for sample, said in labels.items():
        if isinstance(sample, int) and len(said) == 1:
            [(samples.columns["label"][sample], samples.columns["label_index"][sample])] = said
    return samples.data(), "classification"


def _assumptions(found: Listing, planned: Plan) -> Iterator[str]:
    if planned.passed:
        yield (
            f"{_some(map(found.path, planned.passed))} {'is' if len(planned.passed) == 1 else 'are'} about the same "
            "images and not read: named as `dataset.path` it is judged instead"
        )
    named = [each for each in planned.files if each.split and split_of(each.split) is None]
    if named:
        yield (
            f"the name of a file or folder became a split: {_some(str(each.split) for each in named)} "
            "(say `dataset.splits` where it is another)"
        )


def _some(names: Iterable[str]) -> str:
    listed = list(names)
    return ", ".join(map(display, listed[:3])) + (f" and {len(listed) - 3} more" if len(listed) > 3 else "")
