"""A dataset and the facts of its files, before anything is compared or judged."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datalint.dataset import Dataset
    from datalint.facts.cache import Cache, NullCache
    from datalint.facts.gather import Gathered
    from datalint.workspace import Workspace


@dataclass(frozen=True, slots=True)
class Looked:
    """As `check` has looked at it."""

    workspace: Workspace
    dataset: Dataset
    files: Gathered
    masks: Gathered
    cache: Cache | NullCache
