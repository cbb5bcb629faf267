"""Tables by their suffixes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from datalint.dataset import layout, table_rows

if TYPE_CHECKING:
    from collections.abc import Iterable

    from datalint.source import Source

SUFFIXES = {".csv": "csv", ".tsv": "tsv", ".jsonl": "jsonl", ".ndjson": "jsonl", ".parquet": "parquet"}


def tables(source: Source, paths: Iterable[str]) -> list[str]:
    """Those that may be tables of images: datalint's own baseline and reports name images too."""
    return [
        path
        for path in paths
        if (format_ := SUFFIXES.get(layout.suffix(path))) and not (format_ == "jsonl" and _is_ours(source, path))
    ]


def _is_ours(source: Source, path: str) -> bool:
    """An accepted or reported finding on each line, or none left."""
    rows = table_rows.head(source, path, "jsonl")
    return not rows or rows[0].cells.keys() >= {"rule", "fingerprint"}
