"""A Croissant file (JSON-LD, versions 0.8 to 1.1) -> the files and record sets that it declares.

Keys are written with and without the prefix of their vocabulary; only those that say where bytes are, and what refers
to what, are read. https://docs.mlcommons.org/croissant/docs/croissant-spec-1.1.html
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

VOCABULARY = b"mlcommons.org/croissant"
_PREFIXES = ("", "cr:", "sc:", "schema:", "https://schema.org/", "http://mlcommons.org/croissant/")
_DEEPEST = 64
"""Levels of fields inside fields that are followed."""


class NotCroissantError(Exception):
    """The words say what it is instead."""


@dataclass(frozen=True, slots=True)
class File:
    """A FileObject or FileSet."""

    id: str
    is_set: bool
    inside: Sequence[str]
    """Ids of what it is contained in; empty where it lies by itself."""
    url: str | None
    includes: Sequence[str]
    excludes: Sequence[str]
    size: str | None
    digests: Sequence[tuple[str, str]]
    """Algorithm (md5, sha256) and what is written."""


@dataclass(frozen=True, slots=True)
class Reference:
    """Something that names another thing by its id."""

    by: str
    kind: str
    to: str


@dataclass(frozen=True, slots=True)
class Document:
    files: Sequence[File]
    references: Sequence[Reference]
    ids: frozenset[str]
    """Of files, record sets and fields."""


def parse(content: bytes) -> Document:
    """Raises NotCroissantError."""
    try:
        found = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise NotCroissantError(f"not JSON: {error}") from error
    if not isinstance(found, dict):
        raise NotCroissantError("not an object")
    files = [_file(each) for each in _objects(_get(found, "distribution"))]
    record_sets = _objects(_get(found, "recordSet"))
    references = [Reference(each.id, "containedIn", inside) for each in files for inside in each.inside]
    ids = {each.id for each in files}
    for record_set in record_sets:
        ids.add(_id(record_set))
        for field in _fields(record_set, 0):
            ids.add(_id(field))
            references += _references(field)
    return Document(files, references, frozenset(ids))


def _file(node: dict[str, Any]) -> File:
    size = _get(node, "contentSize")
    return File(
        id=_id(node),
        is_set=any(str(each).endswith("FileSet") for each in _values(node.get("@type"))),
        inside=[_target(each) for each in _values(_get(node, "containedIn"))],
        url=_text(_get(node, "contentUrl")),
        includes=[str(each) for each in _values(_get(node, "includes"))],
        excludes=[str(each) for each in _values(_get(node, "excludes"))],
        size=None if size is None else str(size),
        digests=[(name, str(said)) for name in ("sha256", "md5") if (said := _get(node, name)) is not None],
    )


def _fields(node: dict[str, Any], depth: int) -> Iterator[dict[str, Any]]:
    for key in ("field", "subField"):
        for field in _objects(_get(node, key)):
            if "@type" in field or depth == 0:
                yield field
                if depth < _DEEPEST:
                    yield from _fields(field, depth + 1)


def _references(field: dict[str, Any]) -> Iterator[Reference]:
    for way in ("source", "references"):
        for source in _objects(_get(field, way)):
            for kind in ("fileObject", "fileSet", "field", "recordSet"):
                for target in _values(_get(source, kind)):
                    yield Reference(_id(field), kind, _target(target))


def _get(node: dict[str, Any], key: str) -> Any:
    return next((node[prefix + key] for prefix in _PREFIXES if prefix + key in node), None)


def _id(node: dict[str, Any]) -> str:
    """Version 0.8 had names only."""
    return str(node.get("@id") or _get(node, "name") or "")


def _target(value: Any) -> str:
    return _id(value) if isinstance(value, dict) else str(value).removeprefix("#{").removesuffix("}")


def _objects(value: Any) -> list[dict[str, Any]]:
    return [each for each in _values(value) if isinstance(each, dict)]


def _values(value: Any) -> list[Any]:
    return [] if value is None else value if isinstance(value, list) else [value]


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None
