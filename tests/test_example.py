"""The example dataset: every planted flaw is found, and nothing else blocks."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from examples.make_flowers import COUNTS, PLANTED, Flaw, draw_dataset
from examples.make_flowers import main as make_flowers
from tests.conftest import ROOT

if TYPE_CHECKING:
    from pathlib import Path

Report = dict[str, Any]


def check(folder: Path) -> subprocess.CompletedProcess[str]:
    """`datalint check` as a user runs it, beside the example's configuration."""
    shutil.copyfile(ROOT / "examples/datalint.yaml", folder / "datalint.yaml")
    command = [sys.executable, "-m", "datalint", "check", "-o", "json", "--no-cache"]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def example(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("example")
    make_flowers(folder / "flowers")
    return folder


@pytest.fixture(scope="module")
def report(example: Path) -> Report:
    run = check(example)
    assert run.returncode == 1, run.stderr
    loaded: Report = json.loads(run.stdout)
    return loaded


def named(finding: Report, name: str) -> bool:
    """Whether the finding names a path (below the dataset's root) or a class."""
    said = [finding["path"], finding["other_path"], *finding["values"].values()]
    return any(str(value) == name or str(value).endswith(f"/{name}") for value in said)


def explains(flaw: Flaw, finding: Report) -> bool:
    return finding["rule"] == flaw.rule and any(named(finding, name) for name in flaw.names)


@pytest.mark.parametrize("flaw", PLANTED, ids=lambda flaw: f"{flaw.rule}: {flaw.how}")
def test_a_planted_flaw_is_found(flaw: Flaw, report: Report) -> None:
    findings = [finding for finding in report["findings"] if finding["rule"] == flaw.rule]
    assert any(all(named(finding, name) for name in flaw.names) for finding in findings), findings


def test_nothing_else_blocks(report: Report) -> None:
    errors = [finding for finding in report["findings"] if finding["severity"] == "error"]
    unplanted = [finding for finding in errors if not any(explains(flaw, finding) for flaw in PLANTED)]
    assert unplanted == []


def test_the_verdict_is_on_the_first_line(report: Report) -> None:
    assert report["verdict"] == "UNTRAINABLE"
    assert report["dataset"]["name"] == "flowers"


def test_without_its_flaws_the_dataset_would_train(tmp_path: Path) -> None:
    labels = COUNTS["train"]
    draw_dataset(tmp_path / "flowers", {"train": dict.fromkeys(labels, 40), "val": dict.fromkeys(labels, 10)})
    run = check(tmp_path)
    assert run.returncode == 0, run.stdout + run.stderr
    assert json.loads(run.stdout)["verdict"] == "TRAINABLE"


def test_the_pictures_are_the_same_for_everyone(tmp_path: Path, example: Path) -> None:
    make_flowers(tmp_path / "flowers")
    again = {path.relative_to(tmp_path): path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    first = {path: (example / path).read_bytes() for path in again}
    assert again == first
    assert len(again) > sum(map(sum, (classes.values() for classes in COUNTS.values())))
