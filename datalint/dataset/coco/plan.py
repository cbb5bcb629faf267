"""Which files of a folder hold its annotations, which split each is, and where its images lie."""

from __future__ import annotations

import posixpath
import re
from collections import Counter, defaultdict
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from datalint.dataset import layout
from datalint.dataset.coco import look
from datalint.dataset.keys import check_splits
from datalint.dataset.splits import SPLITS
from datalint.source.lfs import POINTER

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

    from datalint.dataset.listing import Listing

_DEEPEST = 2
"""Folders between the root and a file of annotations."""
_MANY = 20
"""JSON files of one folder above which each describes an image of its own (Labelme)."""
_EXPORT = "_annotations.coco.json"
_OFFICIAL = re.compile(r"(instances|person_keypoints|stuff)_.+\.json")
_KINDS = ("instances", "person_keypoints", "keypoints", "stuff")
"""What files of one folder and split are about, the first that is there being read."""
_HOLDERS = frozenset({"annotation", "annotations", "coco", "json", "labels"})
_WORDS = re.compile(r"[^\W\d_]+")
_SAMPLE = 50
"""Names of images by which their folder is found."""


@dataclass(frozen=True, slots=True)
class Annotated:
    """A file of annotations, relative to the root."""

    path: str
    split: str | None


@dataclass(frozen=True, slots=True)
class Plan:
    files: Sequence[Annotated]
    passed: Sequence[str] = ()
    """COCO files that are not read because another one is about the same images."""
    homes: Sequence[str] = ()
    """Folders that each hold a dataset of their own; one, where there is one dataset."""
    panoptic: str | None = None
    """The first file of panoptic segments, where there is nothing else."""


def first(listing: Listing) -> str | None:
    """The first file of annotations, where there is one dataset."""
    found = plan(listing)
    if len(found.homes) > 1:
        return None
    return found.files[0].path if found.files else found.panoptic


def plan(listing: Listing, declared: Mapping[str, str] | None = None) -> Plan:
    """Files to read. `declared`: path, folder or name of a file -> split; empty where there are no splits.

    Raises UsageError for one that no file has.
    """
    looked = list(_candidates(listing))
    found = [path for path, kind in looked if kind != "panoptic"]
    homes = sorted({home(path) for path in found})
    if len(homes) > 1 and all(path.endswith(_EXPORT) for path in found):
        # Folders with names of their own, each with its export: they are the splits.
        homes = sorted({posixpath.dirname(each) for each in homes})
    kept = _one_kind(found)
    splits = _splits(kept, declared)
    files = [Annotated(path, splits[path]) for path in kept]
    panoptic = next((path for path, _ in looked), None) if not found else None
    return Plan(files, [path for path, _ in looked if path not in splits], homes, panoptic)


def _candidates(listing: Listing) -> Iterator[tuple[str, look.Kind]]:
    """JSON files that are COCO by a look at their head, or by their name where they are damaged or not fetched."""
    paths = [path for path in listing.ending(".json") if path.count("/") <= _DEEPEST and "/." not in f"/{path}"]
    many = Counter(posixpath.dirname(path) for path in paths)
    for path in paths:
        named = path.endswith(_EXPORT) or (
            _OFFICIAL.fullmatch(posixpath.basename(path)) is not None
            and posixpath.basename(posixpath.dirname(path)) == "annotations"
        )
        if not named and many[posixpath.dirname(path)] > _MANY:
            continue
        head = listing.head(path, look.HEAD)
        if head.startswith(POINTER):
            if named:
                yield path, "cut"
            continue
        kind = look.kind_of(head, partial(_from_annotations, listing, path))
        if kind in ("instances", "panoptic") or (named and kind == "cut"):
            yield path, kind


def _from_annotations(listing: Listing, path: str) -> bytes:
    place = listing.source.spooled(listing.path(path))
    return b"" if place is None else look.from_annotations(place)


def home(path: str) -> str:
    """The folder of the dataset that a file of annotations belongs to, empty for the root."""
    folder = posixpath.dirname(path)
    while folder and (posixpath.basename(folder).lower() in _HOLDERS or split_of(posixpath.basename(folder))):
        folder = posixpath.dirname(folder)
    return folder


