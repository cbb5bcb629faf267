"""The classes of timm's ReaderImageFolder: what timm 1.0.31 itself says of these names and folders."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from datalint import dataset
from datalint.dataset.timm import natural_key
from datalint.source.worktree import open_worktree
from tests.dataset.manifests import rows
from tests.e2e.conftest import picture, say

if TYPE_CHECKING:
    from pathlib import Path

# What timm.utils.natural_key returns.
KEYS: dict[str, list[str | int]] = {
    "cat": ["cat"],
    "Cat": ["cat"],
    "class10": ["class", 10, ""],
    "class02": ["class", 2, ""],
    "10": ["", 10, ""],
    "x10Y2": ["x", 10, "y", 2, ""],
    "": [""],
    "-y": ["-y"],
    "Ä": ["ä"],
    "٣": ["", 3, ""],
}
# Folders -> what find_images_and_targets returns as class_to_idx.
MAPS = {
    "numbers and case": (["Zebra/1.jpg", "class10/1.jpg", "class2/1.jpg"], {"class2": 0, "class10": 1, "Zebra": 2}),
    "numbers": (["1/1.jpg", "10/1.jpg", "2/1.jpg"], {"1": 0, "2": 1, "10": 2}),
    "an innermost folder": (["cat/front/1.jpg", "cat/1.jpg", "dog/front/1.jpg"], {"cat": 0, "front": 1}),
    "without images": (["cat/1.jpg", "dog/1.webp", "elk/1.PNG"], {"cat": 0, "elk": 1}),
    "images beside folders": (["cat/1.jpg", "x.jpg"], {"": 0, "cat": 1}),
    "hidden": (["cat/1.jpg", ".cache/1.jpeg"], {".cache": 0, "cat": 1}),
    "one name twice to it": (["Cat/1.jpg", "cat/1.jpg", "ant/1.jpg", "dog/1.jpg"],
                             {"ant": 0, "Cat": None, "cat": None, "dog": 3}),
}  # fmt: skip


@pytest.mark.parametrize("name", KEYS)
def test_names_are_compared_as_timm_compares_them(name: str) -> None:
    assert natural_key(name) == KEYS[name]


@pytest.mark.parametrize("case", MAPS)
@pytest.mark.parametrize("split", ["", "train/"])
def test_classes_are_those_of_timm(case: str, split: str, tmp_path: Path) -> None:
    files, expected = MAPS[case]
    for name in [f"{split}{name}" for name in files] + (["val/cat/1.jpg", "val/dog/1.jpg"] if split else []):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    found = dataset.read(open_worktree(str(tmp_path)), root=".", framework="pytorch", loader="timm")
    wanted = "train" if split else None
    classes = rows(found.classes, "loader", "split", "name", "index")
    assert {name: index for loader, of, name, index in classes if (loader, of) == ("timm", wanted)} == expected
    read = {(path, label) for path, label, of in rows(found.samples, "path", "label", "split") if of == wanted}
    assert read == {
        (f"{split}{name}", f"/{name}".split("/")[-2]) for name in files if not name.endswith(".webp")
    }  # fmt: skip


def test_the_loader_is_said_in_the_recipe(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    for number, name in enumerate(("class1", "class2", "class10", "class02")):
        picture(tmp_path / f"data/{name}/1.jpg", number, size=32)

    def found(training: str) -> dict[str, tuple[str, str]]:
        (tmp_path / "datalint.yaml").write_text(f"dataset: {{path: data}}\ntraining: {training}\n")
        words = ("--no-cache", "-o", "json", "--select", "timm-class-order,unstable-class-order,numeric-class-order")
        _, out, error = say(capsys, "check", *words)
        assert error == ""
        return {each["rule"]: (each["severity"], each["message"]) for each in json.loads(out)["findings"]}

    ours = found("{loader: timm}")
    names = "'class02', 'class2'"
    assert ours["unstable-class-order"] == (
        "error",
        f"timm gives {names} in the dataset an order that changes from run to run: to it the names are the same",
    )  # fmt: skip
    assert ours["timm-class-order"] == (
        "warning",
        "timm numbers 2 classes in the dataset otherwise than torchvision: 'class1' is 0 to timm and 1 to torchvision",
    )  # fmt: skip
    assert {name: severity for name, (severity, _) in found("{framework: pytorch}").items()} == {
        "timm-class-order": "info", "unstable-class-order": "warning",
    }  # fmt: skip
    assert found("{framework: keras}") == {}
    (tmp_path / "datalint.yaml").write_text("training:\n  framework: keras\n  loader: timm\n")
    code, _, error = say(capsys, "check", "data")
    words = "training.loader: timm trains with PyTorch: say `framework: pytorch`, or leave it out"
    assert (code, error.splitlines()[0]) == (2, f"datalint: datalint.yaml:3:11: {words}")
