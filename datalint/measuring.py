"""The model's own training steps, measured in a process of their own: what a dry run and a compilation share.

Only on demand: such a process imports a framework and, for `module:function`, the user's own code.
"""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from datalint import models, readings
from datalint.child import Child
from datalint.ending import ending
from datalint.errors import UnfinishedError, UsageError
from datalint.footprint import accelerator
from datalint.footprint.model.network import Network, NetworkError
from datalint.readings import Kept

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from datalint.errors import Position
    from datalint.footprint.peaks import Asked, Peaks
    from datalint.footprint.recipe import Recipe
    from datalint.request import Request
    from datalint.target import Target
    from datalint.workspace import Workspace

    Progress = Callable[[int], None]
    """Hears of every batch that is begun."""

MOST = 0.8
"""Of the free memory that such a process may take: then it says that it is out of memory, and the machine goes on."""
UNKNOWN_MEMORY = 4 << 30
"""Bytes that are taken to be free where the system does not tell."""


class JobError(Exception):
    """What the process could not do; `kind` is `usage`, `memory`, `compiler` or `missing`, as it says."""

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind


@dataclass(frozen=True, slots=True)
class Way:
    """How steps are measured, in the words of the command line."""

    option: str
    noun: str
    module: str
    """Of the child."""
    needs: str
    install: str


@dataclass(frozen=True, slots=True)
class Wanted:
    """The model that is to be measured, where it is declared, and the run that asks."""

    workspace: Workspace
    request: Request
    recipe: Recipe
    network: Network | str | None
    machine: Target
    asked: bool
    """Whether the command line names the model."""
    timeout: float
    """Seconds."""
    progress: Progress | None = None

    @property
    def model(self) -> str:
        assert self.recipe.model is not None
        return self.recipe.model

    @property
    def key(self) -> str:
        return "--model" if self.asked else "training.model"

    @property
    def position(self) -> Position | None:
        return None if self.asked else self.workspace.config.position("training", "model")


def measure(
    way: Way,
    wanted: Wanted,
    *,
    holds: Callable[[Peaks, Asked], bool],
    plan: Callable[[], Mapping[str, Any]],
    made: Callable[[Mapping[str, Any], Asked], Peaks],
) -> tuple[Peaks, str | None]:
    """Take the reading that `holds` for the recipe's step, or let the child do what is in `plan` and keep what it told.

    Beside the reading, what the user should know about it.

    UsageError for a model that cannot be built or does not go with the recipe, UnfinishedError where the steps did not
    end: out of memory, out of time, killed. JobError where a compiler refuses them.
    """
    _refuse(way, wanted)
    try:
        steps = accelerator.steps(wanted.recipe, wanted.network or "")
    except NetworkError as error:
        raise UsageError(f"{wanted.key}: {wanted.model}: {error}", wanted.position) from error
    for known in readings.of_model(wanted.workspace, wanted.request, wanted.model, wanted.network, wanted.machine):
        if holds(known.reading, steps):
            return known.reading, None
    job = {
        **_built(wanted),
        "shape": steps.shape,
        "precision": steps.precision,
        "optimizer": steps.optimizer,
        "accumulates": steps.accumulates,
        **plan(),
    }
    try:
        told = run(way, job, what=wanted.model, timeout=wanted.timeout, progress=wanted.progress)
    except JobError as error:
        if error.kind == "missing":
            raise UsageError(f"{way.option} needs {way.needs}: {error}", hint=way.install) from error
        if error.kind == "compiler":
            raise
        if error.kind == "memory":
            raise UnfinishedError(f"{way.noun} of {wanted.model}: {error}") from error
        raise UsageError(f"{wanted.key}: {wanted.model}: {error}", wanted.position) from error
    return _kept(way, wanted, Kept(made(told, steps), told["files"]))


def _kept(way: Way, wanted: Wanted, kept: Kept) -> tuple[Peaks, str | None]:
    """Remembered where the cache may be used and all that it rests on is known."""
    folder = readings.folder_of(wanted.workspace, wanted.request)
    if kept.files is None and readings.is_function(wanted.model):
        words = "it lists a folder, reads too much to watch, or lies outside of the configuration's folder"
        return kept.reading, f"the {way.noun} of {wanted.model} is not remembered: {words}"
    if folder is not None:
        try:
            readings.store(folder, wanted.model, wanted.network, kept)
        except OSError as error:
            raise UnfinishedError(f"cannot remember the {way.noun} in {folder}: {error.strerror}") from error
    return kept.reading, None


def _refuse(way: Way, wanted: Wanted) -> None:
    if wanted.recipe.model is None:
        raise UsageError(f"{way.option} measures a model: say `training.model` or --model")
    if wanted.recipe.framework == "pytorch" or wanted.recipe.executor == "torch":
        raise UsageError(f"{way.option} measures Keras, and the recipe trains with PyTorch")
    if readings.is_function(wanted.model):
        if wanted.request.staged or wanted.request.tree:
            raise UsageError(f"{way.option} imports module:function from the work tree: leave --staged and --tree out")
    elif not isinstance(wanted.network, Network):
        raise UsageError(f"{way.option}: model {wanted.model}: {wanted.network}", wanted.position)


def _built(wanted: Wanted) -> dict[str, Any]:
    """What the child builds the model from."""
    workspace, network = wanted.workspace, wanted.network
    if not isinstance(network, Network):
        folder = os.path.join(workspace.source.base, workspace.home)
        return {"function": wanted.model, "folder": os.path.abspath(folder)}
    if network.fixed:
        return {"text": models.description(workspace, wanted.model), "policy": network.policy}
    assert network.identity is not None
    return {"application": network.identity.partition(" ")[2]}


def run(
    way: Way, job: Mapping[str, Any], *, what: str, timeout: float, progress: Progress | None = None
) -> dict[str, Any]:
    """The last line of the child; JobError for what it could not do, UnfinishedError where it did not end by itself."""
    doing = "while it was built"
    with Child(way.module, job, environment={}) as child:
        for told in child.answers(until=time.monotonic() + timeout):
            if "error" in told:
                where = f" ({doing})" if told["error"] == "memory" else ""
                raise JobError(told["error"], f"{told['message']}{where}")
            if "peaks" in told:
                return told
            if "step" in told:
                doing = f"at a batch of {told['step']}"
                if progress:
                    progress(told["step"])
        if child.status is None:
            raise UnfinishedError(f"{way.noun} of {what}: not done after {timeout:.0f} s, {doing}")
        raise UnfinishedError(f"{way.noun} of {what}: {ending(child.status)}, {doing}{_last_words(child)}")


def _last_words(child: Child) -> str:
    """Of a process that crashed; one that was killed from outside has nothing to say."""
    if child.status == -9:
        return ": it may have been out of memory"
    return f": {child.said}" if child.said else ""
