"""An archive as a stream, or why it is none: what else lies under its name is told by its first bytes."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from datalint.dataset.webdataset.guard import is_header
from datalint.entry import node_of
from datalint.source.lfs import POINTER
from datalint.source.part import open_stream

if TYPE_CHECKING:
    from typing import BinaryIO

    from datalint.entry import Codec, Entry
    from datalint.source import Source

_GZIP = b"\x1f\x8b"
_COMPRESSED = {b"BZh": "bzip2", b"\xfd7zXZ\0": "xz", b"\x28\xb5\x2f\xfd": "zstd"}
_OTHERS = (
    (b"PK\x03\x04", "zip", "it is a ZIP archive and no tar"),
    (b"PK\x05\x06", "zip", "it is an empty ZIP archive and no tar"),
    (b"Rar!", "not-a-tar", "it is a RAR archive and no tar"),
    (b"7z\xbc\xaf", "not-a-tar", "it is a 7z archive and no tar"),
)
_TEXTS = (
    (b"<!doctype html", "html", "it is an HTML page, perhaps an error page saved by a download"),
    (b"<html", "html", "it is an HTML page, perhaps an error page saved by a download"),
    (b"<", "xml", "it is an XML document, perhaps an error answer of object storage"),
    (b"{", "json", "it is a JSON document, perhaps an error answer of a server"),
)


@dataclass(frozen=True, slots=True)
class Opened:
    """An archive that is open; `place` is where it lies on disk."""

    stream: BinaryIO
    place: str
    codec: Codec
    size: int
    mtime_ns: int
    inode: int


def opened(source: Source, entry: Entry) -> Opened | tuple[str, str, str]:
    """The stream, or status, cause and detail of a shard that cannot be read."""
    if entry.kind == "pointer":
        return "pointer", "dvc-missing", "tracked by DVC, its content is not here: run `dvc pull`"
    if entry.kind != "file":
        return "missing", "missing-file", "no such file"
    place = source.spooled(entry.path)
    if place is None:
        return "missing", "vanished", "it was there when the dataset was listed"
    try:
        with open(place, "rb") as file:
            head = file.read(512)
            status = os.fstat(file.fileno())
        if not head:
            return "empty", "empty", "0 bytes: an archive without members has two blocks of zeros"
        refused = _refused(head)
        if refused is not None:
            return refused
        codec: Codec = "gzip" if head.startswith(_GZIP) else "plain"
        stream = open_stream(place, codec)
    except OSError as error:
        return "unreadable", "permission" if isinstance(error, PermissionError) else "io-error", str(error.strerror)
    return Opened(stream, place, codec, status.st_size, status.st_mtime_ns, node_of(status))


def _refused(head: bytes) -> tuple[str, str, str] | None:
    if head.startswith(POINTER):
        return "pointer", "lfs-pointer", "a Git LFS pointer, its content was not fetched: run `git lfs pull`"
    if is_header(head):
        return None
    for magic, name in _COMPRESSED.items():
        if head.startswith(magic):
            return "unsupported", "compression", f"compressed with {name}, which is not read here"
    for magic, cause, detail in _OTHERS:
        if head.startswith(magic):
            return "damaged", cause, detail
    if b"\0" in head:
        return None
    text = head.lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    return next((("damaged", cause, detail) for start, cause, detail in _TEXTS if text.startswith(start)), None)
