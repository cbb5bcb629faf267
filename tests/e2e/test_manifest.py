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


@pytest.mark.parametrize("place", ["img", "elsewhere"])
def test_the_root_of_the_images_may_be_an_absolute_path(labelled: Repository, tmp_path: Path, place: str) -> None:
    if place == "elsewhere":
        labelled = Repository(tmp_path / "repository")
        labelled.folder.mkdir()
        (tmp_path / "labels.csv").rename(labelled.folder / "labels.csv")
    table = labelled.folder / "labels.csv"
    table.write_text(table.read_text().replace("img/", ""))
    (labelled.folder / "datalint.yaml").write_text(f"dataset: {{path: labels.csv, root: {tmp_path / 'img'}}}\n")
    labelled.git("init", "-q")
    labelled.git("add", ".")
    only = ("--select", "truncated-image,missing-file", "-o", "concise")
    told = labelled.datalint("check", *only).stdout
    assert "labels.csv:5: error[truncated-image]" in told
    assert "missing-file" not in told
    staged = labelled.datalint("check", "--staged", *only).stdout
    # What lies outside of the repository is not in its index.
    assert ("truncated-image" in staged, "missing-file" in staged) == (place == "img", place == "elsewhere")


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


def verdict(labelled: Repository, header: str, row: str, *, rows: int = 40) -> tuple[str, set[tuple[str, str]], int]:
    """Of 40 good pictures in a manifest whose rows are made from `row`: also its rules with severity, and exit code."""
    picture(labelled.folder / "img/3.jpg", 3)
    values = [{"n": n, "label": ("dog", "cat")[n % 2], "split": "train" if n < 32 else "val"} for n in range(rows)]
    (labelled.folder / "labels.csv").write_text("\n".join([header, *(row.format(**each) for each in values)]))
    run = labelled.datalint("check", "labels.csv", "-o", "json")
    found = json.loads(run.stdout)
    told = {(item["rule"], item["severity"]) for item in found["findings"] if item["severity"] != "info"}
    return found["verdict"], told, run.returncode


@pytest.mark.parametrize(
    ("header", "row", "expected"),
    [
        ("path,label,split", "img/{n}.jpg,{label},{split}", ("TRAINABLE", set(), 0)),
        ("path,split", "img/{n}.jpg,{split}", ("UNTRAINABLE", {("missing-column", "error")}, 1)),
        ("file_name,text,split", "img/{n}.jpg,a {label},{split}", ("UNTRAINABLE", {("missing-column", "error")}, 1)),
        ("id,label,split", "{n},{label},{split}", ("UNTRAINABLE", {("missing-column", "error")}, 1)),
        ("img/9.jpg,cat,val", "img/{n}.jpg,{label},{split}", ("UNTRAINABLE", {("missing-column", "error")}, 1)),
        (
            "path,label,split,scene",
            "img/{n}.jpg,{label},{split},s1",
            ("TRAINABLE, with warnings", {("group-across-splits", "warning")}, 0),
        ),
        ("path,label,split,source", "img/{n}.jpg,{label},{split},flickr", ("TRAINABLE", set(), 0)),
        ("path,label,split", "gs://b/{n}.jpg,{label},{split}", ("UNDECIDED", {("remote-path", "warning")}, 0)),
        (
            "path,label,split",
            "C:\\img\\{n}.jpg,{label},{split}",
            ("UNTRAINABLE", {("absolute-path", "warning"), ("missing-file", "error")}, 1),
        ),
        ("path,label,split", "x/../../{n}.jpg,{label},{split}", ("UNTRAINABLE", {("missing-file", "error")}, 1)),
    ],
)
def test_a_manifest_has_the_verdict_that_its_columns_and_paths_deserve(
    labelled: Repository, header: str, row: str, expected: tuple[str, set[tuple[str, str]], int]
) -> None:
    assert verdict(labelled, header, row) == expected


def test_a_declared_group_blocks(labelled: Repository) -> None:
    (labelled.folder / "datalint.yaml").write_text("dataset: {path: labels.csv, columns: {group: origin}}\n")
    found, told, code = verdict(labelled, "path,label,split,origin", "img/{n}.jpg,{label},{split},s1")
    assert (found, code) == ("UNTRAINABLE", 1)
    assert ("group-across-splits", "error") in told


def test_rows_without_a_split_are_told_and_not_judged(labelled: Repository) -> None:
    """The broken picture is on one of them."""
    lines = (labelled.folder / "labels.csv").read_text().splitlines()
    lines[4] = lines[4].removesuffix("train")
    lines[7] = lines[7].replace("train", "Train")
    (labelled.folder / "labels.csv").write_text("\n".join(lines))
    found = labelled.datalint("check", "labels.csv", "-o", "concise").stdout
    assert "labels.csv:5: warning[missing-split] 1 row of labels.csv has no split (line 5): code that asks" in found
    assert "labels.csv:8: warning[split-spelling] labels.csv line 8: 1 row has the split 'Train': code that" in found
    assert "TRAINABLE, with warnings" in found


@pytest.mark.parametrize("name", ["datalint.yaml", "pyproject.toml"])
def test_an_ignored_label_is_the_one_that_the_manifest_writes(tmp_path: Path, name: str) -> None:
    labels = ["1e3", "1.10", "07", "x"]
    rows = ["path,label"]
    for number in range(20):
        picture(tmp_path / f"img/{number}.jpg", number)
        rows.append(f"img/{number}.jpg,{labels[number % 4]}")
    (tmp_path / "labels.csv").write_text("\n".join(rows))
    if name == "datalint.yaml":
        entries = "".join(f"  - {{rule: rare-class, label: {label}, reason: few}}\n" for label in labels)
        (tmp_path / name).write_text(f"dataset: {{path: labels.csv}}\nignore:\n{entries}")
    else:
        entries = "".join(
            f"[[tool.datalint.ignore]]\nrule = 'rare-class'\nlabel = {label}\nreason = 'few'\n"
            for label in ("1e3", "1.10", "'07'", "'x'")
        )
        (tmp_path / name).write_text(f"[tool.datalint.dataset]\npath = 'labels.csv'\n{entries}")
    found = json.loads(Repository(tmp_path).datalint("check", "-o", "json").stdout)
    assert found["summary"]["ignored"] == 4
    assert not {"rare-class", "unused-ignore"} & {item["rule"] for item in found["findings"]}


def test_what_is_said_of_a_manifest_is_not_said_of_a_folder_on_the_command_line(repository: Repository) -> None:
    (repository.folder / "labels.csv").write_text("where,label\nimages/train/cat/0000.jpg,cat\n")
    (repository.folder / "datalint.yaml").write_text("dataset: {path: labels.csv, columns: {path: where}}\n")
    run = repository.datalint("check", "images", "-o", "json")
    assert json.loads(run.stdout)["dataset"]["format"] == "imagefolder"
