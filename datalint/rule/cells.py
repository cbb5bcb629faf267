"""Values as CSV in which NULL is nothing and text is always in quotes; most columns hold few of them, over and over."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    Column = tuple[Sequence[Any], str]
    """Values, and the type of the column in SQL."""

MAX_CELL = 20_000
"""Characters of one cell; what is longer was never meant to be read by a rule."""
_LOOK, _FEW = 256, 64
"""Values that are looked at to learn whether a column has few, and how many are few."""
_SAMPLE, _TOGETHER = 2_000, 200
"""Rows, from all over, by which columns of few values are seen to go together, and how many combinations are few."""
UNSAFE = re.compile("[\x00\ud800-\udfff]")


class Lines:
    """The rows of a table, in the order of `names`."""

    def __init__(self, columns: Mapping[str, Column]) -> None:
        few = {name: column for name, column in columns.items() if _has_few(*column)}
        step = max(1, max((len(values) for values, _ in few.values()), default=0) // _SAMPLE)
        if len(set(_rows(few, slice(None, None, step)))) > _TOGETHER:
            few = {}
        self._few = few
        self._many = {name: column for name, column in columns.items() if name not in few}
        self._shown = _Together([kind for _, kind in few.values()])
        self.names = [*few, *self._many]

    @property
    def remembered(self) -> int:
        """Combinations of values whose text is kept."""
        return len(self._shown)

    def lines(self, start: int, stop: int) -> Iterator[str]:
        """Some of them."""
        some = slice(start, stop)
        cells = [_cells(values[some], kind) for values, kind in self._many.values()]
        if self._few:
            cells.insert(0, list(map(self._shown.__getitem__, _rows(self._few, some))))
        return map(",".join, zip(*cells, strict=True))


class _Together(dict[tuple[Any, ...], str]):
    """Cells of several columns, by their values: what is found again is not written again."""

    def __init__(self, kinds: Sequence[str]) -> None:
        super().__init__()
        self._kinds = kinds

    def __missing__(self, row: tuple[Any, ...]) -> str:
        cells = (_written([value], kind)[0] for value, kind in zip(row, self._kinds, strict=True))
        text = self[row] = ",".join(cells)
        return text


def _rows(columns: Mapping[str, Column], some: slice) -> Iterator[tuple[Any, ...]]:
    return zip(*(values[some] for values, _ in columns.values()), strict=True)


def _has_few(values: Sequence[Any], kind: str) -> bool:
    """Whether most of them repeat, as those of most columns do."""
    if len(set(values[:_LOOK])) > _FEW:
        return False
    return len(found := set(values)) <= _FEW and _alike(found, kind)


def _alike(different: set[Any], kind: str) -> bool:
    """Whether what is equal reads the same: as text 1 and True do not, and 0.0 and -0.0 are two numbers."""
    if kind == "VARCHAR":
        return all(value is None or isinstance(value, str) for value in different)
    return kind != "DOUBLE" or 0.0 not in different


def _cells(values: Sequence[Any], kind: str) -> list[str]:
    different = set(values)
    if 2 * len(different) < len(values) and _alike(different, kind):
        order = list(different)
        shown = dict(zip(order, _written(order, kind), strict=True))
        return list(map(shown.__getitem__, values))
    return _written(values, kind)


def _written(values: Sequence[Any], kind: str) -> list[str]:
    if kind == "VARCHAR":
        return _texts(values)
    write: Callable[[Any], str] = _boolean if kind == "BOOLEAN" else str
    if None in values:
        return ["" if value is None else write(value) for value in values]
    return list(map(write, values))


def _texts(values: Sequence[Any]) -> list[str]:
    """Almost always nothing needs care, which one look at all of them together tells."""
    present = [str(value) for value in values if value is not None]
    together = "".join(present)
    if '"' in together or UNSAFE.search(together) or max(map(len, present), default=0) > MAX_CELL:
        return ["" if value is None else _text(value) for value in values]
    if len(present) == len(values):
        return [f'"{value}"' for value in present]
    return ["" if value is None else f'"{value}"' for value in values]


def _boolean(value: Any) -> str:
    return "true" if value else "false"


def _text(value: Any) -> str:
    text = str(value)
    if len(text) > MAX_CELL:
        text = text[:MAX_CELL]
    if UNSAFE.search(text):
        text = UNSAFE.sub(lambda found: f"\\x{ord(found.group()) & 0xFF:02x}", text)
    return '"' + text.replace('"', '""') + '"'
