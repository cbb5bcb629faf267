"""What the folders of an ImageFolder mean: splits, classes, or neither.

With a first-level folder whose name means a split (train, val2017, seg_test, ...), those are the splits, and so is a
neighbour that holds the same classes. But such a folder among others that look just like it and are no split is a
class (`bus`, `car`, `train`). Else, with images in first-level folders, those are the classes. Else it is an
unlabelled folder of images: every file is a sample without a class.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from datalint.dataset import layout
from datalint.dataset.splits import NEUTRAL, meaning, meanings, split_name

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence


@dataclass(frozen=True, slots=True)
class Place:
    """Where a folder stands in the layout."""

    split: str | None
    label: str | None
    junk: bool = False
    """An operating system made it, or one above it."""
    linked: bool = False
    """A symbolic link leads to it from a folder that the loader walks."""


@dataclass(frozen=True, slots=True)
class Layout:
    splits: Mapping[str, str]
    """Folder that holds the classes -> split; empty without splits."""
    labelled: bool

    def above(self, folder: str) -> str | None:
        """The split folder that a folder is, or lies in."""
        return next((above for above in self.splits if folder == above or folder.startswith(f"{above}/")), None)

    def holds_classes(self, folder: str) -> bool:
        """Whether the loader is pointed at it and lists its folders."""
        return folder in self.splits if self.splits else not folder


def plan(with_images: Collection[str], folders: Sequence[str], declared: Mapping[str, str] | None = None) -> Layout:
    """`with_images`: folders that hold images of any loader directly; `folders`: all, both below the root.

    `declared`: folder -> split, where the user says it; empty where they say that there are none.
    """
    first = {folder for folder in folders if "/" not in folder and folder.lower() not in layout.OS_JUNK_FOLDERS}
    above_images = {folder.split("/", 1)[0] for folder in with_images if folder} & first
    below = {folder.split("/", 1)[0] for folder in folders if "/" in folder}
    if declared:
        return _split({folder: split for folder, split in declared.items() if folder in folders}, folders)
    named = meanings(first) if declared is None else {}
    classes = _classes_below(first, with_images)
    if named.keys() & (above_images | below) and not _are_classes(named, classes, with_images):
        shared = {name for folder in named for name in classes.get(folder, ())}
        alike = {folder for folder, names in classes.items() if folder not in named and names & shared}
        found = _splits({**named, **{folder: folder for folder in alike}})
        inner = {_inside(folder, split, classes.get(folder, ()), with_images): split for folder, split in found.items()}
        return _split(inner, folders)
    return Layout({}, labelled=any(not name.startswith(".") for name in above_images))


def _split(splits: Mapping[str, str], folders: Sequence[str]) -> Layout:
    labelled = any(folder.rpartition("/")[0] in splits and "/." not in folder for folder in folders)
    return Layout(splits, labelled)


def _inside(folder: str, split: str, classes: Collection[str], with_images: Collection[str]) -> str:
    """A split folder, or the one in it that holds the classes: `seg_train/seg_train`, `train/images`.

    Only where the inner one says nothing of its own: a class with a folder for each session is one class.
    """
    name = next(iter(classes)) if len(classes) == 1 else ""
    below = f"{folder}/{name}/"
    deeper = {path[len(below) :].split("/", 1)[0] for path in with_images if path.startswith(below)}
    empty_word = name == folder or name.lower() in NEUTRAL or meaning(name) == split
    return below[:-1] if empty_word and len(deeper) > 1 and below[:-1] not in with_images else folder


def place(layout_: Layout, folder: str, links: Collection[str] = ()) -> Place:
    """Where a folder (below the root, empty for it) stands; `links` are folders that are symbolic links."""
    parts = folder.split("/") if folder else []
    junk = any(part.lower() in layout.OS_JUNK_FOLDERS for part in parts)
    above = layout_.above(folder)
    given = (0 if above is None else above.count("/") + 1) + layout_.labelled
    linked = any("/".join(parts[:depth]) in links for depth in range(given + 1, len(parts) + 1))
    if layout_.splits and above is None:
        return Place(None, None, junk, linked)
    below = parts if above is None else parts[above.count("/") + 1 :]
    split = None if above is None else layout_.splits[above]
    return Place(split, below[0] if layout_.labelled and below else None, junk, linked)


def _classes_below(first: Collection[str], with_images: Collection[str]) -> dict[str, set[str]]:
    """Visible first-level folder -> its visible folders that hold images at any depth."""
    found: dict[str, set[str]] = {}
    for folder in with_images:
        parts = folder.split("/")
        if len(parts) > 1 and parts[0] in first and not any(part.startswith(".") for part in parts):
            found.setdefault(parts[0], set()).add(parts[1])
    return found


def _are_classes(named: Mapping[str, str], classes: Mapping[str, set[str]], with_images: Collection[str]) -> bool:
    """Whether folders called like splits are classes: they look like neighbours that no split is called.

    `train` beside `bus` and `car` is a vehicle, whether all hold images (`test`, `dev` and `prod` may be machines) or
    one session each (`train/s1`, `bus/s1`).
    """
    flat = {name for name in with_images if name and "/" not in name and not name.startswith(".")} - classes.keys()
    if not named.keys() & classes.keys():
        one = len(named.keys() & flat) == 1 or "train" not in named.values()
        return one and bool(flat & named.keys()) and bool(flat - named.keys())
    inside = {name for folder in named for name in classes.get(folder, ())}
    return len(named) == 1 and len(inside) == 1 and any(classes[other] == inside for other in classes.keys() - named)


def _splits(folders: Mapping[str, str]) -> dict[str, str]:
    """Folder -> split. Of `val` and `dev` only one is the validation split: the other keeps its own name."""
    found: dict[str, str] = {}
    for folder in sorted(folders, key=lambda name: (name != folders[name], split_name(name) != folders[name], name)):
        found[folder] = folder if folders[folder] in found.values() else folders[folder]
    return dict(sorted(found.items()))
