"""What a Croissant file declares of files, compared with those that lie beside it."""

from __future__ import annotations

import base64
import binascii
import fnmatch
import hashlib
import posixpath
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from datalint.dataset.croissant.archives import names
from datalint.source.lfs import POINTER_BYTES, pointed

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

    from datalint.dataset.croissant.document import Document, File
    from datalint.source import Source

MISSING, DIFFERS, PLACEHOLDER, UNKNOWN = (
    "declared-file-missing",
    "declared-content-differs",
    "placeholder-checksum",
    "unknown-reference",
)
"""Kinds of problems."""
_LENGTHS = {"sha256": 64, "md5": 32}
_BYTES = re.compile(r"\s*([0-9]+)\s*(?:b|bytes?)?\s*", re.IGNORECASE)
_STEP = 1 << 20


@dataclass(frozen=True, slots=True)
class Problem:
    kind: str
    path: str
    words: str


@dataclass(slots=True)
class Checked:
    """What was found, and how many files nobody looked at."""

    problems: list[Problem] = field(default_factory=list)
    files: int = 0
    """Local files that were compared."""
    remote: int = 0
    inside: int = 0

    @property
    def note(self) -> str:
        """For the user; empty where everything was compared."""
        said = [
            f"{number:,} {what if number == 1 else plural}"
            for number, what, plural in (
                (self.remote, "file that is only remote", "files that are only remote"),
                (self.inside, "file or set inside others", "files or sets inside others"),
            )
            if number
        ]
        return f"not checked: {' and '.join(said)}" if said else ""


def check(source: Source, home: str, document: Document, below: Collection[str]) -> Checked:
    """`home` is the folder of the document; `below` are the files there, relative to it."""
    checked = Checked()
    by_id = {file.id: file for file in document.files}
    for file in document.files:
        if file.inside:
            held = _held(source, home, [by_id.get(each) for each in file.inside])
            checked.inside += held is None
            checked.problems += () if held is None else _member(file, held)
        elif file.is_set:
            checked.problems += _set(file, below)
        elif file.url is None:
            continue
        elif "://" in file.url:
            checked.remote += 1
            checked.problems += _placeholders(file, file.id)
        else:
            checked.files += 1
            checked.problems += _local(source, home, file)
    checked.problems += _unknown(document)
    return checked


def _unknown(document: Document) -> Iterator[Problem]:
    for reference in document.references:
        if reference.to and reference.to not in document.ids:
            words = f"{reference.by} has the {reference.kind} {reference.to!r}, and nothing has this @id"
            yield Problem(UNKNOWN, reference.by, words)


def _set(file: File, below: Collection[str]) -> Iterator[Problem]:
    """A set of files beside the document that matches none of them, as mlcroissant 1.1 does: a star crosses folders."""
    wanted = [re.compile(fnmatch.translate(glob)) for glob in file.includes]
    if wanted and not any(pattern.match(path) for pattern in wanted for path in below):
        yield Problem(
            MISSING, file.id, f"the set {file.id!r} includes {', '.join(file.includes)}, which matches no file"
        )


def _held(source: Source, home: str, containers: Sequence[File | None]) -> frozenset[str] | None:
    """Names in archives beside the document; None where one is elsewhere, in another one, or cannot be read."""
    found: set[str] = set()
    for each in containers:
        if each is None or each.inside or each.is_set or each.url is None or "://" in each.url:
            return None
        path = _inside(home, each.url)
        held = None if path is None else names(source, path)
        if held is None:
            return None
        found |= held
    return frozenset(found)


def _member(file: File, held: Collection[str]) -> Iterator[Problem]:
    """A file or a set that the archives lack."""
    if file.is_set:
        yield from _set(file, held)
    elif file.url is not None and posixpath.normpath(file.url) not in held:
        words = f"{file.url} is not in {' or '.join(map(repr, file.inside))} (contentUrl of {file.id!r})"
        yield Problem(MISSING, file.id, words)


def _inside(home: str, written: str) -> str | None:
    """The path of a local contentUrl; None for one that leads out of the dataset."""
    path = posixpath.normpath(posixpath.join(home, written))
    return None if path.startswith(("../", "/")) or path == ".." else path


def _local(source: Source, home: str, file: File) -> Iterator[Problem]:
    written = file.url or ""
    path = posixpath.normpath(posixpath.join(home, written))
    place = None if _inside(home, written) is None else source.spooled(path)
    yield from _placeholders(file, path)
    if place is None:
        yield Problem(MISSING, path, f"{written} is not there (contentUrl of {file.id!r})")
        return
    digests = {name: wanted for name, said in file.digests if (wanted := _hexadecimal(name, said)) is not None}
    size, found = _measured(place, digests)
    stated = _BYTES.fullmatch(file.size or "")
    if stated and int(stated[1]) != size:
        yield Problem(DIFFERS, path, f"it has {size:,} bytes, and contentSize is {int(stated[1]):,}")
    for name, wanted in digests.items():
        if name in found and found[name] != wanted:
            yield Problem(DIFFERS, path, f"its {name} is {found[name]}, and {wanted} is declared")


def _placeholders(file: File, path: str) -> Iterator[Problem]:
    for name, said in file.digests:
        if _hexadecimal(name, said) is None:
            yield Problem(PLACEHOLDER, path, f"the {name} of {file.id!r} is none: {said[:80]!r}")


def _hexadecimal(name: str, said: str) -> str | None:
    """A digest in lower case; mlcroissant takes base64 too. None for words, links and repeated digits."""
    text = said.strip()
    length = _LENGTHS[name]
    if re.fullmatch(rf"[0-9a-fA-F]{{{length}}}", text):
        return text.lower() if len(set(text)) > 1 else None
    try:
        raw = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return None
    return raw.hex() if len(raw) * 2 == length and len(set(raw)) > 1 else None


def _measured(place: str, names: Collection[str]) -> tuple[int, Mapping[str, str]]:
    """Size and digests of the bytes; of a Git LFS pointer those of what it stands for."""
    with open(place, "rb") as file:
        head = file.read(POINTER_BYTES)
        pointer = pointed(head)
        if pointer is not None:
            return pointer[1], {"sha256": pointer[0]}
        sums = {name: hashlib.new(name, usedforsecurity=False) for name in names}
        size, data = 0, head
        while data:
            size += len(data)
            for each in sums.values():
                each.update(data)
            data = file.read(_STEP)
    return size, {name: each.hexdigest() for name, each in sums.items()}
