"""The layer walk against what allocators counted: TensorFlow's own on this machine, and those of a GPU.

    python -m bench.footprint model [--run] [--write]

`--run` measures what `readings/bfc.jsonl` lacks, one process at a time; an interrupted run goes on where it stopped.
`readings/h100.jsonl` is what `bench/gpu.py` wrote on an NVIDIA H100.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from datalint.footprint.accelerator import Subject, subject
from datalint.footprint.model import load
from datalint.footprint.recipe import Recipe

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

ROOT = Path(__file__).parent.parent
READINGS = Path(__file__).with_name("readings")
MIB = 2**20
BATCHES = (2, 8, 16)
MODELS = (
    *("MobileNetV2", "ResNet50", "VGG16", "EfficientNetB0", "InceptionV3", "MobileNet", "MobileNetV3Small"),
    *("ResNet50V2", "ConvNeXtTiny", "DenseNet121", "EfficientNetV2B0", "Xception", "MobileNetV3Large", "VGG19"),
    *("EfficientNetB1", "ResNet101", "EfficientNetV2B1", "EfficientNetB2", "ResNet101V2", "DenseNet169"),
    *("EfficientNetV2S", "NASNetMobile", "ResNet152"),
)
CALIBRATED = {
    "tf-graph": ("MobileNetV2", "ResNet50", "VGG16", "EfficientNetB0", "InceptionV3"),
    "xla": ("ResNet50", "VGG16", "EfficientNetB0", "ConvNeXtTiny"),
    "torch": ("ResNet50", "VGG16", "EfficientNetB0", "ConvNeXtTiny"),
}
"""Models whose readings were looked at for an executor's factor; the others were not."""
PUBLISHED = (
    *(("VGG16", 32, 7507), ("VGG16", 128, 24761), ("VGG19", 32, 8623), ("VGG19", 128, 25419)),
    *(("ResNet50", 8, 2875), ("ResNet50", 32, 5229), ("ResNet50", 128, 15169)),
    *(("ResNet101", 32, 6759), ("ResNet101", 128, 20583), ("InceptionV3", 32, 6437), ("InceptionV3", 128, 19387)),
    *(("EfficientNetB0", 32, 4969), ("EfficientNetB0", 128, 13987), ("MobileNetV2", 32, 4535)),
    *(("MobileNetV2", 128, 12721), ("ConvNeXtTiny", 32, 5965), ("ConvNeXtTiny", 128, 16857)),
    *(("MobileNetV3Small", 32, 2423), ("MobileNetV3Small", 128, 4301)),
)
"""Model, batch, MiB of the whole process as nvidia-smi saw it: PyTorch on an A100-40GB (itu-rad/GPUMemNet)."""


@dataclass(frozen=True, slots=True)
class Reading:
    """Bytes that an allocator counted, and what was predicted."""

    model: str
    batch: int
    precision: str
    executor: str
    measured: float
    low: float
    expected: float
    high: float

    @property
    def error(self) -> float:
        return self.expected / self.measured - 1

    @property
    def held_out(self) -> bool:
        return self.model not in CALIBRATED[self.executor]


def told(model: str, batch: int, precision: str, executor: str) -> Subject:
    """As the readings were made: the application at its own size, with Adam."""
    framework = "pytorch" if executor == "torch" else "keras"
    recipe = Recipe(model=model, batch=batch, precision=precision, executor=executor, optimizer="adam")
    network = load.application(model)
    height, width, channels = (int(side) for side in network.calls[0].config["batch_shape"][1:])
    fed = {"input_height": height, "input_width": width, "input_channels": channels, "framework": framework}
    return subject(Recipe(**{**{name: getattr(recipe, name) for name in recipe.__slots__}, **fed}), network)


def predicted(model: str, batch: int, precision: str, executor: str, measured: float) -> Reading:
    span = told(model, batch, precision, executor).span(batch)
    return Reading(model, batch, precision, executor, measured, *span)


def lines(name: str) -> list[dict[str, Any]]:
    path = READINGS / name
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()] if path.exists() else []


def run() -> None:
    """Measure what is missing, every model in float32 before any in mixed precision."""
    have = {(line["model"], line["precision"], line["batch"]) for line in lines("bfc.jsonl")}
    for precision in ("float32", "mixed_float16"):
        for model in MODELS:
            if all((model, precision, batch) in have for batch in BATCHES):
                continue
            job = {"model": model, "batches": BATCHES, "precision": precision, "optimizer": "adam"}
            words = [sys.executable, "-m", "bench.step", json.dumps(job)]
            done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=False)
            if done.returncode:
                raise SystemExit(f"{model} in {precision} failed: {done.stderr[-2000:]}")
            with (READINGS / "bfc.jsonl").open("a", encoding="utf-8") as file:
                file.write(done.stdout)
            print(f"{model} {precision}", file=sys.stderr, flush=True)


