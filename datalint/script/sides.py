"""Sizes that images are given: pairs of height and width."""

from __future__ import annotations

from typing import TYPE_CHECKING

from datalint.script.values import Choice, Group, Listed, Literal, Opaque, Step, Value, choice

if TYPE_CHECKING:
    from datalint.script.log import Log

RESIZING = ("Resizing", "CenterCrop", "RandomCrop")
"""Layers of Keras."""


def applied(log: Log, called: Value) -> bool:
    """Whether layers are called whose doing is known: those that resize are remembered."""
    step = called.step if isinstance(called, Opaque) else None
    if step is None or step.name not in ("Sequential", *RESIZING, "Rescaling"):
        return False
    layers = step.args[0] if step.args and isinstance(step.args[0], Listed) else Listed([called])
    for layer in layers.items:
        inner = layer.step if isinstance(layer, Opaque) else None
        if inner is not None and inner.name in RESIZING:
            sized(log, inner.value("height", 0), inner.value("width", 1), inner)
    return True


def sized(log: Log, height: Value | None, width: Value | None, step: Step) -> None:
    """An image is given this size here."""
    size = (height or Opaque(), width or Opaque(), step)
    if log.facts:
        for facts in log.facts:
            facts.sizes.append(size)
    else:
        log.sizes.append(size)


def sides(value: Value | None) -> tuple[Value, Value]:
    """First and second of a pair; unknown ones for anything else."""
    if isinstance(value, Choice):
        pairs = [sides(option) for option in value.options]
        return choice([first for first, _ in pairs]), choice([second for _, second in pairs])
    items = value.items if isinstance(value, Group | Listed) else ()
    return (items[0], items[1]) if len(items) >= 2 else (Opaque(), Opaque())


def sided_or_one(value: Value | None) -> tuple[Value, Value]:
    """The same, where one number means a square."""
    return (value, value) if isinstance(value, Literal) else sides(value)
