"""Tier 1 against itself: peaks that a dry run continues from small batches, and those of batches it never ran.

    python -m bench.footprint dry-run [--run] [--write]

`--run` measures what `readings/dry_run.jsonl` lacks, one process at a time; the small batches and the large ones are
different processes.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.model import READINGS, lines
from datalint import dry_run

if TYPE_CHECKING:
    from collections.abc import Sequence

FILE = "dry_run.jsonl"
SMALL, LARGE = (2, 4, 8), (16, 32)
OWN = "bench.own_model:gated"
CASES = (
    *((name, "float32") for name in ("MobileNetV2", "NASNetMobile", "ResNet50", OWN, "EfficientNetB0", "DenseNet121")),
    *((name, "float32") for name in ("VGG16", "MobileNetV3Large", "ConvNeXtTiny", "InceptionV3")),
    *((name, "mixed_float16") for name in ("ResNet50", "MobileNetV2")),
)
SIDES = {"InceptionV3": 299}
_SIDE = 224
_LONGEST = 900.0
"""Seconds of one process."""


def job(model: str, precision: str, batches: Sequence[int]) -> dict[str, Any]:
    """As `datalint estimate --dry-run` asks for it, but never beyond the batches that are named."""
    side = SIDES.get(model, _SIDE)
    how = {"function": model, "folder": str(Path(__file__).parent.parent)} if ":" in model else {"application": model}
    return {
        **how,
        "shape": (side, side, 3),
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
    have = {(line["model"], line["precision"], tuple(line["batches"])) for line in lines(FILE)}
    for model, precision in CASES:
        for batches in (SMALL, LARGE):
            if (model, precision, batches) in have:
                continue
            found = dry_run.run(job(model, precision, batches), what=model, timeout=_LONGEST)
            found = {"model": model, "batches": batches, **{k: v for k, v in found.items() if k != "files"}}
            with (READINGS / FILE).open("a", encoding="utf-8") as file:
                file.write(json.dumps(found) + "\n")
            print(f"{model} {precision} {found['peaks']}", file=sys.stderr, flush=True)
