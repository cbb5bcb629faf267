"""Members of a tar file, one after the other, and how it ends: tarfile itself is silent about half of the damage."""

from __future__ import annotations

import tarfile
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from datalint.dataset.webdataset.guard import Guarded, is_header

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import BinaryIO, Self

_MOST_READ = 1 << 20
"""Bytes of a member that are read for what it says: a label, or a small JSON document."""
_MOST_PADDING = 64 << 20
"""Bytes after the end that are looked at; tar pads to 10,240."""


@dataclass(frozen=True, slots=True)
class Member:
    """`kind`: file, folder, link, sparse or special."""

    name: str
    kind: str
    offset: int
    """Of its content, in the bytes as they are decompressed."""
    size: int
    header: int
    """Where its header starts."""
    content: bytes | None = None
    """The first bytes of what was asked for."""
    target: str = ""
    """Of a link."""


@dataclass(frozen=True, slots=True)
class End:
    """How it ended. `cause` is empty for a sound archive."""

    cause: str
    detail: str
    offset: int
    """Of the first byte that is wrong, in the bytes as they are decompressed."""
    member: str = ""
    """The one that is cut off, where its name is whole."""

    @property
    def harmless(self) -> bool:
        """Whether every member before it is whole."""
        return self.cause in ("", "no-end-marker", "members-after-end", "data-after-end")


class _Header(tarfile.TarInfo):
    @classmethod
    def fromtarfile(cls, archive: tarfile.TarFile) -> Self:
        try:
            return super().fromtarfile(archive)
        except tarfile.HeaderError as error:
            cast("_Archive", archive).ended = error
            raise


class _Archive(tarfile.TarFile):
    tarinfo = _Header
    ended: Exception | None = None
    """What tarfile takes for the end: that of a damaged header looks to its callers like that of the archive."""


# The kinds of tarfile.HeaderError have no stubs.
_types: Any = tarfile


def walk(stream: BinaryIO, size: int | None, wanted: Callable[[str], bool]) -> Iterator[Member | End]:
    """Members in order, then one End; `size` is that of an archive that is not compressed.

    Bad bytes are an End, never an error; of a member that is cut off nothing is said but there.
    """
    guarded = Guarded(stream)
    at = 0
    waiting: Member | None = None
    unread: tarfile.TarInfo | None = None
    try:
        archive = _Archive(fileobj=cast("Any", guarded), mode="r", errors="surrogateescape", encoding="utf-8")
        while (found := archive.next()) is not None:
            # They are kept for whoever asks for one by its name.
            cast("Any", archive).members = []
            if archive.offset <= at or found.size < 0:
                yield from (waiting,) if waiting else ()
                yield End("bad-header", f"the header of {found.name} leads backwards", found.offset)
                return
            cut = _cut(found, size)
            if cut is not None:
                yield cut
                return
            at = archive.offset
            if waiting is not None:
                yield waiting
                waiting = None
            unread = found if size is None else None
            member = _member(found, guarded, wanted)
            if size is None:
                # Whether its content is whole shows when the next header is read.
                waiting = member
            else:
                yield member
        if waiting is not None:
            yield waiting
            unread = None
        yield _end(archive, guarded)
    except MemoryError:
        raise
    except Exception as error:
        # tarfile, gzip and zlib raise errors of a dozen kinds for bytes that nobody foresaw.
        yield _failed(error, at, unread)


def _member(found: tarfile.TarInfo, guarded: Guarded, wanted: Callable[[str], bool]) -> Member:
    kind = _kind(found)
    read = kind == "file" and wanted(found.name)
    content = guarded.content(found.offset_data, min(found.size, _MOST_READ)) if read else None
    return Member(found.name, kind, found.offset_data, found.size, found.offset, content, found.linkname)


def _kind(found: tarfile.TarInfo) -> str:
    if found.issparse():
        return "sparse"
    if found.isreg():
        return "file"
    if found.isdir():
        return "folder"
    return "link" if found.islnk() or found.issym() else "special"


def _cut(found: tarfile.TarInfo, size: int | None) -> End | None:
    """Where the content of an archive that is not compressed ends before that of its last member."""
    if size is None or not found.isreg() or found.issparse() or found.offset_data + found.size <= size:
        return None
    there = max(0, size - found.offset_data)
    return End(
        "truncated",
        f"it ends inside {found.name}, after {there:,} of its {found.size:,} bytes",
        found.offset,
        found.name,
    )


def _end(archive: _Archive, guarded: Guarded) -> End:
    """What stopped tarfile."""
    at = archive.offset
    if isinstance(archive.ended, _types.InvalidHeaderError):
        lost = "readers take it for the end and are silent about all that follows"
        return End("bad-checksum", f"a header is damaged ({archive.ended}): {lost}", at)
    if isinstance(archive.ended, _types.TruncatedHeaderError):
        return End("truncated", f"it ends inside the header at byte {at:,}", at)
    if isinstance(archive.ended, _types.EmptyHeaderError):
        return End("no-end-marker", "it lacks the two blocks of zeros that end an archive", at)
    try:
        more, block = guarded.rest(_MOST_PADDING)
    except EOFError:
        return End("truncated", "its compressed stream ends before its end marker", at)
    if not block:
        return End("", "", at)
    if is_header(block):
        return End(
            "members-after-end", f"its end is marked at byte {at:,}, and more members follow at byte {more:,}", more
        )
    return End("data-after-end", f"its end is marked at byte {at:,}, and other data follows at byte {more:,}", more)


def _failed(error: Exception, at: int, unread: tarfile.TarInfo | None) -> End:
    """`unread` is the member whose content was not seen to its end, if any."""
    words = str(error) or type(error).__name__
    if isinstance(error, EOFError) or "end of data" in words:
        if unread is not None:
            return End("truncated", f"it ends inside {unread.name}", unread.offset, unread.name)
        return End("truncated", f"it ends before its last member is whole, after byte {at:,}", at)
    if isinstance(error, RecursionError):
        words = "extended headers of extended headers"
    cause = "bad-header" if isinstance(error, tarfile.TarError) else "bad-data"
    start, name = (at, "") if unread is None else (unread.offset, unread.name)
    return End(cause, f"{words}, after byte {start:,}", start, name)
