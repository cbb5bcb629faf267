"""The declared recipe, run for real on a slice of the dataset in processes of its own: predicted against measured."""

from __future__ import annotations

import math
import os
import posixpath
import signal
import tempfile
import time
from dataclasses import asdict, dataclass, field, replace
from importlib.util import find_spec
from itertools import compress
from typing import TYPE_CHECKING, Any, Literal, cast

from datalint import calibrate, footprint, models, target
from datalint.asked import machine_of, recipe_of
from datalint.check import collect
from datalint.child import Child
from datalint.ending import ending
from datalint.entry import display
from datalint.errors import UsageError
from datalint.footprint import accelerator, host, scale, timing
from datalint.footprint.estimate import TOTAL, Estimate, total
from datalint.footprint.images import images_of
from datalint.footprint.model import load
from datalint.footprint.model.network import Network, NetworkError
from datalint.sizes import size
from datalint.tables import Data
from datalint.target import LOCAL
from datalint.target.free import free
from datalint.workspace import open_workspace

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from datalint.asked import Asked
    from datalint.check import Evidence
    from datalint.footprint.images import Images
    from datalint.footprint.recipe import Recipe
    from datalint.footprint.scale import Factor
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
MOST_DEATHS = 3
"""Samples that may end TensorFlow itself before the rest is left alone."""
MODEL_SHARE = 0.5
"""Of what is left of the time, for the steps of the declared model; the rest is for loading and the last step."""
_MODULE = "datalint.integrations.rehearsal"
_ENVIRONMENT = {
    "TF_CPP_MIN_LOG_LEVEL": "3",
    "KERAS_BACKEND": "tensorflow",
    # The rehearsal measures host memory; an accelerator that is busy with something else is left alone.
    "CUDA_VISIBLE_DEVICES": "-1",
}

How = Literal["finished", "killed", "failed", "unfinished"]


@dataclass(frozen=True, slots=True)
class Refused:
    """A sample that the loader's decoder does not take, and what it says."""

    path: str
    error: str


@dataclass(frozen=True, slots=True)
class Ended:
    """How a process came to its end; `words` where it did not finish."""

    how: How = "finished"
    words: str = ""


@dataclass(frozen=True, slots=True)
class Memory:
    """Bytes of the process that ran the slice."""

    predicted: Estimate
    base: int
    """Before the data: framework, a small model that has made one step."""
    peak: int
    data: float
    """That the data were predicted to take."""
    factor: Factor | None

    @property
    def error(self) -> float:
        return self.predicted.expected / self.peak - 1

    @property
    def inside(self) -> bool:
        return self.predicted.low <= self.peak <= self.predicted.high


@dataclass(frozen=True, slots=True)
class Rate:
    """What the input alone gave on this machine; CPU time in seconds, of all threads."""

    images: int
    seconds: float
    cpu: float
    predicted: float | None
    """CPU seconds an image; None where it is not predicted."""

    @property
    def each(self) -> float:
        return self.cpu / self.images


@dataclass(frozen=True, slots=True)
class Steps:
    """Some steps of the declared model on this CPU."""

    name: str
    steps: int = 0
    step_seconds: float | None = None
    """The usual one, without the first."""
    peak: int | None = None
    why: str = ""
    """It was not trained."""


@dataclass(frozen=True, slots=True)
class Rehearsed:
    """What was predicted, what was found, and what follows for all of the dataset."""

    recipe: Recipe
    assumed: Mapping[str, object]
    machine: Target
    images: Images
    predicted: Sequence[Estimate]
    """Host memory and time of the whole dataset on the target."""
    unknown: str | None = None
    """Why nothing was run."""
    slice: int = 0
    """Samples that were drawn."""
    tried: int = 0
    """Of these, those that the decoder was asked for."""
    refused: Sequence[Refused] = ()
    ran: Images | None = None
    """What was trained on."""
    versions: Mapping[str, str] = field(default_factory=dict)
    memory: Memory | None = None
    rate: Rate | None = None
    model: Steps | None = None
    ended: Sequence[Ended] = ()
    """Of what did not finish."""
    scaled: Sequence[Estimate] = ()
    """The prediction with what was measured in it; empty where that says nothing."""
    notes: Sequence[str] = ()

    @property
    def stopped(self) -> bool:
        """Whether training would have come to an end on this data."""
        return bool(self.refused) or any(end.how in ("killed", "failed") for end in self.ended)

    @property
    def unfinished(self) -> bool:
        return self.unknown is not None or any(end.how == "unfinished" for end in self.ended)


@dataclass(frozen=True, slots=True)
class _Sample:
    """Numbers of a row in `samples` and in `files`, and what the child is told."""

    row: int
    file: int
    place: str
    path: str
    label: int
    validates: bool


