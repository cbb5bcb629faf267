"""Folders of TensorFlow Datasets: the descriptions are those that tfds 4.9 wrote for such a builder, shortened."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.dataset.tfrecord.records import example, png, write
from tests.dataset.tfrecord.test_read import problem, read, rows

if TYPE_CHECKING:
    from pathlib import Path

CORE = "tensorflow_datasets.core.features"


def feature(name: str, **more: Any) -> dict[str, Any]:
    return {"pythonClassName": f"{CORE}.{name}", **more}


def features(**named: dict[str, Any]) -> dict[str, Any]:
    return feature("features_dict.FeaturesDict", featuresDict={"features": named})


IMAGE = feature("image_feature.Image", image={"dtype": "uint8", "shape": {"dimensions": ["-1", "-1", "3"]}})
LABEL = feature("class_label_feature.ClassLabel", classLabel={"numClasses": "3"})
BOX = feature("bounding_boxes.BBoxFeature", boundingBox={"bboxFormat": "REL_YXYX", "dtype": "float32"})


def folder(home: Path, *, lengths: dict[str, list[int]], described: dict[str, Any], names: str = "") -> Path:
    info = {
        "fileFormat": "tfrecord",
        "name": "tiny",
        "splits": [
            {
                "filepathTemplate": "{DATASET}-{SPLIT}.{FILEFORMAT}-{SHARD_X_OF_Y}",
                "name": split,
                "numBytes": "1",
                "shardLengths": [str(each) for each in some],
            }
            for split, some in lengths.items()
        ],
        "version": "1.0.0",
    }
    home.mkdir(parents=True, exist_ok=True)
    (home / "dataset_info.json").write_text(json.dumps(info))
    (home / "features.json").write_text(json.dumps(described))
    if names:
        (home / "label.labels.txt").write_text(names)
    return home


def shard(home: Path, split: str, number: int, total: int, labels: list[int]) -> None:
    examples = [example(image=png(10 * number + n), label=label) for n, label in enumerate(labels)]
    write(home / f"tiny-{split}.tfrecord-{number:05}-of-{total:05}", examples)


def test_shards_have_the_records_that_their_description_states(tmp_path: Path) -> None:
    home = folder(
        tmp_path / "tiny/1.0.0",
        lengths={"train": [3, 3], "validation": [2], "test": [1]},
        described=features(image=IMAGE, label=LABEL),
        names="cat\ndog\nowl\n",
    )
    shard(home, "train", 0, 2, [0, 1, 0])
    shard(home, "train", 1, 2, [1, 0])
    shard(home, "validation", 0, 1, [0, 1])
    found = read(tmp_path, root="tiny/1.0.0")
    assert rows(found.shards, "split", "number", "declared_shards", "records", "declared_records", "status") == [
        ("test", 0, 1, None, 1, "missing"),
        ("train", 0, 2, 3, 3, "ok"),
        ("train", 1, 2, 2, 3, "ok"),
        ("val", 0, 1, 2, 2, "ok"),
    ]
    assert rows(found.classes, "split", "name", "index", "n_samples")[:3] == [
        ("train", "cat", 0, 3), ("train", "dog", 1, 2), ("train", "owl", 2, 0),
    ]  # fmt: skip


def test_a_number_beyond_the_classes_has_no_row_among_them(tmp_path: Path) -> None:
    home = folder(tmp_path, lengths={"train": [3]}, described=features(image=IMAGE, label=LABEL))
    shard(home, "train", 0, 1, [0, 3, -1])
    found = read(tmp_path)
    assert rows(found.classes, "name", "index") == [("0", 0), ("1", 1), ("2", 2)]
    assert rows(found.samples, "label", "label_index") == [("0", 0), ("3", 3), (None, -1)]


def test_boxes_are_read_as_tfds_writes_them(tmp_path: Path) -> None:
    inner = features(bbox=BOX, label={**LABEL, "classLabel": {"numClasses": "2"}})
    described = features(image=IMAGE, objects=feature("sequence_feature.Sequence", sequence={"feature": inner}))
    home = folder(tmp_path, lengths={"train": [2]}, described=described)
    (home / "objects-label.labels.txt").write_text("a\nb\n")
    with_boxes = example(
        {"image": png(1), "objects/bbox": [0.1, 0.2, 0.5, 0.6, 0.0, 0.0, 1.0, 1.0], "objects/label": [1, 0]}
    )
    write(home / "tiny-train.tfrecord-00000-of-00001", [with_boxes, example({"image": png(2), "objects/label": []})])
    found = read(tmp_path)
    assert found.task == "detection"
    boxes = rows(found.annotations, "category", "x", "y", "width", "height")
    assert [box[0] for box in boxes] == ["b", "a"]
    assert boxes[0][1:] == pytest.approx((0.2, 0.1, 0.4, 0.4))
    assert boxes[1][1:] == pytest.approx((0, 0, 1, 1))


@pytest.mark.parametrize(
    "content", ["", "[]", "{", '{"splits": 3}', '{"splits": [{"name": 1, "shardLengths": ["x"]}]}']
)
def test_a_description_that_is_none_changes_nothing(content: str, tmp_path: Path) -> None:
    home = folder(tmp_path, lengths={"train": [1]}, described=features(image=IMAGE, label=LABEL))
    shard(home, "train", 0, 1, [0, 1])
    (home / "dataset_info.json").write_text(content)
    found = read(tmp_path)
    assert rows(found.shards, "records", "declared_records", "split") == [(2, None, "train")]


def test_images_that_are_empty_are_judged_as_images(tmp_path: Path) -> None:
    home = folder(tmp_path, lengths={"train": [2]}, described=features(image=IMAGE, label=LABEL))
    write(home / "tiny-train.tfrecord-00000-of-00001", [example(image=b"", label=1)] * 2)
    found = read(tmp_path)
    assert [entry.size for entry in found.files] == [0, 0]
    assert len(found.problems) == 0
    with pytest.raises(ValueError, match="not enough values"):
        problem(found, "no-image-feature")
