"""One thing that a script says of one key of the recipe, and the words that show where."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from typing import TYPE_CHECKING

from datalint.script.values import Choice, Group, Listed, Literal, Ref, Step, Value, options

if TYPE_CHECKING:
    from collections.abc import Callable

MOST_SHOWN = 70
"""Letters of the script that a comment shows."""


@dataclass(frozen=True, slots=True)
class Said:
    """`value` is None where the script computes it."""

    key: str
    value: object
    line: int
    text: str
    more: str = ""
    """What else is to be known of it."""


def shown(node: ast.AST) -> str:
    """The code on one line, cut."""
    try:
        text = " ".join(ast.unparse(node).split())
    except (RecursionError, ValueError):
        return "..."
    return text if len(text) <= MOST_SHOWN else text[: MOST_SHOWN - 3] + "..."


def called(step: Step) -> str:
    """`.shuffle(1000)` of a chain, the whole call of anything else."""
    func = step.node.func
    if isinstance(func, ast.Attribute) and not step.target:
        short = ast.Call(func=ast.Name(id=func.attr, ctx=ast.Load()), args=step.node.args, keywords=step.node.keywords)
        return "." + shown(short)
    return shown(step.node)


def argument(step: Step, key: str, name: str, index: int | None, read: Callable[[Value], object]) -> list[Said]:
    """What the argument says, one for each of the values that it may have; nothing where it is not given or None."""
    value = step.value(name, index)
    node = step.node_of(name, index)
    whole = node is step.node
    line, text = (step.line, called(step)) if whole else (node.lineno, f"{name}={shown(node)}")
    if not whole and name not in step.named:
        line, text = step.line, called(step)
    return [
        Said(key, read(option), line, text, option.via if isinstance(option, Literal) else "")
        for option in options(value)
        if not (isinstance(option, Literal) and option.value is None)
    ]


def usual(step: Step, key: str, name: str, index: int | None, value: object) -> list[Said]:
    """The default of an argument that is not given; no value where it may hide in `**options`."""
    if step.value(name, index) is not None:
        return []
    if step.open:
        return [Said(key, None, step.line, called(step))]
    return [Said(key, value, step.line, called(step), f"default of {name}")]


def whole(value: Value) -> object:
    """A whole number, else None."""
    number = value.value if isinstance(value, Literal) else None
    return number if isinstance(number, int) and not isinstance(number, bool) else None


def share(value: Value) -> object:
    number = value.value if isinstance(value, Literal) else None
    return float(number) if isinstance(number, int | float) and not isinstance(number, bool) else None


def truth(value: Value) -> object:
    return value.value if isinstance(value, Literal) and isinstance(value.value, bool) else None


def text(value: Value) -> object:
    return value.value if isinstance(value, Literal) and isinstance(value.value, str) else None


def tuned(value: Value) -> object:
    """A number, or `auto` for AUTOTUNE, which is -1."""
    if isinstance(value, Ref) and value.last == "AUTOTUNE":
        return "auto"
    return "auto" if whole(value) == -1 else whole(value)


def pair(value: Value) -> object:
    """Height and width."""
    items = value.items if isinstance(value, Group | Listed) else ()
    sides = [whole(item) for item in items[:2]]
    return sides if len(sides) == 2 and None not in sides else None


def pairs(height: Value, width: Value) -> list[object]:
    """Every pair that the two may be; sides that depend on each other are not told apart."""
    if isinstance(height, Choice) or isinstance(width, Choice):
        both = list(zip(options(height), options(width), strict=False))
        return [pair(Group(sides)) for sides in both] if len(options(height)) == len(options(width)) else [None]
    return [pair(Group((height, width)))]
