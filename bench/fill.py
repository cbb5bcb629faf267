"""CPU time until a shuffle buffer is full: predicted, and measured in a real tf.data pipeline in a fresh process.

python -m bench.footprint fill CORPORA [--write]
"""

from __future__ import annotations

import json
import resource
import statistics
import subprocess
import sys
from typing import TYPE_CHECKING, NamedTuple

from bench.timing import timed
from datalint.footprint import fill
from datalint.footprint.recipe import Recipe
from datalint.target import Target

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

CORPORA = ("signdigits-imagefolder/Dataset", "ships-yolo")
SIDE, BATCH = 128, 16
BUFFERS = {"encoded": 560, "decoded": 560, "batched": 35}


class Case(NamedTuple):
    """Seconds of CPU time."""

    corpus: str
    stage: str
    buffer: int
    low: float
    predicted: float
    high: float
    measured: float

    @property
    def inside(self) -> bool:
        return self.low <= self.measured <= self.high

    @property
    def error(self) -> float:
        return self.predicted / self.measured - 1


def cases(corpora: Path) -> Iterator[Case]:
    for name in CORPORA:
        images, paths, factor = timed(corpora / name)
        for stage, buffer in BUFFERS.items():
            recipe = Recipe(
                loader="files",
                input_height=SIDE,
                input_width=SIDE,
                batch=BATCH,
                shuffle_buffer=buffer,
                shuffle_stage=stage,
            )
            [*_, whole] = fill.fill(recipe, images, Target(name="one", cores=1), speed=factor)
            yield Case(
                name.partition("/")[0],
                stage,
                buffer,
                whole.low,
                whole.expected,
                whole.high,
                measured(paths, stage, buffer),
            )


def measured(paths: Sequence[str], stage: str, buffer: int) -> float:
    """Seconds of CPU time until the first element, in a process of its own."""
    command = [sys.executable, "-m", "bench.fill", stage, str(buffer)]
    answer = subprocess.run(command, input=json.dumps(list(paths)), capture_output=True, text=True, check=True)
    return float(answer.stdout.splitlines()[-1])


def first(paths: Sequence[str], stage: str, buffer: int) -> float:
    """What `measured` runs: the least of five, after one that also starts TensorFlow's threads and kernels."""
    import tensorflow as tf

    def load(content: object) -> object:
        image = tf.io.decode_image(content, channels=3, expand_animations=False)
        return tf.image.resize(image, (SIDE, SIDE))

    data = tf.data.Dataset.from_tensor_slices(list(paths)).map(tf.io.read_file)
    if stage == "encoded":
        data = data.shuffle(buffer)
    else:
        data = data.map(load, num_parallel_calls=tf.data.AUTOTUNE)
        data = data.shuffle(buffer) if stage == "decoded" else data.batch(BATCH).shuffle(buffer)
    spent = []
    for _ in range(6):
        before = resource.getrusage(resource.RUSAGE_SELF)
        next(iter(data))
        after = resource.getrusage(resource.RUSAGE_SELF)
        spent.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    return min(spent[1:])


def report(found: Sequence[Case]) -> str:
    """A table for the documentation."""
    errors = [abs(case.error) for case in found]
    lines = [
        f"{len(found)} cases: median error {statistics.median(errors):.1%}, worst {max(errors):.1%}, "
        f"{sum(case.inside for case in found)} of {len(found)} inside low..high.",
        "",
        "| corpus | stage | buffer | predicted ms of CPU | measured | error |",
        "|---|---|---|---|---|---|",
    ]
    lines += [
        f"| {case.corpus} | {case.stage} | {case.buffer} | {case.predicted * 1e3:,.0f} | {case.measured * 1e3:,.0f} "
        f"| {case.error:+.0%} |"
        for case in found
    ]
    return "\n".join(lines)


if __name__ == "__main__":
    print(first(json.load(sys.stdin), sys.argv[1], int(sys.argv[2])))
