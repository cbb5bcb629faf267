"""Tier 2 against a card: what XLA assigned to a model's step without the card, and what its allocator then counted.

    python -m bench.footprint compile [--run] [--write]

`--run` compiles what `readings/compiled.jsonl` lacks, one process a model, with the extra `xla`; an interrupted run
goes on where it stopped. `readings/h100.jsonl` is what `bench/gpu.py` wrote on an NVIDIA H100.
"""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any

from bench.model import READINGS, lines
from datalint import compiling, measuring
from datalint.target.cards import card

if TYPE_CHECKING:
    from collections.abc import Sequence

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
