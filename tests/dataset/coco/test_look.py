"""COCO is known by the head of its JSON: captions, other JSON and class folders are not taken for it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from datalint.dataset import coco as format_
from datalint.dataset import formats
from datalint.dataset.coco import look
from datalint.dataset.coco.plan import split_of
from datalint.dataset.listing import listing
from datalint.source.worktree import open_worktree
from tests.dataset.coco.made import Entry, box, coco, image, pictures, put

if TYPE_CHECKING:
    from pathlib import Path

CAPTIONS = {
    "info": {"year": 2017},
    "images": [image(1)],
    "annotations": [{"id": 1, "image_id": 1, "caption": "a cat", "category_id": 0}],
}
PANOPTIC = {
    "images": [image(1)],
    "annotations": [{"image_id": 1, "file_name": "1.png", "segments_info": [{"id": 7, "category_id": 1, "bbox": [1]}]}],
    "categories": [{"id": 1, "name": "cat"}],
}
KINDS: dict[str, tuple[Any, str]] = {
    "instances": (coco([box(1)]), "instances"),
    "categories first": ({key: coco([box(1)])[key] for key in ("categories", "annotations", "images")}, "instances"),
    "labels of images": (
        coco([{"id": 1, "image_id": 1, "category_id": 1}]),
        "instances",
    ),
    "a list of images": (coco([]), "instances"),
    "a list of images without the key": ({"images": [image(1)], "categories": []}, "instances"),
    "captions": (CAPTIONS, "captions"),
    "panoptic": (PANOPTIC, "panoptic"),
    "CreateML": ([{"image": "a.png", "annotations": [{"label": "cat", "coordinates": {"x": 1}}]}], "other"),
    "Labelme": ({"version": "5", "shapes": [], "imagePath": "a.png", "imageHeight": 1}, "other"),
    "a list of names": ({"images": ["a.png", "b.png"]}, "other"),
    "other objects": ({"images": [{"url": "x"}], "annotations": [{"text": "y"}]}, "other"),
    "package.json": ({"name": "x", "version": "1"}, "other"),
    "dataset_info": ({"features": {"image": {}}, "splits": [{"name": "train"}]}, "other"),
    "GeoJSON": ({"type": "FeatureCollection", "features": []}, "other"),
    "datumaro": ({"info": {}, "categories": {"label": {}}, "items": [{"id": "1", "annotations": []}]}, "other"),
    "nothing": ({}, "other"),
}


@pytest.mark.parametrize(("content", "kind"), KINDS.values(), ids=KINDS)
@pytest.mark.parametrize("indent", [None, 2])
def test_a_file_is_what_its_head_says(content: Any, kind: str, indent: int | None) -> None:
    assert look.kind_of(json.dumps(content, indent=indent).encode()) == kind


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-le"])
def test_it_is_known_in_an_encoding_that_loaders_refuse(encoding: str) -> None:
    for content, kind in KINDS.values():
        assert look.kind_of(json.dumps(content).encode(encoding)) == kind


@pytest.mark.parametrize(
    ("content", "kind"), [(coco([box(1)]), "instances"), (CAPTIONS, "captions"), (PANOPTIC, "panoptic")]
)
def test_annotations_behind_many_images_are_found(content: Entry, kind: str, tmp_path: Path) -> None:
    many = content | {"images": [image(number) for number in range(40_000)]}
    put(tmp_path, "a.json", many)
    head = (tmp_path / "a.json").read_bytes()[: look.HEAD]
    assert look.kind_of(head, lambda: look.from_annotations(str(tmp_path / "a.json"))) == kind


def clue(folder: Path) -> str | None:
    return format_.recognise(listing(open_worktree(str(folder)), "."))


LAYOUTS: dict[str, dict[str, Any]] = {
    "Roboflow": {"train/_annotations.coco.json": coco([box(1)]), "train/1.png": b""},
    "the folder of one split": {"_annotations.coco.json": coco([box(1)]), "1.png": b""},
    "the classic one": {"annotations/instances_train2017.json": coco([box(1)]), "train2017/1.png": b""},
    "names of one's own": {"labels/my_train.json": coco([box(1)]), "pics/1.png": b""},
    "images that are not there": {"annotations/instances_val.json": coco([box(1)])},
    "captions beside": {"annotations/captions_val.json": CAPTIONS, "annotations/x_val.json": coco([box(1)])},
    "cut off": {"annotations/instances_val.json": b'{"info": {"year"', "val/1.png": b""},
    "an empty export": {"train/_annotations.coco.json": b"", "train/1.png": b""},
    "UTF-16, as PowerShell writes it": {"labels/mine.json": json.dumps(coco([box(1)])).encode("utf-16"), "1.png": b""},
    "an error page": {"train/_annotations.coco.json": b"<!DOCTYPE html>", "train/1.png": b""},
    "zeros": {"annotations/instances_val.json": bytes(99), "val/1.png": b""},
    "in a folder below": {"data/annotations/train.json": coco([box(1)]), "data/train/1.png": b""},
}
OTHERS: dict[str, dict[str, Any]] = {
    "captions": {"annotations/captions_train.json": CAPTIONS, "images/1.png": b""},
    "a class called annotations": {"annotations/1.png": b"", "photos/1.png": b"", "annotations/notes.json": {"a": 1}},
    "other JSON in annotations": {"annotations/instances.json": {"name": "x"}, "cat/1.png": b"", "dog/1.png": b""},
    "JSON for each image": {f"cat/{n}.json": {"shapes": [], "imagePath": f"{n}.png"} for n in range(30)},
    "broken JSON": {"meta.json": b"{", "cat/1.png": b"", "dog/1.png": b""},
    "UTF-16 of other things": {
        "_annotations.coco.json": json.dumps({"name": "x"}).encode("utf-16"),
        "cat/1.png": b"",
        "dog/1.png": b"",
    },
    "results": {"annotations/instances_val_results.json": [{"image_id": 1, "bbox": [1, 2, 3, 4]}], "cat/1.png": b""},
    "far below": {"a/b/c/d/instances_train.json": coco([box(1)]), "cat/1.png": b""},
    "hidden": {".cache/train.json": coco([box(1)]), "cat/1.png": b""},
}


@pytest.mark.parametrize("files", LAYOUTS.values(), ids=LAYOUTS)
def test_layouts_are_recognised(files: dict[str, Any], tmp_path: Path) -> None:
    for name, content in files.items():
        put(tmp_path, name, content)
    assert clue(tmp_path) in files
    found = formats.recognise(listing(open_worktree(str(tmp_path)), "."))
    assert found is not None
    assert found[0] == "coco"


@pytest.mark.parametrize("files", OTHERS.values(), ids=OTHERS)
def test_others_are_not(files: dict[str, Any], tmp_path: Path) -> None:
    for name, content in files.items():
        put(tmp_path, name, content)
    assert clue(tmp_path) is None


def test_several_datasets_are_none(tmp_path: Path) -> None:
    for name in ("a", "b"):
        put(tmp_path, f"{name}/annotations/instances_train.json", coco([box(1)]))
        pictures(tmp_path, f"{name}/train/1.png")
    assert clue(tmp_path) is None
    assert clue(tmp_path / "a") == "annotations/instances_train.json"


@pytest.mark.parametrize(
    ("name", "split"),
    [
        ("instances_train2017", "train"), ("person_keypoints_val2014", "val"), ("valid", "val"),
        ("my-test-set", "test"),
        ("instances_default", None), ("train_and_val", None), ("trainer", None), ("TRAIN", "train"),
    ],
)  # fmt: skip
def test_splits_are_words_of_names(name: str, split: str | None) -> None:
    assert split_of(name) == split
