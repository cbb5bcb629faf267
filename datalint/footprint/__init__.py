"""RECIPE + FACTS + TARGET -> footprint: what training takes of a machine, with the arithmetic that leads to it.

A rule compares; it does not compute. What is not predicted has no row, and `unpredicted` says why.
"""

from __future__ import annotations

from dataclasses import replace
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

    def advised(row: Estimate) -> Estimate:
        first = next(_changes(row.resource, recipe, images, machine, network, readings), None) if row.unfit else None
        return row if first is None else replace(row, change=str(first))

    return [advised(row) for row in rows]


def changes(
    rows: Iterable[Estimate],
    recipe: Recipe,
    images: Images,
    machine: Machine,
    network: Network | str | None = None,
    *,
    readings: Sequence[Peaks] = (),
) -> list[Change]:
    """What to change so that each of the `rows` which does not fit does, the least first."""
    resources = dict.fromkeys(row.resource for row in rows if row.unfit)
    return [change for name in resources for change in _changes(name, recipe, images, machine, network, readings)]


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

        yield from advice.changes(recipe, images, machine)
    if resource == ACCELERATOR_MEMORY:
        from datalint.footprint import accelerator_advice

        yield from accelerator_advice.accelerator_changes(recipe, images, network, machine, readings)


def unpredicted(
    recipe: Recipe,
    images: Images,
    machine: Machine,
    network: Network | str | None = None,
    *,
    readings: Sequence[Peaks] = (),
) -> dict[str, str]:
    """Resource -> why nothing is said about it."""
    from datalint.footprint import accelerator

    reasons = {
        host.RESOURCE: host.unpredicted(recipe, images),
        ACCELERATOR_MEMORY: accelerator.unpredicted(recipe, network, machine, readings),
        shm.RESOURCE: shm.unpredicted(recipe, images),
        disk.RESOURCE: disk.unpredicted(recipe, images),
        **timing.unpredicted(recipe, images, machine),
        fill.RESOURCE: fill.unpredicted(recipe, images, machine),
    }
    return {resource: reason for resource, reason in reasons.items() if reason}


def unneeded(recipe: Recipe) -> dict[str, str]:
    """Resource -> why this recipe takes none of it."""
    reason = shm.unneeded(recipe)
    return {shm.RESOURCE: reason} if reason else {}
