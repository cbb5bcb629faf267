"""Manifest files -> rows of text with their line numbers; a row that cannot be read is a `Bad`."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from datalint.dataset import parquet

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import Protocol

    class _Reader(Protocol):
        """What csv.reader returns; its own type has no public name."""

        @property
        def line_num(self) -> int: ...
        def __iter__(self) -> Iterator[list[str]]: ...
        def __next__(self) -> list[str]: ...


@dataclass(frozen=True, slots=True)
class Row:
    """Cells by column name; `line` counts from 1."""

    line: int
    cells: Mapping[str, str | None]


@dataclass(frozen=True, slots=True)
class Bad:
    """A row that is not one."""

    line: int
    kind: str
    detail: str


def parse(content: bytes, format: str) -> tuple[tuple[str, ...], Iterator[Row | Bad]]:  # noqa: A002
    """Column names (empty where rows name their own) and the rows, in order."""
    if format == "parquet":
        return _parquet(content)
    text, problems = _decode(content)
    if format == "jsonl":
        return (), _jsonl(text, problems)
    return _table(text, problems, "\t" if format == "tsv" else None)


def _decode(content: bytes) -> tuple[str, list[Bad]]:
    try:
        return content.decode("utf-8-sig"), []
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        detail = f"not UTF-8 at byte {error.start:,} (0x{content[error.start]:02x})"
        return content.decode("utf-8-sig", "backslashreplace"), [Bad(line, "bad-encoding", detail)]


def _table(text: str, problems: list[Bad], delimiter: str | None) -> tuple[tuple[str, ...], Iterator[Row | Bad]]:
    head = text[: text.find("\n")] if "\n" in text else text
    delimiter = delimiter or max(",;\t", key=head.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    try:
        header = tuple(name.strip() for name in next(reader, []))
    except csv.Error as error:
        return (), iter([*problems, Bad(1, "bad-row", str(error))])
    return header, _cells(reader, header, problems)


def _cells(reader: _Reader, header: tuple[str, ...], problems: list[Bad]) -> Iterator[Row | Bad]:
    yield from problems
    while True:
        # A quoted cell may span lines: the row begins after the last one read.
        line = reader.line_num + 1
        try:
            cells = next(reader, None)
        except csv.Error as error:
            yield Bad(line, "bad-row", str(error))
            continue
        if cells is None:
            return
        if not cells:
            continue
        if len(cells) != len(header):
            yield Bad(line, "bad-row", f"{len(cells)} cells, but the header has {len(header)}")
            continue
        yield Row(line, {name: cell.strip() or None for name, cell in zip(header, cells, strict=True)})


def _jsonl(text: str, problems: list[Bad]) -> Iterator[Row | Bad]:
    yield from problems
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip():
            continue
        try:
            value = json.loads(line)
        except ValueError as error:
            yield Bad(number, "bad-row", f"not JSON: {error}")
            continue
        if not isinstance(value, dict):
            yield Bad(number, "bad-row", f"not an object: {line[:40]}")
            continue
        yield Row(number, {str(name): _text(cell) for name, cell in value.items()})


def _text(value: object) -> str | None:
    if value is None or isinstance(value, str):
        return value
    return json.dumps(value, ensure_ascii=False)


def _parquet(content: bytes) -> tuple[tuple[str, ...], Iterator[Row | Bad]]:
    try:
        header, rows = parquet.read(content)
    except parquet.UnreadableError as error:
        return (), iter([Bad(1, "bad-row", f"not a readable Parquet file: {error}")])
    found = (
        Row(line, {name: (cell or "").strip() or None for name, cell in zip(header, cells, strict=True)})
        for line, cells in enumerate(rows, 1)
    )
    return header, found
