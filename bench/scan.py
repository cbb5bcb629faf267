"""A cold scan against peers and against the bare decoder: same files, same cores, one run, CPU seconds.

    python -m bench.scan --peers /path/to/python-with-the-peers

The peers live in their own environment (`pip install cleanvision imagededup fastdup cvflow`); one that is not
installed is named as missing. The bare decoder needs a C compiler and libjpeg-turbo's headers.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from bench.corpus import make
from bench.measure import Contestant, ratio, rounds, table

OURS = "datalint facts, 2 workers"
OURS_ONE = "datalint facts, 1 worker"
OURS_JPEG = "datalint facts, JPEG only, 1 worker"
CHECK = "datalint check, 2 workers"
LIMIT = "libjpeg-turbo 1/8 grey in C, JPEG only"

_SCAN = """
import sys
from datalint.facts.gather import gather
from datalint.facts.cache import open_cache
from datalint.source.worktree import open_worktree
files = [entry for entry in open_worktree(sys.argv[1]).entries("") if entry.path.endswith(tuple(sys.argv[3:]))]
with open_cache(None) as cache:
    gathered = gather(files, cache=cache, workers=int(sys.argv[2]))
assert len(gathered.data) == len(files) and set(gathered.data.columns["status"]) == {"ok"}
"""

_CLEANVISION = """
import sys
from cleanvision import Imagelab
if __name__ == "__main__":
    Imagelab(data_path=sys.argv[1]).find_issues(n_jobs=2, verbose=False)
"""

# Its users import PHash like this, PyTorch and all; only the weights, which hashing does not use, are not fetched.
_IMAGEDEDUP = """
import sys
import imagededup.utils.models as models
models.MobilenetV3.__init__ = lambda self: None
from imagededup.methods import PHash
if __name__ == "__main__":
    assert PHash(verbose=False).encode_images(image_dir=sys.argv[1], num_enc_workers=2)
"""

_FASTDUP = """
import sys, tempfile, fastdup
fastdup.create(work_dir=tempfile.mkdtemp(), input_dir=sys.argv[1]).run(num_threads=2, overwrite=True)
"""

GOALS = {"cleanvision": 9.0, "imagededup": 3.5, "fastdup": 6.0, "cvflow": 1.0}


def as_yolo(folder: Path) -> Path:
    """The same files in the only layout that cvflow reads: one box and one class for each."""
    root = folder.with_name("yolo")
    for name in ("images", "labels"):
        for split in ("train", "val"):
            (root / name / split).mkdir(parents=True)
    for number, path in enumerate(sorted(folder.iterdir())):
        split = "train" if number % 10 else "val"
        os.link(path, root / "images" / split / path.name)
        (root / "labels" / split / f"{path.stem}.txt").write_text("0 0.5 0.5 0.5 0.5\n")
    (root / "data.yaml").write_text("path: .\ntrain: images/train\nval: images/val\nnames: {0: thing}\n")
    return root


def peers(python: str, folder: Path) -> list[Contestant]:
    """Those of the peers that this interpreter can import."""
    bin_folder = Path(python).parent
    commands = {
        "cleanvision": [python, "-c", _CLEANVISION, str(folder)],
        "imagededup": [python, "-c", _IMAGEDEDUP, str(folder)],
        "fastdup": [python, "-c", _FASTDUP, str(folder)],
        "cvflow": [str(bin_folder / "cvflow"), "inspect", str(as_yolo(folder))],
    }
    found = []
    for name, command in commands.items():
        if subprocess.run(
            [python, "-c", f"import importlib.util, sys; sys.exit(not importlib.util.find_spec({name!r}))"], check=False
        ).returncode:
            print(f"not installed, not measured: {name}", file=sys.stderr)
        else:
            found.append(Contestant(name, command))
    return found


def limit(folder: Path, work: Path) -> Contestant | None:
    """The C loop over the JPEG files, or None where it cannot be built."""
    compiler = shutil.which("cc")
    source = Path(__file__).with_name("limit.c")
    program = work / "limit"
    if (
        compiler is None
        or subprocess.run([compiler, "-O2", str(source), "-ljpeg", "-o", str(program)], check=False).returncode
    ):
        print("no C compiler with libjpeg headers: the limit is not measured", file=sys.stderr)
        return None
    listing = work / "jpegs.txt"
    listing.write_text("".join(f"{path}\n" for path in sorted(folder.glob("*.jpg"))))
    return Contestant(LIMIT, [str(program)], standard_input=str(listing))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--peers", metavar="PYTHON", help="interpreter of the environment that holds the peers")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--scale", type=float, default=1.0, help="1 makes 1,950 files")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        work = Path(name)
        folder = work / "images"
        print(f"corpus: {make(folder, scale=arguments.scale)}", file=sys.stderr)
        scan = [sys.executable, "-c", _SCAN, str(folder)]
        contestants = [
            Contestant(OURS, [*scan, "2", ""]),
            Contestant(OURS_ONE, [*scan, "1", ""]),
            Contestant(OURS_JPEG, [*scan, "1", ".jpg"]),
            Contestant(CHECK, [sys.executable, "-m", "datalint", "check", str(folder), "--no-cache", "--workers", "2"]),
        ]
        bare = limit(folder, work)
        contestants += [bare] if bare else []
        contestants += peers(arguments.peers, folder) if arguments.peers else []
        readings = rounds(contestants, count=arguments.rounds)
    print(table(readings, base=OURS))
    print()
    for name, goal in GOALS.items():
        if name in readings:
            print(f"{name} costs {ratio(readings, name, OURS):.2f} times our CPU (goal: at least {goal:g})")
    if bare:
        print(f"ours costs {ratio(readings, OURS_JPEG, LIMIT):.2f} times the bare decoder on JPEG (goal: at most 1.7)")
    walls = zip(readings[OURS_ONE], readings[OURS], strict=True)
    speedups = sorted(one.wall / two.wall for one, two in walls)
    print(f"two workers are {speedups[len(speedups) // 2]:.2f} times as fast as one (goal: at least 1.8)")


if __name__ == "__main__":
    main()
