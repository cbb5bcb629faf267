"""YOLO datasets as people have them: Ultralytics' layouts, Roboflow's, Darknet's, and what goes wrong in them."""

from __future__ import annotations

import json
import os
from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest

from datalint import dataset
from datalint.dataset import formats
from datalint.dataset.listing import listing
from datalint.errors import UsageError
from datalint.source.index import open_index
from datalint.source.worktree import open_worktree
from tests.dataset.manifests import rows
from tests.e2e.conftest import picture, say
from tests.source.repository import create

if TYPE_CHECKING:
    from pathlib import Path

    from datalint.dataset import Dataset

BOX = "0 0.5 0.5 0.2 0.2\n"
YAML = "train: train/images\nval: val/images\nnames: [cat, dog]\n"
PLACE = ("kind", "path", "line", "detail")


def made(home: Path, files: dict[str, str]) -> str:
    """Pictures where the suffix says so, else text."""
    for name, content in files.items():
        if name.endswith((".jpg", ".png")):
            picture(home / name, len(name), size=16)
        else:
            (home / name).parent.mkdir(parents=True, exist_ok=True)
            (home / name).write_text(content, "utf-8")
    return str(home)


def read(home: Path, files: dict[str, str], root: str = ".", **options: Any) -> Dataset:
    found = dataset.read(open_worktree(made(home, files)), root=root, **options)
    assert found.format == "yolo"
    return found


def both(yaml: str = YAML) -> dict[str, str]:
    """Two splits of one image each."""
    return {
        "data.yaml": yaml,
        "train/images/1.jpg": "",
        "train/labels/1.txt": BOX,
        "val/images/2.jpg": "",
        "val/labels/2.txt": BOX,
    }


def samples(found: Dataset) -> list[tuple[object, ...]]:
    return rows(found.samples, "split", "path")


def problems(found: Dataset, *but: str) -> list[tuple[object, ...]]:
    return [row for row in rows(found.problems, *PLACE) if row[0] not in but]


WANTED: list[tuple[object, ...]] = [("train", "train/images/1.jpg"), ("val", "val/images/2.jpg")]


@pytest.mark.parametrize(
    "yaml",
    [
        YAML,
        "path: .\n" + YAML,
        "path: ''\n" + YAML,
        "train: ../train/images\nval: ../val/images\nnc: 2\nnames: ['cat', 'dog']\n",
        "train: [train/images]\nval:\n  - val\nnames: {0: cat, 1: dog}\n",
        "train: train\nvalidation: val/\nnames:\n  0: cat\n  '1': dog\n",
        "\ufefftrain: ./train/images\nval: ./val/images\nnc: '2'\n",
        "base: &train train/images\ntrain: *train\nval: val/images\nnc: 2.0\ndownload: |\n  import os\n",
    ],
)
def test_every_way_to_write_data_yaml(yaml: str, tmp_path: Path) -> None:
    found = read(tmp_path, both(yaml))
    assert samples(found) == WANTED
    assert not problems(found)
    names = {name for _, name in rows(found.classes, "split", "name")}
    assert names in ({"cat", "dog"}, {"class_0", "class_1"})
    assert rows(found.classes, "split", "index", "n_samples") == [
        ("train", 0, 1),
        ("train", 1, 0),
        ("val", 0, 1),
        ("val", 1, 0),
    ]


def test_a_description_is_a_dataset_by_itself(tmp_path: Path) -> None:
    assert samples(read(tmp_path, both(), root="data.yaml")) == WANTED
    deep = {f"deep/{name}": content for name, content in both().items()}
    for root in ("deep/data.yaml", "deep", "."):
        found = read(tmp_path / "more", deep, root=root)
        assert [path for _, path in samples(found)] == ["deep/train/images/1.jpg", "deep/val/images/2.jpg"]


@pytest.mark.parametrize("path", ["data", "./data", "../data"])
def test_path_is_seen_from_where_training_starts_or_from_the_file(path: str, tmp_path: Path) -> None:
    files = {f"data/{name}": content for name, content in both().items()}
    files["configs/ships.yaml"] = f"path: {path}\n" + files.pop("data/data.yaml")
    found = read(tmp_path, files)
    assert [path for _, path in samples(found)] == ["data/train/images/1.jpg", "data/val/images/2.jpg"]
    said = [
        note for note in found.assumptions if note.startswith(f"path: {path} of configs/ships.yaml was taken for data")
    ]
    assert len(said) == (path == "../data")


