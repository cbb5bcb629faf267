"""Verdicts and values against TensorFlow: which record of a damaged shard fails, and what is in the sound ones."""

from __future__ import annotations

import json
import random
import subprocess
import sys
import zlib
from typing import TYPE_CHECKING, Any

import pytest

from datalint.dataset.tfrecord import index as indexes
from datalint.dataset.tfrecord.plan import Plan
from datalint.dataset.tfrecord.scan import scan
from tests.dataset.tfrecord import records

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [pytest.mark.tensorflow, pytest.mark.slow]

CODECS = {"plain": "", "gzip": "GZIP", "zlib": "ZLIB"}
WAYS = ("flip", "cut", "insert", "swap", "zero")
PER_WAY = 24
SILENT = {"no-end-marker", "truncated-header"}
"""What ends a compressed shard too early, and TensorFlow takes for its end."""

# Reads every shard that is named on standard input and answers with records, labels and the error.
_TENSORFLOW = """
import json, sys
import tensorflow as tf
spec = {"label": tf.io.FixedLenFeature([], tf.int64), "image": tf.io.FixedLenFeature([], tf.string)}
answers = []
for path, compression in json.load(sys.stdin):
    labels, lengths, error = [], [], None
    try:
        for record in tf.data.TFRecordDataset(path, compression):
            found = tf.io.parse_single_example(record, spec)
            labels.append(int(found["label"]))
            lengths.append(len(found["image"].numpy()))
    except tf.errors.DataLossError as reason:
        error = str(reason).split("} ")[-1]
    answers.append([labels, lengths, error])
json.dump(answers, sys.stdout)
"""


