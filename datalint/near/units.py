"""What is compared and what comes of it; no NumPy here, for whoever only asks what was found before."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence

    from datalint.finding import NotChecked

Row = tuple[int, int, int, float, str | None, int | None]
"""In the order of the table `near`."""


class Units(NamedTuple):
    """Pictures that are compared, one of each content in each split: columns of one length."""

    files: list[int]
    hashes: list[int]
    splits: list[int]
    contents: list[int]


class Found(NamedTuple):
    """Rows by file, what narrowed the search, and what could not be compared."""

    rows: Sequence[Row]
    notes: Sequence[str]
    not_checked: Sequence[NotChecked]
