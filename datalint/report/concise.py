"""One line per finding, `path:line: severity[rule] message`, for pipes and grep."""

from __future__ import annotations

from typing import TYPE_CHECKING, TextIO

from datalint.report.changes import headline
from datalint.report.words import location, printable

if TYPE_CHECKING:
    from datalint.finding import Result
    from datalint.report.style import Style


def render(result: Result, out: TextIO, style: Style) -> None:
    """Findings, what was not checked, what has changed, and the verdict; control characters in names are escaped."""
    for finding in result.findings:
        place = printable(location(finding) or result.dataset.root or result.dataset.name)
        word = style.paint(f"{finding.severity.value}[{finding.rule}]", "bold")
        out.write(f"{place}: {word} {printable(finding.message)}\n")
    out.writelines(printable(f"{item.what}: not checked: {item.reason}") + "\n" for item in result.not_checked)
    if result.since is not None:
        out.write(printable(headline(result.since, len(result.findings))) + "\n")
    out.write(f"{result.verdict.value}\n")
