"""What sound archives hold: samples by key, labels, splits, and where each image lies."""

from __future__ import annotations

import gzip
import json
import tarfile
from typing import TYPE_CHECKING

import pytest

from datalint.entry import PartLocator
from datalint.errors import UsageError
from datalint.source.part import PartReader
from tests.dataset.webdataset.tars import Named, found, image, pack, samples

if TYPE_CHECKING:
    from pathlib import Path

    from tests.dataset.webdataset.tars import Mode

FORMATS = {"gnu": tarfile.GNU_FORMAT, "pax": tarfile.PAX_FORMAT, "ustar": tarfile.USTAR_FORMAT}


@pytest.mark.parametrize(("name", "mode"), [("a.tar", "w"), ("a.tgz", "w:gz"), ("a.tar.gz", "w:gz"), ("a.tar", "w:gz")])
@pytest.mark.parametrize("format_", FORMATS)
def test_each_image_lies_where_its_entry_says(name: str, mode: Mode, format_: str, tmp_path: Path) -> None:
    members = [(f"some folder/{name}", content) for name, content in samples(12)]
    members.insert(0, (f"{'long/' * 16}name{'x' * 80}.png", image(99)))
    pack(tmp_path / name, members, mode, FORMATS[format_])
    read = found(tmp_path)
    images = dict(member for member in members if member[0].endswith(".png"))
    reader, contents = PartReader(), {}
    for entry in read.dataset.files:
        assert isinstance(entry.locator, PartLocator)
        assert entry.locator.named
        assert entry.locator.codec == ("gzip" if mode == "w:gz" else "plain")
        contents[entry.path.removeprefix(f"{name}#")] = reader.read(entry.locator)
    assert contents == images
    assert read.shard(name)["records"] == 13
    assert (read.shard(name)["status"], read.shard(name)["cause"]) == ("ok", None)
    # The long name alone has no label.
    assert read.kinds == {"incomplete-sample"}


def test_labels_are_integers_as_webdataset_decodes_them(tmp_path: Path) -> None:
    pack(tmp_path / "a.tar", [("0.png", image(0)), ("0.cls", b"7\n"), ("1.png", image(1)), ("1.cls", b" 07 ")])
    read = found(tmp_path)
    assert [(row["label"], row["label_index"]) for row in read.rows("samples")] == [("7", 7), ("7", 7)]
    (row,) = read.rows("classes")
    assert (row["name"], row["index"], row["loader"], row["n_samples"]) == ("7", 7, "webdataset", 2)


def test_labels_may_be_words(tmp_path: Path) -> None:
    pack(tmp_path / "a.tar", [("0.png", image(0)), ("0.cls", b"dog"), ("1.jpg", image(1, "jpg")), ("1.cls", b"cat")])
    assert [(row["label"], row["label_index"]) for row in found(tmp_path).rows("samples")] == [("dog", 1), ("cat", 0)]


def json_samples() -> list[Named]:
    members: list[Named] = []
    for number in range(4):
        about = {"label": number % 2, "meta": {"kind": "ab"[number % 2], "who": f"p{number}"}, "use": "valid"}
        members += [(f"{number}.png", image(number)), (f"{number}.json", json.dumps(about).encode())]
    return members


@pytest.mark.parametrize(
    ("written", "labels"), [("json.label", ["0", "1"]), ("label", ["0", "1"]), ("json.meta.kind", ["a", "b"])]
)
def test_a_key_of_json_is_the_label_where_it_is_declared(written: str, labels: list[str], tmp_path: Path) -> None:
    pack(tmp_path / "a.tar", json_samples())
    assert found(tmp_path, columns={"label": written}).labels == labels * 2
    undeclared = found(tmp_path)
    assert undeclared.labels == [None] * 4
    assert "json.KEY" in undeclared.dataset.assumptions[0]


