"""The lock file: what every file of a dataset was, one line a file, so that merges see one file at a time.

The first line is `datalint-lock 1` and the dataset; every other one is path, content id, size in bytes, then split and
label of each use, between tabs.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple, NoReturn

from datalint import replaced
from datalint.errors import Position, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

VERSION = 1
_HEAD = "datalint-lock"
Use = tuple[str | None, str | None]
"""Split and label; None where the dataset has none."""


class Line(NamedTuple):
    """What is locked of one file."""

    content_id: str
    """`git:`, `lfs:` or `dvc:` and a hash, as in the table `files`."""
    size: int | None
    """Bytes; None where a pointer does not tell."""
    uses: tuple[Use, ...]
    """Of its samples, sorted; none for masks, annotation files and images that have neither split nor label."""


class Lock(NamedTuple):
    """`root` is the dataset and the keys of `lines` its files, relative to the configuration."""

    root: str
    lines: Mapping[str, Line]


def render(lock: Lock) -> bytes:
    """The file's content, sorted by path: the same data give the same bytes."""
    ends: dict[tuple[Use, ...], str] = {}
    written = []
    for path, (identity, size, uses) in lock.lines.items():
        end = ends.get(uses)
        if end is None:
            end = ends[uses] = "".join(f"\t{escaped(split or '')}\t{escaped(label or '')}" for split, label in uses)
        written.append(f"{escaped(path)}\t{identity}\t{'' if size is None else size}{end}\n")
    # A tab is less than whatever a path may hold, so this is the order of the paths.
    written.sort()
    return (f"{_HEAD} {VERSION}\t{escaped(lock.root)}\n" + "".join(written)).encode()


def write(path: str, lock: Lock) -> None:
    """Replace the file in one step; UnfinishedError where it cannot be written."""
    replaced.write(path, render(lock), what="the lock file")


def parse(content: bytes, file: str) -> Lock:
    """Raises UsageError, with its place, for whatever is no such file."""
    try:
        text = content.decode()
    except UnicodeDecodeError as error:
        before = content[: error.start]
        line, column = before.count(b"\n") + 1, error.start - before.rfind(b"\n")
        raise UsageError(f"byte 0x{content[error.start]:02x} is not UTF-8", Position(file, line, column)) from error
    first, *rest = text.split("\n")
    root = _root(first, file)
    if not rest or rest[-1]:
        line, last = len(rest) + 1, (rest or [first])[-1]
        _refuse_mark(last, Position(file, line))
        raise UsageError("the lock file ends in the middle of a line", Position(file, line, len(last) + 1), _HINT)
    lines: dict[str, Line] = {}
    seen: dict[str, tuple[Use, ...]] = {}
    for number, written in enumerate(rest[:-1], 2):
        written = written.removesuffix("\r")
        match = _LINE.fullmatch(written)
        if match is None:
            if written:
                _refuse(written, Position(file, number))
            continue
        path, identity, size, end = match.groups()
        uses = seen.get(end)
        if uses is None:
            uses = seen[end] = _uses(end)
        made = Line(identity, int(size) if size else None, uses)
        path = plain(path) if "\\" in path else path
        if lines.setdefault(path, made) != made:
            raise UsageError("this file stands here twice, with different values", Position(file, number), _HINT)
    return Lock(root, lines)


class OtherVersionError(UsageError):
    """A lock file that another version of datalint wrote."""


_HINT = "take either version and run `datalint lock` again"
_ID = r"git:(?:[0-9a-f]{40}|[0-9a-f]{64})(?: \d+x\d+x\d+)?|lfs:[0-9a-f]{64}|dvc:[0-9a-f]{32}"
_TEXT = r"[^\t\\]*(?:\\(?:[\\tnr]|x[0-9a-f]{2}|u[0-9a-f]{4})[^\t\\]*)*"
_PATH = rf"(?!\t|$){_TEXT}"
_LINE = re.compile(rf"({_PATH})\t({_ID})\t(\d*)((?:\t{_TEXT}\t{_TEXT})*)")
_PARTS = (("a path", _PATH), ("a content id", _ID), ("a size in bytes", r"\d*"))


def _root(first: str, file: str) -> str:
    _refuse_mark(first, Position(file))
    match = re.fullmatch(rf"{_HEAD} (\d+)(?:\t({_PATH}))?.*", first.removesuffix("\r"))
    if match is None:
        raise UsageError(f"not a lock file: its first line is not `{_HEAD} {VERSION}` and a path", Position(file))
    if int(match[1]) != VERSION:
        hint = "use the version of datalint that wrote it, or a later one"
        message = f"this version reads lock files of version {VERSION}, not {match[1]}"
        raise OtherVersionError(message, Position(file, 1, len(_HEAD) + 2), hint)
    if match[2] is None:
        raise UsageError("the first line names no dataset", Position(file, 1, len(first) + 1), _HINT)
    return plain(match[2])


