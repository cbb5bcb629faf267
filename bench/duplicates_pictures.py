"""Files of which it is known who is a copy of whom, made of the real pictures in `docs/corpora.md`.

Two files are copies when both stem from one picture: the picture itself, written as JPEG of quality 95 (PNG where it
was PNG), and what `TRANSFORMATIONS` makes of it. Everything else is no copy:

- two pictures of the corpora; `_COPIES` names those that are copies of one another (looked at, all pairs of 1,687
  pictures above a correlation of 0.85 at 24 x 24 in the eight orientations), and one file alone stands for several
  that are the same photograph: the augmentations of Roboflow (one name before `.rf.`) and those in `_SAME`;
- a tile and the picture that it was cut out of: it shows less than a tenth of it, and nobody removes a picture because
  a corner of it is a file of its own. Tiles of one picture do not overlap.

Plain pictures and tiles are left out: two white walls are equal and yet nobody can say whether they are copies.
"""

from __future__ import annotations

import json
import random
import re
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from PIL import Image, ImageDraw, ImageFont, ImageOps, ImageStat

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from pathlib import Path

ORIGINAL, TILE, REAL = "original", "tile", "copy in a corpus"
PLAIN = 8.0
"""Standard deviation in grey levels, at 64 x 64, below which a picture shows nothing to know it again by."""
_TILE = 160
"""Pixels a side; a tile has at most a tenth of the area of its picture."""
_TILES = 10
"""At most so many of one picture, or three photographs of 9 megapixels and one of 22 would be most of them."""
_QUALITY = 95

CORPORA = {
    "bccd-voc": "BCCD/JPEGImages/*.jpg",
    "cleanvision-images": "data/*.png",
    "exif-orientation": "*.jpg",
    "imagededup-images": "*_images/*.*",
    "rbc-coco": "*/*.jpg",
    "ships-yolo": "*/images/*.jpg",
    "signdigits-imagefolder": "*/**/*.JPG",
}
"""Folders that are read, and which of their files."""
_COPIES = (
    ("cleanvision-images/data/image_103.png", "cleanvision-images/data/image_408.png"),
    tuple(f"exif-orientation/Landscape_{tag}.jpg" for tag in range(9)),
    tuple(f"imagededup-images/mixed_images/ukbench00120{end}.jpg" for end in ("", "_hflip", "_resize")),
    tuple(f"imagededup-images/formats_images/ukbench09380.{suffix}" for suffix in ("jpeg", "webp")),
)
_SAME = {
    # The same bytes as another file.
    "cleanvision-images/data/image_236.png",
    *(f"signdigits-imagefolder/Examples/example_{digit}.JPG" for digit in (0, 1, 2, 7)),
    *(f"imagededup-images/formats_images/ukbench09380.{suffix}" for suffix in ("bmp", "png", "svg")),
    # The frame of BloodImage_00037, taken again.
    "bccd-voc/BCCD/JPEGImages/BloodImage_00038.jpg",
    # Turned by some 30 degrees, with black corners: beyond what any of the tools promises.
    "imagededup-images/mixed_images/ukbench00120_rotation.jpg",
    # Cannot be decoded.
    "imagededup-images/mixed_images/ukbench09268_corrupt.jpg",
}

_UNCUT = "cleanvision-images/data/image_591.png"
"""A drawing whose corners are equal once they are turned: its tiles would be copies of one another."""


@dataclass(frozen=True, slots=True)
class File:
    """`picture`: what it stems from, the same for copies; `kind`: ORIGINAL, TILE, REAL or the transformation's name."""

    name: str
    picture: str
    kind: str


@dataclass(frozen=True, slots=True)
class Made:
    """The files of `folder`; how many pictures and tiles were left out because they are plain."""

    files: tuple[File, ...]
    plain: int

    @property
    def distractors(self) -> int:
        """Files without a copy."""
        copied = {file.picture for file in self.files if file.kind not in (ORIGINAL, TILE)}
        return sum(file.picture not in copied for file in self.files)


def crop(percent: int) -> Callable[[Image.Image, random.Random], Image.Image]:
    """So much of each side in all, of which chance decides how much on the left and at the top."""

    def cut(image: Image.Image, chance: random.Random) -> Image.Image:
        lost = [max(1, round(side * percent / 100)) for side in image.size]
        left, top = (chance.randint(0, pixels) for pixels in lost)
        return image.crop((left, top, left + image.width - lost[0], top + image.height - lost[1]))

    return cut


def resized(factor: float) -> Callable[[Image.Image, random.Random], Image.Image]:
    return lambda image, _: image.resize(
        (max(1, round(image.width * factor)), max(1, round(image.height * factor))), Image.Resampling.BICUBIC
    )


def brighter(factor: float) -> Callable[[Image.Image, random.Random], Image.Image]:
    """Every channel multiplied and clipped, as the augmentations of the frameworks do."""
    return lambda image, _: image.point([min(255, round(level * factor)) for level in range(256)] * 3)


def turned(method: Image.Transpose) -> Callable[[Image.Image, random.Random], Image.Image]:
    return lambda image, _: image.transpose(method)


def grey(image: Image.Image, chance: random.Random) -> Image.Image:
    return image.convert("L")


