"""Photo-like pictures, seeded, as dense as real ones.

The cost of a JPEG is that of its bytes, so the density decides every ratio. 1,000 photographs of ImageNet hold 0.54
bytes per pixel; full HD at quality 85 0.18, PNG 1.8. The exponent and the qualities below give these densities.
"""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray


_EXPONENT = 1.4
"""Of the fall of the amplitude spectrum; natural scenes lie between 0.8 and 1.5 (Tolhurst, Tadmor and Chao 1992)."""


def photo(rng: np.random.Generator, width: int, height: int) -> Image.Image:
    """A picture whose amplitude spectrum falls as a power of the frequency, with a few edges and a little grain."""
    fy, fx = np.fft.fftfreq(height)[:, None], np.fft.rfftfreq(width)[None, :]
    falloff = np.maximum(np.hypot(fy, fx), 1.0 / max(width, height)) ** -_EXPONENT
    shared = _field(rng, falloff, height, width)
    planes = [0.85 * shared + 0.3 * _field(rng, falloff, height, width) for _ in range(3)]
    pixels = np.stack(planes, axis=-1)
    for _ in range(6):
        x, y = int(rng.integers(0, width)), int(rng.integers(0, height))
        pixels[y : y + int(rng.integers(20, height)), x : x + int(rng.integers(20, width))] += rng.normal(0, 0.5, 3)
    pixels += rng.normal(0, 0.01, pixels.shape)
    return Image.fromarray(np.clip(pixels * 48 + 120, 0, 255).astype(np.uint8))


def _field(rng: np.random.Generator, falloff: NDArray[np.float64], height: int, width: int) -> NDArray[np.float64]:
    noise = rng.normal(size=falloff.shape) + 1j * rng.normal(size=falloff.shape)
    field = np.fft.irfft2(noise * falloff, s=(height, width))
    result: NDArray[np.float64] = (field - field.mean()) / field.std()
    return result


def make(folder: Path, *, scale: float = 1.0) -> dict[str, int]:
    """1,950 mixed files at scale 1: photographs, small JPEGs, near-duplicates, exact copies, HD, PNG, WebP."""
    rng = np.random.default_rng(20261124)
    counts = {name: max(1, int(n * scale)) for name, n in PLAN.items()}
    folder.mkdir(parents=True)
    photos: list[Path] = []
    for number in range(counts["photo"]):
        path = folder / f"photo{number:05}.jpg"
        width, height = (500, 375) if rng.random() < 0.75 else (375, 500)
        photo(rng, width, height).save(path, quality=int(rng.integers(91, 97)), subsampling=0)
        photos.append(path)
    for number in range(counts["small"]):
        photo(rng, 500, 375).save(folder / f"small{number:05}.jpg", quality=82)
    for number in range(counts["near"]):
        with Image.open(photos[number % len(photos)]) as image:
            image.save(folder / f"near{number:05}.jpg", quality=70)
    for number in range(counts["copy"]):
        shutil.copy(photos[number % len(photos)], folder / f"copy{number:05}.jpg")
    for number in range(counts["hd"]):
        photo(rng, 1920, 1080).save(folder / f"hd{number:05}.jpg", quality=85)
    for number in range(counts["png"]):
        photo(rng, 500, 375).save(folder / f"png{number:05}.png")
    for number in range(counts["webp"]):
        photo(rng, 500, 375).save(folder / f"webp{number:05}.webp", quality=94)
    return counts


PLAN = {"photo": 1000, "small": 300, "near": 300, "copy": 50, "hd": 100, "png": 100, "webp": 100}
