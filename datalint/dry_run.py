"""Tier 1 of accelerator memory: a few real train steps of the declared model, in a process of their own.

Only on demand: the process imports TensorFlow and, for `module:function`, the user's own code.
"""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING, Any

from datalint import models, readings
from datalint.child import Child
from datalint.ending import ending
from datalint.errors import UnfinishedError, UsageError
from datalint.footprint import accelerator
from datalint.footprint.dry_run import Peak, Reading
from datalint.footprint.model.network import Network, NetworkError
from datalint.readings import Kept
from datalint.sizes import size
from datalint.target.free import free

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from datalint.errors import Position
    from datalint.footprint.dry_run import Asked
    from datalint.footprint.recipe import Recipe
    from datalint.request import Request
    from datalint.workspace import Workspace

    Progress = Callable[[int], None]
    """Hears of every batch that is begun."""

SHARE = 0.5
"""Of the free memory that the largest batch may take, as far as it can be foreseen."""
_MOST = 0.8
"""Of the free memory that tensors may take: then TensorFlow says that it is out of memory, and the machine goes on."""
_UNKNOWN_MEMORY = 4 << 30
"""Bytes that are taken to be free where the system does not tell."""
BATCHES = ((2, 4, 8), (1, 2, 4), (1, 2, 3))
SECONDS = 60.0
"""That larger batches than the first three may take, and at most this share of the time limit."""
_PATIENCE = 0.4
_MODULE = "datalint.integrations.train_step"
_INSTALL = "install datalint-vision with its extra `tensorflow`, or run datalint where training runs"


class JobError(Exception):
    """What the process could not do; `kind` is `usage`, `memory` or `missing`, as it says."""

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind


def measure(
    workspace: Workspace,
    request: Request,
    recipe: Recipe,
    network: Network | str | None,
    *,
    asked: bool,
    timeout: float,
    progress: Progress | None = None,
) -> tuple[Reading, str | None]:
    """Run the recipe's training step, or take the reading that holds; it is remembered where the cache may be used.

    Beside the reading, what the user should know about it.

    UsageError for a model that cannot be built or does not go with the recipe, UnfinishedError where the steps did not
    end: out of memory, out of time, killed. `asked` says that the command line names the model.
    """
    position = None if asked else workspace.config.position("training", "model")
    key = "--model" if asked else "training.model"
    _refuse(request, recipe, network, position)
    assert recipe.model is not None
    try:
        steps = accelerator.steps(recipe, network or "")
    except NetworkError as error:
        raise UsageError(f"{key}: {recipe.model}: {error}", position) from error
    for known in readings.of_model(workspace, request, recipe.model, network):
        if known.reading.answers(steps):
            return known.reading, None
    job = {
        **_built(workspace, recipe, network),
        **_plan(recipe, network, steps),
        "seconds": min(SECONDS, _PATIENCE * timeout),
    }
    try:
        told = run(job, what=recipe.model, timeout=timeout, progress=progress)
    except JobError as error:
        if error.kind == "missing":
            raise UsageError(f"--dry-run needs TensorFlow: {error}", hint=_INSTALL) from error
        if error.kind == "memory":
            raise UnfinishedError(f"dry run of {recipe.model}: {error}") from error
        raise UsageError(f"{key}: {recipe.model}: {error}", position) from error
    kept = Kept(_reading(told, steps), told["files"])
    folder = readings.folder_of(workspace, request)
    if told["files"] is None and readings.is_function(recipe.model):
        words = "it lists a folder, reads too much to watch, or lies outside of the configuration's folder"
        return kept.reading, f"the dry run of {recipe.model} is not remembered: {words}"
    if folder is not None:
        try:
            readings.store(folder, recipe.model, network, kept)
        except OSError as error:
            raise UnfinishedError(f"cannot remember the dry run in {folder}: {error.strerror}") from error
    return kept.reading, None


def _refuse(request: Request, recipe: Recipe, network: Network | str | None, position: Position | None) -> None:
    if recipe.model is None:
        raise UsageError("--dry-run measures a model: say `training.model` or --model")
    if recipe.framework == "pytorch" or recipe.executor == "torch":
        raise UsageError("--dry-run measures Keras on TensorFlow, and the recipe trains with PyTorch")
    if readings.is_function(recipe.model):
        if request.staged or request.tree:
            raise UsageError("--dry-run imports module:function from the work tree: leave --staged and --tree out")
    elif not isinstance(network, Network):
        raise UsageError(f"--dry-run: model {recipe.model}: {network}", position)


def _built(workspace: Workspace, recipe: Recipe, network: Network | str | None) -> dict[str, Any]:
    """What the child builds the model from."""
    assert recipe.model is not None
    if not isinstance(network, Network):
        folder = os.path.join(workspace.source.base, workspace.home)
        return {"function": recipe.model, "folder": os.path.abspath(folder)}
    if network.fixed:
        return {"text": models.description(workspace, recipe.model), "policy": network.policy}
    assert network.identity is not None
    return {"application": network.identity.partition(" ")[2]}


def _plan(recipe: Recipe, network: Network | str | None, steps: Asked) -> dict[str, Any]:
    """Batches that this machine has room for, as far as the layer walk foresees it."""
    room = free() or _UNKNOWN_MEMORY
    limit = int(SHARE * room)
    batches = BATCHES[1]
    try:
        if isinstance(network, Network):
            model = accelerator.subject(recipe, network, ())
            walked = accelerator.Subject(
                network, model.shape, model.precision, model.optimizer, model.accumulates, (accelerator.MEASURED,)
            )
            foreseen = {batch: walked.span(batch).expected for batch in (3, 4, 8)}
            fitting = [batches for batches in BATCHES if foreseen[batches[-1]] <= limit]
            if not fitting:
                raise UnfinishedError(
                    f"dry run of {recipe.model}: a batch of 3 takes about {size(foreseen[3])}, "
                    f"and half of this machine's free memory is {size(limit)}"
                )
            batches = fitting[0]
    except NetworkError:
        pass  # what nobody can foresee begins with one sample
    return {
        "shape": steps.shape,
        "precision": steps.precision,
        "optimizer": steps.optimizer,
        "accumulates": steps.accumulates,
        "batches": batches,
        "enough": recipe.batch,
        "limit": limit,
        "memory": int(_MOST * room),
    }


def run(job: Mapping[str, Any], *, what: str, timeout: float, progress: Progress | None = None) -> dict[str, Any]:
    """The last line of the child; JobError for what it could not do, UnfinishedError where it did not end by itself."""
    doing = "while it was built"
    with Child(_MODULE, job, environment={}) as child:
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
            raise UnfinishedError(f"dry run of {what}: not done after {timeout:.0f} s, {doing}")
        raise UnfinishedError(f"dry run of {what}: {ending(child.status)}, {doing}{_last_words(child)}")


def _last_words(child: Child) -> str:
    """Of a process that crashed; one that was killed from outside has nothing to say."""
    if child.status == -9:
        return ": it may have been out of memory"
    return f": {child.said}" if child.said else ""


def _reading(told: Mapping[str, Any], steps: Asked) -> Reading:
    return Reading(
        asked=steps,
        shape=tuple(told["shape"]),
        precision=told["precision"],
        optimizer=told["optimizer"],
        peaks=tuple(Peak(*peak) for peak in told["peaks"]),
        **{name: told[name] for name in ("weights", "slots", "parameters", "workspace", "keras", "tensorflow")},
    )
