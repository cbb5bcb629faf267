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
    dataset(tmp_path / "data")
    rows = [
        f"{path.relative_to(tmp_path / 'data')},{path.parent.name},{'A' if 'train' in path.parts else 'B'}"
        for path in sorted((tmp_path / "data").rglob("*.jpg"))
    ]
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
