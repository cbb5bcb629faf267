"""A table in the folder of each split is the dataset, as Roboflow exports it; any doubt, and the folders are."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest

from datalint import dataset
from datalint.errors import UsageError
from datalint.source.worktree import open_worktree
from tests.e2e.conftest import picture

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from datalint.dataset import Dataset

BOXES = "filename,width,height,class,xmin,ymin,xmax,ymax"
NAME = "_annotations.csv"


@pytest.fixture
def export(tmp_path: Path) -> Path:
    """Images of 8 x 8: three in train, two in valid, one in test; the first of each has two boxes."""
    for split, number in (("train", 3), ("valid", 2), ("test", 1)):
        rows = [BOXES]
        for image in range(number):
            # The same names in each folder.
            picture(tmp_path / split / f"{image}.jpg", hash(split) % 1000 + image, size=8)
            rows.append(f"{image}.jpg,8,8,cat,1,1,5,5")
            if not image:
                rows.append(f"{image}.jpg,8,8,dog,2,2,7,7")
        (tmp_path / split / NAME).write_text("\n".join(rows) + "\n")
    (tmp_path / "README.roboflow.txt").write_text("exported\n")
    return tmp_path


def read(root: Path, **options: object) -> Dataset:
    return dataset.read(open_worktree(str(root)), root=".", **options)  # type: ignore[arg-type]


def test_tables_of_splits_are_one_dataset(export: Path) -> None:
    found = read(export)
    columns = found.samples.columns
    assert (found.format, found.task, found.manifest) == ("csv", "detection", None)
    assert list(zip(columns["path"], columns["split"], columns["manifest"], columns["line"], strict=True)) == [
        ("test/0.jpg", "test", f"test/{NAME}", 2),
        ("train/0.jpg", "train", f"train/{NAME}", 2),
        ("train/1.jpg", "train", f"train/{NAME}", 4),
        ("train/2.jpg", "train", f"train/{NAME}", 5),
        ("valid/0.jpg", "val", f"valid/{NAME}", 2),
        ("valid/1.jpg", "val", f"valid/{NAME}", 4),
    ]
    assert found.annotations.columns["sample_id"] == [0, 0, 1, 1, 2, 3, 4, 4, 5]
    assert found.annotations.columns["path"][2] == f"train/{NAME}"
    assert len(found.problems) == 0
    assert f"train/{NAME} is train, valid/{NAME} is val" in found.assumptions[-1]
    classes = found.classes.columns
    shown = dict(zip(zip(classes["split"], classes["name"], strict=True), classes["n_samples"], strict=True))
    assert shown == {
        ("test", "cat"): 1,
        ("test", "dog"): 1,
        ("train", "cat"): 3,
        ("train", "dog"): 1,
        ("val", "cat"): 2,
        ("val", "dog"): 1,
    }


def test_a_row_is_blamed_where_it_stands(export: Path) -> None:
    table = export / "valid" / NAME
    table.write_text(table.read_text() + "9.jpg,8,8,cat,1,1,5,5\n1.jpg,8,8,cat,1,x,5,5\n")
    problems = read(export).problems.columns
    assert list(zip(problems["kind"], problems["path"], problems["manifest"], problems["line"], strict=True)) == [
        ("missing-file", "valid/9.jpg", f"valid/{NAME}", 5),
        ("bad-row", "1.jpg", f"valid/{NAME}", 6),
    ]


def test_labels_of_images_come_by_split_too(export: Path) -> None:
    for split in ("train", "valid", "test"):
        names = sorted(path.name for path in (export / split).glob("*.jpg"))
        (export / split / NAME).unlink()
        rows = "".join(f"{name},{'cat' if number else 'dog'}\n" for number, name in enumerate(names))
        (export / split / "labels.csv").write_text(f"image,label\n{rows}")
    found = read(export)
    assert found.task == "classification"
    assert found.samples.columns["label"] == ["dog", "dog", "cat", "cat", "dog", "cat"]
    assert found.samples.columns["split"] == ["test", "train", "train", "train", "val", "val"]


def test_folders_may_be_declared(export: Path) -> None:
    shutil.move(export / "test", export / "park")
    with pytest.raises(UsageError, match=r"no folder with a table is called 'parc'"):
        read(export, splits={"parc": "test", "park": "test"})
    assert read(export).format == "imagefolder", "nobody says what park is"
    found = read(export, splits={"park": "test", "train": "train", "valid": "val"})
    assert found.samples.columns["split"][0] == "test"


def test_a_format_that_is_named_reads_them(export: Path) -> None:
    assert len(read(export, format="csv").samples) == 6
    with pytest.raises(UsageError, match="it holds no tsv file"):
        read(export, format="tsv")


def test_a_split_whose_table_has_no_row_is_read_with_the_others(export: Path) -> None:
    (export / "test" / NAME).write_text(BOXES + "\n")
    assert set(read(export).samples.columns["split"]) == {"train", "val"}


def test_images_of_one_name_in_two_splits_are_two(export: Path) -> None:
    """With a box in each of several classes, as regions of traffic signs: the rows are images."""
    for split, label, right in (("train", "cat", 5), ("valid", "dog", 6), ("test", "dog", 7)):
        (export / split / NAME).write_text(f"{BOXES}\n0.jpg,8,8,{label},1,1,{right},5\n")
    found = read(export)
    assert (found.task, found.samples.columns["label"]) == ("classification", ["dog", "cat", "dog"])


def without_a_table(root: Path) -> None:
    (root / "valid" / NAME).unlink()


def of_other_columns(root: Path) -> None:
    table = root / "valid" / NAME
    table.write_text(table.read_text().replace("class", "name"))


def two_tables(root: Path) -> None:
    shutil.copy(root / "valid" / NAME, root / "valid" / "more.csv")


def of_another_name(root: Path) -> None:
    (root / "valid" / NAME).rename(root / "valid" / "boxes.csv")


def images_beside(root: Path) -> None:
    picture(root / "more" / "0.jpg", 7, size=8)


def images_elsewhere(root: Path) -> None:
    table = root / "valid" / NAME
    table.write_text(table.read_text().replace(".jpg", ".png"))


def without_labels(root: Path) -> None:
    for table in root.glob(f"*/{NAME}"):
        table.write_text("filename,text\n0.jpg,x\n")


def one_split_twice(root: Path) -> None:
    shutil.move(root / "valid", root / "training")


def classes(root: Path) -> None:
    for number in range(4):
        picture(root / f"train/{'ab'[number % 2]}/{number}.jpg", 50 + number, size=8)


@pytest.mark.parametrize(
    "change",
    [
        without_a_table,
        of_other_columns,
        two_tables,
        of_another_name,
        images_beside,
        images_elsewhere,
        without_labels,
        one_split_twice,
        classes,
    ],
)
def test_what_is_not_plainly_so_is_read_as_folders_and_told(export: Path, change: Callable[[Path], None]) -> None:
    change(export)
    found = read(export)
    assert found.format == "imagefolder"
    assert "unread-manifest" in found.problems.columns["kind"] or "unread-boxes" in found.problems.columns["kind"]


def test_who_says_that_there_are_no_splits_is_believed(export: Path) -> None:
    assert read(export, splits={}).format == "imagefolder"
