"""Layouts are known by their look, asked in order; folders of classes are none of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from datalint import dataset
from datalint.dataset import formats
from datalint.dataset.listing import listing
from datalint.errors import UsageError
from datalint.source.worktree import open_worktree

if TYPE_CHECKING:
    from pathlib import Path

KNOWN = {
    "yolo": ["data.yaml", "images/train/1.jpg", "labels/train/1.txt"],
    "yolo of Roboflow": ["data.yaml", "train/images/1.jpg", "train/labels/1.txt"],
    "coco": ["annotations/instances_train2017.json", "train2017/1.jpg"],
    "coco of Roboflow": ["train/1.jpg", "train/_annotations.coco.json"],
    "voc": ["VOC2012/Annotations/1.xml", "VOC2012/JPEGImages/1.jpg"],
    "tfrecord": ["train-00000-of-00002.tfrecord", "dataset_info.json"],
    "tfrecord, packed": ["data_tfrecord-00000-of-00012.gz"],
    "webdataset": ["shard-000000.tar", "shard-000001.tar"],
    "webdataset in folders": ["train/000.TAR", "val/000.tgz", "labels.csv"],
}
PLAIN: list[list[str]] = [
    ["cat/1.jpg", "dog/1.jpg", "README.md", "backup.tar"],
    ["train/cat/1.jpg", "train/cat/notes.txt", "val/dog/1.jpg", "meta.json"],
    ["images/cat/1.jpg", "labels.csv"],
    ["labels/1.jpg", "images/1.jpg"],
    ["Annotations/1.jpg", "cat/1.jpg"],
    ["notes.txt"],
    [],
]


def made(home: Path, files: list[str]) -> str:
    for name in files:
        (home / name).parent.mkdir(parents=True, exist_ok=True)
        (home / name).write_bytes(b"")
    return str(home)


@pytest.mark.parametrize(("name", "files"), KNOWN.items(), ids=KNOWN)
def test_a_layout_is_known_by_its_names(name: str, files: list[str], tmp_path: Path) -> None:
    found = formats.recognise(listing(open_worktree(made(tmp_path, files)), "."))
    assert found is not None
    assert found[0] == name.split(" ")[0].strip(",")


@pytest.mark.parametrize("files", PLAIN)
def test_folders_of_classes_are_none(files: list[str], tmp_path: Path) -> None:
    assert formats.recognise(listing(open_worktree(made(tmp_path, files)), ".")) is None


CORPUS = {
    "bccd-voc": "voc",
    "bccd-voc/test.csv": "csv",
    "cleanvision-images": "imagefolder",
    "croissant/coco2014-mini": "coco",
    "croissant/fashion-mnist": "croissant",
    "croissant/huggingface-c4": "croissant",
    "croissant/json-join": "croissant",
    "croissant/movielens": "croissant",
    "croissant/pass-mini": "webdataset",
    "croissant/simple-join": "croissant",
    "croissant/simple-parquet": "croissant",
    "croissant/titanic": "croissant",
    "datumaro-assets/camvid_dataset": "masks",
    "datumaro-assets/cityscapes_dataset": "masks",
    "datumaro-assets/coco_dataset/coco": "coco",
    "datumaro-assets/cvat_dataset/for_images": "cvat",
    "datumaro-assets/dota_dataset": "dota",
    "datumaro-assets/imagenet_dataset": "imagefolder",
    "datumaro-assets/labelme_dataset": "labelme",
    "datumaro-assets/roboflow_dataset/coco": "coco",
    "datumaro-assets/roboflow_dataset/tfrecord": "tfrecord",
    "datumaro-assets/roboflow_dataset/voc": "voc",
    "datumaro-assets/roboflow_dataset/yolo": "yolo",
    "datumaro-assets/roboflow_dataset/yolo_obb": "yolo",
    "datumaro-assets/tf_detection_api_dataset": "tfrecord",
    "datumaro-assets/voc_dataset": "voc",
    "datumaro-assets/yolo_dataset/strict": "yolo",
    "dvc-registry": "imagefolder",
    "exif-orientation": "imagefolder",
    "hf-imagefolder-sroie": "hf-imagefolder",
    "imagededup-images": "imagefolder",
    "pngsuite": "imagefolder",
    "pillow-broken": "imagefolder",
    "rbc-coco": "coco",
    "ships-yolo": "yolo",
    "signdigits-imagefolder": "imagefolder",
    "tfrecord/taxi-eval-gz": "tfrecord",
    "tfrecord": "tfrecord",
    "uci-csv/iris.csv": "csv",
    "webdataset": "webdataset",
}
"""What each of the real corpora is; where archives hold what Croissant describes, they are read."""


@pytest.mark.corpus
@pytest.mark.parametrize("corpus", CORPUS)
def test_the_real_ones_are_known_by_their_look(corpora: Path, corpus: str) -> None:
    source = open_worktree(str(corpora))
    found = formats.recognise(listing(source, corpus))
    name = CORPUS[corpus]
    if name in formats.LAYOUTS:
        assert found is not None
        assert found[0] == name
        assert formats.is_read(name)
    else:
        assert found is None
        assert dataset.read(source, root=corpus).format == name


def test_a_format_that_is_not_read_is_no_format_to_ask_for(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="one of imagefolder, csv"):
        dataset.read(open_worktree(str(tmp_path)), root=".", format="lance")


def test_pointers_of_several_layouts_are_named_one_by_one(tmp_path: Path) -> None:
    pointer = b"version https://git-lfs.github.com/spec/v1\noid sha256:" + b"0" * 64 + b"\nsize 1234\n"
    for name in ("a.tfrecord", "b.tar"):
        (tmp_path / name).write_bytes(pointer)
    found = dataset.read(open_worktree(str(tmp_path)), root=".")
    assert found.skipped.columns["path"] == ["a.tfrecord", "b.tar"]
    assert set(found.skipped.columns["reason"]) == {"lfs-pointer"}
    (tmp_path / "a.tfrecord").unlink()
    found = dataset.read(open_worktree(str(tmp_path)), root=".")
    assert (found.format, found.skipped.columns["path"]) == ("webdataset", ["b.tar"])
