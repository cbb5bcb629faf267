"""Which feature plays which part, and what is known of a record by which that is found out."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from datalint.dataset.tfrecord import wire
from datalint.entry import display

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

_SIGNATURES = (b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"GIF87a", b"GIF89a", b"BM", b"II*\0", b"MM\0*")
_OBJECTS = ("object", "bbox")


@dataclass(frozen=True, slots=True)
class Head:
    """One of the first records."""

    data: bytes
    kinds: Mapping[bytes, int]
    places: Mapping[bytes, wire.Place]
    steps: Mapping[bytes, list[tuple[int, wire.Place]]] = field(default_factory=dict)
    """Feature lists of a SequenceExample."""


@dataclass(frozen=True, slots=True)
class Array:
    """Pixels as they are, without an image file: shape from features of the record, else the same for all."""

    names: tuple[bytes, ...] = ()
    """Height, width and perhaps depth."""
    shape: tuple[int, int, int] | None = None
    """Height, width, channels; None where nobody states them."""
    size: int | None = None
    """Bytes or numbers of each; None where the record tells."""


@dataclass(frozen=True, slots=True)
class Boxes:
    """Features of the boxes; `flat` holds ymin, xmin, ymax, xmax of each in turn."""

    sides: tuple[bytes, bytes, bytes, bytes] | None = None
    """xmin, ymin, xmax, ymax."""
    flat: bytes | None = None
    label: bytes | None = None
    text: bytes | None = None


@dataclass(frozen=True, slots=True)
class Plan:
    """Names of the features that are read; its repr is the key of what is remembered of a shard."""

    image: bytes | None = None
    kind: int = wire.BYTES
    frames: bool = False
    """The images are the steps of a sequence."""
    array: Array | None = None
    label: bytes | None = None
    label_kind: int = wire.INT
    hot: bool = False
    """The label is a vector with a single 1."""
    text: bytes | None = None
    """The name of the class beside its number."""
    split: bytes | None = None
    group: bytes | None = None
    width: bytes | None = None
    height: bytes | None = None
    boxes: Boxes | None = None


def head(data: bytes) -> Head | None:
    """None for what is no Example."""
    try:
        kinds, places = wire.example(data)
        return Head(data, kinds, places, wire.sequences(data))
    except wire.MalformedError:
        return None


def shown(name: bytes) -> str:
    """A feature's name as text."""
    return display(name.decode("utf-8", "surrogateescape"))


def looks_like_image(data: bytes) -> bool:
    """Whether they begin as an image file does."""
    return (
        data.startswith(_SIGNATURES) or (data[:4] == b"RIFF" and data[8:12] == b"WEBP") or data[4:8] == b"ftyp"
    )  # fmt: skip


def blobs(each: Head, name: bytes) -> list[tuple[int, int]]:
    """Start and end of each value of a feature of bytes; none of any other."""
    try:
        return wire.blobs(each.data, each.places[name]) if each.kinds.get(name) == wire.BYTES else []
    except wire.MalformedError:
        return []


def known(heads: Iterable[Head]) -> set[bytes]:
    """Names of features that a record has."""
    return {name for each in heads for name in each.kinds}


def named(order: Sequence[str], among: Iterable[bytes]) -> bytes | None:
    """The first name that is there, as a whole or as the last part of a longer one (`train/label`)."""
    lower = {name.decode("latin-1").lower(): name for name in sorted(among, reverse=True)}
    for word in order:
        if word in lower:
            return lower[word]
    for word in order:
        for name in sorted(lower):
            if name.endswith(f"/{word}") and not any(each in name for each in _OBJECTS):
                return lower[name]
    return None
