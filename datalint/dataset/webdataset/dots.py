"""Names with several dots: webdataset ends the key at the first one, and what follows is the name of a field."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

_FEWEST = 10
"""Images from which it is told; a few samples may have fields of their own."""
_NEARLY_ALL = 0.9


def told(images: Mapping[str, int], samples: int) -> str | None:
    """What is wrong where nearly every image is in a field of its own, in words; `images` are samples by extension.

    A loader names the fields that it takes (`to_tuple("jpg", "cls")`), and nobody can name these. Frames of a video
    have names that come again in the next sample.
    """
    alone = [extension for extension, number in images.items() if number == 1 and "." in extension]
    if len(alone) < max(_FEWEST, _NEARLY_ALL * sum(images.values())):
        return None
    first, second = sorted(alone)[:2]
    made = "one sample" if samples == 1 else f"{samples:,} samples"
    return (
        f"{len(alone):,} images are {made}, each in a field of its own (.{first}, .{second}, ...): "
        "the key ends at the first dot of a name"
    )
