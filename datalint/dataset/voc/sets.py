"""The lists of ImageSets: which names make a split, and which names a class list says to show it."""

from __future__ import annotations

import posixpath
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from datalint.dataset.splits import split_name

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

KINDS = ("Main", "Segmentation", "Layout", "Action", "")
"""Folders of lists, the one for detection first; an export may have none."""
_FLAGGED = re.compile(r"(.*\S)\s+(-1|0|1)$")
_OF_CLASS = re.compile(r"(.+)_(train|val|trainval|test)$")


@dataclass(frozen=True, slots=True)
class Named:
    """A line of a list; `flag` is that of a class list: 1 there, -1 not there, 0 only difficult ones."""

    name: str
    line: int
    flag: int | None = None


@dataclass(slots=True)
class Sets:
    """Lists of one folder."""

    splits: dict[str, tuple[str, list[Named]]] = field(default_factory=dict)
    """Split -> path of its list, its lines."""
    both: tuple[str, list[Named]] | None = None
    """trainval.txt, where train or val is there too."""
    by_class: list[tuple[str, str, list[Named]]] = field(default_factory=list)
    """Class, path of its list, its lines."""
    assumptions: list[str] = field(default_factory=list)


def read(lists: Mapping[str, bytes]) -> Sets:
    """Path -> content of the files of one folder below ImageSets."""
    found = Sets()
    plain: dict[str, str] = {}
    for path in sorted(lists):
        stem = posixpath.splitext(posixpath.basename(path))[0]
        of_class = _OF_CLASS.match(stem)
        flagged = list(_flagged(lists[path]))
        if of_class and (flagged or not lists[path].strip()):
            found.by_class.append((of_class[1], path, flagged))
        else:
            plain[stem] = path
    if "trainval" in plain and plain.keys() & {"train", "val"}:
        path = plain.pop("trainval")
        found.both = (path, list(names(lists[path])))
    for stem, path in plain.items():
        split = split_name(stem)
        if stem == "trainval":
            split = "train"
            found.assumptions.append(f"{path} was read as train: there is neither train.txt nor val.txt")
        found.splits[stem if split in found.splits else split] = (path, list(names(lists[path])))
    return found


def names(content: bytes) -> Iterator[Named]:
    """Each line is a name, as torchvision reads it."""
    text = content.decode("utf-8-sig", "surrogateescape")
    for number, line in enumerate(text.splitlines(), 1):
        if line.strip():
            yield Named(line.strip(), number)


def _flagged(content: bytes) -> Sequence[Named]:
    """Names with their flags; none where one line has no flag."""
    found = []
    for named in names(content):
        parts = _FLAGGED.match(named.name)
        if parts is None:
            return []
        found.append(Named(parts[1], named.line, int(parts[2])))
    return found
