"""Layouts are known by their look, asked in order; folders of classes are none of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from datalint import dataset
from datalint.dataset import formats
from datalint.dataset.listing import listing
from datalint.errors import UnfinishedError, UsageError
from datalint.source.worktree import open_worktree
from tests.conftest import CORPORA

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


@pytest.mark.corpus
@pytest.mark.parametrize(
    ("corpus", "name"),
    [
        ("ships-yolo", "yolo"),
        ("rbc-coco", "coco"),
        ("tfrecord", "tfrecord"),
        ("webdataset", "webdataset"),
        ("datumaro-assets/voc_dataset", "voc"),
    ],
)
def test_the_real_ones_are_read_or_refused_and_can_be_forced(corpus: str, name: str) -> None:
    if not (CORPORA / corpus).is_dir():
        pytest.skip("the real corpora are not here")
    source = open_worktree(str(CORPORA))
    if formats.is_read(name):
        assert dataset.read(source, root=corpus).format == name
    else:
        with pytest.raises(UnfinishedError, match=formats.LAYOUTS[name]):
            dataset.read(source, root=corpus)
    assert dataset.read(source, root=corpus, format="imagefolder").format == "imagefolder"


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
