"""What a walk through a script met, in the order of the script."""

from __future__ import annotations

import ast
from dataclasses import dataclass, field

from datalint.script.values import Facts, Group, Instance, Listed, Pipeline, Step, Value


@dataclass(eq=False, slots=True)
class Fit:
    """A call that trains on `data`; `step` is None for a loop of the script's own."""

    data: Value
    step: Step | None
    node: ast.expr
    model: Value | None = None
    epochs: Value | None = None
    """Of a loop around a loop over the batches."""
    kept: frozenset[int] = frozenset()
    """Identities of lists and arrays that are still held beside what is trained on."""
    torch: bool = False


@dataclass(eq=False, slots=True)
class Log:
    fits: list[Fit] = field(default_factory=list)
    pipelines: list[Pipeline] = field(default_factory=list)
    """In every state of their making; those that others were made of are in `consumed`."""
    consumed: list[Pipeline] = field(default_factory=list)
    callbacks: list[Step] = field(default_factory=list)
    compiles: list[Step] = field(default_factory=list)
    optimizers: list[Step] = field(default_factory=list)
    policies: list[tuple[Value, Step]] = field(default_factory=list)
    backends: list[tuple[Value, ast.expr]] = field(default_factory=list)
    models: list[Step] = field(default_factory=list)
    """Applications of Keras."""
    foreign: list[Step] = field(default_factory=list)
    """Models of other libraries."""
    trainable: list[tuple[Value, ast.expr, bool]] = field(default_factory=list)
    """What `trainable` was set to, where, and whether of a whole model."""
    inputs: list[tuple[Group | Listed, Step]] = field(default_factory=list)
    """Shapes of what goes into models: height, width, channels."""
    sizes: list[tuple[Value, Value, Step]] = field(default_factory=list)
    """Height and width of every resizing outside a function that is mapped."""
    channels: list[tuple[Value, Step]] = field(default_factory=list)
    facts: list[Facts] = field(default_factory=list)
    """Those of the functions that are being read as mapped ones."""
    loops: list[Value] = field(default_factory=list)
    """What the loops go over that are being read."""
    flags: dict[str, Value] = field(default_factory=dict)
    indexed: list[Instance] = field(default_factory=list)
    """Datasets of the script's own whose `__getitem__` was read."""
    imports: list[tuple[str, int]] = field(default_factory=list)
    """First names of what is imported, and the lines."""
    stopped: int | None = None
    """Line up to which the script was read, where it is too long."""

    @property
    def trains(self) -> bool:
        return bool(self.fits)
