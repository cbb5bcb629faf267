"""Folder or manifest: a list of some images never takes the place of the dataset."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from datalint import dataset
from datalint.source.worktree import open_worktree
from tests.e2e.conftest import picture

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from datalint.dataset import Dataset

PICTURES = [f"{label}/{number}.png" for label in ("cat", "dog") for number in range(3)]


def detected(root: Path, pictures: Sequence[str], listed: Sequence[str]) -> Dataset:
    for number, path in enumerate(pictures):
        picture(root / path, number, size=8)
    (root / "list.csv").write_text("path,label\n" + "".join(f"{path},x\n" for path in listed))
    return dataset.read(open_worktree(str(root)), root=".")


def test_a_list_of_some_images_is_not_the_dataset(tmp_path: Path) -> None:
    found = detected(tmp_path, PICTURES, PICTURES[:2])
    assert (found.format, found.n_classes, len(found.samples)) == ("imagefolder", 2, 6)
    assert "list.csv names 2 of 6 images in class folders and was not read" in found.assumptions[-1]


def test_a_manifest_of_half_the_images_in_class_folders_is_the_dataset_and_says_what_it_leaves_out(
    tmp_path: Path,
) -> None:
    found = detected(tmp_path, PICTURES, [*PICTURES[:2], PICTURES[3]])
    assert (found.format, len(found.samples)) == ("csv", 3)
    assert "list.csv names 3 of 6 images in class folders: `--format imagefolder`" in found.assumptions[-1]


@pytest.mark.parametrize("labels", [("cat", "dog"), ("0", "1")])
def test_a_table_that_says_what_the_folders_say_does_not_take_their_place(
    tmp_path: Path, labels: tuple[str, str]
) -> None:
    detected(tmp_path, PICTURES, PICTURES)
    rows = (f"{path},{labels[path.startswith('dog')]}\n" for path in PICTURES)
    (tmp_path / "list.csv").write_text("path,label\n" + "".join(rows))
    found = dataset.read(open_worktree(str(tmp_path)), root=".")
    assert (found.format, found.n_classes) == ("imagefolder", 2)
    assert found.assumptions == (
        "list.csv agrees with the class folders and was not read: as `dataset.path` it is judged itself",
    )


def test_a_table_without_labels_does_not_take_the_place_of_class_folders(tmp_path: Path) -> None:
    detected(tmp_path, PICTURES, PICTURES)
    (tmp_path / "list.csv").write_text("path,width\n" + "".join(f"{path},8\n" for path in PICTURES))
    assert dataset.read(open_worktree(str(tmp_path)), root=".").format == "imagefolder"


def test_a_manifest_of_every_image_needs_no_word(tmp_path: Path) -> None:
    found = detected(tmp_path, PICTURES, PICTURES)
    assert found.format == "csv"
    assert not any("class folders" in sentence for sentence in found.assumptions)


@pytest.mark.parametrize(
    "pictures",
    [["images/1.png", "images/2.png"], ["train/1.png", "test/2.png"], ["1.png", "2.png"], ["images/a/1.png", "2.png"]],
    ids=" ".join,
)
def test_a_manifest_beside_folders_that_are_no_classes_is_the_dataset(tmp_path: Path, pictures: list[str]) -> None:
    assert detected(tmp_path, pictures, pictures[:1]).format == "csv"


def test_a_list_beside_splits_of_classes_is_not_the_dataset(tmp_path: Path) -> None:
    pictures = [f"{split}/{path}" for split in ("train", "val") for path in PICTURES]
    found = detected(tmp_path, pictures, ["train/cat/0.png"])
    assert (found.format, found.n_splits, len(found.samples)) == ("imagefolder", 2, 12)


def test_what_the_user_says_of_the_paths_counts(tmp_path: Path) -> None:
    for number, path in enumerate(PICTURES):
        picture(tmp_path / "data" / path, number, size=8)
    rows = "".join(f"{path},nobody.png,x\n" for path in PICTURES)
    (tmp_path / "list.csv").write_text("shown,path,label\n" + rows)
    source = open_worktree(str(tmp_path))
    assert dataset.read(source, root=".", columns={"path": "shown"}, files_root="data").format == "csv"


OWN = '{"fingerprint": "a1", "rule": "truncated-image", "path": "cat/0.png", "message": "it ends early"}\n'


@pytest.mark.parametrize("own", [OWN * 6, ""], ids=["accepted findings", "none left"])
@pytest.mark.parametrize("pictures", [PICTURES, ["a.png", "b.png"]], ids=["in class folders", "without"])
def test_what_datalint_wrote_itself_is_not_the_dataset(tmp_path: Path, pictures: Sequence[str], own: str) -> None:
    for number, path in enumerate(pictures):
        picture(tmp_path / path, number, size=8)
    (tmp_path / ".datalint-baseline.jsonl").write_text(own)
    (tmp_path / "report.jsonl").write_text(own)
    found = dataset.read(open_worktree(str(tmp_path)), root=".")
    assert (found.format, len(found.samples)) == ("imagefolder", len(pictures))
    assert not len(found.problems)


def test_a_manifest_beside_what_datalint_wrote_is_still_the_one(tmp_path: Path) -> None:
    (tmp_path / ".datalint-baseline.jsonl").write_text(OWN)
    found = detected(tmp_path, PICTURES, PICTURES)
    assert (found.format, len(found.samples)) == ("csv", 6)


def test_a_manifest_whose_format_is_said_is_found_beside_what_datalint_wrote(tmp_path: Path) -> None:
    (tmp_path / ".datalint-baseline.jsonl").write_text(OWN)
    picture(tmp_path / "a.png", 1, size=8)
    (tmp_path / "list.jsonl").write_text('{"path": "a.png", "label": "x"}\n')
    found = dataset.read(open_worktree(str(tmp_path)), root=".", format="jsonl")
    assert (found.manifest, len(found.samples)) == ("list.jsonl", 1)