def test_a_path_of_another_machine(tmp_path: Path) -> None:
    found = read(tmp_path, both("path: /content/datasets/ships\n" + YAML))
    assert samples(found) == WANTED
    assert problems(found) == [
        ("absolute-path", "/content/datasets/ships", 1, "path is only true on one machine: /content/datasets/ships")
    ]


def test_lists_of_images(tmp_path: Path) -> None:
    files = {
        "data.yaml": "train: train.txt\nval: [val.txt]\nnames: [cat]\n",
        "train.txt": "./images/1.jpg\n\n./images/2.jpg\nimages/notes.md\n",
        "val.txt": "images/3.jpg\nimages/gone.jpg\n",
        **{f"images/{number}.jpg": "" for number in (1, 2, 3)},
        **{f"labels/{number}.txt": BOX for number in (1, 2, 3)},
    }
    found = read(tmp_path, files)
    assert rows(found.samples, "split", "path", "manifest") == [
        ("train", "images/1.jpg", "train.txt"),
        ("train", "images/2.jpg", "train.txt"),
        ("val", "images/3.jpg", "val.txt"),
        ("val", "images/gone.jpg", "val.txt"),
    ]
    detail = "images/gone.jpg is not there (val.txt line 2 names it)"
    assert ("missing-file", "images/gone.jpg", 2, detail) in problems(found)


@pytest.mark.parametrize(("written", "there"), [("../valid/images", "validate"), ("validation", "val"), ("val", "dev")])
def test_a_split_that_is_not_there_and_the_folder_that_is_meant(written: str, there: str, tmp_path: Path) -> None:
    files = {name.replace("val/", f"{there}/"): content for name, content in both().items()}
    files["data.yaml"] = f"names: [cat]\ntrain: train/images\nval: {written}\n"
    found = read(tmp_path, files)
    assert [split for split, _ in samples(found)] == ["train", "val"]
    meant = f"{there}/images" if written.endswith("images") else there
    detail = f"val: {written} is not there, but {meant} is and was read as val"
    assert problems(found) == [("missing-split-folder", written, 3, detail)]


def test_a_split_that_is_not_there_and_nothing_like_it(tmp_path: Path) -> None:
    yaml = YAML + "test: test/images\nminival: [mini]\n"
    files = {name: content for name, content in both(yaml).items() if not name.startswith("val/")}
    found = read(tmp_path, files)
    assert problems(found) == [
        ("missing-split-folder", "val/images", 2, "val: val/images is not there"),
        ("missing-test-folder", "test/images", 4, "test: test/images is not there"),
        ("missing-test-folder", "mini", 5, "minival: mini is not there"),
    ]


def test_a_split_without_any_image(tmp_path: Path) -> None:
    files = both(YAML.replace("val/images", "val/labels"))
    found = read(tmp_path, files)
    detail = "val: val/labels holds no image, but val/images does and was read as val"
    assert problems(found) == [("missing-split-folder", "val/labels", 2, detail)]


