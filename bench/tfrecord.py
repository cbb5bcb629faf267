"""CPU time to read one shard with every CRC, image place and label: datalint against tf.data with parsing.

python -m bench.tfrecord [--megabytes 1000] [--rounds 5]

Each run is a fresh process on one core that reports the CPU seconds of its reading, without imports; runs alternate,
and the ratio is the median of those of the rounds.
"""

from __future__ import annotations

import argparse
import os
import random
import statistics
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_LARGEST, _SMALLEST = 70_000, 30_000
"""Bytes of an image: 50 kB in the mean, as in ImageNet at half its size."""
_BATCH = 128

_DATALINT = """
import resource, sys, time
from datalint import dataset
from datalint.source.worktree import open_worktree
dataset.formats.load("tfrecord")
from datalint.dataset.tfrecord import choose, oddities, reading, tables
started = time.process_time()
found = dataset.read(open_worktree(sys.argv[1]), root="train.tfrecord")
seconds = time.process_time() - started
assert found.shards.columns["status"] == ["ok"]
print(seconds, len(found.samples), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""
_TENSORFLOW = f"""
import os, resource, sys, time
os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
import tensorflow as tf
spec = {{
    "image/encoded": tf.io.FixedLenFeature([], tf.string), "image/class/label": tf.io.FixedLenFeature([], tf.int64)
}}
records = tf.data.TFRecordDataset(os.path.join(sys.argv[1], "train.tfrecord"))
parsed = records.batch({_BATCH}).map(lambda batch: tf.io.parse_example(batch, spec))
next(iter(parsed))
started = time.process_time()
count = sum(int(tf.shape(batch["image/class/label"])[0]) for batch in parsed)
seconds = time.process_time() - started
print(seconds, count, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""
CONTESTANTS: Mapping[str, str] = {"datalint": _DATALINT, "tf.data": _TENSORFLOW}


GOAL = 1.5
"""Times the speed of tf.data."""


@dataclass(frozen=True, slots=True)
class Measured:
    """CPU seconds of every round by contestant, the first round left out; peaks of memory in kB."""

    megabytes: float
    records: int
    seconds: Mapping[str, Sequence[float]]
    peaks: Mapping[str, int]

    @property
    def speed(self) -> float:
        """Median of the rounds' ratios: how many times as fast as tf.data."""
        pairs = zip(self.seconds["tf.data"], self.seconds["datalint"], strict=True)
        return statistics.median(one / other for one, other in pairs)


def main() -> None:
    """Write the shard, run in turn, print a table of medians."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--megabytes", type=int, default=1000)
    parser.add_argument("--rounds", type=int, default=5)
    words = parser.parse_args()
    found = measure(words.megabytes, words.rounds)
    print(f"{found.megabytes:,.0f} MB, {found.records:,} records, warm page cache, one core")
    print("| reader | CPU s (median, range) | MB per CPU s | peak memory MB |\n|---|---|---|---|")
    for name, runs in found.seconds.items():
        middle = statistics.median(runs)
        spread = f"{middle:.2f} ({min(runs):.2f} to {max(runs):.2f})"
        print(f"| {name} | {spread} | {found.megabytes / middle:,.0f} | {found.peaks[name] / 1000:,.0f} |")
    print(f"{found.speed:.2f} times the speed of tf.data")


def measure(megabytes: int, rounds: int) -> Measured:
    """Write a shard of that size and let all read it in turn, one round more than asked for."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "train.tfrecord"
        count = write(path, megabytes * 1_000_000)
        seconds: dict[str, list[float]] = {name: [] for name in CONTESTANTS}
        peaks: dict[str, int] = {}
        for number in range(rounds + 1):
            for name, program in CONTESTANTS.items():
                used, found, peaks[name] = once(program, folder)
                assert found == count, name
                if number:
                    seconds[name].append(used)
        return Measured(path.stat().st_size / 1e6, count, seconds, peaks)


def once(program: str, folder: str) -> tuple[float, int, int]:
    """CPU seconds, records, and peak of memory in kB, of one run on the first core that is allowed."""
    core = min(os.sched_getaffinity(0))
    command = ["taskset", "-c", str(core), sys.executable, "-c", program, folder]
    run = subprocess.run(command, capture_output=True, text=True, check=True)
    used, found, peak = run.stdout.split()
    return float(used), int(found), int(peak)


def write(path: Path, size: int) -> int:
    """A shard of so many bytes with the features of ImageNet; its number of records."""
    from tests.dataset.tfrecord.records import example, framed

    chance, written, count = random.Random(0), 0, 0
    with path.open("wb") as file:
        while written < size:
            image = b"\xff\xd8\xff\xe0" + chance.randbytes(chance.randrange(_SMALLEST, _LARGEST))
            record = example(
                {
                    "image/encoded": image, "image/class/label": count % 1000 + 1, "image/height": 375,
                    "image/class/text": f"class {count % 1000}", "image/width": 500, "image/channels": 3,
                    "image/filename": f"n01440764_{count}.JPEG", "image/format": "JPEG", "image/colorspace": "RGB",
                }
            )  # fmt: skip
            written += file.write(framed(record))
            count += 1
    return count


if __name__ == "__main__":
    main()
