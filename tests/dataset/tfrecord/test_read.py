"""A dataset from shards: which features are read, what the splits are, and what is said where records differ."""

from __future__ import annotations

import struct
from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest

from datalint import dataset
from datalint.dataset import formats
from datalint.dataset.listing import listing
from datalint.entry import PartLocator, Pixels
from datalint.errors import UsageError
from datalint.facts.cache import NullCache
from datalint.facts.gather import gather
from datalint.source.part import PartReader
from datalint.source.worktree import open_worktree
from tests.dataset.tfrecord import records
from tests.dataset.tfrecord.records import example, png, write

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from datalint.dataset.model import Dataset
    from datalint.tables import Data
    from tests.dataset.tfrecord.records import Value


def read(home: Path, *, root: str = ".", **words: Any) -> Dataset:
    return dataset.read(open_worktree(str(home)), root=root, **words)


def rows(data: Data, *names: str) -> list[tuple[Any, ...]]:
    return list(zip(*(data.columns[name] for name in names), strict=True))


def imagenet(number: int, **more: Value) -> bytes:
    values: dict[str, Value] = {
        "image/encoded": png(number), "image/class/label": number % 3 + 1, "image/class/text": "abc"[number % 3],
        "image/height": 10, "image/width": 12,
    }  # fmt: skip
    return example({**values, **{name.replace("__", "/"): value for name, value in more.items()}})


def problem(found: Dataset, kind: str) -> tuple[Any, ...]:
    [row] = [row[1:] for row in rows(found.problems, "kind", "path", "record", "feature", "detail") if row[0] == kind]
    return row


# --- features ---


def test_features_of_imagenet_are_found_and_said(tmp_path: Path) -> None:
    write(tmp_path / "train-00000-of-00001", [imagenet(number) for number in range(5)])
    found = read(tmp_path)
    assert rows(found.samples, "path", "split", "label", "label_index", "record", "declared_width")[:2] == [
        ("train-00000-of-00001#0", "train", "a", 1, 0, 12),
        ("train-00000-of-00001#1", "train", "b", 2, 1, 12),
    ]
    assert rows(found.classes, "name", "index", "n_samples") == [("a", 1, 2), ("b", 2, 2), ("c", 3, 1)]
    said = " ".join(found.assumptions)
    assert "'image/encoded'" in said
    assert "'image/class/label'" in said
    assert "dataset.columns" in said
    locator = found.files[1].locator
    assert isinstance(locator, PartLocator)
    content = (tmp_path / "train-00000-of-00001").read_bytes()
    assert content[locator.offset : locator.offset + locator.size] == png(1)


def test_images_are_found_by_their_bytes_under_any_name(tmp_path: Path) -> None:
    write(tmp_path / "a.tfrecord", [example(scan=png(1), mask=png(2), y=number) for number in range(3)])
    found = read(tmp_path)
    assert [entry.size for entry in found.files] == [len(png(1))] * 3
    assert found.samples.columns["label"] == ["0", "1", "2"]


def test_of_several_features_the_declared_one_is_read(tmp_path: Path) -> None:
    write(tmp_path / "a.tfrecord", [example(left=png(1), right=png(20, (30, 30)), kind="x", who="p1")] * 2)
    guessed = read(tmp_path)
    assert "not from 'right'" in guessed.assumptions[0]
    found = read(tmp_path, columns={"image": "right", "label": "kind", "group": "who"})
    assert [entry.size for entry in found.files] == [len(png(20, (30, 30)))] * 2
    assert rows(found.samples, "label", "label_index", "group_key") == [("x", 0, "p1")] * 2
    assert (found.group_column, found.assumptions) == ("who", ())


@pytest.mark.parametrize(
    ("columns", "words"),
    [
        ({"image": "picture"}, "dataset.columns.image: no feature 'picture'"),
        ({"path": "file"}, "dataset.columns.path is not used"),
    ],
)
def test_what_no_record_has_is_refused(columns: Mapping[str, str], words: str, tmp_path: Path) -> None:
    write(tmp_path / "a.tfrecord", [example(image=png(1), label=1)])
    with pytest.raises(UsageError, match=words) as refusal:
        read(tmp_path, columns=columns)
    assert "image" in refusal.value.hint


