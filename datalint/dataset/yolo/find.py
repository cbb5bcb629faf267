"""Where a folder says that it is YOLO: a data.yaml, Darknet's obj.data, or labels beside images."""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING

from datalint.dataset import layout
from datalint.dataset.yolo import darknet, description
from datalint.dataset.yolo.lines import is_labels
from datalint.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from datalint.dataset.listing import Listing

HEAD = 1 << 14
_DEEPEST = 3
"""Folders below the root in which a description is looked for."""
_MOST = 50
"""YAML files that are opened; a repository may hold thousands."""
NAMES = ("classes.txt", "obj.names", "predefined_classes.txt")
"""Files with a class name a line: of LabelImg, of Darknet."""
_NO_LABELS = frozenset({*NAMES, "classes.names", "notes.txt", "readme.txt", "license.txt", "requirements.txt"})


def clue(listing: Listing) -> str | None:
    """The path that gives the layout away, relative to the listing's root."""
    if not listing.has_images:
        return next((path for path in described(listing) if listing.files == (path,)), None)
    labels = (path for path in listing.ending(".txt") if path.endswith(".txt"))
    found = next((path for path in labels if images_of(path) in listing.folders), None)
    if found is None and _beside(listing):
        found = next(iter((*described(listing), *named(listing))), None)
    return found


def described(listing: Listing) -> Sequence[str]:
    """Descriptions, those nearest to the root first, data.yaml before others."""
    return list(_described(listing))


def _described(listing: Listing) -> Iterator[str]:
    likely = [path for path in listing.ending(".yaml", ".yml", ".data") if path.count("/") <= _DEEPEST]
    likely.sort(key=lambda path: (path.count("/"), posixpath.splitext(posixpath.basename(path))[0] != "data", path))
    for path in likely[:_MOST]:
        head, name = listing.head(path, HEAD), posixpath.basename(path).lower()
        if darknet.looks_like_one(head) if name.endswith(".data") else description.looks_like_one(head, name=name):
            yield path


def only_description(listing: Listing) -> tuple[str | None, str]:
    """The description to read, and what the user should know of the choice.

    Raises UsageError where several datasets lie below the root.
    """
    found = described(listing)
    if not found:
        return None, ""
    first = found[0]
    homes = sorted({posixpath.dirname(path) for path in found if path.count("/") == first.count("/")})
    if len(homes) > 1:
        paths = ", ".join(path for path in found if path.count("/") == first.count("/"))
        raise UsageError(f"{len(homes)} YOLO datasets lie here: {paths}", hint="name one of them")
    beside = [path for path in found[1:] if posixpath.dirname(path) == homes[0]]
    return first, f"{first} was read, and not {', '.join(beside)}: name the one that you train on" if beside else ""


def named(listing: Listing) -> Sequence[str]:
    """Files with a class name a line, nearest first."""
    texts = listing.ending(".txt", ".names")
    found = [path for path in texts if posixpath.basename(path) in NAMES or path.endswith(".names")]
    return sorted(found, key=lambda path: (path.count("/"), path))


def images_of(path: str) -> str | None:
    """`train/images` for `train/labels/1.txt`, `images/train` for `labels/train/1.txt`."""
    parts = path.split("/")[:-1]
    if "labels" not in parts:
        return None
    at = len(parts) - 1 - parts[::-1].index("labels")
    return "/".join((*parts[:at], "images", *parts[at + 1 :]))


def labels_home(folder: str) -> str | None:
    """What lies above the last folder `labels` of a path: `train` for `train/labels`; None without one."""
    above, found, _ = f"/{folder}/".rpartition("/labels/")
    return above[1:] if found else None


def may_be_labels(path: str) -> bool:
    """Whether a text file is not known to be something else."""
    return path.endswith(".txt") and posixpath.basename(path).lower() not in _NO_LABELS


def _beside(listing: Listing) -> bool:
    """Whether a text file of numbers is called like an image."""
    texts = [path for path in listing.ending(".txt") if may_be_labels(path)]
    if not texts:
        return False
    stems = {_stem(path) for path in listing.files if layout.suffix(path) in layout.IMAGE_LIKE}
    likely = (path for path in texts if _stem(path) in stems)
    return any(is_labels(listing.head(path, HEAD)) for path, _ in zip(likely, range(_MOST), strict=False))


def _stem(path: str) -> str:
    return posixpath.splitext(posixpath.basename(path))[0]
