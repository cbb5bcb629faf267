"""Which column of a manifest plays which part: declared, else guessed by its name, the path also by its values."""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING

from datalint.dataset import layout
from datalint.errors import UsageError
from datalint.similar import did_you_mean
from datalint.tables import TABLES

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from datalint.dataset.rows import Row

    Parts = Mapping[str, str | None]

# Names that people give the columns, most specific first.
NAMES = {
    "path": (
        "path",
        "image_path",
        "filepath",
        "filepaths",
        "file_path",
        "file_name",
        "filename",
        "image",
        "img",
        "file",
    ),
    "label": ("label", "labels", "class", "class_name", "category", "target", "y"),
    "split": ("split", "subset", "fold", "partition", "set", "data set", "usage", "is_valid"),
    "group": ("group", "group_key", "patient", "patient_id", "subject", "video", "scene"),
}  # fmt: skip
_RESERVED = {column.name for column in TABLES["samples"].columns}
_LOOKED_AT = 20
"""Rows that tell what a column without a usual name holds."""
_NAMED = 12
"""Columns that a message lists."""
_BITS = frozenset({"0", "1", "0.0", "1.0"})
_ONES = frozenset({"1", "1.0"})


def resolve(
    header: tuple[str, ...], rows: Sequence[Row], declared: Mapping[str, str], path: str, *, grouped: bool = False
) -> Parts:
    """Part -> column, None where there is none. UsageError for a declared one that the manifest at `path` lacks.

    Where paths say the groups (`grouped`), no column is guessed to.
    """
    asked = {part: part != "group" or not grouped or part in declared for part in NAMES}
    return {part: _column(part, header, rows, declared, path) if ask else None for part, ask in asked.items()}


def guess(header: Iterable[str], rows: Sequence[Row]) -> dict[str, str | None]:
    """Part -> column where nobody declares one."""
    header = tuple(header)
    return {part: find_path(header, rows) if part == "path" else _by_name(part, header) for part in NAMES}


def find_path(header: Iterable[str], rows: Sequence[Row]) -> str | None:
    """The column of the images: by its name, else the only one whose first values all end like image files.

    A header that ends like them itself is none, and its names say nothing.
    """
    header = tuple(header)
    named = _by_name("path", header)
    if named is not None or any(_is_image(name) for name in header):
        return named
    first = rows[:_LOOKED_AT]
    like = [name for name in dict.fromkeys(header) if first and all(_is_image(row.cells.get(name)) for row in first)]
    return like[0] if len(like) == 1 else None


def assumptions(parts: Parts, declared: Mapping[str, str]) -> tuple[str, ...]:
    """What is said of the parts that nobody declared."""
    guessed = [f"{part} from {name!r}" for part, name in parts.items() if name and part not in declared]
    return (f"columns were guessed: {', '.join(guessed)}",) if guessed else ()


def others(header: tuple[str, ...], parts: Parts) -> tuple[str, ...]:
    """User columns keep their own names; one that is called like a column of ours stays behind."""
    used = {name for name in parts.values() if name}
    found = dict.fromkeys(header)
    return tuple(name for name in found if name and name not in used and name.lower() not in _RESERVED)


def without_path(header: Sequence[str], rows: Sequence[Row], files: Collection[str]) -> str:
    """Why there are no samples; `files` are those that the manifest may name, relative to its root."""
    data = next((cell for cell in header if _is_image(cell) or posixpath.normpath(cell) in files), None)
    if data is not None:
        return f"no header: its first line is a sample already ({data} is no name of a column)"
    words = f"no column for the path of the image among {listed(header)}"
    stems = {posixpath.splitext(posixpath.basename(path))[0]: path for path in files if _is_image(path)}
    for name in dict.fromkeys(header) if rows else ():
        value = rows[0].cells.get(name)
        if value in stems:
            return f"{words}; {name!r} names images without their suffix ({value} is {stems[value]})"
    return words


def without_label(header: Sequence[str], rows: Sequence[Row], parts: Parts) -> str:
    """Why there is nothing to learn: the columns that were seen, and labels that are spread over them."""
    spread = _one_hot(others(tuple(header), parts), rows)
    if spread:
        return f"labels in one-hot columns ({listed(spread)}) are not read, and no other column is one of labels"
    return f"no column for the label among {listed(header)}"


def listed(names: Sequence[str]) -> str:
    """For a message: the first ones, and how many more."""
    more = len(names) - _NAMED
    return ", ".join(names[:_NAMED]) + (f" and {more:,} more" if more > 0 else "")


def _column(
    part: str, header: tuple[str, ...], rows: Sequence[Row], declared: Mapping[str, str], path: str
) -> str | None:
    if part not in declared:
        return find_path(header, rows) if part == "path" else _by_name(part, header)
    if declared[part] not in header:
        raise UsageError(
            f"{path} has no column {declared[part]!r} (dataset.columns.{part})",
            hint=did_you_mean(declared[part], header) or f"it has: {', '.join(header)}",
            keys=("dataset", "columns", part),
        )
    return declared[part]


def _by_name(part: str, header: Iterable[str]) -> str | None:
    names = {name.lower(): name for name in reversed(tuple(header))}
    return next((names[name] for name in NAMES[part] if name in names), None)


def _is_image(value: str | None) -> bool:
    return value is not None and layout.suffix(value.strip()) in layout.IMAGE_LIKE | layout.ARRAYS


def _one_hot(names: Sequence[str], rows: Sequence[Row]) -> list[str]:
    """Columns of zeros and ones of which each row sets exactly one; empty where there are none."""
    bits = [name for name in names if all(_bit(row.cells.get(name)) in _BITS for row in rows)]
    once = all(sum(_bit(row.cells.get(name)) in _ONES for name in bits) == 1 for row in rows)
    return bits if len(bits) > 1 and once else []


def _bit(cell: str | None) -> str:
    return (cell or "").strip()
