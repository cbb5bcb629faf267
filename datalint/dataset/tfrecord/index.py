"""What is known of one shard once it was read: small enough to be kept, enough to list its samples."""

from __future__ import annotations

from array import array

import msgspec

# Part of the key of every remembered index: raise it whenever the same shard could give another one.
VERSION = "4"
MOST_ODD = 100
"""Odd records that are told of one shard; the others are counted."""


class Damage(msgspec.Struct, array_like=True, frozen=True):
    """What is wrong at one record, which starts at `offset` of the decompressed bytes."""

    cause: str
    record: int
    offset: int
    detail: str


class Odd(msgspec.Struct, array_like=True, frozen=True):
    """A record that is not like the others: kind of problem, feature, what was seen."""

    kind: str
    record: int
    feature: str
    detail: str


class Shape(msgspec.Struct, array_like=True):
    """Features and their kinds that some records have in common."""

    kinds: dict[bytes, int]
    count: int
    first: int


class Box(msgspec.Struct, array_like=True, frozen=True):
    """In fractions of the image; `sample` is the position in the shard."""

    sample: int
    x: float
    y: float
    width: float
    height: float
    number: int | None = None
    name: str | None = None


class Index(msgspec.Struct, array_like=True):
    """Columns run along the samples; an empty one has no values."""

    codec: str = "plain"
    records: int = 0
    """Sound ones."""
    damaged: int = 0
    damage: list[Damage] = []
    numbers: bytes = b""
    """Record of each sample; like `offsets`, `sizes` and `labels` an array of int64."""
    steps: list[int] = []
    """Its place in the sequence, where images are frames."""
    offsets: bytes = b""
    sizes: bytes = b""
    labels: bytes = b""
    """Positions in `values`; -1 for none."""
    values: list[int | str] = []
    texts: list[tuple[int | str, str, int]] = []
    """Label, the name that stands beside it, and the first record that says so."""
    box_texts: list[tuple[int | str, str, int]] = []
    """The same of boxes."""
    splits: list[str | None] = []
    groups: list[str | None] = []
    widths: list[int | None] = []
    heights: list[int | None] = []
    shapes_of: list[tuple[int, int, int] | None] = []
    """Height, width and channels of arrays."""
    boxes: list[Box] = []
    shapes: list[Shape] = []
    odd: list[Odd] = []
    odd_counts: dict[str, int] = {}
    """Kind and feature -> records, also those that `odd` leaves out."""


def integers(column: bytes) -> array[int]:
    """The values of such a column."""
    found = array("q")
    found.frombytes(column)
    return found


def pack(index: Index) -> bytes:
    """As it is kept."""
    return msgspec.msgpack.encode(index)


def unpack(content: bytes) -> Index | None:
    """None for what is none."""
    try:
        found = msgspec.msgpack.decode(content, type=Index)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
    return found if _sound(found) else None


def _sound(index: Index) -> bool:
    """Whether all columns have the length of the first, and none points beyond another."""
    columns = {len(each) for each in (index.numbers, index.offsets, index.sizes, index.labels)}
    count = len(index.numbers) // 8
    others = (index.steps, index.splits, index.groups, index.widths, index.heights, index.shapes_of)
    return (
        len(columns) == 1
        and len(index.numbers) % 8 == 0
        and all(len(each) in (0, count) for each in others)
        and max(integers(index.labels), default=-1) < len(index.values)
        and all(0 <= box.sample < count for box in index.boxes)
        and index.codec in ("plain", "gzip", "zlib")
    )
