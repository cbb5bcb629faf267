"""A JSON object read in pieces: the entries of its lists, where each lies, and what keeps a parser from reading them.

A list is cut where one object ends and another begins, and what lies between two cuts is decoded as a list of its own.
A cut inside a string or a deeper object cannot be mistaken for a good one: what it leaves is not JSON.
"""

from __future__ import annotations

import codecs
import json
import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, NoReturn

import msgspec

from datalint.dataset.coco.look import encoding

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from typing import BinaryIO

CHUNK = 1 << 16
"""Bytes that are decoded at once: what comes of them fits into the cache of a core, which halves the time."""
MAX_VALUE = 1 << 26
"""Bytes of one entry, or of one value that is no list; what is larger is refused instead of held."""
_HEAD = 1 << 10
"""Bytes that tell the encoding."""
_DEEPEST = 10_000
"""Python's json gives up long before."""
_TRIES = 1_000
"""Closing brackets that are tried as the place of a cut."""
_AT_ONCE = 20_000
"""Entries of one piece, however small they are."""

_SPACE = rb"[ \t\n\r]*+"
_AFTER_SPACE = re.compile(_SPACE)
_NEXT = re.compile(b"," + _SPACE + b"(?=.)", re.DOTALL)
_CUTS_AFTER = {
    b"{": (b"}", re.compile(_SPACE + b"," + _SPACE + rb"(?=\{)")),
    b"[": (b"]", re.compile(_SPACE + b"," + _SPACE + rb"(?=\[)")),
}
_KEY = re.compile(rb'"((?:[^"\\]|\\.)*+)"' + _SPACE + b":" + _SPACE, re.DOTALL)
_PART_OF_KEY = re.compile(rb'"(?:[^"\\]|\\.)*+\\?(?:"' + _SPACE + b":?" + _SPACE + rb")?\Z", re.DOTALL)
# A lone quotation mark begins a string that does not end here.
_TOKEN = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"|[{}\[\]"]', re.DOTALL)
_SCALAR = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"|[^\s,\[\]{}":]++', re.DOTALL)
_WORD = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"|-?Infinity|NaN', re.DOTALL)
_PAIRS = {b"{": b"}", b"[": b"]"}
_raws = msgspec.json.Decoder(list[msgspec.Raw])


@dataclass(slots=True)
class Piece:
    """Some elements of the list `key`, in order; `first` is the number of the first, from 0."""

    key: str
    first: int
    line: int
    """Line of the first, from 1."""
    raws: list[msgspec.Raw | bytes]
    """Each as it stands in the file."""
    body: bytes | None = None
    """All of them with the commas between; None where each was looked at by itself, and may be no JSON."""
    own_lines: list[int] | None = None
    """Line of each; None where all stand on one."""

    def __len__(self) -> int:
        return len(self.raws)

    def lines(self) -> list[int]:
        """Line of each, from 1."""
        if self.own_lines is not None:
            return self.own_lines
        return [self.line] * len(self.raws)

    def entries(self) -> list[bytes]:
        """The bytes of each."""
        return [bytes(raw) for raw in self.raws]

    def whole(self) -> bytes:
        """A list of all of them."""
        return b"[" + (b",".join(self.entries()) if self.body is None else self.body) + b"]"


def non_finite(value: bytes) -> re.Match[bytes] | None:
    """The first NaN or Infinity outside a string."""
    return next((found for found in _WORD.finditer(value) if not found[0].startswith(b'"')), None)


@dataclass(frozen=True, slots=True)
class Section:
    """A key of the object; `is_list` tells whether pieces of it follow."""

    key: str
    is_list: bool
    line: int


@dataclass(frozen=True, slots=True)
class Fault:
    """Where the file is no JSON. After a fatal one nothing more is read."""

    kind: str
    """truncated-json, malformed-json, bad-encoding or non-finite-number."""
    offset: int
    line: int
    detail: str
    key: str | None = None
    number: int | None = None
    """Number of the entry in its list, from 0."""
    fatal: bool = True


