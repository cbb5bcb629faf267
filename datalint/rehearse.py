"""The declared recipe, run for real on a slice of the dataset in processes of its own: predicted against measured."""

from __future__ import annotations

import os
import posixpath
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, replace
from importlib.util import find_spec
from typing import TYPE_CHECKING

from datalint import calibrate, footprint, models, target
from datalint.asked import fitting, machine_of, recipe_of, unsaid
from datalint.check import look
from datalint.dataset.layout import KERAS, suffix
from datalint.errors import UsageError
from datalint.footprint import accelerator, host, scale, timing
from datalint.footprint.estimate import TOTAL, Estimate, total
from datalint.footprint.images import images_of
from datalint.footprint.model import load
from datalint.footprint.model.network import Network, NetworkError
from datalint.footprint.scale import Difference
from datalint.rehearsal.part import described, drawn, passed_over, place
from datalint.rehearsal.processes import Stage, job_of, run, taste
from datalint.rehearsal.result import Ended, Memory, Rate, Refused, Rehearsed, Steps
from datalint.sizes import size
from datalint.target import LOCAL
from datalint.target.free import free
from datalint.workspace import open_workspace

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from datalint.asked import Asked
    from datalint.check import Evidence
    from datalint.footprint.images import Images
    from datalint.footprint.recipe import Recipe
    from datalint.rehearsal.part import Sample
    from datalint.rehearsal.processes import Run
    from datalint.request import Request
    from datalint.target import Target
    from datalint.workspace import Workspace

    Progress = Callable[[int, int], None]

SLICE = 512
"""Samples, unless the command line says how many."""
SECONDS = 30.0
"""CPU seconds that decoding the slice by default may be predicted to take, all three times together."""
FEWEST = 16
"""Samples of a slice that is made smaller for the sake of time."""
ON_CPU = 2.0
"""Times the walk's upper bound that a step may need on a CPU for the model to be run at all. Up to 1.48 times were seen
with 6 applications, because traced graphs and the scratch of oneDNN are not in the walk."""
MODEL_SHARE = 0.5
"""Of what is left of the time, for the steps of the declared model; the rest is for loading and the last step."""


def rehearse(
    request: Request,
    asked: Asked,
    *,
    samples: int | None = None,
    time_limit: float = 120.0,
    progress: Progress | None = None,
) -> Rehearsed:
    """Run it; UsageError for a recipe that cannot be and where TensorFlow is not installed.

    `samples` is the size of the slice, `time_limit` the seconds for everything after the facts.
    """
    if find_spec("tensorflow") is None:
        raise UsageError(
            "`datalint rehearse` runs TensorFlow, which is not installed here",
            hint="install datalint with its extra `tensorflow`: datalint-vision[tensorflow]",
        )
    workspace = open_workspace(request)
    recipe = recipe_of(workspace, asked)
    machine = machine_of(request, workspace)
    evidence = look(workspace, request, progress=progress)
    recipe = fitting(workspace, recipe, evidence.dataset.format, asked.recipe)
    assumed = unsaid(workspace.config, asked, recipe)
    files = evidence.tables["files"]
    images = images_of(evidence.dataset.samples, files, channels=recipe.input_channels)
    network = models.declared(workspace, recipe.model, asked="model" in asked.recipe)
    here = target.lookup(LOCAL)
    speed = calibrate.speed(workspace.source, evidence.dataset.files, files)
    rows = [
        row
        for row in footprint.predict(recipe, images, machine, speed=speed if machine.name == LOCAL else None)
        if row.resource in (host.RESOURCE, timing.INPUT)
    ]
    left_out = Counter(passed_over(evidence).values())
    notes = [f"files that are not rehearsed: {number:,} ({why})" for why, number in left_out.items()]
    outcome = Rehearsed(recipe, assumed, machine, images, rows, notes=notes)
    # Where no image is sound, nothing is predicted, and the decoder still says what is wrong with each.
    if (why := _impossible(recipe, images)) and (images.measured or not images.loaded or recipe.framework != "keras"):
        return replace(outcome, unknown=why)
    with tempfile.TemporaryDirectory(prefix="datalint-", ignore_cleanup_errors=True) as scratch:
        chosen = drawn(workspace, evidence, samples or _usual(images, speed), scratch)
        outcome = replace(outcome, slice=len(chosen))
        if why := _too_large(recipe, described(evidence, chosen, recipe), _now(here), scratch):
            return replace(outcome, unknown=why)
        stage = Stage(recipe, scratch, time.monotonic() + time_limit)
        found = _rehearsed(outcome, _Theatre(workspace, evidence, network, here, speed, stage), chosen)
    lost = list(_links_to_nothing(evidence))
    return replace(found, tried=found.tried + len(lost), refused=[*lost, *found.refused])


