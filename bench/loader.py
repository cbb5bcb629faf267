"""PyTorch's DataLoader against the prediction: /dev/shm and host memory of real runs, each in a fresh process tree.

    python -m bench.footprint loader [--run --torch PYTHON] [--write]

`--run` measures what `readings/loader.jsonl` lacks, one run at a time; PYTHON is an interpreter with torch, numpy and
Pillow, which this repository does not need. Nobody else may use /dev/shm meanwhile.
"""

from __future__ import annotations

import json
import random
import statistics
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

from datalint.footprint.estimate import TOTAL
from datalint.footprint.host import host_memory
from datalint.footprint.images import Images
from datalint.footprint.recipe import Recipe
from datalint.footprint.shm import shm
from datalint.target import Target

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from datalint.footprint.estimate import Estimate

READINGS = Path(__file__).with_name("readings") / "loader.jsonl"
WORKLOAD = Path(__file__).with_name("loader_workload.py")
MIB = 2**20
FITTED, HELD_OUT = range(500, 512), range(9000, 9012)
"""Seeds of the recipes that the constants were fitted on, and of those that they were not."""
FOLDERS = {"300-700": (300, 700), "160-1600": (160, 1600), "1200": (1200, 1200)}
"""Sides of the pictures in pixels."""
FILES = 40


def case(seed: int) -> dict[str, Any]:
    """A random DataLoader, over the space that people use."""
    draw = random.Random(seed)
    workers, prefetch = draw.choice((0, 1, 2, 3, 4, 4)), draw.choice((2, 2, 3, 4))
    batch = draw.choice((8, 16, 32))
    return {
        "seed": seed,
        "pictures": draw.choice(sorted(FOLDERS)),
        "workers": workers,
        "prefetch_factor": prefetch,
        "batch": batch,
        "side": draw.choice((96, 128, 160, 224, 256)),
        "dtype": draw.choice(("float32", "float32", "uint8")),
        "consumer": draw.choice(("pausing", "pausing", "pausing", "fast", "draining")),
        "samples": batch * (workers * prefetch + 4),
    }


def make_folders(work: Path) -> None:
    generator = np.random.default_rng(7)
    for name, (low, high) in FOLDERS.items():
        (work / name).mkdir()
        for number in range(FILES):
            height, width = (int(side) for side in generator.integers(low, high + 1, 2))
            coarse = Image.fromarray(generator.integers(0, 256, (height // 16, width // 16, 3), dtype=np.uint8))
            coarse.resize((width, height)).save(work / name / f"{number:03}.jpg", quality=88)


def run(python: str) -> None:
    """Append what is missing to the readings."""
    known = {reading["seed"] for reading in readings()}
    with tempfile.TemporaryDirectory() as name:
        make_folders(Path(name))
        for seed in (*FITTED, *HELD_OUT):
            if seed in known:
                continue
            job = case(seed)
            words = json.dumps({**job, "folder": str(Path(name) / job["pictures"])})
            done = subprocess.run([python, "-W", "ignore", str(WORKLOAD), words], capture_output=True, text=True)
            if done.returncode:
                raise SystemExit(f"seed {seed} failed: {done.stderr[-2000:]}")
            with READINGS.open("a", encoding="utf-8") as out:
                out.write(json.dumps({**job, **json.loads(done.stdout)}) + "\n")
            print(f"seed {seed}", file=sys.stderr, flush=True)


def readings() -> list[dict[str, Any]]:
    if not READINGS.exists():
        return []
    return [json.loads(line) for line in READINGS.read_text("utf-8").splitlines()]


@dataclass(frozen=True, slots=True)
class Reading:
    """Bytes that were measured of one resource, and what was predicted."""

    job: dict[str, Any]
    predicted: Estimate
    measured: int

    @property
    def error(self) -> float:
        return self.predicted.expected / self.measured - 1

    @property
    def inside(self) -> bool:
        return self.predicted.low <= self.measured <= self.predicted.high


def compared(seeds: Sequence[int]) -> tuple[list[Reading], list[Reading]]:
    """Shared memory, and host memory."""
    found: tuple[list[Reading], list[Reading]] = [], []
    for job in readings():
        if job["seed"] not in seeds:
            continue
        workers = job["workers"]
        recipe = Recipe(
            loader="dataloader",
            framework="pytorch",
            input_height=job["side"],
            input_width=job["side"],
            dtype=job["dtype"],
            batch=job["batch"],
            workers=workers,
            prefetch_factor=job["prefetch_factor"] if workers else None,
        )
        pixels = FOLDERS[job["pictures"]][1] ** 2
        images = Images(train=job["samples"], decoded_max=3.0 * pixels, measured=1)
        machine = Target(name="any")
        if workers:
            found[0].append(Reading(job, _total(shm(recipe, images, machine)), job["shm"]))
        found[1].append(Reading(job, _total(host_memory(recipe, images, machine)), job["host"]))
    return found


def _total(rows: Sequence[Estimate]) -> Estimate:
    return next(row for row in rows if row.stage == TOTAL)


def _summary(found: Sequence[Reading]) -> str:
    """Errors where training pauses; a consumer that never waits is only held against the bounds."""
    inside = sum(reading.inside for reading in found)
    full = [reading for reading in found if reading.job["consumer"] == "pausing" or not reading.job["workers"]]
    errors = sorted(abs(reading.error) for reading in full)
    return (
        f"{len(full)} that pause: median error {statistics.median(errors):.1%}, worst {errors[-1]:.1%}; "
        f"{inside} of all {len(found)} inside low..high"
    )


def report() -> str:
    """For the documentation."""
    lines = []
    for name, seeds in (("Fitted on", FITTED), ("Held out", HELD_OUT)):
        shared, host = compared(seeds)
        lines += [f"- {name}, /dev/shm: {_summary(shared)}.", f"- {name}, host memory: {_summary(host)}."]
    return "\n".join([*lines, "", *_rows()])


def _rows() -> Iterator[str]:
    yield "| seed | workers x prefetch, batch, side, dtype | pictures | consumer | /dev/shm MiB | host memory MiB |"
    yield "|---|---|---|---|---|---|"
    shared, host = compared((*FITTED, *HELD_OUT))
    by_seed = {reading.job["seed"]: reading for reading in shared}
    for reading in host:
        job, seed = reading.job, reading.job["seed"]
        fitted = " (fitted)" if seed in FITTED else ""
        shm_cell = _cell(by_seed[seed]) if seed in by_seed else "none"
        recipe = f"{job['workers']} x {job['prefetch_factor']}, {job['batch']}, {job['side']}, {job['dtype']}"
        yield f"| {seed}{fitted} | {recipe} | {job['pictures']} | {job['consumer']} | {shm_cell} | {_cell(reading)} |"


def _cell(reading: Reading) -> str:
    predicted, measured = reading.predicted.expected / MIB, reading.measured / MIB
    return f"{predicted:,.1f} / {measured:,.1f} ({reading.error:+.1%})"
