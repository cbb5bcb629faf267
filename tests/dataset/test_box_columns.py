"""Tables with a box in each row: an image has as many rows as objects, and each row is one annotation of it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tests.dataset.manifests import problems, read, rows

if TYPE_CHECKING:
    from pathlib import Path

TF_OD = "filename,width,height,class,xmin,ymin,xmax,ymax"
"""Roboflow's "Tensorflow Object Detection" and xml_to_csv.py of TensorFlow's tutorial."""
EXTENT = ("sample_id", "category", "x", "y", "width", "height", "line")


def table(*lines: str) -> str:
    return "\n".join(lines) + "\n"


@pytest.mark.parametrize(
    "header",
    [
        "path,class,xmin,ymin,xmax,ymax",
        "image_path,label,x_min,y_min,x_max,y_max",
        "path,class,x1,y1,x2,y2",
        "path,class,bbox_x1,bbox_y1,bbox_x2,bbox_y2",
        "path,class,Left,Top,Right,Bottom",
    ],
)
def test_corners_are_boxes_in_pixels(folder: Path, header: str) -> None:
    content = table(header, "img/0.jpg,cat,1,2,5,9", "img/0.jpg,dog,0,0,4,4.5", "img/1.jpg,cat,2,2,4,4")
    found = read(folder, "boxes.csv", content)
    assert found.task == "detection"
    assert rows(found.samples, "path", "label", "line") == [("img/0.jpg", None, 2), ("img/1.jpg", None, 4)]
    assert rows(found.annotations, *EXTENT) == [
        (0, "cat", 1, 2, 4, 7, 2),
        (0, "dog", 0, 0, 4, 4.5, 3),
        (1, "cat", 2, 2, 2, 2, 4),
    ]
    assert set(rows(found.annotations, "kind", "path", "normalised")) == {("box", "boxes.csv", False)}
    assert rows(found.classes, "name", "index", "n_samples", "loader") == [
        ("cat", 0, 2, "manifest"),
        ("dog", 1, 1, "manifest"),
    ]
    assert not len(found.problems)
    assert any("each row is a box" in note for note in found.assumptions)


def test_columns_in_the_order_of_open_images(folder: Path) -> None:
    content = table("path,label,XMin,XMax,YMin,YMax", "img/0.jpg,cat,.1,.5,.2,.9", "img/0.jpg,dog,0,1,0,1")
    found = read(folder, "boxes.csv", content)
    assert rows(found.annotations, "x", "width", "normalised") == [(0.1, 0.4, True), (0, 1, True)]
    assert any("fractions" in note for note in found.assumptions)


def test_one_class_is_enough_for_a_detector(folder: Path) -> None:
    found = read(folder, "boxes.csv", table(TF_OD, "img/0.jpg,8,8,wheat,1,1,5,5", "img/1.jpg,8,8,wheat,1,1,5,5"))
    assert (found.task, len(found.samples), len(found.annotations)) == ("detection", 2, 2)
    assert rows(found.samples, "declared_width", "declared_height") == [(8, 8), (8, 8)]


def test_without_a_column_of_classes_there_is_one(folder: Path) -> None:
    found = read(folder, "boxes.csv", table("path,xmin,ymin,xmax,ymax", "img/0.jpg,1,1,5,5", "img/0.jpg,1,1,5,6"))
    assert (found.task, problems(found)) == ("detection", [])


def test_an_image_in_two_splits_is_two_samples(folder: Path) -> None:
    header = "path,class,split,xmin,ymin,xmax,ymax"
    lines = [f"img/0.jpg,cat,{split},{number},1,5,5" for number, split in enumerate(("train", "train", "val"))]
    found = read(folder, "boxes.csv", table(header, *lines))
    assert rows(found.samples, "split", "file_id") == [("train", 0), ("val", 0)]
    assert rows(found.annotations, "sample_id") == [(0,), (0,), (1,)]


def test_an_empty_box_is_a_picture_of_background(folder: Path) -> None:
    """As keras-retinanet writes it: `path,,,,,`."""
    content = table("path,x1,y1,x2,y2,class", "img/0.jpg,1,1,5,5,cat", "img/0.jpg,2,1,5,5,cat", "img/1.jpg,,,,,")
    found = read(folder, "boxes.csv", content)
    assert (len(found.samples), len(found.annotations), problems(found)) == (2, 2, [])


@pytest.mark.parametrize(
    ("cells", "detail"),
    [
        ("a,1,5,5", "xmin is 'a', not a number of pixels"),
        ("1,,5,5", "ymin is empty"),
        ("1,nan,5,5", "ymin is 'nan', not a number of pixels"),
    ],
)
def test_what_is_no_number_is_a_bad_row(folder: Path, cells: str, detail: str) -> None:
    content = table(TF_OD, "img/0.jpg,8,8,cat,1,1,5,5", "img/0.jpg,8,8,dog,2,2,5,5", f"img/0.jpg,8,8,dog,{cells}")
    found = read(folder, "boxes.csv", content)
    assert rows(found.problems, "kind", "line", "detail") == [("bad-row", 4, detail)]
    assert rows(found.annotations, "x")[-1] == (None,)


def test_a_box_without_a_class_lacks_its_label(folder: Path) -> None:
    content = table(TF_OD, "img/0.jpg,8,8,cat,1,1,5,5", "img/0.jpg,8,8,,2,2,5,5")
    assert problems(read(folder, "boxes.csv", content)) == [("missing-label", 3)]


@pytest.mark.parametrize(
    "content",
    [
        table("path,label,bbox", 'img/0.jpg,cat,"[1, 1, 5, 5]"', 'img/0.jpg,dog,"[2, 1, 5, 5]"'),
        table("path,label,x,y,w,h", "img/0.jpg,cat,1,1,5,5", "img/0.jpg,dog,2,1,5,5"),
        table("path,label,x,y,width,height", "img/0.jpg,cat,1,1,5,5", "img/0.jpg,dog,2,1,5,5"),
    ],
)
def test_a_box_that_may_mean_several_things_is_not_judged(folder: Path, content: str) -> None:
    found = read(folder, "boxes.csv", content)
    assert found.task == "detection"
    assert rows(found.annotations, "category", "x", "width") == [("cat", None, None), ("dog", None, None)]
    assert any("not judged" in note for note in found.assumptions)


def test_a_copy_of_such_a_row_is_one(folder: Path) -> None:
    row = {"path": "img/0.jpg", "label": "cat", "bbox": [1, 1, 5, 5]}
    other = {**row, "bbox": [1, 1, 5, 6]}
    found = read(folder, "boxes.jsonl", "".join(json.dumps(each) + "\n" for each in (row, other, row)))
    assert rows(found.problems, "kind", "line", "detail") == [("duplicate-annotation", 3, "the same as line 1")]


@pytest.mark.parametrize(
    ("last", "task"),
    [
        ("img/2.jpg,,,,,", "detection"),
        ("img/2.jpg,cat,,,,", "classification"),
        ("img/2.jpg,,1,2,5,9", "classification"),
        ("img/2.jpg,cat,1,2,5,9", "classification"),
    ],
)
def test_an_image_without_box_and_class_is_the_background_of_a_detector(folder: Path, last: str, task: str) -> None:
    content = table("path,class,x1,y1,x2,y2", "img/0.jpg,cat,1,2,5,9", "img/1.jpg,dog,0,0,4,4", last)
    assert read(folder, "boxes.csv", content).task == task


@pytest.mark.parametrize(
    "lines",
    [
        ("img/0.jpg,8,8,cat,1,1,5,5", "img/1.jpg,8,8,dog,1,1,5,5"),
        ("img/0.jpg,8,8,cat,1,1,5,5", "img/0.jpg,8,8,cat,1,1,5,5", "img/1.jpg,8,8,dog,1,1,5,5"),
    ],
)
def test_one_region_in_each_image_is_no_sign_of_a_detector(folder: Path, lines: tuple[str, ...]) -> None:
    """Traffic signs and cars are classified by the region that a table gives each image."""
    found = read(folder, "labels.csv", table(TF_OD, *lines))
    assert (found.task, len(found.samples), len(found.annotations)) == ("classification", len(lines), 0)
    assert "xmin" in found.samples.extra


@pytest.mark.parametrize(
    "header",
    [
        "path,label,x1,y1,x2,y2,x3,y3",
        "path,label,width,height",
        "path,label,x,y",
        "path,label,left,right",
    ],
)
def test_other_numbers_are_no_boxes(folder: Path, header: str) -> None:
    numbers = ",1" * (header.count(",") - 2)
    found = read(folder, "labels.csv", table(header, f"img/0.jpg,cat,1{numbers}", f"img/0.jpg,dog,2{numbers}"))
    assert found.task == "classification"
