"""LabelMe: a JSON file of shapes for each image, and what goes wrong when files are renamed or edited by hand."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from datalint import dataset
from datalint.dataset.labelme import record
from datalint.source.worktree import open_worktree
from tests.dataset.manifests import rows
from tests.dataset.test_yolo import made

if TYPE_CHECKING:
    from pathlib import Path

    from datalint.dataset import Dataset

SQUARE = [[2, 3], [10, 3], [10, 12], [2, 12]]


def shape(label: Any = "cat", points: Any = SQUARE, shape_type: Any = "polygon", **more: Any) -> dict[str, Any]:
    """With the keys that labelme 5 writes, in its order."""
    return {"label": label, "points": points, "group_id": None, "shape_type": shape_type, "flags": {}, **more}


def labelled(*shapes: Any, image: Any = "a.jpg", **more: Any) -> str:
    """Indented by two, as labelme writes it."""
    head = {"version": "5.2.1", "flags": {}, "shapes": shapes, "imagePath": image, "imageData": None}
    return json.dumps(head | {"imageHeight": 16, "imageWidth": 16} | more, indent=2)


def read(home: Path, files: dict[str, str], **options: Any) -> Dataset:
    found = dataset.read(open_worktree(made(home, files)), root=".", **options)
    assert found.format == "labelme"
    return found


def problems(found: Dataset) -> list[tuple[object, ...]]:
    return rows(found.problems, "kind", "path", "line", "detail")


def test_shapes_of_every_type(tmp_path: Path) -> None:
    shapes = [
        shape(),
        shape("dog", [[10, 12], [2, 3]], "rectangle"),
        shape("sun", [[8, 8], [11, 12]], "circle"),
        shape("road", [[0, 5], [15, 5]], "line"),
        shape("nose", [[4, 4]], "point"),
        shape("blob", [[1, 1], [4, 6]], "mask", mask="iVBORw0KGgo="),
        shape("ship", [[4, 0], [8, 4], [4, 8], [0, 4]], "rotation", difficult=True),
    ]
    files = {"train/a.jpg": "", "train/a.json": labelled(*shapes)}
    files |= {"val/b.jpg": "", "val/b.json": labelled(image="b.jpg")}
    found = read(tmp_path, files)
    assert rows(found.samples, "path", "split", "declared_width", "manifest") == [
        ("train/a.jpg", "train", 16, "train/a.json"), ("val/b.jpg", "val", 16, "val/b.json"),
    ]  # fmt: skip
    assert rows(found.annotations, "kind", "category", "x", "y", "width", "height", "points") == [
        ("polygon", "cat", 2, 3, 8, 9, 4),
        ("box", "dog", 2, 3, 8, 9, None),
        ("ellipse", "sun", 3, 3, 10, 10, None),
        ("line", "road", None, None, None, None, 2),
        ("keypoints", "nose", None, None, None, None, 1),
        ("rle", "blob", 1, 1, 3, 5, None),
        ("obb", "ship", 0, 0, 8, 8, 4),
    ]
    text = files["train/a.json"].splitlines()
    for line, name in rows(found.annotations, "line", "category"):
        assert (text[line - 2].strip(), text[line - 1].strip()) == (f'"label": "{name}",', '"points": [')
    assert found.annotations.columns["difficult"][-1] is True
    assert not problems(found)
    assert rows(found.classes, "name", "split", "n_samples")[:2] == [("blob", "train", 1), ("cat", "train", 1)]


def test_images_of_another_folder_and_of_windows(tmp_path: Path) -> None:
    files = {
        "img/a.jpg": "", "img/b.jpg": "",
        "json/a.json": labelled(shape(), image="../img/a.jpg"),
        "json/b.json": labelled(shape(), image="..\\img\\b.jpg"),
    }  # fmt: skip
    found = read(tmp_path, files)
    assert found.samples.columns["path"] == ["img/a.jpg", "img/b.jpg"]
    assert [row[0] for row in problems(found)] == ["backslash-path"]
    assert {entry.kind for entry in found.files} == {"file"}


def test_a_renamed_image_and_a_copied_file(tmp_path: Path) -> None:
    files = {
        "new.jpg": "", "new.json": labelled(shape(), image="old.jpg"),
        "b.jpg": "", "c.jpg": "", "b.json": labelled(shape(), image="c.jpg"), "d.jpg": "",
    }  # fmt: skip
    found = read(tmp_path, files)
    assert found.samples.columns["path"] == ["c.jpg", "new.jpg"]
    assert [row[:2] + row[3:] for row in problems(found)] == [
        ("other-file-name", "b.json", "it says imagePath 'c.jpg', and is called like b.jpg, which is there too"),
        ("wrong-file-name", "new.json", "it says imagePath 'old.jpg', and is called like new.jpg"),
    ]
    # To every converter an image without a JSON file does not exist.
    assert rows(found.skipped, "path", "reason") == [("b.jpg", "unlisted"), ("d.jpg", "unlisted")]


def test_only_the_copy_inside_is_left(tmp_path: Path) -> None:
    found = read(tmp_path, {"a.json": labelled(shape(), imageData="/9j/4AAQ")})
    assert [entry.kind for entry in found.files] == ["missing"]
    assert problems(found)[0][3] == (
        "a.jpg is not there, and the copy in imageData is all there is of it (a.json names it)"
    )
    assert found.assumptions == ("1 JSON file holds a copy of the image (imageData), which was not compared with it",)


@pytest.mark.parametrize(
    ("bad", "kind", "detail"),
    [
        (shape(""), "bad-annotation-line", "shape 1: it has no label"),
        (shape(None), "bad-annotation-line", "shape 1: it has no label"),
        (shape(points=[[1, "2"]]), "bad-annotation-line", "shape 1: the points of 'cat' are no pairs of numbers"),
        (shape(shape_type="star"), "bad-annotation-line",
         "shape 1: 'cat' has the shape_type 'star', which LabelMe does not know"),
        (shape(points=[[1, 2]], shape_type="rectangle"), "bad-annotation-line",
         "shape 1: 'cat' is a rectangle of 1 point, not 2"),
        (7, "bad-annotation-line", "shape 1: not an object"),
        (shape(points=SQUARE[:2]), "bad-polygon", "the polygon of 'cat' has 2 points, and a polygon needs 3"),
    ],
)  # fmt: skip
def test_shapes_that_are_none(bad: Any, kind: str, detail: str, tmp_path: Path) -> None:
    found = read(tmp_path, {"a.jpg": "", "a.json": labelled(bad)})
    assert [(row[0], row[3]) for row in problems(found)] == [(kind, detail)]


def test_a_file_that_was_cut_and_one_of_another_thing(tmp_path: Path) -> None:
    whole = labelled(shape())
    files = {"a.jpg": "", "a.json": whole, "b.json": whole[:100], "c.json": "", "package.json": '{"name": "x"}'}
    found = read(tmp_path, files)
    assert [(row[0], row[1]) for row in problems(found)] == [
        ("bad-annotation-file", "b.json"), ("bad-annotation-file", "c.json"),
    ]  # fmt: skip
    assert len(found.samples) == 1


def test_labels_that_the_list_lacks(tmp_path: Path) -> None:
    names = "__ignore__\n_background_\ncat\n"
    found = read(tmp_path, {"a.jpg": "", "a.json": labelled(shape(), shape("Cat", SQUARE[::-1])), "labels.txt": names})
    assert [(row[0], row[3]) for row in problems(found)] == [("unlisted-category", "'Cat' is not in labels.txt")]
    assert rows(found.classes, "name", "index") == [("_background_", 0), ("cat", 1)]


def test_one_shape_twice_is_said_with_its_line(tmp_path: Path) -> None:
    found = read(tmp_path, {"a.jpg": "", "a.json": labelled(shape(), shape())})
    first, second = found.annotations.columns["line"]
    assert problems(found) == [("duplicate-annotation", "a.json", second, f"the same as line {first}")]


def test_declared_splits_take_the_place_of_names(tmp_path: Path) -> None:
    files = {"train/a.jpg": "", "train/a.json": labelled(shape()), "x/b.jpg": "", "x/b.json": labelled(image="b.jpg")}
    found = read(tmp_path, files, splits={"x": "val"})
    assert rows(found.samples, "path", "split") == [("train/a.jpg", None), ("x/b.jpg", "val")]
    assert set(read(tmp_path, files, splits={}).samples.columns["split"]) == {None}


@pytest.mark.parametrize("hostile", [b"[" * 100_000, b'{"shapes": 1e999, "imagePath": []}', b"\xff{}", b"null", b"{}"])
def test_hostile_bytes_are_answered(hostile: bytes) -> None:
    found = record.parse(hostile)
    assert found is None or found.faults
