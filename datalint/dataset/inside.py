"""The ImageFolder that lies one or more folders deeper than the folder that was named."""

from __future__ import annotations

from typing import TYPE_CHECKING

from datalint.dataset import layout
from datalint.dataset.splits import meanings

if TYPE_CHECKING:
    from collections.abc import Collection

    from datalint.source import Source


def dataset_below(source: Source, root: str) -> str | None:
    """Path, from the source's base, of the one dataset below `root`; None where `root` itself is one, or nobody knows.

    The top of a repository that holds `images/train/cat/1.jpg` would be read as one class, `images`.
    """
    prefix = "" if root in ("", ".") else root.rstrip("/") + "/"
    paths = [entry.path[len(prefix) :] for entry in source.entries(root)]
    images = layout.KERAS | layout.TORCHVISION
    found = container({path.rpartition("/")[0] for path in paths if layout.suffix(path) in images})
    return None if found is None else prefix + found


def container(with_images: Collection[str]) -> str | None:
    """The folder that holds class or split folders, where the root holds nothing but it; relative to the root.

    `with_images`: folders below the root that hold images directly. One class alone cannot be trained on, so a single
    folder of several folders with images is taken for their container.
    """
    here = ""
    while True:
        below = {folder[len(here) :] for folder in with_images if folder.startswith(here)}
        names = {folder.split("/", 1)[0] for folder in below} - {""}
        if here.rstrip("/") in with_images or any(name.startswith(".") for name in names):
            return None
        if len(names) > 1 or meanings(names):
            return here.rstrip("/") or None
        if not names:
            return None
        here += names.pop() + "/"
