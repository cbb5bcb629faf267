"""What an expression of a script may be, as far as it can be known without running it."""

from __future__ import annotations

import ast
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterable

MOST_CHOICES = 8
"""Ways on which one value may come about; beyond them it is not known."""
_DEEP = 4


@dataclass(frozen=True, slots=True)
class Literal:
    """A number, text, truth value or None that stands in the script."""

    value: int | float | str | bool | None
    via: str = ""
    """In words, where it may be another one on another day: the default of an option."""


@dataclass(frozen=True, slots=True)
class Group:
    """A tuple."""

    items: tuple[Value, ...]


@dataclass(eq=False, slots=True)
class Listed:
    """A list, with what was put into it as far as it was seen."""

    items: list[Value] = field(default_factory=list)
    whole: bool = True
    """Nothing else is in it, and all of it is in this order."""
    born: int = 0
    """Open branches whose condition is not known, when it was made: what a later one changes is not certain."""


@dataclass(eq=False, slots=True)
class Table:
    """A dictionary, a namespace or the options of a command line, by their literal names."""

    items: dict[object, Value] = field(default_factory=dict)
    born: int = 0
    open: bool = False
    """Something was put into it that the script does not hold: other names may be in it."""

    def opened(self) -> None:
        """What is not known was put into it: of each name, it may have given another value."""
        self.open = True
        self.items.update({name: perhaps_other(value) for name, value in self.items.items()})


@dataclass(frozen=True, slots=True)
class Ref:
    """A name from elsewhere, with its dots: `tensorflow.data.AUTOTUNE`."""

    name: str

    @property
    def last(self) -> str:
        return self.name.rpartition(".")[2]

    @property
    def root(self) -> str:
        return self.name.partition(".")[0]


@dataclass(eq=False, slots=True)
class Scope:
    """Names of a module, function or class; each branch whose condition is not known has a layer while it is read."""

    outer: Scope | None = None
    layers: list[dict[str, Value | None]] = field(default_factory=lambda: [{}])
    """None for a name that was deleted."""
    elsewhere: set[str] = field(default_factory=set)
    """Names that a statement `global` gives to the module."""

    def find(self, name: str) -> Value | None:
        scope: Scope | None = self
        while scope is not None:
            for layer in reversed(scope.layers):
                if name in layer:
                    return layer[name]
            scope = scope.outer
        return None

    def bind(self, name: str, value: Value | None) -> None:
        scope = self
        # Within a branch its own layer holds it: whether the module's name gets it is known where branches meet.
        while name in scope.elsewhere and scope.outer is not None and len(scope.layers) == 1:
            scope = scope.outer
        scope.layers[-1][name] = value

    def holds(self, value: object) -> bool:
        """Whether some name leads to this very object."""
        names = {name for layer in self.layers for name in layer}
        return any(self.find(name) is value for name in names)


@dataclass(eq=False, slots=True)
class Function:
    """A function or lambda of the script; `bound` is the object whose method it is, `given` what partial gives."""

    node: ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda
    scope: Scope
    bound: Value | None = None
    given: tuple[tuple[Value, ...], dict[str, Value]] = field(default_factory=lambda: ((), {}))


@dataclass(eq=False, slots=True)
class Class:
    """A class of the script."""

    name: str
    scope: Scope
    bases: tuple[Value, ...]
    fields: tuple[str, ...]
    """Annotated names in their order, as a dataclass takes them."""


@dataclass(eq=False, slots=True)
class Instance:
    kind: Class
    names: dict[str, Value] = field(default_factory=dict)
    born: int = 0
    open: bool = False
    """Attributes were set whose names or values the script does not hold."""

    def opened(self) -> None:
        self.open = True
        self.names.update({name: perhaps_other(value) for name, value in self.names.items()})


@dataclass(eq=False, slots=True)
class Step:
    """A call: its last name, its arguments, and where it stands."""

    name: str
    args: tuple[Value, ...]
    named: dict[str, Value]
    node: ast.Call
    target: str = ""
    """The whole name with its dots, for a function from elsewhere."""
    open: bool = False
    """It has `*args` or `**options` that are not known."""
    facts: Facts | None = None
    """What the function does that is mapped."""

    def value(self, name: str, index: int | None = None) -> Value | None:
        """The argument; None where it is not given."""
        if name in self.named:
            return self.named[name]
        return self.args[index] if index is not None and index < len(self.args) else None

    def node_of(self, name: str, index: int | None = None) -> ast.expr:
        """Where the argument stands, else the call."""
        for keyword in self.node.keywords:
            if keyword.arg == name:
                return keyword.value
        plain = [arg for arg in self.node.args if not isinstance(arg, ast.Starred)]
        return plain[index] if index is not None and index < len(plain) == len(self.node.args) else self.node

    @property
    def line(self) -> int:
        """That of the name: in a chain over several lines each call has its own."""
        return self.node.func.end_lineno or self.node.lineno


