"""What Keras' `flow_from_dataframe` leaves out of a table without an error, we say. Keras and pandas are the oracle."""

from __future__ import annotations

import json
import os
import re
from typing import TYPE_CHECKING, Any

import pytest

from tests.dataset.manifests import read, rows
from tests.e2e.conftest import Repository, picture

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.tensorflow


def flow(folder: Path, table: str, where: str = "", **options: Any) -> Any:
    """Keras' iterator over the rows, or over those of one split."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    pandas = pytest.importorskip("pandas", reason="the oracle pandas is not installed")
    image = pytest.importorskip("keras.src.legacy.preprocessing.image", reason="the oracle Keras is not installed")
    frame = pandas.read_csv(folder / table)
    if where:
        frame = frame[frame["split"] == where]
    return image.ImageDataGenerator().flow_from_dataframe(frame, str(folder), **options)


def images(folder: Path, count: int) -> None:
    for number in range(count):
        picture(folder / f"img/{number}.jpg", number, size=16)


def found_by(rule: str, folder: Path, table: str) -> dict[str, Any]:
    """The one finding of a rule."""
    report = json.loads(Repository(folder).datalint("check", table, "-o", "json", "--no-cache").stdout)
    (finding,) = [each for each in report["findings"] if each["rule"] == rule]
    return dict(finding["values"])


def test_rows_without_their_suffix_are_not_there(tmp_path: Path) -> None:
    """keras-preprocessing issue 169: found 0 images."""
    images(tmp_path, 12)
    table = "filename,class\n" + "".join(f"img/{number},{'cat' if number % 2 else 'dog'}\n" for number in range(12))
    ours = read(tmp_path, "labels.csv", table)
    details = [str(detail) for kind, detail in rows(ours.problems, "kind", "detail") if kind == "missing-file"]
    assert len(details) == 12
    assert details[3] == "img/3 is not there, but img/3.jpg is: say `suffix: .jpg` under `dataset`"
    with pytest.warns(UserWarning, match=re.escape("Found 12 invalid image filename(s)")):
        assert flow(tmp_path, "labels.csv").samples == 0


def test_rows_of_a_class_that_training_does_not_have_are_left_out(tmp_path: Path) -> None:
    """keras-preprocessing issue 240."""
    images(tmp_path, 12)
    labels = ["cat", "dog"] * 4 + ["cat", "cow", "dog", "cow"]
    table = "filename,class,split\n" + "".join(
        f"img/{number}.jpg,{label},{'train' if number < 8 else 'test'}\n" for number, label in enumerate(labels)
    )
    (tmp_path / "labels.csv").write_text(table)
    finding = found_by("class-only-in-evaluation", tmp_path, "labels.csv")
    assert (finding["label"], finding["n"], finding["found_in"]) == ("cow", 2, "test")
    train = flow(tmp_path, "labels.csv", "train")
    kept = flow(tmp_path, "labels.csv", "test", classes=list(train.class_indices))
    assert (train.samples, kept.samples) == (8, 4 - finding["n"])
    # Nor does it help to say nothing: `dog` is 1 in training and 2 here.
    anew = flow(tmp_path, "labels.csv", "test").class_indices
    assert (train.class_indices["dog"], anew["dog"]) == (1, 2)