@dataclass(slots=True)
class _Run:
    """What one process has told."""

    told: dict[str, dict[str, Any]] = field(default_factory=dict)
    """The last answer of each kind."""
    end: Ended = field(default_factory=Ended)


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
    recipe, assumed = recipe_of(workspace, asked)
    machine = machine_of(request, workspace)
    evidence = collect(workspace, request, progress=progress)
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
    outcome = Rehearsed(recipe, assumed, machine, images, rows)
    if why := _impossible(recipe, images):
        return replace(outcome, unknown=why)
    with tempfile.TemporaryDirectory(prefix="datalint-", ignore_cleanup_errors=True) as scratch:
        drawn = _drawn(workspace, evidence, samples or _usual(images, speed), scratch)
        part = _described(evidence, drawn, recipe)
        if why := _too_large(recipe, part, replace(here, host_memory=free(), host_used=None), scratch):
            return replace(outcome, slice=len(drawn), unknown=why)
        stage = _Stage(workspace, evidence, recipe, network, here, speed, scratch, time.monotonic() + time_limit)
        return _rehearsed(replace(outcome, slice=len(drawn)), stage, drawn)


@dataclass(frozen=True, slots=True)
class _Stage:
    """Where it is run."""

    workspace: Workspace
    evidence: Evidence
    recipe: Recipe
    network: Network | str | None
    here: Target
    speed: float | None
    scratch: str
    until: float
    """The moment at which it is stopped (time.monotonic)."""


def _impossible(recipe: Recipe, images: Images) -> str | None:
    """Why this recipe is not run; None where it is."""
    if why := host.unpredicted(recipe, images):
        return why.replace("is not predicted", "is not predicted and it is not run")
    if recipe.loader == "image_dataset_from_directory":
        if recipe.input_height is None:
            return "image_dataset_from_directory always resizes: say `image_size`"
        if recipe.input_channels is None:
            return "image_dataset_from_directory always converts: say `channels`"
    return None


def _usual(images: Images, speed: float | None) -> int:
    """SLICE, or as many as are decoded three times in SECONDS."""
    files = sum(kind.files for kind in images.kinds)
    each = (speed or 1.0) * timing.seconds(images.kinds, timing.TENSORFLOW) / files if files else 0.0
    return SLICE if 3 * each * SLICE <= SECONDS else max(FEWEST, int(SECONDS / (3 * each)))


