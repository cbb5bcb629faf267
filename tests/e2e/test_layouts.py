"""Ordinary datasets in folders and names that somebody chose differently: what is judged is what the loader finds."""

from __future__ import annotations

import json
import shutil
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from tests.e2e.conftest import dataset, picture
from tests.e2e.test_first_hour import run


def judged(folder: Path) -> tuple[int, dict[str, Any], dict[str, str]]:
    """Exit code, document, and the severity of each rule that has a finding."""
    answer = run(folder, "check", "data", "-o", "json", "--ignore", "split-smaller-than-batch")
    document = json.loads(answer.stdout)
    return answer.returncode, document, {item["rule"]: item["severity"] for item in document["findings"]}


def convert(folder: Path, suffix: str) -> None:
    for path in sorted(folder.rglob("*.jpg")):
        with Image.open(path) as image:
            image.save(path.with_suffix(suffix))
        path.unlink()


@pytest.mark.tensorflow
def test_a_dataset_of_webp_is_empty_to_keras_and_whole_to_torchvision(tmp_path: Path) -> None:
    keras = pytest.importorskip("keras")
    dataset(tmp_path / "data")
    convert(tmp_path / "data", ".webp")
    with pytest.raises(ValueError, match="No images found"):
        keras.utils.image_dataset_from_directory(str(tmp_path / "data/train"))
    code, document, rules = judged(tmp_path)
    assert (code, document["verdict"], rules["ignored-suffix"]) == (1, "UNTRAINABLE", "error")
    (tmp_path / "datalint.yaml").write_text("training: {framework: pytorch}\n")
    code, document, rules = judged(tmp_path)
    assert (code, document["verdict"]) == (0, "TRAINABLE")
    assert "ignored-suffix" not in rules


@pytest.mark.parametrize("suffix", [".tif", ".webp"])
def test_a_file_that_keras_passes_over_is_not_judged_for_tensorflow(tmp_path: Path, suffix: str) -> None:
    dataset(tmp_path / "data")
    image = picture(tmp_path / "data/train/cat/odd.png", 999)
    with Image.open(image) as opened:
        opened.save(image.with_suffix(suffix))
    image.unlink()
    odd = image.with_suffix(suffix)
    odd.write_bytes(odd.read_bytes()[:200])
    code, _, rules = judged(tmp_path)
    assert (code, rules) == (0, {"ignored-suffix": "warning"})
    (tmp_path / "datalint.yaml").write_text("training: {framework: pytorch}\n")
    code, document, _ = judged(tmp_path)
    assert (code, [item["path"] for item in document["findings"]]) == (1, [f"data/train/cat/odd{suffix}"])


@pytest.mark.tensorflow
def test_a_flat_folder_trains_no_folder_loader(tmp_path: Path) -> None:
    keras = pytest.importorskip("keras")
    for number in range(40):
        picture(tmp_path / f"data/{number}.png", number)
    with pytest.raises(ValueError, match="No images found"):
        keras.utils.image_dataset_from_directory(str(tmp_path / "data"))
    code, _, rules = judged(tmp_path)
    assert (code, rules["no-class-folder"]) == (1, "error")
    (tmp_path / "datalint.yaml").write_text("training: {loader: files}\n")
    code, _, rules = judged(tmp_path)
    assert (code, rules["no-class-folder"]) == (0, "info")


def test_a_training_split_without_classes_blocks_whatever_the_others_hold(tmp_path: Path) -> None:
    dataset(tmp_path / "data")
    for path in sorted((tmp_path / "data/train").rglob("*.jpg")):
        path.rename(tmp_path / f"data/train/{path.parent.name}.{path.name}")
    for folder in ("cat", "dog"):
        (tmp_path / "data/train" / folder).rmdir()
    code, document, rules = judged(tmp_path)
    assert (code, rules["no-class-folder"]) == (1, "error")
    assert any(item["path"].startswith("data/train/cat.0") for item in document["findings"])


