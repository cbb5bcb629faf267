"""The ImageFolder that lies one or more folders deeper than the folder that was named."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from datalint.dataset import layout
from datalint.dataset.splits import NEUTRAL, meaning, meanings
from datalint.entry import display

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from datalint.source import Source

_SHOWN = 3
"""Images elsewhere that are named."""
_MOST = 0.9
"""Share of all images that one place holds where the others are there by the way."""
# Folders of a repository whose pictures are for readers, not for training.
_BY_THE_WAY = frozenset(
    {"asset", "assets", "doc", "docs", "documentation", "example", "examples", "fig", "figs", "figure", "figures",
     "logo", "logos", "media", "notebook", "notebooks", "output", "outputs", "paper", "plots", "public", "readme",
     "report", "reports", "resources", "result", "results", "screenshot", "screenshots", "site", "static", "tests",
     "www"}
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Inside:
    """A dataset below the folder that was named; paths are relative to the source's base."""

    root: str
    elsewhere: tuple[str, ...] = ()
    """Images that are not in it."""

    @property
    def left_out(self) -> str:
        """Words for the images elsewhere; empty without any."""
        if not self.elsewhere:
            return ""
        number, first = len(self.elsewhere), ", ".join(map(display, self.elsewhere[:_SHOWN]))
        more = f" and {number - _SHOWN:,} more" if number > _SHOWN else ""
        return f"{number:,} {'image' if number == 1 else 'images'} elsewhere left out: {first}{more}"


def dataset_below(source: Source, root: str) -> str | None:
    """Path, from the source's base, of the one dataset below `root`; None where `root` itself is one, or nobody knows.

    The top of a repository that holds `images/train/cat/1.jpg` would be read as one class, `images`.
    """
    prefix, paths = _images(source, root)
    found = container({path.rpartition("/")[0] for path in paths})
    return None if found is None else prefix + found


def clear_place(source: Source, root: str) -> Inside | None:
    """The same, and also where a few images lie elsewhere, such as `docs/shot.jpg` beside `data/train/cat`."""
    below = dataset_below(source, root)
    if below is not None:
        return Inside(below)
    prefix, paths = _images(source, root)
    found = main_place(Counter(path.rpartition("/")[0] for path in paths))
    if found is None:
        return None
    return Inside(prefix + found, tuple(prefix + path for path in paths if not path.startswith(f"{found}/")))


def _images(source: Source, root: str) -> tuple[str, list[str]]:
    """What paths from the source's base begin with, and those of images below the root."""
    prefix = "" if root in ("", ".") else root.rstrip("/") + "/"
    paths = [entry.path[len(prefix) :] for entry in source.entries(root)]
    suffixes = layout.KERAS | layout.TORCHVISION
    return prefix, [path for path in paths if layout.suffix(path) in suffixes]


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


def main_place(folders: Mapping[str, int]) -> str | None:
    """The folder of class or split folders that holds nearly all images, where the others are there by the way.

    `folders`: those below the root that hold images directly, with their number. A class with a folder for each
    session beside a rare class looks the same, so something must tell: the inner folders are called like splits, the
    folder is called like data, or the others lie in no folder, in a hidden one or in one for documents.
    """
    total = sum(folders.values())
    here, found = "", None
    while True:
        below = Counter[str]()
        for folder, number in folders.items():
            if folder.startswith(here):
                below[folder[len(here) :].split("/", 1)[0]] += number
        name, most = max(below.items(), key=lambda item: item[1], default=("", 0))
        inside = {folder for folder in folders if folder.startswith(f"{here}{name}/")}
        direct = folders.get(f"{here}{name}", 0)
        place = container(inside) if name and direct <= (1 - _MOST) * total else None
        if most < _MOST * total or place is None or meaning(name) or name.startswith("."):
            return found
        if len(below) > 1 and not _tells(name, place, below, inside):
            return found
        here, found = f"{here}{name}/", place


def _tells(name: str, place: str, below: Collection[str], inside: Collection[str]) -> bool:
    """Whether the folder is a dataset and its neighbours are not its other classes."""
    children = {folder[len(place) + 1 :].split("/", 1)[0] for folder in inside if folder.startswith(f"{place}/")}
    if meanings(children) or any(word in NEUTRAL for word in name.lower().replace("-", "_").split("_")):
        return True
    others = set(below) - {name}
    return all(not other or other.startswith(".") or other.lower() in _BY_THE_WAY for other in others)
