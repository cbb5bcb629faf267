"""Expressions of a script, read as far as their values stand in it; functions of the script are read where they are
called, with what they are given.
"""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, ClassVar

from datalint.script import calls
from datalint.script.arithmetic import compare, compute, negate, sliced
from datalint.script.values import (
    Array,
    Choice,
    Class,
    Function,
    Group,
    Instance,
    Listed,
    Literal,
    Opaque,
    Pipeline,
    Ref,
    Scope,
    Step,
    Table,
    Value,
    choice,
    models_in,
    options,
    perhaps_other,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from datalint.script.log import Log

MOST_STEPS = 3_000_000
"""Expressions and statements that are read of one script."""
MOST_CALLED = 100_000
"""The same within functions: two calls in each of a hundred functions are more than anybody can follow."""
DEEPEST = 120
_LONGEST_TEXT = 1000
_NESTED = 1
"""Depth of lists within lists that are looked through for an image: pairs of image and label lie in one."""
_ACTIVE = 25
"""Functions that call each other."""


class EnoughError(Exception):
    """The script is longer than what is read of it."""


class Expressions:
    """Reads expressions; what it meets goes into the log. Statements are a matter of the class that inherits."""

    def __init__(self, log: Log) -> None:
        self.log = log
        self.module = Scope()
        self.frames = [self.module]
        self.line = 0
        self.depth = 0
        self.steps, self.called = MOST_STEPS, MOST_CALLED
        self.active: list[ast.AST] = []
        self.seen: set[ast.AST] = set()
        self.returns: list[list[Value]] = []
        self.defined: list[Function] = []
        self.branches = 0
        """Branches that are being read and whose condition is not known, and loops, which may end at once."""
        self.guessing = False
        """Functions are read that nobody calls: their parameters have their defaults."""

    def read_block(self, statements: Sequence[ast.stmt], scope: Scope) -> bool:
        """Read statements; whether nothing after them is reached."""
        raise NotImplementedError

    def count(self, node: ast.stmt | ast.expr) -> None:
        self.steps -= 1
        self.called -= len(self.active) > 0
        self.line = node.lineno
        if self.steps < 0:
            raise EnoughError

    def bind(self, target: ast.expr, value: Value, scope: Scope) -> None:
        if isinstance(value, Array) and value.cast:
            value = calls.kept(value)
        if isinstance(target, ast.Name):
            scope.bind(target.id, value)
        elif isinstance(target, ast.Tuple | ast.List):
            for item, part in zip(target.elts, self.parts(value, target.elts), strict=True):
                self.bind(item.value if isinstance(item, ast.Starred) else item, part, scope)
        elif isinstance(target, ast.Attribute):
            owner = self.evaluate(target.value, scope)
            if target.attr == "trainable":
                calls.trainable(self.log, owner, value, target)
            if isinstance(owner, Instance):
                owner.names[target.attr] = self.perhaps(owner.born, owner.names.get(target.attr), value)
            elif isinstance(owner, Class):
                owner.scope.bind(target.attr, self.perhaps(0, self._member(owner, target.attr), value))
            elif isinstance(owner, Table):
                owner.items[target.attr] = self.perhaps(owner.born, owner.items.get(target.attr), value)
        elif isinstance(target, ast.Subscript):
            owner, key = self.evaluate(target.value, scope), self.evaluate(target.slice, scope)
            if isinstance(owner, Table):
                self._put(owner, key, value)
            elif isinstance(owner, Ref) and isinstance(key, Literal):
                calls.environment(self.log, owner, key, value, target)
            else:
                calls.into_module(self, owner, key, value)

    def _put(self, owner: Table, key: Value, value: Value) -> None:
        """`owner[key] = value`, for a key of several names as much as for one."""
        names = [option.value for option in options(key) if isinstance(option, Literal)]
        if len(names) < len(options(key)):
            owner.opened()
            owner.items[key] = value
        for name in names:
            before = owner.items.get(name)
            perhaps = before is not None and len(names) > 1
            owner.items[name] = (
                choice([before, value]) if perhaps and before else self.perhaps(owner.born, before, value)
            )

    def set_attribute(self, owner: Value, key: Value, value: Value) -> None:
        """`setattr(owner, key, value)`."""
        if isinstance(owner, Class):
            if isinstance(key, Literal):
                owner.scope.bind(str(key.value), self.perhaps(0, self._member(owner, str(key.value)), value))
            else:
                for layer in owner.scope.layers:
                    known = {name: item for name, item in layer.items() if isinstance(item, Literal | Group)}
                    layer.update({name: perhaps_other(item) for name, item in known.items()})
        if not isinstance(owner, Instance | Table):
            return
        names = owner.names if isinstance(owner, Instance) else owner.items
        if isinstance(key, Literal) and isinstance(key.value, str):
            names[key.value] = self.perhaps(owner.born, names.get(key.value), value)
        else:
            owner.opened()

    def perhaps(self, born: int, before: Value | None, value: Value) -> Value:
        """What an object holds after an assignment that may not have happened."""
        return value if before is None or self.branches <= born else choice([before, value])

    def parts(self, value: Value, targets: Sequence[ast.expr]) -> list[Value]:
        """What each of several targets is given."""
        number = len(targets)
        items = self.items(value)
        star = next((index for index, target in enumerate(targets) if isinstance(target, ast.Starred)), None)
        if items is not None and star is not None and len(items) >= number - 1:
            end = len(items) - (number - 1 - star)
            items = [*items[:star], Listed(items[star:end]), *items[end:]]
        if isinstance(value, Choice):
            ways = [self.parts(option, targets) for option in value.options]
            return [choice([way[index] for way in ways]) for index in range(number)]
        if items is None or len(items) != number:
            return [calls.part(value) for _ in targets]
        return items

    @staticmethod
    def items(value: Value) -> list[Value] | None:
        if isinstance(value, Group):
            return list(value.items)
        return list(value.items) if isinstance(value, Listed) and value.whole else None

    def element(self, over: Value) -> Value:
        items = over.items if isinstance(over, Listed) else self.items(over)
        return choice(list(items)) if items else Opaque(models=models_in([over]))

    # Expressions.

    def evaluate(self, node: ast.expr, scope: Scope) -> Value:
        self.count(node)
        read = self._READ.get(type(node))
        if read is None or self.depth > DEEPEST:
            return Opaque()
        self.depth += 1
        try:
            return read(self, node, scope)
        finally:
            self.depth -= 1

    def _constant(self, node: ast.Constant, _scope: Scope) -> Value:
        known = node.value is None or isinstance(node.value, int | float | str)
        return Literal(node.value) if known else Opaque()  # type: ignore[arg-type]

    def _formatted(self, node: ast.JoinedStr, scope: Scope) -> Value:
        """`f"{folder}/cache"`, where all that goes into it is text or a whole number."""
        text = via = ""
        for part in node.values:
            inner = part.value if isinstance(part, ast.FormattedValue) else part
            value = self.evaluate(inner, scope)
            as_it_is = not isinstance(part, ast.FormattedValue) or (part.conversion < 0 and part.format_spec is None)
            if not isinstance(value, Literal) or not isinstance(value.value, str | int) or not as_it_is:
                return Opaque()
            text, via = f"{text}{value.value}", via or value.via
            if len(text) > _LONGEST_TEXT:
                return Opaque()
        return Literal(text, via)

    def _name(self, node: ast.Name, scope: Scope) -> Value:
        if node.id == "__name__":
            return Literal("__main__")
        return scope.find(node.id) or Ref(node.id)

    def _attribute(self, node: ast.Attribute, scope: Scope) -> Value:
        return self.attribute_of(self.evaluate(node.value, scope), node.attr)

    def attribute_of(self, owner: Value, name: str) -> Value:
        if isinstance(owner, Choice):
            return choice([self.attribute_of(option, name) for option in owner.options])
        if isinstance(owner, Ref):
            return (
                self.log.flags.get(name) or Ref(f"{owner.name}.{name}")
                if owner.last == "FLAGS"
                else Ref(f"{owner.name}.{name}")
            )
        if isinstance(owner, Table):
            return owner if name == "__dict__" else owner.items.get(name) or Opaque()
        if isinstance(owner, Instance) and name in owner.names:
            return owner.names[name]
        if isinstance(owner, Instance | Class):
            kind = owner.kind if isinstance(owner, Instance) else owner
            found = self._member(kind, name)
            if isinstance(found, Function) and _is_of_class(found.node):
                return Function(found.node, found.scope, bound=kind)
            if isinstance(found, Function) and isinstance(owner, Instance):
                bound = Function(found.node, found.scope, bound=owner)
                return self.apply(bound, [], {}) if _is_property(found) else bound
            if found is not None and isinstance(owner, Instance) and owner.open:
                return perhaps_other(found)
            return found or Opaque()
        return Opaque(models=models_in([owner]))

    def _member(self, kind: Class, name: str, depth: int = 0) -> Value | None:
        found = next((layer[name] for layer in reversed(kind.scope.layers) if name in layer), None)
        if found is not None or depth > _ACTIVE:
            return found
        inherited = (self._member(base, name, depth + 1) for base in kind.bases if isinstance(base, Class))
        return next((value for value in inherited if value is not None), None)

    def _binary(self, node: ast.BinOp, scope: Scope) -> Value:
        left, right = self.evaluate(node.left, scope), self.evaluate(node.right, scope)
        return compute(node.op, left, right, node)

    def _unary(self, node: ast.UnaryOp, scope: Scope) -> Value:
        value = self.evaluate(node.operand, scope)
        if isinstance(node.op, ast.Not):
            truth = self.truth(value)
            return Opaque() if truth is None else Literal(not truth)
        return negate(value) if isinstance(node.op, ast.USub) else Opaque()

    def _boolean(self, node: ast.BoolOp, scope: Scope) -> Value:
        stops = isinstance(node.op, ast.Or)
        unknown: list[Value] = []
        for index, item in enumerate(node.values):
            value = self.evaluate(item, scope)
            truth = self.truth(value)
            if truth is None:
                unknown.append(value)
            elif truth is stops or (index == len(node.values) - 1 and not unknown):
                return choice([*unknown, value]) if unknown else value
        return Opaque() if stops or len(unknown) != 1 else unknown[0]

    @staticmethod
    def truth(value: Value) -> bool | None:
        if isinstance(value, Literal):
            return bool(value.value)
        if isinstance(value, Group):
            return bool(value.items)
        return True if isinstance(value, Pipeline | Array | Function | Class) else None

    def _comparison(self, node: ast.Compare, scope: Scope) -> Value:
        values = [self.evaluate(item, scope) for item in (node.left, *node.comparators)]
        return compare(node.ops[0], *values) if len(node.ops) == 1 else Opaque()

    def _conditional(self, node: ast.IfExp, scope: Scope) -> Value:
        truth = self.truth(self.evaluate(node.test, scope))
        if truth is not None:
            return self.evaluate(node.body if truth else node.orelse, scope)
        return choice([self.evaluate(node.body, scope), self.evaluate(node.orelse, scope)])

    def _tuple(self, node: ast.Tuple, scope: Scope) -> Value:
        items, open_ = self._spread(node.elts, scope)
        return Opaque() if open_ else Group(tuple(items))

    def _list(self, node: ast.List | ast.Set, scope: Scope) -> Value:
        items, open_ = self._spread(node.elts, scope)
        # What is not known may be any of them.
        return Listed([*items, *([Opaque()] if open_ else [])], whole=not open_, born=self.branches)

    def _spread(self, nodes: Sequence[ast.expr], scope: Scope) -> tuple[list[Value], bool]:
        """Values of arguments or items, and whether some more are not known."""
        values: list[Value] = []
        open_ = False
        for item in nodes:
            if isinstance(item, ast.Starred):
                inner = self.items(self.evaluate(item.value, scope))
                values += inner or []
                open_ = open_ or inner is None
            else:
                values.append(self.evaluate(item, scope))
        return values, open_

    def _dictionary(self, node: ast.Dict, scope: Scope) -> Value:
        table = Table(born=self.branches)
        for key, item in zip(node.keys, node.values, strict=True):
            value = self.evaluate(item, scope)
            name = None if key is None else self.evaluate(key, scope)
            if name is not None:
                self._put(table, name, value)
            elif isinstance(value, Table):
                table.items.update(value.items)
                table.open = table.open or value.open
            else:
                table.opened()
        return table

    def _subscript(self, node: ast.Subscript, scope: Scope) -> Value:
        owner = self.evaluate(node.value, scope)
        key = Opaque() if isinstance(node.slice, ast.Slice) else self.evaluate(node.slice, scope)
        return self._item(owner, key, node.slice)

    def _item(self, owner: Value, key: Value, node: ast.expr) -> Value:
        if isinstance(owner, Choice):
            return choice([self._item(option, key, node) for option in owner.options])
        if isinstance(key, Choice):
            return choice([self._item(owner, option, node) for option in key.options])
        items = self.items(owner)
        if items is not None and isinstance(key, Literal) and isinstance(key.value, int):
            return items[key.value] if -len(items) <= key.value < len(items) else Opaque()
        if items is not None and isinstance(node, ast.Slice):
            return sliced(items, node)
        if isinstance(owner, Listed) and owner.items:
            return owner if isinstance(node, ast.Slice) else choice(owner.items)
        if isinstance(owner, Table):
            return (owner.items.get(key.value) if isinstance(key, Literal) else None) or Opaque()
        return owner if isinstance(owner, Array) else Opaque(models=models_in([owner]))

    def _comprehension(self, node: ast.ListComp | ast.GeneratorExp | ast.SetComp, scope: Scope) -> Value:
        scope.layers.append({})
        try:
            for part in node.generators:
                self.bind(part.target, self.element(self.evaluate(part.iter, scope)), scope)
            return Listed([self.evaluate(node.elt, scope)], whole=False)
        finally:
            scope.layers.pop()

    def _mapped(self, node: ast.DictComp, scope: Scope) -> Value:
        """`{name: loader(name) for name in ("train", "val")}`, item by item where these are known."""
        table = Table(born=self.branches)
        first, *others = node.generators
        over = self.evaluate(first.iter, scope)
        scope.layers.append({})
        try:
            for item in (None if others else self.items(over)) or [self.element(over)]:
                self.bind(first.target, item, scope)
                for part in others:
                    self.bind(part.target, self.element(self.evaluate(part.iter, scope)), scope)
                key, value = self.evaluate(node.key, scope), self.evaluate(node.value, scope)
                table.items[key.value if isinstance(key, Literal) else key] = value
        finally:
            scope.layers.pop()
        return table

    def _lambda(self, node: ast.Lambda, scope: Scope) -> Value:
        return Function(node, scope)

    def _named(self, node: ast.NamedExpr, scope: Scope) -> Value:
        value = self.evaluate(node.value, scope)
        self.bind(node.target, value, scope)
        return value

    def _inner(self, node: ast.Await | ast.Starred, scope: Scope) -> Value:
        return self.evaluate(node.value, scope)

    def _yield(self, node: ast.Yield | ast.YieldFrom, scope: Scope) -> Value:
        if node.value is not None:
            self.evaluate(node.value, scope)
        return Opaque()

    # Calls.

    def _call(self, node: ast.Call, scope: Scope) -> Value:
        owner: Value | None = None
        inherited: Function | None = None
        if isinstance(node.func, ast.Attribute):
            if isinstance(node.func.value, ast.Call) and getattr(node.func.value.func, "id", "") == "super":
                inherited = self._inherited(scope, node.func.attr)
                if inherited is None:
                    return Opaque()
            else:
                owner = self.evaluate(node.func.value, scope)
        args, open_ = self._spread(node.args, scope)
        named: dict[str, Value] = {}
        for keyword in node.keywords:
            value = self.evaluate(keyword.value, scope)
            if keyword.arg is not None:
                named[keyword.arg] = value
            elif isinstance(value, Table):
                named.update({str(name): item for name, item in value.items.items()})
                open_ = open_ or value.open
            else:
                open_ = True
        if inherited is not None:
            return self.apply(inherited, args, named, open=open_)
        if isinstance(node.func, ast.Attribute):
            assert owner is not None
            step = Step(node.func.attr, tuple(args), named, node, open=open_)
            return choice([self._method(option, step) for option in options(owner)])
        function = self.evaluate(node.func, scope)
        step = Step(getattr(node.func, "id", ""), tuple(args), named, node, open=open_)
        return choice([self._function_call(option, step) for option in options(function)])

    def _inherited(self, scope: Scope, name: str) -> Function | None:
        """The method that `super().name` is within a method, where a class of the script has it."""
        owner = next(iter(scope.layers[0].values()), None)
        kinds = [owner.kind] if isinstance(owner, Instance) else []
        while kinds and kinds[0].scope is not scope.outer and len(kinds) < _ACTIVE:
            kinds = [*kinds[1:], *(base for base in kinds[0].bases if isinstance(base, Class))]
        bases = [base for kind in kinds[:1] for base in kind.bases if isinstance(base, Class)]
        found = next((value for base in bases if (value := self._member(base, name)) is not None), None)
        return Function(found.node, found.scope, bound=owner) if isinstance(found, Function) else None

    def _method(self, owner: Value, step: Step) -> Value:
        if isinstance(owner, Ref):
            return self._function_call(Ref(f"{owner.name}.{step.name}"), step)
        if isinstance(owner, Instance | Class | Table):
            found = self.attribute_of(owner, step.name)
            if not isinstance(found, Opaque):
                return self._function_call(found, step)
        return calls.method(self, owner, step)

    def _function_call(self, function: Value, step: Step) -> Value:
        if isinstance(function, Function | Class):
            return self.apply(function, list(step.args), step.named, open=step.open)
        if isinstance(function, Instance):
            caller = self.attribute_of(function, "__call__")
            if isinstance(caller, Function):
                return self.apply(caller, list(step.args), step.named, open=step.open)
        if isinstance(function, Ref):
            step = Step(function.last, step.args, step.named, step.node, function.name, step.open)
            return calls.function(self, step)
        return calls.unknown(self, function, step)

    def apply(self, function: Value, args: list[Value], named: dict[str, Value], *, open: bool = False) -> Value:  # noqa: A002
        """What a function of the script returns for these arguments; its statements are read now.

        `open` where it is given more of them that are not known.
        """
        if isinstance(function, Class):
            return self._construct(function, args, named, open=open)
        if not isinstance(function, Function):
            return Opaque(models=models_in([*args, *named.values()]))
        node = function.node
        self.seen.add(node)
        if node in self.active or len(self.active) >= _ACTIVE or self.called < 0:
            return Opaque(models=models_in([*args, *named.values()]))
        given, preset = function.given
        args = [*([function.bound] if function.bound is not None and not _is_static(node) else []), *given, *args]
        frame = Scope(outer=function.scope)
        self._parameters(function, frame, args, {**preset, **named}, open=open)
        self.active.append(node)
        self.frames.append(frame)
        self.returns.append([])
        depth, self.depth = self.depth, self.depth + 1
        try:
            if isinstance(node, ast.Lambda):
                return self.evaluate(node.body, frame)
            self.read_block(node.body, frame)
            # None as well as a pipeline is `return` somewhere or nothing: what matters is the pipeline.
            found = [value for value in self.returns[-1] if not (isinstance(value, Literal) and value.value is None)]
            return choice(found) if found else Literal(None)
        finally:
            self.depth = depth
            self.returns.pop()
            self.frames.pop()
            self.active.pop()

    def _parameters(
        self,
        function: Function,
        frame: Scope,
        args: list[Value],
        named: dict[str, Value],
        *,
        open: bool,  # noqa: A002
    ) -> None:
        spec = function.node.args
        places = [*spec.posonlyargs, *spec.args]
        defaults: dict[str, ast.expr] = {
            parameter.arg: value for parameter, value in zip(reversed(places), reversed(spec.defaults), strict=False)
        }
        defaults |= {
            parameter.arg: value
            for parameter, value in zip(spec.kwonlyargs, spec.kw_defaults, strict=True)
            if value is not None
        }
        # Names that a call gave and the function does not know go into its `**options`.
        rest = dict(named)
        for index, parameter in enumerate([*places, *spec.kwonlyargs]):
            name = parameter.arg
            value = rest.pop(name, None)
            if index < len(places) and index < len(args):
                value = args[index]
            if value is None and name in defaults:
                value = calls.default(
                    self.evaluate(defaults[name], function.scope), (self.guessing and f"default of {name}") or ""
                )
                value = perhaps_other(value) if open else value
            if value is None:
                value = calls.option_of(function.node, name)
            frame.bind(name, value or Opaque())
        if spec.vararg:
            frame.bind(spec.vararg.arg, Group(tuple(args[len(places) :])))
        if spec.kwarg:
            frame.bind(spec.kwarg.arg, Table(dict(rest.items()), open=open))

    def _construct(self, kind: Class, args: list[Value], named: dict[str, Value], *, open: bool) -> Value:  # noqa: A002
        made = Instance(kind, born=self.branches)
        start = self._member(kind, "__init__")
        if isinstance(start, Function):
            self.apply(Function(start.node, start.scope, bound=made), args, named, open=open)
        else:
            made.names.update(zip(kind.fields, args, strict=False))
            made.names.update(named)
            made.open = open
            completed = self._member(kind, "__post_init__")
            if isinstance(completed, Function):
                self.apply(Function(completed.node, completed.scope, bound=made), [], {})
        return made

    def holds(self, value: object) -> bool:
        """Whether a name that is alive now leads to this object."""
        return any(frame.holds(value) for frame in self.frames)

    def holds_images(self, listed: Listed) -> bool:
        """Whether images of a list are alive in another one, whatever became of the list."""
        images = [item for item in listed.items if isinstance(item, Array)]
        values = (value for frame in self.frames for layer in frame.layers for value in layer.values())
        return any(_holds_image(value, images) for value in values if value is not listed)

    _READ: ClassVar[Mapping[type[ast.expr], Callable[..., Value]]] = {
        ast.Constant: _constant,
        ast.JoinedStr: _formatted,
        ast.Name: _name,
        ast.Attribute: _attribute,
        ast.BinOp: _binary,
        ast.UnaryOp: _unary,
        ast.BoolOp: _boolean,
        ast.Compare: _comparison,
        ast.IfExp: _conditional,
        ast.Tuple: _tuple,
        ast.List: _list,
        ast.Set: _list,
        ast.Dict: _dictionary,
        ast.Subscript: _subscript,
        ast.ListComp: _comprehension,
        ast.GeneratorExp: _comprehension,
        ast.SetComp: _comprehension,
        ast.DictComp: _mapped,
        ast.Lambda: _lambda,
        ast.NamedExpr: _named,
        ast.Await: _inner,
        ast.Starred: _inner,
        ast.Yield: _yield,
        ast.YieldFrom: _yield,
        ast.Call: _call,
    }


def _holds_image(value: Value | None, images: Sequence[Value], depth: int = 0) -> bool:
    """Whether one of these very images lies within a list, tuple or dictionary."""
    if depth > _NESTED or not isinstance(value, Listed | Group | Table):
        return False
    items = list(value.items.values()) if isinstance(value, Table) else list(value.items)
    return any(item is image for item in items for image in images) or any(
        _holds_image(item, images, depth + 1) for item in items
    )


def _is_property(function: Function) -> bool:
    return isinstance(function.node, ast.FunctionDef) and any(
        getattr(item, "id", getattr(item, "attr", "")) in ("property", "cached_property")
        for item in function.node.decorator_list
    )


def _is_of_class(node: ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda) -> bool:
    return not isinstance(node, ast.Lambda) and any(
        getattr(item, "id", "") == "classmethod" for item in node.decorator_list
    )


def _is_static(node: ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda) -> bool:
    return not isinstance(node, ast.Lambda) and any(
        getattr(item, "id", "") == "staticmethod" for item in node.decorator_list
    )