def summary(readings: Sequence[Reading]) -> str:
    errors = sorted(abs(reading.error) for reading in readings)
    inside = sum(reading.low <= reading.measured <= reading.high for reading in readings)
    ninth = errors[min(len(errors) - 1, round(0.9 * (len(errors) - 1)))]
    return (
        f"{len(readings)} readings of {len({reading.model for reading in readings})} models: median error "
        f"{statistics.median(errors):.1%}, 90th percentile {ninth:.1%}, worst {errors[-1]:.1%}, "
        f"{inside} of {len(readings)} inside low..high"
    )


def grouped(readings: Sequence[Reading]) -> Iterator[str]:
    for held_out, words in ((False, "Calibrated on"), (True, "Held out")):
        for precision in ("float32", "mixed_float16"):
            part = [row for row in readings if row.held_out is held_out and row.precision == precision]
            if part:
                yield f"- {words}, {precision}: {summary(part)}."
    yield ""


def table(readings: Sequence[Reading]) -> Iterator[str]:
    yield "| model | precision | batch: predicted / measured MiB (error) |"
    yield "|---|---|---|"
    names = dict.fromkeys((reading.model, reading.precision) for reading in readings)
    for model, precision in names:
        mine = sorted((row for row in readings if (row.model, row.precision) == (model, precision)), key=_batch)
        cells = ", ".join(
            f"{row.batch}: {row.expected / MIB:,.0f} / {row.measured / MIB:,.0f} ({row.error:+.1%})" for row in mine
        )
        yield f"| {model}{'' if mine[0].held_out else ' (calibrated)'} | {precision} | {cells} |"


def _batch(reading: Reading) -> int:
    return reading.batch


def bfc() -> Iterator[str]:
    # What was measured again counts in its last version.
    latest = {(line["precision"], line["model"], line["batch"]): line["peak"] for line in lines("bfc.jsonl")}
    found = [
        predicted(model, batch, precision, "tf-graph", peak)
        for (precision, model, batch), peak in sorted(latest.items())
    ]
    yield "Executor `tf-graph`, TensorFlow 2.21 and Keras 3.15 under the BFC allocator on a CPU, Adam:"
    yield ""
    yield from grouped(found)
    yield from table(found)


def gpu() -> Iterator[str]:
    held = [line for line in lines("h100.jsonl") if not line.get("repeated")]
    for executor, words in (
        ("xla", "Executor `xla`, measured with Keras 3.15 on JAX 0.11"),
        ("torch", "Executor `torch`, torchvision 0.26 under PyTorch 2.11"),
    ):
        mine = [line for line in held if line["executor"] == {"xla": "jax"}.get(executor, executor)]
        found = [predicted(line["model"], line["batch"], line["precision"], executor, line["peak"]) for line in mine]
        found = sorted(found, key=lambda reading: (reading.precision, reading.model))
        large = [reading for reading in found if reading.batch >= 32]
        yield f"{words}, on an NVIDIA H100 80GB HBM3, Adam, batches of 32 and 64:"
        yield ""
        yield from grouped(large)
        small = [reading for reading in found if reading.batch < 32]
        if small:
            inside = sum(reading.low <= reading.measured <= reading.high for reading in small)
            yield f"At a batch of 8, {inside} of {len(small)} inside low..high."
            yield ""
        yield from table(found)
        yield ""


def published() -> Iterator[str]:
    yield "Published figures of PyTorch on an A100-40GB (nvidia-smi, SGD); they set only the upper bound:"
    yield ""
    yield "| model | batch | low | expected | high | published MiB |"
    yield "|---|---|---|---|---|---|"
    from datalint.footprint.accelerator import TORCH

    for model, batch, measured in PUBLISHED:
        made = told(model, batch, "float32", "torch")
        span = Subject(made.network, made.shape, "float32", "sgd", accumulates=False, executors=("torch",)).span(batch)
        low, expected, high = ((size + context) / MIB for size, context in zip(span, TORCH, strict=True))
        mark = "" if low <= measured <= high else " (outside)"
        yield f"| {model} | {batch} | {low:,.0f} | {expected:,.0f} | {high:,.0f} | {measured:,}{mark} |"


def speed() -> str:
    """From the name of an application to its bounds, in CPU time of this process."""
    took = {}
    for name in load.applications():
        load.application.cache_clear()
        began = time.process_time()
        told(name, 32, "float32", "xla").span(32)
        took[name] = 1000 * (time.process_time() - began)
    slowest = max(took, key=lambda name: took[name])
    return f"A walk takes {statistics.median(took.values()):.0f} ms (median), {took[slowest]:.0f} ms ({slowest})."


def report() -> str:
    return "\n".join([*bfc(), "", *gpu(), *published()])
