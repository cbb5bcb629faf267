"""Makes `examples/flowers/`: a small image-classification dataset with the flaws that datasets really have.

Seeded, so that everyone gets the same pictures. PLANTED says what is wrong, where, and how it came about;
`tests/test_example.py` holds `datalint check` to exactly that list.
"""

from __future__ import annotations

import math
import shutil
import struct
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

HERE = Path(__file__).parent
SEED = 20

COUNTS = {
    "train": {"daisy": 60, "dandelion": 56, "rose": 58, "sunflower": 54, "tulip": 2},
    "val": {"daisy": 16, "rose": 16, "sunflower": 16, "tulip": 16},
}


@dataclass(frozen=True, slots=True)
class Flaw:
    """A rule that must fire, what its finding must name (paths, or a class), and what happened."""

    rule: str
    names: tuple[str, ...]
    how: str


PLANTED = (
    Flaw("truncated-image", ("train/daisy/0007.jpg",), "the download stopped after 60 % of the file"),
    Flaw("damaged-image", ("train/rose/0011.jpg",), "a bad disk block: 2,048 zero bytes in the middle"),
    Flaw("empty-file", ("train/dandelion/0003.jpg",), "the disk was full when it was written"),
    Flaw("not-an-image", ("train/sunflower/0005.jpg",), "the server answered with an HTML error page"),
    Flaw("misnamed-image", ("train/daisy/0019.jpg",), "a PNG that somebody renamed"),
    Flaw("cmyk-image", ("train/rose/0021.jpg",), "exported for print"),
    Flaw("sixteen-bit-image", ("train/daisy/0023.png",), "straight from a scientific camera"),
    Flaw("animated-image", ("train/sunflower/0009.gif",), "a clip among pictures: decodes to 4 dimensions"),
    Flaw("crlf-mangled-image", ("train/dandelion/0013.png",), "committed under `* text=auto`"),
    Flaw("lfs-pointer", ("train/rose/0031.jpg",), "cloned without `git lfs pull`"),
    Flaw("rotated-by-exif", ("train/dandelion/0017.jpg",), "a phone held upright: EXIF orientation 6"),
    Flaw("same-image-two-labels", ("train/rose/0040.jpg", "train/sunflower/0040.jpg"), "labelled twice"),
    Flaw("duplicate-across-splits", ("train/daisy/0050.jpg", "val/daisy/0002.jpg"), "split once more"),
    Flaw("path-case-collision", ("train/sunflower/IMG_0030.jpg",), "one file on macOS and Windows"),
    Flaw("hidden-class-folder", ("train/.ipynb_checkpoints",), "Jupyter was here; torchvision sees a class"),
    Flaw("empty-class", ("violet",), "the folder was made, the pictures never came"),
    Flaw("class-missing-in-split", ("dandelion",), "no dandelion in val"),
    Flaw("class-index-shift", ("rose",), "without dandelion, rose is 2 in train and 1 in val"),
    Flaw("rare-class", ("tulip",), "two pictures to learn from"),
    Flaw("class-skew", ("tulip",), "two tulips, sixty daisies"),
    Flaw("os-junk", ("train/.DS_Store",), "somebody looked at it in Finder"),
    Flaw("ignored-suffix", ("train/rose/0060.heic",), "the phone's own format, which no loader lists"),
)


def main(folder: Path = HERE / "flowers") -> None:
    if folder == HERE / "flowers":
        shutil.rmtree(folder, ignore_errors=True)
    draw_dataset(folder)
    plant(folder)
    files = [path for path in folder.rglob("*") if path.is_file()]
    size = sum(path.stat().st_size for path in files)
    print(f"made {folder.name}/: {len(files)} files, {size / 1e6:.1f} MB, {len(PLANTED)} planted flaws")


def draw_dataset(folder: Path, counts: Mapping[str, Mapping[str, int]] = COUNTS) -> None:
    """Sound pictures, `split/class/0000.jpg`, each from its own seed."""
    number = 0
    for split, classes in counts.items():
        for label, count in classes.items():
            (folder / split / label).mkdir(parents=True)
            for index in range(count):
                number += 1
                picture = draw(label, np.random.default_rng((SEED, number)))
                picture.save(folder / split / label / f"{index:04}.jpg", quality=84)


@dataclass(frozen=True, slots=True)
class Flower:
    """Petals as (fewest, most), their width over their length, colours of petals, heart and surroundings."""

    petals: tuple[int, int]
    slim: float
    petal: tuple[int, int, int]
    heart: tuple[int, int, int]
    heart_size: float
    around: tuple[int, int, int]