def written(image: Image.Image, chance: random.Random) -> Image.Image:
    """White letters on black in one corner, some 15 % of the width."""
    marked = image.copy()
    draw, text = ImageDraw.Draw(marked), "sample"
    size = 4.0
    while draw.textlength(text, font=ImageFont.load_default(size + 1)) <= 0.15 * image.width:
        size += 1
    font = ImageFont.load_default(size)
    left, top, right, bottom = draw.textbbox((0, 0), text, font=font)
    width, height = round(right - left), round(bottom - top)
    x, y = chance.choice((1, image.width - width - 1)), chance.choice((1, image.height - height - 1))
    draw.rectangle((x - 1, y - 1, x + width, y + height), fill="black")
    draw.text((x - left, y - top), text, fill="white", font=font)
    return marked


RE_ENCODED = "JPEG quality 50"
GROUPS: Mapping[str, Mapping[str, Callable[[Image.Image, random.Random], Image.Image]]] = {
    RE_ENCODED: {RE_ENCODED: lambda image, _: image},
    "resized": {f"resized {factor:g}": resized(factor) for factor in (0.3, 0.5, 0.7, 0.9)},
    "orientation": {method.name.lower().replace("_", " "): turned(method) for method in Image.Transpose},
    "brightness": {"brightness x 0.8": brighter(0.8), "brightness x 1.2": brighter(1.2)},
    "grey": {"grey": grey},
    "crop 2 %": {"crop 2 %": crop(2)},
    "crop 5 %": {"crop 5 %": crop(5)},
    "text": {"text": written},
}
"""Rows of the table, and what each consists of."""
TRANSFORMATIONS = {name: make for members in GROUPS.values() for name, make in members.items()}


def make(corpora: Path, folder: Path, *, sources: int, seed: int) -> Made:
    """Write all files into the new `folder`, with `truth.jsonl` beside it; the same files for the same seed."""
    folder.mkdir(parents=True)
    writer = _Writer(folder)
    pictures = list(_pictures(corpora))
    chance = random.Random(seed)
    copied = {path for group in _COPIES for path in group}
    usable = [path for path in pictures if path not in copied and not _plain(_open(corpora / path))]
    chosen = set(_even(usable, sources, chance))
    real = [present for group in _COPIES if (present := [path for path in group if path in pictures])]
    for group in real:
        for path in group:
            writer.write((corpora / path).read_bytes(), group[0], ORIGINAL if path == group[0] else REAL, path)
    for path in usable:
        image = _open(corpora / path)
        writer.save(image, path, ORIGINAL, path)
        if path in chosen:
            for name, transform in TRANSFORMATIONS.items():
                writer.save(transform(image, chance), path, name, path)
    plain = len(pictures) - len(usable) - len(copied & set(pictures))
    for path in [*usable, *(group[0] for group in real)]:
        if path == _UNCUT:
            continue
        image = _open(corpora / path)
        for number, tile in enumerate(_tiles(image, chance)):
            if _plain(tile):
                plain += 1
            else:
                writer.save(tile, f"{path}#{number}", TILE, path)
    folder.with_name("truth.jsonl").write_text("".join(f"{json.dumps(asdict(file))}\n" for file in writer.files))
    return Made(tuple(writer.files), plain)


class _Writer:
    """Numbers the files, so that no tool can read anything from a name."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.files: list[File] = []

    def save(self, image: Image.Image, picture: str, kind: str, path: str) -> None:
        suffix = "png" if path.endswith("png") and kind != RE_ENCODED else "jpg"
        name = f"{len(self.files):06}.{suffix}"
        image.save(self.folder / name, quality=50 if kind == RE_ENCODED else _QUALITY)
        self.files.append(File(name, picture, kind))

    def write(self, content: bytes, picture: str, kind: str, path: str) -> None:
        """As it is, with its EXIF."""
        name = f"{len(self.files):06}.{path.rpartition('.')[2]}"
        (self.folder / name).write_bytes(content)
        self.files.append(File(name, picture, kind))


def _pictures(corpora: Path) -> Iterator[str]:
    """Paths within `corpora`, in order, one of each photograph."""
    for corpus, pattern in CORPORA.items():
        seen: set[str] = set()
        for path in sorted((corpora / corpus).glob(pattern)):
            relative = path.relative_to(corpora).as_posix()
            photograph = re.sub(r"\.rf\..*", "", path.name) if ".rf." in path.name else relative
            if photograph not in seen and relative not in _SAME and "nested" not in relative:
                seen.add(photograph)
                yield relative


def _even(paths: Iterable[str], count: int, chance: random.Random) -> list[str]:
    """`count` of them, of each corpus as many as of any other as long as it has some."""
    queues: dict[str, list[str]] = {}
    for path in paths:
        queues.setdefault(path.split("/")[0], []).append(path)
    for queue in queues.values():
        chance.shuffle(queue)
    found: list[str] = []
    while len(found) < count and any(queues.values()):
        found += [queue.pop() for queue in queues.values() if queue]
    return found[:count]


def _open(path: Path) -> Image.Image:
    """Upright RGB."""
    with Image.open(path) as image:
        return ImageOps.exif_transpose(image).convert("RGB")


def _plain(image: Image.Image) -> bool:
    small = image.convert("L").resize((64, 64), Image.Resampling.BOX)
    return ImageStat.Stat(small).stddev[0] < PLAIN


def _tiles(image: Image.Image, chance: random.Random) -> Iterator[Image.Image]:
    if image.width * image.height < 10 * _TILE**2:
        return
    corners = [
        (x, y)
        for y in range(0, image.height - _TILE + 1, _TILE)
        for x in range(0, image.width - _TILE + 1, _TILE)
    ]  # fmt: skip
    chance.shuffle(corners)
    for x, y in corners[:_TILES]:
        yield image.crop((x, y, x + _TILE, y + _TILE))