@dataclass(eq=False, slots=True)
class Facts:
    """What a function that is mapped does with an element."""

    reads: bool = False
    decodes: bool = False
    parses: bool = False
    hidden: bool = False
    """It calls something that the script does not hold."""
    sizes: list[tuple[Value, Value, Step]] = field(default_factory=list)
    """Height and width of each resizing."""
    channels: list[tuple[Value, Step]] = field(default_factory=list)
    results: list[Value] = field(default_factory=list)
    """What it returns, one for each function that may be mapped."""


@dataclass(frozen=True, slots=True)
class Pipeline:
    """A tf.data dataset, a generator of batches or a DataLoader: where it comes from and what is done to it."""

    source: Step
    steps: tuple[Step, ...] = ()
    parent: Value | None = None
    """The ImageDataGenerator."""


@dataclass(frozen=True, slots=True)
class Array:
    """Images in memory: one of them, or an array of all."""

    dtype: str | None = None
    scale: str = "none"
    build: str | None = None
    listed: Listed | None = None
    """The list that it was made of."""
    held: str | None = None
    """The type of the images in that list, where it is one of floats."""
    split_of: Array | None = None
    cast: bool = False
    """Cast within the expression that is being read."""
    made: Step | None = None
    scaled: ast.expr | ast.stmt | None = None
    typed: ast.expr | None = None
    split: Step | None = None
    picture: bool = False
    """A picture of Pillow, which has no type yet."""


@dataclass(eq=False, slots=True)
class Opaque:
    """Something that is not known; `models` are the applications of Keras that went into it."""

    step: Step | None = None
    models: set[Step] = field(default_factory=set)
    is_model: bool = False


@dataclass(eq=False, slots=True)
class Pixels(Opaque):
    """An image in a function that is mapped: its type, and the call that gave it where somebody asked for it."""

    dtype: str = ""
    typed: Step | None = None


@dataclass(frozen=True, slots=True)
class Choice:
    """One of several values: it depends on what only a run knows."""

    options: tuple[Value, ...]


Value: TypeAlias = (
    Literal | Group | Listed | Table | Ref | Function | Class | Instance | Pipeline | Array | Opaque | Choice
)


def choice(values: list[Value]) -> Value:
    """The one value where all are alike, else a choice of them."""
    found: list[Value] = []
    for value in values:
        for option in value.options if isinstance(value, Choice) else (value,):
            if not any(same(option, other) for other in found):
                found.append(option)
    if len(found) == 1:
        return found[0]
    return Choice(tuple(found)) if 0 < len(found) <= MOST_CHOICES else Opaque()


def perhaps_other(value: Value) -> Value:
    """The same, or what nobody knows."""
    unknown = any(isinstance(option, Opaque) for option in options(value))
    return value if unknown else choice([value, Opaque(models=models_in([value]))])


def options(value: Value | None) -> tuple[Value, ...]:
    if value is None:
        return ()
    return value.options if isinstance(value, Choice) else (value,)


def same(one: Value, other: Value) -> bool:
    """1 is not True, and no two unknown values are the same."""
    if isinstance(one, Literal) and isinstance(other, Literal):
        return type(one.value) is type(other.value) and one.value == other.value
    if isinstance(one, Group) and isinstance(other, Group):
        return len(one.items) == len(other.items) and all(map(same, one.items, other.items))
    return one is other or (isinstance(one, Ref) and one == other)


def models_in(values: Iterable[Value], depth: int = 0) -> set[Step]:
    """Applications of Keras that went into these values."""
    found: set[Step] = set()
    for value in values if depth < _DEEP else ():
        if isinstance(value, Opaque):
            found |= value.models
        elif isinstance(value, Group | Listed):
            found |= models_in(value.items, depth + 1)
        elif isinstance(value, Choice):
            found |= models_in(value.options, depth + 1)
        elif isinstance(value, Table):
            found |= models_in(value.items.values(), depth + 1)
        elif isinstance(value, Instance):
            found |= models_in(value.names.values(), depth + 1)
    return found
