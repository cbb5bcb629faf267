"""Tier 2 against a card: what XLA assigned to a model's step without the card, and what its allocator then counted.

    python -m bench.footprint compile [--run] [--write]

`--run` compiles what `readings/compiled.jsonl` lacks, one process a model, with the extra `xla`; an interrupted run
goes on where it stopped. `readings/h100.jsonl` is what `bench/gpu.py` wrote on an NVIDIA H100.
"""

from __future__ import annotations

import json
import statistics
import sys
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from bench.model import MIB, READINGS, lines, told
from datalint import compiling, measuring
from datalint.footprint.compiled import SHARE, Compiled
from datalint.footprint.peaks import Asked, Peak
from datalint.target.cards import card

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from datalint.footprint.estimate import Band

FILE = "compiled.jsonl"
CARD = "NVIDIA H100 80GB"
BATCHES = (32, 64, 8)
"""The most important first: a small batch is dwarfed by what XLA takes while it tries algorithms."""
FITTED = ("ResNet50", "EfficientNetB0")
"""Models whose readings were looked at for the one factor; the others were not."""
CASES = (
    *((name, "float32") for name in ("ResNet50", "MobileNetV2", "VGG16", "EfficientNetB0", "InceptionV3")),
    *((name, "float32") for name in ("DenseNet121", "ConvNeXtTiny", "MobileNetV3Large")),
    *((name, "mixed_float16") for name in ("ResNet50", "MobileNetV2", "VGG16", "InceptionV3", "ConvNeXtTiny")),
)
_LONGEST = 1800.0
"""Seconds of one process."""


def job(model: str, precision: str, batches: Sequence[int], shape: Sequence[int]) -> dict[str, Any]:
    """As `datalint estimate --compile` asks for it, without the batch that fills the card."""
    described = card(CARD)
    assert described is not None
    return {
        "application": model,
        "shape": shape,
        "precision": precision,
        "optimizer": "adam",
        "accumulates": False,
        "description": described.description,
        "batches": batches,
        "memory": None,
        "limit": None,
    }


def run() -> None:
    """Compile what is missing."""
    have = {(line["model"], line["precision"], batch) for line in lines(FILE) for batch, _ in line["peaks"]}
    counted = [line for line in lines("h100.jsonl") if line["executor"] == "jax"]
    for model, precision in CASES:
        mine = {line["batch"]: line for line in counted if (line["model"], line["precision"]) == (model, precision)}
        batches = [batch for batch in BATCHES if batch in mine and (model, precision, batch) not in have]
        if not batches:
            continue
        asked = job(model, precision, batches, mine[batches[0]]["input"])
        found = measuring.run(compiling.WAY, asked, what=model, timeout=_LONGEST)
        kept = {name: value for name, value in found.items() if name != "files"}
        with (READINGS / FILE).open("a", encoding="utf-8") as file:
            file.write(json.dumps({"model": model, "card": CARD, **kept}) + "\n")
        print(f"{model} {precision} {found['peaks']}", file=sys.stderr, flush=True)


@dataclass(frozen=True, slots=True)
class Row:
    """Bytes at a batch: what the compiler assigned, what both tiers say, and what a card's allocator counted."""

    model: str
    precision: str
    batch: int
    measured: float
    assigned: float
    tier_0: Band
    tier_2: Band

    @property
    def error(self) -> float:
        return self.tier_2.expected / self.measured - 1

    @property
    def inside(self) -> bool:
        return self.tier_2.low <= self.measured <= self.tier_2.high

    @property
    def held_out(self) -> bool:
        return self.model not in FITTED


def compared() -> Iterator[Row]:
    """Every batch that was both compiled and counted."""
    counted = {
        (line["model"], line["precision"], line["batch"]): line["peak"]
        for line in lines("h100.jsonl")
        if line["executor"] == "jax" and not line.get("repeated")
    }
    for line in lines(FILE):
        asked = Asked(tuple(line["shape"]), line["precision"], line["optimizer"], accumulates=False)
        kept = ("precision", "optimizer", "weights", "slots", "parameters", "keras", "jax", "compiler", "card")
        compiled = Compiled(
            asked=asked,
            shape=tuple(line["shape"]),
            peaks=tuple(Peak(*peak) for peak in line["peaks"]),
            described="",
            **{name: line[name] for name in kept},
        )
        for batch, size in compiled.peaks:
            if (line["model"], line["precision"], batch) not in counted:
                continue
            walked = told(line["model"], batch, line["precision"], "jax")
            yield Row(
                model=line["model"],
                precision=line["precision"],
                batch=batch,
                measured=counted[line["model"], line["precision"], batch],
                assigned=size,
                tier_0=walked.span(batch),
                tier_2=replace(walked, compiled=compiled).span(batch),
            )


def summary(rows: Sequence[Row]) -> str:
    after = sorted(abs(row.error) for row in rows)
    before = sorted(abs(row.tier_0.expected / row.measured - 1) for row in rows)
    return (
        f"{len(rows)} batches of {len({row.model for row in rows})} models: median error "
        f"{statistics.median(after):.1%}, worst {after[-1]:.1%}, {sum(row.inside for row in rows)} of {len(rows)} "
        f"inside low..high; tier 0 median {statistics.median(before):.1%}, worst {before[-1]:.1%}"
    )


def table(rows: Sequence[Row]) -> Iterator[str]:
    heads = ("model", "precision", "batch", "measured MiB", "assigned", "tier 2: low, expected, high", "error")
    yield f"| {' | '.join(heads)} | tier 0: error |"
    yield f"|{'---|' * (len(heads) + 1)}"
    for row in rows:
        bands = ", ".join(f"{size / MIB:,.0f}" for size in row.tier_2)
        mark = "" if row.inside else " (outside)"
        before = row.tier_0.expected / row.measured - 1
        name = row.model if row.held_out else f"{row.model} (fitted)"
        yield (
            f"| {name} | {row.precision} | {row.batch} | {row.measured / MIB:,.0f} | {row.assigned / MIB:,.0f} "
            f"| {bands}{mark} | {row.error:+.1%} | {before:+.1%} |"
        )


def report() -> str:
    rows = sorted(compared(), key=lambda row: (row.model, row.precision, row.batch))
    large = [row for row in rows if row.batch > min(BATCHES)]
    small = [row for row in rows if row.batch == min(BATCHES)]
    versions = sorted({(line["keras"], line["jax"]) for line in lines(FILE)})
    by = " and ".join(f"Keras {keras} on JAX {jax}" for keras, jax in versions)
    return "\n".join(
        [
            f"Executor `jax`: compiled with {by} for an {CARD}, against Keras 3.15 on JAX 0.11 on a real one "
            f"(HBM3), Adam, batches of 32 and 64. Expected is {SHARE.expected} times what was assigned.",
            "",
            f"- Fitted on: {summary([row for row in large if not row.held_out])}.",
            f"- Held out: {summary([row for row in large if row.held_out])}.",
            f"- At a batch of 8, {sum(row.inside for row in small)} of {len(small)} inside low..high.",
            "",
            *table(rows),
        ]
    )
