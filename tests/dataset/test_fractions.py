"""Boxes that are fractions of the image where their format has pixels, or corners: told by all of them together."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from datalint.dataset.annotations import with_fractions
from datalint.dataset.model import Rows
from tests.dataset.test_cvat import LABELS
from tests.dataset.test_cvat import xml as cvat_xml
from tests.dataset.test_voc import box, xml
from tests.e2e.conftest import picture
from tests.e2e.test_detection import check

if TYPE_CHECKING:
    from pathlib import Path

    from datalint.tables import Data

Box = tuple[float, float, float, float]
FRACTION = (0.1, 0.2, 0.3, 0.4)
PIXELS = (10.0, 20.0, 30.0, 40.0)
SIZE = 64


def tables(*boxes: Box, split: str = "train", path: str = "t.json", normalised: bool = False) -> tuple[Rows, Rows]:
    """Three images of one split, and boxes spread over them."""
    samples, annotations = Rows("samples"), Rows("annotations")
    for number in range(3):
        samples.add(sample_id=number, split=split)
    for number, (x, y, width, height) in enumerate(boxes):
        annotations.add(
            annotation_id=number, sample_id=number % 3, x=x, y=y, width=width, height=height, path=path,
            normalised=normalised,
        )  # fmt: skip
    return samples, annotations


def flags(samples: Rows, annotations: Rows) -> list[object]:
    marked: Data = with_fractions(annotations.data(), samples.data())
    return list(marked.columns["fractions"])


def test_boxes_that_all_lie_within_one_pixel_are_fractions() -> None:
    assert flags(*tables(FRACTION, FRACTION, (0, 0, 1, 1))) == [True] * 3
    assert flags(*tables(FRACTION, FRACTION, (0.5, 0.5, 0.505, 0.2))) == [True] * 3


@pytest.mark.parametrize(
    "boxes",
    [
        pytest.param((FRACTION, FRACTION), id="two may be slips of the mouse"),
        pytest.param((FRACTION,) * 9 + (PIXELS,) * 3, id="each image has one in pixels"),
        pytest.param((FRACTION,) * 9 + ((0.9, 0.2, 0.3, 0.4),) * 3, id="each image has one that leaves it"),
        pytest.param((PIXELS, FRACTION, FRACTION), id="two images may be slips of the mouse"),
        pytest.param((PIXELS,) + ((0, 0, 1, 1),) * 8, id="fillers beside pixels"),
        pytest.param(((0, 0, 1, 1),) * 9, id="the first pixel, or a filler"),
        pytest.param(((0, 0, 0, 0),) * 9, id="nothing at all"),
        pytest.param((PIXELS,) * 9, id="pixels"),
        pytest.param(((-0.5, 0.2, 0.3, 0.4),) * 9, id="left of the image"),
    ],
)
def test_other_boxes_are_not(boxes: tuple[Box, ...]) -> None:
    assert not any(flags(*tables(*boxes)))


@pytest.mark.parametrize("other", [PIXELS, (0.9, 0.2, 0.3, 0.4)], ids=["pixels", "leaves the image"])
def test_images_of_fractions_are_told_beside_others(other: Box) -> None:
    """Two exports that were merged: the image of the other box, the first one, is none of them."""
    assert flags(*tables(*(FRACTION,) * 9, other)) == [False, True, True] * 3 + [False]


def test_what_is_written_as_fractions_by_its_format_is_right() -> None:
    assert not any(flags(*tables(*(FRACTION,) * 9, normalised=True)))


def test_each_file_and_each_split_is_looked_at_alone() -> None:
    samples, annotations = tables(*(FRACTION,) * 3, path="train.json")
    for number in range(3):
        samples.add(sample_id=3 + number, split="val")
        annotations.add(sample_id=3 + number, x=9.0, y=9.0, width=9.0, height=9.0, path="val.json", normalised=False)
    assert flags(samples, annotations) == [True] * 3 + [False] * 3


def test_files_of_one_image_are_looked_at_together() -> None:
    """Pascal VOC: a file of one tiny box says nothing, and neither do two beside one in pixels."""
    samples, annotations = tables(*(FRACTION,) * 3)
    annotations.columns["path"] = ["a.xml", "b.xml", "c.xml"]
    assert flags(samples, annotations) == [True] * 3
    annotations.columns["width"][2] = 40.0
    assert flags(samples, annotations) == [False] * 3


def coco(home: Path, boxes: list[Box]) -> None:
    images = [{"id": each, "file_name": f"{each}.jpg", "width": SIZE, "height": SIZE} for each in range(len(boxes))]
    entries = [
        {"id": each, "image_id": each, "category_id": 1, "bbox": [x, y, right - x, bottom - y], "iscrowd": 0,
         "area": (right - x) * (bottom - y), "segmentation": []}
        for each, (x, y, right, bottom) in enumerate(boxes)
    ]  # fmt: skip
    made = {"images": images, "annotations": entries, "categories": [{"id": 1, "name": "cat"}]}
    (home / "_annotations.coco.json").write_text(json.dumps(made))


def voc(home: Path, boxes: list[Box]) -> None:
    for each, corners in enumerate(boxes):
        text = xml(box(corners=corners), filename=f"{each}.jpg").replace(">16<", f">{SIZE}<")
        (home / f"{each}.xml").write_text(text)


def cvat(home: Path, boxes: list[Box]) -> None:
    images = [
        f'<image id="{each}" name="{each}.jpg" width="{SIZE}" height="{SIZE}">'
        f'<box label="cat" xtl="{x}" ytl="{y}" xbr="{right}" ybr="{bottom}"/></image>\n'
        for each, (x, y, right, bottom) in enumerate(boxes)
    ]
    (home / "annotations.xml").write_text(
        cvat_xml(*images, labels=LABELS.replace("<label><name>dog</name></label>", ""))
    )


def dota(home: Path, boxes: list[Box]) -> None:
    (home / "labelTxt").mkdir(exist_ok=True)
    for each, (x, y, right, bottom) in enumerate(boxes):
        (home / f"labelTxt/{each}.txt").write_text(f"{x} {y} {right} {y} {right} {bottom} {x} {bottom} ship 0\n")


@pytest.mark.parametrize("write", [coco, voc, cvat, dota])
def test_they_are_one_error_and_no_box_is_called_too_small(write: Any, tmp_path: Path) -> None:
    number, boxes = 4, [(0.1 + each / 100, 0.2, 0.4, 0.6) for each in range(4)]
    for each in range(number):
        folder = tmp_path / "images" if write is dota else tmp_path
        picture(folder / f"{each}.jpg", each, size=SIZE)
    write(tmp_path, boxes)
    rules = ("no-validation-split", "split-smaller-than-batch", "rare-category")
    aside = [word for rule in rules for word in ("--ignore", rule)]
    code, found = check(tmp_path, *aside)
    assert code == 1
    (finding,) = found
    assert (finding["rule"], finding["values"]["n"]) == ("box-in-fractions", number)
    write(tmp_path, [(x * SIZE, y * SIZE, right * SIZE, bottom * SIZE) for x, y, right, bottom in boxes])
    assert check(tmp_path, *aside) == (0, [])


@pytest.mark.parametrize("write", [coco, voc, cvat, dota])
def test_half_of_a_merged_dataset_is_an_error(write: Any, tmp_path: Path) -> None:
    number = 8
    fractions = [(0.1 + each / 100, 0.2, 0.4, 0.6) for each in range(number)]
    boxes = [each if place % 2 else tuple(side * SIZE for side in each) for place, each in enumerate(fractions)]
    for each in range(number):
        folder = tmp_path / "images" if write is dota else tmp_path
        picture(folder / f"{each}.jpg", each, size=SIZE)
    write(tmp_path, boxes)
    rules = ("no-validation-split", "split-smaller-than-batch", "rare-category")
    code, found = check(tmp_path, *[word for rule in rules for word in ("--ignore", rule)])
    assert code == 1
    (finding,) = found
    assert (finding["rule"], finding["values"]["n"]) == ("box-in-fractions", number // 2)
    assert finding["message"].startswith(f"{number // 2} of {number} boxes")


def test_coco_of_two_corners_is_an_error_and_of_sizes_none(tmp_path: Path) -> None:
    """Pascal VOC that was converted without subtracting."""
    number = 24
    boxes = [(4.0 + 3 * (each % 12), 8.0, 24.0 + 3 * (each % 12), 40.0) for each in range(number)]
    for each in range(number):
        picture(tmp_path / f"{each}.jpg", each, size=SIZE)
    coco(tmp_path, boxes)
    rules = ("no-validation-split", "split-smaller-than-batch", "rare-category", "box-outside-image")
    aside = [word for rule in rules for word in ("--ignore", rule)]
    assert check(tmp_path, *aside) == (0, [])
    path = tmp_path / "_annotations.coco.json"
    made = json.loads(path.read_text())
    for entry in made["annotations"]:
        x, y, width, height = entry["bbox"]
        entry["bbox"] = [x, y, x + width, y + height]
    path.write_text(json.dumps(made))
    code, (finding,) = check(tmp_path, *aside)
    assert (code, finding["rule"], finding["values"]["n"]) == (1, "box-as-corners", number)
