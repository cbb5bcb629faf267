"""Predicted against measured: recipes run for real, each in a fresh process with the real TensorFlow and Keras.

    python -m bench.footprint host [--seeds 100] [--first-seed N] [--runs N [--repeat-beyond P]] [--log FILE] [--write]
    python -m bench.footprint model [--run] [--write]
    python -m bench.footprint dry-run [--run] [--write]
    python -m bench.footprint compile [--run] [--write]
    python -m bench.footprint time CORPORA [--write]
    python -m bench.footprint fill CORPORA [--write]
    python -m bench.footprint loader [--run --torch PYTHON] [--write]

`--write` puts the table into docs/footprint.md. With `--runs` a recipe is measured so often, and its median counts:
what one and the same pipeline takes differs from run to run. With `--repeat-beyond` only those are measured again whose
first run was off by more than so many percent, and the table says so. A busy machine makes it last longer, and a
pipeline may then hold a few images or a batch more.

`--log` keeps every run as it ends, and what is in there is not run again: all recipes once, then all a second time, so
that a run that was cut off can go on, or be summed up with fewer `--runs`.
"""

from __future__ import annotations

import argparse
import json
import random
import re
import statistics
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

from bench import compile as compiled
from bench import dry_run, fill, loader, model, timing
from bench.workload import TFRECORDS
from datalint.footprint.estimate import TOTAL
from datalint.footprint.host import host_memory
from datalint.footprint.images import Images
from datalint.footprint.recipe import Recipe, contradiction

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from datalint.footprint.estimate import Estimate

ROOT = Path(__file__).parent.parent
PAGE = ROOT / "docs" / "footprint.md"
MIB = 2**20
SIDE = 224
"""Height and width of an array recipe's images in pixels."""


@dataclass(frozen=True, slots=True)
class Job:
    """A recipe and what it is run on; `call` is what Keras is asked to do with an array."""

    name: str
    recipe: Recipe
    images: Images
    folder: str = ""
    call: str = "fit"


@dataclass(frozen=True, slots=True)
class Reading:
    """Bytes of the whole process."""

    job: Job
    predicted: Estimate
    runs: tuple[int, ...]

    @property
    def measured(self) -> float:
        return statistics.median(self.runs)

    @property
    def error(self) -> float:
        return self.predicted.expected / self.measured - 1

    @property
    def inside(self) -> bool:
        return self.predicted.low <= self.measured <= self.predicted.high


@dataclass(frozen=True, slots=True)
class _Machine:
    usable: int | None = None
    cores: int | None = None


def cores() -> int:
    import os

    return len(os.sched_getaffinity(0))


def array_jobs(size: int) -> Iterator[Job]:
    """Every way to build, scale, split and feed an array; `size` is about the bytes of the peak."""
    base = Recipe(loader="array", input_height=SIDE, input_width=SIDE, batch=32)
    feeds: list[tuple[str, dict[str, Any], str]] = []
    for dtype in ("uint8", "float16", "float32", "float64"):
        feeds.append((f"fit {dtype}", {"dtype": dtype}, "fit"))
        feeds.append((f"fit {dtype}, validation_split 0.2", {"dtype": dtype, "validation_split": 0.2}, "fit"))
    feeds += [
        ("fit float32, validation_split 0.5", {"validation_split": 0.5}, "fit"),
        ("evaluate float32", {}, "evaluate"),
        ("predict float32", {}, "predict"),
        ("predict float16", {"dtype": "float16"}, "predict"),
        ("from_tensor_slices uint8", {"loader": "from_tensor_slices", "dtype": "uint8"}, "fit"),
        ("from_tensor_slices float32", {"loader": "from_tensor_slices"}, "fit"),
        ("from_tensor_slices float16", {"loader": "from_tensor_slices", "dtype": "float16"}, "fit"),
        ("from_tensor_slices, shuffle", {"loader": "from_tensor_slices", "shuffle_buffer": 100}, "fit"),
    ]
    for name, change, call in feeds:
        yield Job(name, replace(base, array_build="preallocated", **change), Images(train=0), call=call)
    yield Job("fit, validation data of a quarter", replace(base, array_build="preallocated"), Images(train=3, val=1))
    builds: list[tuple[str, dict[str, Any]]] = [
        ("list uint8", {"dtype": "uint8"}),
        ("list freed uint8", {"dtype": "uint8", "array_build": "list_freed"}),
        ("preallocated float32", {"array_build": "preallocated"}),
        ("list float32", {}),
        ("X /= 255", {"array_scale": "in_place"}),
        ("np.array(L, 'float32') / 255", {"array_scale": "divide"}),
        ("X.astype('float32') / 255", {"array_scale": "cast_and_divide"}),
        ("X / 255.0 on uint8", {"array_scale": "divide_uint8", "dtype": "float64"}),
        ("every image / 255 in float32", {"array_scale": "per_image"}),
        ("every image / 255 in float64", {"array_scale": "per_image", "dtype": "float64"}),
        ("train_test_split, source kept", {"array_split": "copied", "array_build": "list_freed"}),
        ("train_test_split, source freed", {"array_split": "source_freed", "array_build": "list_freed"}),
    ]
    for name, change in builds:
        recipe = replace(base, **{"loader": "sequence", "array_build": "list", **change})
        yield Job(f"PyDataset over: {name}", recipe, Images(train=0))
    yield Job("list float32, divided, fit", replace(base, array_build="list", array_scale="divide"), Images(train=0))
    yield Job(
        "list float32, train_test_split, fit",
        replace(base, array_build="list", array_split="copied", validation_split=0.2),
        Images(train=0),
    )


