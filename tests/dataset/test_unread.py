"""Tables beside folders of images: those that name the images are told, other tables are not."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from datalint import dataset
from datalint.source.worktree import open_worktree
from tests.e2e.conftest import picture

if TYPE_CHECKING:
    from pathlib import Path


def told(root: Path) -> dict[object, object]:
    problems = dataset.read(open_worktree(str(root)), root=".").problems.columns
    return dict(zip(problems["path"], problems["detail"], strict=True))


@pytest.fixture
def parts(tmp_path: Path) -> Path:
    for number in range(4):
        picture(tmp_path / f"part_{number % 2}/ISIC_{number}.jpg", number, size=8)
    return tmp_path


@pytest.mark.parametrize(
    "rows",
    [
        "lesion,image_id,dx\nHAM_0,ISIC_0,nv\nHAM_1,ISIC_3,bkl\n",
        "image,dx\nISIC_0.jpg,nv\n",
        "file_name,dx\npart_0/ISIC_0.jpg,nv\n",
        "File Name;dx\npart_0\\ISIC_0.jpg;nv\n",
    ],
)
def test_a_table_that_names_the_images_is_told(parts: Path, rows: str) -> None:
    (parts / "metadata.csv").write_text(rows)
    (parts / "other.csv").write_text("image,dx\nISIC_1.jpg,nv\n")
    found = told(parts)
    assert set(found) == {"metadata.csv", "other.csv"}
    assert "names images" in str(found["metadata.csv"])


@pytest.mark.parametrize(
    "rows",
    [
        "epoch,loss\n0,0.5\n1,0.4\n",
        "image_id\nISIC_0\n",
        "image_id,dx\nISIC_0,nv\nISIC_9,nv\n",
        "image_id,dx\n",
        "",
        "\0\0\0",
    ],
)
def test_another_table_is_not(tmp_path: Path, rows: str) -> None:
    for number in range(2):
        picture(tmp_path / f"cat/{number}.jpg", number, size=8)
        picture(tmp_path / f"dog/ISIC_{number}.jpg", number + 5, size=8)
    (tmp_path / "table.csv").write_text(rows)
    assert told(tmp_path) == {}


def test_a_form_for_predictions_is_not(parts: Path) -> None:
    (parts / "sample_submission.csv").write_text("image,label\nISIC_0.jpg,0\n")
    (parts / "a.csv").write_text("epoch,loss\n1,2\n")
    assert told(parts) == {}


CLASSES = {
    "numbers and names": "id,name\n0,a\n1,b\n2,c\n",
    "not in their order": "name;id;n\nc;0;5\na;1;5\nb;2;5\n",
    "one that has no image": "id,name\n0,a\n1,b\n2,c\n3,d\n",
}


@pytest.fixture
def numbered(tmp_path: Path) -> Path:
    """Three classes of five images, which are called by numbers."""
    for number in range(15):
        picture(tmp_path / f"{'abc'[number % 3]}/{number // 3}.jpg", number, size=8)
    return tmp_path


@pytest.mark.parametrize("rows", CLASSES.values(), ids=CLASSES)
def test_a_list_of_the_classes_is_not(numbered: Path, rows: str) -> None:
    (numbered / "classes.csv").write_text(rows)
    assert told(numbered) == {}


@pytest.mark.parametrize(
    "rows",
    [
        "id,label\n0,x\n1,y\n2,z\n3,x\n4,z\n",
        "id,label\n0,x\n1,y\n2,z\n",
        "id,species\n0,a\n1,c\n",
        # Its first twenty rows have a class each.
        "id,name\n" + "".join(f"{number % 5},{name}\n" for number, name in enumerate([*"abc", *range(30), 7])),
    ],
    ids=["labels that repeat", "labels that are no folders", "labels of two images", "more rows than classes"],
)
def test_a_table_of_other_labels_is_told_beside_numbered_images(numbered: Path, rows: str) -> None:
    for number in range(30):
        picture(numbered / f"{number}/0.jpg", number, size=8)
    (numbered / "labels.csv").write_text(rows)
    assert set(told(numbered)) == {"labels.csv"}


def test_names_of_files_number_no_classes(numbered: Path) -> None:
    (numbered / "labels.csv").write_text("image,label\n0.jpg,c\n1.jpg,a\n2.jpg,b\n3.jpg,d\n")
    assert set(told(numbered)) == {"labels.csv"}


def test_a_table_in_a_split_is_told(tmp_path: Path) -> None:
    for number in range(2):
        picture(tmp_path / f"train/{number}.jpg", number, size=8)
    (tmp_path / "train/texts.jsonl").write_text('{"file_name": "0.jpg", "text": "a"}\n')
    assert set(told(tmp_path)) == {"train/texts.jsonl"}


def test_a_table_of_boxes_is_told_as_one(tmp_path: Path) -> None:
    """In each split folder, with other columns: they are not read together, as Roboflow's are."""
    for split, word in (("train", "class"), ("valid", "name")):
        for number in range(2):
            picture(tmp_path / f"{split}/{split}{number}.jpg", number, size=8)
        header = f"filename,width,height,{word},xmin,ymin,xmax,ymax"
        (tmp_path / f"{split}/_annotations.csv").write_text(f"{header}\n{split}0.jpg,8,8,cat,1,1,5,5\n")
    problems = dataset.read(open_worktree(str(tmp_path)), root=".").problems.columns
    assert set(zip(problems["path"], problems["kind"], strict=True)) == {
        ("train/_annotations.csv", "unread-boxes"),
        ("valid/_annotations.csv", "unread-boxes"),
    }
