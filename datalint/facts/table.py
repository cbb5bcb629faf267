"""The columns of the table `files`: what listing knows of each file beside the facts about its bytes."""

from __future__ import annotations

import os
import sys
from operator import eq
from typing import TYPE_CHECKING

from datalint.entry import PartLocator, display
from datalint.tables import TABLES

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from datalint.entry import Entry
    from datalint.tables import Columns

_NAMES = [column.name for column in TABLES["files"].columns]


def known_as(files: Sequence[Entry], read: Sequence[str | None]) -> list[str | None]:
    """Of each file the id of the bytes that were read, else what listing says.

    What was read tells more than what a pointer says: one copy may lie in git and another in its LFS, and the same file
    is a pointer to git and a picture in the work tree.
    """
    return [known or entry.content_id for entry, known in zip(files, read, strict=True)]


def table(files: Sequence[Entry], ids: Sequence[str | None], facts: Mapping[str, list[object]]) -> Columns:
    """Every column, in its order; `ids` are those of `known_as`."""
    keys: dict[object, int] = {}
    names = [entry.path for entry in files]
    plain = "".join(names).isascii()
    paths = names if plain else [display(name) for name in names]
    made: Columns = {
        "file_id": list(range(len(files))),
        "path": list(paths),
        "path_utf8": [True] * len(paths) if plain else list(map(eq, paths, names)),
        "content_id": list(ids),
        "content_key": [None if each is None else keys.setdefault(each, len(keys)) for each in ids],
        "suffix": list(_suffixes(files, paths)),
        **facts,
    }
    return {name: made[name] for name in _NAMES}


def _suffixes(entries: Sequence[Entry], paths: Sequence[str]) -> Iterator[str]:
    """In lower case; a record without a name has none."""
    known: dict[str, str] = {}
    for entry, path in zip(entries, paths, strict=True):
        if isinstance(entry.locator, PartLocator) and not entry.locator.named:
            yield ""
            continue
        stem, _, end = path.rpartition(".")
        # What follows the last dot is no suffix in `train.v2/cat`, nor in `train/.cat`.
        if end in known and stem[-1:] not in ("", "/", "."):
            yield known[end]
            continue
        suffix = sys.intern(os.path.splitext(path)[1].lower())
        if suffix and stem and "/" not in end:
            known[end] = suffix
        yield suffix
