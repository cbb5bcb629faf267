"""A file as a source lists it, and how a worker reads its bytes: the vocabulary of sources, datasets and facts.

Named tuples, as there is one of each for every image: a frozen dataclass takes three times as long to make.
"""

from __future__ import annotations

import os
from functools import cache
from typing import Literal, NamedTuple

Codec = Literal["plain", "gzip", "zlib", "parquet"]
Kind = Literal[
    "file", "missing", "broken-link", "link-loop", "unreadable-folder", "special", "submodule", "remote", "pointer"
]


class FileLocator(NamedTuple):
    """Bytes of a file on disk."""

    path: str
    """Absolute path; undecodable bytes as surrogates (os.fsdecode)."""


class BlobLocator(NamedTuple):
    """Bytes of a blob in a git object database."""

    repository: str
    """Absolute path that `git -C` accepts."""
    blob: str
    """Full hexadecimal object id."""


class Pixels(NamedTuple):
    """Shape of an array of pixels; zeros where nobody states it."""

    height: int
    width: int
    channels: int
    bits: int = 0
    """Of one value; 0 where the number of bytes tells."""


class PartLocator(NamedTuple):
    """Bytes of one record inside a file on disk."""

    path: str
    """Absolute path of the file that holds it."""
    offset: int
    """Where it starts, in the bytes as they are decompressed; of a table its row, from 0."""
    size: int
    """Bytes; of a table 0, for what the cell holds."""
    codec: Codec = "plain"
    column: str = ""
    """Of a table."""
    named: bool = False
    """Whether the record has a name of its own, and with it a suffix."""
    pixels: Pixels | None = None
    """Of what are the pixels themselves; None for an image file."""


Locator = FileLocator | BlobLocator | PartLocator


class Entry(NamedTuple):
    """One file below a source's base, not yet read."""

    path: str
    """Relative to the source's base, parts joined by '/'; undecodable bytes as surrogates."""
    locator: Locator
    kind: Kind = "file"
    size: int | None = None
    """Bytes; None where listing does not tell (git)."""
    mtime_ns: int | None = None
    inode: int | None = None
    """As `node_of` makes it."""
    content_id: str | None = None
    """`git:<hex>` where git knows the bytes, `lfs:<sha256>` or `dvc:<md5>` where a pointer carries them; else None."""


def node_of(status: os.stat_result) -> int:
    """The inode of a file mixed with when it was last changed (ctime) and with this machine.

    Size and mtime can be set, and an inode is used again: a file that was overwritten in place with its old time, or
    other bytes where a cache was restored, agree in all three. Nobody sets a ctime.
    """
    return hash((status.st_ino, status.st_ctime_ns, machine()))


@cache
def machine(file: str = "/etc/machine-id") -> int:
    """A number of this installation (machine-id(5)); 0 where it has none, as many containers."""
    try:
        with open(file, "rb") as opened:
            return int(opened.read(64).strip() or b"0", 16)
    except (OSError, ValueError):
        return 0


def display(path: str) -> str:
    r"""The path as text that any table, terminal and JSON can hold: undecodable bytes become `\xNN`."""
    return path if path.isascii() else path.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
