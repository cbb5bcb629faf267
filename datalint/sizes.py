"""Sizes and durations as people write them."""

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


_SECONDS = {"s": 1, "min": 60, "h": 3600, "d": 86400}
_DURATION = re.compile(r"([0-9]+(?:\.[0-9]+)?) ?(s|min|h|d)")


def seconds(written: float | str) -> int:
    """Whole seconds, at least 1, of `90 min`, `12h` or a plain number; raises ValueError for anything else."""
    if not isinstance(written, str):
        return int(written)
    match = _DURATION.fullmatch(written)
    if not match:
        raise ValueError(f"not a duration: {written!r}")
    return max(1, round(float(match[1]) * _SECONDS[match[2]]))


def duration(count: float) -> str:
    """`35 ms`, `9.4 s`, `12.5 min`, `3.2 h`: seconds as they read in a sentence."""
    if count < 1:
        return f"{1000 * count:.0f} ms"
    for limit, unit in ((120, "s"), (7200, "min"), (172_800, "h")):
        if count < limit:
            return f"{count / _SECONDS[unit]:.1f} {unit}"
    return f"{count / _SECONDS['d']:.1f} d"


def size(count: float) -> str:
    """`12.5 GiB`: bytes as they read in a sentence."""
    for unit in _POWERS[:-1]:
        if abs(count) < 1024:
            return f"{count:.0f} {unit}" if unit == "B" else f"{count:.1f} {unit}"
        count /= 1024
    return f"{count:.1f} {_POWERS[-1]}"