LABELS: list[tuple[str, list[Value], list[str | None]]] = [
    ("a number", [7, 300, -1], ["7", "300", "-1"]),
    ("a name", ["cat", "dög", "cat"], ["cat", "dög", "cat"]),
    ("a float without a fraction", [1.0, 2.0, 0.0], ["1", "2", "0"]),
    ("one-hot integers", [[1, 0, 0], [0, 0, 1], [0, 1, 0]], ["0", "2", "1"]),
    ("one-hot floats", [[0.0, 1.0], [1.0, 0.0], [0.0, 1.0]], ["1", "0", "1"]),
]


@pytest.mark.parametrize(("values", "labels"), [case[1:] for case in LABELS], ids=[case[0] for case in LABELS])
def test_labels_are_read_as_they_are_written(values: list[Value], labels: list[str | None], tmp_path: Path) -> None:
    write(tmp_path / "a.tfrecord", [example(image=png(n), label=value) for n, value in enumerate(values)])
    assert read(tmp_path).samples.columns["label"] == labels


@pytest.mark.parametrize(
    ("value", "reason"), [(0.25, "fractions"), ([1, 0, 1], "several values"), (png(4), "images"), ("x" * 300, "256")]
)
def test_what_is_no_label_is_not_taken_for_one(value: Value, reason: str, tmp_path: Path) -> None:
    write(tmp_path / "a.tfrecord", [example(image=png(n), label=value) for n in range(3)])
    found = read(tmp_path)
    assert found.samples.columns["label"] == [None] * 3
    assert reason in found.assumptions[-1]
    assert len(found.problems) == 0


def test_a_table_has_no_image_and_its_features_are_named(tmp_path: Path) -> None:
    write(tmp_path / "a.tfrecord", [example(fare=1.5, company="x", stops=[1, 2])])
    found = read(tmp_path)
    assert len(found.samples) == 0
    assert problem(found, "no-image-feature")[-1] == "company (bytes), fare (float), stops (int64)"


# --- arrays ---


def test_arrays_have_the_size_that_their_record_states(tmp_path: Path) -> None:
    sizes = [(4, 6), (5, 3), (4, 4)]
    write(
        tmp_path / "train.tfrecord",
        [example(image_raw=bytes(h * w * 3), height=h, width=w, depth=3, label=1) for h, w in sizes],
    )
    found = read(tmp_path)
    assert [getattr(entry.locator, "pixels", None) for entry in found.files] == [Pixels(h, w, 3) for h, w in sizes]
    assert "pixels as they are" in found.assumptions[0]


@pytest.mark.parametrize(
    ("value", "pixels"),
    [
        (bytes(784), Pixels(28, 28, 1)),
        (bytes(3072), Pixels(32, 32, 3)),
        ([0.5] * 784, Pixels(28, 28, 1, 32)),
        ([200] * 3072, Pixels(32, 32, 3, 64)),
        (bytes(1001), Pixels(0, 0, 0)),
    ],
)
def test_arrays_of_one_length_are_square_or_of_unknown_size(value: Value, pixels: Pixels, tmp_path: Path) -> None:
    write(tmp_path / "train.tfrecord", [example(image=value, label=n) for n in range(3)])
    found = read(tmp_path)
    assert [getattr(entry.locator, "pixels", None) for entry in found.files] == [pixels] * 3


def test_an_array_of_another_length_is_told_and_never_called_an_image(tmp_path: Path) -> None:
    values = [bytes(784)] * 6 + [bytes(783)]
    write(tmp_path / "train.tfrecord", [example(image=value, label=1) for value in values])
    found = read(tmp_path)
    path, record, feature, detail = problem(found, "array-size")
    assert (path, record, feature) == ("train.tfrecord", 6, "image")
    assert "783 bytes, where the first records have 784" in detail
    assert getattr(found.files[6].locator, "pixels", None) == Pixels(0, 0, 0)


