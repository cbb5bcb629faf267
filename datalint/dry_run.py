"""Tier 1 of accelerator memory: a few real train steps of the declared model under TensorFlow's allocator."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from datalint.errors import UnfinishedError
from datalint.footprint import accelerator
from datalint.footprint.dry_run import Reading
from datalint.footprint.model.network import Network, NetworkError
from datalint.footprint.peaks import Peak
from datalint.measuring import MOST, UNKNOWN_MEMORY, Way, measure
from datalint.sizes import size
from datalint.target.free import free

if TYPE_CHECKING:
    from collections.abc import Mapping

    from datalint.footprint.peaks import Asked, Peaks
    from datalint.measuring import Wanted

SHARE = 0.5
"""Of the free memory that the largest batch may take, as far as it can be foreseen."""
BATCHES = ((2, 4, 8), (1, 2, 4), (1, 2, 3))
SECONDS = 60.0
"""That larger batches than the first three may take, and at most this share of the time limit."""
_PATIENCE = 0.4
WAY = Way(
    option="--dry-run",
    noun="dry run",
    module="datalint.integrations.train_step",
    needs="TensorFlow",
    install="install datalint-vision with its extra `tensorflow`, or run datalint where training runs",
)


def dry_run(wanted: Wanted) -> tuple[Peaks, str | None]:
    """Run the recipe's training step, or take the reading that holds; raises as `measure` does."""
    return measure(
        WAY,
        wanted,
        holds=lambda reading, steps: isinstance(reading, Reading) and reading.answers(steps),
        plan=lambda: _plan(wanted),
        made=_reading,
    )


def _plan(wanted: Wanted) -> dict[str, Any]:
    """Batches that this machine has room for, as far as the layer walk foresees it."""
    recipe, network = wanted.recipe, wanted.network
    room = free() or UNKNOWN_MEMORY
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
        "batches": batches,
        "enough": recipe.batch,
        "limit": limit,
        "seconds": min(SECONDS, _PATIENCE * wanted.timeout),
        "memory": int(MOST * room),
    }


def _reading(told: Mapping[str, Any], steps: Asked) -> Reading:
    return Reading(
        asked=steps,
        shape=tuple(told["shape"]),
        precision=told["precision"],
        optimizer=told["optimizer"],
        peaks=tuple(Peak(*peak) for peak in told["peaks"]),
        **{name: told[name] for name in ("weights", "slots", "parameters", "workspace", "keras", "tensorflow")},
    )