def test_groups_and_splits_may_be_keys_of_json(tmp_path: Path) -> None:
    pack(tmp_path / "train.tar", json_samples())
    rows = found(tmp_path, columns={"group": "json.meta.who", "split": "json.use"}).rows("samples")
    assert [(row["group_key"], row["split"]) for row in rows] == [(f"p{number}", "val") for number in range(4)]
    cells = {row["split"] for row in found(tmp_path, columns={"split": "json.use"}).rows("samples")}
    assert cells == {"val"}
    with pytest.raises(UsageError, match=r"dataset\.splits\.train: no sample whose split is 'gone'"):
        found(tmp_path, columns={"split": "json.use"}, splits={"gone": "train"})


def test_a_label_that_is_nowhere_is_a_mistake_in_the_configuration(tmp_path: Path) -> None:
    pack(tmp_path / "a.tar", json_samples())
    with pytest.raises(UsageError, match=r"no sample has a member or a JSON key 'json\.klass'") as caught:
        found(tmp_path, columns={"label": "json.klass"})
    assert caught.value.keys == ("dataset", "columns", "label")
    assert "png, json" in caught.value.hint
    for part in ("path", "group", "split"):
        with pytest.raises(UsageError, match=r"no sample has an? .* 'json\.gone'") as caught:
            found(tmp_path, columns={part: "json.gone"})
        assert caught.value.keys == ("dataset", "columns", part)


def test_texts_are_labels_only_while_they_repeat(tmp_path: Path) -> None:
    classes = [(f"{number}.{kind}", content) for number in range(8)
               for kind, content in (("png", image(number)), ("txt", b"cat" if number % 2 else b"dog"))]  # fmt: skip
    pack(tmp_path / "classes/a.tar", classes)
    labelled = found(tmp_path, "classes")
    assert labelled.labels == ["dog", "cat"] * 4
    assert "2 different texts in 8 samples" in labelled.dataset.assumptions[0]
    captions = [(name, content + name.encode() if name.endswith("txt") else content) for name, content in classes]
    pack(tmp_path / "captions/a.tar", captions)
    assert found(tmp_path, "captions").labels == [None] * 8
    assert found(tmp_path, "captions", columns={"label": "txt"}).labels[0] == "dog0.txt"


def test_of_several_images_the_plain_one_is_the_sample(tmp_path: Path) -> None:
    members = [("0.seg.png", image(9)), ("0.jpg", image(0, "jpg")), ("0.cls", b"1")]
    pack(tmp_path / "a.tar", members)
    read = found(tmp_path)
    assert [entry.path for entry in read.dataset.files] == ["a.tar#0.jpg"]
    assert any(".seg.png" in note for note in read.dataset.assumptions)
    assert [entry.path for entry in found(tmp_path, columns={"path": "seg.png"}).dataset.files] == ["a.tar#0.seg.png"]


@pytest.mark.parametrize(
    ("names", "splits"),
    [
        (["train-000000.tar", "train-000001.tar", "val-000000.tar"], ["train", "train", "val"]),
        (["imagenet-train-0.tar", "imagenet-val-0.tar"], ["train", "val"]),
        (["train/0.tar", "validation/0.tar"], ["train", "val"]),
        (["shard-0.tar", "shard-1.tar"], [None, None]),
    ],
)
def test_splits_are_told_by_names(names: list[str], splits: list[str | None], tmp_path: Path) -> None:
    for number, name in enumerate(names):
        pack(tmp_path / name, samples(2, start=2 * number))
    read = found(tmp_path)
    assert [row["split"] for row in read.rows("shards")] == splits
    assert [row["split"] for row in read.rows("samples")] == [split for split in splits for _ in range(2)]


def test_splits_can_be_declared(tmp_path: Path) -> None:
    for number in range(4):
        pack(tmp_path / f"data-{number:04}.tar", samples(1, start=number))
    declared = {"data-{0000..0002}.tar": "train", "data-0003.tar": "val"}
    assert [row["split"] for row in found(tmp_path, splits=declared).rows("samples")] == ["train"] * 3 + ["val"]
    with pytest.raises(UsageError, match="no archive is called 'date-0003'"):
        found(tmp_path, splits={"date-0003": "val"})
    with pytest.raises(UsageError, match=r"data-0003.tar is in train already"):
        found(tmp_path, splits={"data-*": "train", "data-0003.tar": "val"})


