"""Tables by their suffixes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from datalint.dataset import layout, table_rows

if TYPE_CHECKING:
    from datalint.source import Source

SUFFIXES = {".csv": "csv", ".tsv": "tsv", ".jsonl": "jsonl", ".ndjson": "jsonl", ".parquet": "parquet"}


def tables(source: Source, root: str, *, depth: int = 0) -> list[str]:
    """Those directly in a folder, or at most `depth` folders below, that may be tables of images.

    datalint's own baseline and reports name images too.
    """
    start = 0 if root in ("", ".") else len(root.rstrip("/")) + 1
    near = (entry.path for entry in source.entries(root) if entry.path.count("/", start) <= depth)
    return [
        path
        for path in near
        if (format_ := SUFFIXES.get(layout.suffix(path))) and not (format_ == "jsonl" and _is_ours(source, path))
    ]


def _is_ours(source: Source, path: str) -> bool:
    """An accepted or reported finding on each line, or none left."""
    rows = table_rows.head(source, path, "jsonl")
    return not rows or rows[0].cells.keys() >= {"rule", "fingerprint"}
