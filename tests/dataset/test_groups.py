"""Groups by the names of files, declared or Roboflow's, in every kind of dataset."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest

from datalint import dataset
from datalint.dataset import groups
from datalint.source.worktree import open_worktree
from tests.dataset.manifests import rows
from tests.dataset.tfrecord.records import example, png, write
from tests.dataset.webdataset import tars
from tests.e2e.conftest import picture

if TYPE_CHECKING:
    from pathlib import Path

    from datalint.dataset import Dataset

HASH = [f"{number:032x}" for number in range(9)]
BOX = "0 0.5 0.5 0.2 0.2\n"


def read(home: Path, *names: str, root: str = ".", **options: Any) -> Dataset:
    """A dataset of pictures, each with a line of YOLO beside it where it lies in `images`."""
    for seed, name in enumerate(names):
        picture(home / name, seed, size=8)
        if "images/" in name:
            text = home / name.replace("images/", "labels/").replace(".jpg", ".txt")
            text.parent.mkdir(parents=True, exist_ok=True)
            text.write_text(BOX)
    return dataset.read(open_worktree(str(home)), root=root, **options)


def keys(found: Dataset) -> dict[object, object]:
    return dict(rows(found.samples, "path", "group_key"))


def about(found: Dataset) -> tuple[object, ...]:
    return found.group_column, found.group_pattern, found.group_guessed


def test_the_copies_of_one_photograph_are_a_group_in_both_splits(tmp_path: Path) -> None:
    names = (f"train/images/boat_jpg.rf.{HASH[1]}.jpg", f"valid/images/boat_jpg.rf.{HASH[2]}.jpg")
    (tmp_path / "data.yaml").write_text("names: [ship]\n")
    found = read(tmp_path, *names, "train/images/plain.jpg", "train/images/a.rf.jpg")
    assert found.format == "yolo"
    assert keys(found) == {
        **dict.fromkeys(names, "boat_jpg"),
        "train/images/plain.jpg": None,
        "train/images/a.rf.jpg": None,
    }
    assert about(found) == (None, "{group}.rf.*", True)
    assert list(groups.notes(found)) == ["groups are by Roboflow's names: 2 images of 1 photograph"]
    assert found.tables(source="worktree")["dataset"].columns["group_pattern"] == ["{group}.rf.*"]


def test_photographs_of_one_name_in_two_classes_are_two(tmp_path: Path) -> None:
    found = read(tmp_path, f"train/cat/1_jpg.rf.{HASH[1]}.jpg", f"val/dog/1_jpg.rf.{HASH[2]}.jpg", root=".")
    assert sorted(map(str, keys(found).values())) == ["cat/1_jpg", "dog/1_jpg"]
    assert about(found) == (None, "{group}/{group}.rf.*", True)
    assert list(groups.notes(found)) == []


@pytest.mark.parametrize(
    "name", ["a.rf.b.jpg", f"a.rf.{HASH[1][:-1]}.jpg", f"a.rf.{HASH[1]}0.jpg", f".rf.{HASH[1]}.jpg"]
)
def test_what_roboflow_did_not_name_has_no_group(name: str, tmp_path: Path) -> None:
    found = read(tmp_path, f"train/cat/{name}", f"train/dog/{name}")
    assert about(found) == (None, None, False)
    assert set(keys(found).values()) == {None}


def test_a_declared_pattern_takes_the_place_of_roboflows_names(tmp_path: Path) -> None:
    names = (f"train/cat/v1_mp4-{number}_jpg.rf.{HASH[number]}.jpg" for number in (1, 2))
    found = read(tmp_path, *names, "train/dog/x.jpg", group="{group}_mp4-*")
    assert Counter(keys(found).values()) == {"v1": 2, None: 1}
    assert about(found) == (None, "{group}_mp4-*", False)
    assert list(groups.notes(found)) == [
        "dataset.group: 1 image of 3 has no group by '{group}_mp4-*' (first: train/dog/x.jpg)"
    ]


def test_no_part_of_a_path_above_the_dataset_is_a_group(tmp_path: Path) -> None:
    assert set(keys(read(tmp_path, "p1/train/cat/1.jpg", root="p1", group="{group}/*/*/*")).values()) == {None}
    assert set(keys(read(tmp_path, "p1/train/cat/1.jpg", root="p1", group="{group}/*/*")).values()) == {"train"}


def test_a_pattern_that_holds_no_two_images_together_is_said_to(tmp_path: Path) -> None:
    found = read(tmp_path, "cat/a_1.jpg", "dog/b_1.jpg", group="{group}_#")
    assert list(groups.notes(found)) == ["dataset.group: '{group}_#' makes each image a group of its own"]


CSV = "path,label,split,scene\na_1.jpg,cat,train,s1\na_2.jpg,cat,val,s2\n"


def test_beside_a_declared_pattern_no_column_is_guessed_to_be_the_group(tmp_path: Path) -> None:
    (tmp_path / "all.csv").write_text(CSV)
    found = read(tmp_path, "a_1.jpg", "a_2.jpg", root="all.csv", group="{group}_#")
    assert rows(found.samples, "group_key", "scene") == [("a", "s1"), ("a", "s2")]
    assert about(found) == (None, "{group}_#", False)
    assert found.assumptions == ("columns were guessed: path from 'path', label from 'label', split from 'split'",)


def test_a_column_counts_more_than_roboflows_names(tmp_path: Path) -> None:
    names = [f"a_jpg.rf.{hash_}.jpg" for hash_ in HASH[:2]]
    (tmp_path / "all.csv").write_text("path,label,scene\n" + "".join(f"{name},cat,s1\n" for name in names))
    found = read(tmp_path, *names, root="all.csv")
    assert set(keys(found).values()) == {"s1"}
    assert about(found) == ("scene", None, True)


def test_members_of_an_archive_have_names_of_their_own(tmp_path: Path) -> None:
    image = tars.image(1)
    for split, hash_ in (("train", HASH[1]), ("val", HASH[2])):
        members = [(f"x#/boat_jpg.rf.{hash_}.png", image), (f"x#/boat_jpg.rf.{hash_}.cls", b"0")]
        tars.pack(tmp_path / f"{split}#-000000.tar", members)
    source = open_worktree(str(tmp_path))
    found = dataset.read(source, root=".", format="webdataset")
    assert (set(keys(found).values()), found.group_pattern) == ({"boat_jpg"}, "{group}.rf.*")
    of_archive = dataset.read(source, root=".", format="webdataset", group="{group}-#.tar/*/*")
    assert set(keys(of_archive).values()) == {"train#", "val#"}


def test_a_record_is_named_by_its_shard(tmp_path: Path) -> None:
    for name in ("p1-00000-of-00001", "p2-00000-of-00001"):
        write(tmp_path / name, [example({"image/encoded": png(n), "image/class/label": 1}) for n in range(2)])
    found = read(tmp_path, format="tfrecord", group="{group}-#-of-#")
    assert Counter(keys(found).values()) == {"p1": 2, "p2": 2}
    assert about(found) == (None, "{group}-#-of-#", False)
