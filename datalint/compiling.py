"""Tier 2 of accelerator memory: the declared model's training step, compiled by XLA for the target's own card."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from datalint.errors import UsageError
from datalint.footprint.accelerator import step_memory
from datalint.footprint.compiled import EXECUTORS, Compiled
from datalint.footprint.peaks import Peak
from datalint.measuring import MOST, UNKNOWN_MEMORY, Way, measure
from datalint.target.cards import card, cards
from datalint.target.free import free

if TYPE_CHECKING:
    from collections.abc import Mapping

    from datalint.footprint.peaks import Asked, Peaks
    from datalint.measuring import Wanted
    from datalint.target.cards import Card

WAY = Way(
    option="--compile",
    noun="compilation",
    module="datalint.integrations.compile_step",
    needs="Keras, JAX and its CUDA plugin",
    install="install datalint-vision with its extra `xla`",
)


def compiled(wanted: Wanted) -> tuple[Peaks, str | None]:
    """Compile the recipe's training step, or take the reading that holds; raises as `measure` does.

    UsageError for an executor that is not XLA, and for a card of which there is no description; JobError where the
    compiler refuses the step.
    """
    executor, machine = wanted.recipe.executor, wanted.machine
    if executor not in (None, *EXECUTORS):
        raise UsageError(f"--compile tells what XLA takes, and the recipe's executor is {executor}")
    target = card(machine.accelerator)
    if target is None:
        name = machine.accelerator or f"the accelerator of {machine.name}"
        raise UsageError(f"--compile: not compiled: no description of {name}", hint=f"known: {', '.join(cards())}")
    return measure(
        WAY,
        wanted,
        holds=lambda reading, steps: (
            isinstance(reading, Compiled) and reading.answers(steps) and reading.reaches(wanted.recipe.share)
        ),
        plan=lambda: _plan(wanted, target),
        made=lambda told, steps: _reading(told, steps, target),
    )


def _plan(wanted: Wanted, target: Card) -> dict[str, Any]:
    """The recipe's own batch and half of it, or twice where there is no half; then one that fills the card."""
    share = wanted.recipe.share
    return {
        "description": target.description,
        "batches": sorted({share, share // 2 or 2}),
        "memory": step_memory(wanted.recipe, wanted.machine),
        "limit": int(MOST * (free() or UNKNOWN_MEMORY)),
    }


def _reading(told: Mapping[str, Any], steps: Asked, target: Card) -> Compiled:
    return Compiled(
        asked=steps,
        shape=tuple(told["shape"]),
        precision=told["precision"],
        optimizer=told["optimizer"],
        peaks=tuple(Peak(*peak) for peak in told["peaks"]),
        card=target.name,
        described=target.digest,
        **{name: told[name] for name in ("weights", "slots", "parameters", "keras", "jax", "compiler")},
    )
