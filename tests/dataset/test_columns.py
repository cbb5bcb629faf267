"""Which column plays which part: what a manifest lacks is said with the columns that were seen."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from datalint import dataset
from datalint.source.worktree import open_worktree
from tests.dataset.manifests import parquet, read, rows

if TYPE_CHECKING:
    from pathlib import Path


def lacks(folder: Path, name: str, content: str | bytes, **options: dict[str, str]) -> list[object]:
    found = read(folder, name, content, **options)  # type: ignore[arg-type]
    return [detail for kind, detail in rows(found.problems, "kind", "detail") if kind == "missing-column"]


@pytest.mark.parametrize(
    ("name", "content", "detail"),
    [
        ("a.csv", "path,split\nimg/0.jpg,train\n", "no column for the label among path, split"),
        ("metadata.csv", "file_name,text\nimg/0.jpg,a cat\n", "no column for the label among file_name, text"),
        ("a.jsonl", '{"path": "img/0.jpg", "text": "a cat"}\n', "no column for the label among path, text"),
        (
            "a.csv",
            "path,cat,dog\nimg/0.jpg,1,0\nimg/1.jpg,0,1\n",
            "labels in one-hot columns (cat, dog) are not read, and no other column is one of labels",
        ),
        ("a.csv", "path,cat,dog\nimg/0.jpg,1,1\n", "no column for the label among path, cat, dog"),
        ("a.csv", "path,cat,dog\nimg/0.jpg,2,1\n", "no column for the label among path, cat, dog"),
        (
            "a.csv",
            "path," + ",".join(f"c{number}" for number in range(13)) + "\nimg/0.jpg" + ",5" * 13 + "\n",
            "no column for the label among path, c0, c1, c2, c3, c4, c5, c6, c7, c8, c9, c10 and 2 more",
        ),
        ("train.csv", "id,label\n7,cat\n", "no column for the path of the image among id, label"),
        (
            "train.csv",
            "id,label\n1,cat\n",
            "no column for the path of the image among id, label; 'id' names images without their suffix "
            "(1 is img/1.jpg)",
        ),
        (
            "a.csv",
            "img/0.jpg,cat\nimg/1.jpg,dog\n",
            "no header: its first line is a sample already (img/0.jpg is no name of a column)",
        ),
        (
            "a.tsv",
            "cat\timg/9.jpg\ndog\timg/1.jpg\n",
            "no header: its first line is a sample already (img/9.jpg is no name of a column)",
        ),
    ],
)
def test_a_manifest_without_a_column_says_what_it_has(folder: Path, name: str, content: str, detail: str) -> None:
    assert lacks(folder, name, content) == [detail]


def test_parquet_without_a_column_of_labels(folder: Path) -> None:
    content = parquet(folder, "select 'img/0.jpg' as path, 'a cat' as caption")
    assert lacks(folder, "a.parquet", content) == ["no column for the label among path, caption"]


def test_a_declared_column_is_not_lacking(folder: Path) -> None:
    assert lacks(folder, "a.csv", "path,breed\nimg/0.jpg,pug\n", columns={"label": "breed"}) == []


def test_a_manifest_without_rows_lacks_nothing(folder: Path) -> None:
    assert lacks(folder, "a.csv", "path,split\n") == []


def test_the_column_of_images_is_known_by_its_values(folder: Path) -> None:
    found = read(folder, "train.csv", "image_id,label\nimg/0.jpg,cat\nimg/1.jpg,dog\n")
    assert rows(found.samples, "path", "label") == [("img/0.jpg", "cat"), ("img/1.jpg", "dog")]
    assert found.assumptions == ("columns were guessed: path from 'image_id', label from 'label'",)
    two = lacks(folder, "train.csv", "left,right,label\nimg/0.jpg,img/1.jpg,cat\n")
    assert two == ["no column for the path of the image among left, right, label"]


@pytest.mark.parametrize(
    "content", ["image_id,label\nimg/0.jpg,cat\n", "img/0.jpg,cat\nimg/1.jpg,dog\n", "f,label\nimg/0.jpg,cat\n"]
)
def test_a_folder_with_a_manifest_of_unusual_columns_is_that_manifest(folder: Path, content: str) -> None:
    (folder / "train.csv").write_text(content)
    found = dataset.read(open_worktree(str(folder)), root=".", columns={"path": "f"} if content[0] == "f" else None)
    assert found.manifest == "train.csv"


@pytest.mark.parametrize(("declared", "guessed"), [(None, True), ({"group": "scene"}, False)])
def test_the_group_is_known_to_be_guessed(folder: Path, declared: dict[str, str] | None, guessed: bool) -> None:
    found = read(folder, "a.csv", "path,label,scene\nimg/0.jpg,cat,s1\n", columns=declared)
    about = found.tables(source="worktree")["dataset"].columns
    assert (about["group_column"], about["group_guessed"]) == (["scene"], [guessed])
    assert found.samples.columns["group_key"] == ["s1"]


def test_where_images_come_from_is_no_group(folder: Path) -> None:
    found = read(folder, "a.csv", "path,label,source\nimg/0.jpg,cat,flickr\n")
    assert found.samples.columns["group_key"] == [None]
    assert found.samples.columns["source"] == ["flickr"]
