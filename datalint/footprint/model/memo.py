"""Graphs and walks of a network, each made once: a search for what would fit asks for the same ones again and again."""

from __future__ import annotations

from typing import TYPE_CHECKING

from datalint.footprint.model.ops import lower
from datalint.footprint.model.profiles import PROFILES
from datalint.footprint.model.walk import PRECISIONS, walk

if TYPE_CHECKING:
    from datalint.footprint.model.network import Network
    from datalint.footprint.model.ops import Graph, Shape
    from datalint.footprint.model.walk import Walk


class Memo:
    """Of one network."""

    def __init__(self, network: Network) -> None:
        self.network = network
        self._graphs: dict[Shape | None, Graph] = {}
        self._walks: dict[tuple[Shape, str, str], Walk] = {}

    def graph(self, shape: Shape | None = None) -> Graph:
        """As `lower` gives it; NetworkError where it does."""
        if shape not in self._graphs:
            self._graphs[shape] = lower(self.network, shape)
        return self._graphs[shape]

    def walk(self, shape: Shape, executor: str, precision: str) -> Walk:
        """Under the profile of an executor."""
        key = (shape, executor, precision)
        if key not in self._walks:
            self._walks[key] = walk(self.graph(shape), PROFILES[executor], PRECISIONS[precision])
        return self._walks[key]


_last: list[Memo] = []


def memo(network: Network) -> Memo:
    """That of the network which was asked for last, or a new one: a run has one model."""
    if not _last or _last[0].network is not network:
        _last[:] = [Memo(network)]
    return _last[0]