def tensorflow(shards: list[tuple[Path, str]]) -> list[Any]:
    """Its answers, from one process for all."""
    pytest.importorskip("tensorflow")
    given = json.dumps([(str(path), CODECS[codec]) for path, codec in shards])
    run = subprocess.run([sys.executable, "-c", _TENSORFLOW], input=given, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr[-2000:]
    return list(json.loads(run.stdout))


def mutated(content: bytes, way: str, chance: random.Random) -> bytes:
    at = chance.randrange(len(content))
    other = chance.randrange(len(content))
    if way == "flip":
        return content[:at] + bytes([content[at] ^ 1 << chance.randrange(8)]) + content[at + 1 :]
    if way == "cut":
        return content[:at]
    if way == "insert":
        return content[:at] + chance.randbytes(chance.randrange(1, 40)) + content[at:]
    if way == "swap":
        first, second = sorted((at, other))
        return (
            content[:first]
            + content[second : second + 1]
            + content[first + 1 : second]
            + content[first : first + 1]
            + content[second + 1 :]
        )
    return content[:at] + bytes(min(chance.randrange(1, 60), len(content) - at)) + content[at + 60 :]


def made(chance: random.Random, count: int, largest: int) -> list[bytes]:
    return [
        records.example(image=chance.randbytes(chance.randrange(1, largest)), label=chance.randrange(1000), name=f"{n}")
        for n in range(count)
    ]


PLAN = Plan(image=b"image", label=b"label")


def test_the_same_record_fails_as_in_tensorflow_or_none(tmp_path: Path) -> None:
    chance = random.Random(20)
    shards: list[tuple[Path, str]] = []
    for codec in CODECS:
        for way in WAYS:
            for number in range(PER_WAY):
                # Small shards, and ones of several of TensorFlow's steps of 256 KiB.
                largest = 200 if number % 3 else 90_000
                content = records.shard(made(chance, chance.randrange(1, 14), largest), codec)
                path = tmp_path / f"{codec}-{way}-{number}"
                path.write_bytes(mutated(content, way, chance))
                shards.append((path, codec))
    assert len(shards) >= 300
    failed = 0
    for (path, codec), (labels, lengths, error) in zip(shards, tensorflow(shards), strict=True):
        found = scan(str(path), PLAN)
        damage = [each for each in found.damage if each.cause not in SILENT]
        first = min((each.record for each in damage), default=None)
        # A header that is no longer one of gzip or zlib is one of no record either: both fail at once.
        if found.codec != codec and path.stat().st_size >= 12:
            assert first == 0, path.name
        assert first == (None if error is None else len(labels)), (path.name, error, found.damage)
        failed += error is not None
        sound = indexes.integers(found.numbers)
        before = [position for position, number in enumerate(sound) if first is None or number < first]
        assert [found.values[indexes.integers(found.labels)[position]] for position in before] == labels, path.name
        assert [indexes.integers(found.sizes)[position] for position in before] == lengths, path.name
    assert 200 < failed < len(shards), "the mutations neither always nor never matter"


def test_a_wrong_checksum_of_data_costs_one_record_and_one_of_a_length_the_rest(tmp_path: Path) -> None:
    content = [records.framed(records.example(image=b"x" * 50, label=number)) for number in range(6)]
    broken = [*content]
    broken[2] = broken[2][:40] + b"?" + broken[2][41:]
    broken[4] = broken[4][:-1] + bytes([broken[4][-1] ^ 1])
    path = tmp_path / "a.tfrecord"
    path.write_bytes(b"".join(broken))
    found = scan(str(path), PLAN)
    assert [(each.cause, each.record, each.offset) for each in found.damage] == [
        ("bad-data-crc", 2, sum(map(len, broken[:2]))),
        ("bad-data-crc", 4, sum(map(len, broken[:4]))),
    ]
    assert (found.records, list(indexes.integers(found.numbers))) == (4, [0, 1, 3, 5])
    broken[3] = b"\1" + broken[3][1:]
    path.write_bytes(b"".join(broken))
    found = scan(str(path), PLAN)
    assert [(each.cause, each.record) for each in found.damage] == [("bad-data-crc", 2), ("bad-length-crc", 3)]
    assert found.records == 2


def test_images_lie_where_the_index_says(tmp_path: Path) -> None:
    pictures = [records.png(number) for number in range(5)]
    examples = [records.example(a="first", image=picture, label=3, z=[1, 2, 300]) for picture in pictures]
    for codec in CODECS:
        path = records.write(tmp_path / codec, examples, codec)
        found = scan(str(path), PLAN)
        content = b"".join(map(records.framed, examples))
        places = zip(indexes.integers(found.offsets), indexes.integers(found.sizes), strict=True)
        assert found.codec == codec
        assert [content[offset : offset + size] for offset, size in places] == pictures


def test_members_of_a_gzip_are_one_shard_as_in_tensorflow(tmp_path: Path) -> None:
    chance = random.Random(4)
    parts = [records.shard(made(chance, 3, 100), "gzip") for _ in range(3)]
    whole = tmp_path / "members"
    whole.write_bytes(b"".join(parts))
    junk = tmp_path / "junk"
    junk.write_bytes(parts[0] + b"junk")
    after = tmp_path / "after"
    after.write_bytes(zlib.compress(b"".join(map(records.framed, made(chance, 2, 100)))) + b"junk")
    shards = [(whole, "gzip"), (junk, "gzip"), (after, "zlib")]
    for (path, _), (labels, _, error) in zip(shards, tensorflow(shards), strict=True):
        found = scan(str(path), PLAN)
        assert found.records == len(labels)
        assert bool(found.damage) is (error is not None), (path.name, error)


@pytest.mark.parametrize("cut", [0, 2, 30])
def test_a_compressed_shard_without_its_end_is_never_silently_whole(cut: int, tmp_path: Path) -> None:
    content = records.shard(made(random.Random(1), 5, 100), "zlib")
    path = tmp_path / "a"
    path.write_bytes(content[: len(content) - cut])
    assert [each.cause for each in scan(str(path), PLAN).damage] == {0: [], 2: ["no-end-marker"], 30: ["truncated"]}[
        cut
    ]