def sized(job: Job, size: int) -> Job:
    """With so many samples that about `size` bytes are predicted, in the same shares of splits."""
    unit = replace(job.images, train=1000) if not job.images.train else job.images.grown(1000)
    stages = [row for row in host_memory(job.recipe, unit, _Machine()) if row.stage not in (TOTAL, *_CONSTANT)]
    return replace(job, images=unit.grown(round(1000 * size / sum(row.expected for row in stages))))


_CONSTANT = ("framework", "runtime", "slack")


def pipeline_job(seed: int, folders: dict[str, tuple[Path, Images]]) -> Job:
    """A random pipeline, over the space that people use."""
    draw = random.Random(seed)
    while True:
        kind = draw.choice(sorted(folders))
        folder, images = folders[kind]
        recipe = Recipe(
            loader="tfrecord" if kind.startswith("tfrecord") else "files",
            input_height=(side := draw.choice((96, 128, 160, 192, 224, 256, 288))),
            input_width=side,
            dtype=draw.choice(("uint8", "float32", "float32")),
            batch=draw.choice((8, 16, 32, 64)),
            shuffle_buffer=draw.choice((None, 100, 250, 500, 1000)),
            cache=draw.choice(("none", "none", "memory")),
            prefetch=draw.randint(1, 8),
            parallel_calls=draw.randint(1, 4),
        )
        if recipe.shuffle_buffer:
            recipe = replace(recipe, shuffle_stage=draw.choice(("encoded", "decoded", "batched")))
        images = images.grown(draw.randint(images.train // 3, images.train))
        if contradiction(recipe) is None:
            return Job(f"seed {seed}: {kind}", recipe, images, folder=str(folder))


def make_folders(work: Path) -> dict[str, tuple[Path, Images]]:
    """JPEG of one size, JPEG of many sizes, PNG, and the JPEGs again as TFRecords."""
    generator = np.random.default_rng(7)
    kinds = {"jpeg 256": ("jpg", (256, 256)), "jpeg 160-1600": ("jpg", (160, 1600)), "png 224": ("png", (224, 224))}
    made = {}
    for name, (suffix, (low, high)) in kinds.items():
        folder = work / name.replace(" ", "-")
        folder.mkdir()
        sizes = []
        for number in range(1200):
            height, width = (int(side) for side in generator.integers(low, high + 1, 2))
            coarse = Image.fromarray(generator.integers(0, 256, (height // 16, width // 16, 3), dtype=np.uint8))
            coarse.resize((width, height)).save(folder / f"{number:05}.{suffix}", quality=88)
            sizes.append(height * width * 3)
        made[name] = folder, _described(folder, sizes)
    for name in [name for name in made if name.startswith("jpeg")]:
        source, images = made[name]
        folder = work / f"tfrecord-{source.name}"
        folder.mkdir()
        _write_records(source, folder / f"images{TFRECORDS}")
        made[f"tfrecord of {name}"] = folder, images
    return made


def _described(folder: Path, sizes: Sequence[int]) -> Images:
    encoded = [path.stat().st_size for path in folder.iterdir()]
    return Images(
        train=len(sizes),
        encoded_mean=statistics.mean(encoded),
        decoded_mean=statistics.mean(sizes),
        decoded_max=max(sizes),
        measured=len(sizes),
        sizes=len(set(sizes)),
    )


def _write_records(source: Path, target: Path) -> None:
    """By TensorFlow, in a process of its own: this one stays small."""
    code = (
        "import sys, os, tensorflow as tf\n"
        "with tf.io.TFRecordWriter(sys.argv[2]) as out:\n"
        "    for name in sorted(os.listdir(sys.argv[1])):\n"
        "        out.write(open(os.path.join(sys.argv[1], name), 'rb').read())\n"
    )
    subprocess.run([sys.executable, "-c", code, str(source), str(target)], check=True, stderr=subprocess.DEVNULL)


class Log:
    """Runs that have ended, in memory and, where there is a path, as lines of JSON."""

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._lock = Lock()
        self._runs: dict[str, list[int]] = {}
        for line in path.read_text("utf-8").splitlines() if path and path.exists() else []:
            row = json.loads(line)
            self._runs.setdefault(row["job"], []).append(row["bytes"])

    def runs(self, job: Job) -> list[int]:
        return self._runs.get(_key(job), [])

    def add(self, job: Job, size: int) -> None:
        with self._lock:
            self._runs.setdefault(_key(job), []).append(size)
            if self._path:
                with self._path.open("a", encoding="utf-8") as file:
                    file.write(json.dumps({"name": job.name, "bytes": size, "job": _key(job)}) + "\n")


def _key(job: Job) -> str:
    """The same for the same images in another folder."""
    return json.dumps(asdict(replace(job, folder="")))


def measured(jobs: Sequence[Job], log: Log, arguments: argparse.Namespace) -> list[Reading]:
    """Every job once before any of them again."""

    def once(job: Job) -> None:
        log.add(job, _peak(job))
        found = reading(job, log.runs(job))
        print(f"{found.error:+7.2%} {'' if found.inside else 'OUTSIDE'} {job.name}", file=sys.stderr, flush=True)

    with ThreadPoolExecutor(arguments.parallel) as pool:
        for number in range(1, arguments.runs + 1):
            again = [job for job in jobs if len(log.runs(job)) < number]
            if number > 1:
                again = [
                    job for job in again if abs(reading(job, log.runs(job)[:1]).error) > arguments.repeat_beyond / 100
                ]
            list(pool.map(once, again))
    return [reading(job, log.runs(job)[: arguments.runs]) for job in jobs]


def reading(job: Job, runs: Sequence[int]) -> Reading:
    [*_, predicted] = host_memory(job.recipe, job.images, _Machine(cores=cores()))
    return Reading(job, predicted, tuple(runs))


def often(readings: Sequence[Reading], arguments: argparse.Namespace) -> str:
    """How often each was measured, and where that may flatter, what the first runs alone say."""
    if arguments.runs == 1:
        return "one run each"
    said = f"median of {arguments.runs} runs each"
    if arguments.repeat_beyond:
        repeated = [found for found in readings if len(found.runs) > 1]
        beyond = f"for the {len(repeated)} off by more than {arguments.repeat_beyond:g} %"
        said = f"one run each, and {beyond} the median of {arguments.runs}"
    return f"{said} (the first runs alone: {summary([replace(found, runs=found.runs[:1]) for found in readings])})"


def _peak(job: Job) -> int:
    words = {
        "recipe": asdict(job.recipe),
        "train": job.images.train,
        "val": job.images.val,
        "folder": job.folder,
        "call": job.call,
    }
    run = subprocess.run(
        [sys.executable, "-m", "bench.workload", json.dumps(words)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    if run.returncode:
        raise SystemExit(f"{job.name} failed: {run.stderr[-2000:]}")
    return int(run.stdout.split()[-1])


def summary(readings: Sequence[Reading]) -> str:
    errors = sorted(abs(reading.error) for reading in readings)
    inside = sum(reading.inside for reading in readings) / len(readings)
    return (
        f"{len(readings)} recipes: median error {statistics.median(errors):.2%}, worst {errors[-1]:.2%}, "
        f"{inside:.1%} inside low..high"
    )


def rows(readings: Sequence[Reading]) -> Iterator[str]:
    yield "| recipe | predicted MiB | measured MiB | error |"
    yield "|---|---|---|---|"
    for reading in readings:
        predicted, measured = reading.predicted.expected / MIB, reading.measured / MIB
        yield f"| {reading.job.name} | {predicted:,.0f} | {measured:,.0f} | {reading.error:+.1%} |"


def host(arguments: argparse.Namespace) -> None:
    log = Log(arguments.log)
    parts = {}
    if arguments.only != "pipelines":
        arrays = measured([sized(job, arguments.size) for job in array_jobs(arguments.size)], log, arguments)
        head = f"Arrays, {often(arrays, arguments)}. {summary(arrays)}."
        parts["host arrays"] = "\n".join([head, "", *rows(arrays)])
    if arguments.only != "arrays":
        seeds = range(arguments.first_seed, arguments.first_seed + arguments.seeds)
        with tempfile.TemporaryDirectory() as name:
            folders = make_folders(Path(name))
            pipelines = measured([pipeline_job(seed, folders) for seed in seeds], log, arguments)
        worst = sorted(pipelines, key=lambda found: -abs(found.error))[:10]
        head = (
            f"Pipelines, seeds {seeds.start} to {seeds.stop - 1}, formulas of commit {commit()}, "
            f"{often(pipelines, arguments)}. {summary(pipelines)}. The ten worst:"
        )
        parts["host pipelines"] = "\n".join([head, "", *rows(worst)])
    for part, text in parts.items():
        print(text)
        if arguments.write:
            write(part, text)


def commit() -> str:
    """That last changed the formulas."""
    formulas = ("git", "log", "-1", "--format=%h", "--", "datalint/footprint")
    return subprocess.run(formulas, cwd=ROOT, capture_output=True, text=True, check=True).stdout.strip()


def write(part: str, text: str) -> None:
    """Between the marks of the page."""
    begin, end = f"<!-- bench.footprint {part}: begin -->", f"<!-- bench.footprint {part}: end -->"
    page = PAGE.read_text("utf-8")
    PAGE.write_text(re.sub(f"{begin}.*{end}", lambda _: f"{begin}\n{text}\n{end}", page, flags=re.DOTALL), "utf-8")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("host", "model", "dry-run", "compile", "time", "loader", "fill"))
    parser.add_argument("corpora", type=Path, nargs="?", help="folder of real datasets, for `time`")
    parser.add_argument("--seeds", type=int, default=100)
    parser.add_argument("--first-seed", type=int, default=1000)
    parser.add_argument("--size", type=int, default=3 << 30, help="bytes of an array recipe's peak")
    parser.add_argument("--runs", type=int, default=1)
    parser.add_argument("--repeat-beyond", type=float, default=0.0, help="percent")
    parser.add_argument("--log", type=Path, help="file of all runs, added to")
    parser.add_argument("--parallel", type=int, default=2)
    parser.add_argument("--only", choices=("arrays", "pipelines"))
    parser.add_argument("--write", action="store_true")
    parser.add_argument("--run", action="store_true", help="measure the models or loaders whose readings are missing")
    parser.add_argument("--torch", default=sys.executable, help="interpreter with torch, for `loader`")
    arguments = parser.parse_args()
    if arguments.what == "host":
        host(arguments)
        return
    if arguments.run:
        runs: dict[str, Callable[[], None]] = {
            "dry-run": dry_run.run,
            "compile": compiled.run,
            "loader": lambda: loader.run(arguments.torch),
            "model": model.run,
        }
        if arguments.what in runs:
            runs[arguments.what]()
    reports: dict[str, Callable[[], str]] = {
        "time": lambda: timing.report(list(timing.cases(arguments.corpora))),
        "fill": lambda: fill.report(list(fill.cases(arguments.corpora))),
        "dry-run": dry_run.report,
        "compile": compiled.report,
        "loader": loader.report,
        "model": model.report,
    }
    print(text := reports[arguments.what]())
    if arguments.what == "model":
        print(model.speed(), file=sys.stderr)
    if arguments.write:
        write(arguments.what, text)


if __name__ == "__main__":
    main()
