"""What TensorFlow Datasets writes beside its shards: how many records each must hold, and what their features are.

dataset_info.json is the message DatasetInfo, features.json the message Feature of tensorflow_datasets/core/proto.
"""

from __future__ import annotations

import json
import posixpath
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from datalint.source import Source

INFO, FEATURES = "dataset_info.json", "features.json"
_TEMPLATE = "{DATASET}-{SPLIT}.{FILEFORMAT}-{SHARD_X_OF_Y}"
"""tensorflow_datasets/core/utils/shard_utils: what older files leave out."""


@dataclass(frozen=True, slots=True)
class Shard:
    """One that the description names; `records` is what it must hold."""

    path: str
    split: str
    number: int
    total: int
    records: int


@dataclass(frozen=True, slots=True)
class Description:
    """Of one folder; every path is relative to the dataset's root."""

    shards: tuple[Shard, ...] = ()
    classes: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Feature -> names of its classes in the order of their numbers."""
    shapes: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    """Feature of images -> height, width, channels; -1 where they differ."""
    boxes: tuple[str, ...] = ()
    """Features of boxes: ymin, xmin, ymax, xmax as fractions."""


def read(source: Source, folder: str, home: str) -> Description | None:
    """Of the `folder` (relative to the base) that is `home` relative to the root; None where there is none to read."""
    info = _json(source, posixpath.join(folder, INFO))
    if info is None:
        return None
    features = _json(source, posixpath.join(folder, FEATURES)) or {}
    nodes = list(_leaves(features, ""))
    return Description(
        shards=tuple(_shards(info, home)),
        classes={
            name: names
            for name, node in nodes
            if "classLabel" in node and (names := _classes(source, folder, name, node["classLabel"]))
        },
        shapes={name: _shape(node["image"]) for name, node in nodes if "image" in node},
        boxes=tuple(name for name, node in nodes if "boundingBox" in node or _is(node, "BBoxFeature")),
    )


def _json(source: Source, path: str) -> dict[str, Any] | None:
    content = source.read(posixpath.normpath(path))
    if content is None:
        return None
    try:
        value = json.loads(content)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def _shards(info: Mapping[str, Any], home: str) -> Iterator[Shard]:
    for split in _list(info.get("splits")):
        if not isinstance(split, dict):
            continue
        name, lengths = str(split.get("name", "")), [_number(each) for each in _list(split.get("shardLengths"))]
        for number, records in enumerate(lengths):
            if records is None:
                continue
            words = {
                "DATASET": str(info.get("name", "")),
                "SPLIT": name,
                "FILEFORMAT": str(info.get("fileFormat") or "tfrecord"),
                "SHARD_INDEX": f"{number:05d}",
                "NUM_SHARDS": f"{len(lengths):05d}",
                "SHARD_X_OF_Y": f"{number:05d}-of-{len(lengths):05d}",
            }
            path = str(split.get("filepathTemplate") or _TEMPLATE)
            for word, value in words.items():
                path = path.replace(f"{{{word}}}", value)
            yield Shard(posixpath.join(home, posixpath.basename(path)), name, number, len(lengths), records)


def _leaves(node: object, name: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Features by the name that they have in an Example: `objects/bbox`."""
    if not isinstance(node, dict):
        return
    inner, sequence = node.get("featuresDict"), node.get("sequence")
    if isinstance(inner, dict) and isinstance(inner.get("features"), dict):
        for key, each in inner["features"].items():
            yield from _leaves(each, f"{name}/{key}" if name else key)
    elif isinstance(sequence, dict):
        yield from _leaves(sequence.get("feature"), name)
    else:
        yield name, node


def _classes(source: Source, folder: str, name: str, node: object) -> tuple[str, ...]:
    """As `label.labels.txt` lists them; without it they are numbers."""
    path = posixpath.normpath(posixpath.join(folder, f"{name.replace('/', '-')}.labels.txt"))
    text = (source.read(path) or b"").decode("utf-8", "backslashreplace")
    names = tuple(line.strip() for line in text.split("\n") if line.strip())
    number = _number(node.get("numClasses")) if isinstance(node, dict) else None
    return names or tuple(str(index) for index in range(min(number or 0, _MOST_CLASSES)))


_MOST_CLASSES = 1_000_000
"""A description may state any number; nobody has more classes."""


def _shape(node: object) -> tuple[int, ...]:
    shape = node.get("shape") if isinstance(node, dict) else None
    found = [_number(each) for each in _list(shape.get("dimensions"))] if isinstance(shape, dict) else []
    return tuple(-1 if each is None else each for each in found)


def _is(node: Mapping[str, Any], name: str) -> bool:
    return str(node.get("pythonClassName", "")).rpartition(".")[2] == name


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def _number(value: object) -> int | None:
    """JSON of protocol buffers writes int64 as text."""
    try:
        return int(value) if isinstance(value, str | int) else None
    except ValueError:
        return None
