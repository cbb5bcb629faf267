"""What a recipe takes of a machine, predicted from a dataset or from a description of one: check.py's little sister."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from datalint import calibrate, compiling, footprint, models, readings, target
from datalint import dry_run as dry_runs
from datalint.asked import fitting, machine_of, recipe_of, unsaid
from datalint.check import look
from datalint.errors import UsageError
from datalint.footprint import accelerator, advice, fill, timing
from datalint.footprint.images import Images, Kind, images_of
from datalint.footprint.model.network import Network, NetworkError
from datalint.measuring import JobError, Wanted
from datalint.target import LOCAL
from datalint.workspace import open_home, open_workspace

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from datalint.asked import Asked
    from datalint.footprint.advice import Change
    from datalint.footprint.estimate import Estimate
    from datalint.footprint.peaks import Peaks
    from datalint.footprint.recipe import Recipe
    from datalint.request import Request
    from datalint.target import Target
    from datalint.workspace import Workspace

    Progress = Callable[[int, int], None]
    Stepping = Callable[[str, int], None]

PHOTOGRAPH_BYTES = 0.54
"""Encoded bytes per pixel where there is no file to look at: the mean of ImageNet's photographs."""


@dataclass(frozen=True, slots=True)
class Estimated:
    """The prediction, what it rests on, and what would fit."""

    recipe: Recipe
    images: Images
    machine: Target
    assumed: Mapping[str, object]
    """What nobody said, and what was taken for it."""
    rows: tuple[Estimate, ...]
    unknown: Mapping[str, str]
    """Resource -> why nothing is predicted."""
    unneeded: Mapping[str, str]
    """Resource -> why the recipe takes none of it."""
    changes: tuple[Change, ...]
    """What to change where it does not fit, the least first."""
    smallest: str | None
    """The machine of the catalogue with the least host memory on which that fits, and no less of an accelerator."""
    notes: tuple[str, ...] = ()
    """What the user should know about how it was found."""


def estimate(
    request: Request, asked: Asked, *, progress: Progress | None = None, stepping: Stepping | None = None
) -> Estimated:
    """Predict; raises UsageError for a recipe that cannot be, UnfinishedError where there is no dataset or no end.

    `progress` hears of images, `stepping` of the batches of a dry run or a compilation, with that word.
    """
    if asked.samples is None:
        workspace = open_workspace(request)
        recipe = recipe_of(workspace, asked)
        machine = machine_of(request, workspace)
        evidence = look(workspace, request, progress=progress)
        recipe = fitting(workspace, recipe, evidence.dataset.format, asked.recipe)
        assumed = unsaid(workspace.config, asked, recipe)
        files = evidence.tables["files"]
        images = images_of(evidence.dataset.samples, files, channels=recipe.input_channels)
        if evidence.dataset.format == "masks":
            assumed = {**assumed, "a label": "one number: masks come on top"}
        speed = calibrate.speed(workspace.source, evidence.dataset.files, files) if machine.name == LOCAL else None
    else:
        workspace = open_home(request.config)
        recipe = recipe_of(workspace, asked)
        machine, speed = machine_of(request, workspace), None
        images, described = _described(recipe, asked.samples)
        assumed = {**unsaid(workspace.config, asked, recipe), **described}
    images = images if asked.grow == 1 else images.grown(round(images.loaded * asked.grow))
    network = models.declared(workspace, recipe.model, asked="model" in asked.recipe)
    try:
        measured, notes = _measured(workspace, request, recipe, network, machine, asked, stepping)
    except JobError as error:
        # Nothing else answers in the place of what was asked for.
        network, measured, notes = f"not compiled for {machine.accelerator}: {error}", (), ()
    assumed = {**assumed, **_of_model(recipe, network, measured)}
    rows = footprint.predict(recipe, images, machine, network, readings=measured, speed=speed)
    changes = footprint.changes(rows, recipe, images, machine, network, readings=measured)
    if any(row.resource in (timing.INPUT, fill.RESOURCE) for row in rows):
        assumed["speed of the CPU"] = (
            "that of the machine of the constants" if speed is None else f"{speed:.2f} of their time, as timed here"
        )
    unfit = {row.resource for row in rows if row.unfit}
    known = {name: target.lookup(name) for name in target.profiles()}
    catalogue = {name: other for name, other in known.items() if _accelerates(other, machine)}
    return Estimated(
        recipe=recipe,
        images=images,
        machine=machine,
        assumed=assumed,
        rows=tuple(footprint.advised(rows, changes)),
        unknown=footprint.unpredicted(rows, recipe, images, machine, network, readings=measured),
        unneeded=footprint.unneeded(recipe),
        changes=tuple(changes),
        # Of what else does not fit, the catalogue's least host memory is no answer.
        smallest=advice.smallest(recipe, images, catalogue) if rows and accelerator.RESOURCE not in unfit else None,
        notes=notes,
    )


