"""tf.train.Example and SequenceExample from their bytes: which features there are, and where their values lie.

Protocol buffers' wire format (https://protobuf.dev/programming-guides/encoding/); the messages are those of
tensorflow/core/example/{example,feature}.proto. Nothing is copied but names.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

UNSET, BYTES, FLOAT, INT = 0, 0x0A, 0x12, 0x1A
"""Kind of a feature: the tag of its list in message Feature."""
KINDS = {UNSET: "empty", BYTES: "bytes", FLOAT: "float", INT: "int64"}

Place = tuple[int, ...]
"""Start and end of the list of values; more pairs where a writer has it in pieces."""
Features = tuple[dict[bytes, int], dict[bytes, Place]]
"""Name -> kind, and name -> place."""

_VARINT, _I64, _LEN, _I32 = 0, 1, 2, 5


class MalformedError(Exception):
    """Not a message of this kind."""


def example(data: bytes) -> Features:
    """Features of an Example, of a SequenceExample its context; raises MalformedError."""
    kinds: dict[bytes, int] = {}
    places: dict[bytes, Place] = {}
    try:
        if not _quick(data, kinds, places):
            kinds, places = {}, {}
            _features(data, kinds, places)
    except (IndexError, RecursionError) as error:
        raise MalformedError("it ends in the middle of a field") from error
    return kinds, places


def _quick(data: bytes, kinds: dict[bytes, int], places: dict[bytes, Place]) -> bool:
    """The way in which every writer writes it: one field, and in each entry name, then value. False for any other."""
    end = len(data)
    if not end:
        return True
    if data[0] != 0x0A:
        return False
    size, at = data[1], 2
    if size > 127:
        size, at = _varint(data, 1)
    if at + size != end:
        return False
    while at < end:
        if data[at] != 0x0A:
            return False
        size = data[at + 1]
        at += 2
        if size > 127:
            size, at = _varint(data, at - 1)
        stop = at + size
        size = data[at + 1]
        if data[at] != 0x0A or size > 127:
            return False
        at += 2 + size
        name = data[at - size : at]
        if data[at] != 0x12:
            return False
        size = data[at + 1]
        at += 2
        if size > 127:
            size, at = _varint(data, at - 1)
        if at + size != stop:
            return False
        kind = UNSET
        if size:
            kind = data[at]
            size = data[at + 1]
            at += 2
            if size > 127:
                size, at = _varint(data, at - 1)
            if at + size != stop or kind not in KINDS:
                return False
        # Of two entries of one name the last counts.
        kinds[name] = kind
        places[name] = (at, stop)
        at = stop
    return at == end


def _varint(data: bytes, at: int) -> tuple[int, int]:
    """Value, and where it ends."""
    value = shift = 0
    while True:
        byte = data[at]
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
        if tag in KINDS:
            place = (*place, at, end) if tag == kind else (at, end)
            kind = tag
    return kind, place


def sequences(data: bytes) -> Mapping[bytes, list[tuple[int, Place]]]:
    """Feature lists of a SequenceExample: name -> kind and place of each step; raises MalformedError."""
    found: dict[bytes, list[tuple[int, Place]]] = {}
    try:
        for tag, start, stop in _fields(data, 0, len(data)):
            for inner, entry, end in _fields(data, start, stop) if tag == 0x12 else ():
                if inner == 0x0A:
                    name, steps = _steps(data, entry, end)
                    found[name] = steps
    except IndexError as error:
        raise MalformedError("it ends in the middle of a field") from error
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
        try:
            size, at = _varint(data, start + 1)
        except IndexError as error:
            raise MalformedError("it ends in the middle of a field") from error
        if data[start] == 0x0A and at + size == stop:
            return [(at, stop)]
    found = []
    for index in range(0, len(place), 2):
        found += [(at, to) for tag, at, to in _fields(data, place[index], place[index + 1]) if tag == 0x0A]
    return found


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


def count(data: bytes, kind: int, place: Place) -> int:
    """Values of a feature."""
    if kind == BYTES:
        return len(blobs(data, place))
    if kind == FLOAT:
        pairs = [_fields(data, place[index], place[index + 1]) for index in range(0, len(place), 2)]
        return sum((to - at) // 4 for fields in pairs for tag, at, to in fields if tag in (0x0A, 0x0D))
    return len(ints(data, place)) if kind == INT else 0