def _drawn(workspace: Workspace, evidence: Evidence, samples: int, scratch: str) -> list[_Sample]:
    """Samples at equal distances in the dataset, in its order, with the shares of what trains and what validates."""
    columns = evidence.dataset.samples.columns
    entries = evidence.dataset.files
    splits, numbers = columns["split"], cast("list[int]", columns["file_id"])
    usable = [entries[number].kind != "remote" for number in numbers]
    parts = {
        True: [row for row in compress(range(len(splits)), usable) if splits[row] == "val"],
        False: [row for row in compress(range(len(splits)), usable) if splits[row] not in ("val", "test")],
    }
    loaded = sum(map(len, parts.values()))
    share = min(1.0, samples / loaded) if loaded else 0.0
    labels = {label: index for index, label in enumerate(sorted({str(label) for label in columns["label"]}))}
    chosen = []
    for validates, rows in parts.items():
        count = math.ceil(len(rows) * share) if not validates else math.floor(len(rows) * share)
        for index in range(count):
            row = rows[index * len(rows) // count]
            entry = entries[numbers[row]]
            chosen.append(
                _Sample(
                    row=row,
                    file=numbers[row],
                    place=_place(workspace, entry.path, os.path.join(scratch, f"file-{row}")),
                    path=display(entry.path),
                    label=labels[str(columns["label"][row])],
                    validates=validates,
                )
            )
    return sorted(chosen, key=lambda sample: sample.row)


def _place(workspace: Workspace, path: str, spare: str) -> str:
    """Where on disk the file's content lies; git's goes to `spare`, with the suffix that loaders look at."""
    source = workspace.source
    if place := source.place(path):
        return place
    content = source.read(path) if source.name != "worktree" else None
    if content is None:
        # Whoever reads it says what is wrong with it.
        return os.path.join(source.base, path)
    spare += posixpath.splitext(path)[1]
    with open(spare, "wb") as file:
        file.write(content)
    return spare


def _described(evidence: Evidence, drawn: Sequence[_Sample], recipe: Recipe) -> Images:
    """The slice as the footprint wants to know it."""
    parts = []
    for data, numbers in (
        (evidence.dataset.samples, [sample.row for sample in drawn]),
        (evidence.tables["files"], list(dict.fromkeys(sample.file for sample in drawn))),
    ):
        parts.append(Data({name: [column[number] for number in numbers] for name, column in data.columns.items()}))
    return images_of(parts[0], parts[1], channels=recipe.input_channels)


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


def _rehearsed(outcome: Rehearsed, stage: _Stage, drawn: Sequence[_Sample]) -> Rehearsed:
    """Ask for every sample by itself, run the recipe on those that are taken, then the declared model."""
    asked = _taste(stage, drawn)
    refused = [Refused(drawn[number].path, error) for number, error in sorted(asked.refused.items())]
    outcome = replace(
        outcome, tried=asked.tried, refused=refused, versions=asked.versions, ended=_not_finished(asked.end)
    )
    taken = [sample for number, sample in enumerate(drawn[: asked.tried]) if number not in asked.refused]
    if asked.end.how != "finished" or not any(not sample.validates for sample in taken):
        return outcome
    part = _described(stage.evidence, taken, stage.recipe)
    if why := _impossible(stage.recipe, part):
        return replace(outcome, unknown=f"of what is left, {why}")
    available = free()
    rows = host.host_memory(stage.recipe, part, replace(stage.here, host_memory=available, host_used=None))
    [predicted] = [row for row in rows if row.stage == TOTAL]
    run = _run(stage, {"step": "run", **_job(stage, taken)}, predicted)
    outcome = replace(
        outcome,
        ran=part,
        memory=_memory(run, rows, predicted),
        rate=_rate(run, stage, part),
        ended=(*outcome.ended, *_not_finished(run.end)),
    )
    outcome = replace(outcome, scaled=_scaled(outcome))
    if stage.recipe.model is not None and run.end.how == "finished":
        model, end = _model(stage, taken, predicted)
        outcome = replace(outcome, model=model, ended=(*outcome.ended, *_not_finished(end)))
    return outcome


def _not_finished(end: Ended) -> tuple[Ended, ...]:
    return () if end.how == "finished" else (end,)


@dataclass(slots=True)
class _Tasted:
    tried: int = 0
    refused: dict[int, str] = field(default_factory=dict)
    versions: dict[str, str] = field(default_factory=dict)
    end: Ended = field(default_factory=Ended)


def _taste(stage: _Stage, drawn: Sequence[_Sample]) -> _Tasted:
    """Ask the decoder for every sample; one that ends TensorFlow itself is refused, and the rest is asked for again."""
    found = _Tasted()
    for _ in range(MOST_DEATHS + 1):
        first = found.tried
        job = {"step": "taste", **_recipe(stage), "paths": [sample.place for sample in drawn[first:]]}
        with _child(job) as child:
            for answer in _answers(child, stage.until):
                if answer["event"] == "ready":
                    found.versions = {name: answer[name] for name in ("tensorflow", "keras")}
                elif answer["event"] == "tasting":
                    found.tried = first + answer["number"]
                elif answer["event"] == "refused":
                    found.refused[first + answer["number"]] = answer["error"]
                elif answer["event"] == "failed":
                    found.end = Ended("failed", f"stopped after {found.tried:,} samples: {answer['error']}")
                    return found
                elif answer["event"] == "done":
                    found.tried = len(drawn)
                    return found
            if child.status is None:
                words = f"the time limit ended it after {found.tried:,} of {len(drawn):,} samples"
                found.end = Ended("unfinished", words)
                return found
            died = ending(child.status)
            if child.status in (0, 1, -signal.SIGKILL, -signal.SIGTERM) or not found.versions:
                words = f"{died} while it asked for single samples, after {found.tried:,}"
                found.end = Ended("killed", _with(words, child.said))
                return found
        found.refused[found.tried] = f"it ends the whole process: {died}"
        found.tried += 1
        if found.tried == len(drawn):
            return found
    found.end = Ended("failed", f"{MOST_DEATHS + 1} samples ended TensorFlow itself: the rest was not tried")
    return found


def _recipe(stage: _Stage) -> dict[str, Any]:
    return {"recipe": asdict(stage.recipe)}


def _job(stage: _Stage, taken: Sequence[_Sample]) -> dict[str, Any]:
    parts = {"train": [item for item in taken if not item.validates], "val": [item for item in taken if item.validates]}
    return {
        **_recipe(stage),
        **{name: [item.place for item in items] for name, items in parts.items()},
        "labels": {name: [item.label for item in items] for name, items in parts.items()},
        "scratch": stage.scratch,
    }


def _child(job: Mapping[str, Any]) -> Child:
    return Child(_MODULE, job, environment=_ENVIRONMENT)


def _answers(child: Child, until: float) -> Iterator[dict[str, Any]]:
    for answer in child.answers(until=until):
        if answer["event"] == "missing":
            raise UsageError(f"TensorFlow cannot be imported: {answer['error']}")
        yield answer


def _with(words: str, said: str) -> str:
    return f"{words} ({said})" if said else words


def _run(stage: _Stage, job: Mapping[str, Any], predicted: Estimate) -> _Run:
    """One process to its end."""
    run = _Run()
    with _child(job) as child:
        for answer in _answers(child, stage.until):
            run.told[answer["event"]] = answer
            if answer["event"] == "done":
                return run
        if "failed" in run.told:
            run.end = Ended("failed", f"the recipe stopped: {run.told['failed']['error']}")
        elif child.status is None:
            run.end = Ended("unfinished", f"the time limit ended it {_after(run, stage)}")
        else:
            words = f"{ending(child.status)} {_after(run, stage)}: {_as_predicted(run, predicted)}"
            run.end = Ended("killed", _with(words, child.said))
    return run


def _after(run: _Run, stage: _Stage) -> str:
    """`after 320 images`."""
    last = run.told.get("progress")
    if "measured" in run.told:
        return f"after all {run.told['measured']['images']:,} images, while the input alone was timed"
    if last is None:
        return "before the first image"
    images = last["images"] * (stage.recipe.batch if last["doing"] == "steps" else 1)
    return f"after {images:,} images{' were loaded' if last['doing'] == 'loaded' else ''}"


def _as_predicted(run: _Run, predicted: Estimate) -> str:
    """Whether memory explains the end of a process."""
    last = max((answer["peak"] for answer in run.told.values() if "peak" in answer), default=None)
    seen = "" if last is None else f", {size(last)} were seen"
    span = f"{size(predicted.low)} to {size(predicted.high)} were predicted{seen}"
    if predicted.available is None:
        return f"nobody knows whether as predicted ({span}, and what was free is not known)"
    span += f", {size(predicted.available)} were free"
    return f"{'not as predicted' if predicted.fit == 'fits' else 'as predicted'} ({span})"


def _memory(run: _Run, rows: Sequence[Estimate], predicted: Estimate) -> Memory | None:
    measured = run.told.get("measured")
    if measured is None or not measured["peak"]:
        return None
    base, peak = measured["base"], measured["peak"]
    return Memory(predicted, base, peak, scale.data_of(rows), scale.factor_of(rows, base=base, peak=peak))


def _rate(run: _Run, stage: _Stage, part: Images) -> Rate | None:
    told = run.told.get("rate")
    if told is None or not told["images"]:
        return None
    one = replace(stage.here, cores=1)
    plain = replace(stage.recipe, steps_per_epoch=None, validation_split=None)
    whole = [row for row in timing.times(plain, part, one, speed=stage.speed) if row.resource == timing.INPUT]
    expected = _total(whole)
    each = expected.expected / part.train if expected else None
    return Rate(told["images"], told["seconds"], told["cpu"], each)


def _scaled(outcome: Rehearsed) -> list[Estimate]:
    """Memory by the measured factor; the time of the input by the measured rate, for this machine alone."""
    found: list[Estimate] = []
    memory, rate = outcome.memory, outcome.rate
    rows = [row for row in outcome.predicted if row.resource == host.RESOURCE]
    if memory and memory.factor and rows:
        found += scale.scaled(rows, memory.factor, base=memory.base)
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


def _model(stage: _Stage, taken: Sequence[_Sample], predicted: Estimate) -> tuple[Steps, Ended]:
    """Some steps of the declared model; where it cannot be trained in time, that is said and nothing is wrong."""
    name = str(stage.recipe.model)
    left = stage.until - time.monotonic()
    named = _named(stage)
    if isinstance(named, str):
        return Steps(name, why=named), Ended()
    job = {"step": "train", **_job(stage, taken), "model": named, "seconds": MODEL_SHARE * left}
    run = _run(stage, job, predicted)
    trained = run.told.get("trained")
    if trained:
        return Steps(name, trained["steps"], trained["step_seconds"], trained["peak"] or None), Ended()
    if run.end.how == "unfinished":
        return Steps(name, why="the time limit came before its third step on this CPU"), Ended()
    return Steps(name, why=run.end.words), replace(run.end, words=f"model {name}: {run.end.words}")


def _named(stage: _Stage) -> dict[str, str] | str:
    """What the child is told of the model, or why it is not trained."""
    recipe, network, written = stage.recipe, stage.network, str(stage.recipe.model)
    if not isinstance(network, Network):
        return network or "it was not read"
    try:
        accelerator.subject(recipe, network)
    except NetworkError as error:
        return str(error)
    if not written.lower().endswith(load.FILES):
        return {"application": network.name}
    path = posixpath.normpath(posixpath.join(stage.workspace.home, written))
    return {"file": _place(stage.workspace, path, os.path.join(stage.scratch, "model"))}