class _Broken(Exception):  # noqa: N818 - carries the fault to the one place that yields it
    def __init__(self, fault: Fault) -> None:
        super().__init__()
        self.fault = fault


def sections(file: BinaryIO, *, chunk: int = CHUNK) -> Iterator[Section | Piece | Fault]:
    """Sections and pieces of one object in the order of the file; the last item may be a fatal Fault."""
    reader = _Reader(file, chunk)
    try:
        yield from reader.read()
    except _Broken as broken:
        yield broken.fault


class _Reader:
    """A window on the file that moves forwards: what lies before `at` is let go of when more is read."""

    def __init__(self, file: BinaryIO, chunk: int) -> None:
        self._file = file
        self._chunk = chunk
        self._data = b""
        self._at = 0
        self._offset = 0
        self._line = 1
        """That of the place up to which line ends were counted."""
        self._counted = 0
        self._ended = False
        self._key: str | None = None
        self._number: int | None = None

    def read(self) -> Iterator[Section | Piece | Fault]:
        self._more(self._chunk)
        written = encoding(self._data[:_HEAD])
        if written != "UTF-8":
            self._break("malformed-json", f"it is {written}, and JSON is read as UTF-8")
        if self._data.startswith(codecs.BOM_UTF8):
            yield self._fault("malformed-json", "it begins with a byte order mark, which no JSON may", fatal=False)
            self._at = len(codecs.BOM_UTF8)
        if self._peek() != b"{":
            what = {b"[": "a list", b"": "nothing"}.get(self._peek(), "no object")
            self._break("truncated-json" if what == "nothing" else "malformed-json", f"it holds {what}")
        self._at += 1
        if self._peek() == b"}":
            self._at += 1
        else:
            yield from self._members()
        self._key = None
        if self._peek():
            self._break("malformed-json", "something follows the end of the object")

    def _members(self) -> Iterator[Section | Piece | Fault]:
        while True:
            self._key = None
            self._peek()
            self._key = key = self._name()
            listed = self._peek() == b"["
            yield Section(key, listed, self._line_here())
            if listed:
                self._at += 1
                yield from self._list(key)
                self._number = None
            else:
                yield from self._value()
            mark = self._peek()
            self._at += 1
            if mark == b"}":
                return
            if mark != b",":
                self._at -= 1
                self._break("malformed-json", f"there is no comma behind {key!r}")

    def _name(self) -> str:
        while True:
            found = _KEY.match(self._data, self._at)
            # The value may begin in what is not read yet.
            if found is not None and (found.end() < len(self._data) or self._ended):
                self._at = found.end()
                try:
                    return str(json.loads(b'"' + found[1] + b'"'))
                except ValueError:
                    self._break("malformed-json", "a key is not written as JSON writes text")
            if len(self._data) - self._at > MAX_VALUE or not self._grow():
                if self._ended and _PART_OF_KEY.match(self._data, self._at):
                    self._truncated()
                self._break("malformed-json", "a key in quotation marks and a colon must stand here")

    def _value(self) -> Iterator[Fault]:
        """Step over a value that is no list."""
        end = self._end_of_entry()
        value = self._data[self._at : end]
        fault = self._check(value)
        self._at = end
        if fault is not None:
            yield fault

    def _list(self, key: str) -> Iterator[Piece | Fault]:
        number = 0
        if self._peek() == b"]":
            self._at += 1
            return
        while True:
            self._number = number
            mark = self._peek()
            piece = self._quick(key, number) if mark not in (b",", b"]") else None
            if piece is not None:
                yield piece
                number += len(piece)
                continue
            ended = False
            for item in self._exact(key, number):
                if isinstance(item, bool):
                    ended = item
                    continue
                yield item
                if isinstance(item, Piece):
                    number += len(item)
            if ended:
                return

    def _quick(self, key: str, number: int) -> Piece | None:
        """Everything up to the last good cut of a chunk; None where there is none, or it is no JSON."""
        self._more(self._chunk)
        start, data = self._at, self._data
        closing, following = _CUTS_AFTER.get(data[start : start + 1], (b"", _NEXT))
        end = min(len(data), start + (self._chunk if closing else self._chunk // 8))
        for _ in range(_TRIES):
            end = data.rfind(closing or b",", start, end)
            if end < 0:
                return None
            comma = following.match(data, end + len(closing))
            if comma is not None:
                return self._cut(key, number, data[start : end + len(closing)], comma.end())
        return None

    def _cut(self, key: str, number: int, body: bytes, next_: int) -> Piece | None:
        try:
            if not body.isascii():
                body.decode()
            raws = _raws.decode(b"[" + body + b"]")
        except (msgspec.MsgspecError, ValueError, RecursionError):
            return None
        line = self._line_here()
        self._at = next_
        return Piece(key, number, line, list(raws), body, _lines(body, raws, line) if b"\n" in body else None)

    def _exact(self, key: str, number: int) -> Iterator[Piece | Fault | bool]:
        """The entries that begin in this window one by one, and whether the list ends behind them."""
        stop = self._offset + self._at + self._chunk
        lines: list[int] = []
        piece = Piece(key, number, self._line_here(), [], own_lines=lines)
        while True:
            self._number = number + len(piece)
            if self._peek() == b"]":
                yield self._fault("malformed-json", "a comma stands before the end of the list", fatal=False)
                self._at += 1
                yield piece
                yield True
                return
            try:
                end = self._end_of_entry()
            except _Broken:
                # What was read up to here is still judged.
                yield piece
                raise
            entry = self._data[self._at : end]
            fault = self._check(entry)
            if fault is not None:
                yield fault
            piece.raws.append(entry)
            lines.append(self._line_here())
            self._at = end
            mark = self._peek()
            if mark in (b",", b"]"):
                self._at += 1
                if mark == b"," and self._offset + self._at < stop and len(piece) < _AT_ONCE:
                    continue
            elif mark == b"{":
                yield self._fault("malformed-json", "there is no comma between two entries", fatal=False)
            else:
                yield piece
                self._break("malformed-json", "there is no comma between two entries")
            yield piece
            yield mark == b"]"
            return

    def _check(self, value: bytes) -> Fault | None:
        """What Python's json says against a value; NaN and Infinity are words that it takes."""
        try:
            if not value.isascii():
                value.decode()
            msgspec.json.decode(value, type=msgspec.Raw)
        except UnicodeDecodeError as error:
            return self._inside(value[: error.start], "bad-encoding", f"byte 0x{value[error.start]:02x} is not UTF-8")
        except (msgspec.MsgspecError, ValueError, RecursionError):
            word = non_finite(value)
            try:
                json.loads(value)
            except json.JSONDecodeError as error:
                before = value.decode()[: error.pos].encode()
                return self._inside(before, "malformed-json", _lower(error.msg))
            except (ValueError, RecursionError) as error:
                return self._fault("malformed-json", _lower(str(error).split(";", 1)[0]), fatal=False)
            if word is not None:
                return self._inside(value[: word.start()], "non-finite-number", word[0].decode())
        return None

    def _inside(self, before: bytes, kind: str, detail: str) -> Fault:
        """A fault at the end of `before`, which begins here; reading goes on behind the value."""
        offset, line = self._offset + self._at + len(before), self._line_here() + before.count(b"\n")
        return Fault(kind, offset, line, detail, self._key, self._number, fatal=False)

    def _end_of_entry(self) -> int:
        """Where the value that begins here ends, which lies in the window then."""
        while True:
            end = self._try_end()
            if end is not None:
                return end
            if len(self._data) - self._at > MAX_VALUE:
                self._break("malformed-json", f"one value is larger than {MAX_VALUE >> 20} MiB, which no annotation is")
            if not self._grow():
                self._truncated()

    def _try_end(self) -> int | None:
        data, at = self._data, self._at
        if data[at : at + 1] not in _PAIRS:
            found = _SCALAR.match(data, at)
            if found is None:
                if data[at : at + 1] == b'"' or at == len(data):
                    return None
                self._break("malformed-json", f"a value must stand here, not {data[at : at + 1].decode('latin-1')!r}")
            return found.end() if found.end() < len(data) or self._ended else None
        open_: list[bytes] = []
        for token in _TOKEN.finditer(data, at):
            mark = token[0]
            if mark in _PAIRS:
                open_.append(_PAIRS[mark])
                if len(open_) > _DEEPEST:
                    self._break("malformed-json", f"lists and objects lie more than {_DEEPEST:,} deep in each other")
            elif mark in (b"}", b"]"):
                if open_.pop() != mark:
                    self._malformed(token.start())
                if not open_:
                    return token.end()
            elif mark == b'"':
                return None
        return None

    def _malformed(self, end: int) -> NoReturn:
        """Brackets that do not match: json tells where it stops to be JSON."""
        text = self._data[self._at : end + 1].decode("utf-8", "surrogateescape")
        detail, before = "brackets do not match", text
        try:
            json.loads(text)
        except json.JSONDecodeError as error:
            detail, before = _lower(error.msg), text[: error.pos]
        except (ValueError, RecursionError):
            pass
        found = self._inside(before.encode("utf-8", "surrogateescape"), "malformed-json", detail)
        raise _Broken(replace(found, fatal=True))

    def _peek(self) -> bytes:
        """The next byte that is no space; empty at the end of the file."""
        while True:
            found = _AFTER_SPACE.match(self._data, self._at)
            self._at = self._at if found is None else found.end()
            if self._at < len(self._data):
                return self._data[self._at : self._at + 1]
            if not self._more(self._chunk):
                return b""

    def _grow(self) -> bool:
        """As much again as is held of what is not understood yet; False at the end of the file."""
        return self._more(2 * max(self._chunk, len(self._data) - self._at))

    def _more(self, size: int) -> bool:
        """Hold at least `size` bytes from here on; whether any came."""
        missing = size - (len(self._data) - self._at)
        if self._ended or missing <= 0:
            return False
        self._line_here()
        self._offset += self._at
        parts = [self._data[self._at :]]
        self._at = self._counted = 0
        while missing > 0:
            part = self._file.read(missing)
            if not part:
                self._ended = True
                break
            parts.append(part)
            missing -= len(part)
        self._data = b"".join(parts)
        return len(parts) > 1

    def _line_here(self) -> int:
        self._line += self._data.count(b"\n", self._counted, self._at)
        self._counted = self._at
        return self._line

    def _fault(self, kind: str, detail: str, *, fatal: bool) -> Fault:
        return Fault(kind, self._offset + self._at, self._line_here(), detail, self._key, self._number, fatal)

    def _break(self, kind: str, detail: str) -> NoReturn:
        if self._ended and self._at >= len(self._data):
            self._truncated()
        raise _Broken(self._fault(kind, detail, fatal=True))

    def _truncated(self) -> NoReturn:
        fault = self._fault("truncated-json", "", fatal=True)
        offset = self._offset + len(self._data)
        line = self._line_here() + self._data.count(b"\n", self._at)
        raise _Broken(Fault(fault.kind, offset, line, "the file ends", fault.key, fault.number))


def _lower(text: str) -> str:
    return text[:1].lower() + text[1:]


def _lines(body: bytes, raws: Iterable[msgspec.Raw], line: int) -> list[int]:
    """Line of each entry, where the first begins `body` on that line."""
    lines, at = [], 0
    for raw in raws:
        entry = bytes(raw)
        begin = body.index(entry[:1], at)
        line += body.count(b"\n", at, begin)
        lines.append(line)
        line += entry.count(b"\n")
        at = begin + len(entry)
    return lines
