"""The readers of large files against their peers, with the goals of each: one table.

    python -m bench.formats [--tfrecord 1000] [--coco 500] [--rounds 3]

Sizes are in MB. Ratios are medians of the rounds of one run, in which the contestants take turns, each in a process of
its own; that of memory is the worst round's. See bench.tfrecord and bench.coco for what is read. Exit code 1 where a
goal is missed.
"""

from __future__ import annotations

import argparse
import statistics
import sys
from dataclasses import dataclass

from bench import coco, tfrecord


@dataclass(frozen=True, slots=True)
class Line:
    """One goal; `ours` and `theirs` with their unit."""

    what: str
    peer: str
    ours: str
    theirs: str
    ratio: float
    goal: str
    holds: bool


def of_tfrecord(megabytes: int, rounds: int) -> list[Line]:
    """Framing, CRC, places of images and labels of one shard."""
    found = tfrecord.measure(megabytes, rounds)
    ours, theirs = (f"{statistics.median(found.seconds[name]):.2f} CPU s" for name in ("datalint", "tf.data"))
    what = f"TFRecord, {found.megabytes:,.0f} MB: speed on one core"
    holds = found.speed >= tfrecord.GOAL
    return [Line(what, "tf.data with parsing", ours, theirs, found.speed, f"{tfrecord.GOAL} or more", holds)]


def of_coco(megabytes: int, rounds: int) -> list[Line]:
    """Every id, box, polygon and mask of a file against the bare objects of json.load."""
    found = coco.measure(megabytes, rounds)
    seconds = {name: statistics.median(run[0] for run in runs) for name, runs in found.readings.items()}
    peaks = {name: statistics.median(run[1] for run in runs) for name, runs in found.readings.items()}
    cpu, what = found.ratio("datalint", 0), f"COCO, {found.megabytes:,.0f} MB"
    memory, most = found.memory, coco.GOAL_MEMORY
    return [
        Line(f"{what}: CPU time", "json.load", f"{seconds['datalint']:.1f} s", f"{seconds['json.load']:.1f} s", cpu,
             "below 1", cpu < 1),
        Line(f"{what}: peak memory", "json.load", f"{peaks['datalint']:,.0f} MiB", f"{peaks['json.load']:,.0f} MiB",
             memory, f"{most} or less", memory <= most),
    ]  # fmt: skip


def main() -> None:
    """Measure, print the table; exit code 1 where a goal is missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tfrecord", type=int, default=1000)
    parser.add_argument("--coco", type=int, default=500)
    parser.add_argument("--rounds", type=int, default=3)
    words = parser.parse_args()
    lines = [*of_tfrecord(words.tfrecord, words.rounds), *of_coco(words.coco, words.rounds)]
    print("| what | against | datalint | peer | ratio | goal | holds |\n|---|---|---|---|---|---|---|")
    for each in lines:
        held = "yes" if each.holds else "**no**"
        print(f"| {each.what} | {each.peer} | {each.ours} | {each.theirs} | {each.ratio:.2f} | {each.goal} | {held} |")
    sys.exit(0 if all(each.holds for each in lines) else 1)


if __name__ == "__main__":
    main()
