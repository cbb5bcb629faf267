"""Label files line by line: what a line is, what is wrong with it, and whether Ultralytics leaves the image out."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from datalint.dataset.yolo import lines
from tests.dataset import ultralytics_labels

if TYPE_CHECKING:
    from pathlib import Path

    from datalint.dataset.yolo.lines import Labels, Shape

REFUSED = {"bad-annotation-line", "not-normalised"}
CLASSES = 3
POSE = (2, 3)


def faults(content: str | bytes, keypoints: tuple[int, int] | None = None) -> list[tuple[str, int, str]]:
    data = content.encode() if isinstance(content, str) else content
    return [(each.kind, each.line, each.detail) for each in lines.parse(data, keypoints).faults]


def shape(content: str, keypoints: tuple[int, int] | None = None) -> Shape:
    found = lines.parse(content.encode(), keypoints)
    assert not found.faults
    assert len(found.shapes) == 1
    return found.shapes[0]


def test_a_box_is_its_corner_and_its_size() -> None:
    box = shape("3 0.5 0.5 0.25 0.5")
    assert (box.kind, box.category_id, box.line, box.points) == ("box", 3, 1, None)
    assert (box.x, box.y, box.width, box.height) == (0.375, 0.25, 0.25, 0.5)


def test_a_polygon_has_the_extent_of_its_points() -> None:
    polygon = shape("\n0 0.25 0.5 0.75 0.5 0.5 1\n")
    assert (polygon.kind, polygon.line, polygon.points) == ("polygon", 2, 3)
    assert (polygon.x, polygon.y, polygon.width, polygon.height) == (0.25, 0.5, 0.5, 0.5)


def test_a_pose_has_a_box_and_its_keypoints() -> None:
    pose = shape("0 0.5 0.5 0.5 0.5 0.1 0.1 2 0 0 0", POSE)
    assert (pose.kind, pose.points, pose.x, pose.width) == ("keypoints", 2, 0.25, 0.5)


@pytest.mark.parametrize(
    ("line", "detail"),
    [
        ("0", "1 column, and a box has 5"),
        ("0 0.5 0.5 0.1", "4 columns, and a box has 5"),
        ("0 0.5 0.5 0.1 0.1 0.9", "6 columns, and a box has 5: a confidence at the end belongs to predictions"),
        (
            "0 0.1 0.1 0.2 0.2 0.3 0.3 0.4",
            "8 columns, and a polygon has an odd number: a class id and pairs of x and y",
        ),
        ("ship 0.5 0.5 0.1 0.1", "'ship' is not a number"),
        ("0 nan 0.5 0.1 0.1", "'nan' is not a number"),
        ("0 0.5 0.5 0.1 1e999", "'1e999' is not a number"),
        ("0,0.5,0.5,0.1,0.1", "'0,0.5,0.5,0.1,0.1' is not a number"),
        ("1.5 0.5 0.5 0.1 0.1", "the class id 1.5 is not a whole number"),
        ("1e30 0.5 0.5 0.1 0.1", "the class id 1e30 is not a whole number"),
    ],
)
def test_a_line_that_is_none_says_why(line: str, detail: str) -> None:
    assert faults(f"0 0.5 0.5 0.1 0.1\n{line}\n") == [("bad-annotation-line", 2, detail)]


def test_a_pose_of_other_columns() -> None:
    detail = "5 columns, and kpt_shape asks for 11"
    assert faults("0 0.5 0.5 0.1 0.1", POSE) == [("bad-annotation-line", 1, detail)]


@pytest.mark.parametrize(
    ("line", "kind", "detail"),
    [
        ("0 1.01 0.5 0.1 0.1", "barely-not-normalised", "x_center is 1.01, over 1"),
        ("0 1.02 0.5 0.1 0.1", "not-normalised", "x_center is 1.02, over 1"),
        ("0 0.5 -0.01 0.1 0.1", "barely-not-normalised", "y_center is -0.01, negative"),
        ("0 0.5 -0.02 0.1 0.1", "not-normalised", "y_center is -0.02, negative"),
        ("0 0.5 0.5 -0.001 0.1", "not-normalised", "width is -0.001, negative"),
        ("0 320 240 64 48", "not-normalised", "x_center is 320, over 1: pixels, not fractions of the image"),
        ("0 0.5 0.5 1.02 0.5 0.7 0.7", "barely-not-normalised", "x of point 2 is 1.02, over 1"),
        ("0 0.5 0.5 2.5 0.5 0.7 0.7", "not-normalised", "x of point 2 is 2.5, over 1"),
    ],
)
def test_what_is_outside_the_image(line: str, kind: str, detail: str) -> None:
    assert faults(line) == [(kind, 1, detail)]
    assert lines.parse(line.encode()).shapes[0].x is None


def test_visibility_is_no_coordinate() -> None:
    assert not faults("0 0.5 0.5 0.5 0.5 0.1 0.1 2 0.2 0.2 1", POSE)
    negative = ("not-normalised", 1, "visibility of point 2 is -1, negative")
    assert faults("0 0.5 0.5 0.5 0.5 0.1 0.1 2 0.2 0.2 -1", POSE) == [negative]


def test_boxes_among_polygons() -> None:
    found = faults("0 0.1 0.1 0.2 0.2 0.3 0.1\n0 0.5 0.5 0.1 0.1\n")
    assert found == [
        ("bad-annotation-line", 2, "5 columns, a box, and the file has polygons: a file has one or the other")
    ]


def test_the_same_polygon_twice() -> None:
    line = "0 0.1 0.1 0.2 0.2 0.3 0.1"
    assert faults(f"{line}\n\n{line}0\n1{line[1:]}") == [("duplicate-annotation", 3, "the same as line 1")]


def test_text_of_other_encodings() -> None:
    assert faults(b"0 0.5 0.5 0.1 0.1\n\xff") == [("bad-annotation-line", 2, "byte 0xff is not UTF-8")]
    assert not faults("\ufeff0 0.5 0.5 0.1 0.1\r\n")
    assert not faults(" \n\t\n")


NUMBERS = st.one_of(
    st.floats(0, 1).map(lambda value: f"{value:.4f}"),
    st.sampled_from(["0", "1", "1.01", "1.02", "-0.005", "-0.02", "2", "320", "nan", "x", ".5", "-0", "1_0", "0.5,"]),
)
IDS = st.one_of(st.integers(0, CLASSES - 1).map(str), st.sampled_from(["3", "-1", "0.0", "1.5", "-0.005", "+1"]))
COUNTS = st.sampled_from([4, 4, 4, 3, 5, 6, 6, 7, 8, 8, 10, 10, 12])
LINES = st.tuples(IDS, COUNTS.flatmap(lambda count: st.lists(NUMBERS, min_size=count, max_size=count))).map(
    lambda line: " ".join((line[0], *line[1]))
)
FILES = st.lists(st.one_of(LINES, st.sampled_from(["", " "])), min_size=1, max_size=4).map("\n".join)


def refused(found: Labels) -> bool:
    ids = [each.category_id for each in found.shapes]
    return any(each.kind in REFUSED for each in found.faults) or any(not 0 <= each < CLASSES for each in ids)


def test_ultralytics_leaves_out_the_same_images(tmp_path: Path) -> None:
    verify = ultralytics_labels.verify_image_label()
    image, labels = tmp_path / "a.png", tmp_path / "a.txt"
    Image.new("RGB", (32, 32)).save(image)

    @settings(deadline=None)
    @given(content=FILES, keypoints=st.sampled_from([None, None, POSE, (3, 2)]))
    def agree(content: str, keypoints: tuple[int, int] | None) -> None:
        labels.write_text(content, "utf-8")
        number, each = keypoints or (0, 0)
        said = verify((str(image), str(labels), "", keypoints is not None, CLASSES, number, each, False))
        found = lines.parse(content.encode(), keypoints)
        assert refused(found) == (said[0] is None), said[-1]
        if said[0] is not None and any(each.kind != "box" for each in found.shapes):
            copies = sum(each.kind == "duplicate-annotation" for each in found.faults)
            assert len(said[1]) == len(found.shapes) - copies

    agree()


@settings(deadline=None)
@given(content=st.one_of(st.binary(max_size=300), FILES.map(str.encode)), keypoints=st.sampled_from([None, POSE]))
def test_nothing_escapes(content: bytes, keypoints: tuple[int, int] | None) -> None:
    found = lines.parse(content, keypoints)
    n_lines = len(content.decode("utf-8-sig", "replace").splitlines())
    assert all(
        1 <= line <= n_lines for line in [each.line for each in found.shapes] + [each.line for each in found.faults]
    )
    lines.is_labels(content)
