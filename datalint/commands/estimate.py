"""`datalint estimate`: what training takes of the target, what would fit, and every value that was assumed."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from typing import TYPE_CHECKING

from datalint import progress
from datalint.asked import OPTIONS, Asked
from datalint.commands.check import request_of
from datalint.config_schema import suggest
from datalint.errors import ExitCode, UsageError
from datalint.estimate import Estimated, estimate
from datalint.footprint import fill, host, timing
from datalint.footprint.estimate import TOTAL, table
from datalint.footprint.recipe import ITEM_BYTES, LOADERS
from datalint.report.words import count, printable
from datalint.sizes import duration, size

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator, Sequence

    from datalint.footprint.estimate import Estimate

SCHEMA = "datalint/estimate-v1"
_OF_DATASETS = ("staged", "tree", "base", "format", "workers")
"""Options that say how a dataset is found and read."""


def run(arguments: argparse.Namespace) -> int:
    if arguments.samples is not None and arguments.path is not None:
        raise UsageError("--samples describes a dataset that is not there: it excludes PATH")
    if arguments.samples is not None:
        _refuse_of_datasets(arguments)
    asked = asked_of(arguments)
    with progress.bar("reading images") as advance:
        estimated = estimate(request_of(arguments), asked, progress=advance, stepping=_stepping)
    sys.stderr.writelines(f"datalint: {printable(note)}\n" for note in estimated.notes)
    if arguments.output == "json":
        json.dump(document(estimated), sys.stdout, indent=2)
    else:
        sys.stdout.write("\n".join(lines(estimated)))
    sys.stdout.write("\n")
    return ExitCode.CLEAN


def _refuse_of_datasets(arguments: argparse.Namespace) -> None:
    """Nobody shall take the processes that read images for the workers of a DataLoader."""
    given = next((name for name in _OF_DATASETS if getattr(arguments, name) not in (None, False)), None)
    if given is not None:
        hint = "those of a DataLoader are `training.workers` in datalint.yaml" if given == "workers" else ""
        words = f"--samples describes a dataset that is not there: it excludes --{given}"
        raise UsageError(words, hint=hint)


def asked_of(arguments: argparse.Namespace) -> Asked:
    """Also for `rehearse`, which has fewer options; UsageError for a word that nobody knows."""
    for option, known in (("loader", LOADERS), ("dtype", tuple(ITEM_BYTES))):
        # Not the parser's `choices`: every hook would import the recipe for them.
        value = getattr(arguments, option)
        if value is not None and value not in known:
            raise UsageError(f"--{option}: {value!r} is none of {', '.join(known)}", hint=suggest(value, known))
    said = {field: getattr(arguments, option) for option, field in OPTIONS.items()}
    return Asked(
        recipe={field: value for field, value in said.items() if value is not None},
        samples=getattr(arguments, "samples", None),
        grow=getattr(arguments, "grow", 1.0),
        dry_run=arguments.dry_run_timeout if getattr(arguments, "dry_run", False) else None,
        compiled=arguments.compile_timeout if getattr(arguments, "compile", False) else None,
    )


def _stepping(noun: str, batch: int) -> None:
    """A line for a step of minutes, where somebody waits for it."""
    if progress.wanted():
        sys.stderr.write(f"{noun}: a batch of {batch:,}\n")


def document(estimated: Estimated) -> dict[str, object]:
    """What `-o json` prints; fields are added within a version, never renamed."""
    return {
        "schema": SCHEMA,
        "recipe": asdict(estimated.recipe),
        "assumed": dict(estimated.assumed),
        "images": asdict(estimated.images),
        "target": asdict(estimated.machine),
        "footprint": rows_of(estimated.rows),
        "unknown": dict(estimated.unknown),
        "unneeded": dict(estimated.unneeded),
        "changes": [
            {"what": change.what, "low": change.total.low, "expected": change.total.expected, "high": change.total.high}
            for change in estimated.changes
        ],
        "smallest_target": estimated.smallest,
    }


def rows_of(estimates: Sequence[Estimate]) -> list[dict[str, object]]:
    """The rows of table `footprint`, each with the names of its columns."""
    columns = table(estimates).columns
    return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]


def lines(estimated: Estimated) -> Iterator[str]:
    """For a terminal: the verdict, the arithmetic, what would fit, what is unknown, what was assumed."""
    images, machine = estimated.images, estimated.machine
    held = count(images.train, "training image")
    if images.val:
        held += f", {count(images.val, 'validation image')}"
    yield f"{held} through {estimated.recipe.loader} on {machine.name} ({machine.source})"
    for row in estimated.rows:
        if row.stage == TOTAL:
            yield from _verdict(row, cached=estimated.recipe.cache != "none")
    yield from arithmetic(estimated.rows)
    if estimated.changes:
        yield "\nwhat would fit"
        yield from (f"  {change.what}: {size(change.total.expected)}" for change in estimated.changes)
        if estimated.smallest:
            yield f"  the smallest machine of the catalogue as it is: {estimated.smallest}"
    yield ""
    yield from (f"unknown: {resource} ({reason})" for resource, reason in estimated.unknown.items())
    yield from (f"not needed: {resource} ({reason})" for resource, reason in estimated.unneeded.items())
    yield "assumed: " + (", ".join(f"{name} {value}" for name, value in estimated.assumed.items()) or "nothing")


def arithmetic(rows: Sequence[Estimate]) -> Iterator[str]:
    """A table a resource, a line a stage."""
    for resource in dict.fromkeys(row.resource for row in rows):
        yield f"\n{_words(resource):<18}{'low':>12}{'expected':>12}{'high':>12}  arithmetic"
        for row in rows:
            if row.resource == resource:
                figures = "".join(f"{_amount(row, value):>12}" for value in (row.low, row.expected, row.high))
                yield f"  {row.stage:<16}{figures}  {row.formula}"


def _words(resource: str) -> str:
    return resource.replace("_", " ")


def _amount(row: Estimate, value: float) -> str:
    return duration(value) if row.unit == "seconds" else size(value)


def span_of(total: Estimate) -> str:
    """`host memory 1.2 GiB (1.0 GiB to 1.4 GiB)`."""
    low, expected, high = (_amount(total, value) for value in (total.low, total.expected, total.high))
    return f"{_words(total.resource)} {expected} ({low} to {high})"


def _verdict(total: Estimate, *, cached: bool) -> Iterator[str]:
    span = span_of(total)
    if total.resource == timing.INPUT:
        yield from _pace(total, span, cached=cached)
    elif total.resource == fill.RESOURCE:
        yield f"{span} before the first step"
    elif total.available is None:
        limit = "no time limit is declared" if total.resource == timing.JOB else "nobody knows what the target has"
        yield f"unknown: {span}, and {limit}"
    elif total.resource == timing.JOB:
        yield f"{total.fit}: {span}, time limit {duration(total.available)}"
    else:
        yield f"{total.fit}: {span} of {size(total.available)} usable"
        batch = {None: "any", 0: "none"}.get(total.largest_batch) or f"{total.largest_batch:,}"
        if total.resource == host.RESOURCE:
            most = total.largest_n_samples
            samples = {None: "any", 0: "none"}.get(most) or count(most or 0, "sample")
            yield f"largest dataset that fits: {samples}; largest batch: {batch}"
        else:
            yield f"largest batch that fits: {batch}"


def _pace(total: Estimate, span: str, *, cached: bool) -> Iterator[str]:
    """Whether the input keeps up with the model, where its step is known."""
    if total.available is None:
        yield f"{span} an epoch, at least; `step_seconds` is not declared"
    elif total.expected <= total.available:
        yield f"{total.fit}: {span} an epoch, less than the {duration(total.available)} of the model's steps"
    else:
        waits = f"the accelerator would wait {1 - total.available / total.expected:.0%} of the time"
        waits = f"in the first epoch, until the cache is full, {waits}" if cached else waits
        fit = "fits" if cached else total.fit
        yield f"{fit}: {span} an epoch, the model's steps {duration(total.available)}: {waits}"