@pytest.mark.parametrize(
    ("yaml", "kind", "line", "detail"),
    [
        (YAML + "nc: 3\n", "bad-data-yaml", 4, "nc is 3, but names has 2 classes"),
        (YAML.replace("[cat, dog]", "[cat, dog"), "bad-data-yaml", 4, "not YAML: expected"),
        (YAML.replace("[cat, dog]", "{1: cat, 2: dog}"), "bad-data-yaml", 3, "names has 2 classes and none numbered 0"),
        (YAML.replace("[cat, dog]", "{a: cat}"), "bad-data-yaml", 3, "a key of names is no number"),
        (YAML.replace("[cat, dog]", "[]"), "bad-data-yaml", 3, "names is empty"),
        (YAML.replace("[cat, dog]", "7"), "bad-data-yaml", 3, "names is 7, not a list or a map"),
        (YAML + "nc: two\n", "bad-data-yaml", 4, "nc is 'two', not a number of classes"),
        (YAML + "kpt_shape: [17]\n", "bad-data-yaml", 4, "kpt_shape is [17], not [number of keypoints, 2 or 3]"),
        (YAML + "flip_idx: 3\n", "bad-data-yaml", 4, "flip_idx is 3, not a list of numbers of keypoints"),
        (YAML + "val: val/images\n", "odd-data-yaml", 4, "the key 'val' is there twice, and that of"),
        (
            "train: train/images\nval: val/images\nnames:\n  - cat\n  - no\n",
            "odd-data-yaml",
            5,
            "YAML reads the name of class 1 as False, not as text: write it in quotes",
        ),
        (
            "train: train/images\nnames: [cat]\n",
            "bad-data-yaml",
            1,
            "no key 'val': Ultralytics requires train and val",
        ),
        ("train: train/images\nval:\nnames: [cat]\n", "bad-data-yaml", 2, "val is empty"),
        ("train: {a: b}\nval: val\nnames: [cat]\n", "bad-data-yaml", 1, "train is a map, not a path"),
        (YAML + "a: " + "[" * 2000 + "\n", "bad-data-yaml", 1, "not YAML: nested too deeply"),
        (YAML + "a: !!python/object:os.system {}\n", "bad-data-yaml", 4, "not YAML: could not determine a constructor"),
    ],
)  # fmt: skip
def test_a_description_that_ultralytics_reads_otherwise_or_not(
    yaml: str, kind: str, line: int, detail: str, tmp_path: Path
) -> None:
    found = read(tmp_path, both(yaml))
    ((*place, said),) = problems(found)
    assert place == [kind, "data.yaml", line]
    assert str(said).startswith(detail)
    assert len(found.samples)


@pytest.mark.parametrize(
    ("files", "splits"),
    [
        (["images/train/1.jpg", "images/val/2.jpg"], {"train", "val"}),
        (["train/images/1.jpg", "valid/images/2.jpg"], {"train", "val"}),
        (["images/1.jpg", "images/2.jpg"], {None}),
        (["data/images/train2017/1.jpg", "data/images/val2017/2.jpg"], {"train", "val"}),
    ],
)
def test_without_a_description_names_of_folders_are_splits(
    files: list[str], splits: set[str | None], tmp_path: Path
) -> None:
    labels = {path.replace("images", "labels").replace(".jpg", ".txt"): BOX for path in files}
    found = read(tmp_path, dict.fromkeys(files, "") | labels)
    assert {split for split, _ in samples(found)} == splits
    assert [path for (path,) in rows(found.annotations, "path")] == sorted(labels)
    assert not problems(found)


def test_labels_beside_images_with_a_file_of_names(tmp_path: Path) -> None:
    found = read(tmp_path, {"data/1.jpg": "", "data/1.txt": BOX, "data/classes.txt": "cat\ndog\n"})
    assert rows(found.annotations, "path", "category") == [("data/1.txt", "cat")]
    assert not problems(found)


def test_darknet(tmp_path: Path) -> None:
    files = {
        "obj.data": "classes = 2\ntrain = data/train.txt\nvalid = data/valid.txt\nnames = data/obj.names\n",
        "obj.names": "cat\ndog\n",
        "train.txt": "data/obj/1.jpg\n",
        "valid.txt": "data/obj/2.jpg\n",
        **{f"obj/{number}.{suffix}": BOX for number in (1, 2) for suffix in ("jpg", "txt")},
    }
    found = read(tmp_path, files)
    assert samples(found) == [("train", "obj/1.jpg"), ("val", "obj/2.jpg")]
    assert rows(found.annotations, "category") == [("cat",), ("cat",)]
    assert not problems(found)


@pytest.mark.parametrize(
    ("lines", "kind"),
    [
        (BOX, "box"),
        ("0 0 0 1 0 1 1 0 1\n", "obb"),
        ("0 0 0 1 0 1 1\n", "polygon"),
        ("0 0 0 1 0 1 1 0 1 1 0\n", "polygon"),
    ],
)
def test_the_kind_of_a_dataset(lines: str, kind: str, tmp_path: Path) -> None:
    found = read(tmp_path, both() | {"train/labels/1.txt": lines, "val/labels/2.txt": lines})
    assert {each for (each,) in rows(found.annotations, "kind")} == {kind}


def test_keypoints_need_their_shape(tmp_path: Path) -> None:
    pose = "0 0.5 0.5 0.5 0.5 0.1 0.1 2 0 0 0\n"
    labels = {"train/labels/1.txt": pose, "val/labels/2.txt": pose}
    found = read(tmp_path, both(YAML + "kpt_shape: [2, 3]\n") | labels)
    assert rows(found.annotations, "kind", "points") == [("keypoints", 2)] * 2
    assert not problems(found)


