"""Tier 1 against itself: peaks that a dry run continues from small batches, and those of batches it never ran.

    python -m bench.footprint dry-run [--run] [--write]

`--run` measures what `readings/dry_run.jsonl` lacks, one process at a time; the small batches and the large ones are
different processes.
"""

from __future__ import annotations

import json
import os
import statistics
import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.model import BATCHES, MIB, READINGS, lines, told
from datalint import dry_run, measuring
from datalint.footprint.accelerator import MEASURED
from datalint.footprint.dry_run import Reading
from datalint.footprint.estimate import Band
from datalint.footprint.peaks import Asked, Peak

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

FILE = "dry_run.jsonl"
SMALL, LARGE = (2, 4, 8), (16, 32)
OWN = "bench.own_model:gated"
CASES = (
    *((name, "float32") for name in ("MobileNetV2", "NASNetMobile", "ResNet50", OWN, "EfficientNetB0", "DenseNet121")),
    *((name, "float32") for name in ("VGG16", "MobileNetV3Large")),
    *((name, "mixed_float16") for name in ("MobileNetV2", "ResNet50")),
)
WITHOUT = ("ResNet50", "MobileNetV2")
"""Models whose steps are also run without oneDNN, the library of kernels for CPUs that a GPU does not use."""
_ONEDNN = "TF_ENABLE_ONEDNN_OPTS"
SIDE = 224
_LONGEST = 900.0
"""Seconds of one process."""


def job(model: str, precision: str, batches: Sequence[int]) -> dict[str, Any]:
    """As `datalint estimate --dry-run` asks for it, but never beyond the batches that are named."""
    how = {"function": model, "folder": str(Path(__file__).parent.parent)} if ":" in model else {"application": model}
    return {
        **how,
        "shape": (SIDE, SIDE, 3),
        "precision": precision,
        "optimizer": "adam",
        "accumulates": False,
        "batches": batches,
        "enough": 0,
        "limit": 0,
        "seconds": 0,
        "memory": None,
    }


def run() -> None:
    """Measure what is missing."""
    have = measured()
    plain = [(model, precision, batches) for model, precision in CASES for batches in (SMALL, LARGE)]
    wanted = [(*case, True) for case in plain] + [(model, "float32", SMALL, False) for model in WITHOUT]
    for model, precision, batches, onednn in wanted:
        if (model, precision, batches, onednn) in have:
            continue
        os.environ[_ONEDNN] = str(int(onednn))
        found = measuring.run(dry_run.WAY, job(model, precision, batches), what=model, timeout=_LONGEST)
        kept = {name: value for name, value in found.items() if name != "files"}
        with (READINGS / FILE).open("a", encoding="utf-8") as file:
            file.write(json.dumps({"model": model, "batches": batches, "onednn": onednn, **kept}) + "\n")
        print(f"{model} {precision} {found['peaks']}", file=sys.stderr, flush=True)


def measured() -> dict[tuple[str, str, tuple[int, ...], bool], dict[str, Any]]:
    """Lines by model, precision, batches, and whether oneDNN computed."""
    return {
        (line["model"], line["precision"], tuple(line["batches"]), line.get("onednn", True)): line
        for line in lines(FILE)
    }


@dataclass(frozen=True, slots=True)
class Row:
    """Bytes at a batch that the dry run did not see: predicted by both tiers, and counted by an allocator."""

    model: str
    precision: str
    batch: int
    measured: float
    tier_0: Band | None
    """None for a model that the walk cannot follow."""
    tier_1: Band
    graph: float
    """What tier 1 expects under the executor that was measured."""

    def error(self, band: Band) -> float:
        return band.expected / self.measured - 1

    @property
    def inside(self) -> bool:
        return self.tier_1.low <= self.measured <= self.tier_1.high


def reading(line: dict[str, Any]) -> Reading:
    asked = Asked(tuple(line["shape"]), line["precision"], line["optimizer"], accumulates=False)
    kept = ("precision", "optimizer", "weights", "slots", "parameters", "workspace", "keras", "tensorflow")
    peaks = tuple(Peak(*peak) for peak in line["peaks"])
    return Reading(asked=asked, shape=asked.shape, peaks=peaks, **{name: line[name] for name in kept})  # type: ignore[arg-type]


def continued() -> Iterator[Row]:
    """What the small batches say of the large ones, under the executor that was measured."""
    have = measured()
    for model, precision in CASES:
        small, large = (have.get((model, precision, batches, True)) for batches in (SMALL, LARGE))
        if small is None or large is None:
            continue
        for batch, peak in large["peaks"]:
            if ":" in model:
                walked, band = None, reading(small).at(batch)
            else:
                subject = told(model, batch, precision, MEASURED)
                walked, band = subject.span(batch), subject.measured(reading(small), batch)
            yield Row(model, precision, batch, peak, walked, band, band.expected)


