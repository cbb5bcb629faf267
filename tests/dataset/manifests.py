"""Writes a manifest and reads it as the product does."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import duckdb

from datalint import dataset
from datalint.source.worktree import open_worktree

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from datalint.dataset import Dataset
    from datalint.tables import Data


def read(
    folder: Path,
    name: str,
    content: str | bytes,
    *,
    columns: Mapping[str, str] | None = None,
    files_root: str | None = None,
    format: str | None = None,  # noqa: A002
) -> Dataset:
    place = folder / name
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_bytes(content.encode() if isinstance(content, str) else content)
    return dataset.read(open_worktree(str(folder)), root=name, format=format, columns=columns, files_root=files_root)


def rows(data: Data, *names: str) -> list[tuple[Any, ...]]:
    return list(zip(*(data.columns[name] for name in names), strict=True))


def problems(found: Dataset) -> list[tuple[Any, ...]]:
    return rows(found.problems, "kind", "line")


def parquet(folder: Path, query: str) -> bytes:
    """What DuckDB writes of a query."""
    made = duckdb.sql(query)
    assert made is not None
    made.write_parquet(str(folder / "made.parquet"))
    content = (folder / "made.parquet").read_bytes()
    (folder / "made.parquet").unlink()
    return content
