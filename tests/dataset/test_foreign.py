"""Layouts that are not read yet are named and refused; folders of classes never are."""

from __future__ import annotations

import pytest

from datalint import dataset
from datalint.dataset.foreign import recognise
from datalint.errors import UnfinishedError
from datalint.source.worktree import open_worktree, parents
from tests.conftest import CORPORA

FOREIGN = {
    "YOLO": ["data.yaml", "images/train/1.jpg", "labels/train/1.txt"],
    "YOLO of Roboflow": ["data.yaml", "train/images/1.jpg", "train/labels/1.txt"],
    "COCO": ["annotations/instances_train2017.json", "train2017/1.jpg"],
    "COCO of Roboflow": ["train/1.jpg", "train/_annotations.coco.json"],
    "Pascal VOC": ["VOC2012/Annotations/1.xml", "VOC2012/JPEGImages/1.jpg"],
    "TFRecord": ["train-00000-of-00002.tfrecord", "dataset_info.json"],
    "TFRecord, packed": ["data_tfrecord-00000-of-00012.gz"],
    "WebDataset": ["shard-000000.tar", "shard-000001.tar"],
}


@pytest.mark.parametrize(("name", "files"), FOREIGN.items(), ids=FOREIGN)
def test_a_layout_is_known_by_its_names(name: str, files: list[str]) -> None:
    found = recognise(files, parents(files))
    assert found is not None
    assert found.split(" (")[0] == name.split(" of ")[0].split(",")[0]


@pytest.mark.parametrize(
    "files",
    [
        ["cat/1.jpg", "dog/1.jpg", "README.md", "backup.tar"],
        ["train/cat/1.jpg", "train/cat/notes.txt", "val/dog/1.jpg", "meta.json"],
        ["images/cat/1.jpg", "labels.csv"],
        ["labels/1.jpg", "images/1.jpg"],
        ["Annotations/1.jpg", "cat/1.jpg"],
        ["notes.txt"],
        [],
    ],
)
def test_folders_of_classes_are_none(files: list[str]) -> None:
    assert recognise(files, parents(files)) is None


@pytest.mark.corpus
@pytest.mark.parametrize(
    ("corpus", "name"),
    [
        ("ships-yolo", "YOLO"),
        ("rbc-coco", "COCO"),
        ("tfrecord", "TFRecord"),
        ("webdataset", "WebDataset"),
        ("datumaro-assets/voc_dataset", "Pascal VOC"),
    ],
)
def test_the_real_ones_are_refused_and_can_be_forced(corpus: str, name: str) -> None:
    if not (CORPORA / corpus).is_dir():
        pytest.skip(f"the corpus {corpus} is not here")
    source = open_worktree(str(CORPORA))
    with pytest.raises(UnfinishedError, match=f"looks like {name} "):
        dataset.read(source, root=corpus)
    assert dataset.read(source, root=corpus, format="imagefolder").format == "imagefolder"
