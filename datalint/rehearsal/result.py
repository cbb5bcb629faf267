"""What a rehearsal finds: values that the command prints."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from datalint.footprint.estimate import Estimate
    from datalint.footprint.images import Images
    from datalint.footprint.recipe import Recipe
    from datalint.footprint.scale import Difference
    from datalint.target import Target

How = Literal["finished", "killed", "failed", "unfinished"]


@dataclass(frozen=True, slots=True)
class Refused:
    """A sample that the loader's decoder does not take, and what it says."""

    path: str
    error: str


@dataclass(frozen=True, slots=True)
class Ended:
    """How a process came to its end; `words` where it did not finish."""

    how: How = "finished"
    words: str = ""


@dataclass(frozen=True, slots=True)
class Memory:
    """Bytes of the process that ran the slice."""

    predicted: Estimate
    difference: Difference
    """Its base: framework, and a small model that has made one step."""

    @property
    def error(self) -> float:
        return self.predicted.expected / self.difference.peak - 1

    @property
    def inside(self) -> bool:
        return self.predicted.low <= self.difference.peak <= self.predicted.high


@dataclass(frozen=True, slots=True)
class Rate:
    """What the input alone gave on this machine; CPU time in seconds, of all threads."""

    images: int
    seconds: float
    cpu: float
    predicted: float | None
    """CPU seconds an image; None where it is not predicted."""

    @property
    def each(self) -> float:
        return self.cpu / self.images


@dataclass(frozen=True, slots=True)
class Steps:
    """Some steps of the declared model on this CPU."""

    name: str
    steps: int = 0
    step_seconds: float | None = None
    """The usual one, without the first."""
    peak: int | None = None
    why: str = ""
    """It was not trained."""


@dataclass(frozen=True, slots=True)
class Rehearsed:
    """What was predicted, what was found, and what follows for all of the dataset."""

    recipe: Recipe
    assumed: Mapping[str, object]
    machine: Target
    images: Images
    predicted: Sequence[Estimate]
    """Host memory and time of the whole dataset on the target."""
    unknown: str | None = None
    """Why nothing was run."""
    slice: int = 0
    """Samples that were drawn."""
    tried: int = 0
    """Of these, those that the decoder was asked for."""
    refused: Sequence[Refused] = ()
    ran: Images | None = None
    """What was trained on."""
    versions: Mapping[str, str] = field(default_factory=dict)
    memory: Memory | None = None
    rate: Rate | None = None
    model: Steps | None = None
    ended: Sequence[Ended] = ()
    """Of what did not finish."""
    scaled: Sequence[Estimate] = ()
    """The prediction with what was measured in it; empty where that says nothing."""
    notes: Sequence[str] = ()

    @property
    def stopped(self) -> bool:
        """Whether training would have come to an end on this data."""
        return bool(self.refused) or any(end.how in ("killed", "failed") for end in self.ended)

    @property
    def unfinished(self) -> bool:
        return self.unknown is not None or any(end.how == "unfinished" for end in self.ended)
