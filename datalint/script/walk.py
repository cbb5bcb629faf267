"""A walk through a script in the order in which Python would run it, with values as far as they are literal.

A branch whose condition is not known is read on both sides; a loop is read once; functions that nobody calls are read
only where the script trains nothing otherwise.
"""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, ClassVar

from datalint.script import calls
from datalint.script.arithmetic import compute
from datalint.script.expressions import DEEPEST, EnoughError, Expressions
from datalint.script.values import (
    Array,
    Class,
    Function,
    Literal,
    Opaque,
    Ref,
    Scope,
    Value,
    choice,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from datalint.script.source import Script


def _leaves_loop(statements: Sequence[ast.stmt]) -> bool:
    return any(isinstance(part, ast.Break | ast.Continue) for statement in statements for part in ast.walk(statement))


class Walk(Expressions):
    """Reads the statements of one script."""

    def run(self, script: Script) -> None:
        """The module, and where it trains nothing, the functions that it defines and nobody calls."""
        try:
            self.read_block(script.statements, self.module)
            if not self.log.trains:
                self._uncalled(script.statements)
        except EnoughError:
            self.log.stopped = self.line

    def _uncalled(self, statements: Sequence[ast.stmt]) -> None:
        waiting = [function for function in self.defined if not isinstance(function.node, ast.Lambda)]
        if not waiting:
            return
        used = {
            node.id if isinstance(node, ast.Name) else node.attr
            for statement in statements
            for node in ast.walk(statement)
            if isinstance(node, ast.Name | ast.Attribute) and isinstance(node.ctx, ast.Load)
        }
        self.guessing = True
        # Functions that others call are read there, with what they are given.
        waiting.sort(key=lambda function: getattr(function.node, "name", "") in used)
        for function in waiting:
            if function.node not in self.seen and not self.log.trains:
                self.apply(function, [], {})

    # Statements. Each says whether nothing after it in its block is reached.

    def read_block(self, statements: Sequence[ast.stmt], scope: Scope) -> bool:
        return any(self._statement(statement, scope) for statement in statements)

    def _statement(self, node: ast.stmt, scope: Scope) -> bool:
        self.count(node)
        read = self._STATEMENTS.get(type(node))
        if read is None or self.depth > DEEPEST:
            return False
        self.depth += 1
        try:
            return bool(read(self, node, scope))
        except RecursionError:
            return False
        finally:
            self.depth -= 1

    def _expression(self, node: ast.Expr, scope: Scope) -> bool:
        value = self.evaluate(node.value, scope)
        return isinstance(value, Opaque) and value.step is not None and value.step.target in calls.EXITS

    def _assign(self, node: ast.Assign, scope: Scope) -> None:
        value = self.evaluate(node.value, scope)
        for target in node.targets:
            self.bind(target, value, scope)

    def _annotated(self, node: ast.AnnAssign, scope: Scope) -> None:
        if node.value is not None:
            self.bind(node.target, self.evaluate(node.value, scope), scope)

    def _augmented(self, node: ast.AugAssign, scope: Scope) -> None:
        left, right = self.evaluate(node.target, scope), self.evaluate(node.value, scope)
        self.bind(node.target, compute(node.op, left, right, node, in_place=True), scope)

    def _delete(self, node: ast.Delete, scope: Scope) -> None:
        for target in node.targets:
            for item in target.elts if isinstance(target, ast.Tuple) else [target]:
                if isinstance(item, ast.Name):
                    scope.bind(item.id, None)

    def _import(self, node: ast.Import, scope: Scope) -> None:
        for alias in node.names:
            self.log.imports.append((alias.name.split(".")[0], node.lineno))
            if alias.asname:
                scope.bind(alias.asname, Ref(alias.name))
            else:
                scope.bind(alias.name.split(".")[0], Ref(alias.name.split(".")[0]))

    def _import_from(self, node: ast.ImportFrom, scope: Scope) -> None:
        if node.module and not node.level:
            self.log.imports.append((node.module.split(".")[0], node.lineno))
        for alias in node.names:
            if alias.name != "*":
                module = f"{'.' * node.level}{node.module or ''}"
                scope.bind(alias.asname or alias.name, Ref(f"{module}.{alias.name}"))

    def _function(self, node: ast.FunctionDef | ast.AsyncFunctionDef, scope: Scope) -> None:
        made = Function(node, scope)
        self.defined.append(made)
        scope.bind(node.name, made)

    def _class(self, node: ast.ClassDef, scope: Scope) -> None:
        inside = Scope(outer=scope)
        bases = tuple(self.evaluate(base, scope) for base in node.bases)
        inherited = [field for base in reversed(bases) if isinstance(base, Class) for field in base.fields]
        own = [
            item.target.id
            for item in node.body
            if isinstance(item, ast.AnnAssign) and isinstance(item.target, ast.Name)
        ]
        fields = tuple(dict.fromkeys([*inherited, *own]))
        self.read_block(node.body, inside)
        scope.bind(node.name, Class(node.name, inside, bases, fields))

    def _global(self, node: ast.Global | ast.Nonlocal, scope: Scope) -> None:
        scope.elsewhere.update(node.names)

    def _return(self, node: ast.Return, scope: Scope) -> bool:
        value = Literal(None) if node.value is None else self.evaluate(node.value, scope)
        if self.returns:
            self.returns[-1].append(calls.kept(value) if isinstance(value, Array) else value)
        return True

    def _ends(self, _node: ast.stmt, _scope: Scope) -> bool:
        return True

    def _if(self, node: ast.If, scope: Scope) -> bool:
        ways: list[tuple[dict[str, Value | None], bool]] = []
        while True:
            truth = self.truth(self.evaluate(node.test, scope))
            certain = truth is True and not ways
            if truth is not False:
                ways.append(self._layer(node.body, scope, certain=certain))
            if truth is True:
                break
            if len(node.orelse) != 1 or not isinstance(node.orelse[0], ast.If):
                ways.append(self._layer(node.orelse, scope, certain=not ways))
                break
            # A chain of `elif` is as deep in the tree as it is long.
            node = node.orelse[0]
            self.count(node)
        return self._merge(ways, scope)

    def _layer(
        self, statements: Sequence[ast.stmt], scope: Scope, *, certain: bool = False
    ) -> tuple[dict[str, Value | None], bool]:
        """What a branch binds, and whether nobody sees it any more: who leaves a loop goes on behind it."""
        scope.layers.append({})
        self.branches += not certain
        try:
            ended = self.read_block(statements, scope)
        finally:
            bound = scope.layers.pop()
            self.branches -= not certain
        return bound, ended and not _leaves_loop(statements)

    @staticmethod
    def _merge(ways: Sequence[tuple[dict[str, Value | None], bool]], scope: Scope) -> bool:
        going = [bound for bound, ended in ways if not ended]
        for name in dict.fromkeys(name for bound in going for name in bound):
            before = scope.find(name)
            values = [bound.get(name, before) for bound in going]
            known = [value for value in values if value is not None]
            scope.bind(name, choice(known) if known else None)
        return not going

    def _for(self, node: ast.For | ast.AsyncFor, scope: Scope) -> None:
        over = self.evaluate(node.iter, scope)
        self._forget(node, scope)
        self.bind(node.target, self.element(over), scope)
        self.log.loops.append(over)
        self.branches += 1
        try:
            self.read_block(node.body, scope)
        finally:
            self.branches -= 1
            self.log.loops.pop()
        self.read_block(node.orelse, scope)

    def _while(self, node: ast.While, scope: Scope) -> None:
        self._forget(node, scope)
        self.evaluate(node.test, scope)
        self.branches += 1
        try:
            self.read_block(node.body, scope)
        finally:
            self.branches -= 1
        self.read_block(node.orelse, scope)

    @staticmethod
    def _forget(loop: ast.For | ast.AsyncFor | ast.While, scope: Scope) -> None:
        """What a loop counts up is no literal within it, nor after it."""
        stored: list[tuple[str, ast.AST]] = []
        for inner in (part for statement in loop.body for part in ast.walk(statement)):
            if isinstance(inner, ast.AugAssign) and isinstance(inner.target, ast.Name):
                stored.append((inner.target.id, inner.target))
            elif isinstance(inner, ast.Assign):
                stored += [
                    (part.id, inner.value)
                    for target in inner.targets
                    for part in ast.walk(target)
                    if isinstance(part, ast.Name) and isinstance(part.ctx, ast.Store)
                ]
        names = {name for name, _ in stored}
        for name, value in stored:
            reads = any(isinstance(part, ast.Name) and part.id in names for part in ast.walk(value))
            if reads and isinstance(scope.find(name), Literal):
                scope.bind(name, Opaque())

    def _with(self, node: ast.With | ast.AsyncWith, scope: Scope) -> bool:
        for item in node.items:
            value = self.evaluate(item.context_expr, scope)
            if item.optional_vars is not None:
                self.bind(item.optional_vars, value, scope)
        return self.read_block(node.body, scope)

    def _try(self, node: ast.Try | ast.TryStar, scope: Scope) -> bool:
        ways = [self._layer([*node.body, *node.orelse], scope, certain=True)]
        ways += [self._layer(handler.body, scope) for handler in node.handlers]
        ended = self._merge(ways, scope)
        return self.read_block(node.finalbody, scope) or ended

    def _match(self, node: ast.Match, scope: Scope) -> bool:
        self.evaluate(node.subject, scope)
        return self._merge([*(self._layer(case.body, scope) for case in node.cases), ({}, False)], scope)

    _STATEMENTS: ClassVar[Mapping[type[ast.stmt], Callable[..., object]]] = {
        ast.Expr: _expression,
        ast.Assign: _assign,
        ast.AnnAssign: _annotated,
        ast.AugAssign: _augmented,
        ast.Delete: _delete,
        ast.Import: _import,
        ast.ImportFrom: _import_from,
        ast.FunctionDef: _function,
        ast.AsyncFunctionDef: _function,
        ast.ClassDef: _class,
        ast.Global: _global,
        ast.Nonlocal: _global,
        ast.Return: _return,
        ast.Raise: _ends,
        ast.Break: _ends,
        ast.Continue: _ends,
        ast.If: _if,
        ast.For: _for,
        ast.AsyncFor: _for,
        ast.While: _while,
        ast.With: _with,
        ast.AsyncWith: _with,
        ast.Try: _try,
        ast.TryStar: _try,
        ast.Match: _match,
    }
