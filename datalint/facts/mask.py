"""What a segmentation mask holds: the numbers that are stored, before any palette turns them into colours."""

from __future__ import annotations

import io
import json
import warnings
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from datalint.facts.extract import extract

if TYPE_CHECKING:
    from typing import Any

    from datalint.facts.model import Facts

LISTED = 300
"""Values that are listed: more than any class list has; a byte holds 256."""


def extract_mask(data: bytes) -> Facts:
    """The facts of a picture, and its values where Pillow decodes it. Raises only MemoryError."""
    facts = extract(data)
    if not facts.pillow:
        return facts
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with Image.open(io.BytesIO(data)) as image:
            pixels = np.asarray(image)
    if pixels.ndim == 2 and pixels.dtype.kind in "bui":
        found = np.unique(pixels.astype(np.int64) if pixels.dtype.kind == "b" else pixels)
        facts.mask_min, facts.mask_max = int(found[0]), int(found[-1])
        _list(facts, found, [int(value) for value in found[:LISTED]])
    elif pixels.ndim == 3 and pixels.shape[2] in (3, 4) and pixels.dtype == np.uint8:
        wide = pixels[:, :, :3].astype(np.uint32)
        found = np.unique(wide[:, :, 0] << 16 | wide[:, :, 1] << 8 | wide[:, :, 2])
        _list(facts, found, [f"#{int(value):06x}" for value in found[:LISTED]])
    return facts


def _list(facts: Facts, found: np.ndarray[Any, Any], shown: list[int] | list[str]) -> None:
    facts.mask_n_values = len(found)
    facts.mask_values = json.dumps(shown)
