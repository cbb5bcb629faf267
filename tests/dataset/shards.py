"""Writes Parquet shards as `datasets` writes them, with DuckDB."""

from __future__ import annotations

import io
import json
from typing import TYPE_CHECKING

import duckdb
from PIL import Image

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

CLASSES = ("cat", "dog")


def png(number: int, *, width: int = 12, height: int = 10) -> bytes:
    """A picture that no other number gives."""
    image = Image.frombytes(
        "RGB", (width, height), bytes((number * 7 + i * i) % 251 for i in range(width * height * 3))
    )
    data = io.BytesIO()
    image.save(data, "PNG")
    return data.getvalue()


def write(
    path: Path,
    images: Sequence[Mapping[str, object] | None],
    labels: Sequence[object],
    *,
    names: Sequence[str] | None = CLASSES,
    image: str = "image",
    extra: str | None = None,
    rows_in_group: int = 2048,
) -> Path:
    """One shard; `names` are those of the ClassLabel, None for no word of `datasets` at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    kind = "varchar" if any(isinstance(label, str) for label in labels) else "bigint"
    database = duckdb.connect()
    more = f', "{extra}" varchar' if extra else ""
    database.execute(f'create table made ("{image}" struct(bytes blob, path varchar), label {kind}{more})')
    for each, label in zip(images, labels, strict=True):
        cell = None if each is None else {"bytes": each.get("bytes"), "path": each.get("path")}
        database.execute(
            f"insert into made values (?, ?{', ?' if extra else ''})", [cell, label, *(["x"] if extra else [])]
        )
    features: dict[str, object] = {image: {"_type": "Image"}, "label": {"dtype": "string", "_type": "Value"}}
    if extra:
        features[extra] = {"dtype": "string", "_type": "Value"}
    if names is not None:
        features["label"] = {"names": list(names), "_type": "ClassLabel"}
    written = json.dumps({"info": {"features": features}})
    stated = "" if names is None and kind == "bigint" else f", kv_metadata {{huggingface: '{written}'}}"
    database.execute(f"copy made to '{path}' (format parquet, row_group_size {rows_in_group}{stated})")
    database.close()
    return path


def pictures(count: int, *, start: int = 0) -> list[dict[str, object]]:
    return [{"bytes": png(start + number)} for number in range(count)]
