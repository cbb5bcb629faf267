"""What somebody who mistyped a name may have meant; difflib is imported late, as only mistakes pay for it."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


def did_you_mean(word: str, names: Iterable[str]) -> str:
    """A hint with the nearest name, in whatever case it is written; empty where none is near."""
    name = _nearest(word, names)
    return "" if name is None else f"did you mean {name!r}?"


def path_meant(path: str, folder: str) -> str:
    """The same for a path below `folder` that leads nowhere: what lies where its first wrong part should be."""
    parts = os.path.normpath(path).split(os.sep)
    for number, part in enumerate(parts):
        above = os.sep.join(parts[:number]) or (os.sep if number else "")
        if os.path.lexists(os.path.join(folder, above, part or os.sep)):
            continue
        try:
            name = _nearest(part, sorted(os.listdir(os.path.join(folder, above))))
        except OSError:
            return ""
        return "" if name is None else f"did you mean {os.path.join(above, name)!r}?"
    return ""


def _nearest(word: str, names: Iterable[str]) -> str | None:
    import difflib

    folded: dict[str, str] = {}
    for name in names:
        folded.setdefault(name.lower(), name)
    near = difflib.get_close_matches(word.lower(), folded, n=1)
    return folded[near[0]] if near else None
