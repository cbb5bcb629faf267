"""A large COCO file: datalint's reader against json.load and pycocotools, in CPU seconds and peak resident memory.

    python -m bench.coco [--megabytes 500] [--rounds 3] [--file FILE]

Every contestant has a process of its own in every round, in turn. What json.load builds is only that, and pycocotools
adds its index; datalint has its tables by then, with every id, box, polygon and mask checked.
"""

from __future__ import annotations

import argparse
import json
import math
import random
import statistics
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

# The peak of the process since its exec (proc(5)); ru_maxrss would count that of the parent before it.
_PEAK = """
import sys, time
def told(what):
    peak = next(line for line in open("/proc/self/status") if line.startswith("VmHWM"))
    print(time.process_time(), int(peak.split()[1]) / 1024, what)
"""

_OURS = """
from datalint import dataset
from datalint.source.worktree import open_worktree
found = dataset.read(open_worktree(sys.argv[1]), root=sys.argv[2])
told(f"{len(found.samples)} images, {len(found.annotations)} annotations")
"""

_JSON = """
import json, os
with open(os.path.join(sys.argv[1], sys.argv[2])) as file:
    found = json.load(file)
told(f"{len(found['images'])} images, {len(found['annotations'])} annotations")
"""

_PYCOCOTOOLS = """
import contextlib, io, os
from pycocotools.coco import COCO
with contextlib.redirect_stdout(io.StringIO()):
    found = COCO(os.path.join(sys.argv[1], sys.argv[2]))
told(f"{len(found.imgs)} images, {len(found.anns)} annotations")
"""

CONTESTANTS = {"datalint": _OURS, "json.load": _JSON, "pycocotools": _PYCOCOTOOLS}
GOAL_MEMORY = 0.25
IMAGES_PER_MEGABYTE = 236
"""As instances_train2017.json has it: 118,287 images in 469 MB with 860,001 annotations."""


def write(file: TextIO, megabytes: int) -> None:
    """A file such as instances_train2017.json: one line, polygons of 6 to 60 points."""
    chance = random.Random(0)
    images = megabytes * IMAGES_PER_MEGABYTE
    file.write('{"info": {"description": "made for a measurement"}, "images": [')
    for number in range(images):
        entry = {
            "license": 1, "file_name": f"{number:012}.jpg", "height": 480, "width": 640, "id": number,
            "coco_url": f"http://images.example.org/train2017/{number:012}.jpg", "date_captured": "2013-11-14 17:02:52",
        }  # fmt: skip
        file.write((", " if number else "") + json.dumps(entry))
    file.write('], "annotations": [')
    number = 0
    while file.tell() < megabytes * 1_000_000:
        file.write((", " if number else "") + json.dumps(annotation(number, images, chance)))
        number += 1
    categories = [{"supercategory": "thing", "id": number, "name": f"class{number}"} for number in range(1, 81)]
    file.write('], "categories": ' + json.dumps(categories) + "}")


def annotation(number: int, images: int, chance: random.Random) -> dict[str, object]:
    """An ellipse somewhere."""
    x, y, wide, high = chance.uniform(100, 540), chance.uniform(100, 380), chance.uniform(5, 99), chance.uniform(5, 99)
    points = chance.randint(6, 60)
    angles = [2 * math.pi * step / points for step in range(points)]
    across = [round(x + wide * math.cos(angle), 2) for angle in angles]
    down = [round(y + high * math.sin(angle), 2) for angle in angles]
    area = abs(sum(across[i - 1] * down[i] - across[i] * down[i - 1] for i in range(points))) / 2
    return {
        "segmentation": [[value for point in zip(across, down, strict=True) for value in point]],
        "area": round(area, 4), "iscrowd": 0, "image_id": chance.randrange(images),
        "bbox": [min(across), min(down), round(max(across) - min(across), 2), round(max(down) - min(down), 2)],
        "category_id": chance.randint(1, 80), "id": number + 1,
    }  # fmt: skip


def once(code: str, folder: str, name: str) -> tuple[float, float, str]:
    """CPU seconds, peak in MiB, and what was read."""
    command = [sys.executable, "-c", _PEAK + code, folder, name]
    cpu, peak, *words = subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()
    return float(cpu), float(peak), " ".join(words)


@dataclass(frozen=True, slots=True)
class Measured:
    """CPU seconds, peak in MiB and what was read, of every round by contestant."""

    megabytes: float
    readings: Mapping[str, Sequence[tuple[float, float, str]]]

    def ratio(self, name: str, which: int) -> float:
        """Median of the rounds' ratios to json.load: of CPU seconds (0) or of the peak (1)."""
        return statistics.median(self._ratios(name, which))

    @property
    def memory(self) -> float:
        """The worst ratio of datalint's peak."""
        return max(self._ratios("datalint", 1))

    def _ratios(self, name: str, which: int) -> list[float]:
        pairs = zip(self.readings[name], self.readings["json.load"], strict=True)
        return [float(one[which]) / float(other[which]) for one, other in pairs]


def measure(megabytes: int, rounds: int, own: Path | None = None) -> Measured:
    """Let all read a file of that size, or one's own, in turn."""
    with tempfile.TemporaryDirectory(prefix="bench-coco-") as made:
        path = own.absolute() if own else Path(made) / "instances_train2017.json"
        if not own:
            with path.open("w", encoding="utf-8") as file:
                write(file, megabytes)
        readings: dict[str, list[tuple[float, float, str]]] = {name: [] for name in CONTESTANTS}
        for _ in range(rounds):
            for name, code in CONTESTANTS.items():
                readings[name].append(once(code, str(path.parent), path.name))
        return Measured(path.stat().st_size / 1e6, readings)


def main() -> None:
    """Measure, print a table, and say whether the goals hold."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--megabytes", type=int, default=500)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--file", type=Path, help="a file of one's own instead")
    options = parser.parse_args()
    found = measure(options.megabytes, options.rounds, options.file)
    print(f"{found.megabytes:,.0f} MB\n\n| reader | CPU s | peak MiB | CPU ratio | memory ratio | read |")
    print("|---|---|---|---|---|---|")
    for name, runs in found.readings.items():
        cpu, peak = statistics.median(run[0] for run in runs), statistics.median(run[1] for run in runs)
        ratios = f"{found.ratio(name, 0):.2f} | {found.ratio(name, 1):.2f}"
        print(f"| {name} | {cpu:.1f} | {peak:,.0f} | {ratios} | {runs[-1][2]} |")
    faster, leaner = found.ratio("datalint", 0) < 1, found.memory <= GOAL_MEMORY
    print(f"\nfaster than json.load: {faster}; in a quarter of its memory: {leaner}")
    sys.exit(0 if faster and leaner else 1)


if __name__ == "__main__":
    main()
