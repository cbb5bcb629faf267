"""Options of the command line and settings: their defaults are what the script does unless somebody says otherwise."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from datalint.script.values import (
    Function,
    Group,
    Instance,
    Listed,
    Literal,
    Opaque,
    Ref,
    Step,
    Table,
    Value,
    choice,
    perhaps_other,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from datalint.script.expressions import Expressions

_FLAG_PREFIX = "DEFINE_"
_SAME = ("add_argument_group", "add_mutually_exclusive_group", "add_subparsers", "add_parser", "copy")
_PARSE = ("parse_args", "parse_known_args", "parse_intermixed_args")
_MERGE = ("update", "merge", "load", "from_")
"""How methods begin that put the values of a file or of other options into a namespace."""
_MERGED_BY = ("update_", "merge_", "override_")
"""How functions begin that do so with a namespace that they are given: `update_config(config, args)`. What is handed to
`wandb.config.update` stays as it is."""
_NAMES = ("globals", "locals", "vars")
"""What gives the names of a module, through which they may be set."""


def _parser(walk: Expressions, step: Step) -> Value:
    """With the options of its `parents`."""
    made = Table(born=walk.branches)
    parents = step.named.get("parents")
    for parent in parents.items if isinstance(parents, Listed | Group) else ():
        made.items.update(parent.items if isinstance(parent, Table) else {})
    return made


def _namespace(walk: Expressions, step: Step) -> Value:
    inner = step.args[0] if step.args else None
    items: dict[object, Value] = dict(inner.items) if isinstance(inner, Table) else {}
    open_ = inner.open if isinstance(inner, Table) else inner is not None
    found = Table(items | dict(step.named), walk.branches, open_)
    if step.open:
        found.opened()
    return found


def _flag(walk: Expressions, step: Step) -> Value | None:
    name = step.value("name", 0)
    if isinstance(name, Literal) and isinstance(name.value, str):
        walk.log.flags[name.value] = _said(step.value("default", 1), f"default of --{name.value}")
    return Opaque()


def _attributes(_walk: Expressions, step: Step) -> Value | None:
    """`vars(args)` is the namespace itself."""
    return step.args[0] if step.args and isinstance(step.args[0], Table) else None


def _set(walk: Expressions, step: Step) -> Value | None:
    if step.target != "setattr" or len(step.args) != 3:
        return None
    walk.set_attribute(*step.args)
    return Opaque()


def _number(_walk: Expressions, step: Step) -> Value | None:
    value = step.args[0] if len(step.args) == 1 and not step.named else None
    if step.target not in ("int", "float") or not isinstance(value, Literal):
        return None
    return _converted(value, step.target)


def _converted(value: Literal, kind: str) -> Value:
    try:
        return Literal((int if kind == "int" else float)(value.value or 0), value.via)
    except (ValueError, OverflowError):
        return Opaque()


def _sequence(_walk: Expressions, step: Step) -> Value | None:
    value = step.args[0] if len(step.args) == 1 else None
    if step.target == "tuple":
        return Group(tuple(value.items)) if isinstance(value, Listed) and value.whole else _first_kept(value)
    if step.target != "list":
        return None
    if isinstance(value, Listed):
        return Listed(list(value.items), value.whole)
    return Listed(list(value.items)) if isinstance(value, Group) else value


def _first_kept(value: Value | None) -> Value | None:
    return value if isinstance(value, Group) else None


_KINDS: Mapping[str, type] = {"str": str, "int": int, "float": float, "bool": bool}


def _is_instance(_walk: Expressions, step: Step) -> Value | None:
    """`if isinstance(cache, str)`, as tutorials ask whether a cache is a file."""
    if step.target != "isinstance" or len(step.args) != 2:
        return None
    value, kind = step.args
    known = _KINDS.get(kind.name) if isinstance(kind, Ref) else None
    return Literal(isinstance(value.value, known), value.via) if isinstance(value, Literal) and known else None


def _field(walk: Expressions, step: Step) -> Value | None:
    """`field(default=32)` of a dataclass."""
    if step.target not in ("dataclasses.field", "field"):
        return None
    factory = step.named.get("default_factory")
    return step.named.get("default") or (walk.apply(factory, [], {}) if isinstance(factory, Function) else None)


def _executed(walk: Expressions, step: Step) -> Value | None:
    """`exec(open("overrides.py").read())` may give each constant of the script another value."""
    if step.target != "exec" or isinstance(step.value("source", 0), Literal):
        return None
    _constants_replaced(walk)
    return Opaque()


def _constants_replaced(walk: Expressions) -> None:
    """Each constant of the module may have got another value."""
    for layer in walk.module.layers:
        constants = {name: value for name, value in layer.items() if isinstance(value, Literal | Group)}
        layer.update({name: perhaps_other(value) for name, value in constants.items()})


def is_module(owner: Value) -> bool:
    """Whether it is what `globals()` gives."""
    step = owner.step if isinstance(owner, Opaque) else None
    return step is not None and step.target in _NAMES and not step.args


def into_module(walk: Expressions, step: Step) -> Value:
    """`globals().update(...)`."""
    named = Table(open=step.open)
    named.items.update(step.named)
    for given in (*step.args, named):
        if not isinstance(given, Table) or given.open:
            _constants_replaced(walk)
        if isinstance(given, Table):
            for name, value in given.items.items():
                set_in_module(walk, Literal(str(name)), value)
    return Opaque()


def set_in_module(walk: Expressions, name: Value, value: Value) -> None:
    """`globals()[name] = value`."""
    if isinstance(name, Literal):
        walk.module.bind(str(name.value), walk.perhaps(0, walk.module.find(str(name.value)), value))
    else:
        _constants_replaced(walk)


def merged(step: Step) -> None:
    """A function of another file may put other values into the options that it is given."""
    if step.name.startswith(_MERGED_BY):
        for given in (*step.args, *step.named.values()):
            if isinstance(given, Table | Instance):
                given.opened()


def _option(_walk: Expressions, step: Step) -> Value | None:
    """`typer.Option(32)` as the default of a parameter."""
    if step.target not in ("typer.Option", "typer.Argument"):
        return None
    return _said(step.value("default", 0), "default of an option")


def method(walk: Expressions, owner: Table, step: Step) -> Value:
    """Of a parser, its namespace, or a dictionary."""
    if step.name == "add_argument":
        _add(owner, step)
        return Opaque()
    if step.name in _PARSE:
        if _is_given(step.value("args", 0)):
            owner.opened()
        return Group((owner, Opaque())) if step.name == "parse_known_args" else owner
    if step.name == "set_defaults" or step.name.startswith(_MERGE):
        _merge(walk, owner, step)
        return Opaque()
    if step.name in ("get", "pop", "setdefault"):
        key = step.args[0] if step.args else None
        found = owner.items.get(key.value) if isinstance(key, Literal) else None
        usual = step.args[1] if len(step.args) > 1 else Opaque()
        usual = perhaps_other(usual) if owner.open else usual
        if isinstance(key, Literal) and step.name == "setdefault":
            return owner.items.setdefault(key.value, usual)
        if isinstance(key, Literal) and step.name == "pop" and walk.branches <= owner.born:
            owner.items.pop(key.value, None)
        return found or usual
    return owner if step.name in _SAME else Opaque()


def _is_given(words: Value | None) -> bool:
    """Whether a parser is handed options that stand in the script, and not those of the command line."""
    if isinstance(words, Listed | Group):
        return bool(words.items)
    return isinstance(words, Opaque) and words.step is not None and words.step.name == "split"


def _merge(walk: Expressions, owner: Table, step: Step) -> None:
    named = Table(open=step.open)
    named.items.update(step.named)
    for inner in (*step.args, named):
        if not isinstance(inner, Table) or inner.open:
            owner.opened()
        if isinstance(inner, Table):
            found = {name: walk.perhaps(owner.born, owner.items.get(name), new) for name, new in inner.items.items()}
            owner.items.update(found)


def _add(owner: Table, step: Step) -> None:
    names = [arg.value for arg in step.args if isinstance(arg, Literal) and isinstance(arg.value, str)]
    if not names:
        return
    shown = next((name for name in names if name.startswith("--")), names[0])
    dest = step.named.get("dest")
    name = str(dest.value) if isinstance(dest, Literal) else shown.lstrip("-").replace("-", "_")
    via = f"default of {shown}"
    action, kind = step.named.get("action"), step.named.get("type")
    if isinstance(action, Literal) and action.value in ("store_true", "store_false"):
        usual: Value = Literal(action.value == "store_false", via)
    else:
        required = not shown.startswith("-") or "required" in step.named
        usual = Opaque() if required else Literal(None, via)
    value = _said(step.named.get("default"), via) if "default" in step.named else usual
    if isinstance(value, Literal) and isinstance(value.value, str):
        target = getattr(kind, "name", "")
        value = _converted(value, target) if target in ("int", "float") else value
    before = owner.items.get(name)
    if before is not None and isinstance(dest, Literal):
        # Of two options for one thing (`--augment`, `--no-augment`) the first one's default holds.
        return
    # Parsers of several commands are not told apart here.
    owner.items[name] = value if before is None else choice([before, value])


def _said(value: Value | None, via: str) -> Value:
    return Literal(value.value, via) if isinstance(value, Literal) else value or Opaque()


def decorated(node: ast.AST, name: str) -> Value | None:
    """What `@click.option("--batch-size", default=32)` says of the parameter `batch_size`."""
    for item in getattr(node, "decorator_list", ()):
        if not isinstance(item, ast.Call) or getattr(item.func, "attr", "") != "option":
            continue
        names = [arg.value for arg in item.args if isinstance(arg, ast.Constant) and isinstance(arg.value, str)]
        if name not in (text.lstrip("-").replace("-", "_") for text in names):
            continue
        for keyword in item.keywords:
            if keyword.arg == "default" and isinstance(keyword.value, ast.Constant):
                value = keyword.value.value
                if isinstance(value, int | float | str):
                    return Literal(value, f"default of {names[-1]}")
    return None


FUNCTIONS: dict[str, Callable[[Expressions, Step], Value | None]] = {
    "ArgumentParser": _parser,
    "Namespace": _namespace,
    "SimpleNamespace": _namespace,
    "EasyDict": _namespace,
    "edict": _namespace,
    "AttrDict": _namespace,
    "Box": _namespace,
    "ConfigDict": _namespace,
    "dict": _namespace,
    "vars": _attributes,
    "setattr": _set,
    "field": _field,
    "exec": _executed,
    "DEFINE_integer": _flag,
    "DEFINE_float": _flag,
    "DEFINE_string": _flag,
    "DEFINE_bool": _flag,
    "DEFINE_boolean": _flag,
    "int": _number,
    "float": _number,
    "isinstance": _is_instance,
    "tuple": _sequence,
    "list": _sequence,
    "Option": _option,
    "Argument": _option,
}
