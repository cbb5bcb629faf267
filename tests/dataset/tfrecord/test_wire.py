"""The hand-written parser against protocol buffers, on messages of every shape that a writer may give them."""

from __future__ import annotations

import os
import struct
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from datalint.dataset.tfrecord import wire
from tests.dataset.tfrecord.records import message, varint

if TYPE_CHECKING:
    from collections.abc import Sequence

pytestmark = [pytest.mark.tensorflow, pytest.mark.slow]

NUMBERS = st.integers(-(1 << 63), (1 << 63) - 1)
NAMES = st.sampled_from(["image", "label", "", "image/encoded", "ä", "n" * 200])


def packed(values: Sequence[int]) -> bytes:
    return message(1, b"".join(map(varint, values)))


def unpacked(values: Sequence[int]) -> bytes:
    return b"".join(b"\x08" + varint(value) for value in values)


INTS = st.tuples(st.sampled_from([packed, unpacked]), st.lists(NUMBERS, max_size=4)).map(lambda it: (3, it[0](it[1])))
BLOBS = st.lists(st.binary(max_size=300), max_size=3).map(lambda some: (1, b"".join(message(1, each) for each in some)))
FLOATS = st.lists(st.floats(width=32, allow_nan=False), max_size=4).flatmap(
    lambda some: st.sampled_from(
        [
            (2, message(1, struct.pack(f"<{len(some)}f", *some))),
            (2, b"".join(b"\x0d" + struct.pack("<f", each) for each in some)),
        ]
    )
)
UNKNOWN = st.sampled_from(
    [b"", b"", b"", varint(7 << 3) + b"\x05", varint(9 << 3 | 2) + b"\x02hi", b"\x55abcd", b"\x59abcdefgh"]
)


@st.composite
def entries(draw: st.DrawFn) -> bytes:
    """An entry of the map: its parts in any order, some of them twice or not at all, unknown fields in its value."""
    lists = draw(st.lists(st.one_of(INTS, BLOBS, FLOATS), max_size=2))
    value = b"".join(draw(UNKNOWN) + message(number, body) for number, body in lists)
    parts = [message(1, draw(NAMES).encode()), message(2, value)]
    if draw(st.integers(0, 9)) == 0:
        # No unknown field there: Python's protocol buffers (upb) drop such an entry, C++ and TensorFlow keep it.
        parts = draw(st.permutations([*parts, *parts]))[: draw(st.integers(0, 4))]
    return message(1, b"".join(parts))


@st.composite
def messages(draw: st.DrawFn) -> bytes:
    maps = draw(st.lists(st.lists(entries(), max_size=4).map(b"".join), min_size=1, max_size=2))
    return b"".join(message(1, each) + draw(UNKNOWN) for each in maps[: 1 if draw(st.booleans()) else 2])


def parsed(data: bytes) -> dict[str, tuple[str | None, list[Any]]] | None:
    """By protocol buffers; None where they refuse it."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    tensorflow = pytest.importorskip("tensorflow")
    decode_error = pytest.importorskip("google.protobuf.message").DecodeError
    try:
        found = tensorflow.train.Example.FromString(data)
    except decode_error:
        return None
    return {
        name: (kind, list(getattr(value, kind).value) if kind else [])
        for name, value in found.features.feature.items()
        for kind in [value.WhichOneof("kind")]
    }


KINDS = {wire.UNSET: None, wire.BYTES: "bytes_list", wire.FLOAT: "float_list", wire.INT: "int64_list"}


def ours(data: bytes) -> dict[str, tuple[str | None, list[Any]]]:
    kinds, places = wire.example(data)
    found: dict[str, tuple[str | None, list[Any]]] = {}
    for name, kind in kinds.items():
        values: list[Any] = []
        if kind == wire.BYTES:
            values = [data[start:end] for start, end in wire.blobs(data, places[name])]
            assert wire.text(data, places[name]) == (values[0] if len(values) == 1 else None)
        elif kind == wire.FLOAT:
            values = wire.floats(data, places[name])
        elif kind == wire.INT:
            values = wire.ints(data, places[name])
            assert wire.number(data, places[name]) == (values[0] if len(values) == 1 else None)
        assert wire.count(data, kind, places[name]) == len(values)
        found[name.decode()] = (KINDS[kind], values)
    return found


@given(messages())
@settings(max_examples=400, deadline=None, derandomize=True)
def test_every_way_to_write_an_example_is_read_as_by_protocol_buffers(data: bytes) -> None:
    expected = parsed(data)
    assert expected is not None
    assert ours(data) == expected


@given(messages(), st.data())
@settings(max_examples=400, deadline=None, derandomize=True)
def test_what_is_refused_is_refused_by_protocol_buffers_too(data: bytes, draw: st.DataObject) -> None:
    assume(data)
    at = draw.draw(st.integers(0, len(data) - 1))
    broken = draw.draw(st.sampled_from([data[:at], data[:at] + data[at + 1 :], data[:at] + b"\x80" + data[at + 1 :]]))
    try:
        found = ours(broken)
    except (wire.MalformedError, UnicodeDecodeError):
        # Groups, which nobody writes any more, tf.io.parse_example refuses as well.
        assert parsed(broken) is None or has_group(broken)
    else:
        expected = parsed(broken)
        assert expected is None or found == expected or has_stray(broken)


def has_group(data: bytes) -> bool:
    """Whether it is refused for a field of wire type 3 or 4."""
    try:
        ours(data)
    except wire.MalformedError as error:
        return str(error) in ("a field of wire type 3", "a field of wire type 4")
    return False


def has_stray(data: bytes) -> bool:
    """Whether an entry has a field besides name and value, for which upb drops it."""
    maps = [(start, stop) for tag, start, stop in wire._fields(data, 0, len(data)) if tag == 0x0A]
    entries_ = [it[1:] for start, stop in maps for it in wire._fields(data, start, stop) if it[0] == 0x0A]
    return any(tag not in (0x0A, 0x12) for start, stop in entries_ for tag, _, _ in wire._fields(data, start, stop))


@pytest.mark.parametrize(
    ("value", "read"),
    [
        # Fields of eight bytes that look like a number without an end; one with a list behind it.
        (b"\x09" + b"\xff" * 8 + b"\xf9\xff\xff\xff\x0f" + b"\x00" * 8, True),
        (b"\x09" + b"\xff" * 8 + message(1, message(1, b"text")), True),
        # A field with the number 0.
        (b"\x00\x00", False),
        (b"\x00\x03abc", False),
    ],
)
def test_what_stands_where_a_list_is_expected_is_taken_as_by_protocol_buffers(*, value: bytes, read: bool) -> None:
    data = message(1, message(1, message(1, b"image") + message(2, value)))
    expected = parsed(data)
    assert (expected is not None) == read
    if read:
        assert ours(data) == expected
    else:
        with pytest.raises(wire.MalformedError):
            ours(data)
