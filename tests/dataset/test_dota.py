"""DOTA: oriented boxes in labelTxt beside images."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest

from datalint import dataset
from datalint.dataset import formats
from datalint.dataset.listing import listing
from datalint.source.worktree import open_worktree
from tests.dataset.manifests import rows
from tests.dataset.test_yolo import made

if TYPE_CHECKING:
    from pathlib import Path

    from datalint.dataset import Dataset

HEAD = "imagesource:GoogleEarth\ngsd:0.146\n"
SHIP = "4 0 8 4 4 8 0 4 ship 0\n"


def read(home: Path, files: dict[str, str], **options: Any) -> Dataset:
    found = dataset.read(open_worktree(made(home, files)), root=".", **options)
    assert found.format == "dota"
    return found


def problems(found: Dataset) -> list[tuple[object, ...]]:
    return rows(found.problems, "kind", "path", "line", "detail")


def test_splits_lines_and_corners(tmp_path: Path) -> None:
    files = {
        "train/images/P0.png": "", "train/labelTxt/P0.txt": HEAD + SHIP + "1.5 1 3 1 3 2 1.5 2 large-vehicle 1\n",
        "train/images/P1.png": "", "val/images/P2.png": "", "val/labelTxt/P2.txt": SHIP.replace(" 0\n", "\n"),
        "shot.png": "",
    }  # fmt: skip
    found = read(tmp_path, files)
    assert rows(found.samples, "path", "split") == [
        ("train/images/P0.png", "train"), ("train/images/P1.png", "train"), ("val/images/P2.png", "val"),
    ]  # fmt: skip
    assert rows(found.annotations, "kind", "category", "line", "x", "y", "width", "height", "difficult") == [
        ("obb", "ship", 3, 0, 0, 8, 8, False),
        ("obb", "large-vehicle", 4, 1.5, 1, 1.5, 1, True),
        ("obb", "ship", 1, 0, 0, 8, 8, None),
    ]
    assert not problems(found)
    assert rows(found.skipped, "path", "reason") == [("shot.png", "documentation")]


@pytest.mark.parametrize(
    ("line", "kind", "detail"),
    [
        ("4 0 8 4 4 8 ship 0", "bad-annotation-line", "8 words, and an oriented box is 8 numbers, a class and 0 or 1"),
        ("4 0 8 4 4 8 0 x ship 0", "bad-annotation-line", "'x' is not a number of pixels"),
        ("4 0 8 4 4 8 0 nan ship 0", "bad-annotation-line", "'nan' is not a number of pixels"),
        ("4 0 8 4 4 8 0 4 ship yes", "bad-annotation-line", "the flag for difficult objects is 'yes', not 0 or 1"),
        ("0 0 8 8 8 0 0 8 ship 0", "bad-polygon",
         "the corners of the oriented box of 'ship' are out of order: two of its sides cross"),
        ("0 0 2 2 4 4 6 6 ship 0", "bad-polygon",
         "the oriented box of 'ship' encloses nothing: its points lie on one line"),
        (SHIP.strip(), "duplicate-annotation", "the same as line 1"),
    ],
)  # fmt: skip
def test_lines_that_are_wrong(line: str, kind: str, detail: str, tmp_path: Path) -> None:
    found = read(tmp_path, {"images/a.png": "", "labelTxt/a.txt": f"{SHIP}{line}\n"})
    assert problems(found) == [(kind, "labelTxt/a.txt", 2, detail)]


def test_labels_without_an_image(tmp_path: Path) -> None:
    found = read(tmp_path, {"images/a.png": "", "labelTxt/a.txt": SHIP, "labelTxt/b.txt": SHIP})
    assert [row[:2] for row in problems(found)] == [("label-without-image", "labelTxt/b.txt")]
    assert found.annotations.columns["sample_id"] == [0, None]


def test_beside_labels_of_yolo_it_is_what_they_were_made_from(tmp_path: Path) -> None:
    files = {"images/a.png": "", "labelTxt/a.txt": SHIP, "labels/a.txt": "0 .5 0 1 .5 .5 1 0 .5\n"}
    found = formats.recognise(listing(open_worktree(made(tmp_path, files)), "."))
    assert found is not None
    assert found[0] == "yolo"


@pytest.mark.corpus
def test_the_one_of_datumaro(corpora: Path) -> None:
    found = dataset.read(open_worktree(str(corpora)), root="datumaro-assets/dota_dataset")
    assert found.format == "dota"
    assert Counter(found.samples.columns["split"]) == {"train": 2, "val": 1}
    assert rows(found.annotations, "category", "x", "y", "width", "height") == [
        ("label_0", 0, 0, 2, 2), ("label_1", 1, 1, 4, 4), ("label_0", 0, 0, 1, 1), ("label_1", 1, 2, 9, 3),
    ]  # fmt: skip
    assert not problems(found)
