"""Where the splits of a data.yaml lie, and whether it can be used: as Ultralytics' check_det_dataset says."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from datalint import dataset
from datalint.source.worktree import open_worktree
from tests.dataset import ultralytics_labels
from tests.dataset.manifests import rows
from tests.dataset.test_yolo import BOX, made

if TYPE_CHECKING:
    from pathlib import Path

IMAGES = [
    "train/images/1.jpg",
    "valid/images/2.jpg",
    "images/train/3.jpg",
    "images/val/deep/4.jpg",
    "other/images/5.jpg",
]
NAMES = "names: [cat]\n"
ROBOFLOW = "train: ../train/images\nval: ../valid/images\n"
DESCRIPTIONS = [
    NAMES + ROBOFLOW,
    NAMES + "train: train/images\nval: valid/images\n",
    NAMES + "train: images/train\nval: images/val\n",
    NAMES + "train: train\nvalidation: valid\n",
    NAMES + "train: [train, images/train]\nval: [valid/images]\n",
    NAMES + "train: ../train/images\nval: [../valid/images]\n",
    NAMES + "train: ./train/images/\nval: ../../valid/images\n",
    NAMES + "path: .\ntrain: train/images\nval: valid/images\n",
    NAMES + "path: images\ntrain: train\nval: val\n",
    NAMES + "path: ./other/..\ntrain: train\nval: valid\n",
    NAMES + "path: ''\n" + ROBOFLOW,
    NAMES + "train: train\nval: validate\n",
    NAMES + "train: train\nval: ../nothing/images\n",
    NAMES + "train: train\n",
    NAMES + "val: valid\n",
    NAMES + "train: {a: b}\nval: valid\n",
    NAMES + "train: train\nval: 7\n",
    NAMES + "path: [a]\n" + ROBOFLOW,
    "nc: 2\n" + ROBOFLOW,
    "nc: '2'\n" + ROBOFLOW,
    "nc: 2.0\n" + ROBOFLOW,
    "nc: 2.5\n" + ROBOFLOW,
    "nc: two\n" + ROBOFLOW,
    "nc:\nnames: [cat]\n" + ROBOFLOW,
    "nc: 1\n" + NAMES + ROBOFLOW,
    "nc: 2\n" + NAMES + ROBOFLOW,
    "names:\n" + ROBOFLOW,
    "names:\nnc: 3\n" + ROBOFLOW,
    "names: []\n" + ROBOFLOW,
    "names: cat\n" + ROBOFLOW,
    "names: {0: cat, 1: dog}\n" + ROBOFLOW,
    "names: {'0': cat, '1': dog}\n" + ROBOFLOW,
    "names: {1: cat, 2: dog}\n" + ROBOFLOW,
    "names: {a: cat}\n" + ROBOFLOW,
    "kpt_shape: 17\n" + NAMES + ROBOFLOW,
    "flip_idx: 3\n" + NAMES + ROBOFLOW,
    "flip_idx:\n" + NAMES + ROBOFLOW,
    "flip_idx: [3, a]\n" + NAMES + ROBOFLOW,
    ROBOFLOW,
]


@pytest.mark.parametrize("text", DESCRIPTIONS)
def test_splits_lie_where_ultralytics_looks(text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    check = ultralytics_labels.check_det_dataset(tmp_path / "nowhere")
    home = tmp_path / "home"
    labels = {path.replace("images", "labels", 1).replace(".jpg", ".txt"): BOX for path in IMAGES}
    made(home, dict.fromkeys(IMAGES, "") | labels | {"data.yaml": text})
    monkeypatch.chdir(home)
    found = dataset.read(open_worktree(str(home)), root=".", format="yolo")
    refused = {kind for (kind,) in rows(found.problems, "kind")} & {"bad-data-yaml", "missing-split-folder"}
    try:
        data = check(str(home / "data.yaml"))
    except (SyntaxError, KeyError, TypeError, ValueError, FileNotFoundError, AttributeError) as error:
        assert refused, error
        return
    assert not refused
    seen = rows(found.samples, "split", "path")
    for split in ("train", "val"):
        places = data[split] if isinstance(data[split], list) else [data[split]]
        wanted = [path for path in IMAGES for place in places if str(home / path).startswith(f"{place}/")]
        assert sorted(path for name, path in seen if name == split) == sorted(wanted)
    assert {(index, name) for index, name in rows(found.classes, "index", "name")} == set(data["names"].items())
