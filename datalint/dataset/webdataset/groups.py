"""Members -> samples, as webdataset groups them (webdataset/tariterators.py): consecutive members of one key."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from datalint.dataset.webdataset.tar import Member

# base_plus_ext and skip_meta of webdataset 1.0.
_KEY = re.compile(r"^((?:.*/|)[^.]+)[.]([^/]*)$")
_META = re.compile(r"__[^/]*__($|/)")


def key_of(name: str) -> tuple[str, str] | None:
    """Key and extension (lower case) of a member; None for one that webdataset passes over.

    The key ends at the first dot of the base name: `a.b/0001.seg.png` is `seg.png` of `a.b/0001`.
    """
    if _META.match(name):
        return None
    match = _KEY.match(name)
    return None if match is None else (match[1], match[2].lower())


@dataclass(slots=True)
class Group:
    """A run of members of one key."""

    key: str
    number: int
    """In its archive, from 0."""
    members: dict[str, Member] = field(default_factory=dict)
    """By extension, in order."""


class Grouping:
    """Takes members one by one; a group is whole when another begins."""

    def __init__(self) -> None:
        self._current: Group | None = None
        self.number = 0
        """Groups that have begun."""

    def add(self, key: str, extension: str, member: Member) -> tuple[Group | None, bool]:
        """The group that it ends, if any, and whether its own has a member of that extension already."""
        ended = None
        if self._current is None or self._current.key != key:
            ended = self._current
            self._current = Group(key, self.number)
            self.number += 1
        repeated = extension in self._current.members
        if not repeated:
            self._current.members[extension] = member
        return ended, repeated

    def rest(self) -> Iterator[Group]:
        """The last group, once there are no more members."""
        if self._current is not None:
            yield self._current
            self._current = None
