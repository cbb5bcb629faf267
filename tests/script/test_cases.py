"""Realistic scripts of many styles: what is read of each, where it stands, and what is left open."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from datalint.script import recipe

if TYPE_CHECKING:
    from datalint.script.recipe import Proposal

CASES = sorted((Path(__file__).parent / "cases").glob("*.yaml"))


def case(path: Path) -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load(path.read_text("utf-8"))
    return loaded


def read(text: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Proposal:
    (folder / "train.py").write_text(text, "utf-8")
    monkeypatch.chdir(folder)
    return recipe.read("train.py")


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_the_recipe_is_read(path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    told = case(path)
    found = read(told["script"], tmp_path, monkeypatch)
    assert {key: value for key, (value, _) in found.values.items()} == told["expect"]
    for key, line in told["lines"].items():
        assert re.match(rf"inferred from train\.py:{line}: ", found.values[key][1]), (key, found.values[key])
    for key, words in told.get("words", {}).items():
        assert words in found.values[key][1]


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_what_is_left_open_is_said_and_nothing_else(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = case(path)
    found = read(told["script"], tmp_path, monkeypatch)
    assert {key for key, _ in found.notes} == set(told.get("open", {}))
    for key, words in told.get("open", {}).items():
        assert any(words in text for about, text in found.notes if about == key), found.notes
