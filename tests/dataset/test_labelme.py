"""LabelMe: a JSON file of shapes for each image, and what goes wrong when files are renamed or edited by hand."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from datalint import dataset
from datalint.dataset.labelme import record, web
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
        shape("raft", [[4, 0], [8, 4], [4, 8], [0, 4]], "oriented_rectangle"),
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
        ("obb", "raft", 0, 0, 8, 8, 4),
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
    assert [(row[0], row[3]) for row in problems(found)] == [
        ("backslash-path", "written with backslashes: ..\\img\\b.jpg")
    ]
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


CAT = "<polygon>" + "".join(f"<pt><x>{x}</x><y>{y}</y></pt>" for x, y in SQUARE) + "</polygon>"
MASK = "<segm><box><xmin>1</xmin><ymin>2</ymin><xmax>7</xmax><ymax>9</ymax></box><mask>a_mask_0.png</mask></segm>"


def drawn(inside: str = CAT, name: str = "cat", more: str = "") -> str:
    """An object as LabelMeAnnotationTool writes it, with its line breaks."""
    return f"<object><name>\n{name}\n</name><deleted>0</deleted><verified>0</verified>{more}{inside}</object>\n"


def web_xml(*objects: str, image: str = "a.jpg") -> str:
    source = "<source><sourceAnnotation>LabelMe Webtool</sourceAnnotation></source>"
    size = "<imagesize><nrows>16</nrows><ncols>16</ncols></imagesize>"
    head = f"<annotation>\n<filename>{image}</filename><folder>x</folder>{source}\n"
    return f"{head}{''.join(objects)}{size}</annotation>\n"


def test_the_xml_of_the_old_labelme_is_read(tmp_path: Path) -> None:
    """As datumaro reads it, but for line breaks around names, which are none of their letters."""
    objects = [
        drawn(),
        drawn(more="<type>bounding_box</type>", name="dog"),
        drawn(MASK, "sun"),
        drawn(name="gone").replace("<deleted>0", "<deleted>1"),
    ]
    files = {
        "Annotations/train/a.xml": web_xml(*objects), "Images/train/a.jpg": "", "Masks/train/a_mask_0.png": "",
        "Annotations/val/b.xml": web_xml(image="b.jpg"), "Images/val/b.jpg": "", "Images/val/c.jpg": "",
    }  # fmt: skip
    found = read(tmp_path, files)
    assert rows(found.samples, "path", "split", "declared_height", "manifest") == [
        ("Images/train/a.jpg", "train", 16, "Annotations/train/a.xml"),
        ("Images/val/b.jpg", "val", 16, "Annotations/val/b.xml"),
    ]
    assert rows(found.annotations, "kind", "category", "line", "x", "y", "width", "height") == [
        ("polygon", "cat", 3, 2, 3, 8, 9), ("box", "dog", 6, 2, 3, 8, 9), ("rle", "sun", 9, 1, 2, 6, 7),
    ]  # fmt: skip
    assert rows(found.skipped, "path", "reason") == [
        ("Images/val/c.jpg", "unlisted"), ("Masks/train/a_mask_0.png", "documentation"),
    ]  # fmt: skip
    assert not problems(found)
    beside = read(tmp_path / "beside", {"a.xml": web_xml(drawn()), "a.jpg": ""})
    assert beside.samples.columns["path"] == ["a.jpg"]


@pytest.mark.parametrize(
    ("text", "kind", "line", "detail"),
    [
        (web_xml(drawn(), drawn(name="")), "bad-annotation-line", 6, "object 2: it has no name"),
        (web_xml(drawn("")), "bad-annotation-line", 3, "object 1: 'cat' has no polygon and no segment"),
        (web_xml(drawn(CAT.replace("<x>2</x>", "<x>two</x>", 1))), "bad-annotation-line", 3,
         "object 1: the points of 'cat' are no pairs of numbers"),
        (web_xml(drawn("<polygon><pt><x>1</x><y>2</y></pt></polygon>")), "bad-polygon", 3,
         "the polygon of 'cat' has 1 point, and a polygon needs 3"),
        (web_xml(drawn(), image=""), "bad-annotation-file", 1, "it has no filename, which says whose shapes they are"),
        (web_xml(drawn())[:-40], "bad-annotation-file", 6, "not XML: unclosed token"),
        (web_xml(drawn(), image="old.jpg"), "wrong-file-name", 2,
         "it says filename 'old.jpg', and is called like a.jpg"),
        (web_xml(drawn(), drawn()), "duplicate-annotation", 6, "the same as line 3"),
    ],
)  # fmt: skip
def test_an_xml_with_a_flaw(text: str, kind: str, line: int, detail: str, tmp_path: Path) -> None:
    found = read(tmp_path, {"Annotations/x/a.xml": text, "Images/x/a.jpg": ""})
    assert problems(found) == [(kind, "Annotations/x/a.xml", line, detail)]


def test_an_image_that_the_xml_names_and_that_is_not_there(tmp_path: Path) -> None:
    files = {f"Annotations/x/{name}.xml": web_xml(drawn(), image=f"{name}.jpg") for name in "ab"}
    files["Images/x/b.jpg"] = ""
    assert problems(read(tmp_path, files))[0][:3] == ("missing-file", "Images/x/a.jpg", 2)


@given(st.binary(max_size=60), st.integers(0, 600))
def test_no_xml_escapes_as_a_traceback(content: bytes, cut: int) -> None:
    whole = web_xml(drawn(), drawn(MASK)).encode()
    for each in (content, whole[:cut] + content + whole[cut:], whole[:cut] + content):
        assert web.parse(each).image is not None or web.parse(each).faults


@pytest.mark.corpus
def test_the_real_xml(corpora: Path) -> None:
    found = dataset.read(open_worktree(str(corpora)), root="datumaro-assets/labelme_dataset")
    assert found.format == "labelme"
    # What datumaro's own tests expect of it.
    assert [(row[0], row[1]) for row in rows(found.annotations, "category", "kind")] == [
        ("window", "polygon"), ("license plate", "rle"), ("o1", "polygon"), ("q1", "polygon"), ("b1", "box"),
        ("m1", "rle"), ("hg", "polygon"),
    ]  # fmt: skip
    assert [path.rpartition("/")[2] for (path,) in rows(found.samples, "path")] == ["img1.png"]
    assert not problems(found)
