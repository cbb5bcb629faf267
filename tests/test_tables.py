"""The contract that rules are written against is kept by what a run really fills."""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING

from datalint.check import collect
from datalint.request import Request
from datalint.tables import TABLES
from datalint.workspace import open_workspace
from tests.e2e.conftest import dataset

if TYPE_CHECKING:
    from pathlib import Path

    import pytest


def test_a_run_fills_every_table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    dataset(tmp_path / "images", per_class=2, validation=1)
    monkeypatch.chdir(tmp_path)
    request = Request(path="images", use_cache=False)
    tables = collect(open_workspace(request), request).tables
    assert set(tables) == set(TABLES)


def test_a_run_fills_no_column_that_is_not_declared(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    dataset(tmp_path / "images", per_class=2, validation=1)
    monkeypatch.chdir(tmp_path)
    request = Request(path="images", use_cache=False)
    for name, data in collect(open_workspace(request), request).tables.items():
        assert set(data.columns) <= {column.name for column in TABLES[name].columns}
        assert len({len(values) for values in data.columns.values()}) <= 1, f"{name} is ragged"


def test_a_kind_of_problem_is_that_of_one_format() -> None:
    """Else the rule of one format judges what another one found."""
    (kinds,) = (column.meaning for column in TABLES["problems"].columns if column.name == "kind")
    counted = Counter(re.findall(r"[a-z]+(?:-[a-z]+)+", kinds))
    assert [kind for kind, times in counted.items() if times > 1] == []
