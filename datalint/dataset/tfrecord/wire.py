"""tf.train.Example and SequenceExample from their bytes: which features there are, and where their values lie.

Protocol buffers' wire format (https://protobuf.dev/programming-guides/encoding/); the messages are those of
tensorflow/core/example/{example,feature}.proto. Nothing is copied but names.
"""

from __future__ import annotations

import re
import struct
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

UNSET, BYTES, FLOAT, INT = 0, 0x0A, 0x12, 0x1A
"""Kind of a feature: the tag of its list in message Feature."""
KINDS = {UNSET: "empty", BYTES: "bytes", FLOAT: "float", INT: "int64"}
_LISTS = frozenset({BYTES, FLOAT, INT})

Place = tuple[int, ...]
"""Start and end of the list of values; more pairs where a writer has it in pieces."""
Features = tuple[dict[bytes, int], dict[bytes, Place]]
"""Name -> kind, and name -> place."""

_VARINT, _I64, _LEN, _I32 = 0, 1, 2, 5

_CONTINUED = bytes(range(0x80, 0x100))
"""Bytes of a varint that are not its last one."""
_LONG = re.compile(rb"[\x80-\xff]{10}")

_CUT = "it ends in the middle of a field"


class MalformedError(Exception):
    """Not a message of this kind."""


def example(data: bytes) -> Features:
    """Features of an Example, of a SequenceExample its context; raises MalformedError."""
    kinds: dict[bytes, int] = {}
    places: dict[bytes, Place] = {}
    try:
        quick = _quick(data, kinds, places)
    except IndexError:
        quick = False
    if not quick:
        kinds, places = {}, {}
        _features(data, kinds, places)
    return kinds, places


def _quick(data: bytes, kinds: dict[bytes, int], places: dict[bytes, Place]) -> bool:
    """The way in which every writer writes it: one field, and in each entry name, then value. False for any other."""
    end = len(data)
    if not end:
        return True
    if data[0] != 0x0A:
        return False
    size, at = _varint(data, 1)
    if at + size != end:
        return False
    head = _heads.get
    while at < end:
        # All before the values of an entry whose lengths are below 128: tag and length of the entry, of the name, the
        # name, tags and lengths of Feature and list.
        known = head(data[at : at + data[at + 3] + 8])
        if known is not None:
            name, kinds[name], start, stop = known
            places[name] = (at + start, at + stop)
            at += stop
            continue
        first = at
        if data[at] != 0x0A:
            return False
        size, at = _varint(data, at + 1)
        stop = at + size
        size = data[at + 1]
        if data[at] != 0x0A or size > 127:
            return False
        at += 2 + size
        name = data[at - size : at]
        if data[at] != 0x12:
            return False
        size, at = _varint(data, at + 1)
        if at + size != stop:
            return False
        kind = UNSET
        if size:
            kind = data[at]
            if kind not in _LISTS:
                return False
            size, at = _varint(data, at + 1)
            if at + size != stop:
                return False
        # Of two entries of one name the last counts.
        kinds[name] = kind
        places[name] = (at, stop)
        if at - first == len(name) + 8 and len(_heads) < _MOST_HEADS:
            _heads[data[first:at]] = (name, kind, at - first, stop - first)
        at = stop
    return at == end


_heads: dict[bytes, tuple[bytes, int, int, int]] = {}
"""Heads of entries that were parsed: name, kind, and where values start and end after the head's own start."""
_MOST_HEADS = 4096


def _varint(data: bytes, at: int) -> tuple[int, int]:
    """Value, and where it ends."""
    try:
        first = data[at]
        if first < 0x80:
            return first, at + 1
        second = data[at + 1]
        if second < 0x80:
            return first & 0x7F | second << 7, at + 2
        third = data[at + 2]
        if third < 0x80:
            # Up to 2 MB, as nearly every length; the loop below is slower.
            return first & 0x7F | (second & 0x7F) << 7 | third << 14, at + 3
    except IndexError:
        raise MalformedError(_CUT) from None
    return _long_varint(data, at)


