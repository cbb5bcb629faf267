"""Labels are classes as pandas.read_csv tells them apart; what it answers was taken from pandas 3.1.1 itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from datalint.dataset.labels import LOST, NAN
from tests.dataset.manifests import parquet, read, rows

if TYPE_CHECKING:
    from pathlib import Path


# "By default the following values are interpreted as NaN", pandas.read_csv, na_values; the empty cell is among them.
DOCUMENTED = (
    " ", "#N/A", "#N/A N/A", "#NA", "-1.#IND", "-1.#QNAN", "-NaN", "-nan", "1.#IND", "1.#QNAN", "<NA>", "N/A",
    "NA", "NULL", "NaN", "None", "n/a", "nan", "null",
)  # fmt: skip


@pytest.mark.parametrize("word", DOCUMENTED)
def test_each_word_that_pandas_documents_is_no_label(folder: Path, word: str) -> None:
    found = read(folder, "a.csv", f"path,label\nimg/0.jpg,{word.strip()}\nimg/1.jpg,cat\n")
    assert rows(found.problems, "kind", "line") == [("missing-label", 2)]


def test_no_other_word_is_taken_for_none() -> None:
    assert {"", *NAN, *LOST} == {word.strip() for word in DOCUMENTED}


@pytest.mark.parametrize("word", ["none", "nAn", "NAN", "Null", "n.a.", "NaN ", "-", "?"])
def test_a_word_that_is_not_documented_is_a_class(folder: Path, word: str) -> None:
    found = read(folder, "a.csv", f"path,label\nimg/0.jpg,{word}\nimg/1.jpg,cat\n")
    assert found.samples.columns["label"] == [word, "cat"]
    assert not len(found.problems)


@pytest.mark.parametrize(
    ("cells", "labels", "indices"),
    [
        (["0", "00", "1"], ["0", "0", "1"], [0, 0, 1]),
        (["0", "00", "x"], ["0", "00", "x"], [0, 1, 2]),
        (["1", "1.0", "2"], ["1", "1", "2"], [0, 0, 1]),
        (["1", "1.0", "1e0", "x"], ["1", "1.0", "1e0", "x"], [0, 1, 2, 3]),
        (["007", "7", "007"], ["007", "007", "007"], [0, 0, 0]),
        (["10", "9", " 9"], ["10", "9", "9"], [1, 0, 0]),
        (["10", "9", "x"], ["10", "9", "x"], [0, 1, 2]),
        (["0.5", ".5", "5e-1"], [".5", ".5", ".5"], [0, 0, 0]),
        (["True", "TRUE", "false"], ["TRUE", "TRUE", "false"], [1, 1, 0]),
        (["True", "TRUE", "yes"], ["True", "TRUE", "yes"], [1, 0, 2]),
        (["01", "1_0", "1"], ["01", "1_0", "1"], [0, 2, 1]),
        (["0x10", "16", "16"], ["0x10", "16", "16"], [0, 1, 1]),
    ],
)
def test_numbers_are_classes_by_their_value_unless_a_text_is_among_them(
    folder: Path, cells: list[str], labels: list[str], indices: list[int]
) -> None:
    lines = [f"img/{number % 3}.jpg,{cell}" for number, cell in enumerate(cells)]
    found = read(folder, "a.csv", "\n".join(["path,label", *lines]))
    assert rows(found.samples, "label", "label_index") == list(zip(labels, indices, strict=True))
    assert sorted(found.classes.columns["name"]) == sorted(set(labels))  # type: ignore[type-var]


def test_a_missing_label_does_not_make_numbers_text(folder: Path) -> None:
    found = read(folder, "a.csv", "path,label\nimg/0.jpg,1\nimg/1.jpg,NA\nimg/2.jpg,01\nimg/0.jpg,nan\n")
    assert found.samples.columns["label"] == ["1", "NA", "1", None]


def test_text_in_jsonl_and_parquet_is_text(folder: Path) -> None:
    lines = read(folder, "a.jsonl", '{"path": "img/0.jpg", "label": "0"}\n{"path": "img/1.jpg", "label": "00"}\n')
    assert lines.samples.columns["label"] == ["0", "00"]
    table = parquet(folder, "select * from (values ('img/0.jpg', '0'), ('img/1.jpg', '00')) t(path, label)")
    assert read(folder, "a.parquet", table).samples.columns["label"] == ["0", "00"]


def test_numbers_in_jsonl_are_equal_by_value(folder: Path) -> None:
    """Tables that were merged, one of which pandas had made floats."""
    lines = [f'{{"path": "img/{place % 3}.jpg", "label": {label}}}' for place, label in enumerate(("0", "0.0", "1.5"))]
    assert read(folder, "a.jsonl", "\n".join(lines)).samples.columns["label"] == ["0", "0", "1.5"]


def test_a_word_for_nan_is_no_group(folder: Path) -> None:
    found = read(folder, "a.csv", "path,label,patient\nimg/0.jpg,cat,NA\nimg/1.jpg,cat,p1\n")
    assert found.samples.columns["group_key"] == [None, "p1"]