def _links_to_nothing(evidence: Evidence) -> Iterator[Refused]:
    """Files of a folder that a loader lists and cannot open; in a manifest they are samples that are missing."""
    problems = evidence.dataset.problems.columns
    if evidence.dataset.manifest is None:
        for kind, path, detail in zip(problems["kind"], problems["path"], problems["detail"], strict=True):
            if kind == "broken-link" and suffix(str(path)) in KERAS:
                yield Refused(str(path), str(detail))


@dataclass(frozen=True, slots=True)
class _Theatre:
    """Where it is run, and on what."""

    workspace: Workspace
    evidence: Evidence
    network: Network | str | None
    here: Target
    speed: float | None
    """Of this machine over the shipped constants."""
    stage: Stage


def _now(here: Target) -> Target:
    """The local machine with the memory that it has left."""
    return replace(here, host_memory=free(), host_used=None)


def _impossible(recipe: Recipe, images: Images) -> str | None:
    """Why this recipe is not run; None where it is."""
    if recipe.framework != "keras":
        return f"framework {recipe.framework}: only Keras on TensorFlow is run"
    if why := host.unpredicted(recipe, images):
        return why.replace("is not predicted", "is not predicted and it is not run")
    if recipe.drop_remainder and images.train < recipe.batch:
        few = f"{images.train:,} training images fill no batch of {recipe.batch:,}"
        return f"{few}, and `drop_remainder` drops it: there is no step"
    return None


def _usual(images: Images, speed: float | None) -> int:
    """SLICE, or as many as are decoded three times in SECONDS."""
    files = sum(kind.files for kind in images.kinds)
    each = (speed or 1.0) * timing.seconds(images.kinds, timing.TENSORFLOW) / files if files else 0.0
    return SLICE if 3 * each * SLICE <= SECONDS else max(FEWEST, int(SECONDS / (3 * each)))


def _too_large(recipe: Recipe, part: Images, now: Target, scratch: str) -> str | None:
    """Why the slice is too much for what this machine has free; None where it is not."""
    held = _total(host.host_memory(recipe, part, now))
    if held and held.available is not None and held.expected > held.available:
        fits = f"at most {held.largest_n_samples:,} samples fit: lower --slice" if held.largest_n_samples else ""
        return (
            f"the slice of {part.loaded:,} samples is predicted to take {size(held.expected)} of host memory, and "
            f"{size(held.available)} are free here{'; ' if fits else ''}{fits}"
        )
    written = footprint.disk.disk(recipe, part, replace(now, disk=_free_disk(scratch)))
    filled = _total(written)
    if filled and filled.available is not None and filled.high > filled.available:
        return (
            f"the cache of the slice is predicted to take {size(filled.expected)} of disk, and "
            f"{size(filled.available)} are free here: lower --slice"
        )
    return None


def _free_disk(folder: str) -> int:
    import shutil

    return shutil.disk_usage(folder).free


def _total(rows: Sequence[Estimate]) -> Estimate | None:
    return next((row for row in rows if row.stage == TOTAL), None)


def _rehearsed(outcome: Rehearsed, theatre: _Theatre, chosen: Sequence[Sample]) -> Rehearsed:
    """Ask for every sample by itself, run the recipe on those that are taken, then the declared model."""
    stage, recipe = theatre.stage, theatre.stage.recipe
    asked = taste(stage, chosen)
    outcome = replace(
        outcome,
        tried=asked.tried,
        refused=[Refused(chosen[number].path, error) for number, error in sorted(asked.refused.items())],
        versions=asked.versions,
        ended=_not_finished(asked.end),
    )
    taken = [sample for number, sample in enumerate(chosen) if number not in asked.refused]
    if asked.end.how != "finished" or all(sample.validates for sample in taken):
        return outcome
    part = described(theatre.evidence, taken, recipe)
    if why := _impossible(recipe, part):
        return replace(outcome, unknown=f"of the samples that are left, {why}")
    rows = host.host_memory(recipe, part, _now(theatre.here))
    [predicted] = [row for row in rows if row.stage == TOTAL]
    found = run(stage, job_of("run", stage, taken), predicted)
    outcome = replace(
        outcome,
        ran=part,
        memory=_memory(found, rows, predicted),
        rate=_rate(found, theatre, part),
        ended=(*outcome.ended, *_not_finished(found.end)),
    )
    outcome = replace(outcome, scaled=_scaled(outcome))
    if recipe.model is not None and found.end.how == "finished":
        model, end = _model(theatre, taken, predicted)
        outcome = replace(outcome, model=model, ended=(*outcome.ended, *_not_finished(end)))
    return outcome


