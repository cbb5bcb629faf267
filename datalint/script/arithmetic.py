"""Operators on what is literal, and on arrays of images as NumPy 2 types them."""

from __future__ import annotations

import ast
import operator
from dataclasses import replace
from typing import TYPE_CHECKING

from datalint.script.tensors import computed
from datalint.script.values import (
    Array,
    Choice,
    Group,
    Listed,
    Literal,
    Opaque,
    Pixels,
    Ref,
    Value,
    choice,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_LARGEST = 2**128
"""A number beyond it is no batch, no buffer and no side of an image."""
_LONGEST = 64
"""Items of a tuple, and bits of an exponent."""
_NUMBERS: Mapping[type[ast.operator], Callable[[float, float], float]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
    ast.Pow: operator.pow,
    ast.LShift: operator.lshift,
    ast.RShift: operator.rshift,
}
_COMPARISONS: Mapping[type[ast.cmpop], Callable[[float, float], bool]] = {
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
}
FLOATS = ("float16", "float32", "float64")


def compute(
    op: ast.operator, left: Value, right: Value, node: ast.BinOp | ast.AugAssign, *, in_place: bool = False
) -> Value:
    """The value of `left op right`; `in_place` for `left op= right`."""
    if isinstance(left, Choice):
        return choice([compute(op, option, right, node, in_place=in_place) for option in left.options])
    if isinstance(right, Choice):
        return choice([compute(op, left, option, node, in_place=in_place) for option in right.options])
    if isinstance(left, Array):
        return _scaled(left, op, right, node, in_place=in_place)
    if isinstance(right, Array):
        return _scaled(right, op, left, node, in_place=False)
    if isinstance(left, Literal) and isinstance(right, Literal):
        return _literal(op, left, right)
    if isinstance(left, Pixels) or isinstance(right, Pixels):
        return computed(op, left, right) or Opaque()
    if isinstance(left, Group) and isinstance(op, ast.Add) and isinstance(right, Group):
        items = (*left.items, *right.items)
        return Group(items) if len(items) <= _LONGEST else Opaque()
    if isinstance(left, Group) and isinstance(op, ast.Mult) and isinstance(right, Literal):
        times = right.value if isinstance(right.value, int) else 0
        return Group(left.items * times) if 0 < times * len(left.items) <= _LONGEST else Opaque()
    if isinstance(left, Listed) and isinstance(op, ast.Mult) and isinstance(right, Literal):
        times = right.value if isinstance(right.value, int) and left.whole else 0
        return Listed(left.items * times) if 0 < times * len(left.items) <= _LONGEST else Opaque()
    if isinstance(left, Listed) and isinstance(op, ast.Add) and isinstance(right, Listed):
        return Listed([*left.items, *right.items][:_LONGEST], whole=left.whole and right.whole)
    return Opaque()


def _literal(op: ast.operator, left: Literal, right: Literal) -> Value:
    one, other, via = left.value, right.value, left.via or right.via
    if isinstance(one, str) and isinstance(other, str) and isinstance(op, ast.Add):
        return Literal(one + other, via) if len(one) + len(other) < 1000 else Opaque()
    if not isinstance(one, int | float) or not isinstance(other, int | float) or type(op) not in _NUMBERS:
        return Opaque()
    if isinstance(op, ast.Pow | ast.LShift | ast.RShift) and not 0 <= other <= _LONGEST:
        return Opaque()
    try:
        found = _NUMBERS[type(op)](one, other)
    except (ArithmeticError, TypeError, ValueError):
        return Opaque()
    return Literal(found, via) if isinstance(found, int | float) and abs(found) < _LARGEST else Opaque()


def negate(value: Value) -> Value:
    if isinstance(value, Literal) and isinstance(value.value, int | float):
        return Literal(-value.value, value.via)
    return Opaque()


def compare(op: ast.cmpop, left: Value, right: Value) -> Value:
    """True or False where both sides are literal."""
    if not isinstance(left, Literal) or not isinstance(right, Literal):
        return Opaque()
    one, other, via = left.value, right.value, left.via or right.via
    if isinstance(op, ast.Eq | ast.Is):
        return Literal(one == other, via)
    if isinstance(op, ast.NotEq | ast.IsNot):
        return Literal(one != other, via)
    if type(op) in _COMPARISONS and isinstance(one, int | float) and isinstance(other, int | float):
        return Literal(_COMPARISONS[type(op)](one, other), via)
    return Opaque()


def sliced(items: list[Value], node: ast.Slice) -> Value:
    """The part of a tuple between literal bounds."""
    bounds: list[int | None] = []
    for part in (node.lower, node.upper, node.step):
        try:
            bound = None if part is None else ast.literal_eval(part)
        except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
            return Opaque()
        if bound is not None and (not isinstance(bound, int) or abs(bound) > _LARGEST):
            return Opaque()
        bounds.append(bound)
    return Opaque() if bounds[2] == 0 else Group(tuple(items[slice(*bounds)]))


def dtype_of(value: Value | None) -> str | None:
    """The type that `dtype=` or `astype` names; None for any other."""
    name = value.value if isinstance(value, Literal) else value.last if isinstance(value, Ref) else None
    name = {"float": "float64", "double": "float64", "single": "float32", "half": "float16"}.get(str(name), name)
    return str(name) if name in ("uint8", *FLOATS) else None


def _scaled(array: Array, op: ast.operator, other: Value, node: ast.BinOp | ast.AugAssign, *, in_place: bool) -> Value:
    """Scaling as numpy types it: uint8 becomes float64 by any division, a float stays what it is."""
    if array.picture:
        return Opaque()
    by_number = isinstance(other, Literal) and isinstance(op, ast.Div | ast.Mult)
    if array.scale != "none":
        # What follows the first scaling keeps its type.
        return replace(array, cast=False) if array.dtype in FLOATS else replace(array, cast=False, dtype=None)
    if in_place:
        return replace(array, scale="in_place" if by_number else "other", scaled=node)
    if array.cast and by_number:
        return replace(array, scale="cast_and_divide", scaled=node, cast=False)
    if array.dtype == "uint8":
        scale = "divide_uint8" if by_number else "other"
        return replace(array, scale=scale, dtype="float64" if by_number else None, scaled=node, cast=False)
    if array.dtype is None:
        return replace(array, scale="unknown", scaled=node, cast=False)
    return replace(array, scale="divide" if by_number else "other", scaled=node, cast=False)
