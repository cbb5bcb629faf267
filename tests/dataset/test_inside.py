from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from datalint.dataset.inside import container, dataset_below
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
