"""`datalint rehearse`: what a real run on a slice found, beside what was predicted for it, and what follows."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from typing import TYPE_CHECKING

from datalint import progress
from datalint.commands.check import request_of
from datalint.commands.estimate import arithmetic, asked_of, rows_of, span_of
from datalint.errors import ExitCode
from datalint.footprint import host, scale, timing
from datalint.footprint.estimate import TOTAL
from datalint.rehearse import rehearse
from datalint.report.words import count, printable
from datalint.sizes import duration, size

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator, Sequence

    from datalint.footprint.estimate import Estimate
    from datalint.rehearsal.result import Memory, Rate, Rehearsed, Steps

SCHEMA = "datalint/rehearsal-v1"
MOST_LISTED = 20
"""Refused samples that are named; all of them are counted."""


def run(arguments: argparse.Namespace) -> int:
    with progress.bar("reading images") as advance:
        found = rehearse(
            request_of(arguments),
            asked_of(arguments),
            samples=arguments.slice,
            time_limit=arguments.time_limit,
            progress=advance,
        )
    if arguments.output == "json":
        json.dump(document(found), sys.stdout, indent=2)
    else:
        sys.stdout.write("\n".join(lines(found)))
    sys.stdout.write("\n")
    if found.stopped:
        return ExitCode.BLOCKED
    return ExitCode.UNFINISHED if found.unfinished else ExitCode.CLEAN


def document(found: Rehearsed) -> dict[str, object]:
    """What `-o json` prints; fields are added within a version, never renamed. Bytes and seconds."""
    memory, rate, model = found.memory, found.rate, found.model
    return {
        "schema": SCHEMA,
        "recipe": asdict(found.recipe),
        "assumed": dict(found.assumed),
        "target": asdict(found.machine),
        "unknown": found.unknown,
        "slice": {
            "samples": found.slice,
            "of": found.images.loaded,
            "tried": found.tried,
            "images": found.ran and asdict(found.ran),
        },
        "versions": dict(found.versions),
        "refused": {
            "samples": len(found.refused),
            "listed": [asdict(refused) for refused in found.refused[:MOST_LISTED]],
        },
        "ended": [asdict(end) for end in found.ended],
        "memory": memory and {**rows_of([memory.predicted])[0], **_measured(memory)},
        "rate": rate and {**asdict(rate), "cpu_per_image": rate.each, "images_per_second": rate.images / rate.seconds},
        "model": model and asdict(model),
        "predicted": rows_of(found.predicted),
        "scaled": rows_of(found.scaled),
        "notes": list(found.notes),
    }


def _measured(memory: Memory) -> dict[str, object]:
    difference = memory.difference
    return {
        "peak": difference.peak,
        "error": memory.error,
        "inside": memory.inside,
        "base": difference.base,
        "data_predicted": difference.predicted,
        "data_measured": difference.measured,
        "factor": difference.factor,
    }


def lines(found: Rehearsed) -> Iterator[str]:
    """For a terminal: what was refused, predicted against measured, and the whole dataset on the target."""
    recipe, machine = found.recipe, found.machine
    if found.unknown is not None:
        yield f"unknown: not rehearsed ({found.unknown})"
    if found.tried:
        part = f"{count(found.slice, 'sample')} of {found.images.loaded:,} through {recipe.loader}"
        version = f"TensorFlow {found.versions.get('tensorflow')}, Keras {found.versions.get('keras')}"
        yield f"{part} on the CPU of this machine ({version})"
        yield from _refused(found)
    yield from found.notes
    for end in found.ended:
        yield printable(end.words if end.words.startswith(end.how) else f"{end.how}: {end.words}")
    if found.memory:
        yield from _memory(found.memory, found.ran.loaded if found.ran else 0)
    if found.rate:
        yield from _rate(found.rate)
    if found.model:
        yield _model(found.model)
    yield from _whole(found)
    yield f"\non {machine.name} ({machine.source})"
    yield "assumed: " + (", ".join(f"{name} {value}" for name, value in found.assumed.items()) or "nothing")


def _refused(found: Rehearsed) -> Iterator[str]:
    by = "Pillow, which decodes for an array," if found.recipe.build else "TensorFlow"
    if not found.refused:
        yield f"{by} refused none of {count(found.tried, 'sample')}"
        return
    yield f"{by} refused {found.refused and len(found.refused):,} of {count(found.tried, 'sample')}; the first:"
    for refused in found.refused[:MOST_LISTED]:
        yield f"  error {printable(refused.path)}: {printable(refused.error)}"
    if len(found.refused) > MOST_LISTED:
        yield f"  and {len(found.refused) - MOST_LISTED:,} more"


def _memory(memory: Memory, images: int) -> Iterator[str]:
    inside = "inside" if memory.inside else "OUTSIDE"
    part, total = memory.difference, memory.predicted
    yield f"\n{'':<26}{'predicted':>12}{'measured':>12}{'error':>9}"
    yield (
        f"{f'host memory, {images:,} samples':<26}{size(total.expected):>12}{size(part.peak):>12}"
        f"{memory.error:>+9.1%}  {inside} {size(total.low)} to {size(total.high)}"
    )
    yield (
        f"{'  of these the data':<26}{size(part.predicted):>12}{size(part.measured):>12}"
        f"{_against(part.predicted, part.measured):>9}"
    )
    yield f"{'  before the data':<26}{'':>12}{size(part.base):>12}{'':>9}  TensorFlow, Keras, a small stand-in model"


def _against(predicted: float, measured: float) -> str:
    return f"{predicted / measured - 1:>+9.1%}" if measured > 0 else ""


def _rate(rate: Rate) -> Iterator[str]:
    predicted = "" if rate.predicted is None else f"{1e6 * rate.predicted:,.0f} us"
    error = "" if rate.predicted is None else _against(rate.predicted, rate.each)
    pace = f"{rate.images / rate.seconds:,.0f} images/s with the files in memory"
    measured = f"{1e6 * rate.each:,.0f} us"
    yield f"{'CPU time an image':<26}{predicted:>12}{measured:>12}{error:>9}  {pace}"


def _model(model: Steps) -> str:
    if not model.steps:
        return f"model {model.name} was not trained: {printable(model.why)}"
    pace = "" if model.step_seconds is None else f", {duration(model.step_seconds)} a step"
    peak = "" if model.peak is None else f"; at most {size(model.peak)} of host memory, its own steps in it"
    return f"model {model.name}: {count(model.steps, 'step')} on this CPU{pace}{peak}"


def _whole(found: Rehearsed) -> Iterator[str]:
    yield f"\nall {found.images.loaded:,} samples on {found.machine.name}"
    for title, rows in (("as predicted", found.predicted), ("as scaled", found.scaled)):
        for row in rows:
            if row.stage == TOTAL:
                yield f"  {title:<13} {_verdict(row)}"
    yield from _how(found)
    if found.scaled:
        yield from arithmetic(found.scaled)


def _verdict(total: Estimate) -> str:
    if total.resource == timing.INPUT:
        return f"{span_of(total)} an epoch"
    if total.available is None:
        return f"unknown: {span_of(total)}, and nobody knows what the target has"
    return f"{total.fit}: {span_of(total)} of {size(total.available)} usable"


def _how(found: Rehearsed) -> Iterator[str]:
    """How it was scaled, or why it was not."""
    memory, rate = found.memory, found.rate
    images = f"{found.ran.loaded:,} of {found.images.loaded:,} samples" if found.ran else ""
    if memory:
        part = memory.difference
        factor = "" if part.factor is None else f" (its data took {part.factor:.2f} of what was predicted)"
        if any(row.resource == host.RESOURCE for row in found.scaled):
            learnt = f"with {size(part.beyond)} that the slice took beyond its prediction"
            if part.beyond < 0:
                learnt = f"with {size(-part.beyond)} less, which the slice left of its prediction"
            yield f"  memory scaled from {images}: the prediction, with the framework as measured and {learnt}{factor}"
        else:
            yield (
                f"  memory not scaled: the data of {images} take {size(part.predicted)}, and below "
                f"{size(scale.LEAST)} the noise of a process ({size(scale.NOISE)}) would decide"
            )
    if rate and rate.predicted and any(row.resource == timing.INPUT for row in found.scaled):
        yield f"  time scaled from {images}: the prediction x {rate.each / rate.predicted:.2f}, as measured"
    elif rate:
        yield f"  time not scaled: the rate is that of this machine, {_why_not(found.predicted, found.machine.name)}"


def _why_not(rows: Sequence[Estimate], name: str) -> str:
    return f"not of {name}" if any(row.resource == timing.INPUT for row in rows) else "and no time is predicted"