def _not_finished(end: Ended) -> tuple[Ended, ...]:
    return () if end.how == "finished" else (end,)


def _memory(found: Run, rows: Sequence[Estimate], predicted: Estimate) -> Memory | None:
    measured = found.told.get("measured")
    if measured is None or not measured["peak"]:
        return None
    return Memory(predicted, Difference(measured["base"], measured["peak"], scale.data_of(rows)))


def _rate(found: Run, theatre: _Theatre, part: Images) -> Rate | None:
    told = found.told.get("rate")
    if told is None or not told["images"]:
        return None
    one = replace(theatre.here, cores=1)
    plain = replace(theatre.stage.recipe, steps_per_epoch=None, validation_split=None)
    rows = timing.times(plain, part, one, speed=theatre.speed)
    expected = _total([row for row in rows if row.resource == timing.INPUT])
    each = expected.expected / part.train if expected else None
    return Rate(told["images"], told["seconds"], told["cpu"], each)


def _scaled(outcome: Rehearsed) -> list[Estimate]:
    """Memory with what the slice took beyond its prediction; the time of the input by its rate, here alone."""
    found: list[Estimate] = []
    memory, rate = outcome.memory, outcome.rate
    rows = [row for row in outcome.predicted if row.resource == host.RESOURCE]
    if memory and rows:
        found += scale.scaled(rows, memory.difference)
    times = [row for row in outcome.predicted if row.resource == timing.INPUT and row.stage != TOTAL]
    if rate and rate.predicted and times and outcome.machine.name == LOCAL:
        factor = rate.each / rate.predicted
        words = f" x {factor:.3g} as measured"
        stages = [
            replace(
                row,
                low=row.low * factor,
                expected=row.expected * factor,
                high=row.high * factor,
                formula=f"({row.formula}){words}",
            )
            for row in times
        ]
        whole = _total([row for row in outcome.predicted if row.resource == timing.INPUT])
        found += [*stages, total(stages, available=whole.available if whole else None)]
    return found


def _model(theatre: _Theatre, taken: Sequence[Sample], predicted: Estimate) -> tuple[Steps, Ended]:
    """Some steps of the declared model; where it cannot be trained in time, that is said and nothing is wrong."""
    stage = theatre.stage
    name = str(stage.recipe.model)
    named = _named(theatre, predicted)
    if isinstance(named, str):
        return Steps(name, why=named), Ended()
    seconds = MODEL_SHARE * (stage.until - time.monotonic())
    found = run(stage, {**job_of("train", stage, taken), "model": named, "seconds": seconds}, predicted)
    if trained := found.told.get("trained"):
        return Steps(name, trained["steps"], trained["step_seconds"], trained["peak"] or None), Ended()
    if found.end.how == "unfinished":
        return Steps(name, why="the time limit came before its third step on this CPU"), Ended()
    if found.end.how == "failed" and "built" not in found.told:
        # It may lack classes that only the user's script has.
        return Steps(name, why=found.told["failed"]["error"]), Ended()
    return Steps(name, why=found.end.words), replace(found.end, words=f"model {name}: {found.end.words}")


def _named(theatre: _Theatre, predicted: Estimate) -> dict[str, str] | str:
    """What the process is told of the model, or why it is not trained."""
    network, recipe = theatre.network, theatre.stage.recipe
    if not isinstance(network, Network):
        return network or "it was not read"
    try:
        step = accelerator.subject(replace(recipe, executor="tf-graph"), network).span(recipe.batch)
    except NetworkError as error:
        return str(error)
    needed, available = predicted.expected + ON_CPU * step.high, _now(theatre.here).usable
    if available is not None and needed > available:
        return f"its steps may take {size(needed)} of host memory on a CPU, and {size(available)} are free here"
    written = str(recipe.model)
    if not written.lower().endswith(load.FILES):
        return {"application": network.name}
    path = posixpath.normpath(posixpath.join(theatre.workspace.home, written))
    return {"file": place(theatre.workspace, path, os.path.join(theatre.stage.scratch, "model"))}