def split_of(name: str) -> str | None:
    """The split that one word of a name means: `instances_train2017`, `valid`."""
    words = {SPLITS[word] for word in _WORDS.findall(name.lower()) if word in SPLITS}
    return words.pop() if len(words) == 1 else None


def _own_split(path: str) -> str | None:
    stem = posixpath.splitext(posixpath.basename(path))[0]
    return split_of(stem) or split_of(posixpath.basename(posixpath.dirname(path)))


def _one_kind(paths: Sequence[str]) -> list[str]:
    """Of files about the same images (instances and keypoints of a split) one; of all and its splits the splits."""
    groups: dict[tuple[str, str | None], list[str]] = defaultdict(list)
    for path in paths:
        groups[posixpath.dirname(path), _own_split(path)].append(path)
    kept: list[str] = []
    for (folder, split), alike in groups.items():
        if split is None and any(other == folder and name is not None for other, name in groups):
            continue
        ranks = [_rank(path) for path in alike]
        if split is not None or min(ranks) < len(_KINDS):
            kept.append(alike[ranks.index(min(ranks))])
        else:
            kept += alike
    return sorted(kept)


def _rank(path: str) -> int:
    name = posixpath.basename(path)
    return next((rank for rank, kind in enumerate(_KINDS) if name.startswith(kind)), len(_KINDS))


def _splits(paths: Sequence[str], declared: Mapping[str, str] | None) -> dict[str, str | None]:
    if declared == {}:
        return dict.fromkeys(paths)
    found: dict[str, str | None] = {}
    used = set()
    for path in paths:
        name = next((name for name in _names(path) if name in (declared or {})), None)
        used.add(name)
        found[path] = _own_split(path) if name is None or declared is None else declared[name]
    check_splits(declared, {name for name in used if name}, paths, "file of annotations")
    nameless = [path for path, split in found.items() if split is None]
    if len(paths) > 1:
        for path in nameless:
            stem = posixpath.splitext(posixpath.basename(path))[0]
            folder = posixpath.basename(posixpath.dirname(path))
            found[path] = folder if path.endswith(_EXPORT) and folder else stem
    return found


def _names(path: str) -> tuple[str, ...]:
    """What a file of annotations may be declared by."""
    name = posixpath.basename(path)
    return path, posixpath.dirname(path), name, posixpath.splitext(name)[0]


def single(path: str, declared: Mapping[str, str] | None) -> Plan:
    """The plan where one file is the dataset: it has a split where the user says so."""
    return Plan([Annotated(path, _splits([path], declared)[path] if declared else None)])


def folders_to_try(path: str, split: str | None) -> list[str]:
    """Where the images of a file of annotations may lie, relative to the same place as it, likeliest first."""
    folder = posixpath.dirname(path)
    stem = posixpath.splitext(posixpath.basename(path))[0]
    # instances_train2017 is about train2017.
    tails = dict.fromkeys([stem.rpartition("_")[2], stem, *([split] if split else [])])
    if split:
        tails |= dict.fromkeys(word for word, meant in SPLITS.items() if meant == split)
    places = [folder]
    for above in dict.fromkeys((folder, home(path) if folder else "..")):
        for inner in ("", "images", "img", "imgs", "data", "JPEGImages"):
            base = posixpath.normpath(posixpath.join(above, inner))
            places += [base, *(posixpath.join(base, tail) for tail in tails)]
            places += [posixpath.join(base, tail, "images") for tail in tails] if not inner else []
    return list(dict.fromkeys("" if place == "." else posixpath.normpath(place) for place in places))


def folder_by_names(files: Collection[str], names: Sequence[str]) -> str | None:
    """The folder below which most of the named images lie, wherever that is."""
    wanted = {posixpath.basename(name): name for name in names}
    hits = Counter(
        path[: -len(name)].rstrip("/")
        for path in files
        if (name := wanted.get(posixpath.basename(path))) and (path == name or path.endswith(f"/{name}"))
    )
    return max(hits, key=lambda folder: (hits[folder], -len(folder))) if hits else None


def usable(names: Sequence[str]) -> list[str]:
    """Some names that can be looked for: relative, and of images."""
    images = layout.IMAGE_LIKE
    fine = [name for name in names if layout.suffix(name) in images and not name.startswith("/") and ".." not in name]
    step = max(1, len(fine) // _SAMPLE)
    return fine[::step][:_SAMPLE]