@pytest.mark.parametrize(("pixel", "bits"), [(0.25, 32), (3, 64), (200, 64), (70_000, 64)])
def test_lists_of_numbers_have_the_size_that_their_record_states(pixel: float, bits: int, tmp_path: Path) -> None:
    sizes = [(4, 6), (5, 3), (4, 4)]
    values: list[Value] = [[pixel] * (h * w * 3) for h, w in sizes]
    records = [example(image=value, height=h, width=w, label=1) for value, (h, w) in zip(values, sizes, strict=True)]
    write(tmp_path / "train.tfrecord", records)
    found = read(tmp_path)
    assert [getattr(entry.locator, "pixels", None) for entry in found.files] == [
        Pixels(h, w, 3, bits) for h, w in sizes
    ]
    facts = gather(found.files, cache=NullCache()).data.columns
    assert facts["status"] == ["ok"] * 3
    assert list(zip(facts["height"], facts["width"], facts["channels"], strict=True)) == [(h, w, 3) for h, w in sizes]
    assert facts["decoded_bytes"] == [h * w * 3 * bits // 8 for h, w in sizes]


def test_what_is_judged_of_a_list_of_floats_are_its_numbers(tmp_path: Path) -> None:
    numbers = [n / 8 for n in range(768)]
    write(tmp_path / "train.tfrecord", [example(image=numbers, label=1)])
    [entry] = read(tmp_path).files
    assert isinstance(entry.locator, PartLocator)
    assert PartReader().read(entry.locator) == struct.pack("<768f", *numbers)


def test_a_list_of_another_length_is_told(tmp_path: Path) -> None:
    values = [[0.5] * 784] * 6 + [[0.5] * 783]
    write(tmp_path / "train.tfrecord", [example(image=value, label=1) for value in values])
    found = read(tmp_path)
    assert problem(found, "array-size")[-1] == "'image' has 783 values, where the first records have 784"
    assert getattr(found.files[6].locator, "pixels", None) == Pixels(0, 0, 0, 32)


def test_bytes_of_many_lengths_called_image_are_judged_as_image_files(tmp_path: Path) -> None:
    write(tmp_path / "train.tfrecord", [example(image=bytes(20 + n), label=1) for n in range(4)])
    assert {getattr(entry.locator, "pixels", None) for entry in read(tmp_path).files} == {None}


# --- sequences ---


def test_each_frame_of_a_sequence_is_an_image_of_its_group(tmp_path: Path) -> None:
    videos = [records.sequence({"label": n}, {"frames": [png(n), png(n + 9)]}) for n in range(2)]
    found = read(write(tmp_path / "train.tfrecord", videos).parent)
    assert rows(found.samples, "path", "label", "group_key", "record") == [
        ("train.tfrecord#0[0]", "0", "train.tfrecord#0", 0),
        ("train.tfrecord#0[1]", "0", "train.tfrecord#0", 0),
        ("train.tfrecord#1[0]", "1", "train.tfrecord#1", 1),
        ("train.tfrecord#1[1]", "1", "train.tfrecord#1", 1),
    ]
    content = (tmp_path / "train.tfrecord").read_bytes()
    locators = [entry.locator for entry in found.files]
    assert all(isinstance(each, PartLocator) for each in locators)
    read_back = [content[each.offset :][: each.size] for each in locators if isinstance(each, PartLocator)]
    assert read_back == [png(0), png(9), png(1), png(10)]


def test_an_image_in_the_context_of_a_sequence_is_read(tmp_path: Path) -> None:
    write(tmp_path / "a.tfrecord", [records.sequence({"image": png(1), "label": 2}, {"words": ["a", "b"]})])
    assert rows(read(tmp_path).samples, "label", "record") == [("2", 0)]


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
@pytest.mark.parametrize("place", [1, 40])
def test_a_label_of_nan_is_none_and_the_others_stay_labels(value: float, place: int, tmp_path: Path) -> None:
    """Among the first records, by which features are told, and beyond them."""
    labels = [float(number % 2) for number in range(60)]
    labels[place] = value
    write(tmp_path / "a.tfrecord", [example(image=png(n), label=label) for n, label in enumerate(labels)])
    found = read(tmp_path)
    path, record, _, detail = problem(found, "non-finite-number")
    assert (path, record, detail) == ("a.tfrecord", place, f"the feature 'label' has {value}")
    assert found.samples.columns["label"].count(None) == 1
    assert {*found.samples.columns["label"]} == {"0", "1", None}


# --- boxes ---


def boxes(number: int, count: int, **more: Value) -> bytes:
    side = [0.1] * count
    values: dict[str, Value] = {
        "image/encoded": png(number), "image/object/bbox/xmin": side, "image/object/bbox/ymin": side,
        "image/object/bbox/xmax": [0.5] * count, "image/object/bbox/ymax": [0.9] * count,
        "image/object/class/label": [1, 2, 1][:count],
    }  # fmt: skip
    return example({**values, **{name.replace("__", "/"): value for name, value in more.items()}})


def test_boxes_are_annotations_named_by_the_label_map(tmp_path: Path) -> None:
    write(tmp_path / "train.record-00000-of-00001", [boxes(1, 2), boxes(2, 0), boxes(3, 1)])
    (tmp_path / "label_map.pbtxt").write_text(
        "# a comment\nitem {\n  id: 1\n  name: 'cat'\n}\n"
        "item { name: \"dog\" id: 2 }\nitem {id: 3 display_name: 'owl'}\n"
    )
    found = read(tmp_path)
    assert found.task == "detection"
    assert rows(found.annotations, "sample_id", "category", "category_id", "normalised") == [
        (0, "cat", 1, True), (0, "dog", 2, True), (2, "cat", 1, True),
    ]  # fmt: skip
    [x, _, width, height] = [found.annotations.columns[name][0] for name in ("x", "y", "width", "height")]
    assert (x, width, height) == pytest.approx((0.1, 0.4, 0.8))
    assert rows(found.classes, "name", "index", "n_samples") == [("cat", 1, 2), ("dog", 2, 1), ("owl", 3, 0)]
    assert found.samples.columns["label"] == [None] * 3


def test_lists_of_boxes_of_different_lengths_are_told(tmp_path: Path) -> None:
    write(tmp_path / "train.tfrecord", [boxes(1, 2), boxes(2, 2, image__object__class__label=[1])])
    path, record, _, detail = problem(read(tmp_path), "box-lists")
    assert (path, record) == ("train.tfrecord", 1)
    assert "2 xmin" in detail
    assert "1 labels" in detail


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
def test_a_box_without_a_finite_side_has_no_place(value: float, tmp_path: Path) -> None:
    odd = boxes(2, 2, image__object__bbox__xmax=[0.5, value], image__object__bbox__ymax=[value, 0.9])
    write(tmp_path / "train.tfrecord", [boxes(1, 2), odd, boxes(3, 1), odd])
    found = read(tmp_path)
    path, record, feature, detail = problem(found, "non-finite-number")
    assert (path, record, feature) == ("train.tfrecord", 1, None)
    assert detail == f"the feature 'image/object/bbox/xmax' has {value} (and 1 more)"
    assert [x is None for x in found.annotations.columns["x"]] == [False, False, True, True, False, True, True]


MAP = "item {\n  id: 1\n  name: 'cat'\n}\nitem {\n  id: 2\n  name: 'dog'\n}\n"


@pytest.mark.parametrize(
    ("label", "text", "kind", "words"),
    [
        (1, "dog", "label-name", "'dog' has the label 1 here, and 2 in the label map"),
        (0, "cat", "label-name", "'cat' has the label 0 here, and 1 in the label map"),
        (3, "owl", "label-out-of-range", "record 1 has a box of the label 3, which the label map does not have"),
        (3, "", "label-out-of-range", "record 1 has a box of the label 3, which the label map does not have"),
    ],
)
def test_a_box_whose_number_contradicts_its_name(label: int, text: str, kind: str, words: str, tmp_path: Path) -> None:
    """Datasets that were merged, of which each has a label map of its own."""
    sound = boxes(1, 2, image__object__class__text=[b"cat", b"dog"])
    odd = boxes(2, 1, image__object__class__text=[text.encode()], image__object__class__label=[label])
    write(tmp_path / "train.tfrecord", [sound, odd])
    (tmp_path / "label_map.pbtxt").write_text(MAP)
    found = read(tmp_path)
    assert problem(found, kind) == ("train.tfrecord", 1, None, words)
    assert len(found.problems) == 1


@pytest.mark.parametrize("texts", [[b"cat", b"dog"], [b"Cat", b"Dog"], [b"", b""], None], ids=str)
def test_boxes_that_agree_with_the_label_map_are_silent(texts: list[bytes] | None, tmp_path: Path) -> None:
    """Texts that are no name of it may be display names."""
    write(tmp_path / "train.tfrecord", [boxes(number, 2, image__object__class__text=texts) for number in range(3)])
    (tmp_path / "label_map.pbtxt").write_text(MAP)
    assert len(read(tmp_path).problems) == 0


def test_labels_that_begin_with_0_are_none_of_a_map_that_begins_with_1(tmp_path: Path) -> None:
    shifted = boxes(2, 2, image__object__class__text=None, image__object__class__label=[0, 1])
    write(tmp_path / "train.tfrecord", [shifted])
    (tmp_path / "label_map.pbtxt").write_text(MAP)
    _, _, _, words = problem(read(tmp_path), "label-out-of-range")
    assert words == "record 0 has a box of the label 0, which the label map does not have"


def test_a_box_without_a_class_is_no_class_that_the_map_lacks(tmp_path: Path) -> None:
    odd = boxes(2, 1, image__object__class__text=[b""], image__object__class__label=[0])
    write(tmp_path / "train.tfrecord", [boxes(1, 2, image__object__class__text=[b"cat", b"dog"]), odd])
    (tmp_path / "label_map.pbtxt").write_text(MAP)
    assert len(read(tmp_path).problems) == 0


def test_one_name_beside_two_numbers_needs_no_label_map(tmp_path: Path) -> None:
    one, other = (boxes(1, 1, image__object__class__text=[b"cat"], image__object__class__label=[n]) for n in (1, 2))
    write(tmp_path / "train.tfrecord", [one, other])
    _, record, _, detail = problem(read(tmp_path), "label-name")
    assert (record, detail) == (1, "'cat' has the label 2 here, and 1 elsewhere")


# --- records that differ ---


def test_a_feature_that_some_records_lack_is_told_at_the_first(tmp_path: Path) -> None:
    whole = [imagenet(number) for number in range(6)]
    bare = example({"image/encoded": png(9), "image/class/text": "a", "image/width": 12, "image/height": 10})
    write(tmp_path / "train-00000-of-00002", whole)
    write(tmp_path / "train-00001-of-00002", [*whole[:4], bare, whole[4], bare])
    found = read(tmp_path)
    path, record, feature, detail = problem(found, "missing-feature")
    assert (path, record, feature) == ("train-00001-of-00002", 4, "image/class/label")
    assert "2 of 13 records of train" in detail
    assert len(found.samples) == 13
    assert found.samples.columns["label"].count(None) == 2


def test_a_feature_of_a_list_without_values_is_missing_too(tmp_path: Path) -> None:
    examples = [example(image=png(n), label=n, note="x" if n else None) for n in range(3)]
    path, record, feature, _ = problem(read(write(tmp_path / "a.tfrecord", examples).parent), "sparse-feature")
    assert (path, record, feature) == ("a.tfrecord", 0, "note")


def test_a_test_split_without_labels_is_usual_and_a_training_split_is_not(tmp_path: Path) -> None:
    labelled = [example(image=png(n), label=n % 2) for n in range(4)]
    bare = [example(image=png(n), id=f"{n}") for n in range(10, 13)]
    for split, examples in (("train", labelled), ("val", labelled), ("test", bare)):
        write(tmp_path / f"{split}.tfrecord", examples)
    assert len(read(tmp_path).problems) == 0
    write(tmp_path / "val.tfrecord", bare)
    path, record, feature, detail = problem(read(tmp_path), "missing-feature")
    assert (path, record, feature) == ("val.tfrecord", 0, "label")
    assert detail == "'label' (int64) is missing in 3 of 3 records of val"


def test_two_types_of_one_feature_are_told(tmp_path: Path) -> None:
    write(tmp_path / "a.tfrecord", [*[imagenet(n) for n in range(5)], imagenet(5, image__class__label="a")])
    path, record, feature, detail = problem(read(tmp_path), "feature-type")
    assert (path, record, feature) == ("a.tfrecord", 5, "image/class/label")
    assert detail == "'image/class/label' is bytes in 1 record, and int64 in 5"


@pytest.mark.parametrize(
    ("feature", "value", "words"),
    [
        ("image/class/label", [1, 2], "2 values, where one is expected"),
        ("image/encoded", [png(1), png(2)], "2 values, where one image is expected"),
    ],
)
def test_another_number_of_values_is_told(feature: str, value: Value, words: str, tmp_path: Path) -> None:
    odd = imagenet(7, **{feature.replace("/", "__"): value})
    write(tmp_path / "a.tfrecord", [*[imagenet(n) for n in range(5)], odd, odd])
    path, record, name, detail = problem(read(tmp_path), "feature-length")
    assert (path, record, name) == ("a.tfrecord", 5, feature)
    assert detail == f"{feature!r} has {words} (and 1 more)"


def test_a_record_that_is_no_example_is_told_and_the_others_are_read(tmp_path: Path) -> None:
    write(tmp_path / "a.tfrecord", [imagenet(0), b"some line of text", imagenet(1), imagenet(2)[:-3]])
    found = read(tmp_path)
    path, record, _, detail = problem(found, "bad-record")
    assert (path, record) == ("a.tfrecord", 1)
    assert "no tf.train.Example" in detail
    assert "(and 1 more)" in detail
    assert found.samples.columns["record"] == [0, 2]
    assert rows(found.shards, "records", "status") == [(4, "ok")]


def test_a_number_with_two_names_is_told_and_numbers_name_the_classes(tmp_path: Path) -> None:
    write(tmp_path / "a.tfrecord", [*[imagenet(n) for n in range(4)], imagenet(4, image__class__text="zebra")])
    found = read(tmp_path)
    path, record, _, detail = problem(found, "label-name")
    assert (path, record) == ("a.tfrecord", 4)
    assert detail == "the label 2 is called 'zebra' here, and 'b' elsewhere"
    assert set(found.samples.columns["label"]) == {"1", "2", "3"}


# --- shards and splits ---

SPLITS: list[tuple[str, list[str], dict[str, str | None]]] = [
    ("by name", ["train-00000-of-00001", "validation-00000-of-00001"], {"train": "train", "validation": "val"}),
    ("by name, glued", ["coco_train.tfrecord", "coco_val.tfrecord"], {"coco_train": "train", "coco_val": "val"}),
    ("by folder", ["train/x.tfrecord", "valid/x.tfrecord"], {"train": "train", "valid": "val"}),
    ("TFX", ["Split-train/d-00000-of-00001.gz", "Split-eval/d-00000-of-00001.gz"], {"train": "train", "eval": "val"}),
    ("TFDS", ["mnist-test.tfrecord-00000-of-00001"], {"test": "test"}),
    ("a name of its own", ["train.tfrecord", "test.tfrecord", "extra.tfrecord"], {"extra": "extra", "test": "test"}),
    ("none", ["part-00000-of-00002.tfrecord", "part-00001-of-00002.tfrecord"], {"part": None}),
]


@pytest.mark.parametrize(("names", "splits"), [case[1:] for case in SPLITS], ids=[case[0] for case in SPLITS])
def test_splits_are_told_by_shards_or_folders(names: list[str], splits: dict[str, str | None], tmp_path: Path) -> None:
    for number, name in enumerate(names):
        write(tmp_path / name, [imagenet(number)], "gzip" if name.endswith("gz") else "plain")
    found = dict(rows(read(tmp_path).samples, "path", "split"))
    for word, split in splits.items():
        assert {each for path, each in found.items() if word in path} == {split}


def test_declared_splits_are_folders_sets_or_files(tmp_path: Path) -> None:
    for name in ("a/x.tfrecord", "b-00000-of-00001.tfrecord", "c.tfrecord"):
        write(tmp_path / name, [imagenet(1)])
    found = read(tmp_path, splits={"a": "train", "b": "val", "c.tfrecord": "test"})
    assert Counter(found.samples.columns["split"]) == {"train": 1, "val": 1, "test": 1}
    assert set(read(tmp_path, splits={}).samples.columns["split"]) == {None}
    with pytest.raises(UsageError, match=r"dataset\.splits\.val: no shard, set of shards or folder 'd'") as refusal:
        read(tmp_path, splits={"a": "train", "d": "val"})
    assert refusal.value.keys == ("dataset", "splits", "val")


def test_a_feature_may_say_the_split(tmp_path: Path) -> None:
    write(tmp_path / "a.tfrecord", [example(image=png(n), label=n, use=("fit", "valid")[n % 2]) for n in range(4)])
    found = read(tmp_path, columns={"split": "use"}, splits={"fit": "train"})
    assert found.samples.columns["split"] == ["train", "val", "train", "val"]
    with pytest.raises(UsageError, match="no record whose split is 'gone'"):
        read(tmp_path, columns={"split": "use"}, splits={"gone": "train"})


def test_one_shard_is_a_dataset(tmp_path: Path) -> None:
    write(tmp_path / "val.tfrecord", [imagenet(1)])
    write(tmp_path / "train.tfrecord", [imagenet(2)])
    found = read(tmp_path, root="val.tfrecord")
    assert rows(found.samples, "path", "split") == [("val.tfrecord#0", None)]


def test_what_names_say_of_shards_is_in_their_table(tmp_path: Path) -> None:
    write(tmp_path / "d" / "train-00001-of-00003.tfrecord.gz", [imagenet(1), imagenet(2)], "gzip")
    write(tmp_path / "d" / "train-00002-of-00003.tfrecord.gz", [], "gzip")
    (tmp_path / "d" / "train-00000-of-00003.tfrecord.gz").write_bytes(
        b"version https://git-lfs.github.com/spec/v1\noid sha256:" + b"0" * 64 + b"\nsize 12345\n"
    )
    found = read(tmp_path)
    names = ("series", "number", "declared_shards", "records", "compression", "status")
    assert rows(found.shards, *names) == [
        ("d/train", 0, 3, None, None, "pointer"),
        ("d/train", 1, 3, 2, "gzip", "ok"),
        ("d/train", 2, 3, 0, "gzip", "empty"),
    ]
    assert rows(found.skipped, "path", "reason") == [("d/train-00000-of-00003.tfrecord.gz", "lfs-pointer")]


def test_a_damaged_shard_is_told_with_record_and_byte(tmp_path: Path) -> None:
    parts = [bytearray(records.framed(imagenet(number))) for number in range(4)]
    for number in (1, 3):
        parts[number][30] ^= 1
    (tmp_path / "train.tfrecord").write_bytes(b"".join(parts) + b"half a header"[:7])
    found = read(tmp_path)
    [(status, cause, record, offset, count, detail)] = rows(
        found.shards, "status", "cause", "record", "offset", "records", "detail"
    )
    assert (status, cause, record, offset, count) == ("damaged", "bad-data-crc", 1, len(parts[0]), 2)
    assert "so do those of record 3" in detail
    assert "7 of the 12 bytes" in detail
    assert found.samples.columns["record"] == [0, 2]


@pytest.mark.parametrize(
    "names",
    [
        ["make_tfrecord.py", "labels.csv"],
        ["train.tfrecord.idx"],
        ["tfrecord"],
        ["tfrecords/README.md"],
        [".train.tfrecord"],
        ["model-00001-of-00002.safetensors"],
        ["train-00000-of-00002"],
        ["notes.record"],
    ],
)
def test_what_only_sounds_like_a_shard_is_none(names: list[str], tmp_path: Path) -> None:
    for name in names:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(b"text that is long enough for a header")
    assert formats.recognise(listing(open_worktree(str(tmp_path)), ".")) is None


@pytest.mark.parametrize("name", ["train-00000-of-01024", "coco_val.record", "train-00000-of-00001.gz"])
def test_a_shard_under_another_name_is_known_by_its_first_bytes(name: str, tmp_path: Path) -> None:
    write(tmp_path / name, [imagenet(1)], "gzip" if name.endswith("gz") else "plain")
    found = formats.recognise(listing(open_worktree(str(tmp_path)), "."))
    assert found == ("tfrecord", name)


# --- records that are none ---


def listed(name: bytes, *pieces: bytes) -> bytes:
    """An entry whose list of integers a writer has in pieces."""
    body = b"".join(records.message(3, piece) for piece in pieces)
    return records.message(1, records.message(1, name) + records.message(2, body))


def pieced(*, height: tuple[bytes, ...] = (b"\x08\x0a",), label: tuple[bytes, ...] = (b"\x08\x07",)) -> bytes:
    image = records.features({"image/encoded": png(1)})
    sizes = listed(b"image/width", b"\x08\x0c") + listed(b"image/height", *height)
    return records.message(1, image + sizes + listed(b"image/class/label", *label))


@pytest.mark.parametrize(
    "broken",
    [
        pieced(height=(b"\x08",)),
        # Protocol buffers read each piece by itself; together they would be a number.
        pieced(height=(b"\x08", b"\x0a")),
        pieced(label=(b"\x08", b"\x07")),
    ],
    ids=["a number that ends too early", "a number in two pieces", "a label in two pieces"],
)
def test_a_record_that_turns_out_to_be_none_leaves_nothing_behind(tmp_path: Path, broken: bytes) -> None:
    sound = pieced()
    write(tmp_path / "train-00000-of-00001", [*[sound] * 5, broken, sound])
    found = read(tmp_path)
    assert rows(found.samples, "record", "label_index", "declared_width", "declared_height") == [
        (number, 7, 12, 10) for number in (0, 1, 2, 3, 4, 6)
    ]
    assert len(found.files) == 6
    assert problem(found, "bad-record")[1] == 5
