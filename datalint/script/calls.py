"""What a call means: the register of functions that are understood, and what becomes of all others."""

from __future__ import annotations

import ast
import builtins
from dataclasses import replace
from typing import TYPE_CHECKING

from datalint.script import arrays, pipelines, tensors, training
from datalint.script import options as settings
from datalint.script.sides import applied
from datalint.script.values import (
    Array,
    Function,
    Listed,
    Literal,
    Opaque,
    Pipeline,
    Ref,
    Step,
    Table,
    Value,
    models_in,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from datalint.script.expressions import Expressions
    from datalint.script.log import Log

EXITS = ("sys.exit", "exit", "quit", "os._exit")
FUNCTIONS: dict[str, Callable[[Expressions, Step], Value | None]] = {
    **settings.FUNCTIONS,
    **pipelines.FUNCTIONS,
    **arrays.FUNCTIONS,
    **training.FUNCTIONS,
}
"""Last part of a name -> what such a call gives; None where it is another function of the same name."""
# Libraries that do with a mapped element nothing but what their functions are known for here.
_KNOWN = frozenset(
    {"tensorflow", "tf", "keras", "numpy", "np", "cv2", "PIL", "Image", "os", "random", "math", "pathlib", "functools",
     "time", "json", "re", "K", "layers"}
)  # fmt: skip


def function(walk: Expressions, step: Step) -> Value:
    """The value of a call of a function from elsewhere."""
    training.noted(walk.log, step)
    read = FUNCTIONS.get(step.name)
    found = read(walk, step) if read is not None else None
    return tensors.typed(step, _other(walk, step) if found is None else found)


def _other(walk: Expressions, step: Step) -> Value:
    """Of a function that is not understood."""
    root = Ref(step.target).root
    if step.target != step.name and root not in _KNOWN:
        # `train_ds` and `model` may come from another file, or from a line that nobody shows.
        own = Step(step.name, step.args, step.named, step.node, open=step.open)
        found = training.method(walk, Opaque(), own) or pipelines.begun(walk, Opaque(), own)
        if found is not None:
            return found
    if root not in _KNOWN and not hasattr(builtins, step.target):
        for facts in walk.log.facts:
            facts.hidden = True
    return unknown(walk, Ref(step.target), step)


def method(walk: Expressions, owner: Value, step: Step) -> Value:
    """The value of a call of a method of anything but a name from elsewhere."""
    if isinstance(owner, Pipeline):
        return pipelines.method(walk, owner, step)
    if isinstance(owner, Array):
        return arrays.method(walk, owner, step)
    if isinstance(owner, Table):
        return settings.method(walk, owner, step)
    if isinstance(owner, Listed):
        return _list_method(walk, owner, step)
    if step.name == "update" and settings.is_module(owner):
        return settings.into_module(walk, step)
    return training.method(walk, owner, step) or pipelines.begun(walk, owner, step) or unknown(walk, owner, step)


def unknown(walk: Expressions, called: Value, step: Step) -> Value:
    """What is not known; functions of the script that it is given are called by it, sooner or later."""
    for value in (*step.args, *step.named.values()):
        if isinstance(value, Function):
            walk.apply(value, [], {})
    settings.merged(step)
    applied(walk.log, called)
    return Opaque(step=step, models=models_in([called, *step.args, *step.named.values()]))


def _list_method(walk: Expressions, owner: Listed, step: Step) -> Value:
    owner.whole = owner.whole and walk.branches <= owner.born
    if step.name in ("append", "insert") and step.args:
        owner.whole = owner.whole and step.name == "append"
        if len(owner.items) < pipelines.MOST_ITEMS:
            owner.items.append(step.args[-1])
        else:
            owner.whole = False
    elif step.name == "extend":
        more = step.args[0] if step.args else None
        # What is not known may be any of them.
        owner.items += more.items[: pipelines.MOST_ITEMS] if isinstance(more, Listed) else [Opaque()]
        owner.whole = owner.whole and isinstance(more, Listed) and more.whole
    elif step.name == "copy":
        return Listed(list(owner.items), owner.whole)
    else:
        owner.whole = owner.whole and step.name in ("index", "count")
    return Opaque()


def part(value: Value) -> Value:
    """One of several things that something unknown is unpacked into."""
    if isinstance(value, Opaque):
        return Opaque(step=value.step, models=value.models, is_model=value.is_model)
    return Opaque(models=models_in([value]))


def kept(array: Array) -> Array:
    """An array that has got a name: its cast was an operation of its own."""
    return replace(array, cast=False) if array.cast else array


def default(value: Value, via: str) -> Value:
    return replace(value, via=via) if isinstance(value, Literal) and via else value


def option_of(node: ast.AST, name: str) -> Value | None:
    """The default that `@click.option` gives a parameter."""
    return settings.decorated(node, name)


def trainable(log: Log, owner: Value, value: Value, node: ast.expr) -> None:
    """`base.trainable = False` is of a whole model, `layer.trainable = False` of a part."""
    whole = isinstance(owner, Opaque) and owner.step is not None
    log.trainable.append((value, node, whole))


def environment(log: Log, owner: Ref, key: Literal, value: Value, node: ast.expr) -> None:
    if owner.last == "environ" and key.value == "KERAS_BACKEND":
        log.backends.append((value, node))


def into_module(walk: Expressions, owner: Value, key: Value, value: Value) -> None:
    """`owner[key] = value`, where the owner is `globals()`."""
    if settings.is_module(owner):
        settings.set_in_module(walk, key, value)
