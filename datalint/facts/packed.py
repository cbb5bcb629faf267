"""Facts of many files column by column, as one piece: what SQLite hands out row by row takes ten times as long.

It repeats what the cache holds of the files of an earlier run and decides nothing: where it is damaged, made by another
version or on another kind of machine, the rows are asked for as ever.
"""

from __future__ import annotations

import json
import sys
import zlib
from array import array
from contextlib import suppress
from typing import TYPE_CHECKING, NamedTuple, cast

from datalint.facts.row import COLUMNS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

    Column = Sequence[object]

MOST_BYTES = 256 << 20
"""Larger ones are not kept: SQLite takes no value of a gigabyte."""
_FEW = 255
"""Different values that one byte tells apart."""
_CHECKSUM, _LENGTH = 4, 8
"""Bytes of the CRC-32 of all that follows, and of the length of the description."""


class Packed(NamedTuple):
    places: Mapping[str, int]
    """Content id -> row."""
    columns: Mapping[str, Column]
    """By the names of COLUMNS, without those that are None throughout."""


def version(extractor: str) -> str:
    """What must agree for the bytes to mean the same."""
    return f"{extractor}; {sys.byteorder}; {' '.join(COLUMNS)}"


def packed(ids: Sequence[str | None], columns: Mapping[str, Column]) -> bytes | None:
    """The rows whose content is known; None of what would be too large, or holds bytes."""
    rows = [row for row, identity in enumerate(ids) if identity is not None]
    described, pieces = [], []
    for name in COLUMNS:
        column = columns[name]
        values = column if len(rows) == len(column) else [column[row] for row in rows]
        made = _written(values)
        if made is None:
            return None
        described.append(made[0])
        pieces.append(made[1])
    ids_ = "\n".join(ids[row] or "" for row in rows).encode()
    head = json.dumps({"ids": len(ids_), "rows": len(rows), "columns": described}).encode()
    body = b"".join([len(head).to_bytes(_LENGTH, "little"), head, ids_, *pieces])
    return _checksum(body) + body if len(body) <= MOST_BYTES else None


def unpacked(content: bytes | None) -> Packed | None:
    """None of anything but what `packed` made."""
    if content is None or content[:_CHECKSUM] != _checksum(memoryview(content)[_CHECKSUM:]):
        return None
    try:
        found = _unpacked(content)
    except (ValueError, LookupError, TypeError):
        return None
    whole = all(len(column) == len(found.places) for column in found.columns.values())
    return found if whole else None


def _unpacked(content: bytes) -> Packed:
    start = _CHECKSUM + _LENGTH
    end = start + int.from_bytes(content[_CHECKSUM:start], "little")
    head = json.loads(content[start:end])
    rows, start, end = head["rows"], end, end + head["ids"]
    ids = content[start:end].decode().split("\n") if rows else []
    columns: dict[str, Column] = {}
    for name, said in zip(COLUMNS, head["columns"], strict=True):
        start, end = end, end + said["bytes"]
        if said.get("few") != [None]:
            columns[name] = _read(said, memoryview(content)[start:end], rows)
    return Packed(dict(zip(ids, range(rows), strict=True)), columns)


def _written(values: Column) -> tuple[dict[str, Any], bytes] | None:
    """How to read a column, and its bytes: codes of few values, else numbers of 64 bits, else JSON."""
    types = set(map(type, values))
    known = types - {type(None)}
    if bytes in known:
        return None
    # To a set 1 and True are the same, and so are 0.0 and -0.0.
    if len(known) <= 1 and float not in known and len(different := set(values)) <= _FEW:
        codes = {value: code for code, value in enumerate(different)}
        return _said("few", bytes(map(codes.__getitem__, values)), few=list(codes))
    if known in ({int}, {float}):
        with suppress(OverflowError):
            return _numbers(values, "q" if int in known else "d", gaps=type(None) in types)
    return _said("json", json.dumps(values).encode())


def _numbers(values: Column, code: str, *, gaps: bool) -> tuple[dict[str, Any], bytes]:
    missing = [row for row, value in enumerate(values) if value is None] if gaps else []
    given = [0 if value is None else value for value in values] if gaps else values
    return _said(code, array(code, cast("Sequence[float]", given)).tobytes(), missing=missing)


def _said(kind: str, content: bytes, **more: object) -> tuple[dict[str, Any], bytes]:
    return {"kind": kind, "bytes": len(content), **more}, content


def _read(said: Mapping[str, Any], content: memoryview, rows: int) -> Column:
    if said["kind"] == "few":
        # Words are shared with what a new file brings.
        few = [sys.intern(value) if isinstance(value, str) else value for value in said["few"]]
        return few * rows if len(few) == 1 else list(map(few.__getitem__, content))
    if said["kind"] == "json":
        found: Column = json.loads(bytes(content))
        return found
    numbers = array(said["kind"])
    numbers.frombytes(content)
    values: list[object] = numbers.tolist()
    for row in said["missing"]:
        values[row] = None
    return values


def _checksum(content: bytes | memoryview) -> bytes:
    return zlib.crc32(content).to_bytes(_CHECKSUM, "little")
