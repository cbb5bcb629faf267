"""Names of the files in an archive, which is what a description says of them."""

from __future__ import annotations

import zipfile
from typing import TYPE_CHECKING

from datalint.dataset.webdataset.opening import Opened, opened
from datalint.dataset.webdataset.tar import End, Member, walk
from datalint.entry import Entry, FileLocator

if TYPE_CHECKING:
    from datalint.source import Source

_ZIP = b"PK\x03\x04"


def names(source: Source, path: str) -> frozenset[str] | None:
    """Of a tar, plain or gzip, or of a zip; None for what is none, damaged, or not here."""
    if source.read(path, limit=len(_ZIP)) == _ZIP:
        return _zipped(source, path)
    about = opened(source, Entry(path, FileLocator(path), "file"))
    if not isinstance(about, Opened):
        return None
    with about.stream:
        found = list(walk(about.stream, about.size if about.codec == "plain" else None, lambda _: False))
    if not all(each.harmless for each in found if isinstance(each, End)):
        return None
    files = (each.name for each in found if isinstance(each, Member) and each.kind in ("file", "sparse"))
    return frozenset(name.removeprefix("./") for name in files)


def _zipped(source: Source, path: str) -> frozenset[str] | None:
    try:
        with zipfile.ZipFile(source.spooled(path) or "") as archive:
            return frozenset(name for name in archive.namelist() if not name.endswith("/"))
    except (OSError, ValueError, NotImplementedError, zipfile.BadZipFile):
        return None