@pytest.mark.parametrize(
    ("flips", "detail"),
    [
        ("flip_idx: [1, 0]\n", None),
        # Without numbers Ultralytics mirrors nothing, and numpy counts -1 from the end.
        ("flip_idx: []\n", None),
        ("flip_idx: [-1, 0]\n", None),
        ("flip_idx: [1, 0, 2]\n", "flip_idx has 3 numbers, but kpt_shape has 2 keypoints"),
        ("flip_idx: [0]\n", "flip_idx has 1 number, but kpt_shape has 2 keypoints"),
        ("flip_idx: [1, 2]\n", "flip_idx names keypoint 2, but the last of 2 is 1"),
        ("flip_idx: [1, -3]\n", "flip_idx names keypoint -3, but the last of 2 is 1"),
        ("flip_idx: [1, a]\n", "flip_idx names 'a', not the number of a keypoint"),
        ("flip_idx:\n", "flip_idx is nothing, not a list of numbers of keypoints"),
    ],
)
def test_keypoints_that_change_places_in_the_mirror(flips: str, detail: str | None, tmp_path: Path) -> None:
    pose = "0 0.5 0.5 0.5 0.5 0.1 0.1 2 0 0 0\n"
    labels = {"train/labels/1.txt": pose, "val/labels/2.txt": pose}
    found = read(tmp_path, both(YAML + "kpt_shape: [2, 3]\n" + flips) | labels)
    assert problems(found) == ([] if detail is None else [("bad-data-yaml", "data.yaml", 5, detail)])


def test_nothing_is_asked_of_flips_where_there_are_no_keypoints(tmp_path: Path) -> None:
    for flips in ("flip_idx: [0, 9]\n", "flip_idx:\n"):
        assert not problems(read(tmp_path, both(YAML + flips)))


def test_images_without_labels_and_labels_without_images(tmp_path: Path) -> None:
    files = both() | {
        "train/images/empty.jpg": "",
        "train/labels/empty.txt": "\n",
        "train/images/none.jpg": "",
        "train/labels/gone.txt": BOX + "9 0.5 0.5 0.1 0.1\n",
        "train/labels/README.txt": "how these were made",
        "train/images/passed.gif": "no image of Ultralytics",
        "train/labels/passed.txt": BOX,
    }
    found = read(tmp_path, files)
    assert problems(found) == [
        ("empty-label-file", "train/images/empty.jpg", None, "train/labels/empty.txt is empty"),
        ("no-label-file", "train/images/none.jpg", None, "there is no train/labels/none.txt"),
        ("label-without-image", "train/labels/gone.txt", None, "no image is called like it"),
    ]
    lost = [row for row in rows(found.annotations, "sample_id", "path", "line", "category") if row[0] is None]
    assert lost == [(None, "train/labels/gone.txt", 1, "cat"), (None, "train/labels/gone.txt", 2, None)]
    assert ("train/images/passed.gif", "ignored-suffix") in rows(found.skipped, "path", "reason")


def test_labels_where_no_trainer_looks(tmp_path: Path) -> None:
    dota = "0 0 0 2 2 2 2 0 cat 0\n"
    files = {name.replace("labels", "labelTxt"): dota if "labels" in name else "" for name in both()}
    found = read(tmp_path, files | {"data.yaml": YAML})
    assert problems(found, "no-label-file") == [
        ("unread-labels", f"{split}/labelTxt", None,
         f"1 text file named like an image that has no label: labels are read from {split}/labels")
        for split in ("train", "val")
    ]  # fmt: skip


def test_labels_in_capitals_are_not_found(tmp_path: Path) -> None:
    """Tools of Windows write `1.TXT`, which is another name elsewhere."""
    files = {name.replace("train/labels/1.txt", "train/labels/1.TXT"): content for name, content in both().items()}
    assert files.keys() != both().keys()
    found = read(tmp_path, files | {"data.yaml": YAML})
    assert problems(found, "no-label-file") == [
        ("unread-labels", "train/labels", None,
         "1 text file named like an image that has no label: labels are read from train/labels, and end in .txt, "
         "not .TXT")
    ]  # fmt: skip


