"""GitHub-flavoured Markdown for the summary of a step or a comment: verdict, what has changed, what was found."""

from __future__ import annotations

import re
from itertools import groupby
from typing import TYPE_CHECKING, TextIO

from datalint.finding import Family, Severity
from datalint.report import changes
from datalint.report.words import count, location, of_each, readable, seconds

if TYPE_CHECKING:
    from collections.abc import Sequence

    from datalint.finding import Finding, Result, Since
    from datalint.report.style import Style

BYTES = 1024 * 1024
"""A step's summary that is larger is not shown at all; counted in UTF-8."""
_ROOM = BYTES - 8 * 1024
"""What the findings may fill: the rest is for closing tags and what is said of those that are left out."""
_LONGEST = 2000
"""Letters of a text that are shown: one message must not fill the page."""
_MARKS = {Severity.ERROR: "❌", Severity.WARNING: "⚠️", Severity.INFO: "ℹ️"}

# Whatever means something to Markdown or HTML, as a character reference, which both take for the letter itself.
_SPECIAL = re.compile(r"[&<>|`*_~\[\]\\$\"']|://|(?<=www)\.")


class _Page:
    """Text that counts its bytes: what has no room is counted instead of written."""

    def __init__(self) -> None:
        self.parts: list[str] = []
        self.size = 0

    def add(self, text: str, *, always: bool = False) -> bool:
        """Whether there was room."""
        size = len(text.encode())
        if not always and self.size + size > _ROOM:
            return False
        self.parts.append(text)
        self.size += size
        return True


def render(result: Result, out: TextIO, style: Style) -> None:
    """At most `BYTES` bytes; of a rule, `style.limit` findings are open to the eye and the others behind a click."""
    page = _Page()
    page.add(_head(result), always=True)
    if result.since is not None:
        _since(result.since, len(result.findings), page, style)
    left_out = 0
    for family in sorted(Family, key=lambda family: _worst(result, family)):
        findings = [finding for finding in result.findings if finding.family is family]
        if findings:
            left_out += _family(family, findings, page, style)
    if left_out:
        page.add(f"\n**Not shown, for want of room: {count(left_out, 'finding')}.**\n", always=True)
    _list("not checked", [f"{item.what}: {item.reason}" for item in result.not_checked], page)
    if result.since is not None:
        _list("mended", [finding.message for finding in result.since.mended], page)
        _list("old", [finding.message for finding in result.since.old], page)
    _list("assumed", result.notes, page)
    out.write("".join(page.parts))


def _head(result: Result) -> str:
    dataset, summary = result.dataset, result.summary
    size = [count(dataset.samples, "image")]
    size += [count(dataset.classes, "class", "classes")] if dataset.classes else []
    size += [count(dataset.splits, "split")] if dataset.splits else []
    counts = [count(summary.errors, "error"), count(summary.warnings, "warning"), count(summary.infos, "note")]
    counts += [f"{summary.ignored:,} ignored"] if summary.ignored else []
    counts += [f"{summary.baselined:,} in the baseline"] if summary.baselined else []
    return (
        f"## datalint: {result.verdict.value}\n\n"
        f"**{escaped(dataset.name)}** ({', '.join(size)}) on {escaped(result.target)}: {', '.join(counts)} "
        f"in {seconds(summary.seconds)}\n"
    )


def _worst(result: Result, family: Family) -> tuple[int, int]:
    ranks = (finding.severity.rank for finding in result.findings if finding.family is family)
    return min(ranks, default=len(Severity)), list(Family).index(family)


