"""How alike two small planes are, once they are brought into register: what hashes nominate, pixels decide."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from datalint.near.align import Aligned, aligned

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from datalint.near.align import Planes

_BLUR = 5


def similarities(first: Planes, second: Planes) -> NDArray[np.float32]:
    """0 to 1 of each pair, as they lie or brought into register, whichever is more alike."""
    whole = np.ones_like(first)
    as_it_lies = correlation(first, Aligned(second, whole))
    return np.maximum(as_it_lies, correlation(first, aligned(first, second)))


def correlation(first: Planes, second: Aligned) -> NDArray[np.float32]:
    """Of what is left when the slow changes are taken away, on which the hashes agree already: Pearson's, or 0."""
    one, two = _detail(first), _detail(second.planes)
    seen = second.seen
    count = seen.sum(axis=(1, 2), keepdims=True)
    one = (one - (one * seen).sum(axis=(1, 2), keepdims=True) / count) * seen
    two = (two - (two * seen).sum(axis=(1, 2), keepdims=True) / count) * seen
    product = (one * two).sum(axis=(1, 2))
    power = np.sqrt((one * one).sum(axis=(1, 2)) * (two * two).sum(axis=(1, 2)))
    return np.clip(product / np.maximum(power, 1e-9), 0, 1)


def _detail(planes: Planes) -> Planes:
    """Less the mean of the pixels around."""
    margin = _BLUR // 2
    padded = np.pad(planes, ((0, 0), (margin, margin), (margin, margin)), mode="edge")
    for axis in (1, 2):
        total = np.cumsum(padded, axis=axis, dtype=np.float32)
        total = np.insert(total, 0, 0, axis=axis)
        side = planes.shape[1]
        ahead = np.take(total, np.arange(_BLUR, _BLUR + side), axis=axis)
        behind = np.take(total, np.arange(side), axis=axis)
        padded = (ahead - behind) / _BLUR
    return planes - padded
