"""Layouts that this version does not read, known by their names: as folders of classes they would be slandered."""

from __future__ import annotations

from typing import TYPE_CHECKING

from datalint.dataset import layout

if TYPE_CHECKING:
    from collections.abc import Collection


def recognise(files: Collection[str], folders: Collection[str]) -> str | None:
    """Name of the layout and what gave it away, from paths below the root; None for what may be an ImageFolder."""
    if not any(layout.suffix(path) in layout.KERAS | layout.TORCHVISION for path in files):
        shard = packed(files)
        return None if shard is None else f"{shard[0]} ({shard[1]})"
    last = {folder.rpartition("/")[2] for folder in folders}
    if {"Annotations", "JPEGImages"} <= last:
        return "Pascal VOC (folders Annotations and JPEGImages)"
    coco = next((path for path in files if _is_coco(path)), None)
    if coco is not None:
        return f"COCO ({coco})"
    labels = next((path for path in files if path.endswith(".txt") and _images_of(path) in folders), None)
    return None if labels is None else f"YOLO ({labels} beside a folder of images)"


def packed(files: Collection[str]) -> tuple[str, str] | None:
    """The first file that holds many images, and its format."""
    for path in files:
        name = path.rpartition("/")[2].lower()
        if "tfrecord" in name:
            return "TFRecord", path
        if name.endswith((".tar", ".tgz", ".tar.gz")):
            return "WebDataset", path
    return None


def _is_coco(path: str) -> bool:
    folder, _, name = path.rpartition("/")
    return name.endswith("_annotations.coco.json") or (name.endswith(".json") and folder == "annotations")


def _images_of(path: str) -> str | None:
    """`train/images` for `train/labels/1.txt`, `images/train` for `labels/train/1.txt` (Ultralytics)."""
    parts = path.split("/")[:-1]
    if "labels" not in parts:
        return None
    at = len(parts) - 1 - parts[::-1].index("labels")
    return "/".join((*parts[:at], "images", *parts[at + 1 :]))
