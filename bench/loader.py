"""PyTorch's DataLoader against the prediction: /dev/shm and host memory of real runs, each in a fresh process tree.

    python -m bench.footprint loader [--run --torch PYTHON] [--write]

`--run` measures what `readings/loader.jsonl` lacks, one run at a time; PYTHON is an interpreter with torch, numpy and
Pillow, which this repository does not need. Nobody else may use /dev/shm meanwhile.
"""

from __future__ import annotations

import json
import random
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

if TYPE_CHECKING:
    pass

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
