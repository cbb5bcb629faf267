"""Datasets in TFRecord through the command line: what a user reads, and the exit code."""

from __future__ import annotations

import csv
import io
import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.conftest import CORPORA
from tests.dataset.tfrecord import records
from tests.dataset.tfrecord.records import example, framed, write
from tests.e2e.conftest import Repository, picture

if TYPE_CHECKING:
    from pathlib import Path


def photographs(folder: Path, first: int, count: int) -> list[bytes]:
    pictures = [picture(folder / "p.jpg", first + number, size=48).read_bytes() for number in range(count)]
    return [example({"image/encoded": data, "image/class/label": n % 2}) for n, data in enumerate(pictures)]


@pytest.fixture
def shards(tmp_path: Path) -> Repository:
    """A trainable dataset of two splits in five shards."""
    folder = tmp_path / "repository"
    for number in range(4):
        write(folder / f"data/train-{number:05}-of-00004", photographs(tmp_path, 100 * number, 12))
    write(folder / "data/validation-00000-of-00001", photographs(tmp_path, 900, 12))
    (folder / "datalint.yaml").write_text("dataset: {path: data}\ntraining: {batch: 4, image_size: 48}\n")
    return Repository(folder)


def judged(where: Repository, *words: str) -> tuple[int, dict[str, Any], dict[str, list[dict[str, Any]]]]:
    """Exit code, document, and findings by rule."""
    run = where.datalint("check", *words, "-o", "json")
    assert run.returncode in (0, 1), run.stderr
    document = json.loads(run.stdout)
    found: dict[str, list[dict[str, Any]]] = {}
    for item in document["findings"]:
        found.setdefault(item["rule"], []).append(item)
    return run.returncode, document, found


def table(where: Repository, query: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(where.datalint("facts", "--sql", query, ok=True).stdout)))


def test_a_sound_dataset_trains_and_is_read_once(shards: Repository) -> None:
    code, document, found = judged(shards)
    assert (code, document["verdict"], found) == (0, "TRAINABLE", {})
    assert document["dataset"] == {
        **document["dataset"],
        "format": "tfrecord",
        "samples": 60,
        "classes": 2,
        "splits": 2,
    }
    assert any("'image/encoded'" in note for note in document["notes"])


def test_damage_is_told_with_shard_record_and_byte(shards: Repository) -> None:
    path = shards.folder / "data/train-00001-of-00004"
    content = bytearray(path.read_bytes())
    third = len(framed(photographs(shards.folder, 100, 1)[0]))
    content[third + 40] ^= 1
    path.write_bytes(content)
    code, document, found = judged(shards)
    assert (code, document["verdict"], set(found)) == (1, "UNTRAINABLE", {"damaged-shard"})
    [finding] = found["damaged-shard"]
    assert finding["path"] == "data/train-00001-of-00004"
    assert f"is damaged at record 1 (byte {third})" in finding["message"]
    assert document["dataset"]["samples"] == 59


