"""RECIPE + FACTS + TARGET -> footprint: what training takes of a machine, with the arithmetic that leads to it.

A rule compares; it does not compute. What is not predicted has no row, and `unpredicted` says why.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from datalint.footprint import host

if TYPE_CHECKING:
    from datalint.footprint.estimate import Estimate
    from datalint.footprint.host import Machine
    from datalint.footprint.images import Images
    from datalint.footprint.recipe import Recipe


def predict(recipe: Recipe, images: Images, machine: Machine) -> list[Estimate]:
    """Every resource that can be predicted: a row a stage, and one for their total."""
    return host.host_memory(recipe, images, machine)


def unpredicted(recipe: Recipe, images: Images) -> dict[str, str]:
    """Resource -> why nothing is said about it."""
    reasons = {host.RESOURCE: host.unpredicted(recipe, images)}
    return {resource: reason for resource, reason in reasons.items() if reason}
