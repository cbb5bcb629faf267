"""Whole pictures of every common kind, as dense as photographs: what the damage is done to."""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

from tests.facts.pictures import chunk, encoded, header, png

if TYPE_CHECKING:
    from pathlib import Path

_SUFFIXES = {".jpg", ".jpeg", ".png", ".gif", ".webp"}


def photo(width: int, height: int, *, seed: int) -> Image.Image:
    """Noise of several scales, stronger the coarser, as in natural scenes."""
    rng = np.random.default_rng(seed)
    total = np.full((height, width, 3), 128.0)
    for cells, strength in ((4, 60), (12, 30), (40, 14), (120, 7)):
        coarse = Image.fromarray(rng.integers(0, 256, (cells, cells, 3), dtype=np.uint8))
        total += (np.asarray(coarse.resize((width, height), Image.Resampling.BICUBIC)) - 128.0) * strength / 64
    total += rng.normal(0, 1.5, total.shape)
    return Image.fromarray(np.clip(total, 0, 255).astype(np.uint8))


def originals() -> dict[str, bytes]:
    """Name (with the format as its suffix) -> bytes, each between 10 and 150 KB."""
    made = {}
    settings: list[tuple[int, dict[str, Any]]] = [
        (75, {}),
        (80, {"subsampling": 0}),
        (88, {"subsampling": 1}),
        (92, {"subsampling": 0}),
        (95, {}),
        (75, {"progressive": True}),
        (85, {"progressive": True, "subsampling": 0}),
        (92, {"progressive": True, "optimize": True}),
        (85, {"optimize": True}),
        (85, {"restart_marker_rows": 1}),
        (90, {"restart_marker_blocks": 7}),
        (85, {"exif": _orientation(6)}),
        (88, {"comment": b"made by hand\r\n"}),
        (90, {"dpi": (300, 300), "icc_profile": bytes(3000)}),
    ]
    for number, (quality, options) in enumerate(settings):
        wide, high = ((440, 328), (333, 447), (256, 256))[number % 3]
        picture = photo(wide, high, seed=number)
        made[f"colour{number}.jpeg"] = encoded(picture, "JPEG", quality=quality, **options)
        if number % 3 == 0:
            made[f"grey{number}.jpeg"] = encoded(picture.convert("L"), "JPEG", quality=quality + 4, **options)
    for number, mode in enumerate(("RGB", "L", "RGBA", "LA", "P", "I;16", "RGB")):
        picture = photo(160, 120, seed=100 + number)
        if mode == "I;16":
            picture = Image.fromarray(np.asarray(picture.convert("L"), dtype=np.uint16) * 257)
        made[f"{mode.replace(';', '')}{number}.png"] = encoded(
            picture if mode == "I;16" else picture.convert(mode), "PNG", compress_level=number
        )
    for mode, colour in (("RGB", 2), ("L", 0)):
        made[f"interlaced{mode}.png"] = _interlaced(photo(160, 120, seed=120 + colour).convert(mode), colour)
    for number in range(2):
        made[f"{number}.gif"] = encoded(photo(200, 152, seed=300 + number).quantize(128), "GIF")
    for number in range(3):
        picture = photo(200, 152, seed=200 + number)
        made[f"{number}.bmp"] = encoded(picture.resize((100, 76)), "BMP")
        made[f"{number}.webp"] = encoded(picture.resize((320, 240)), "WEBP", quality=90, lossless=number == 2)
    clear = photo(240, 180, seed=210).convert("RGBA")
    clear.putalpha(photo(240, 180, seed=211).convert("L"))
    made["clear.webp"] = encoded(clear, "WEBP", quality=90, exif=_orientation(3))
    return made


def _interlaced(picture: Image.Image, colour: int) -> bytes:
    """Adam7, which Pillow does not write (PNG specification, 8.2)."""
    pixels = np.asarray(picture)
    starts = ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2))
    rows = (row for left, top, across, down in starts for row in pixels[top::down, left::across])
    body = zlib.compress(b"".join(b"\0" + row.tobytes() for row in rows))
    return png(header(*picture.size, 8, colour, 0, 0, 1), chunk(b"IDAT", body), chunk(b"IEND"))


def _orientation(value: int) -> Image.Exif:
    exif = Image.Exif()
    exif[0x0112] = value
    return exif


_CORPORA = (
    ("cleanvision-images", 10),
    ("imagededup-images", 20),
    ("signdigits-imagefolder", 8),
    ("bccd-voc", 5),
    ("ships-yolo", 5),
)
"""Folder and about how many pictures of it."""


def real(corpora: Path) -> dict[str, bytes]:
    """Photographs and drawings of those corpora that are there, between 9 and 200 KB."""
    found = []
    for folder, number in _CORPORA:
        files = sorted(path for path in (corpora / folder).rglob("*") if path.suffix.lower() in _SUFFIXES)
        small = [path for path in files if 9_000 < path.stat().st_size < 200_000]
        found += small[:: max(1, len(small) // number)]
    return {str(path.relative_to(corpora)): path.read_bytes() for path in found}