FLOWERS = {
    "daisy": Flower((14, 20), 0.22, (244, 242, 236), (236, 188, 40), 0.30, (84, 138, 62)),
    "dandelion": Flower((34, 44), 0.10, (246, 206, 30), (232, 172, 20), 0.22, (70, 128, 48)),
    "rose": Flower((9, 13), 0.75, (196, 28, 58), (140, 10, 40), 0.24, (40, 88, 50)),
    "sunflower": Flower((20, 28), 0.28, (250, 190, 20), (86, 52, 24), 0.46, (120, 164, 206)),
    "tulip": Flower((5, 6), 0.62, (220, 70, 120), (244, 214, 120), 0.14, (104, 120, 66)),
}


def draw(label: str, rng: np.random.Generator) -> Image.Image:
    """One flower before a blurred background, in changing light; sides of 160 to 320 pixels."""
    flower = FLOWERS[label]
    width, height = (int(side) for side in rng.integers(160, 321, 2))
    image = background(flower.around, width, height, rng)
    canvas = ImageDraw.Draw(image)
    middle = (width * rng.uniform(0.4, 0.6), height * rng.uniform(0.38, 0.55))
    radius = min(width, height) * rng.uniform(0.28, 0.42)
    stem = (middle[0] + rng.uniform(-0.2, 0.2) * width, height)
    canvas.line((middle, stem), fill=(52, 104, 44), width=max(3, int(radius / 9)))
    count = int(rng.integers(*flower.petals, endpoint=True))
    turn = rng.uniform(0, math.tau)
    for ring, scale in enumerate((1.0, 0.72)):
        for index in range(count):
            angle = turn + math.tau * (index + ring / 2) / count + rng.normal(0, 0.04)
            length = radius * scale * rng.uniform(0.9, 1.08)
            shade = rng.uniform(0.82, 1.06) * (1 - 0.12 * ring)
            fill = tuple(min(255, int(value * shade)) for value in flower.petal)
            canvas.polygon(petal(middle, angle, length, flower.slim), fill=fill, outline=darker(fill))
    core = radius * flower.heart_size
    box = (middle[0] - core, middle[1] - core, middle[0] + core, middle[1] + core)
    canvas.ellipse(box, fill=flower.heart)
    for _ in range(int(core * 2)):
        away, angle = core * math.sqrt(rng.uniform(0, 0.9)), rng.uniform(0, math.tau)
        grain = (middle[0] + away * math.cos(angle), middle[1] + away * math.sin(angle))
        canvas.point(grain, fill=darker(flower.heart))
    return in_light(image, rng)


def background(colour: tuple[int, int, int], width: int, height: int, rng: np.random.Generator) -> Image.Image:
    """Coarse noise around a colour, out of focus, with blades or petals of neighbours."""
    coarse = np.array(colour) + rng.normal(0, 28, (6, 6, 1)) + rng.normal(0, 12, (6, 6, 3))
    image = Image.fromarray(coarse.clip(0, 255).astype(np.uint8))
    image = image.resize((width, height), Image.Resampling.BICUBIC)
    canvas = ImageDraw.Draw(image)
    for _ in range(int(rng.integers(8, 26))):
        x, y = rng.uniform(0, width), rng.uniform(height * 0.3, height)
        tip = (x + rng.normal(0, width / 8), y - rng.uniform(0.1, 0.4) * height)
        shade = tuple(int(value) for value in (np.array(colour) * rng.uniform(0.5, 1.3)).clip(0, 255))
        canvas.line(((x, y), tip), fill=shade, width=int(rng.integers(1, 6)))
    return image.filter(ImageFilter.GaussianBlur(rng.uniform(1.0, 2.5)))


def petal(middle: tuple[float, float], angle: float, length: float, slim: float) -> list[tuple[float, float]]:
    """Outline of an ellipse that reaches from the middle outwards."""
    points = []
    for step in range(16):
        turn = math.tau * step / 16
        along = length * (0.5 + 0.5 * math.cos(turn))
        across = length * slim * 0.5 * math.sin(turn)
        points.append(
            (
                middle[0] + along * math.cos(angle) - across * math.sin(angle),
                middle[1] + along * math.sin(angle) + across * math.cos(angle),
            )
        )
    return points


