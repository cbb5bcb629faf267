"""Manifest files -> rows of text with their line numbers; a row that cannot be read is a `Bad`."""

from __future__ import annotations

import codecs
import contextlib
import csv
import io
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from datalint.dataset import parquet
from datalint.entry import display

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence
    from typing import Protocol

    class _Reader(Protocol):
        """What csv.reader returns; its own type has no public name."""

        @property
        def line_num(self) -> int: ...
        def __iter__(self) -> Iterator[list[str]]: ...
        def __next__(self) -> list[str]: ...


# Masks as run lengths fill megabytes of a cell; the csv module gives up at 128 KiB.
csv.field_size_limit(1 << 28)
_EXACT = 1 << 53
"""From here on not every whole number is a float."""
_UTF16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


@dataclass(frozen=True, slots=True)
class Row:
    """Cells by column name, as written but for blank ones; `line` counts from 1.

    Bytes that are not UTF-8 are surrogates (os.fsdecode), so that a path still finds the file of that name.
    """

    line: int
    cells: Mapping[str, str | None]


@dataclass(frozen=True, slots=True)
class Bad:
    """A row that is not one."""

    line: int
    kind: str
    detail: str


def parse(
    content: bytes,
    format: str,  # noqa: A002
    *,
    known: Collection[str] = (),
) -> tuple[tuple[str, ...], Iterator[Row | Bad]]:
    """Column names (empty where rows name their own) and the rows of a text, in order.

    `known` are names that a header is expected to have; they tell what separates its columns.
    """
    text, problems = _decode(content)
    if format == "jsonl":
        return (), _jsonl(text, problems)
    names = {name.lower() for name in known}
    return _table(text, problems, "\t" if format == "tsv" else _delimiter(text, names), names)


def header_to_pandas(content: bytes) -> tuple[str, ...]:
    """The names of columns that `pandas.read_csv` gives without being told anything: parted at commas, spaces kept."""
    return tuple(map(display, next(_records(_decode(content)[0], ","), [])))


def _decode(content: bytes) -> tuple[str, list[Bad]]:
    if content.startswith(_UTF16):
        detail = "UTF-16 (Excel's Unicode text), which no reader expects"
        return content.decode("utf-16", "replace"), [Bad(1, "bad-encoding", detail)]
    try:
        return content.decode("utf-8-sig"), []
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        detail = f"not UTF-8 at byte {error.start:,} (0x{content[error.start]:02x})"
        return content.decode("utf-8-sig", "surrogateescape"), [Bad(line, "bad-encoding", detail)]


def _delimiter(text: str, names: Collection[str]) -> str:
    """What parts a header into names that are known; the comma, as in pandas, where it parts it at all."""
    headers = {between: next(_records(text, between), []) for between in ",;\t"}
    familiar = {
        between: sum(cell.strip().lower() in names for cell in cells) for between, cells in headers.items()
    }  # fmt: skip
    if any(familiar.values()):
        return max(familiar, key=lambda between: familiar[between])
    return "," if len(headers[","]) > 1 else max(headers, key=lambda between: len(headers[between]))


def _records(text: str, delimiter: str) -> Iterator[list[str]]:
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    with contextlib.suppress(csv.Error):
        yield from (cells for cells in reader if not _blank(cells))


def _blank(cells: Sequence[str]) -> bool:
    """A line of nothing but spaces is none, as in pandas."""
    return not cells or (len(cells) == 1 and not cells[0].strip(" \t"))


def _table(
    text: str, problems: list[Bad], delimiter: str, names: Collection[str]
) -> tuple[tuple[str, ...], Iterator[Row | Bad]]:
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    try:
        header = tuple(display(name.strip()) for name in next((cells for cells in reader if not _blank(cells)), []))
    except csv.Error as error:
        return (), iter([*problems, Bad(1, "bad-row", str(error))])
    return header, _cells(reader, header, problems, names)


def _cells(
    reader: _Reader, header: tuple[str, ...], problems: list[Bad], names: Collection[str]
) -> Iterator[Row | Bad]:
    yield from problems
    # Of a table without a header the first sample may be there twice.
    is_header = any(name.lower() in names for name in header)
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
        if _blank(cells):
            continue
        if len(cells) != len(header):
            yield Bad(line, "bad-row", f"{len(cells)} cells, but the header has {len(header)}")
            continue
        if is_header and tuple(cell.strip() for cell in cells) == header:
            yield Bad(line, "bad-row", "the header again, as where tables were put one after the other")
            continue
        yield Row(line, _named(header, cells))


def _named(header: Sequence[str], cells: Sequence[str | None]) -> dict[str, str | None]:
    """Of two columns of one name the first counts, as in pandas; a blank cell is none."""
    named: dict[str, str | None] = {}
    for name, cell in zip(header, cells, strict=True):
        named.setdefault(name, None if cell is None or not cell.strip() else cell)
    return named


def _jsonl(text: str, problems: list[Bad]) -> Iterator[Row | Bad]:
    yield from problems
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip():
            continue
        try:
            value = json.loads(line)
        except (ValueError, RecursionError) as error:
            yield Bad(number, "bad-row", f"not JSON: {error}")
            continue
        if not isinstance(value, dict):
            yield Bad(number, "bad-row", f"not an object: {display(line[:40])}")
            continue
        try:
            yield Row(number, {display(name): _text(cell) for name, cell in value.items()})
        except UnicodeEncodeError:
            yield Bad(number, "bad-row", "half a character: a surrogate without its pair")


def _text(value: object) -> str | None:
    """NaN and blanks are none; 1.0 is 1, as JSON has numbers of one kind."""
    if value is None or value != value:
        return None
    if isinstance(value, float) and value.is_integer() and abs(value) < _EXACT:
        value = int(value)
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    text.encode("utf-8", "surrogateescape")
    return text if text.strip() else None


def parse_parquet(place: str, *, limit: int | None = None) -> tuple[tuple[str, ...], Iterator[Row | Bad]]:
    """Column names and the first `limit` rows, else all; one bad row alone where the file is none, or not whole."""
    try:
        header, rows = parquet.read(place, limit=limit)
    except parquet.UnreadableError as error:
        return (), iter([Bad(1, "bad-row", str(error))])
    return header, (Row(line, _named(header, cells)) for line, cells in enumerate(rows, 1))
