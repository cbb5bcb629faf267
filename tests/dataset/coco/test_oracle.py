"""pycocotools reads the same: images, annotations, categories, areas of masks; what it refuses we refuse."""

from __future__ import annotations

import contextlib
import copy
import io
import json
import math
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from datalint.dataset.coco.shape import of_polygons, of_runs, runs
from datalint.dataset.coco.shapes import of_mask
from tests.conftest import CORPORA
from tests.dataset.coco.made import Told, box, coco, image, told

COCO = pytest.importorskip("pycocotools.coco").COCO
mask = pytest.importorskip("pycocotools.mask")

BLOCKING = {
    "truncated-json", "malformed-json", "missing-section", "duplicate-section", "duplicate-id", "bad-entry",
    "bad-encoding", "orphan-annotation", "non-finite-number",
}  # fmt: skip
"""Kinds of problems that are errors."""


def theirs(content: bytes, folder: Path) -> Any:
    """What pycocotools makes of the file; None where it refuses it."""
    (folder / "a.json").write_bytes(content)
    with contextlib.redirect_stdout(io.StringIO()):
        try:
            return COCO(str(folder / "a.json"))
        except Exception:
            return None


def assert_same(ours: Told, theirs: Any) -> None:
    assert len({each["written_id"] for each in ours.annotations}) == len(theirs.anns)
    assert len(ours.classes) == len(theirs.cats)
    wanted = Counter(each["category_id"] for each in theirs.dataset.get("annotations", ()))
    assert Counter(each["category_id"] for each in ours.annotations) == wanted
    for each in ours.classes:
        with_it = {id_ for id_ in theirs.getImgIds(catIds=[each["index"]]) if id_ in theirs.imgs}
        assert each["n_samples"] == len(with_it), each


FILES = sorted(
    path
    for pattern in ("**/instances_*.json", "**/person_keypoints_*.json", "**/stuff_*.json", "**/labels_*.json",
                    "**/image_info_*.json", "**/*coco.json", "**/relaxed_coco/*.json")
    for path in CORPORA.glob(pattern)
)  # fmt: skip


@pytest.mark.corpus
@pytest.mark.parametrize("path", FILES, ids=lambda path: path.relative_to(CORPORA).as_posix())
@pytest.mark.parametrize("chunk", [256, 1 << 18])
def test_the_real_files_have_the_same_contents(path: Path, chunk: int, tmp_path: Path) -> None:
    ours, other = told(path.read_bytes(), chunk=chunk), theirs(path.read_bytes(), tmp_path)
    assert len(ours.samples) == len(other.imgs)
    assert len(ours.annotations) == len(other.anns)
    assert_same(ours, other)
    assert not ours.kinds & BLOCKING
    for each in ours.annotations:
        annotation = other.anns[int(each["written_id"])]
        if isinstance(annotation.get("segmentation"), list) and annotation["segmentation"]:
            # On a canvas that holds it all: some polygons of coco2014-mini lie outside their images.
            drawn = mask.area(mask.merge(mask.frPyObjects(annotation["segmentation"], 1000, 1000)))
            assert each["shape_area"] == pytest.approx(drawn, abs=4 + 2 * math.sqrt(drawn), rel=0.05)
        elif annotation.get("segmentation"):
            assert each["shape_area"] == mask.area(other.annToRLE(annotation))


@st.composite
def files(draw: st.DrawFn) -> dict[str, Any]:
    """Files that pycocotools takes, of a few ids, so that references meet."""
    ids = st.integers(0, 5)
    images = [image(id_) for id_ in draw(st.lists(ids, unique=True, max_size=5))]
    annotations = [
        box(number, draw(ids), draw(ids), bbox=[draw(st.floats(-5, 60)), 1, draw(st.floats(0, 9)), 2])
        for number in range(draw(st.integers(0, 12)))
    ]
    categories = [{"id": id_, "name": f"c{id_}"} for id_ in draw(st.lists(ids, unique=True, max_size=5))]
    return coco(annotations, images, categories=categories)


@settings(max_examples=150, deadline=None)
@given(files(), st.sampled_from([32, 1 << 18]))
def test_made_files_have_the_same_contents(content: dict[str, Any], chunk: int) -> None:
    other = COCO()
    other.dataset = content
    with contextlib.redirect_stdout(io.StringIO()):
        other.createIndex()
    ours = told(content, chunk=chunk)
    assert len(ours.samples) == len(other.imgs)
    assert_same(ours, other)


