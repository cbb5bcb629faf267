"""Problems of one annotation file, of which only so many are listed."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from datalint.entry import display

if TYPE_CHECKING:
    from datalint.dataset.model import Rows

LISTED = 100
"""Problems of one kind in one file; the others are counted in one row."""


class Defects:
    """Adds rows to `problems`."""

    def __init__(self, problems: Rows, manifest: str) -> None:
        self._problems = problems
        self._manifest = display(manifest)
        self._counts: Counter[str] = Counter()

    def add(
        self,
        kind: str,
        detail: str,
        *,
        line: int | None = None,
        annotation: str | None = None,
        record: int | None = None,
        path: str | None = None,
    ) -> None:
        self._counts[kind] += 1
        if self._counts[kind] <= LISTED:
            self._problems.add(
                kind=kind, path=path and shown(path), manifest=self._manifest, line=line, record=record,
                annotation=annotation and shown(annotation), detail=shown(detail),
            )  # fmt: skip

    def close(self) -> None:
        """Say how many were not listed."""
        for kind, number in self._counts.items():
            if number > LISTED:
                rest = number - LISTED
                self._problems.add(kind=kind, manifest=self._manifest, detail=f"and {rest:,} more like these", n=rest)


def shown(text: str) -> str:
    """Text of JSON as tables hold it: half a pair of surrogates is written as such."""
    return text.encode("utf-8", "backslashreplace").decode()