@pytest.mark.parametrize("names", [("training_set", "test_set"), ("train2017", "val2017"), ("seg_train", "seg_test")])
def test_rules_about_training_find_the_training_split_by_other_names(tmp_path: Path, names: tuple[str, str]) -> None:
    dataset(tmp_path / "data")
    shutil.rmtree(tmp_path / "data/train/dog")
    for old, new in zip(("train", "val"), names, strict=True):
        (tmp_path / "data" / old).rename(tmp_path / "data" / new)
    code, document, rules = judged(tmp_path)
    assert code == 1
    assert rules["single-class"] == "error"
    assert any(f"{names[0]} as train" in note for note in document["notes"])


def test_splits_that_nobody_knows_are_declared(tmp_path: Path) -> None:
    dataset(tmp_path / "made")
    (tmp_path / "data").mkdir()
    rows = []
    for number, path in enumerate(sorted((tmp_path / "made").rglob("*.jpg"))):
        path.rename(tmp_path / f"data/{number}.jpg")
        rows.append(f"{number}.jpg,{path.parent.name},{'A' if 'train' in path.parts else 'B'}")
    (tmp_path / "data/list.csv").write_text("path,label,split\n" + "\n".join(rows) + "\n")
    code, _, rules = judged(tmp_path)
    assert (code, rules["no-training-split"]) == (1, "error")
    config = tmp_path / "datalint.yaml"
    config.write_text("dataset:\n  path: data\n  splits: {train: A, val: [B]}\n")
    code, document, rules = judged(tmp_path)
    assert (code, rules, document["dataset"]["splits"]) == (0, {}, 2)
    config.write_text("dataset:\n  path: data\n  splits: {train: A, val: [b]}\n")
    refused = run(tmp_path, "check")
    assert refused.returncode == 2
    assert "datalint.yaml:3:27: dataset.splits.val: no row of data/list.csv has the split 'b'" in refused.stderr
    assert "there are: A, B" in refused.stderr
    config.write_text("dataset:\n  path: data\n  splits: {train: A, val: A}\n")
    refused = run(tmp_path, "check")
    assert (refused.returncode, "'A' is the train split already" in refused.stderr) == (2, True)


