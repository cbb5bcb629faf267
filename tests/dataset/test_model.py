"""The tables of a dataset are those that rules are written against."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from datalint import dataset
from datalint.dataset.model import Rows
from datalint.source.worktree import open_worktree
from datalint.tables import TABLES
from tests.e2e.conftest import picture

if TYPE_CHECKING:
    from pathlib import Path

    from datalint.dataset import Dataset


@pytest.fixture(params=["imagefolder", "csv"])
def found(request: pytest.FixtureRequest, tmp_path: Path) -> Dataset:
    """Two classes in two splits."""
    paths = [f"{split}/{label}/1.jpg" for split in ("train", "val") for label in ("cat", "dog")]
    for number, path in enumerate(paths):
        picture(tmp_path / "flowers" / path, number, size=8)
    if request.param == "csv":
        lines = [",".join((path, path.split("/")[1], path.split("/")[0])) for path in paths]
        (tmp_path / "flowers/all.csv").write_text("\n".join(["path,label,split", *lines]))
    return dataset.read(open_worktree(str(tmp_path)), root="flowers")


def test_every_table_has_the_declared_columns_in_one_length(found: Dataset) -> None:
    for name, data in found.tables(source="worktree").items():
        assert list(data.columns) == [column.name for column in TABLES[name].columns]
        assert {len(column) for column in data.columns.values()} == {len(data)}


def test_the_dataset_tells_what_it_is(found: Dataset) -> None:
    about = {name: values[0] for name, values in found.tables(source="index")["dataset"].columns.items()}
    manifest = "flowers/all.csv" if found.format == "csv" else None
    assert about == {
        "name": "flowers",
        "format": found.format,
        "task": "classification",
        "root": "flowers",
        "manifest": manifest,
        "source": "index",
        "n_samples": 4,
        "group_column": None,
        "group_pattern": None,
        "group_guessed": False,
    }
    assert (found.n_classes, found.n_splits) == (2, 2)


def test_a_column_that_no_rule_could_read_is_a_mistake() -> None:
    with pytest.raises(AssertionError, match="no columns \\['colour'\\] in classes"):
        Rows("classes").add(name="cat", colour="black")
