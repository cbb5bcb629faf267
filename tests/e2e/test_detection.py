"""The command over whole detection datasets: the real corpora by their READMEs, and sound ones that pass."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from tests.dataset.test_voc import box, xml
from tests.e2e.conftest import picture


def check(folder: Path | str, *words: str) -> tuple[int, list[dict[str, Any]]]:
    """Exit code and findings."""
    command = [sys.executable, "-m", "datalint", "check", str(folder), "-o", "json", "--no-cache", *words]
    run = subprocess.run(command, check=False, capture_output=True, text=True)
    assert run.returncode in (0, 1), run.stderr
    return run.returncode, json.loads(run.stdout)["findings"]


@pytest.mark.corpus
def test_ships_file_by_file(corpora: Path) -> None:
    code, found = check(corpora / "ships-yolo")
    assert code == 1
    rules: dict[str, list[dict[str, Any]]] = {}
    for finding in found:
        rules.setdefault(finding["rule"], []).append(finding)
    outside = rules["class-out-of-range"]
    lines = Counter[str]()
    for finding in outside:
        text = (corpora / "ships-yolo" / finding["path"]).read_text("utf-8").splitlines()
        wrong = [number for number, line in enumerate(text, 1) if int(line.split()[0]) >= 1]
        assert (finding["line"], finding["values"]["n"]) == (wrong[0], len(wrong))
        lines[finding["path"].split("/")[0]] += len(wrong)
    assert lines == {"validate": 134, "test": 54}
    assert "134 of 154 in validate/labels" in outside[-1]["message"]
    (missing,) = rules["missing-split-folder"]
    assert (missing["path"], missing["line"], missing["severity"]) == ("data.yaml", 2, "error")
    assert Counter(finding["severity"] for finding in rules["not-normalised"]) == {"warning": 6, "error": 1}
    gone = [finding["path"] for finding in rules["label-file-without-image"]]
    assert len(gone) == 34
    assert all(path.startswith("validate/labels/") for path in gone)
    (bare,) = rules["image-without-annotations"]
    assert bare["message"].startswith("88 of 405 images in train have no annotations, for want of label files")
    stems = [sorted(set(re.findall(r"(boat\d+)_png", finding["message"]))) for finding in rules["duplicate-in-split"]]
    assert sorted(stems) == [["boat4"], ["boat43"], ["boat69"]]
    assert "duplicate-across-splits" not in rules


@pytest.mark.corpus
def test_bccd_has_no_other_flaw_than_its_readme_names(corpora: Path) -> None:
    _, found = check(corpora / "bccd-voc")
    (paths,) = [finding for finding in found if finding["rule"] == "machine-path"]
    assert paths["message"].startswith("364 annotation files hold a <path>")
    # Two views of one smear are its near duplicates.
    near = ("near-duplicate-across-splits", "near-duplicate-in-split")
    # The two boxes without an area are judged by the rule of all formats with annotations.
    others = {finding["path"].rpartition("/")[2] for finding in found if finding["rule"] not in ("machine-path", *near)}
    assert others <= {"BloodImage_00338.xml", "BloodImage_00343.xml"}


def yolo(home: Path) -> None:
    (home / "data.yaml").write_text("train: images/train\nval: images/val\nnames: [cat, dog]\n")
    for split, number in (("train", 40), ("val", 8)):
        (home / "labels" / split).mkdir(parents=True)
        for each in range(number):
            picture(home / f"images/{split}/{split}{each}.jpg", 100 * (split == "val") + each)
            lines = f"{each % 2} 0.5 0.5 0.2 0.3\n{(each + 1) % 2} 0.2 0.2 0.1 0.1\n"
            (home / f"labels/{split}/{split}{each}.txt").write_text(lines)


def voc(home: Path) -> None:
    for folder in ("Annotations", "ImageSets/Main"):
        (home / folder).mkdir(parents=True)
    for split, number in (("train", 40), ("val", 8)):
        names = [f"{split}{each}" for each in range(number)]
        (home / f"ImageSets/Main/{split}.txt").write_text("\n".join(names))
        for each, name in enumerate(names):
            picture(home / f"JPEGImages/{name}.jpg", 100 * (split == "val") + each, size=16)
            boxes = (box("cat"), box("dog", (1, 1, 16, 16)))
            (home / f"Annotations/{name}.xml").write_text(xml(*boxes, filename=f"{name}.jpg"))


@pytest.mark.parametrize("write", [yolo, voc])
def test_a_sound_dataset_has_no_finding(write: Any, tmp_path: Path) -> None:
    write(tmp_path)
    assert check(tmp_path) == (0, [])


@pytest.mark.parametrize(
    ("training", "asked"),
    [
        ("", False),
        ("training: {image_size: 640, batch: 16}\n", False),
        ("training: {framework: keras}\n", True),
        ("training: {loader: files}\n", True),
    ],
)
@pytest.mark.parametrize("format", ["yolo", "dota"])
def test_what_a_trainer_of_its_own_reads_is_not_asked_of_tensorflow(
    format: str,  # noqa: A002
    training: str,
    tmp_path: Path,
    *,
    asked: bool,
) -> None:
    if format == "yolo":
        yolo(tmp_path)
    else:
        (tmp_path / "labelTxt").mkdir()
        for each in range(4):
            picture(tmp_path / f"images/{each}.jpg", each, size=32)
            (tmp_path / f"labelTxt/{each}.txt").write_text("2 2 20 2 20 20 2 20 ship 0\n")
    for path in sorted(tmp_path.rglob("*.jpg")):
        Image.open(path).save(path.with_suffix(".tif"))
        path.unlink()
    (tmp_path / "datalint.yaml").write_text(training or "{}\n")
    said = ("--config", str(tmp_path / "datalint.yaml"), "--select", "unsupported-by-tensorflow")
    code, found = check(tmp_path, *said)
    refused = {Path(finding["path"]).name for finding in found}
    assert refused == ({path.name for path in tmp_path.rglob("*.tif")} if asked else set())
    assert code == (1 if asked else 0)


def test_a_flaw_of_each_kind_is_one_finding(tmp_path: Path) -> None:
    yolo(tmp_path)
    labels = tmp_path / "labels/train"
    flaws = {
        "train0": ("0 0.5 0.5 0.2\n", "bad-annotation-line", 1),
        "train1": ("\n0 0.5 0.5 0.2 0.2\n2 0.5 0.5 0.2 0.2\n", "class-out-of-range", 3),
        "train2": ("0 0.5 0.5 1.2 0.2\n", "not-normalised", 1),
        "train3": ("0 0.5 0.5 0.2 0.2\n1 0.5 0.5 0.2 0.2\n0 0.5 0.5 0.2 0.2\n", "duplicate-annotation", 3),
    }
    for name, (text, _, _) in flaws.items():
        (labels / f"{name}.txt").write_text(text)
    (labels / "gone.txt").write_text("0 0.5 0.5 0.2 0.2\n")
    (labels / "train4.txt").unlink()
    code, found = check(tmp_path)
    assert code == 1
    seen = {(finding["path"], finding["rule"], finding["line"]) for finding in found}
    assert seen == {
        *((f"labels/train/{name}.txt", rule, line) for name, (_, rule, line) in flaws.items()),
        ("labels/train/gone.txt", "label-file-without-image", None),
        ("images/train/train4.jpg", "image-without-annotations", None),
    }


def test_a_table_of_boxes_is_judged_by_its_boxes(tmp_path: Path) -> None:
    """Roboflow's `Tensorflow Object Detection`: two objects in an image are no two labels of it."""
    lines = ["filename,width,height,class,xmin,ymin,xmax,ymax"]
    for each in range(40):
        picture(tmp_path / f"{each}.jpg", each, size=32)
        lines += [f"{each}.jpg,32,32,{name},{left},2,{left + 9},20" for name, left in (("car", 1), ("dog", 12))]
    (tmp_path / "_annotations.csv").write_text("\n".join(lines) + "\n")
    code, found = check(tmp_path)
    assert (code, [finding["rule"] for finding in found]) == (0, ["no-validation-split"])
    # The box of line 3 is empty, that of line 4 leaves the image, that of line 5 is there twice.
    lines[2], lines[3] = "0.jpg,32,32,dog,12,2,12,20", "1.jpg,32,32,car,1,2,40,20"
    lines.append(lines[4])
    (tmp_path / "_annotations.csv").write_text("\n".join(lines) + "\n")
    code, found = check(tmp_path, "--ignore", "no-validation-split")
    assert (code, {(finding["rule"], finding["line"]) for finding in found}) == (
        1,
        {("degenerate-box", 3), ("box-outside-image", 4), ("duplicate-annotation", 82)},
    )
