"""A dataset in a manifest: a finding leads to the line that names the image."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tests.e2e.conftest import Repository, picture

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def labelled(tmp_path: Path) -> Repository:
    """40 pictures in labels.csv; the one on line 5 is truncated."""
    rows = ["path,label,split"]
    for number in range(40):
        picture(tmp_path / f"img/{number}.jpg", number)
        rows.append(f"img/{number}.jpg,{('dog', 'cat')[number % 2]},{'train' if number < 30 else 'val'}")
    broken = tmp_path / "img/3.jpg"
    broken.write_bytes(broken.read_bytes()[:700])
    (tmp_path / "labels.csv").write_text("\n".join(rows))
    return Repository(tmp_path)


def test_the_place_is_the_line_of_the_manifest(labelled: Repository) -> None:
    lines = labelled.datalint("check", "labels.csv", "-o", "concise").stdout.splitlines()
    assert [line for line in lines if line.startswith("labels.csv:5: error[truncated-image] img/3.jpg ")]


def test_json_tells_the_image_and_the_line_apart(labelled: Repository) -> None:
    findings = json.loads(labelled.datalint("check", "labels.csv", "-o", "json").stdout)["findings"]
    [found] = [item for item in findings if item["rule"] == "truncated-image"]
    assert (found["path"], found["manifest"], found["line"]) == ("img/3.jpg", "labels.csv", 5)


def test_a_finding_about_the_whole_dataset_names_it(labelled: Repository) -> None:
    lines = labelled.datalint("check", "labels.csv", "-o", "concise").stdout.splitlines()
    assert [line for line in lines if line.startswith("labels.csv: info[split-smaller-than-batch]")]


def test_the_format_of_the_configured_dataset_is_not_that_of_another(repository: Repository) -> None:
    """`datalint init` writes the format down; a manifest that the command line names is read as what it is."""
    (repository.folder / "datalint.yaml").write_text("dataset: {path: images, format: imagefolder}\n")
    lines = [f"images/train/{label}/{n:04}.jpg,{label}" for label in ("cat", "dog") for n in range(12)]
    (repository.folder / "labels.csv").write_text("\n".join(["path,label", *lines]))
    run = repository.datalint("check", "labels.csv", "-o", "json")
    assert json.loads(run.stdout)["dataset"]["format"] == "csv"
    assert json.loads(repository.datalint("check", "-o", "json").stdout)["dataset"]["format"] == "imagefolder"
