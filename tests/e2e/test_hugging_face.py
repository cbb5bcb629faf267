"""Hugging Face datasets through the command line."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from tests.dataset.shards import png, write
from tests.e2e.conftest import Repository, picture

if TYPE_CHECKING:
    from pathlib import Path


def check(home: Path, *words: str) -> dict[str, Any]:
    run = Repository(home).datalint("check", *words, "-o", "json", "--no-cache")
    report: dict[str, Any] = json.loads(run.stdout)
    return report


def errors(report: dict[str, Any]) -> list[tuple[str, str, int | None]]:
    return [
        (finding["rule"], finding["manifest"] or finding["path"], finding["line"])
        for finding in report["findings"]
        if finding["severity"] == "error"
    ]


def test_lines_are_those_of_the_metadata_that_names_the_image(tmp_path: Path) -> None:
    for number, split in enumerate(("train", "test")):
        (tmp_path / split).mkdir()
        (tmp_path / split / "metadata.csv").write_text(
            "file_name,kind\n" + "".join(f"{n}.jpg,{'cat' if n % 2 else 'dog'}\n" for n in range(30))
        )
        for n in range(30 - number):
            picture(tmp_path / f"{split}/{n}.jpg", n + 50 * number)
    (tmp_path / "datalint.yaml").write_text("dataset: {path: ., columns: {label: kind}}\n")
    report = check(tmp_path)
    assert report["dataset"] | {"name": ""} == {
        "name": "", "format": "hf-imagefolder", "root": ".", "samples": 60, "classes": 2, "splits": 2,
    }  # fmt: skip
    assert errors(report) == [("missing-file", "test/metadata.csv", 31)]


def test_shards_with_odd_rows(tmp_path: Path) -> None:
    cells: list[dict[str, object] | None] = [{"bytes": png(n, width=40, height=30)} for n in range(40)]
    cells[3], cells[5] = None, {"bytes": png(5, width=40, height=30)[:200]}
    write(tmp_path / "data/train-00000-of-00001.parquet", cells, [9 if n == 7 else n % 2 for n in range(40)])
    (tmp_path / "datalint.yaml").write_text("dataset: {path: ., columns: {label: label}}\n")
    report = check(tmp_path)
    assert report["dataset"]["format"] == "hf-parquet"
    assert sorted(errors(report), key=str) == [
        ("label-out-of-range", "data/train-00000-of-00001.parquet", None),
        ("null-image", "data/train-00000-of-00001.parquet", None),
        ("truncated-image", "data/train-00000-of-00001.parquet#5", None),
    ]


def test_shards_are_read_by_a_dataloader_unless_keras_is_named(tmp_path: Path) -> None:
    cells: list[dict[str, object] | None] = [{"bytes": png(n, width=40, height=30)} for n in range(40)]
    write(tmp_path / "data/train-00000-of-00001.parquet", cells, [n % 2 for n in range(40)])
    for training, loader in (("", "dataloader"), ("training: {framework: keras}\n", "generator")):
        (tmp_path / "datalint.yaml").write_text(f"dataset: {{path: ., columns: {{label: label}}}}\n{training}")
        run = Repository(tmp_path).datalint("estimate", "-o", "json", "--no-cache", ok=True)
        assert json.loads(run.stdout)["recipe"]["loader"] == loader
