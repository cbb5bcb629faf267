"""RECIPE + FACTS + TARGET -> footprint: what training takes of a machine, with the arithmetic that leads to it.

A rule compares; it does not compute. What is not predicted has no row, and `unpredicted` says why.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import islice
from typing import TYPE_CHECKING

from datalint.footprint import disk, fill, host, shm, timing

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from typing import Protocol

    from datalint.footprint import accelerator
    from datalint.footprint.advice import Change
    from datalint.footprint.estimate import Estimate
    from datalint.footprint.images import Images
    from datalint.footprint.model.network import Network
    from datalint.footprint.peaks import Peaks
    from datalint.footprint.recipe import Recipe

    class Machine(host.Machine, accelerator.Device, disk.Machine, shm.Machine, Protocol):
        """What is asked of a target."""


ACCELERATOR_MEMORY = "accelerator_memory"


def predict(
    recipe: Recipe,
    images: Images,
    machine: Machine,
    network: Network | str | None = None,
    *,
    readings: Sequence[Peaks] = (),
    speed: float | None = None,
) -> list[Estimate]:
    """Every resource that can be predicted: a row a stage, and one for their total.

    `network` is the recipe's model, or why it could not be read, `readings` are what was measured of it. `speed` is the
    machine's decoding time over that of the shipped constants, None where nobody timed it.
    """
    rows = host.host_memory(recipe, images, machine)
    if recipe.model is not None:
        from datalint.footprint import accelerator  # the walk costs a hook some milliseconds

        rows += accelerator.accelerator_memory(recipe, images, network, machine, readings)
    rows += shm.shm(recipe, images, machine)
    rows += disk.disk(recipe, images, machine)
    rows += timing.times(recipe, images, machine, speed=speed)
    rows += fill.fill(recipe, images, machine, speed=speed)
    return rows


def changes(
    rows: Iterable[Estimate],
    recipe: Recipe,
    images: Images,
    machine: Machine,
    network: Network | str | None = None,
    *,
    readings: Sequence[Peaks] = (),
    first: bool = False,
) -> list[Change]:
    """What to change so that each of the `rows` which does not fit does, the least first; `first`: only one of each."""
    resources = dict.fromkeys(row.resource for row in rows if row.unfit)
    most = 1 if first else None
    found = (_changes(name, recipe, images, machine, network, readings) for name in resources)
    return [change for each in found for change in islice(each, most)]


def advised(rows: Iterable[Estimate], changes: Iterable[Change]) -> list[Estimate]:
    """The rows, the total of each resource with the first change after which it fits."""
    first: dict[str, str] = {}
    for change in changes:
        first.setdefault(change.total.resource, str(change))
    return [replace(row, change=first.get(row.resource)) if row.unfit else row for row in rows]


def _changes(
    resource: str,
    recipe: Recipe,
    images: Images,
    machine: Machine,
    network: Network | str | None,
    readings: Sequence[Peaks],
) -> Iterator[Change]:
    if resource == host.RESOURCE:
        from datalint.footprint import advice  # only those whom it does not fit pay for it

        found = advice.changes(recipe, images, machine)
        yield from (change for change in found if not _refused(recipe, change.recipe, network))
    if resource == ACCELERATOR_MEMORY:
        from datalint.footprint import accelerator_advice

        yield from accelerator_advice.accelerator_changes(recipe, images, network, machine, readings)


def _refused(recipe: Recipe, changed: Recipe, network: Network | str | None) -> bool:
    """Whether the model takes no images of the size that a change leads to, or nobody knows."""
    if recipe.model is None or changed.input_height == recipe.input_height:
        return False
    from datalint.footprint import accelerator

    return not accelerator.takes(changed, network)


def unpredicted(
    rows: Iterable[Estimate],
    recipe: Recipe,
    images: Images,
    machine: Machine,
    network: Network | str | None = None,
    *,
    readings: Sequence[Peaks] = (),
) -> dict[str, str]:
    """Resource -> why nothing is said about it, of those without `rows`."""
    reasons = {
        host.RESOURCE: host.unpredicted(recipe, images),
        ACCELERATOR_MEMORY: None,
        shm.RESOURCE: shm.unpredicted(recipe, images),
        disk.RESOURCE: disk.unpredicted(recipe, images),
        **timing.unpredicted(recipe, images, machine),
        fill.RESOURCE: fill.unpredicted(recipe, images, machine),
    }
    if recipe.model is None:
        reasons[ACCELERATOR_MEMORY] = "no model is declared: say `model`"
    elif all(row.resource != ACCELERATOR_MEMORY for row in rows):
        from datalint.footprint import accelerator

        reasons[ACCELERATOR_MEMORY] = accelerator.unpredicted(recipe, network, machine, readings)
    return {resource: reason for resource, reason in reasons.items() if reason}


def unneeded(recipe: Recipe) -> dict[str, str]:
    """Resource -> why this recipe takes none of it."""
    reasons = {shm.RESOURCE: shm.unneeded(recipe), fill.RESOURCE: fill.unneeded(recipe)}
    return {resource: reason for resource, reason in reasons.items() if reason}