def _since(since: Since, new: int, page: _Page, style: Style) -> None:
    page.add(f"\n### {escaped(changes.headline(since, new))}\n", always=True)
    moved = changes.ordered(since)
    if moved:
        limit = style.limit or len(moved)
        titles = " | ".join(changes.KINDS)
        page.add(f"\n| samples of | {titles} |\n|---|{'--:|' * len(changes.KINDS)}\n", always=True)
        for change in moved[:limit]:
            numbers = " | ".join(f"{getattr(change, kind):,}" for kind in changes.KINDS)
            page.add(f"| {escaped(changes.place(change))} | {numbers} |\n")
        if len(moved) > limit:
            more = moved[limit:]
            numbers = " | ".join(f"{sum(getattr(change, kind) for change in more):,}" for kind in changes.KINDS)
            page.add(f"| {count(len(more), 'more class', 'more classes')} | {numbers} |\n")
    figures = [change for change in since.footprint if change.before != change.after]
    if figures:
        page.add("\n| training takes | before | after | usable | training samples that fit |\n|---|--:|--:|--:|--:|\n")
    for figure in figures:
        usable = "" if figure.available is None else changes.amount(figure, figure.available)
        fit = "" if figure.largest_n_samples is None else f"{figure.largest_n_samples:,}"
        before, after = (changes.amount(figure, value) for value in (figure.before, figure.after))
        page.add(f"| {escaped(changes.name(figure))} | {before} | **{after}** | {usable} | {fit} |\n")


def _family(family: Family, findings: list[Finding], page: _Page, style: Style) -> int:
    """How many of the findings had no room."""
    ordered = sorted(findings, key=lambda finding: (finding.severity.rank, finding.rule))
    shown, hidden = [], []
    for _, group in groupby(ordered, key=lambda finding: (finding.severity, finding.rule)):
        members = list(group)
        limit = style.limit or len(members)
        shown += members[:limit]
        hidden += members[limit:]
    if not page.add(f"\n### {family.headline}\n\n"):
        return len(findings)
    left_out = _table(shown, page)
    if hidden and page.add(f"\n<details><summary>and {len(hidden):,} more</summary>\n\n"):
        left_out += _table(of_each(hidden), page)
        page.add("\n</details>\n", always=True)
    elif hidden:
        left_out += len(hidden)
    remedies = dict.fromkeys((finding.rule, finding.remedy) for finding in shown if finding.remedy)
    if remedies and page.add("\n<details><summary>what to do</summary>\n\n"):
        for rule, remedy in remedies:
            page.add(f"- **{escaped(rule)}**: {escaped(remedy)}\n")
        page.add("\n</details>\n", always=True)
    return left_out


def _table(findings: Sequence[Finding], page: _Page) -> int:
    if not page.add("| | rule | where | what |\n|---|---|---|---|\n"):
        return len(findings)
    for number, finding in enumerate(findings):
        place = location(finding)
        where = f"<code>{escaped(place)}</code>" if place else ""
        row = f"| {_MARKS[finding.severity]} {finding.severity.value} | {escaped(finding.rule)} | {where} "
        if not page.add(f"{row}| {escaped(finding.message)} |\n"):
            return len(findings) - number
    return 0


def _list(title: str, lines: Sequence[str], page: _Page) -> None:
    """A closed list, which counts what it has no room for."""
    if not lines:
        return
    page.add(f"\n<details><summary>{title} ({len(lines):,})</summary>\n\n", always=True)
    for number, line in enumerate(lines):
        if not page.add(f"- {escaped(line)}\n"):
            page.add(f"- and {len(lines) - number:,} more\n", always=True)
            break
    page.add("\n</details>\n", always=True)


def escaped(text: str) -> str:
    """Text that stays text in a cell: no table, link, markup, formula, nor a person or an issue that GitHub links."""
    text = readable(text if len(text) <= _LONGEST else text[:_LONGEST] + "…")
    text = _SPECIAL.sub(lambda match: f"&#{ord(match[0][0])};{match[0][1:]}", text)
    # Behind a reference GitHub still sees a person or an issue: a comment between the two hides them.
    return re.sub(r"@|(?<!&)#", lambda match: f"&#{ord(match[0])};<!-- -->", text)
