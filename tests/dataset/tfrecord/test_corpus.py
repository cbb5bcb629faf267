"""The real shards, as their README describes them."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import pytest

from datalint import dataset
from datalint.source.worktree import open_worktree
from tests.conftest import CORPORA

if TYPE_CHECKING:
    from pathlib import Path

    from datalint.dataset.model import Dataset

pytestmark = pytest.mark.corpus
TFRECORD = CORPORA / "tfrecord"


def read(folder: Path) -> Dataset:
    if not folder.is_dir():
        pytest.skip("the real corpora are not here")
    return dataset.read(open_worktree(str(folder)), root=".")


def test_twelve_gzip_shards_of_a_table_are_sound_and_hold_no_image() -> None:
    found = read(TFRECORD / "taxi-eval-gz")
    shards = found.shards.columns
    assert found.format == "tfrecord"
    assert shards["number"] == list(range(12))
    assert set(shards["declared_shards"]) == {12}
    assert set(shards["records"]) == {424, 425}
    assert sum(int(str(count)) for count in shards["records"]) == 5091
    assert Counter(shards["status"]) == {"ok": 12}
    assert set(shards["compression"]) == {"gzip"}
    problems = found.problems.columns
    assert len(found.samples) == 0
    detail = str(problems["detail"][problems["kind"].index("no-image-feature")])
    assert "company (bytes)" in detail
    assert "fare (float)" in detail
    assert set(problems["kind"]) <= {"no-image-feature", "sparse-feature"}


def test_roboflow_has_splits_boxes_and_images_without_a_byte() -> None:
    found = read(TFRECORD / "roboflow")
    assert (found.task, found.format) == ("detection", "tfrecord")
    assert Counter(found.samples.columns["split"]) == {"train": 2, "val": 1}
    boxes = found.annotations.columns
    assert sorted(map(str, boxes["category"])) == ["label_0", "label_0", "label_1", "label_1"]
    assert set(found.samples.columns["declared_width"]) == {10}
    assert set(found.samples.columns["declared_height"]) == {5}
    assert {entry.size for entry in found.files} == {0}


def test_the_object_detection_api_writes_one_record_for_each_split() -> None:
    found = read(TFRECORD / "tf_detection_api_dataset")
    assert Counter(found.samples.columns["split"]) == {"train": 1, "val": 1, "test": 1}
    assert found.task == "detection"
    assert {"label_0", "label_9"} <= set(found.classes.columns["name"])
