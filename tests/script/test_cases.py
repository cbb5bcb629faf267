"""Realistic scripts of many styles: what is read of each, where it stands, and what is left open."""

from __future__ import annotations

import ast
import random
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from datalint import config
from datalint.init import propose
from datalint.script import recipe
from datalint.script.keys import KEYS
from datalint.tables import Data

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


@dataclass(frozen=True)
class Nothing:
    """A dataset of which nothing is known."""

    format: str = "imagefolder"
    samples: Data = field(default_factory=lambda: Data({}))
    assumptions: tuple[str, ...] = ()


def loaded(proposal: Proposal) -> config.Config:
    text = propose(Nothing(), path=".", said=proposal)
    return config.load({"datalint.yaml": text.encode()}.get)


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_the_proposal_loads(path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    training = loaded(read(case(path)["script"], tmp_path, monkeypatch)).training
    assert training.declared
    assert training.batch == case(path)["expect"].get("batch", 32)


LINES = [
    line for path in CASES for line in case(path)["script"].split("\n") if line and not line.startswith((" ", ")"))
]


@pytest.mark.parametrize("seed", range(150))
def test_whatever_a_script_holds_the_proposal_loads(seed: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Lines of all scripts in any order: much of it contradicts itself."""
    rng = random.Random(seed)
    lines = []
    for line in rng.choices(LINES, k=60):
        try:
            ast.parse(line)
        except SyntaxError:
            continue
        lines.append(line)
    proposal = read("\n".join(lines), tmp_path, monkeypatch)
    said = {key for key, _ in (*proposal.values.items(), *proposal.notes)}
    assert loaded(proposal).training.declared
    assert said <= set(KEYS)


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_what_is_left_open_is_said_and_nothing_else(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = case(path)
    found = read(told["script"], tmp_path, monkeypatch)
    assert {key for key, _ in found.notes} == set(told.get("open", {}))
    for key, words in told.get("open", {}).items():
        assert any(words in text for about, text in found.notes if about == key), found.notes
