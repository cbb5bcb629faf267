"""What the selected rules would have compared with the target and nobody could: never silently clean.

What is not predicted leaves the verdict open. Of what the target does not say (a card alone has no host memory, the
catalogue no /dev/shm) only a note is made, since its user knows which machine was named.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from datalint.footprint import ACCELERATOR_MEMORY, disk, fill, host, shm, timing
from datalint.footprint.estimate import TOTAL

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from datalint.footprint.estimate import Estimate
    from datalint.footprint.recipe import Recipe
    from datalint.rule.model import Rule
    from datalint.target import Target

NAMES = {
    host.RESOURCE: "host memory",
    ACCELERATOR_MEMORY: "accelerator memory",
    shm.RESOURCE: "shared memory",
    disk.RESOURCE: "disk",
    timing.INPUT: "input time",
    timing.JOB: "job time",
    fill.RESOURCE: "filling the shuffle buffer",
}
"""Resource -> what people call it."""
_TABLE = "footprint"


class LeftOpen(NamedTuple):
    """A resource that was not compared with the target."""

    what: str
    reason: str
    asked: bool
    """Whether recipe and target together ask for it, and only the prediction is missing."""

    @property
    def note(self) -> str:
        return f"{self.what} was not judged: {self.reason}"


def left_open(
    rows: Sequence[Estimate], reasons: Mapping[str, str], recipe: Recipe, machine: Target
) -> dict[str, LeftOpen]:
    """By resource; `reasons` say why one is not predicted. What recipe or target do not ask for is left out."""
    judged = _judged(recipe, machine)
    found = {
        name: LeftOpen(f"{NAMES[name]} of {recipe.model}" if name == ACCELERATOR_MEMORY else NAMES[name], reason, True)
        for name, reason in reasons.items()
        if judged[name]
    }
    for row in rows:
        if row.stage == TOTAL and row.available is None and row.resource in _UNSTATED:
            reason = f"nobody knows {_UNSTATED[row.resource]} of the target {machine.name}"
            found[row.resource] = LeftOpen(NAMES[row.resource], reason, False)
    return found


_UNSTATED = {
    host.RESOURCE: "the host memory",
    ACCELERATOR_MEMORY: "the accelerator memory",
    shm.RESOURCE: "the size of /dev/shm",
    disk.RESOURCE: "the free disk",
}


def _judged(recipe: Recipe, machine: Target) -> dict[str, bool]:
    """Resource -> whether a prediction of it would be compared with anything."""
    return {
        host.RESOURCE: machine.usable is not None,
        ACCELERATOR_MEMORY: recipe.model is not None and machine.accelerator_memory is not None,
        shm.RESOURCE: machine.shm is not None,
        disk.RESOURCE: machine.disk is not None,
        # A cache spares the input of all epochs but the first, which nobody is warned of.
        timing.INPUT: recipe.step_seconds is not None and recipe.cache == "none",
        timing.JOB: recipe.time_limit is not None,
        fill.RESOURCE: True,
    }


def by_rules(
    rules: Iterable[Rule], reads: Mapping[str, frozenset[str]], open_: Mapping[str, LeftOpen]
) -> list[LeftOpen]:
    """Those that one of the rules would have judged; a rule over the footprint that names no resource judges all."""
    judged: set[str] = set()
    for rule in rules:
        if _TABLE in reads[rule.id]:
            judged.update({name for name in NAMES if f"'{name}'" in rule.sql} or NAMES)
    return [item for name, item in open_.items() if name in judged]