def _refuse_mark(line: str, place: Position) -> None:
    if replaced.is_conflict(line):
        hint = "run `datalint lock` to write it anew, or keep the lines of both sides and remove the marks"
        raise UsageError("the lock file holds a merge conflict", place, hint)


def _refuse(line: str, place: Position) -> NoReturn:
    """Says which part of the line is wrong."""
    _refuse_mark(line, place)
    column = 1
    for part, (what, pattern) in zip(line.split("\t"), _PARTS, strict=False):
        if not re.fullmatch(pattern, part):
            where = Position(place.file, place.line, column)
            raise UsageError(f"not a line of a lock file: expected {what}", where, _HINT)
        column += len(part) + 1
    cut = Position(place.file, place.line, min(column, len(line) + 1))
    raise UsageError("not a line of a lock file: expected path, content id, size, split and label", cut, _HINT)


def _uses(end: str) -> tuple[Use, ...]:
    parts = [plain(part) or None for part in end.split("\t")[1:]]
    return tuple(zip(parts[::2], parts[1::2], strict=True))


# What would break a line, change in an editor, or is no UTF-8: control characters and the surrogates that stand for
# undecodable bytes.
_ODD = re.compile("[\x00-\x1f\x7f-\x9f\\\\\u2028\u2029\ud800-\udfff]")
_SHORT = {"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"}
_ESCAPE = re.compile(r"\\(?:x([0-9a-f]{2})|u([0-9a-f]{4})|([\\tnr]))")
_LONG = {"\\": "\\", "t": "\t", "n": "\n", "r": "\r"}


def escaped(text: str) -> str:
    r"""On one line and in UTF-8: `\xNN` is an undecodable byte (os.fsdecode), `\uNNNN` any other odd character."""
    return _ODD.sub(_escape, text) if _ODD.search(text) else text


def _escape(match: re.Match[str]) -> str:
    character = match[0]
    number = ord(character)
    if 0xDC80 <= number <= 0xDCFF:
        return f"\\x{number - 0xDC00:02x}"
    return _SHORT.get(character) or f"\\u{number:04x}"


def plain(text: str) -> str:
    """What `escaped` was given."""
    return _ESCAPE.sub(_unescape, text) if "\\" in text else text


def _unescape(match: re.Match[str]) -> str:
    byte, number, short = match.groups()
    if byte:
        return chr(0xDC00 + int(byte, 16))
    return chr(int(number, 16)) if number else _LONG[short]


class Difference(NamedTuple):
    """`old` is None for a file that is not locked, `new` for one that is not there."""

    path: str
    status: str
    old: Line | None
    new: Line | None
    old_path: str | None = None
    """Where it lay, of a file that was moved."""


def compare(locked: Mapping[str, Line], now: Mapping[str, Line]) -> list[Difference]:
    """By path: changed, relabelled (a split, or a label), moved, missing, added, unchecked (ids of another kind).

    A file whose content nobody could read has no id: it is never added, and its size alone is compared.
    """
    found: list[Difference] = []
    gone: dict[str, list[str]] = {}
    for path, old in locked.items():
        new = now.get(path)
        if new is None:
            gone.setdefault(old.content_id, []).append(path)
        elif new != old and (said := status(old, new)):
            found.append(Difference(path, said, old, new))
    for path in sorted(now.keys() - locked.keys()):
        new = now[path]
        before = gone.get(new.content_id, [])
        # Of equal files the one whose split and label are the same.
        best = min(before, key=lambda each: (locked[each].uses != new.uses, each), default=None)
        if best is not None:
            before.remove(best)
            said = "moved" if locked[best].uses == new.uses else "relabelled"
            found.append(Difference(path, said, locked[best], new, best))
        elif new.content_id:
            found.append(Difference(path, "added", None, new))
    found += [Difference(path, "missing", locked[path], None) for paths in gone.values() for path in paths]
    return sorted(found, key=lambda each: each.path)


def kind(content_id: str) -> tuple[str, int]:
    """Ids of one kind can be compared: SHA-1 and SHA-256 of git are two."""
    return content_id.partition(":")[0], len(content_id.partition(" ")[0])


def status(old: Line, new: Line) -> str:
    """Empty where nothing differs but what a pointer does not tell."""
    if new.content_id != old.content_id and kind(new.content_id) == kind(old.content_id):
        return "changed"
    if new.size != old.size and new.size is not None and old.size is not None:
        return "changed"
    if new.uses != old.uses:
        return "relabelled"
    return "unchecked" if new.content_id != old.content_id else ""


def counted(differences: Iterable[Difference]) -> dict[str, list[str]]:
    """Paths by status."""
    found: dict[str, list[str]] = {}
    for each in differences:
        found.setdefault(each.status, []).append(each.path)
    return found
