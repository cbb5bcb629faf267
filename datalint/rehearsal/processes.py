"""The processes of a rehearsal: one asks for every sample by itself, one runs the recipe, one trains the model."""

from __future__ import annotations

import signal
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from datalint.child import Child
from datalint.ending import ending
from datalint.errors import UsageError
from datalint.rehearsal.result import Ended
from datalint.sizes import size

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from datalint.footprint.estimate import Estimate
    from datalint.footprint.recipe import Recipe
    from datalint.rehearsal.part import Sample

MOST_DEATHS = 3
"""Samples that end TensorFlow itself, after which the rest is left alone: each costs another start."""
_MODULE = "datalint.integrations.rehearsal"
_ENVIRONMENT = {
    "TF_CPP_MIN_LOG_LEVEL": "3",
    "KERAS_BACKEND": "tensorflow",
    # The rehearsal measures host memory; an accelerator that is busy with something else is left alone.
    "CUDA_VISIBLE_DEVICES": "-1",
}


@dataclass(frozen=True, slots=True)
class Stage:
    """What every process is told."""

    recipe: Recipe
    scratch: str
    """A folder for links, TFRecords and caches, which is gone afterwards."""
    until: float
    """The moment at which it is stopped (time.monotonic)."""


@dataclass(slots=True)
class Tasted:
    """How far the decoder was asked, and what it said."""

    tried: int = 0
    refused: dict[int, str] = field(default_factory=dict)
    """Number of the sample -> why."""
    versions: dict[str, str] = field(default_factory=dict)
    end: Ended = field(default_factory=Ended)


def taste(stage: Stage, drawn: Sequence[Sample]) -> Tasted:
    """Ask the decoder for every sample; one that ends TensorFlow itself is refused, and the rest is asked for again."""
    found = Tasted()
    for _ in range(MOST_DEATHS):
        first = found.tried
        job = {"step": "taste", "recipe": asdict(stage.recipe), "paths": [sample.place for sample in drawn[first:]]}
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
    found.end = Ended("failed", f"{MOST_DEATHS} samples ended TensorFlow itself: the rest was not tried")
    return found


@dataclass(slots=True)
class Run:
    """What one process has told."""

    told: dict[str, dict[str, Any]] = field(default_factory=dict)
    """The last answer of each kind."""
    end: Ended = field(default_factory=Ended)


def run(stage: Stage, job: Mapping[str, Any], predicted: Estimate) -> Run:
    """One process to its end."""
    found = Run()
    with _child(job) as child:
        for answer in _answers(child, stage.until):
            found.told[answer["event"]] = answer
            if answer["event"] == "done":
                return found
        if "failed" in found.told:
            found.end = Ended("failed", f"the recipe stopped: {found.told['failed']['error']}")
        elif child.status is None:
            found.end = Ended("unfinished", f"the time limit ended it {_after(found, stage)}")
        else:
            words = f"{ending(child.status)} {_after(found, stage)}: {_as_predicted(found, predicted)}"
            found.end = Ended("killed", _with(words, child.said))
    return found


def job_of(step: str, stage: Stage, taken: Sequence[Sample]) -> dict[str, Any]:
    """For `run` on the samples that the decoder takes."""
    parts = {"train": [item for item in taken if not item.validates], "val": [item for item in taken if item.validates]}
    return {
        "step": step,
        "recipe": asdict(stage.recipe),
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


def _after(run: Run, stage: Stage) -> str:
    """`after 320 images`."""
    last = run.told.get("progress")
    if "measured" in run.told:
        return f"after all {run.told['measured']['images']:,} images, while the input alone was timed"
    if last is None:
        return "before the first image"
    images = last["images"] * (stage.recipe.batch if last["doing"] == "steps" else 1)
    return f"after {images:,} images{' were loaded' if last['doing'] == 'loaded' else ''}"


def _as_predicted(run: Run, predicted: Estimate) -> str:
    """Whether memory explains the end of a process."""
    last = max((answer["peak"] for answer in run.told.values() if "peak" in answer), default=None)
    seen = "" if last is None else f", {size(last)} were seen"
    span = f"{size(predicted.low)} to {size(predicted.high)} were predicted{seen}"
    if predicted.available is None:
        return f"nobody knows whether as predicted ({span}, and what was free is not known)"
    span += f", {size(predicted.available)} were free"
    return f"{'not as predicted' if predicted.fit == 'fits' else 'as predicted'} ({span})"
