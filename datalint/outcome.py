"""Findings -> verdict -> exit code. Apart from `check` so that a remembered verdict needs no other module."""

from __future__ import annotations

from typing import TYPE_CHECKING

from datalint.errors import ExitCode
from datalint.finding import Severity, Verdict

if TYPE_CHECKING:
    from datalint.finding import Result

RULE_FAILED = "rule "
"""How `NotChecked.what` begins when a rule could not be run."""


def grave(fail_on: str) -> frozenset[Severity]:
    """Severities that block; `never` changes the exit code alone."""
    return frozenset({Severity.ERROR, Severity.WARNING} if fail_on == "warning" else {Severity.ERROR})


def verdict(result: Result) -> Verdict:
    """An error decides, also one that was there before; without one, what could not be read leaves it open."""
    old = {finding.severity for finding in result.since.old} if result.since else set()
    if result.summary.errors or Severity.ERROR in old:
        return Verdict.UNTRAINABLE
    if result.not_checked:
        return Verdict.UNDECIDED
    return Verdict.WARNINGS if result.summary.warnings or Severity.WARNING in old else Verdict.TRAINABLE


def exit_code(result: Result, fail_on: str) -> ExitCode:
    """Blocking findings first; then a rule that could not be run; never the output format."""
    if fail_on != "never" and (result.summary.errors or (fail_on == "warning" and result.summary.warnings)):
        return ExitCode.BLOCKED
    if any(item.what.startswith(RULE_FAILED) for item in result.not_checked):
        return ExitCode.UNFINISHED
    return ExitCode.CLEAN
