"""The facts of an earlier run as one piece in the cache: most files of a large dataset are those of the last time."""

from __future__ import annotations

from typing import TYPE_CHECKING

from datalint.facts.packed import packed, unpacked, version

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

    from datalint.facts.cache import Cache, NullCache

OF_IMAGES, OF_MASKS = "facts", "facts of masks"
"""What they are kept under."""
MANY = 2_000
"""Files from which on a pack is worth its writing."""
_STALE = 8
"""A new one is written once one in so many of the files was not in it."""


class Pack:
    """Read when it is made; `renew` writes it anew where too little of it was of use."""

    def __init__(self, cache: Cache | NullCache, extractor: str, *, name: str) -> None:
        self._cache = cache
        self._name = name
        self._version = version(extractor)
        self._held = unpacked(cache.kept(name, self._version))
        self._copied = 0

    def copy(self, identities: Mapping[int, str], columns: Mapping[str, list[object]]) -> Collection[int]:
        """Fill in the rows, each of them empty, whose content is in the pack; which they are."""
        if self._held is None:
            return set()
        places = {number: self._held.places.get(identity) for number, identity in identities.items()}
        found = {number: place for number, place in places.items() if place is not None}
        for number, place, length in _stretches(found):
            for name, values in self._held.columns.items():
                columns[name][number : number + length] = values[place : place + length]
        self._cache.touch([identities[number] for number in found])
        self._copied += len(found)
        return found.keys()

    def renew(self, ids: Sequence[str | None], columns: Mapping[str, list[object]]) -> None:
        """Keep all rows whose content is known for the next run, if enough of them are new."""
        known = len(ids) - ids.count(None)
        if (known - self._copied) * _STALE > known and (content := packed(ids, columns)) is not None:
            self._cache.keep(self._name, self._version, content)


def _stretches(places: Mapping[int, int]) -> Iterator[tuple[int, int, int]]:
    """First number, first place and length of what follows one another on both sides."""
    first, begin, length = 0, 0, 0
    for number, place in places.items():
        if number == first + length and place == begin + length:
            length += 1
            continue
        if length:
            yield first, begin, length
        first, begin, length = number, place, 1
    if length:
        yield first, begin, length