def darker(colour: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(int(value * 0.72) for value in colour)


def in_light(image: Image.Image, rng: np.random.Generator) -> Image.Image:
    """Exposure, a bright side, and the grain of a small sensor."""
    pixels = np.asarray(image, dtype=np.float32)
    height, width = pixels.shape[:2]
    slope = rng.uniform(-0.18, 0.18, 2)
    light = 1 + slope[0] * np.linspace(-1, 1, width) + slope[1] * np.linspace(-1, 1, height)[:, None]
    grain = rng.normal(0, 4, (height, width, 1))
    lit = pixels * (light * rng.uniform(0.85, 1.12))[..., None] + grain
    return Image.fromarray(lit.clip(0, 255).astype(np.uint8))


def plant(folder: Path) -> None:
    """Break what PLANTED lists."""
    train = folder / "train"
    spoil_bytes(train)
    spoil_format(train)
    spoil_split(folder)


def spoil_bytes(train: Path) -> None:
    short = train / "daisy/0007.jpg"
    data = short.read_bytes()
    short.write_bytes(data[: len(data) * 6 // 10])
    holed = train / "rose/0011.jpg"
    data = holed.read_bytes()
    start = len(data) // 2
    holed.write_bytes(data[:start] + bytes(2048) + data[start + 2048 :])
    (train / "dandelion/0003.jpg").write_bytes(b"")
    (train / "sunflower/0005.jpg").write_text(
        "<!DOCTYPE html>\n<html><head><title>429 Too Many Requests</title></head>\n"
        "<body><h1>429 Too Many Requests</h1><p>Please slow down.</p></body></html>\n",
        newline="\n",
    )
    (train / "rose/0031.jpg").write_text(
        "version https://git-lfs.github.com/spec/v1\n"
        "oid sha256:4d7a214614ab2935c943f9e0ff69d22eadbb8f32b1258daaa5e2ca24d17e2393\n"
        "size 24031\n",
        newline="\n",
    )


def spoil_format(train: Path) -> None:
    misnamed = train / "daisy/0019.jpg"
    with Image.open(misnamed) as picture:
        picture.load()
    picture.save(misnamed, format="PNG")
    printed = train / "rose/0021.jpg"
    with Image.open(printed) as picture:
        cmyk = picture.convert("CMYK")
    cmyk.save(printed, quality=84)
    replace(train / "daisy/0023.jpg", ".png", save_sixteen_bit)
    replace(train / "sunflower/0009.jpg", ".gif", save_animated)
    replace(train / "dandelion/0013.jpg", ".png", save_mangled)
    rotated = train / "dandelion/0017.jpg"
    with Image.open(rotated) as picture:
        turned = picture.transpose(Image.Transpose.ROTATE_90)
    exif = Image.Exif()
    exif[0x0112] = 6
    turned.save(rotated, quality=84, exif=exif)
    header = struct.pack(">I4s4sI4s4s", 24, b"ftyp", b"heic", 0, b"mif1", b"heic")
    (train / "rose/0060.heic").write_bytes(header)


def spoil_split(folder: Path) -> None:
    train, val = folder / "train", folder / "val"
    shutil.copyfile(train / "rose/0040.jpg", train / "sunflower/0040.jpg")
    shutil.copyfile(train / "daisy/0050.jpg", val / "daisy/0002.jpg")
    (train / "sunflower/0030.jpg").rename(train / "sunflower/IMG_0030.jpg")
    if not (train / "sunflower/img_0030.JPG").exists():
        (train / "sunflower/0031.jpg").rename(train / "sunflower/img_0030.JPG")
    (train / ".ipynb_checkpoints").mkdir()
    shutil.copyfile(train / "rose/0002.jpg", train / ".ipynb_checkpoints/0002-checkpoint.jpg")
    (train / "violet").mkdir()
    (train / ".DS_Store").write_bytes(b"\x00\x00\x00\x01Bud1\x00\x00\x10\x00" + bytes(6132))


def replace(path: Path, suffix: str, save: Callable[[Image.Image, Path], None]) -> None:
    """Save a picture under another suffix and drop the original."""
    with Image.open(path) as picture:
        picture.load()
    path.unlink()
    save(picture, path.with_suffix(suffix))


def save_sixteen_bit(picture: Image.Image, path: Path) -> None:
    deep = np.asarray(picture.convert("L"), dtype=np.uint16) * 257
    Image.fromarray(deep).save(path)


def save_animated(picture: Image.Image, path: Path) -> None:
    frames = [picture.rotate(turn).quantize(64) for turn in (0, 8, 16)]
    frames[0].save(path, save_all=True, append_images=frames[1:], duration=120, loop=0)


def save_mangled(picture: Image.Image, path: Path) -> None:
    """What git stores when it takes a PNG for text: every CRLF becomes LF, the one in the signature too."""
    picture.save(path)
    path.write_bytes(path.read_bytes().replace(b"\r\n", b"\n"))


if __name__ == "__main__":
    main(*(Path(word) for word in sys.argv[1:2]))