def test_a_name_says_which_shard_of_how_many_it_is(tmp_path: Path) -> None:
    for name in ("train-00001-of-00007.tar", "PASS.3.tar", "0002.tar", "train2017.tar"):
        pack(tmp_path / name, samples(1))
    numbers = {
        row["path"]: (row["series"], row["number"], row["declared_shards"]) for row in found(tmp_path).rows("shards")
    }
    assert numbers == {
        "train-00001-of-00007.tar": ("train", 1, 7),
        "PASS.3.tar": ("PASS", 3, None),
        "0002.tar": ("", 2, None),
        "train2017.tar": ("train2017", None, None),
    }


def test_a_pattern_names_archives_and_misses_those_that_are_gone(tmp_path: Path) -> None:
    for number in (0, 1, 3):
        pack(tmp_path / f"data/shard-{number:06}.tar", samples(2, start=2 * number))
    read = found(tmp_path, "data/shard-{000000..000003}.tar")
    assert len(read.rows("samples")) == 6
    missing = read.shard("data/shard-000002.tar")
    assert (missing["status"], missing["records"]) == ("missing", None)


def test_one_archive_is_a_dataset(tmp_path: Path) -> None:
    pack(tmp_path / "data/a.tgz", samples(3), "w:gz")
    read = found(tmp_path, "data/a.tgz")
    assert read.labels == ["0", "1", "2"]
    assert read.shard("data/a.tgz")["compression"] == "gzip"


def test_keys_of_one_name_in_two_folders_are_two_samples(tmp_path: Path) -> None:
    members = [(f"{folder}/{name}", content) for folder in ("a.b", "c") for name, content in samples(2)]
    pack(tmp_path / "a.tar", members)
    read = found(tmp_path)
    assert read.shard("a.tar")["records"] == 4
    assert read.kinds == set()


def test_a_second_gzip_stream_goes_on_where_the_first_ends(tmp_path: Path) -> None:
    pack(tmp_path / "plain.tar", samples(4))
    content = (tmp_path / "plain.tar").read_bytes()
    (tmp_path / "plain.tar").unlink()
    (tmp_path / "a.tar.gz").write_bytes(gzip.compress(content[:700]) + gzip.compress(content[700:]))
    read = found(tmp_path)
    assert (read.shard("a.tar.gz")["status"], read.shard("a.tar.gz")["records"]) == ("ok", 4)


def dotted(number: int, name: str) -> list[Named]:
    return [member for each in range(number) for member in (
        (name.format(each, "png"), image(each)), (name.format(each, "cls"), b"1"))]  # fmt: skip


@pytest.mark.parametrize(
    ("number", "name", "told"),
    [
        (10, "scan.2020.{:04}.{}", True),
        (10, "{:04}.{}", False),
        (10, "{:04}.left.{}", False),
        (9, "scan.2020.{:04}.{}", False),
        # One image a sample, in a field that no loader can name.
        (10, "{0}.v{0}.{1}", True),
    ],
)
def test_names_with_several_dots_make_fields_that_nobody_can_name(
    tmp_path: Path, number: int, name: str, told: bool
) -> None:
    pack(tmp_path / "a.tar", dotted(number, name))
    read = found(tmp_path)
    assert ("dotted-key" in read.kinds) is told
    if told:
        (row,) = read.problems("dotted-key")
        assert str(row["detail"]).startswith(f"{number} images are {'one sample' if 'scan' in name else '10 samples'}")
        assert row["manifest"] == "a.tar"


def test_frames_of_a_video_have_names_that_come_again(tmp_path: Path) -> None:
    frames = [(f"clip{clip}.{frame:02}.png", image(frame)) for clip in range(3) for frame in range(12)]
    pack(tmp_path / "a.tar", frames)
    assert "dotted-key" not in found(tmp_path).kinds
