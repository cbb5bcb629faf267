from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from datalint.dataset.inside import clear_place, container, dataset_below, main_place
from datalint.source.worktree import open_worktree
from tests.e2e.conftest import picture

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    ("with_images", "found"),
    [
        (["images/train/cat", "images/train/dog", "images/val/cat"], "images"),
        (["images/cat", "images/dog"], "images"),
        (["data/images/train/cat"], "data/images"),
        (["data/images/cat/deep", "data/images/dog"], "data/images"),
        (["images/train"], "images"),
        # The root is the dataset.
        (["train/cat", "train/dog", "val/cat"], None),
        (["train/cat"], None),
        (["cat", "dog"], None),
        (["cat/deep", "dog"], None),
        # One class, or images without one.
        (["cat"], None),
        (["cat/deep/deeper"], None),
        ([""], None),
        (["", "images/train/cat", "images/train/dog"], None),
        (["images", "images/cat", "images/dog"], None),
        ([], None),
        # A hidden folder is a class to some loaders, so nobody knows.
        (["images/cat", "images/dog", ".trash"], None),
        (["images/cat", "images/.trash"], None),
    ],
)
def test_the_folder_that_holds_the_classes_is_found(with_images: list[str], found: str | None) -> None:
    assert container(with_images) == found


def test_it_is_found_below_any_root_among_files_of_all_kinds(tmp_path: Path) -> None:
    for path in ("top/images/train/cat/1.jpg", "top/images/train/dog/2.PNG", "top/images/val/cat/3.jpg", "other/4.jpg"):
        picture(tmp_path / path, len(path))
    (tmp_path / "top/src").mkdir()
    (tmp_path / "top/src/model.py").touch()
    (tmp_path / "top/README.md").touch()
    source = open_worktree(str(tmp_path))
    assert dataset_below(source, "top") == "top/images"
    assert dataset_below(source, "top/images") is None
    assert dataset_below(source, ".") is None


@pytest.mark.parametrize(
    ("folders", "found"),
    [
        # The folder is called like data, or holds splits, and some pictures lie elsewhere.
        ({"data/cat": 50, "data/dog": 49, "docs": 1}, "data"),
        ({"flowers/train/cat": 50, "flowers/val/cat": 49, "app": 1}, "flowers"),
        ({"my_dataset/cat": 50, "my_dataset/dog": 49, "icons": 1}, "my_dataset"),
        ({"data/raw/train/cat": 50, "data/raw/train/dog": 49, "docs/img": 1}, "data/raw"),
        ({"ml/data/cat": 50, "ml/data/dog": 48, "ml/docs": 1, "docs": 1}, "ml/data"),
        # Of any name, where the others are for readers.
        ({"flowers/daisy": 50, "flowers/rose": 49, "docs": 1}, "flowers"),
        ({"flowers/daisy": 50, "flowers/rose": 49, "": 1}, "flowers"),
        ({"flowers/daisy": 50, "flowers/rose": 49, ".github": 1}, "flowers"),
        ({"flowers/daisy": 50, "flowers/rose": 49, "flowers": 1}, "flowers"),
        ({"flowers/daisy": 98, "flowers/rose": 1, "docs": 1}, "flowers"),
        # At the limit of nine tenths.
        ({"data/cat": 45, "data/dog": 45, "docs": 10}, "data"),
        ({"data/cat": 45, "data/dog": 44, "docs": 11}, None),
        # A common class, with a folder for each session, beside a rare one.
        ({"cat/monday": 50, "cat/friday": 49, "dog": 1}, None),
        ({"cat/monday": 50, "cat/friday": 49, "dog/monday": 1}, None),
        # The root is the dataset.
        ({"cat": 95, "dog": 5}, None),
        ({"train/cat": 50, "train/dog": 45, "val/cat": 5}, None),
        ({"train/cat": 50, "train/dog": 49, "docs": 1}, None),
        ({"": 99, "docs": 1}, None),
        # One class, or nothing.
        ({"data/cat": 99, "docs": 1}, None),
        ({"data": 99, "docs": 1}, None),
        ({".cache/cat": 50, ".cache/dog": 49, "docs": 1}, None),
        ({}, None),
    ],
)
def test_the_place_that_clearly_holds_the_dataset_is_found(folders: dict[str, int], found: str | None) -> None:
    assert main_place(folders) == found


def test_what_lies_elsewhere_is_listed(tmp_path: Path) -> None:
    for number in range(10):
        picture(tmp_path / f"top/data/cat/{number}.jpg", number)
        picture(tmp_path / f"top/data/dog/{number}.jpg", number + 50)
    picture(tmp_path / "top/docs/a.png", 98)
    picture(tmp_path / "top/b.jpg", 99)
    (tmp_path / "top/docs/notes.txt").touch()
    source = open_worktree(str(tmp_path))
    place = clear_place(source, "top")
    assert place is not None
    assert (place.root, place.elsewhere) == ("top/data", ("top/b.jpg", "top/docs/a.png"))
    below = clear_place(source, ".")
    assert below is not None
    assert below.root == "top/data"
    assert clear_place(source, "top/data") is None
    assert dataset_below(source, "top") is None
