"""Time of the input pipeline: predicted from facts and a timed sample, measured in a real tf.data pipeline.

Each case is a fresh process that runs two epochs; the CPU time of the second, of all threads, is the measured one.
CPU time hardly depends on how busy the machine is, but the same work takes up to a sixth more of it from one minute to
the next: machine and pipelines are timed in turn, three times over, and medians are compared.
"""

from __future__ import annotations

import json
import os
import resource
import statistics
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from datalint.calibrate import speed
from datalint.check import collect
from datalint.footprint import timing
from datalint.footprint.estimate import TOTAL
from datalint.footprint.images import images_of
from datalint.footprint.recipe import Recipe
from datalint.request import Request
from datalint.target import Target
from datalint.workspace import open_workspace

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from datalint.footprint.images import Images

CORPORA = ("signdigits-imagefolder/Dataset", "ships-yolo", "bccd-voc")
SIDES = (96, 224)
ROUNDS = 3
IMAGES = 1500
"""That an epoch reads at least: a small corpus is read several times over."""


@dataclass(frozen=True, slots=True)
class Case:
    """A corpus at one size, in microseconds of CPU time an image."""

    corpus: str
    side: int
    files: int
    predicted: float
    measured: float

    @property
    def error(self) -> float:
        return self.predicted / self.measured - 1


def cases(corpora: Path) -> Iterator[Case]:
    """Every corpus at every size, as soon as it is measured."""
    for name in CORPORA:
        factors: list[float | None] = []
        spent: dict[int, list[float]] = {side: [] for side in SIDES}
        for _ in range(ROUNDS):
            images, paths, factor = timed(corpora / name)
            factors.append(factor)
            for side in SIDES:
                spent[side].append(measured(paths, side))
        usual = statistics.median(factor for factor in factors if factor is not None)
        for side in SIDES:
            recipe = Recipe(loader="files", input_height=side, input_width=side)
            rows_ = timing.times(recipe, images, Target(name="one", cores=1), speed=usual)
            [whole] = [row.expected for row in rows_ if (row.resource, row.stage) == (timing.INPUT, TOTAL)]
            predicted = whole / images.train * 1e6
            yield Case(name.partition("/")[0], side, len(paths), predicted, statistics.median(spent[side]))


def timed(folder: Path) -> tuple[Images, list[str], float | None]:
    """What the footprint wants to know of a corpus, its sound files, and the speed of this machine on them."""
    workspace = open_workspace(Request(path=str(folder)))
    evidence = collect(workspace, Request(path=str(folder), format="imagefolder", use_cache=False))
    files = evidence.tables["files"]
    rows = zip(files.columns["status"], evidence.dataset.files, strict=True)
    paths = [os.path.join(workspace.source.base, entry.path) for status, entry in rows if status == "ok"]
    images = images_of(evidence.dataset.samples, files, channels=3)
    return images, paths, speed(workspace.source, evidence.dataset.files, files)


def measured(paths: Sequence[str], side: int) -> float:
    """Microseconds of CPU time an image, in a process of its own."""
    command = [sys.executable, "-m", "bench.timing", str(side)]
    answer = subprocess.run(command, input=json.dumps(list(paths)), capture_output=True, text=True, check=True)
    return float(answer.stdout.splitlines()[-1])


def epoch(paths: Sequence[str], side: int) -> float:
    """What `measured` runs."""
    import tensorflow as tf

    def load(path: object) -> object:
        image = tf.io.decode_image(tf.io.read_file(path), channels=3, expand_animations=False)
        return tf.image.resize(image, (side, side))

    whole = [*paths] * max(1, -(-IMAGES // len(paths)))
    data = (
        tf.data.Dataset.from_tensor_slices(whole).map(load, num_parallel_calls=tf.data.AUTOTUNE).batch(32).prefetch(2)
    )
    spent = 0.0
    for _ in range(2):
        before = resource.getrusage(resource.RUSAGE_SELF)
        for _batch in data:
            pass
        after = resource.getrusage(resource.RUSAGE_SELF)
        spent = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return spent / len(whole) * 1e6


def report(found: Sequence[Case]) -> str:
    """A table for the documentation."""
    errors = [abs(case.error) for case in found]
    lines = [
        f"{len(found)} cases: median error {statistics.median(errors):.1%}, worst {max(errors):.1%}.",
        "",
        "| corpus | files | resized to | predicted us of CPU an image | measured | error |",
        "|---|---|---|---|---|---|",
    ]
    lines += [
        f"| {case.corpus} | {case.files:,} | {case.side} x {case.side} | {case.predicted:,.0f} | {case.measured:,.0f} "
        f"| {case.error:+.1%} |"
        for case in found
    ]
    return "\n".join(lines)


if __name__ == "__main__":
    print(epoch(json.load(sys.stdin), int(sys.argv[1])))
