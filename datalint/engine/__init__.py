"""Where the scan runs: an engine answers many small items in other processes, at least once, in any order.

One module each, with the same `run`; ENGINES is the register.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any, Literal, Protocol, cast

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

ENGINES = {"local": "datalint.engine.local"}


@dataclass(frozen=True, slots=True)
class Failure:
    """Stands in an item's place when its process did not survive it, or its function raised."""

    kind: Literal["crash", "hang", "memory", "error"]
    detail: str


@dataclass(frozen=True, slots=True)
class Answered:
    """Items and their answers, in step; an answer is what the worker's function returned, or a Failure."""

    items: Sequence[Any]
    answers: Sequence[Any]


class Engine(Protocol):
    """What every engine module offers."""

    def run(
        self,
        command: Sequence[str],
        batches: Iterable[Sequence[Any]],
        *,
        workers: int,
        timeout: float = ...,
        memory: int | None = ...,
    ) -> Iterator[Answered]: ...


def load(name: str) -> Engine:
    """The module of one engine; imported only when it is asked for."""
    return cast("Engine", import_module(ENGINES[name]))