VALUES: list[Any] = [None, True, -1, 0, 1, 2.5, "1", "x", [], [1], {}, {"id": 1}, float("nan"), float("inf"), 10**30]
KEYS = [
    "id",
    "image_id",
    "category_id",
    "bbox",
    "area",
    "iscrowd",
    "segmentation",
    "keypoints",
    "file_name",
    "width",
    "name",
]


@settings(max_examples=400, deadline=None)
@given(st.data())
def test_what_pycocotools_refuses_is_an_error(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    """Values replaced and keys taken out anywhere, and then a few bytes changed; nothing ends in a traceback."""
    content = coco([box(1), box(2, segmentation=[[1, 2, 30, 4, 5, 6]]), box(3)], [image(1), image(2)])
    for _ in range(data.draw(st.integers(0, 3))):
        section = data.draw(st.sampled_from(["images", "annotations", "categories"]))
        entries = content.get(section)
        what = data.draw(st.sampled_from(["replace", "drop", "entry", "section", "gone"]))
        value = copy.deepcopy(data.draw(st.sampled_from(VALUES)))
        if what == "section":
            content[section] = value
        elif what == "gone":
            content.pop(section, None)
        elif isinstance(entries, list) and entries:
            at = data.draw(st.integers(0, len(entries) - 1))
            if what == "entry":
                entries[at] = value
            elif isinstance(entries[at], dict) and what == "replace":
                entries[at][data.draw(st.sampled_from(KEYS))] = value
            elif isinstance(entries[at], dict):
                entries[at].pop(data.draw(st.sampled_from(KEYS)), None)
    text = json.dumps(content, indent=data.draw(st.sampled_from([None, 1]))).encode()
    if data.draw(st.booleans()):
        start = data.draw(st.integers(0, len(text)))
        text = text[:start] + data.draw(st.binary(max_size=2)) + text[start + data.draw(st.integers(0, 3)) :]
    other = theirs(text, tmp_path_factory.getbasetemp())
    small, large = told(text, chunk=32), told(text)
    assert small.annotations == large.annotations
    assert small.samples == large.samples
    for ours in (small, large):
        if other is None:
            assert ours.kinds & BLOCKING, text


@settings(max_examples=300, deadline=None)
@given(st.integers(1, 30), st.integers(1, 30), st.data())
def test_masks_are_those_of_pycocotools(height: int, width: int, data: st.DataObject) -> None:
    bits = data.draw(st.binary(min_size=height * width, max_size=height * width))
    share = data.draw(st.sampled_from([0, 3, 40, 128, 250, 256]))
    drawn = (np.frombuffer(bits, np.uint8).reshape(height, width) < share).astype(np.uint8)
    encoded = mask.encode(np.asfortranarray(drawn))
    counts = runs(encoded["counts"].decode())
    assert counts is not None
    found = of_runs(counts, height, width)
    assert found.defects == ()
    assert found.area == drawn.sum()
    assert of_mask(counts, height, width) == of_mask(encoded["counts"].decode(), height, width) == found
    if found.extent is None:
        assert not drawn.any()
    else:
        left, top, right, bottom = found.extent
        assert [left, top, right - left, bottom - top] == mask.toBbox(encoded).tolist()


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=30) | st.text([chr(code) for code in range(48, 112)], max_size=12))
def test_any_text_is_run_lengths_or_none(text: str) -> None:
    counts = runs(text)
    assert counts is None or all(isinstance(each, int) for each in counts)
    for height, width in ((3, 4), (0, 1), (sum(counts or [0]), 1)):
        found = of_mask(text, height, width)
        if counts is None:
            assert found.defects == ("the text of its mask is no run lengths",)
        else:
            assert found == of_mask(counts, height, width) == of_runs(counts, height, width)


def test_polygons_have_the_area_of_their_mask() -> None:
    points: list[list[float]] = [[10, 10, 90, 12, 80, 70, 15.5, 60], [30, 80, 60, 80, 45, 95]]
    drawn = mask.area(mask.merge(mask.frPyObjects(points, 100, 100)))
    assert of_polygons(points).area == pytest.approx(drawn, rel=0.03)
    assert of_polygons(points).extent == (10, 10, 90, 95)


@pytest.mark.parametrize("flat", [[1, 2], [1, 2, 3, 4], []])
def test_polygons_that_pycocotools_refuses_have_a_defect(flat: list[float]) -> None:
    with pytest.raises(Exception, match="type"):
        mask.frPyObjects([flat], 10, 10)
    assert of_polygons([flat]).defects
