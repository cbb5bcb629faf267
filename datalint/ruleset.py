"""The rules of a run: the built-in folder, then the user's own folders, then what was selected."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from datalint.errors import UsageError, together
from datalint.queries import BUILTIN_RULES
from datalint.rule.load import is_rule_file, load_rule

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from datalint.config import Config
    from datalint.rule.model import Rule
    from datalint.source import Source

    Prepare = Callable[[Sequence[Rule]], object]


def builtin_rules(*, tests: bool = True) -> list[Rule]:
    """Every rule that ships with datalint, by name; without the tests of its file where nobody will run them."""
    return [
        load_rule(path.read_text("utf-8"), f"rules/{path.name}", builtin=True, tests=tests)
        for path in sorted(BUILTIN_RULES.glob("*.yaml"))
    ]


def custom_rules(
    source: Source, home: str, config: Config, *, label: str = "", prepare: Prepare | None = None
) -> list[Rule]:
    """Rules of the user's folders, relative to `home`; a folder without any is a UsageError, and so are all mistakes.

    `label` stands before the name of each file, where whoever looks for it needs to know more. `prepare` looks at the
    queries of the other files where one cannot be read, and raises UsageError, so that all is told at once.
    """
    rules, mistakes = [], []
    known: set[str] = set()
    for index, folder in enumerate(config.rules.paths):
        root = os.path.normpath(os.path.join(home, folder))
        entries = source.entries(root)
        closed = next((entry.path for entry in entries if entry.kind == "unreadable-folder"), None)
        if closed is not None:
            place = config.position("rules", "paths", index)
            raise UsageError(f"the rule folder {closed} may not be listed: permission denied", place)
        names = [entry.path for entry in entries if entry.kind == "file" and is_rule_file(entry.path)]
        if not names:
            place = config.position("rules", "paths", index)
            hint = source.left_out(root) or "`datalint new-rule acme/name` writes one"
            raise UsageError(f"no rule files in {folder}", place, hint)
        # Folders may overlap.
        for name in (name for name in names if name not in known):
            known.add(name)
            text = source.read(name)
            if text is None:
                raise UsageError(f"cannot read the rule file {name}")
            try:
                rules.append(load_rule(text, label + name, builtin=False))
            except UsageError as error:
                mistakes.append(error)
    if mistakes:
        raise together([*mistakes, *(() if prepare is None else _mistakes(rules, prepare))])
    return rules


def _mistakes(rules: Sequence[Rule], prepare: Prepare) -> Iterator[UsageError]:
    try:
        prepare(rules)
    except UsageError as error:
        yield error


def all_rules(
    source: Source, home: str, config: Config, *, label: str = "", prepare: Prepare | None = None
) -> list[Rule]:
    """Built-in rules, without their tests, and custom ones; two rules with one id are a UsageError."""
    rules = [*builtin_rules(tests=False), *custom_rules(source, home, config, label=label, prepare=prepare)]
    seen: dict[str, Rule] = {}
    for rule in rules:
        if rule.id in seen:
            raise UsageError(f"rule id {rule.id!r} is used twice, also in {seen[rule.id].file}", rule.position)
        seen[rule.id] = rule
    return rules