def _long_varint(data: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        try:
            byte = data[at]
        except IndexError:
            raise MalformedError(_CUT) from None
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
        shift += 7
        if shift > 63:
            raise MalformedError("a number of more than ten bytes")


def _fields(data: bytes, at: int, end: int) -> Iterator[tuple[int, int, int]]:
    """Tag, start and end of the value of each field, in order."""
    while at < end:
        tag, at = _varint(data, at)
        kind = tag & 7
        if kind == _LEN:
            size, at = _varint(data, at)
        elif kind == _VARINT:
            _, after = _varint(data, at)
            size = after - at
        elif kind in (_I32, _I64):
            size = 4 if kind == _I32 else 8
        else:
            raise MalformedError(f"a field of wire type {kind}")
        if tag < 8 or at + size > end:
            raise MalformedError("a field that ends outside its message" if tag >= 8 else "a field with the number 0")
        yield tag, at, at + size
        at += size


def _features(data: bytes, kinds: dict[bytes, int], places: dict[bytes, Place]) -> None:
    for tag, start, stop in _fields(data, 0, len(data)):
        if tag == 0x0A:
            _map(data, start, stop, kinds, places)


def _map(data: bytes, start: int, stop: int, kinds: dict[bytes, int], places: dict[bytes, Place]) -> None:
    for tag, entry, end in _fields(data, start, stop):
        if tag != 0x0A:
            continue
        name, kind = b"", UNSET
        place: Place = (entry, entry)
        for part, at, to in _fields(data, entry, end):
            if part == 0x0A:
                name = data[at:to]
            elif part == 0x12:
                kind, place = _feature(data, at, to, kind, place)
        kinds[name], places[name] = kind, place


def _feature(data: bytes, start: int, stop: int, kind: int, place: Place) -> tuple[int, Place]:
    """Of the lists of a oneof the last counts; pieces of one list belong together."""
    for tag, at, end in _fields(data, start, stop):
        if tag in _LISTS:
            place = (*place, at, end) if tag == kind else (at, end)
            kind = tag
    return kind, place


def sequences(data: bytes) -> Mapping[bytes, list[tuple[int, Place]]]:
    """Feature lists of a SequenceExample: name -> kind and place of each step; raises MalformedError."""
    found: dict[bytes, list[tuple[int, Place]]] = {}
    for tag, start, stop in _fields(data, 0, len(data)):
        for inner, entry, end in _fields(data, start, stop) if tag == 0x12 else ():
            if inner == 0x0A:
                name, steps = _steps(data, entry, end)
                found[name] = steps
    return found


def _steps(data: bytes, entry: int, end: int) -> tuple[bytes, list[tuple[int, Place]]]:
    name, steps = b"", []
    for part, at, to in _fields(data, entry, end):
        if part == 0x0A:
            name = data[at:to]
        elif part == 0x12:
            steps += [
                _feature(data, step, after, UNSET, (step, step))
                for tag, step, after in _fields(data, at, to)
                if tag == 0x0A
            ]
    return name, steps


def blobs(data: bytes, place: Place) -> list[tuple[int, int]]:
    """Start and end of each value of a bytes_list."""
    if len(place) == 2:
        # One value that fills the list, as nearly always.
        start, stop = place
        if start == stop:
            return []
        size, at = _varint(data, start + 1)
        if data[start] == 0x0A and at + size == stop:
            return [(at, stop)]
    found = []
    for index in range(0, len(place), 2):
        found += [(at, to) for tag, at, to in _fields(data, place[index], place[index + 1]) if tag == 0x0A]
    return found


def number(data: bytes, place: Place) -> int | None:
    """The value of an int64_list that has one."""
    values = ints(data, place, limit=2)
    return values[0] if len(values) == 1 else None


def text(data: bytes, place: Place) -> bytes | None:
    """The value of a bytes_list that has one."""
    start, stop = place[0], place[1]
    size = stop - start - 2
    if len(place) == 2 and 0 <= size < 0x80 and data[start] == 0x0A and data[start + 1] == size:
        return data[start + 2 : stop]
    found = blobs(data, place)
    return data[found[0][0] : found[0][1]] if len(found) == 1 else None


def ints(data: bytes, place: Place, *, limit: int | None = None) -> list[int]:
    """Values of an int64_list, packed or not; the first `limit` of them."""
    found: list[int] = []
    for index in range(0, len(place), 2):
        for tag, at, end in _fields(data, place[index], place[index + 1]):
            if tag in (0x08, 0x0A):
                while at < end:
                    if limit is not None and len(found) >= limit:
                        return found
                    value, at = _varint(data, at)
                    value &= 0xFFFFFFFFFFFFFFFF
                    found.append(value - (1 << 64) if value >> 63 else value)
                if at != end:
                    raise MalformedError("a number that ends outside its list")
    return found


def floats(data: bytes, place: Place) -> list[float]:
    """Values of a float_list, packed or not."""
    found: list[float] = []
    for index in range(0, len(place), 2):
        for tag, at, end in _fields(data, place[index], place[index + 1]):
            if tag in (0x0A, 0x0D):
                if (end - at) % 4:
                    raise MalformedError("a list of floats of another length")
                found += struct.unpack_from(f"<{(end - at) // 4}f", data, at)
    return found


def packed(data: bytes, place: Place) -> tuple[int, int] | None:
    """Start and end of the values of a list of numbers, where they lie side by side as every writer lays them."""
    if len(place) != 2 or place[0] == place[1] or data[place[0]] != 0x0A:
        return None
    size, at = _varint(data, place[0] + 1)
    return (at, place[1]) if at + size == place[1] else None


def count(data: bytes, kind: int, place: Place) -> int:
    """Values of a feature."""
    if kind == INT and (values := packed(data, place)) is not None:
        # Each number ends with a byte below 128; longer ones than any integer has are looked at one by one.
        content = data[slice(*values)]
        if not content or (content[-1] < 0x80 and not _LONG.search(content)):
            return len(content.translate(None, _CONTINUED))
    if kind == BYTES:
        return len(blobs(data, place))
    if kind == FLOAT:
        pairs = [_fields(data, place[index], place[index + 1]) for index in range(0, len(place), 2)]
        return sum((to - at) // 4 for fields in pairs for tag, at, to in fields if tag in (0x0A, 0x0D))
    return len(ints(data, place)) if kind == INT else 0