def test_captions_are_no_labels_and_predictions_are_none_of_the_dataset(tmp_path: Path) -> None:
    more = {
        "train/images/none.jpg": "",
        "captions/none.txt": "a ship",
        "runs/detect/predict/2.jpg": "",
        "runs/detect/predict/labels/2.txt": "0 0.5 0.5 0.2 0.2 0.93\n",
        "test/labels/3.txt": BOX,
    }
    found = read(tmp_path, both() | more)
    assert [row[:2] for row in problems(found)] == [
        ("no-label-file", "train/images/none.jpg"),
        ("label-without-image", "test/labels/3.txt"),
    ]


def test_without_a_description_pictures_for_readers_are_no_samples(tmp_path: Path) -> None:
    files = {"images/1.jpg": "", "images/2.jpg": "", "labels/1.txt": BOX, "docs/shot.png": "", "logo.png": ""}
    found = read(tmp_path, files)
    assert [path for _, path in samples(found)] == ["images/1.jpg", "images/2.jpg"]
    assert dict(rows(found.skipped, "path", "reason")) == {
        "docs/shot.png": "documentation",
        "logo.png": "documentation",
    }


def test_images_that_no_split_names(tmp_path: Path) -> None:
    files = both() | {"extra/images/3.jpg": "", "extra/labels/3.txt": BOX, "docs/shot.png": ""}
    found = read(tmp_path, files)
    assert rows(found.skipped, "path", "reason") == [
        ("docs/shot.png", "documentation"),
        ("extra/images/3.jpg", "no-split"),
    ]


def test_a_cache_that_is_older_than_a_label_or_committed(tmp_path: Path) -> None:
    home = made(tmp_path, both() | {"train/labels.cache": "", "val/labels.cache": "", "models/best.cache": ""})
    os.utime(tmp_path / "train/labels.cache", (1, 1))
    found = dataset.read(open_worktree(home), root=".")
    assert problems(found) == [("label-cache", "train/labels.cache", None, "older than train/labels/1.txt")]
    create(tmp_path).git("add", "--all")
    staged = dataset.read(open_index(home), root=".")
    assert [row[1] for row in problems(staged)] == ["train/labels.cache", "val/labels.cache"]
    assert samples(staged) == WANTED
    assert rows(staged.annotations, "path", "line") == [("train/labels/1.txt", 1), ("val/labels/2.txt", 1)]


def test_splits_that_the_user_declares(tmp_path: Path) -> None:
    found = read(tmp_path, both(), splits={"train": "train", "val/images": "holdout"})
    assert samples(found) == [("train", "train/images/1.jpg"), ("holdout", "val/images/2.jpg")]


