"""Annotations of GitHub Actions: workflow commands on standard output, within what a step may show."""

from __future__ import annotations

from typing import TYPE_CHECKING, TextIO

from datalint.finding import Severity
from datalint.report.words import of_each, place_of, readable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from datalint.finding import Finding, Result
    from datalint.report.style import Style

SHOWN = 10
"""Annotations of one level that GitHub shows of a step; it drops the rest without a word."""
_LEVELS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.INFO: "notice"}


def render(result: Result, out: TextIO, style: Style) -> None:  # noqa: ARG001 - every format has this signature
    """Errors, warnings, notices; the last one of a level counts those for which there is no room."""
    for severity, level in _LEVELS.items():
        findings = of_each(finding for finding in result.findings if finding.severity is severity)
        lines = [_annotation(level, finding) for finding in findings]
        # What was not checked is never silently clean.
        if severity is Severity.WARNING:
            lines += [
                _command(level, f"{item.what}: {item.reason}", title="datalint: not checked")
                for item in result.not_checked
            ]
        out.writelines(lines if len(lines) <= SHOWN else [*lines[: SHOWN - 1], _rest(level, findings, len(lines))])


def _annotation(level: str, finding: Finding) -> str:
    file, line = place_of(finding)
    text = f"{finding.message}\n{finding.remedy}" if finding.remedy else finding.message
    # A finding about the whole dataset has no file: GitHub then shows it at the workflow.
    where = {"file": file, "line": str(line)} if finding.path or finding.manifest else {}
    return _command(level, text, **where, title=f"datalint: {finding.rule}")


def _rest(level: str, findings: Sequence[Finding], total: int) -> str:
    rules = dict.fromkeys(finding.rule for finding in findings[SHOWN - 1 :])
    names = ", ".join(list(rules)[:SHOWN]) + (", ..." if len(rules) > SHOWN else "")
    said = f"; of {names}" if names else ""
    return _command(
        level,
        f"{total - SHOWN + 1:,} more that GitHub has no room for{said}: see the log or the summary of this step",
        title="datalint",
    )


def _command(level: str, text: str, **properties: str) -> str:
    said = ",".join(f"{key}={_property(value)}" for key, value in properties.items())
    return f"::{level} {said}::{_data(text)}\n"


def _data(text: str) -> str:
    return "%0A".join(_shown(line) for line in text.split("\n"))


def _shown(text: str) -> str:
    return readable(text).replace("%", "%25")


def _property(text: str) -> str:
    return _shown(text).replace(":", "%3A").replace(",", "%2C")
