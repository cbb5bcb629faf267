"""Which folder holds the masks of which folder of images, and which mask belongs to which image, by their names."""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

IMAGES = ("images", "image", "imgs", "img", "jpegimages", "leftimg8bit", "rgb", "input", "inputs")
MASKS = (
    "masks", "mask", "labels", "label", "annotations", "annotation", "segmentationclass", "segmentationobject",
    "gtfine", "gtcoarse", "gt", "ground_truth", "groundtruth", "segmentation", "segmentations",
)  # fmt: skip
_ANNOT = "annot"
"""SegNet's CamVid: `trainannot` beside `train`."""
_OF_MASK = re.compile(
    r"^(?:gt|mask|label|seg)[_-]|"
    r"(?:[_.-](?:masks?|labels?|seg|segmentation|gt|annotation|groundtruth|lab|l|p|manual1|"
    r"(?:gtfine_|gtcoarse_)?(?:labelids|labeltrainids|instanceids|instancetrainids|color)))$",
    re.IGNORECASE,
)
_OF_IMAGE = re.compile(r"^(?:image|img|frame)[_-]|[_.-](?:image|img|sat|rgb|leftimg8bit|training)$", re.IGNORECASE)
_INSTANCES = re.compile(r"instance(?:train)?ids$", re.IGNORECASE)
_COLOURS = re.compile(r"[_-]color$", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Pairing:
    """Images of one folder, each with its masks, and masks without one. Paths are relative to the root."""

    images: str
    masks: str
    of_image: Mapping[str, Sequence[str]]
    alone: Sequence[str]
    """Masks whose image is not there."""


def means_masks(name: str) -> bool:
    """Whether a column of images is called like one of masks (`mask`, `label`, `segmentation_mask`)."""
    lower = name.lower()
    return lower in MASKS or lower.endswith(("_mask", "_masks", "_label", "_segmentation"))


def kind(path: str) -> str:
    """What the numbers in a mask mean, by its name: classes, instances, or colours for people to look at."""
    stem = _stem(path)
    folder = path.rpartition("/")[0].lower()
    if _INSTANCES.search(stem) or "segmentationobject" in folder.split("/"):
        return "instances"
    return "colours" if _COLOURS.search(stem) else "classes"


def folders(with_images: Collection[str]) -> Iterator[tuple[str, str]]:
    """Folder of images and that of their masks, of folders that hold image files.

    Masks may lie one folder deeper: `annotations/trimaps` beside `images` (Oxford-IIIT Pet).
    """
    beside: defaultdict[tuple[str, str], list[str]] = defaultdict(list)
    for folder in sorted(with_images):
        for before, part, after in _parts(folder):
            beside[before, after].append(part)
    for folder in sorted(with_images):
        for before, part, after in _parts(folder):
            for name in beside[before, after]:
                if (part.lower() in MASKS and name.lower() in IMAGES) or part == name + _ANNOT:
                    yield f"{before}{name}{after}", folder
            if part.lower() in MASKS and after.count("/") == 1:
                yield from ((f"{before}{name}", folder) for name in beside[before, ""] if name.lower() in IMAGES)


def _parts(folder: str) -> Iterator[tuple[str, str, str]]:
    """Each part of a path, with what stands before and after it."""
    parts = folder.split("/")
    for place, part in enumerate(parts):
        before, after = "/".join(parts[:place]), "/".join(parts[place + 1 :])
        yield before + "/" * bool(before), part, "/" * bool(after) + after


def pair(images: str, masks: str, of_images: Sequence[str], of_masks: Sequence[str]) -> Pairing:
    """By the whole stem, else by what is left of it without the words that people add to tell the two apart."""
    stems = {_stem(path): path for path in of_images}
    keys: dict[str, str] = {}
    for path in of_images:
        keys.setdefault(_key(path, _OF_IMAGE), path)
    found: dict[str, list[str]] = {path: [] for path in of_images}
    alone = []
    for path in of_masks:
        image = stems.get(_stem(path)) or stems.get(_key(path, _OF_MASK)) or keys.get(_key(path, _OF_MASK))
        if image is None:
            alone.append(path)
        else:
            found[image].append(path)
    return Pairing(images, masks, found, alone)


def _stem(path: str) -> str:
    return path.rpartition("/")[2].rpartition(".")[0]


def _key(path: str, words: re.Pattern[str]) -> str:
    return words.sub("", _stem(path)) or _stem(path)
