"""What the command line says of recipe and machine, over what the configuration says: for commands that predict."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING

from datalint import target
from datalint.errors import UsageError
from datalint.footprint.recipe import OWN_TRAINER, PREFETCH_FACTOR, STREAMS, TORCH, Recipe, contradiction, for_format
from datalint.tables import Data

if TYPE_CHECKING:
    from collections.abc import Mapping

    from datalint.config import Config
    from datalint.request import Request
    from datalint.target import Target
    from datalint.workspace import Workspace

OPTIONS = {
    "loader": "loader",
    "dtype": "dtype",
    "batch": "batch",
    "model": "model",
    "height": "input_height",
    "width": "input_width",
    "channels": "input_channels",
}
"""Option -> the field of the recipe that it replaces."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What the command line says instead of the configuration; None where it says nothing."""

    recipe: Mapping[str, object]
    """Values by the name of their field."""
    samples: int | None = None
    """Training samples of a dataset that is not there."""
    grow: float = 1.0
    dry_run: float | None = None
    """Seconds that a dry run of the model may take; None runs nothing."""
    compiled: float | None = None
    """Seconds that its compilation for the target's card may take; None compiles nothing."""


def recipe_of(workspace: Workspace, asked: Asked) -> Recipe:
    """The configured recipe with what was asked instead; UsageError for one that cannot be."""
    config = workspace.config
    recipe = replace(config.training, **asked.recipe)  # type: ignore[arg-type]
    if asked.recipe.get("loader") in TORCH:
        recipe = replace(recipe, framework="pytorch")
    if impossible := contradiction(recipe):
        raise _refused(config, asked, *impossible)
    return recipe


def unsaid(config: Config, asked: Asked, recipe: Recipe) -> dict[str, object]:
    """What nobody said of the recipe, as it is taken."""
    written = set((config.document.data or {}).get("training") or {}) if config.document else set()
    if "image_size" in written:
        written |= {"input_height", "input_width"}
    if "channels" in written:
        written.add("input_channels")
    names = [item.name for item in fields(Recipe) if item.name not in (*written, *asked.recipe, "declared")]
    return {name: value for name in names if (value := _meaning(recipe, name)) is not None}


def fitted(config: Config, recipe: Recipe, format: str) -> Recipe:  # noqa: A002 - the user's word
    """The recipe with a loader that reads that format, as far as there is another one."""
    return for_format(recipe, format, keras=_says(config, "framework"))


def fitting(workspace: Workspace, recipe: Recipe, format: str, asked: Mapping[str, object] | None = None) -> Recipe:  # noqa: A002
    """The recipe for a dataset of that format, whose loader nobody need say.

    Raises UsageError for a loader that the configuration, or the command line in `asked`, names and that finds nothing.
    """
    changed = fitted(workspace.config, recipe, format)
    on_command_line = "loader" in (asked or {})
    if changed.loader == recipe.loader or not (on_command_line or _says(workspace.config, "loader")):
        return changed
    words = f"{recipe.loader} lists folders of images, and the dataset was read as {format}"
    hint = f"say `loader: {changed.loader}`, or leave it out"
    if on_command_line:
        raise UsageError(f"--loader {recipe.loader}: {words}", hint=hint)
    raise UsageError(f"training.loader: {words}", workspace.config.position("training", "loader"), hint)


def training_row(config: Config, recipe: Recipe, format: str) -> Data:  # noqa: A002 - the user's word
    """The row of table `training` for a dataset of that format.

    Without a framework where trainers of its own read the format and the user named neither framework nor loader.
    """
    data = recipe.row()
    if format not in OWN_TRAINER or _says(config, "framework") or _says(config, "loader"):
        return data
    return Data({**data.columns, "framework": [None]}, data.extra)


def _says(config: Config, key: str) -> bool:
    """Whether the configuration has that key of `training`."""
    return config.document is not None and key in ((config.document.data or {}).get("training") or {})


def _refused(config: Config, asked: Asked, key: str, why: str) -> UsageError:
    """What was asked does not go with the rest: the options without which it would, and the key as configured."""
    said = {field: f"--{option} {asked.recipe[field]}" for option, field in OPTIONS.items() if field in asked.recipe}
    alone = [words for field, words in said.items() if _mended(config.training, asked.recipe, without=field)]
    flags = alone or list(said.values())
    if _says(config, key):
        return UsageError(f"{' '.join(flags)}: training.{key}: {why}", config.position("training", key))
    return UsageError(f"{' '.join(flags)}: {key}: {why}")


def _mended(configured: Recipe, said: Mapping[str, object], *, without: str) -> bool:
    """Whether all that was said goes with the configuration but for one word."""
    rest = {field: value for field, value in said.items() if field != without}
    return contradiction(replace(configured, **rest)) is None  # type: ignore[arg-type]


def _meaning(recipe: Recipe, name: str) -> object:
    """A value that nobody said, as it is taken; None where it plays no part."""
    automatic = {"prefetch": "AUTOTUNE", "parallel_calls": "AUTOTUNE: every core", "ram_budget": "half of the memory"}
    streamed = ("cache", "drop_remainder", "shuffle_stage", *automatic)
    dropping = name == "drop_remainder" and recipe.loader in TORCH
    if name in streamed and recipe.loader not in STREAMS and not dropping:
        return None
    if not recipe.build and name.startswith("array_"):
        return None
    if name in ("workers", "prefetch_factor"):
        unsaid = {"workers": 0, "prefetch_factor": PREFETCH_FACTOR if recipe.workers else None}
        return unsaid[name] if recipe.loader in TORCH else None
    if name == "array_build":
        return recipe.build
    if name == "shuffle_stage":
        return recipe.stage if recipe.shuffle_buffer else None
    if name == "ram_budget" and recipe.prefetch is not None:
        return None
    value = getattr(recipe, name)
    return automatic.get(name) if value is None else value


def machine_of(request: Request, workspace: Workspace) -> Target:
    """That of the command line, else of the configuration; UsageError for one that nobody knows."""
    config = workspace.config
    if request.target:
        return target.lookup(request.target, config.targets)
    return target.lookup(config.target, config.targets, position=config.position("target"))
