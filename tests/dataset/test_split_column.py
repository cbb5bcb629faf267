"""The split column: a row without one is in none, and spellings that pandas tells apart are told."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.dataset.manifests import read, rows

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize("cell", ["", "  ", "NaN", "None", "NA"])
def test_a_row_without_a_split_is_in_none(folder: Path, cell: str) -> None:
    """`frame[frame.split == "train"]` in pandas has the first row alone."""
    content = f"path,label,split\nimg/0.jpg,cat,train\nimg/1.jpg,dog,{cell}\nimg/2.jpg,dog,val\n"
    found = read(folder, "a.csv", content)
    assert rows(found.samples, "path", "split") == [("img/0.jpg", "train"), ("img/2.jpg", "val")]
    assert rows(found.problems, "kind", "path", "line") == [("missing-split", "img/1.jpg", 3)]


def test_in_jsonl_a_word_for_nan_is_a_split(folder: Path) -> None:
    found = read(
        folder, "a.jsonl", '{"path": "img/0.jpg", "label": "x", "split": "NA"}\n{"path": "img/1.jpg", "label": "x"}'
    )
    assert rows(found.samples, "path", "split") == [("img/0.jpg", "NA")]
    assert rows(found.problems, "kind", "line") == [("missing-split", 2)]


def test_where_no_row_has_a_split_there_are_none(folder: Path) -> None:
    found = read(folder, "a.csv", "path,label,split\nimg/0.jpg,cat,\nimg/1.jpg,dog,\n")
    assert rows(found.samples, "path", "split") == [("img/0.jpg", None), ("img/1.jpg", None)]
    assert rows(found.problems, "kind", "line") == [("missing-split", 2), ("missing-split", 3)]


def split_of(folder: Path, *cells: str) -> tuple[list[object], list[tuple[object, ...]]]:
    lines = [f'img/{number % 3}.jpg,cat,"{cell}"' for number, cell in enumerate(cells)]
    found = read(folder, "a.csv", "\n".join(["path,label,split", *lines]))
    return found.samples.columns["split"], rows(found.problems, "kind", "line", "detail")


def test_spellings_are_one_split_and_are_told(folder: Path) -> None:
    names, told = split_of(folder, "train", "train", "Train", "train ", "Train", "train", "VAL")
    assert names == ["train"] * 6 + ["val"]
    assert told == [
        ("split-spelling", 4, "2 rows have the split 'Train': code that asks for 'train' (3 rows) never sees them"),
        ("split-spelling", 5, "1 row has the split 'train ': code that asks for 'train' (3 rows) never sees it"),
    ]


@pytest.mark.parametrize(
    ("cells", "names"),
    [
        (("Train", "Validation"), ["train", "val"]),
        (("train", "val", "dev"), ["train", "val", "dev"]),
        (("test", "holdout"), ["test", "holdout"]),
        (("a", "A"), ["a", "A"]),
    ],
)
def test_one_spelling_each_is_nothing_to_tell(folder: Path, cells: tuple[str, ...], names: list[str]) -> None:
    assert split_of(folder, *cells) == (names, [])


def test_two_usual_names_of_one_split_are_two_and_are_told(folder: Path) -> None:
    names, told = split_of(folder, "train", "val", "val", "validation")
    assert names == ["train", "val", "val", "validation"]
    assert [(kind, line) for kind, line, _ in told] == [("split-spelling", 5)]


def test_spaces_around_any_name_are_told(folder: Path) -> None:
    names, told = split_of(folder, "extra", "extra", "extra ")
    assert names == ["extra"] * 3
    assert [line for _, line, _ in told] == [4]
