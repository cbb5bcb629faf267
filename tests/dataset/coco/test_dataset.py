"""Folders and files of COCO as people have them: which files are read, what splits they are, where images lie."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest

from datalint.errors import UnfinishedError, UsageError
from datalint.source.index import open_index
from datalint.source.lfs import POINTER
from tests.dataset.coco.made import box, coco, image, pictures, put, read, rows
from tests.source.repository import create

if TYPE_CHECKING:
    from pathlib import Path

    from datalint.dataset import Dataset

LFS = POINTER + b"\noid sha256:" + b"0" * 64 + b"\nsize 1\n"


def places(found: Dataset) -> dict[tuple[str | None, str], str]:
    """(split, path) of each sample -> what lies there."""
    return {(each["split"], each["path"]): found.files[each["file_id"]].kind for each in rows(found.samples.columns)}


def kinds(found: Dataset) -> Counter[str]:
    return Counter(str(kind) for kind in found.problems.columns["kind"])


WHERE: dict[str, tuple[dict[str, list[str]], dict[tuple[str | None, str], str]]] = {
    "Roboflow": (
        {"train/_annotations.coco.json": ["a.png"], "valid/_annotations.coco.json": ["b.png"]},
        {("train", "train/a.png"): "file", ("val", "valid/b.png"): "file"},
    ),
    "the folder of one split": ({"_annotations.coco.json": ["a.png"]}, {(None, "a.png"): "file"}),
    "classic": (
        {"annotations/instances_train2017.json": ["a.png"], "annotations/instances_val2017.json": ["b.png"]},
        {("train", "train2017/a.png"): "file", ("val", "val2017/b.png"): "file"},
    ),
    "in images": (
        {"annotations/train.json": ["a.png"], "annotations/test.json": ["b.png"]},
        {("train", "images/train/a.png"): "file", ("test", "images/test/b.png"): "file"},
    ),
    "one folder for all": (
        {"train.json": ["a.png"], "val.json": ["b.png"]},
        {("train", "images/a.png"): "file", ("val", "images/b.png"): "file"},
    ),
    "a path in the name": ({"instances.json": ["images/x/a.png"]}, {(None, "images/x/a.png"): "file"}),
    "a folder of any name": ({"labels/all.json": ["a.png"]}, {(None, "fotos/2021/a.png"): "file"}),
    "CVAT": ({"annotations/instances_default.json": ["a.png"]}, {(None, "images/default/a.png"): "file"}),
    "parts": (
        {"part1.json": ["a.png"], "part2.json": ["b.png"]},
        {("part1", "a.png"): "file", ("part2", "b.png"): "file"},
    ),
    "folders with names of their own": (
        {"north/_annotations.coco.json": ["a.png"], "south/_annotations.coco.json": ["b.png"]},
        {("north", "north/a.png"): "file", ("south", "south/b.png"): "file"},
    ),
}


@pytest.mark.parametrize(("files", "expected"), WHERE.values(), ids=WHERE)
def test_images_are_found_and_splits_named(
    files: dict[str, list[str]], expected: dict[tuple[str | None, str], str], tmp_path: Path
) -> None:
    pictures(tmp_path, *(path for _, path in expected))
    for number, (name, images) in enumerate(files.items()):
        put(tmp_path, name, coco([box(1, number)], [image(number, each) for each in images]))
    found = read(tmp_path)
    assert places(found) == expected
    assert (found.format, found.task, found.manifest, kinds(found)) == ("coco", "detection", None, Counter())
    assert found.n_classes == 2


@pytest.mark.parametrize(
    ("annotations", "picture"),
    [
        ("annotations/instances_train2017.json", "train2017/1.png"),
        ("annotations/instances_val.json", "images/val/1.png"),
        ("train/_annotations.coco.json", "train/1.png"),
        ("coco.json", "images/1.png"),
        ("coco.json", "1.png"),
    ],
)
def test_one_file_is_a_dataset_without_splits(annotations: str, picture: str, tmp_path: Path) -> None:
    pictures(tmp_path, picture)
    put(tmp_path, annotations, coco([box(1)]), indent=1)
    found = read(tmp_path, annotations)
    assert places(found) == {(None, picture): "file"}
    assert found.manifest == annotations
    assert found.samples.columns["line"] == [3]
    # From the folder that holds the file, too.
    folder, _, name = annotations.rpartition("/")
    inner = read(tmp_path / folder, name)
    assert [entry.kind for entry in inner.files] == ["file"]


def test_the_same_from_the_git_index(tmp_path: Path) -> None:
    pictures(tmp_path, "train2017/1.png")
    put(tmp_path, "annotations/instances_train2017.json", coco([box(1)]))
    repository = create(tmp_path)
    repository.git("add", "-A")
    from datalint import dataset

    for root in (".", "annotations/instances_train2017.json"):
        found = dataset.read(open_index(str(tmp_path)), root=root)
        assert (found.format, [entry.kind for entry in found.files]) == ("coco", ["file"])


def test_of_files_about_the_same_images_one_is_read(tmp_path: Path) -> None:
    pictures(tmp_path, "train/1.png")
    for name in ("instances", "person_keypoints", "stuff", "captions"):
        content = coco([{"id": 1, "image_id": 1, "caption": "x"}]) if name == "captions" else coco([box(1)])
        put(tmp_path, f"annotations/{name}_train.json", content)
    found = read(tmp_path)
    assert set(found.annotations.columns["path"]) == {"annotations/instances_train.json"}
    assert "person_keypoints_train.json, annotations/stuff_train.json are about the same" in found.assumptions[0]


def test_a_file_of_all_is_not_read_beside_its_splits(tmp_path: Path) -> None:
    pictures(tmp_path, "1.png", "2.png")
    for name, numbers in (("all", (1, 2)), ("train", (1,)), ("val", (2,))):
        put(tmp_path, f"{name}.json", coco([], [image(number) for number in numbers]))
    found = read(tmp_path)
    assert set(places(found)) == {("train", "1.png"), ("val", "2.png")}
    assert "all.json is about the same images" in found.assumptions[0]


def test_an_image_of_two_files_is_one_file(tmp_path: Path) -> None:
    pictures(tmp_path, "1.png")
    for name in ("train", "val"):
        put(tmp_path, f"{name}.json", coco([box(1)]))
    found = read(tmp_path)
    assert len(found.files) == 1
    assert set(places(found)) == {("train", "1.png"), ("val", "1.png")}


def test_what_the_user_says_counts(tmp_path: Path) -> None:
    pictures(tmp_path, "elsewhere/1.png", "elsewhere/2.png")
    put(tmp_path, "a.json", coco([box(1)]))
    put(tmp_path, "b.json", coco([box(1, 2)], [image(2)]))
    declared = read(tmp_path, files_root="elsewhere", splits={"a": "train", "b.json": "val"})
    assert set(places(declared)) == {("train", "elsewhere/1.png"), ("val", "elsewhere/2.png")}
    assert {split for split, _ in places(read(tmp_path, splits={}))} == {None}


def test_images_that_are_not_there_and_names_that_travel_badly(tmp_path: Path) -> None:
    pictures(tmp_path, "images/1.png", "images/sub/2.png", "images/3.png")
    names = ["1.png", "sub\\2.png", "gone.png", "http://example.org/x.png", str(tmp_path / "images/3.png")]
    put(tmp_path, "coco.json", coco([], [image(number, name) for number, name in enumerate(names)]))
    found = read(tmp_path)
    assert kinds(found) == Counter({"missing-file": 1, "backslash-path": 1, "remote-path": 1, "absolute-path": 1})
    assert sorted(entry.kind for entry in found.files) == ["file", "file", "file", "missing", "remote"]


def test_names_are_shown_as_they_are_written(tmp_path: Path) -> None:
    pictures(tmp_path, "train/1.png", "train/2.png", "train/sub/3.png")
    names = ["1.png", "2.png", "sub\\3.png", "/content/train/2.png"]
    content = coco([], [image(number, name) for number, name in enumerate(names)])
    put(tmp_path, "train/_annotations.coco.json", content)
    columns = read(tmp_path).problems.columns
    assert [each for each in columns["detail"] if isinstance(each, str)] == [
        "written with backslashes: sub\\3.png",
        "the path is only true on one machine: /content/train/2.png",
        "/content/train/2.png is not there, but train/2.png is",
    ]


def test_what_an_archive_holds_is_said(tmp_path: Path) -> None:
    import zipfile

    pictures(tmp_path, "train/1.png")
    with zipfile.ZipFile(tmp_path / "more.zip", "w") as archive:
        archive.writestr("train/2.png", b"x")
    put(tmp_path, "train.json", coco([], [image(1), image(2), image(3)]))
    (told, plain) = [each for each in read(tmp_path).problems.columns["detail"] if isinstance(each, str)]
    assert told == "train/2.png is not there, but more.zip holds it and is not unpacked"
    assert plain == "train/3.png is not there"


def test_images_that_no_file_lists_are_passed_over(tmp_path: Path) -> None:
    pictures(tmp_path, "train/1.png", "train/2.png", "docs/shot.png")
    put(tmp_path, "annotations/train.json", coco([box(1)]))
    skipped = rows(read(tmp_path).skipped.columns)
    assert [(each["path"], each["reason"]) for each in skipped] == [("train/2.png", "unlisted")]


def test_a_file_that_git_lfs_has_not_fetched(tmp_path: Path) -> None:
    pictures(tmp_path, "train2017/1.png", "val2017/2.png")
    put(tmp_path, "annotations/instances_train2017.json", LFS)
    with pytest.raises(UnfinishedError, match="git lfs pull"):
        read(tmp_path)
    put(tmp_path, "annotations/instances_val2017.json", coco([box(1, 2)], [image(2)]))
    found = read(tmp_path)
    assert set(places(found)) == {("val", "val2017/2.png")}
    skipped = rows(found.skipped.columns)
    assert [(each["path"], each["reason"]) for each in skipped] == [
        ("annotations/instances_train2017.json", "lfs-pointer")
    ]


def test_labels_of_images_are_a_classification(tmp_path: Path) -> None:
    pictures(tmp_path, "1.png", "2.png")
    plain: list[dict[str, Any]] = [
        {"id": 1, "image_id": 1, "category_id": 1},
        {"id": 2, "image_id": 2, "category_id": 1},
        {"id": 3, "image_id": 2, "category_id": 2},
    ]
    put(tmp_path, "labels.json", coco(plain, [image(1), image(2)]))
    found = read(tmp_path)
    assert (found.task, found.samples.columns["label"], kinds(found)) == ("classification", ["cat", None], Counter())


def test_what_cannot_be_read_is_refused_in_words(tmp_path: Path) -> None:
    put(tmp_path, "annotations/panoptic_train.json", {
        "images": [image(1)], "annotations": [{"image_id": 1, "segments_info": []}], "categories": [],
    })  # fmt: skip
    with pytest.raises(UnfinishedError, match="panoptic"):
        read(tmp_path)
    with pytest.raises(UsageError, match="no COCO annotations below"):
        read(tmp_path, "train", format="coco")
    for name in ("a", "b"):
        put(tmp_path, f"{name}/annotations/instances_train.json", coco([box(1)]))
    with pytest.raises(UsageError, match="2 COCO datasets lie below"):
        read(tmp_path, format="coco")