def _accelerates(other: Target, machine: Target) -> bool:
    """Whether it has as many accelerators as the target of the recipe, each with as much memory."""
    pairs = ((other.accelerators, machine.accelerators), (other.accelerator_memory, machine.accelerator_memory))
    return all((has or 0) >= (wanted or 0) for has, wanted in pairs)


def _measured(
    workspace: Workspace,
    request: Request,
    recipe: Recipe,
    network: Network | str | None,
    machine: Target,
    asked: Asked,
    stepping: Stepping | None,
) -> tuple[tuple[Peaks, ...], tuple[str, ...]]:
    """What was measured of the model and holds, what is asked for first, and what should be known about that."""
    known = [kept.reading for kept in readings.of_model(workspace, request, recipe.model, network, machine)]
    notes = []
    for way, seconds, measure in (
        (dry_runs.WAY, asked.dry_run, dry_runs.dry_run),
        (compiling.WAY, asked.compiled, compiling.compiled),
    ):
        if seconds is None:
            continue
        if machine.accelerators == 0:
            raise UsageError(
                f"{way.option}: the target {machine.name} has no accelerator", hint="name another with --target"
            )
        progress = partial(stepping, way.noun) if stepping else None
        reading, note = measure(
            Wanted(
                workspace,
                request,
                recipe,
                network,
                machine,
                "model" in asked.recipe,
                timeout=seconds,
                progress=progress,
            )
        )
        known.insert(0, reading)
        notes += [note] if note else []
    return tuple(known), tuple(notes)


def _of_model(recipe: Recipe, network: Network | str | None, measured: Sequence[Peaks]) -> dict[str, object]:
    """What nobody said of the step, as it is taken."""
    if network is None:
        return {}
    try:
        subject = accelerator.subject(recipe, network, measured)
    except NetworkError:
        return {}
    taken = {
        "optimizer": subject.optimizer,
        "precision": subject.precision,
        "executor": " or ".join(subject.executors),
    }
    return {name: value for name, value in taken.items() if getattr(recipe, name) is None}


def _described(recipe: Recipe, samples: int) -> tuple[Images, dict[str, object]]:
    """Images that are as large as they are fed."""
    if recipe.input_height is None or recipe.input_width is None:
        raise UsageError("--samples needs the size of an image: --height and --width")
    pixels = recipe.input_height * recipe.input_width
    values = float(pixels * (recipe.input_channels or 3))
    images = Images(
        train=samples,
        encoded_mean=PHOTOGRAPH_BYTES * pixels,
        kinds=(Kind("jpeg", samples, round(PHOTOGRAPH_BYTES * pixels) * samples, pixels * samples),),
        decoded_mean=values,
        decoded_max=values,
        measured=samples,
    )
    return images, {"size of an image": "as it is fed", "size of a file": f"{PHOTOGRAPH_BYTES} bytes a pixel"}
