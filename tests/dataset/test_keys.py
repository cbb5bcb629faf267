"""Keys of `dataset:` are used or refused at their place, and a declared split is one that something is in."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import duckdb
import pytest

from datalint import dataset
from datalint.dataset import formats, keys
from datalint.dataset.options import Options
from datalint.errors import UsageError
from datalint.listed import listed
from datalint.request import Request
from datalint.source.worktree import open_worktree
from datalint.workspace import open_workspace
from tests.dataset import test_cvat, test_dota, test_labelme, test_masks, test_voc, test_yolo
from tests.dataset.manifests import rows
from tests.e2e.conftest import say

COLUMNS = {"columns.path", "columns.label", "columns.split", "columns.group"}
TABLE = COLUMNS | {"root", "suffix", "splits", "group"}
DATASETS = COLUMNS - {"columns.path"} | {"splits", "group"}
USED: dict[str, set[str]] = {
    "imagefolder": {"splits", "group"},
    **dict.fromkeys(("csv", "tsv", "jsonl", "parquet"), TABLE),
    **dict.fromkeys(("hf-imagefolder", "hf-parquet"), DATASETS),
    "tfrecord": DATASETS | {"columns.image"},
    "webdataset": COLUMNS | {"splits", "group"},
    **{name: {"splits", "group"} for name in ("voc", "cvat", "dota", "yolo", "labelme", "masks")},
    "coco": {"root", "suffix", "splits", "group"},
    "croissant": set(),
}
VALUES = {"root": "other", "suffix": ".png", "splits": "{}", "group": "'{group}_*'"}
VALUES |= {f"columns.{part}": "word" for part in ("path", "image", "label", "split", "group")}


def written(key: str) -> tuple[str, str]:
    """YAML, and where its value stands."""
    above, _, part = key.rpartition(".")
    if not above:
        return f"  {key}: {VALUES[key]}\n", f"4:{len(key) + 5}"
    return f"  columns:\n    {part}: word\n", f"5:{len(part) + 7}"


@pytest.mark.parametrize("name", formats.readable())
def test_a_key_that_a_format_does_not_use_is_refused_at_its_place(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("DATALINT_CONFIG", raising=False)
    (tmp_path / "data").mkdir()
    (tmp_path / "data/a.jpg").touch()
    for key in VALUES.keys() - USED[name]:
        text, place = written(key)
        (tmp_path / "datalint.yaml").write_text(f"dataset:\n  path: data\n  format: {name}\n{text}")
        request = Request()
        with pytest.raises(UsageError) as refusal:
            listed(open_workspace(request), request)
        assert str(refusal.value).startswith(f"datalint.yaml:{place}: dataset.{key} is not used: data was read as ")
        assert str(refusal.value).endswith(f"({name})")
    options = Options(
        columns={key.rpartition(".")[2]: "word" for key in USED[name] if "." in key},
        files_root="other" if "root" in USED[name] else None,
        suffix=".png" if "suffix" in USED[name] else "",
        splits={"one": "val"} if "splits" in USED[name] else None,
        group="{group}_*" if "group" in USED[name] else None,
    )
    assert keys.fitting(name, options, "data") == options


def test_a_format_that_was_detected_refuses_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    test_yolo.made(tmp_path / "data", test_yolo.both())
    (tmp_path / "datalint.yaml").write_text("dataset: {path: data, columns: {label: kind}}\n")
    code, _, error = say(capsys, "check", "--no-cache")
    assert (code, error.splitlines()[0]) == (
        2,
        "datalint: datalint.yaml:1:40: dataset.columns.label is not used: data was read as YOLO (yolo)",
    )
    # Of another format, and another dataset, the configuration says nothing.
    _, out, _ = say(capsys, "check", "--no-cache", "--format", "imagefolder", "-o", "text")
    assert "--format imagefolder: dataset.columns.label of datalint.yaml is not used" in out
    test_yolo.made(tmp_path / "other", test_yolo.both())
    code, out, error = say(capsys, "check", "--no-cache", "-o", "text", "other")
    assert (code, "dataset.columns" in out, error) == (0, False, "")


Made = tuple[dict[str, str], dict[str, str], list[tuple[object, ...]]]
SHAPE = test_labelme.labelled(test_labelme.shape())
SPLIT: dict[str, Made] = {
    "yolo": (
        test_yolo.both(),
        {"train/images": "test", "val": "train"},
        [("test", "train/images/1.jpg"), ("train", "val/images/2.jpg")],
    ),
    "voc": (
        test_voc.devkit(),
        {"test": "train", "train": "val"},
        [(split, f"VOC2007/JPEGImages/{number}.jpg") for split, number in (("train", 3), ("val", 1), ("val", 2))],
    ),
    "voc without lists": (
        {"x/1.jpg": "", "x/1.xml": test_voc.xml(test_voc.box()), "y/2.jpg": "", "y/2.xml": test_voc.xml()},
        {"x": "train", "y": "val"},
        [("train", "x/1.jpg"), ("val", "y/2.jpg")],
    ),
    "labelme": (
        {"x/a.jpg": "", "x/a.json": SHAPE, "y/a.jpg": "", "y/a.json": SHAPE},
        {"x": "train", "y/": "val"},
        [("train", "x/a.jpg"), ("val", "y/a.jpg")],
    ),
    "dota": (
        {"x/images/a.png": "", "x/labelTxt/a.txt": test_dota.SHIP, "y/images/a.png": ""},
        {"x": "train", "y/images": "val"},
        [("train", "x/images/a.png"), ("val", "y/images/a.png")],
    ),
    "cvat": (
        {
            "annotations.xml": test_cvat.xml(test_cvat.image(test_cvat.BOX, more=' subset="one"')),
            "images/one/a.jpg": "",
        },
        {"one": "val"},
        [("val", "images/one/a.jpg")],
    ),
    "hf-imagefolder": (
        {"train/metadata.csv": "file_name,label\na.png,cat\n", "train/a.png": "", "test/b.png": "",
         "test/metadata.csv": "file_name,label\nb.png,cat\n"},
        {"train": "test", "test": "train"},
        [("test", "train/a.png"), ("train", "test/b.png")],
    ),
    "hf-imagefolder with a column": (
        {"metadata.csv": "file_name,label,split\na.png,cat,one\nb.png,dog,two\n", "a.png": "", "b.png": ""},
        {"one": "train", "two": "val"},
        [("train", "a.png"), ("val", "b.png")],
    ),
    "coco": (
        {"x.json": json.dumps({"images": [{"id": 1, "file_name": "1.jpg"}], "annotations": [], "categories": []}),
         "1.jpg": ""},
        {"x": "val"},
        [("val", "1.jpg")],
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", SPLIT)
def test_declared_splits_are_those_of_the_dataset_or_are_refused(case: str, tmp_path: Path) -> None:
    files, declared, expected = SPLIT[case]
    name = case.split()[0]
    test_yolo.made(tmp_path, files)

    def read(**options: Any) -> list[tuple[object, ...]]:
        found = dataset.read(open_worktree(str(tmp_path)), root=".", format=name, **options)
        return sorted(rows(found.samples, "split", "path"), key=str)

    assert read(splits=declared) == sorted(expected, key=str)
    assert {split for split, _ in read(splits={})} == {None}
    with pytest.raises(UsageError, match=r"dataset\.splits\.val: no .* 'gone'") as refusal:
        read(splits={**declared, "gone": "val"})
    assert refusal.value.keys == ("dataset", "splits", "val")


def test_declared_splits_of_masks(tmp_path: Path) -> None:
    files = {f"{kind}/{split}/a.png": make for kind, make in (("images", test_masks.IMAGE), ("masks", test_masks.MASK))
             for split in ("x", "y")}  # fmt: skip
    test_masks.made(tmp_path, files)
    declared = {"x": "train", "images/y": "val"}
    assert rows(test_masks.read(tmp_path, splits=declared).samples, "split", "path") == [
        ("train", "images/x/a.png"), ("val", "images/y/a.png"),
    ]  # fmt: skip
    with pytest.raises(UsageError, match="no folder or list of images 'z'"):
        test_masks.read(tmp_path, splits={"z": "val"})


def test_a_column_of_splits_is_refused_where_names_decide(tmp_path: Path) -> None:
    query = "select {{bytes: 'x'::blob, path: 'a'}} image, 0 label, '{}' part"
    for split in ("train", "test"):
        made = duckdb.sql(query.format(split))
        assert made is not None
        made.write_parquet(str(tmp_path / f"{split}-00000-of-00001.parquet"))

    def read(**options: Any) -> set[object]:
        found = dataset.read(open_worktree(str(tmp_path)), root=".", format="hf-parquet", **options)
        return set(found.samples.columns["split"])

    assert read(splits={"train": "val", "test": "train"}) == {"val", "train"}
    with pytest.raises(UsageError, match=r"names of files or folders are the splits \(train, test\)"):
        read(columns={"split": "part"})
    with pytest.raises(UsageError, match=r"`splits: {}` says that there are no splits"):
        read(columns={"split": "part"}, splits={})
    (tmp_path / "test-00000-of-00001.parquet").unlink()
    assert read(columns={"split": "part"}, splits={"train": "val"}) == {"val"}
    with pytest.raises(UsageError, match="'gone'"):
        read(columns={"split": "part"}, splits={"gone": "val"})


def test_the_page_of_formats_says_the_same() -> None:
    page = (Path(__file__).parents[2] / "docs/formats/README.md").read_text()
    said: dict[str, set[str]] = {}
    for line in page.splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if len(cells) == 2 and cells[0].startswith("`") and not line.startswith("| `--"):
            said |= {name.strip("`"): set(re.findall(r"`([a-z.]+)`", cells[1])) for name in cells[0].split(", ")}
    assert said == USED
