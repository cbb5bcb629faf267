"""CVAT for images 1.1: exports of a task and of a project, every shape, and what is not read."""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree

import pytest

from datalint import dataset
from datalint.errors import UnfinishedError
from datalint.source.worktree import open_worktree
from tests.dataset.manifests import rows
from tests.dataset.test_yolo import made

if TYPE_CHECKING:
    from pathlib import Path

    from datalint.dataset import Dataset

BOX = '<box label="cat" xtl="2" ytl="3" xbr="10" ybr="12"/>'
LABELS = "<meta><task><labels><label><name>cat</name></label><label><name>dog</name></label></labels></task></meta>\n"


def image(*shapes: str, name: str = "a.jpg", more: str = "") -> str:
    inside = "".join(f"\n  {shape}" for shape in shapes)
    return f'<image id="0" name="{name}"{more} width="16" height="16">{inside}\n</image>\n'


def xml(*images: str, labels: str = LABELS, head: str = '<?xml version="1.0" encoding="utf-8"?>\n') -> str:
    return f"{head}<annotations>\n<version>1.1</version>\n{labels}{''.join(images)}</annotations>\n"


def read(home: Path, files: dict[str, str], **options: Any) -> Dataset:
    found = dataset.read(open_worktree(made(home, files)), root=".", **options)
    assert found.format == "cvat"
    return found


def problems(found: Dataset) -> list[tuple[object, ...]]:
    return rows(found.problems, "kind", "path", "line", "detail")


def test_shapes_of_every_kind(tmp_path: Path) -> None:
    shapes = (
        BOX,
        '<box label="dog" xtl="4" ytl="6" xbr="12" ybr="10" rotation="90.00"/>',
        '<polygon label="cat" points="1,2;3,4;6,5"/>',
        '<polyline label="cat" points="1,2;3,4"/>',
        '<points label="cat" points="1,2"/>',
        '<ellipse label="cat" cx="8" cy="8" rx="3" ry="2"/>',
        '<mask label="cat" rle="1,2" left="2" top="3" width="4" height="5"/>',
        '<skeleton label="dog"><points label="nose" points="1,1"/></skeleton>',
    )
    found = read(tmp_path, {"annotations.xml": xml(image(*shapes)), "images/a.jpg": "", "images/b.jpg": ""})
    columns = ("kind", "category", "line", "x", "y", "width", "height")
    drawn = rows(found.annotations, *columns)
    assert [(*row[:3], *(side if side is None else round(side, 6) for side in row[3:])) for row in drawn] == [
        ("box", "cat", 6, 2, 3, 8, 9),
        ("obb", "dog", 7, 6, 4, 4, 8),
        ("polygon", "cat", 8, 1, 2, 5, 3),
        ("line", "cat", 9, None, None, None, None),
        ("keypoints", "cat", 10, None, None, None, None),
        ("ellipse", "cat", 11, 5, 6, 6, 4),
        ("rle", "cat", 12, 2, 3, 4, 5),
        ("keypoints", "dog", 13, None, None, None, None),
    ]  # fmt: skip
    assert rows(found.classes, "name", "index", "n_samples") == [("cat", 0, 1), ("dog", 1, 1)]
    assert rows(found.skipped, "path", "reason") == [("images/b.jpg", "unlisted")]
    assert rows(found.samples, "path", "manifest", "line") == [("images/a.jpg", "annotations.xml", 5)]
    assert not problems(found)


def test_a_label_that_the_task_lacks_and_shapes_that_are_none(tmp_path: Path) -> None:
    shapes = (
        BOX.replace("cat", "Cat"), BOX.replace(' xbr="10"', ""), BOX.replace('"2"', '"x"'), BOX.replace("cat", ""),
        '<polygon label="cat" points="1,2;3"/>', '<polygon label="cat" points="1,2;3,4"/>',
    )  # fmt: skip
    found = read(tmp_path, {"annotations.xml": xml(image(*shapes)), "images/a.jpg": ""})
    assert sorted(row[:1] + row[2:] for row in problems(found)) == [
        ("bad-annotation-line", 7, "the box of 'cat' has no xbr"),
        ("bad-annotation-line", 8, "the box of 'cat' has xtl 'x', which is no number of pixels"),
        ("bad-annotation-line", 9, "a box without a label"),
        ("bad-annotation-line", 10, "the polygon of 'cat' has a point '3', which is no x,y"),
        ("bad-polygon", 11, "the polygon of 'cat' has 2 points, and a polygon needs 3"),
        ("unlisted-category", 6, "'Cat' is not in the labels of annotations.xml"),
    ]


def test_images_that_are_not_there(tmp_path: Path) -> None:
    found = read(tmp_path, {"annotations.xml": xml(image(BOX))})
    assert [entry.path for entry in found.files] == ["images/a.jpg"]
    assert problems(found)[0][3] == "images/a.jpg is not there (annotations.xml names it)"


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (xml(image(BOX))[:200], "not XML"),
        (xml(image(BOX), head='<!DOCTYPE a [<!ENTITY b "c">]>\n'), "document type"),
        ("<annotations><version>" + "<a>" * 200, "nested deeper"),
    ],
)
def test_a_file_that_cannot_be_read(content: str, said: str, tmp_path: Path) -> None:
    found = read(tmp_path, {"annotations.xml": content, "images/a.jpg": ""})
    assert problems(found)[-1][0] == "bad-annotation-file"
    assert said in str(problems(found)[-1][3])


def test_what_is_not_read_is_refused_with_a_next_step(tmp_path: Path) -> None:
    track = '<track id="0" label="cat"><box frame="0" xtl="1" ytl="1" xbr="2" ybr="2"/></track>'
    for content, said in ((xml(track), "1 track of a video"), (xml(image('<tag label="cat"/>')), "1 tag of whole")):
        with pytest.raises(UnfinishedError, match=said):
            read(tmp_path, {"annotations.xml": content, "images/a.jpg": ""})
    found = read(tmp_path, {"annotations.xml": xml(image('<tag label="cat"/>', BOX)), "images/a.jpg": ""})
    assert found.assumptions == ("1 tag of whole images in annotations.xml: not read",)


@pytest.mark.corpus
@pytest.mark.parametrize(
    ("corpus", "file", "kinds"),
    [
        ("export_project", "annotations.xml", {}),
        ("export_task", "train.xml", {"bad-annotation-line": 2}),
    ],
)
def test_the_exports_of_datumaro(corpora: Path, corpus: str, file: str, kinds: dict[str, int]) -> None:
    """Against ElementTree: images by subset, labels by name."""
    home = f"datumaro-assets/cvat_dataset/for_images/{corpus}"
    found = dataset.read(open_worktree(str(corpora)), root=home)
    assert found.format == "cvat"
    images = ElementTree.parse(corpora / home / file).getroot().findall("image")
    subsets = {"Train": "train", "Validation": "val", "Test": "test", None: None}
    assert Counter(found.samples.columns["split"]) == Counter(subsets[each.get("subset")] for each in images)
    assert Counter(found.annotations.columns["category"]) == Counter(
        shape.get("label") or None for each in images for shape in each
    )
    assert {entry.kind for entry in found.files} == {"file"}
    assert Counter(row[0] for row in problems(found)) == kinds
    lines = (corpora / home / file).read_text().splitlines()
    for kind, line in rows(found.annotations, "kind", "line"):
        wanted = {"box": "box", "line": "polyline", "polygon": "polygon", "keypoints": "points"}[kind]
        assert re.match(rf"\s*<{wanted} ", lines[line - 1])
