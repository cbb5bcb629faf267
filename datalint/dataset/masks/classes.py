"""The classes of masks: numbers or colours with their names, from the lists that people keep beside them."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_LARGEST = 1 << 20
_NUMBERS = re.compile(r"\b[0-9]{1,3}\b")
_NAMES = ("classes.txt", "labels.txt", "class_names.txt", "label_names.txt", "classnames.txt")
VOID = 255
"""What most losses are told to leave out (VOC's border)."""


@dataclass(frozen=True, slots=True)
class Classes:
    """Of one list."""

    file: str
    names: Mapping[int, str]
    """By the number that a mask stores."""
    colours: Mapping[str, str] = field(default_factory=dict)
    """`#rrggbb` -> name; empty where classes are numbers alone."""


def is_list(path: str) -> bool:
    """Whether a file at the root is called like a list of classes."""
    return path.lower() in READERS


def parse(file: str, content: bytes) -> Classes | None:
    """None for what is no such list."""
    try:
        text = content[:_LARGEST].decode("utf-8-sig")
    except UnicodeDecodeError:
        return None
    found = READERS[file.lower()](text)
    return found and Classes(file, *found)


Found = tuple["Mapping[int, str]", "Mapping[str, str]"]


def _meta(text: str) -> Found | None:
    """Datumaro's dataset_meta.json: `label_map` and `segmentation_colors`."""
    try:
        stated = json.loads(text)
        names = {int(number): str(name) for number, name in stated["label_map"].items()}
        colours = [_colour(each) for each in stated.get("segmentation_colors", ())]
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None
    return names, dict(zip(colours, names.values(), strict=False))


def _words(text: str) -> Found | None:
    """A name on each line."""
    names = [line.strip() for line in text.splitlines() if line.strip()]
    return (dict(enumerate(names)), {}) if names else None


def _table(text: str) -> Found | None:
    """A name and three numbers on each line, in any order and however they are parted; a header is passed over."""
    colours: dict[str, str] = {}
    names = []
    for line in text.splitlines():
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        numbers = [int(number) for number in _NUMBERS.findall(line)]
        name = re.sub(r"[,:;\s]+", " ", _NUMBERS.sub("", line)).strip()
        if len(numbers) >= 3 and name and max(numbers[:3]) < 256:
            names.append(name)
            colours[_colour(numbers[:3])] = name
        elif names:
            return None
    return (dict(enumerate(names)), colours) if names else None


def _colour(numbers: Sequence[int]) -> str:
    red, green, blue = (int(number) for number in numbers)
    return f"#{red:02x}{green:02x}{blue:02x}"


READERS = {
    "dataset_meta.json": _meta,
    "labelmap.txt": _table,
    "label_colors.txt": _table,
    "class_dict.csv": _table,
    "labelmap.csv": _table,
    **dict.fromkeys(_NAMES, _words),
}
