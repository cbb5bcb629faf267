"""Groups of copies that do not chain unlike pictures together."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


def grouped(pairs: Sequence[tuple[int, int]]) -> dict[int, int]:
    """Of every picture in a pair the picture that its group is named after: the first one that it is a copy of.

    A chain of frames, each like the next, is several groups: every member is a copy of the one that names the group.
    """
    alike: dict[int, list[int]] = {}
    for one, other in pairs:
        alike.setdefault(one, []).append(other)
        alike.setdefault(other, []).append(one)
    # Those with most copies first: a picture in the middle of a chain holds more together than one at its end.
    leader: dict[int, int] = {}
    for picture in sorted(alike, key=lambda each: (-len(alike[each]), each)):
        if picture in leader:
            continue
        leader[picture] = picture
        for other in alike[picture]:
            leader.setdefault(other, picture)
    return leader
