"""`datalint test [PATH]`: run the inline tests of rule files and say which fail, and how."""

from __future__ import annotations

import os
import sys
import time
from typing import TYPE_CHECKING

from datalint.errors import ExitCode, UsageError, together
from datalint.queries import BUILTIN_RULES
from datalint.report.style import Style, wants_color
from datalint.report.words import count, printable
from datalint.rule.load import is_rule_file, load_rule
from datalint.rule.testing import run_cases
from datalint.workspace import open_home

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterable, Iterator, Sequence

    from datalint.rule.model import Rule
    from datalint.rule.testing import CaseResult


def run(arguments: argparse.Namespace) -> int:
    started = time.monotonic()
    rules, wrong = _loaded(_files(arguments.paths or _configured(arguments.config)))
    style = Style(color=wants_color(arguments.color, sys.stdout))
    failed = total = 0
    for result in _results(rules, wrong):
        total += 1
        failed += not result.passed
        word = style.paint("ok  ", "green") if result.passed else style.paint("FAIL", "red", "bold")
        sys.stdout.write(f"{word} {result.rule} - {printable(result.case)}\n")
        for line in result.detail.splitlines():
            sys.stdout.write(f"       {printable(line)}\n")
    if wrong and not total:
        raise together(wrong)
    sys.stdout.write(
        f"{count(total, 'test')} of {count(len(rules), 'rule')}, {failed} failed, "
        f"in {time.monotonic() - started:.2f} s\n"
    )
    if wrong:
        raise together(wrong)
    return ExitCode.BLOCKED if failed else ExitCode.CLEAN


def _loaded(paths: Iterable[str]) -> tuple[list[Rule], list[UsageError]]:
    """The rules, and what is wrong with the other files: one that is broken keeps no other from its tests."""
    rules, wrong = [], []
    for path in paths:
        try:
            rules.append(_load(path))
        except UsageError as error:
            wrong.append(error)
    return rules, wrong


def _results(rules: Sequence[Rule], wrong: list[UsageError]) -> Iterator[CaseResult]:
    """Of the tests of all rules whose queries can be asked; adds what is wrong with the others."""
    try:
        yield from run_cases(rules)
    except UsageError as error:
        wrong.append(error)


def _configured(config: str | None) -> list[str]:
    workspace = open_home(config)
    base = os.path.join(workspace.source.base, workspace.home)
    folders = [os.path.relpath(os.path.join(base, folder)) for folder in workspace.config.rules.paths]
    if not folders:
        raise UsageError(
            "no rule files given, and rules.paths names no folder",
            hint="datalint test PATH, as in `datalint test .datalint/rules`",
        )
    return folders


def _files(paths: list[str]) -> list[str]:
    found = []
    for path in paths:
        if os.path.isdir(path):
            inside = [
                os.path.join(folder, name) for folder, _, names in os.walk(path) for name in names if is_rule_file(name)
            ]
            if not inside:
                raise UsageError(f"no rule files in {path}")
            found += sorted(inside)
        else:
            found.append(path)
    # Folders may overlap.
    known: dict[str, str] = {}
    for path in found:
        known.setdefault(os.path.realpath(path), path)
    return list(known.values())


def _load(path: str) -> Rule:
    try:
        with open(path, "rb") as file:
            text = file.read()
    except OSError as error:
        raise UsageError(f"cannot read {path}: {error.strerror}") from error
    # Our own rules have no namespace; everybody else's must have one, as in `datalint check`.
    return load_rule(text, path, builtin=os.path.realpath(os.path.dirname(path)) == os.path.realpath(BUILTIN_RULES))
