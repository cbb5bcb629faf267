"""The hook `check --staged --since HEAD` in a repository of 100,000 images of which 100 change.

    python -m bench.since [--images N] [--changed N]

Side by side in one run: `git status`, Pillow decoding the changed pictures, and the hook, as medians of wall time. The
changed ones are photographs of 500 x 375 pixels, the others tiny, as their facts are remembered. Every round commits
what it changed, so that the next one is compared with another commit.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from PIL import Image

from bench.corpus import photo
from bench.hook import build, git, wall

_HOOK = ("-m", "datalint", "check", "--staged", "--since", "HEAD")
GOAL = 2.0


def decode(paths: list[Path]) -> float:
    """Seconds in which Pillow reads the pictures, on one core."""
    started = time.monotonic()
    for path in paths:
        with Image.open(path) as image:
            image.load()
    return time.monotonic() - started


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=int, default=100_000)
    parser.add_argument("--changed", type=int, default=100)
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()
    rng = np.random.default_rng(5)
    rows: dict[str, list[float]] = {"git status": [], "Pillow, the changed": [], "hook, --since HEAD": [], "hook": []}
    with tempfile.TemporaryDirectory() as name:
        repository = Path(name)
        build(repository, arguments.images)
        hook = [sys.executable, *_HOOK]
        print(f"first run: {wall(hook, repository):.1f} s")
        for _ in range(arguments.rounds):
            paths = []
            for number in range(arguments.changed):
                label = f"class{number % 10}"
                path = repository / "images" / "train" / label / f"photo{number:05}.jpg"
                photo(rng, 500, 375).save(path, quality=92)
                paths.append(path)
            git(repository, "add", ".")
            rows["git status"].append(wall(["git", "status", "--porcelain"], repository))
            rows["Pillow, the changed"].append(decode(paths))
            rows["hook, --since HEAD"].append(wall(hook, repository))
            rows["hook"].append(wall(hook[:-2], repository))
            git(repository, "commit", "-qm", "more photographs")
    medians = {label: statistics.median(times) for label, times in rows.items()}
    print("\n".join(f"{label:<20} {seconds * 1000:7.0f} ms" for label, seconds in medians.items()))
    status, decoding, since, _ = medians.values()
    print(f"(hook - decoding) / git status: {(since - decoding) / status:.1f} (goal: {GOAL:.0f})")


if __name__ == "__main__":
    main()
