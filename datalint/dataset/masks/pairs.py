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
_OF_IMAGE = re.compile(r"^(?:image|img|frame)[_-]|[_.-](?:image|img|sat|rgb|leftimg8bit|training|0000)$", re.IGNORECASE)
"""nnU-Net: `0000` is the number of the channel."""
_WORD = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])|[0-9]+")
_SAYS_MASKS = re.compile(r"mask|label|annot|trimap|ground.?truth|segmentation|(?<![a-z])gt(?![a-z])", re.IGNORECASE)
"""Any word for masks within a name, whole or not; `gt` is in Washington too."""
_NO_CLASS = frozenset(
    {"masks", "labels", "annot", "annots", "annotation", "annotations", "trimap", "trimaps", "groundtruth", "gt",
     "segmentation", "segmentations"}
)  # fmt: skip
"""Words for masks that no class is called; `mask` and `label` are also what a picture shows."""
_OF_MASKS = _NO_CLASS | {"mask", "label", "image", "images"}
_OF_IMAGES = frozenset(
    {"image", "images", "img", "imgs", "frame", "frames", "original", "originals", "photo", "photos", "picture",
     "pictures", "raw", "rgb", "input", "inputs"}
)  # fmt: skip
_MASKS_PAIRED, _IMAGES_PAIRED = 0.95, 0.75
"""Of folders that only contain words for masks: shares with a counterpart. Some images of Montgomery and Shenzhen have
no mask."""
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


def says_masks(folder: str) -> bool:
    """Whether any part of a path contains a word for masks."""
    return _SAYS_MASKS.search(folder) is not None


def worded(with_images: Collection[str]) -> Iterator[tuple[str, str]]:
    """Folder of images and one beside it that may hold their masks, by words within their names.

    `train` and `train_masks`, `imagesTr` and `labelsTr`, `Original` and `Ground Truth`; not `mask` and `no_mask`. Their
    files have to tell whether it is so.
    """
    beside: defaultdict[tuple[str, str], list[str]] = defaultdict(list)
    for folder in sorted(with_images):
        for before, part, after in _parts(folder):
            beside[before, after].append(part)
    for folder in sorted(filter(says_masks, with_images)):
        for before, part, after in _parts(folder):
            yield from (
                (f"{before}{name}{after}", folder) for name in beside[before, after] if _belong_together(name, part)
            )


def _belong_together(images: str, masks: str) -> bool:
    """Two names that say the same but for the words for images and masks, or that need say no more than those."""
    words, of_masks = _words(images), _words(masks)
    if says_masks(images) or not says_masks(masks) or not of_masks & (_OF_MASKS - _OF_IMAGES):
        return False
    left, rest = words - _OF_IMAGES, of_masks - _OF_MASKS
    # Of `train_images` and `val_masks` both say more, and not the same.
    return left == rest or not left or (not rest and bool(words & _OF_IMAGES or of_masks & _NO_CLASS))


def _words(name: str) -> set[str]:
    return {word.lower() for word in _WORD.findall(re.sub("ground.?truth", "groundtruth", name, flags=re.IGNORECASE))}


def one_to_one(found: Pairing) -> bool:
    """Whether nearly every mask has an image, most images have one mask, and none has several."""
    counts = [len(masks) for masks in found.of_image.values() if masks]
    paired, masks = sum(counts), sum(counts) + len(found.alone)
    few = len(counts) < _IMAGES_PAIRED * len(found.of_image)
    return bool(counts) and max(counts) == 1 and paired >= _MASKS_PAIRED * masks and not few


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
