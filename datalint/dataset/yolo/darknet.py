"""Darknet's obj.data: `train`, `valid` and `names` are paths, seen from the folder where darknet is started."""

from __future__ import annotations

import posixpath
import re
from typing import TYPE_CHECKING

from datalint.dataset.yolo.description import Description, Flaw, Place

if TYPE_CHECKING:
    from collections.abc import Callable

_LINE = re.compile(r"\s*(\w+)\s*=\s*(.*?)\s*$")
_SPLITS = {"train": "train", "valid": "val", "test": "test"}


def looks_like_one(head: bytes) -> bool:
    return {"train", "names"} <= {_pair(line)[0] for line in _text(head).splitlines()}


def parse(content: bytes, path: str, read: Callable[[str], bytes | None]) -> Description:
    """`read` gives the file of the class names, whose folder may be written as `data/`."""
    places: list[Place] = []
    flaws: list[Flaw] = []
    names = None
    home = posixpath.dirname(path)
    for number, line in enumerate(_text(content).splitlines(), 1):
        key, value = _pair(line)
        beside = (value, posixpath.basename(value))
        there = next((name for name in beside if name and read(posixpath.join(home, name)) is not None), None)
        if key in _SPLITS and value:
            places.append(Place(_SPLITS[key], there or value, number))
        elif key == "names" and there:
            names = class_names(read(posixpath.join(home, there)) or b"")
        elif key == "names":
            flaws.append(Flaw("bad-data-yaml", number, f"there is no file of names {value}"))
    return Description(path, names, places=places, flaws=flaws)


def _pair(line: str) -> tuple[str, str]:
    found = _LINE.match(line)
    return (found[1], found[2]) if found else ("", "")


def class_names(content: bytes) -> dict[int, str]:
    """A name a line, and blank lines at the end are none."""
    return dict(enumerate(name.strip() for name in _text(content).rstrip().splitlines()))


def _text(content: bytes) -> str:
    return content.decode("utf-8-sig", "replace")