def on_a_gpu() -> Iterator[Row]:
    """What peaks under TensorFlow's graph on a CPU, of `bfc.jsonl`, say of XLA on a GPU."""
    counted: dict[tuple[str, str], dict[int, dict[str, Any]]] = {}
    for line in lines("bfc.jsonl"):
        counted.setdefault((line["model"], line["precision"]), {})[line["batch"]] = line
    for line in lines("h100.jsonl"):
        mine = counted.get((line["model"], line["precision"]), {})
        if line["executor"] != "jax" or line.get("repeated") or len(mine) < len(BATCHES):
            continue
        walked = told(line["model"], line["batch"], line["precision"], "xla")
        first = mine[BATCHES[0]]
        seen = Reading(
            asked=Asked(walked.shape, walked.precision, "adam", accumulates=False),
            shape=walked.shape,
            precision=walked.precision,
            optimizer="adam",
            peaks=tuple(Peak(batch, mine[batch]["peak"]) for batch in BATCHES),
            weights=4 * first["parameters"],
            slots=8 * first["trainable"],
            parameters=first["parameters"],
            workspace=0.0,
            keras=first["keras"],
            tensorflow=first["tensorflow"],
        )
        batch = line["batch"]
        span = replace(walked, reading=seen).span(batch)
        graph = seen.at(batch).expected
        yield Row(line["model"], line["precision"], batch, line["peak"], walked.span(batch), span, graph)


def without() -> Iterator[str]:
    have = measured()
    found = []
    for model in WITHOUT:
        plain, other = (have.get((model, "float32", SMALL, onednn)) for onednn in (True, False))
        if plain and other:
            found += [mine / theirs - 1 for (_, mine), (_, theirs) in zip(other["peaks"], plain["peaks"], strict=True)]
    if found:
        names = " and ".join(WITHOUT)
        spread = f"{min(found):+.1%} to {max(found):+.1%}"
        yield f"Without oneDNN's kernels for CPUs, {names} took {spread} at the small batches."
        yield ""


def summary(rows: Sequence[Row]) -> str:
    walked = [(row, row.tier_0) for row in rows if row.tier_0]
    before = sorted(abs(row.error(band)) for row, band in walked)
    after = sorted(abs(row.error(row.tier_1)) for row in rows)
    return (
        f"{len(rows)} batches of {len({row.model for row in rows})} models: tier 1 median error "
        f"{statistics.median(after):.1%}, worst {after[-1]:.1%}, {sum(row.inside for row in rows)} of {len(rows)} "
        f"inside low..high; tier 0 median {statistics.median(before):.1%}, worst {before[-1]:.1%}."
    )


def table(rows: Sequence[Row]) -> Iterator[str]:
    yield "| model | precision | batch | measured MiB | tier 1: low, expected, high | error | tier 0: error |"
    yield "|---|---|---|---|---|---|---|"
    for row in rows:
        low, expected, high = (f"{size / MIB:,.0f}" for size in row.tier_1)
        mark = "" if row.inside else " (outside)"
        before = "not predicted" if row.tier_0 is None else f"{row.error(row.tier_0):+.1%}"
        bands = f"{low}, {expected}, {high}{mark}"
        name = f"`{row.model}`" if ":" in row.model else row.model
        error = f"{row.error(row.tier_1):+.1%}"
        yield f"| {name} | {row.precision} | {row.batch} | {row.measured / MIB:,.0f} | {bands} | {error} | {before} |"


def report() -> str:
    rows, compiled = list(continued()), list(on_a_gpu())
    large = sorted((row for row in compiled if row.batch > BATCHES[-1]), key=lambda row: (row.model, row.batch))
    shares = [row.measured / row.graph for row in large]
    return "\n".join(
        [
            f"Executor `tf-graph`, TensorFlow 2.21 and Keras 3.15 on a CPU, Adam: peaks of {_listed(SMALL)} images, "
            f"continued to batches of {_listed(LARGE)}, and what another process then took.",
            "",
            summary(rows),
            "",
            *without(),
            *table(rows),
            "",
            "Executor `xla`: peaks of 2, 8 and 16 images under `tf-graph` on a CPU, times the ratio of the two walks, "
            "against Keras 3.15 on JAX 0.11 on an NVIDIA H100 80GB HBM3.",
            "",
            summary(large),
            f"Without the walks: {min(shares):.2f} to {max(shares):.2f} times what is continued under `tf-graph`.",
            f"At a batch of 8, {sum(row.inside for row in compiled if row.batch == 8)} of "
            f"{sum(row.batch == 8 for row in compiled)} inside low..high.",
            "",
            *table(large),
        ]
    )


def _listed(batches: Sequence[int]) -> str:
    return f"{', '.join(map(str, batches[:-1]))} and {batches[-1]}"