def test_a_cell_beside_the_declared_splits_trains_nothing_and_is_said(tmp_path: Path) -> None:
    dataset(tmp_path / "made")
    (tmp_path / "data").mkdir()
    rows = []
    for number, path in enumerate(sorted((tmp_path / "made").rglob("*.jpg"))):
        path.rename(tmp_path / f"data/{number}.jpg")
        rows.append(f"{number}.jpg,{path.parent.name},{('A', 'B', 'C')[number % 3]}")
    (tmp_path / "data/list.csv").write_text("path,label,split\n" + "\n".join(rows) + "\n")
    (tmp_path / "datalint.yaml").write_text("dataset: {path: data, splits: {train: A, val: B}}\n")
    document = judged(tmp_path)[1]
    said = "dataset.splits does not say what C is: a split of its own, unused"
    assert [note for note in document["notes"] if "C" in note] == [said]
    estimated = json.loads(run(tmp_path, "estimate", "-o", "json").stdout)
    count = len(rows) // 3 + (len(rows) % 3 > 0)
    assert (estimated["images"]["train"], estimated["images"]["val"]) == (count, len(rows) // 3 + (len(rows) % 3 > 1))


@pytest.mark.parametrize("written", ["A", "A/", "./A", "./A/"])
def test_a_declared_folder_may_be_written_as_a_path(tmp_path: Path, written: str) -> None:
    dataset(tmp_path / "data")
    (tmp_path / "data/train").rename(tmp_path / "data/A")
    (tmp_path / "datalint.yaml").write_text(f"dataset: {{path: data, splits: {{train: {written}, val: val}}}}\n")
    code, document, rules = judged(tmp_path)
    assert (code, rules, document["dataset"]["splits"]) == (0, {}, 2)


@pytest.mark.tensorflow
def test_splits_inside_classes_are_trained_on(tmp_path: Path) -> None:
    pytest.importorskip("keras")
    dataset(tmp_path / "data")
    for label in ("cat", "dog"):
        (tmp_path / "data" / label).mkdir()
        for split in ("train", "val"):
            (tmp_path / "data" / split / label).rename(tmp_path / "data" / label / split)
    for split in ("train", "val"):
        (tmp_path / "data" / split).rmdir()
    lister = import_module("keras.src.utils.dataset_utils")
    _, labels, names = lister.index_directory(str(tmp_path / "data"), "inferred", (".jpg",), verbose=False)
    assert (names, len(labels)) == (["cat", "dog"], 32)
    code, document, rules = judged(tmp_path)
    assert (code, rules["split-inside-class"]) == (1, "error")
    assert [item["path"] for item in document["findings"] if item["rule"] == "split-inside-class"] == [
        "data/cat/train",
        "data/dog/train",
    ]


def test_copies_in_a_folder_that_is_no_split_do_not_block(tmp_path: Path) -> None:
    dataset(tmp_path / "data")
    shutil.copytree(tmp_path / "data/train", tmp_path / "data/raw")
    code, _, rules = judged(tmp_path)
    assert (code, rules["duplicate-across-splits"]) == (0, "warning")


def test_a_folder_around_the_dataset_is_named(tmp_path: Path) -> None:
    dataset(tmp_path / "data/images")
    code, document, rules = judged(tmp_path)
    assert (code, rules["split-inside-class"]) == (1, "error")
    assert document["notes"] == [
        "the class folders lie in data/images: `datalint check data/images`, or `dataset.path`, judges those"
    ]


def test_a_split_folder_in_a_split_folder_is_the_split(tmp_path: Path) -> None:
    """The layout of the Intel scenes: `seg_train/seg_train/sea`."""
    dataset(tmp_path / "data")
    for old, new in (("train", "seg_train"), ("val", "seg_test")):
        (tmp_path / "data" / new).mkdir()
        (tmp_path / "data" / old).rename(tmp_path / "data" / new / new)
    code, document, _ = judged(tmp_path)
    assert (code, document["dataset"]["classes"], document["dataset"]["splits"]) == (0, 2, 2)
    assert any("seg_train/seg_train as train" in note for note in document["notes"])
    (tmp_path / "data/seg_train/seg_train/cat").rename(tmp_path / "data/seg_train/seg_train/wolf")
    assert "class-only-in-evaluation" in judged(tmp_path)[2]


def test_a_class_with_sessions_is_no_split_folder_in_a_split_folder(tmp_path: Path) -> None:
    for number in range(40):
        picture(tmp_path / f"data/train/cat/s{number % 2}/{number}.png", number)
    code, _, rules = judged(tmp_path)
    assert (code, rules["single-class"]) == (1, "error")


def test_classes_that_are_called_like_splits_are_declared_so(tmp_path: Path) -> None:
    for number in range(160):
        picture(tmp_path / f"data/{('control', 'test')[number % 2]}/s{number % 4 // 2}/{number}.png", number)
    assert "no-training-split" in judged(tmp_path)[2]
    (tmp_path / "datalint.yaml").write_text("dataset: {path: data, splits: {}}\n")
    code, document, _ = judged(tmp_path)
    assert (code, document["dataset"]["splits"], document["dataset"]["classes"]) == (0, 0, 2)


def test_outer_folders_with_the_same_inner_ones_are_asked_about(tmp_path: Path) -> None:
    for number in range(160):
        kind, disease = ("color", "grey")[number % 2], ("rust", "scab")[number % 4 // 2]
        picture(tmp_path / f"data/{kind}/{disease}/{number}.png", number)
    code, document, rules = judged(tmp_path)
    assert (code, document["verdict"], rules["same-subfolders"]) == (0, "TRAINABLE, with warnings", "warning")


def test_ids_without_a_suffix_are_named_and_declared(tmp_path: Path) -> None:
    rows = []
    for number in range(80):
        picture(tmp_path / f"data/images/{number:03}.png", number)
        rows.append(f"{number:03},{('cat', 'dog')[number % 2]}")
    (tmp_path / "data/train.csv").write_text("id_code,diagnosis\n" + "\n".join(rows) + "\n")
    config = tmp_path / "datalint.yaml"
    said = "dataset:\n  path: data/train.csv\n  root: data/images\n  columns: {path: id_code, label: diagnosis}\n"
    config.write_text(said)
    code, out = run(tmp_path, "check", "-o", "json").returncode, json.loads(run(tmp_path, "check", "-o", "json").stdout)
    assert code == 1
    assert any("but data/images/000.png is: say `suffix: .png`" in item["message"] for item in out["findings"])
    config.write_text(said + "  suffix: .png\n")
    answer = run(tmp_path, "check", "-o", "json")
    assert (answer.returncode, json.loads(answer.stdout)["dataset"]["samples"]) == (0, 80)


@pytest.mark.parametrize("splits", ["", ", splits: {train: false, val: true}"])
@pytest.mark.parametrize("format", ["csv", "jsonl"])
def test_fastai_s_column_is_known(tmp_path: Path, splits: str, format: str) -> None:  # noqa: A002
    lines = []
    for number in range(80):
        path, label = f"img/{number}.png", ("cat", "dog")[number % 2]
        picture(tmp_path / "data" / path, number)
        valid = number > 60
        csv, jsonl = f"{path},{label},{valid}", json.dumps({"path": path, "label": label, "is_valid": valid})
        lines.append(csv if format == "csv" else jsonl)
    head = ["path,label,is_valid"] if format == "csv" else []
    (tmp_path / f"data/list.{format}").write_text("\n".join([*head, *lines]) + "\n")
    (tmp_path / "datalint.yaml").write_text(f"dataset: {{path: data{splits}}}\n")
    answer = run(tmp_path, "check", "-o", "json")
    assert (answer.returncode, json.loads(answer.stdout)["dataset"]["splits"]) == (0, 2), answer.stderr


def test_pictures_to_predict_in_one_folder_do_not_block(tmp_path: Path) -> None:
    dataset(tmp_path / "data")
    for number in range(10):
        picture(tmp_path / f"data/test/unknown/{number}.png", 500 + number)
    code, _, rules = judged(tmp_path)
    assert (code, rules["class-only-in-evaluation"]) == (0, "warning")


def test_a_table_beside_splits_of_classes_switches_nothing_off(tmp_path: Path) -> None:
    dataset(tmp_path / "data")
    paths = sorted((tmp_path / "data").rglob("*.jpg"))
    rows = [f"{path.relative_to(tmp_path / 'data')},{path.parent.name}" for path in paths]
    (tmp_path / "data/labels.csv").write_text("path,label\n" + "\n".join(rows) + "\n")
    shutil.copy(paths[0], tmp_path / "data/val/cat/leak.jpg")
    code, document, rules = judged(tmp_path)
    assert (code, rules["duplicate-across-splits"], document["dataset"]["splits"]) == (1, "error", 2)


def test_a_manifest_may_be_declared_to_have_no_splits(tmp_path: Path) -> None:
    rows = []
    for number in range(40):
        picture(tmp_path / f"data/{number}.png", number)
        rows.append(f"{number}.png,{('cat', 'dog')[number % 2]},fold{number % 4}")
    (tmp_path / "data/list.csv").write_text("path,label,fold\n" + "\n".join(rows) + "\n")
    assert judged(tmp_path)[1]["dataset"]["splits"] == 4
    (tmp_path / "datalint.yaml").write_text("dataset: {path: data, splits: {}}\n")
    assert judged(tmp_path)[1]["dataset"]["splits"] == 0
