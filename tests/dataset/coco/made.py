"""Small COCO files, and what the reader says of them."""

from __future__ import annotations

import io
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

from datalint import dataset
from datalint.dataset.coco.reader import Found, Tables, read_file
from datalint.dataset.coco.stream import CHUNK
from datalint.source.worktree import open_worktree

if TYPE_CHECKING:
    from pathlib import Path

    from datalint.dataset import Dataset

Entry = dict[str, Any]


def box(id_: object, image_id: object = 1, category_id: object = 1, **more: object) -> Entry:
    """An annotation without a flaw; `more` replaces its values, and UNSAID takes one out."""
    entry = {
        "id": id_, "image_id": image_id, "category_id": category_id, "bbox": [2, 3, 20, 10], "area": 200, "iscrowd": 0,
        "segmentation": [],
    } | more  # fmt: skip
    return {key: value for key, value in entry.items() if value is not UNSAID}


UNSAID = object()


def image(id_: object, name: str | None = None, **more: object) -> Entry:
    entry = {"id": id_, "file_name": name or f"{id_}.png", "width": 64, "height": 48} | more
    return {key: value for key, value in entry.items() if value is not UNSAID}


def coco(annotations: list[Entry], images: list[Entry] | None = None, **more: object) -> Entry:
    """A file of one image, or these, and the categories cat and dog."""
    return {
        "images": images if images is not None else [image(1)],
        "annotations": annotations,
        "categories": [{"id": 1, "name": "cat"}, {"id": 2, "name": "dog"}],
    } | more


@dataclass(frozen=True)
class Told:
    """Rows of the tables, as dictionaries."""

    samples: list[Entry]
    annotations: list[Entry]
    classes: list[Entry]
    problems: list[Entry]

    def details(self, kind: str) -> list[str]:
        return [each["detail"] for each in self.problems if each["kind"] == kind]

    @property
    def kinds(self) -> set[str]:
        return {each["kind"] for each in self.problems}


def rows(columns: dict[str, list[Any]]) -> list[Entry]:
    return [dict(zip(columns, cells, strict=True)) for cells in zip(*columns.values(), strict=True)]


def told(content: bytes | str | Entry, *, chunk: int = CHUNK) -> Told:
    """What is read of the bytes of one file; every image is there."""
    if isinstance(content, dict):
        content = json.dumps(content)
    data = content if isinstance(content, bytes) else content.encode()
    names: dict[str, int] = {}
    tables = Tables()
    found = Found("a.json", None, lambda name: (names.setdefault(name, len(names)), name, []), lines=True)
    read_file(io.BytesIO(data), found, tables, chunk=chunk)
    return Told(*(rows(each.columns) for each in (tables.samples, tables.annotations, tables.classes, tables.problems)))


def pictures(folder: Path, *names: str) -> None:
    """Images of 64 x 48 pixels, no two alike."""
    for seed, name in enumerate(names):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        coarse = np.random.default_rng(seed).integers(0, 256, (8, 8, 3), dtype=np.uint8)
        Image.fromarray(coarse).resize((64, 48)).save(folder / name)


def put(folder: Path, name: str, content: Entry | bytes, *, indent: int | None = None) -> None:
    (folder / name).parent.mkdir(parents=True, exist_ok=True)
    data = content if isinstance(content, bytes) else json.dumps(content, indent=indent).encode()
    (folder / name).write_bytes(data)


def read(base: Path, root: str = ".", **options: Any) -> Dataset:
    return dataset.read(open_worktree(str(base)), root=root, **options)