def test_an_image_inside_a_shard_is_judged_like_a_file(shards: Repository, tmp_path: Path) -> None:
    sound = photographs(tmp_path, 700, 12)
    data = picture(tmp_path / "cut.jpg", 5, size=48).read_bytes()
    cut = example({"image/encoded": data[: len(data) // 2], "image/class/label": 1})
    write(shards.folder / "data/train-00002-of-00004", [*sound[:7], cut, *sound[8:]])
    _, _, found = judged(shards)
    assert [item["path"] for item in found.pop("truncated-image")] == ["data/train-00002-of-00004#7"]
    assert found == {}


def test_what_lacks_is_told_by_the_names(shards: Repository) -> None:
    (shards.folder / "data/train-00002-of-00004").unlink()
    (shards.folder / "data/train-00003-of-00004").write_bytes(b"")
    code, _, found = judged(shards)
    assert (code, set(found)) == (1, {"missing-shard", "empty-shard"})
    assert found["missing-shard"][0]["path"] == "data/train-00002-of-00004"


def test_sizes_of_the_records_predict_the_memory_of_the_pipeline(shards: Repository) -> None:
    (shards.folder / "datalint.yaml").write_text(
        "dataset: {path: data}\n"
        "training: {loader: tfrecord, batch: 4, image_size: 48, shuffle_buffer: 30, shuffle_stage: encoded}\n"
    )
    [row] = table(shards, "select avg(size_bytes) as mean, count(*) as n from files where format = 'jpeg'")
    [stage] = table(shards, "select expected, formula from footprint where stage = 'shuffle encoded'")
    assert row["n"] == "60"
    assert "30 elements" in stage["formula"]
    assert 0.8 < float(stage["expected"]) / (30 * float(row["mean"])) < 1.5


def test_nobody_need_say_that_shards_are_not_read_from_a_directory(shards: Repository) -> None:
    assert table(shards, "select loader from training") == [{"loader": "tfrecord"}]
    told = shards.datalint("estimate", ok=True).stdout
    assert "through tfrecord" in told
    assert "assumed: loader tfrecord, " in told
    (shards.folder / "datalint.yaml").write_text(
        "dataset: {path: data}\ntraining:\n  batch: 4\n  loader: image_dataset_from_directory\n"
    )
    refused = shards.datalint("check", "--no-cache")
    words = "image_dataset_from_directory lists folders of images, and the dataset was read as tfrecord"
    assert (refused.returncode, refused.stderr.splitlines()[0]) == (
        2,
        f"datalint: datalint.yaml:4:11: training.loader: {words}",
    )
    assert "through tfrecord" in shards.datalint("estimate", "--loader", "tfrecord", ok=True).stdout
    (shards.folder / "datalint.yaml").unlink()
    refused = shards.datalint("estimate", "--loader", "image_dataset_from_directory", "data")
    assert (refused.returncode, refused.stderr.splitlines()[0]) == (
        2,
        f"datalint: --loader image_dataset_from_directory: {words}",
    )
    assert "  loader: tfrecord" in shards.datalint("init", "data", "--stdout", ok=True).stdout.splitlines()


def test_arrays_without_a_shape_are_not_checked_and_never_called_damaged(tmp_path: Path) -> None:
    for split, first in (("train", 0), ("val", 50)):
        write(
            tmp_path / f"{split}.tfrecord",
            [example(image_raw=bytes([n]) * 1001, label=n % 2) for n in range(first, first + 40)],
        )
    code, document, found = judged(Repository(tmp_path), "--ignore", "split-smaller-than-batch")
    assert (code, document["verdict"], found) == (0, "UNDECIDED", {})
    assert document["not_checked"][0]["what"] == "80 arrays of pixels"


def test_arrays_with_a_shape_are_predicted_and_compared(tmp_path: Path) -> None:
    for split in ("train", "val"):
        examples = [
            example(image_raw=bytes(range(n, n + 48)), height=4, width=4, depth=3, label=n % 2) for n in range(40)
        ]
        write(tmp_path / f"{split}.tfrecord", examples)
    where = Repository(tmp_path)
    _, document, found = judged(where, "--ignore", "split-smaller-than-batch", "--ignore", "tiny-image")
    assert set(found) == {"duplicate-across-splits"}
    assert document["not_checked"] == []
    [row] = table(where, "select distinct status, format, width, height, channels, bit_depth, decoded_bytes from files")
    assert list(row.values()) == ["ok", "raw", "4", "4", "3", "8", "48"]


def test_a_table_ends_with_the_names_of_its_features(tmp_path: Path) -> None:
    write(tmp_path / "a.tfrecord", [example(fare=1.5, company="x")])
    run = Repository(tmp_path).datalint("check")
    assert run.returncode == 3
    assert "no feature of the records in . holds images" in run.stderr
    assert "company (bytes), fare (float)" in run.stderr
    content = bytearray((tmp_path / "a.tfrecord").read_bytes())
    content[20] ^= 1
    (tmp_path / "a.tfrecord").write_bytes(content + framed(example(fare=2.5, company="y")))
    _, _, found = judged(Repository(tmp_path))
    assert set(found) == {"damaged-shard", "no-image-feature"}


def test_shards_in_the_index_are_read_from_there(shards: Repository) -> None:
    shards.git("init", "-q", "-b", "main")
    shards.git("add", ".")
    for path in (shards.folder / "data").iterdir():
        path.write_bytes(b"not what was staged")
    code, document, found = judged(shards, "--staged")
    assert (code, document["dataset"]["samples"], found) == (0, 60, {})


def test_pointers_are_fetched_and_not_repaired(shards: Repository) -> None:
    pointer = b"version https://git-lfs.github.com/spec/v1\noid sha256:" + b"0" * 64 + b"\nsize 12345\n"
    for path in sorted((shards.folder / "data").iterdir())[:2]:
        path.write_bytes(pointer)
    _, _, found = judged(shards)
    assert {item["path"] for item in found["lfs-pointer"]} == {
        "data/train-00000-of-00004",
        "data/train-00001-of-00004",
    }
    assert set(found) == {"lfs-pointer"}


@pytest.mark.parametrize(
    ("columns", "code", "words"),
    [
        ("{image: image/encoded, label: image/class/label}", 0, ""),
        ("{image: picture}", 2, "datalint.yaml:1:"),
        ("{path: file}", 2, "dataset.columns.path is not used"),
    ],
)
def test_declared_features_are_read_or_refused_at_their_place(
    shards: Repository, columns: str, code: int, words: str
) -> None:
    (shards.folder / "datalint.yaml").write_text(f"dataset: {{path: data, columns: {columns}}}\n")
    run = shards.datalint("check")
    assert run.returncode == code, run.stderr
    assert words in run.stderr


@pytest.mark.corpus
def test_the_real_shards_are_blamed_for_nothing_but_their_empty_images(tmp_path: Path) -> None:
    if not (CORPORA / "tfrecord").is_dir():
        pytest.skip("the real corpora are not here")
    where = Repository(tmp_path)
    _, _, found = judged(where, str(CORPORA / "tfrecord/tf_detection_api_dataset"), "--no-cache")
    assert not [item for some in found.values() for item in some if item["severity"] == "error"]
    _, _, found = judged(where, str(CORPORA / "tfrecord/roboflow"), "--no-cache")
    blamed = {(item["rule"], item["path"]) for some in found.values() for item in some if item["severity"] == "error"}
    assert blamed == {
        ("empty-file", path) for path in ("train/train.tfrecord#0", "train/train.tfrecord#1", "val/val.tfrecord#0")
    }
    run = where.datalint("check", str(CORPORA / "tfrecord/taxi-eval-gz"), "--no-cache")
    assert run.returncode == 3
    assert "trip_start_timestamp (int64)" in run.stderr


def test_a_shard_of_noise_is_one_finding(tmp_path: Path) -> None:
    (tmp_path / "train.tfrecord").write_bytes(records.png(1) * 9)
    _, _, found = judged(Repository(tmp_path))
    assert set(found) == {"damaged-shard"}
    assert "record 0 (byte 0)" in found["damaged-shard"][0]["message"]
