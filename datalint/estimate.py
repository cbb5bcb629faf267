"""What a recipe takes of a machine, predicted from a dataset or from a description of one: check.py's little sister."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING

from datalint import calibrate, footprint, models, target
from datalint.check import collect
from datalint.errors import UsageError
from datalint.footprint import accelerator, advice, fill, host, timing
from datalint.footprint.estimate import TOTAL
from datalint.footprint.images import Images, Kind, images_of
from datalint.footprint.model.network import Network, NetworkError
from datalint.footprint.recipe import PREFETCH_FACTOR, STREAMS, Recipe, contradiction
from datalint.target import LOCAL
from datalint.workspace import open_home, open_workspace

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from datalint.footprint.advice import Change
    from datalint.footprint.estimate import Estimate
    from datalint.request import Request
    from datalint.target import Target
    from datalint.workspace import Workspace

    Progress = Callable[[int, int], None]

PHOTOGRAPH_BYTES = 0.54
"""Encoded bytes per pixel where there is no file to look at: the mean of ImageNet's photographs."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What the command line says instead of the configuration; None where it says nothing."""

    recipe: Mapping[str, object]
    """Values by the name of their field."""
    samples: int | None = None
    """Training samples of a dataset that is not there."""
    grow: float = 1.0


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
    """The machine of the catalogue with the least host memory on which that fits."""


def estimate(request: Request, asked: Asked, *, progress: Progress | None = None) -> Estimated:
    """Predict; raises UsageError for a recipe that cannot be, UnfinishedError where there is no dataset."""
    if asked.samples is None:
        workspace = open_workspace(request)
        recipe, assumed = _recipe(workspace, asked)
        machine = _machine(request, workspace)
        evidence = collect(workspace, request, progress=progress)
        files = evidence.tables["files"]
        images = images_of(evidence.dataset.samples, files, channels=recipe.input_channels)
        speed = calibrate.speed(workspace.source, evidence.dataset.files, files) if machine.name == LOCAL else None
    else:
        workspace = open_home(request.config)
        recipe, assumed = _recipe(workspace, asked)
        machine, speed = _machine(request, workspace), None
        images, described = _described(recipe, asked.samples)
        assumed = {**assumed, **described}
    images = images if asked.grow == 1 else images.grown(round(images.loaded * asked.grow))
    network = models.declared(workspace, recipe.model, asked="model" in asked.recipe)
    assumed = {**assumed, **_of_model(recipe, network)}
    rows = tuple(footprint.predict(recipe, images, machine, network, speed=speed))
    if any(row.resource in (timing.INPUT, fill.RESOURCE) for row in rows):
        assumed["speed of the CPU"] = (
            "that of the machine of the constants" if speed is None else f"{speed:.2f} of their time, as timed here"
        )
    unfit = {row.resource for row in rows if row.stage == TOTAL and row.fit in ("tight", "will not fit")}
    changes = advice.changes(recipe, images, machine) if host.RESOURCE in unfit else []
    if accelerator.RESOURCE in unfit:
        changes += advice.accelerator_changes(recipe, images, network, machine)
    catalogue = {name: target.lookup(name) for name in target.profiles()}
    return Estimated(
        recipe=recipe,
        images=images,
        machine=machine,
        assumed=assumed,
        rows=rows,
        unknown=footprint.unpredicted(recipe, images, machine, network),
        unneeded=footprint.unneeded(recipe),
        changes=tuple(changes),
        # Of what else does not fit, the catalogue's least host memory is no answer.
        smallest=advice.smallest(recipe, images, catalogue) if rows and accelerator.RESOURCE not in unfit else None,
    )


def _of_model(recipe: Recipe, network: Network | str | None) -> dict[str, object]:
    """What nobody said of the step, as it is taken."""
    if not isinstance(network, Network):
        return {}
    try:
        subject = accelerator.subject(recipe, network)
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


def _recipe(workspace: Workspace, asked: Asked) -> tuple[Recipe, dict[str, object]]:
    """The configured recipe with what was asked instead, and what nobody said."""
    config = workspace.config
    recipe = replace(config.training, **asked.recipe)  # type: ignore[arg-type]
    if asked.recipe.get("loader") == "dataloader":
        recipe = replace(recipe, framework="pytorch")
    if impossible := contradiction(recipe):
        raise UsageError(f"{impossible[0]}: {impossible[1]}")
    written = set((config.document.data or {}).get("training") or {}) if config.document else set()
    if "image_size" in written:
        written |= {"input_height", "input_width"}
    if "channels" in written:
        written.add("input_channels")
    unsaid = [item.name for item in fields(Recipe) if item.name not in (*written, *asked.recipe, "declared")]
    return recipe, {name: value for name in unsaid if (value := _meaning(recipe, name)) is not None}


def _meaning(recipe: Recipe, name: str) -> object:
    """A value that nobody said, as it is taken; None where it plays no part."""
    automatic = {"prefetch": "AUTOTUNE", "parallel_calls": "AUTOTUNE: every core", "ram_budget": "half of the memory"}
    streamed = ("cache", "drop_remainder", "shuffle_stage", *automatic)
    dropping = name == "drop_remainder" and recipe.loader == "dataloader"
    if name in streamed and recipe.loader not in STREAMS and not dropping:
        return None
    if not recipe.build and name.startswith("array_"):
        return None
    if name in ("workers", "prefetch_factor"):
        unsaid = {"workers": 0, "prefetch_factor": PREFETCH_FACTOR if recipe.workers else None}
        return unsaid[name] if recipe.loader == "dataloader" else None
    if name == "array_build":
        return recipe.build
    if name == "shuffle_stage":
        return recipe.stage if recipe.shuffle_buffer else None
    if name == "ram_budget" and recipe.prefetch is not None:
        return None
    value = getattr(recipe, name)
    return automatic.get(name) if value is None else value


def _machine(request: Request, workspace: Workspace) -> Target:
    config = workspace.config
    if request.target:
        return target.lookup(request.target, config.targets)
    return target.lookup(config.target, config.targets, position=config.position("target"))