@pytest.mark.parametrize(
    ("yaml", "line", "words"),
    [
        ("train: train/images\nval: train/images\n", 2, "train and val are one folder or list, train/images"),
        ("train: all.txt\nval: all.txt\n", 2, "train and val are one folder or list, all.txt"),
        ("val: .\ntrain: train/images\n", 1, "train and val overlap: train/images lies in ."),
        ("train: [train/images, more]\nval: val/images\n", None, ""),
    ],
)
def test_two_splits_in_one_folder_are_one_finding(
    yaml: str, line: int | None, words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    files = both(yaml + "names: [cat, dog]\n") | {"train/images/33.jpg": "", "all.txt": "train/images/1.jpg\n"}
    files |= {"more/images/444.jpg": "", "train/labels/33.txt": BOX, "more/labels/444.txt": BOX}
    files["all.txt"] += "./train/images/33.jpg\n"
    monkeypatch.chdir(made(tmp_path, files))
    code, out, _ = say(capsys, "check", "--no-cache", "-o", "json", "--select", "leakage")
    found = [(each["rule"], each["path"], each["line"], each["message"]) for each in json.loads(out)["findings"]]
    assert found == ([("split-inside-split", "data.yaml", line, f"{words} (2 images): val scores what train has shown")]
                     if words else [])  # fmt: skip
    assert code == (1 if words else 0)


def test_two_descriptions(tmp_path: Path) -> None:
    two = {f"{home}/{name}": content for home in ("a", "b") for name, content in both().items()}
    with pytest.raises(UsageError, match=r"2 YOLO datasets lie here: a/data\.yaml, b/data\.yaml"):
        read(tmp_path / "apart", two)
    found = read(tmp_path / "beside", both() | {"one.yaml": YAML})
    assert found.assumptions[0].startswith("data.yaml was read, and not one.yaml")


def test_a_label_file_that_git_lfs_has_not_fetched(tmp_path: Path) -> None:
    pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 9\n"
    found = read(tmp_path, both() | {"val/labels/2.txt": pointer})
    assert rows(found.skipped, "path", "reason") == [("val/labels/2.txt", "lfs-pointer")]
    assert not problems(found)


@pytest.mark.parametrize(
    "files",
    [
        {"train/cat/1.jpg": "", "train/dog/2.jpg": "", "data.yaml": YAML},
        {"cat/1.jpg": "", "cat/1.txt": "a cat on a mat", "dog/2.jpg": "", "data.yaml": YAML},
        {"cat/1.jpg": "", "dog/2.jpg": "", "settings.yaml": "train: fast\nnames: yes\n", "requirements.txt": "numpy"},
        {"cat/1.jpg": "", "cat/1.txt": BOX, "dog/2.jpg": ""},
    ],
)
def test_folders_of_classes_are_not_taken_for_it(files: dict[str, str], tmp_path: Path) -> None:
    assert formats.recognise(listing(open_worktree(made(tmp_path, files)), ".")) is None


@pytest.mark.corpus
def test_ships(corpora: Path) -> None:
    """Every number of its README."""
    found = dataset.read(open_worktree(str(corpora)), root="ships-yolo")
    assert found.format == "yolo"
    splits = [split for (split,) in rows(found.samples, "split")]
    assert Counter(splits) == {"train": 405, "val": 99, "test": 63}
    assert {name for (name,) in rows(found.classes, "name")} == {"Ships"}
    detail = "val: ../valid/images is not there, but ships-yolo/validate/images is and was read as val"
    by_kind: dict[object, list[tuple[object, ...]]] = {}
    for row in problems(found):
        by_kind.setdefault(row[0], []).append(row)
    assert by_kind.pop("missing-split-folder") == [("missing-split-folder", "../valid/images", 2, detail)]
    assert Counter(str(row[1]).split("/")[1] for row in by_kind.pop("no-label-file")) == {"train": 88}
    assert Counter(str(row[1]).split("/")[1] for row in by_kind.pop("label-without-image")) == {"validate": 34}
    outside = [row for kind in ("not-normalised", "barely-not-normalised") for row in by_kind.pop(kind)]
    assert not by_kind
    assert Counter((str(row[1]).split("/")[1], str(row[3]).rpartition(", ")[2]) for row in outside) == {
        ("validate", "negative"): 4,
        ("validate", "over 1"): 1,
        ("test", "over 1"): 2,
    }
    lines = rows(found.annotations, "path", "category_id", "kind")
    for split, total, wrong, polygons in (("train", 472, 0, 0), ("validate", 154, 134, 70), ("test", 82, 54, 42)):
        here = [row for row in lines if f"/{split}/" in str(row[0])]
        assert (len(here), sum(row[1] != 0 for row in here)) == (total, wrong)
        assert sum(row[2] == "polygon" for row in here) == polygons
    assert max(int(str(row[1])) for row in lines) == 44


@pytest.mark.corpus
@pytest.mark.parametrize(
    ("corpus", "splits", "n_annotations", "kinds"),
    [
        ("yolo_dataset/labels", ["train", "val"], 4, set()),
        ("yolo_dataset/strict", ["train"], 2, set()),
        ("yolo_dataset/annotations", [None], 0, {"no-label-file", "unread-labels"}),
        ("roboflow_dataset/yolo", ["train", "train", "val"], 4, {"missing-split-folder"}),
        ("roboflow_dataset/yolo_obb", ["train", "train", "val"], 0,
         {"missing-split-folder", "no-label-file", "unread-labels"}),
    ],
)  # fmt: skip
def test_the_variants_of_datumaro(
    corpora: Path, corpus: str, splits: list[str | None], n_annotations: int, kinds: set[str]
) -> None:
    found = dataset.read(open_worktree(str(corpora)), root=f"datumaro-assets/{corpus}")
    assert found.format == "yolo"
    assert [split for (split,) in rows(found.samples, "split")] == splits
    assert len(found.annotations) == n_annotations
    assert {kind for (kind,) in rows(found.problems, "kind")} == kinds
