"""The hook in a repository of 100,000 images: nothing changed, and something else changed.

    python -m bench.hook

Prints wall times side by side with bare Python and `git status`, and which heavy modules were imported.
"""

from __future__ import annotations

import argparse
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
import zlib
from pathlib import Path

HEAVY = ("numpy", "duckdb", "PIL", "simplejpeg", "rich", "click", "typer", "tensorflow")
_HOOK = ("-m", "datalint", "check", "--staged")
_SPY = (
    "import sys; from datalint.cli import main; code = main(['check', '--staged']); "
    f"print(code, [name for name in {HEAVY!r} if name in sys.modules], file=sys.stderr)"
)


def png(number: int) -> bytes:
    """A valid 32 x 32 grey picture of 8 x 8 squares, which looks like that of no other number."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return len(body).to_bytes(4, "big") + kind + body + zlib.crc32(kind + body).to_bytes(4, "big")

    header = (32).to_bytes(4, "big") * 2 + bytes((8, 0, 0, 0, 0))
    levels = random.Random(number).randbytes(64)
    rows = (b"\0" + b"".join(bytes([level]) * 4 for level in levels[start : start + 8]) for start in range(0, 64, 8))
    pixels = zlib.compress(b"".join(row * 4 for row in rows))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")


def build(repository: Path, images: int) -> None:
    """`images` pictures in ten classes and two splits, committed; a clean dataset."""
    git(repository, "init", "-q")
    for split, share in (("train", 0.9), ("val", 0.1)):
        for label in range(10):
            (repository / "images" / split / f"class{label}").mkdir(parents=True)
        start = 0 if split == "train" else int(images * 0.9)
        for number in range(start, start + int(images * share)):
            path = repository / "images" / split / f"class{number % 10}" / f"{number:07}.png"
            path.write_bytes(png(number))
    (repository / "datalint.yaml").write_text("dataset: {path: images}\n")
    git(repository, "add", ".")
    git(repository, "commit", "-qm", "dataset")


def git(repository: Path, *words: str) -> None:
    identity = ("-c", "user.name=bench", "-c", "user.email=bench@localhost", "-c", "gc.auto=0")
    subprocess.run(["git", "-C", str(repository), *identity, *words], check=True, stdout=subprocess.DEVNULL)


def wall(command: list[str], folder: Path, *, codes: tuple[int, ...] = (0,)) -> float:
    # What is installed is compiled, whatever the shell that starts the bench says.
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    started = time.monotonic()
    process = subprocess.run(
        command, cwd=folder, check=False, capture_output=True, env={**environment, "PRE_COMMIT": "1"}
    )
    elapsed = time.monotonic() - started
    if process.returncode not in codes:
        raise SystemExit(f"{command} gave {process.returncode}: {process.stderr.decode()}{process.stdout.decode()}")
    return elapsed


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=9)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        repository = Path(name)
        build(repository, arguments.images)
        hook = [sys.executable, *_HOOK]
        print(f"first run: {wall(hook, repository):.1f} s")
        rows: dict[str, list[float]] = {
            "python -c pass": [],
            "git status": [],
            "nothing changed": [],
            "other file changed": [],
        }
        for number in range(arguments.rounds):
            rows["python -c pass"].append(wall([sys.executable, "-c", "pass"], repository))
            rows["git status"].append(wall(["git", "status", "--porcelain"], repository))
            rows["nothing changed"].append(wall(hook, repository))
            (repository / "notes.txt").write_text(str(number))
            git(repository, "add", "notes.txt")
            rows["other file changed"].append(wall(hook, repository))
        spy = subprocess.run([sys.executable, "-c", _SPY], cwd=repository, check=True, capture_output=True, text=True)
    medians = {label: statistics.median(times) for label, times in rows.items()}
    print("\n".join(f"{label:<20} {seconds * 1000:7.1f} ms" for label, seconds in medians.items()))
    over = (medians["nothing changed"] - medians["python -c pass"]) * 1000
    print(f"nothing changed: bare Python + {over:.0f} ms (goal: + 60 ms)")
    print(f"other file changed: {medians['other file changed'] / medians['git status']:.2f} times git status (goal: 3)")
    print(f"exit code and heavy modules imported: {spy.stderr.strip().splitlines()[-1]}")


if __name__ == "__main__":
    main()
