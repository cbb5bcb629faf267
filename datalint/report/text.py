"""The report for a terminal: verdict first, then findings by the way in which training would stop."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING, TextIO

from datalint.finding import Family, Finding, Result, Severity, Verdict
from datalint.report.changes import headline, resources, samples
from datalint.report.words import count, location, printable, seconds

if TYPE_CHECKING:
    from datalint.report.style import Style

_VERDICT_COLOR = {
    Verdict.TRAINABLE: "green",
    Verdict.WARNINGS: "yellow",
    Verdict.UNTRAINABLE: "red",
    Verdict.UNDECIDED: "yellow",
}
_SEVERITY_COLOR = {Severity.ERROR: "red", Severity.WARNING: "yellow", Severity.INFO: "blue"}
_INDENT = " " * 8


def render(result: Result, out: TextIO, style: Style) -> None:
    """Write the whole report; one finding takes a line, its remedy stands once where it is that of several."""
    out.write(_headline(result, style))
    out.writelines(style.paint(f"  {printable(note)}", "dim") + "\n" for note in result.notes)
    for family in Family:
        findings = [finding for finding in result.findings if finding.family is family]
        if findings:
            out.write("\n" + style.paint(family.headline, "bold") + "\n")
            _family(findings, out, style)
    _not_checked(result, out, style)
    _since(result, out, style)
    out.write("\n" + _closing(result, style) + "\n")


def _headline(result: Result, style: Style) -> str:
    dataset = result.dataset
    parts = [count(dataset.samples, "image")]
    if dataset.classes:
        parts.append(count(dataset.classes, "class", "classes"))
    if dataset.splits:
        parts.append(count(dataset.splits, "split"))
    verdict = style.paint(result.verdict.value, "bold", _VERDICT_COLOR[result.verdict])
    return f"{verdict}  {printable(dataset.name)} ({', '.join(parts)}) on {printable(result.target)}\n"


def _family(findings: list[Finding], out: TextIO, style: Style) -> None:
    ordered = sorted(findings, key=lambda finding: (finding.severity.rank, finding.rule))
    for (severity, rule), group in groupby(ordered, key=lambda finding: (finding.severity, finding.rule)):
        members = list(group)
        shown = members[: style.limit] if style.limit else members
        word = style.paint(severity.value, _SEVERITY_COLOR[severity])
        left = len(members) - len(shown)
        # One step for all of them stands at the end, steps that differ each below its own.
        for number, finding in enumerate(shown, 1):
            out.write(f"  {word} {style.paint(rule, 'bold')}  {printable(_sentence(finding))}\n")
            last = number == len(shown)
            if last and left:
                out.write(f"{_INDENT}and {left:,} more of {rule}\n")
            if finding.remedy and (last or shown[number].remedy != finding.remedy):
                out.write(style.paint(f"{_INDENT}{printable(finding.remedy)}", "dim") + "\n")


def _sentence(finding: Finding) -> str:
    """The message, led by its place unless it names the place itself."""
    place = location(finding)
    if place and not (finding.path and finding.path in finding.message and finding.line is None):
        return f"{place}: {finding.message}"
    return finding.message


def _not_checked(result: Result, out: TextIO, style: Style) -> None:
    if not result.not_checked:
        return
    out.write("\n" + style.paint("not checked", "bold") + "\n")
    shown = result.not_checked[: style.limit] if style.limit else result.not_checked
    out.writelines(f"  {printable(f'{item.what}: {item.reason}')}\n" for item in shown)
    if len(result.not_checked) > len(shown):
        out.write(f"{_INDENT}and {len(result.not_checked) - len(shown):,} more\n")


def _since(result: Result, out: TextIO, style: Style) -> None:
    if result.since is None:
        return
    out.write("\n" + style.paint(printable(headline(result.since, len(result.findings))), "bold") + "\n")
    changes = samples(result.since)
    shown = changes[: style.limit] if style.limit else changes
    out.writelines(f"  {printable(line)}\n" for line in shown)
    if len(changes) > len(shown):
        out.write(f"{_INDENT}and {count(len(changes) - len(shown), 'more class', 'more classes')} with changes\n")
    out.writelines(f"  {printable(line)}\n" for line in resources(result.since))


def _closing(result: Result, style: Style) -> str:
    summary = result.summary
    counts = [
        count(summary.errors, "error"),
        count(summary.warnings, "warning"),
        *([count(summary.infos, "note")] if summary.infos else []),
        *([f"{summary.ignored:,} ignored"] if summary.ignored else []),
        *([f"{summary.baselined:,} in the baseline"] if summary.baselined else []),
    ]
    closing = (
        f"{', '.join(counts)} in {seconds(summary.seconds)} "
        f"({count(summary.files, 'file')}, {summary.cached:,} from cache)"
    )
    if result.findings:
        worst = min(result.findings, key=lambda finding: finding.severity.rank)
        closing += style.paint(f"      next: datalint explain {worst.rule}", "cyan")
    return closing
