"""What a scan process does with one file: read its bytes, identify them, extract their facts.

Run as `python -P -m datalint.facts.worker CACHE_FOLDER EXTRACTOR`; an empty folder means no cache. The engine
adds its own words.
"""

from __future__ import annotations

import errno
import os
import stat
import sys
import time
from functools import partial
from typing import TYPE_CHECKING, cast

from datalint.engine.serve import serve, unlimited
from datalint.entry import PartLocator, node_of
from datalint.facts.cache import open_cache
from datalint.facts.content import content_id
from datalint.facts.extract import extract, pixels
from datalint.facts.mask import extract_mask
from datalint.facts.model import MASKS, PLANES
from datalint.facts.plane import extract_plane
from datalint.facts.row import MAX_BYTES, row, too_large, unread
from datalint.source.lfs import pointed
from datalint.source.part import PartReader

if TYPE_CHECKING:
    from datalint import git
    from datalint.facts.cache import Cache, NullCache
    from datalint.facts.content import Algorithm
    from datalint.facts.model import Facts
    from datalint.facts.row import Answer, Item, Row, Signature

_GONE = {errno.ENOENT, errno.ENOTDIR}
_DENIED = {errno.EACCES, errno.EPERM}
_parts = PartReader()
_readers: dict[str, git.BlobReader] = {}


class _Unread(Exception):  # noqa: N818 - not an error: the answer
    def __init__(self, row: Row) -> None:
        super().__init__()
        self.row = row


def examine(item: Item, *, cache: Cache | NullCache, extractor: str) -> Answer:
    """Answer for one file; raises only MemoryError."""
    signature: Signature | None = None
    try:
        if len(item) == 3:
            data, identity = _read_blob(item[1], item[2]), f"git:{item[2]}"
        else:
            what = item[1]
            data, signature = _read_part(what) if isinstance(what, PartLocator) else _read_file(what)
            identity = content_id(data, cache.algorithm)
            if isinstance(what, PartLocator) and what.pixels is not None:
                # The same bytes are another picture in another shape.
                return (
                    f"{identity} {'x'.join(map(str, filter(None, what.pixels)))}",
                    signature,
                    row(len(data), pixels(data, what.pixels)),
                    False,
                )
    except _Unread as reason:
        return None, None, reason.row, False
    # Bytes that were moved, copied, checked out anew or restored in CI need no second decode.
    known = cache.facts([identity], extractor).get(identity)
    look = extract_mask if extractor.startswith(MASKS) else extract_plane if extractor.startswith(PLANES) else extract
    return identity, signature, known or _row(data, look(data)), known is not None


def _row(data: bytes, facts: Facts) -> Row:
    """A pointer is as large as what it stands for."""
    stands_for = pointed(data)
    return row(len(data) if stands_for is None else stands_for[1], facts)


def _read_file(path: str) -> tuple[bytes, Signature]:
    try:
        # Opening a FIFO would wait for its writer.
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY)
        try:
            status = os.fstat(descriptor)
            if not stat.S_ISREG(status.st_mode):
                raise _Unread(unread("unreadable", "not-a-file", "a folder, pipe, socket or device"))
            if status.st_size > MAX_BYTES:
                raise _Unread(too_large(status.st_size))
            signature = (status.st_size, status.st_mtime_ns, node_of(status), time.time_ns())
            return _read_all(descriptor, status.st_size), signature
        finally:
            os.close(descriptor)
    except OSError as error:
        raise _Unread(_refusal(error)) from error


def _read_all(descriptor: int, size: int) -> bytes:
    """To the end, wherever that is by now."""
    data = os.read(descriptor, size + 1)
    while 0 < len(data) != size or len(data) > size:
        more = os.read(descriptor, 1 << 20)
        if not more:
            break
        data += more
        if len(data) > MAX_BYTES:
            raise _Unread(too_large(len(data)))
    return data


def _read_part(part: PartLocator) -> tuple[bytes, Signature]:
    """A signature is that of the whole file, but for the size, which is the part's."""
    if part.size > MAX_BYTES:
        raise _Unread(too_large(part.size))
    try:
        status = os.stat(part.path)
        signature = (part.size, status.st_mtime_ns, node_of(status), time.time_ns())
        return _parts.read(part), signature
    except OSError as error:
        raise _Unread(_refusal(error)) from error


def _refusal(error: OSError) -> Row:
    detail = error.strerror or str(error)
    if error.errno in _GONE:
        return unread("missing", "vanished", "it was there when the dataset was listed")
    if error.errno in _DENIED:
        return unread("unreadable", "permission", detail.lower())
    if error.errno == errno.ENXIO:
        return unread("unreadable", "not-a-file", "a socket or device")
    return unread("unreadable", "io-error", detail.lower())


def _read_blob(repository: str, blob: str) -> bytes:
    try:
        reader = _readers.get(repository)
        if reader is None:
            from datalint.git import BlobReader

            reader = _readers[repository] = BlobReader(repository, around=unlimited)
        return reader.read(blob)
    except FileNotFoundError as error:
        from datalint.git import is_partial

        if is_partial(repository):
            raise _Unread(unread("pointer", "object-missing", "a partial clone has not fetched it")) from error
        raise _Unread(unread("missing", "vanished", str(error))) from error
    except OSError as error:
        # The next blob gets a fresh git.
        _readers.pop(repository, None)
        raise _Unread(unread("unreadable", "io-error", str(error))) from error


def main() -> None:
    """Serve the engine until it has no more items."""
    folder, extractor, algorithm = sys.argv[1:4]
    with open_cache(folder or None, read_only=True, algorithm=cast("Algorithm", algorithm)) as cache:
        serve(partial(examine, cache=cache, extractor=extractor))
    for reader in _readers.values():
        reader.close()


if __name__ == "__main__":
    main()
    # Taking NumPy and Pillow apart would keep the run waiting for 20 ms; all answers are written.
    os._exit(0)
