"""What the key `huggingface` of a Parquet file says of its columns (datasets' Features, as JSON)."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


PICTURES = "BLOB of pictures"
"""In place of DuckDB's type: plain bytes of which the first begin as an image does. pandas writes them so."""


@dataclass(frozen=True, slots=True)
class ImageColumn:
    """A column of images, and the SQL expressions of its parts; None for a part that it lacks."""

    name: str
    data: str | None
    path: str | None


@dataclass(frozen=True, slots=True)
class Columns:
    """Columns of one file by what they hold."""

    names: Sequence[str]
    images: Sequence[ImageColumn]
    plain: Sequence[str]
    """Single values."""
    class_labels: Mapping[str, Sequence[str]]
    """Column of class numbers -> names in their order; empty where only their number is known."""
    nested_images: Sequence[str] = ()
    """Lists of images, which are not read."""


def columns(kinds: Mapping[str, str], written: str | None) -> Columns:
    """Of DuckDB's types (and PICTURES) by column name, and the JSON that the file carries, or what is left of it."""
    features = _features(written)
    images, nested = [], []
    for name, kind in kinds.items():
        image = _image(name, kind, declared=features.get(name, {}).get("_type") == "Image")
        if image is not None:
            images.append(image)
        elif "bytes" in kind and "BLOB" in kind and kind.endswith("[]"):
            nested.append(name)
    taken = {image.name for image in images}
    plain = [name for name, kind in kinds.items() if name not in taken and _is_plain(kind)]
    labels = {
        name: _names(feature)
        for name, feature in features.items()
        if name in plain and feature.get("_type") == "ClassLabel"
    }
    return Columns(tuple(kinds), images, plain, labels, nested)


def _features(written: str | None) -> dict[str, dict[str, object]]:
    try:
        found = json.loads(written or "{}")["info"]["features"]
    except (ValueError, KeyError, TypeError, RecursionError):
        return {}
    if not isinstance(found, dict):
        return {}
    return {name: feature for name, feature in found.items() if isinstance(feature, dict)}


def _names(feature: Mapping[str, object]) -> list[str]:
    names = feature.get("names")
    return [str(name) for name in names] if isinstance(names, list) else []


def _image(name: str, kind: str, *, declared: bool) -> ImageColumn | None:
    """A struct of bytes (and path) is an image whatever is declared: `datasets` writes it, and few else do."""
    column = quoted(name)
    if kind.startswith("STRUCT(") and not kind.endswith("[]"):
        has_bytes, has_path = "bytes BLOB" in kind, "path VARCHAR" in kind
        if has_bytes or (declared and has_path):
            return ImageColumn(
                name, f'{column}."bytes"' if has_bytes else None, f'{column}."path"' if has_path else None
            )
    if kind == PICTURES or (declared and kind == "BLOB"):
        return ImageColumn(name, column, None)
    if declared and kind == "VARCHAR":
        return ImageColumn(name, None, column)
    return None


def _is_plain(kind: str) -> bool:
    return not kind.endswith("]") and not kind.startswith(("STRUCT", "MAP", "LIST", "UNION", "BLOB"))


def quoted(name: str) -> str:
    """As an identifier of SQL."""
    return '"' + name.replace('"', '""') + '"'
