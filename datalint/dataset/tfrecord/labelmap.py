"""label_map.pbtxt of the Object Detection API: the names of the categories by their numbers."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datalint.dataset.listing import Listing

_ITEM = re.compile(r"item\s*\{(?P<body>[^{}]*)\}")
_ID = re.compile(r"\bid\s*:\s*(\d{1,18})")
_NAMES = tuple(re.compile(rf"\b{name}\s*:\s*(['\"])(?P<name>.*?)\1") for name in ("name", "display_name"))
_LARGEST = 16 << 20
"""Bytes that are read of such a file."""


def read(listing: Listing) -> dict[int, str]:
    """Of every such file below the root; a number that two of them name differently is called by itself."""
    found: dict[int, str] = {}
    differ: set[int] = set()
    for path in listing.files:
        if path.endswith(".pbtxt"):
            for number, name in parse(listing.head(path, _LARGEST).decode("utf-8", "backslashreplace")).items():
                if found.setdefault(number, name) != name:
                    differ.add(number)
    return found | {number: str(number) for number in differ}


def parse(text: str) -> dict[int, str]:
    """Number -> name of a StringIntLabelMap as text."""
    found = {}
    for item in _ITEM.finditer(re.sub(r"(?m)^\s*#.*$", "", text)):
        number = _ID.search(item["body"])
        name = next((match["name"] for pattern in _NAMES if (match := pattern.search(item["body"]))), None)
        if number and name:
            found[int(number[1])] = name
    return found
