"""Sizes as people write them."""

from __future__ import annotations

import re

_POWERS = ("B", "KiB", "MiB", "GiB", "TiB", "PiB")
_UNITS = {
    "B": 1,
    **{unit: 1024**power for power, unit in enumerate(("KiB", "MiB", "GiB", "TiB"), 1)},
    **{unit: 1000**power for power, unit in enumerate(("kB", "MB", "GB", "TB"), 1)},
}
_BYTES = re.compile(r"([0-9]+(?:\.[0-9]+)?) ?([A-Za-z]+)")


def byte_count(written: float | str) -> int:
    """Bytes of `16 GiB`, `14 GB` or a plain number; raises ValueError for anything else."""
    if not isinstance(written, str):
        return int(written)
    match = _BYTES.fullmatch(written)
    if not match or match[2] not in _UNITS:
        raise ValueError(f"not a size: {written!r}")
    return round(float(match[1]) * float(_UNITS[match[2]]))


def size(count: float) -> str:
    """`12.5 GiB`: bytes as they read in a sentence."""
    for unit in _POWERS[:-1]:
        if abs(count) < 1024:
            return f"{count:.0f} {unit}" if unit == "B" else f"{count:.1f} {unit}"
        count /= 1024
    return f"{count:.1f} {_POWERS[-1]}"
