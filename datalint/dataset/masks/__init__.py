"""Semantic segmentation: a folder of images and one of masks, paired by the names of the files.

`images/` and `masks/`, `train/` and `trainannot/`, `leftImg8bit/` and `gtFine/`, `JPEGImages/` and
`SegmentationClass/`, with splits above or below.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from datalint.dataset import layout
from datalint.dataset.keys import check_splits
from datalint.dataset.listing import listing
from datalint.dataset.masks import classes as lists
from datalint.dataset.masks import drawing, pairs
from datalint.dataset.model import Dataset, Rows, name_of, odd_entries
from datalint.dataset.splits import declared_folder, meaning, meanings, split_name
from datalint.entry import display
from datalint.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from datalint.dataset.listing import Listing
    from datalint.dataset.masks.pairs import Pairing
    from datalint.dataset.options import Options
    from datalint.entry import Entry
    from datalint.source import Source

_SUFFIXES = layout.KERAS | layout.TORCHVISION
_LOSSY = frozenset({".jpg", ".jpeg"})
_SURE = 0.5
"""Share of masks that must have an image for a folder to be one of masks."""
_LARGEST = 1 << 20


def recognise(listing: Listing) -> str | None:
    """The first folder of masks that are no JPEGs, most of which have an image of their name.

    Where its name only contains a word for masks, nearly all have, and they are drawn beside images that are not.
    """
    by_name = next(pairs.folders({*listing.folders, ""}), None) is not None
    if not by_name and not any(map(pairs.says_masks, listing.folders)):
        # Nothing is called so: nobody need look at a million names.
        return None
    by_folder = _by_folder(listing.files)
    for found in _sure(by_folder):
        if not _lossy(by_folder[found.masks]):
            return found.masks
    return next((found.masks for found in _worded(listing, by_folder)), None)


def _lossy(of_masks: Sequence[str]) -> bool:
    return 2 * sum(layout.suffix(path) in _LOSSY for path in of_masks) >= len(of_masks)


def _worded(listing: Listing, by_folder: Mapping[str, list[str]]) -> list[Pairing]:
    """Folders whose names only contain words for masks, and whose files leave no doubt."""
    return [
        found
        for found in _likely(by_folder)
        if not _lossy(by_folder[found.masks])
        and drawing.all_drawn(listing, by_folder[found.masks])
        and drawing.none_drawn(listing, by_folder[found.images])
    ]


def _likely(by_folder: Mapping[str, list[str]]) -> list[Pairing]:
    """Such folders by the names of their files alone, where those are the names of one other folder."""
    found: defaultdict[str, list[Pairing]] = defaultdict(list)
    for images, masks in pairs.worded(by_folder):
        pairing = pairs.pair(images, masks, by_folder[images], by_folder[masks])
        if pairs.one_to_one(pairing):
            found[masks].append(pairing)
    return [each[0] for each in found.values() if len(each) == 1]


def _pairings(by_folder: Mapping[str, list[str]]) -> list[Pairing]:
    return [
        pairs.pair(images, masks, by_folder[images], by_folder[masks]) for images, masks in pairs.folders(by_folder)
    ]


def _sure(by_folder: Mapping[str, list[str]]) -> list[Pairing]:
    """Folders most of whose files have an image of their name."""
    return [found for found in _pairings(by_folder) if len(found.alone) <= _SURE * len(by_folder[found.masks])]


def _without_masks(by_folder: Mapping[str, list[str]], found: Sequence[Pairing]) -> list[str]:
    """Images of splits that have no folder of masks at all."""
    taken = {folder for each in found for folder in (each.images, each.masks)}
    above = {each.images.rpartition("/")[0] for each in found}
    return [
        path
        for folder, paths in by_folder.items()
        if folder not in taken
        and (
            any(part.lower() in pairs.IMAGES for part in folder.split("/"))
            or (folder.rpartition("/")[0] in above and meaning(folder.rpartition("/")[2]) is not None)
        )
        for path in paths
    ]


def _by_folder(files: Sequence[str]) -> Mapping[str, list[str]]:
    """Image files that lie directly in each folder."""
    found: defaultdict[str, list[str]] = defaultdict(list)
    for path in files:
        folder, _, name = path.rpartition("/")
        if layout.suffix(path) in _SUFFIXES and not name.startswith("."):
            found[folder].append(path)
    return found


def read(source: Source, root: str, options: Options) -> Dataset:
    """Samples are the images; masks have a table of their own. Raises UsageError where no folder is one of masks."""
    there = listing(source, root)
    by_folder = _by_folder(there.files)
    found = _sure(by_folder) or _worded(there, by_folder) or _pairings(by_folder) or _likely(by_folder)
    if not found:
        raise UsageError(
            f"no folder of masks beside one of images in {root}",
            hint=f"folders of images are {', '.join(pairs.IMAGES)}; of masks {', '.join(pairs.MASKS)}",
        )
    entries = {entry.path: entry for entry in source.entries(root)}
    problems = Rows("problems")
    odd_entries([*entries.values()], problems)
    samples, rows = Rows("samples"), Rows("masks")
    files: list[Entry] = []
    masks: list[Entry] = []
    numbers: dict[str, int] = {}
    stated = _classes(there)
    listed = _listed(there)
    paired = {image for each in found for image in each.of_image}
    # `images_prepped_train` is a split where `images_prepped_test` is one too.
    means = meanings({part for each in found for folder in (each.images, each.masks) for part in folder.split("/")})
    for image in sorted(paired.union(_without_masks(by_folder, found))):
        name = image.rpartition("/")[2].rpartition(".")[0]
        if listed and name not in listed:
            continue
        split = _listed_split(listed[name], options) if listed else _split(image, options, means)
        path = there.path(image)
        numbers[image] = len(files)
        files.append(entries[path])
        samples.add(sample_id=numbers[image], file_id=numbers[image], path=display(path), split=split)
    above = {path.rpartition("/")[0] for path in paired}
    there_are = {*above, *(part for folder in above for part in folder.split("/")), *filter(None, listed.values())}
    used = {name for name in options.splits or () if name in there_are or any(map(_below(name), above))}
    check_splits(options.splits, used, there_are, "folder or list of images")
    splits = samples.columns["split"]
    for mask, of in _masks(found):
        if of is not None and of not in numbers:
            continue
        number = None if of is None else numbers[of]
        rows.add(
            mask_id=len(masks), sample_id=number, path=display(there.path(mask)), kind=pairs.kind(mask),
            split=_split(mask, options, means) if number is None else splits[number],
            class_list=stated and display(stated.file), n_classes=stated and len(stated.names),
        )  # fmt: skip
        masks.append(entries[there.path(mask)])
    return Dataset(
        name=name_of(root, source.base),
        format="masks",
        root=display(root),
        manifest=None,
        files=files,
        samples=samples.data(),
        classes=Rows("classes").data(),
        folders=Rows("folders").data(),
        skipped=Rows("skipped").data(),
        problems=problems.data(),
        masks=masks,
        mask_rows=rows.data(),
        mask_classes=stated,
        task="segmentation",
        assumptions=tuple(_notes(found, stated)),
    )


def _masks(found: Sequence[Pairing]) -> list[tuple[str, str | None]]:
    """Every mask once, with its image where any folder has it."""
    of: dict[str, str | None] = {}
    for pairing in found:
        of.update({mask: None for mask in pairing.alone if mask not in of})
        of.update({mask: image for image, masks in pairing.of_image.items() for mask in masks})
    return sorted(of.items())


def _split(path: str, options: Options, means: Mapping[str, str]) -> str | None:
    """By the first folder that is called like one; `trainannot` is `train`."""
    if options.splits == {}:
        return None
    folder = path.rpartition("/")[0]
    name = declared_folder(folder, options.splits or {})
    if name is not None:
        return (options.splits or {})[name]
    for part in folder.split("/"):
        said = (options.splits or {}).get(part) or meaning(part.removesuffix("annot")) or means.get(part)
        if said is not None:
            return display(split_name(said))
    return None


def _listed_split(split: str | None, options: Options) -> str | None:
    """Of a list of Pascal VOC, as the user calls it."""
    if options.splits is None or split is None:
        return split
    return options.splits.get(split, split) if options.splits else None


def _below(name: str) -> Callable[[str], bool]:
    return lambda folder: declared_folder(folder, {name: ""}) is not None


def _listed(there: Listing) -> dict[str, str | None]:
    """Images that Pascal VOC segments, a part of all that lie there, with their split; empty without such lists."""
    found: dict[str, str | None] = {}
    for path in there.files:
        if "ImageSets/Segmentation/" in path and path.endswith(".txt"):
            text = (there.source.read(there.path(path)) or b"").decode("utf-8", "surrogateescape")
            # `trainval` is no split: its parts are.
            split = meaning(path.rpartition("/")[2].removesuffix(".txt"))
            found.update((name, split or found.get(name)) for name in text.split())
    return found


def _classes(there: Listing) -> lists.Classes | None:
    """The first list at the root that can be read."""
    for name in there.files:
        if lists.is_list(name):
            found = lists.parse(name, there.source.read(there.path(name), limit=_LARGEST) or b"")
            if found is not None:
                return found
    return None


def _notes(found: Sequence[Pairing], stated: lists.Classes | None) -> list[str]:
    pairs_ = ", ".join(display(f"{each.masks} of {each.images}") for each in found[:3])
    more = f" and {len(found) - 3} more" if len(found) > 3 else ""
    names = f"{len(stated.names)} classes from {display(stated.file)}" if stated else (
        "no list of classes was found at the root (classes.txt, labelmap.txt, ...): values were not compared with one"
    )  # fmt: skip
    return [f"masks: {pairs_}{more}", names]
