"""JUnit XML: a suite for each way in which training stops, a test case for each rule that found something.

A case fails where an error was found, or a warning where warnings block. What else was found is its output, for a view
of tests knows no third state and would call a dataset broken that may be merged. What was there before, and what was
not checked, is skipped.
"""

from __future__ import annotations

import re
from itertools import groupby
from typing import TYPE_CHECKING, TextIO
from xml.sax.saxutils import escape, quoteattr

from datalint.finding import Family, Severity
from datalint.outcome import RULE_FAILED, grave
from datalint.report.words import count, location, readable

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from datalint.finding import Finding, NotChecked, Result
    from datalint.report.style import Style

# https://www.w3.org/TR/xml/#charsets; what `readable` leaves of the rest are these two.
_NO_XML = re.compile("[\ufffe\uffff]")
LINES = 1000
"""Findings listed of one rule; views of tests load a case at once."""


def render(result: Result, out: TextIO, style: Style) -> None:
    """Every suite is there also where nothing was found: an empty report is an error to most readers."""
    failing = grave(style.fail_on)
    suites = [_family(family, result, failing) for family in Family]
    if result.not_checked:
        suites.append(("not checked", [_not_checked(item) for item in result.not_checked]))
    out.write('<?xml version="1.0" encoding="UTF-8"?>\n')
    cases = [case for _, members in suites for case in members]
    out.write(f'<testsuites name="datalint" {_counts(cases)} time="{result.summary.seconds:.3f}">\n')
    for name, members in suites:
        out.write(f'  <testsuite name={_attribute(name)} {_counts(members)} time="0">\n')
        out.writelines(members)
        out.write("  </testsuite>\n")
    out.write("</testsuites>\n")


def _family(family: Family, result: Result, failing: Collection[Severity]) -> tuple[str, list[str]]:
    old = result.since.old if result.since else ()
    new = _by_rule(result.findings, family)
    cases = [_found(rule, family, findings, failing) for rule, findings in new.items()]
    for rule, findings in _by_rule(old, family).items():
        were = "was" if len(findings) == 1 else "were"
        reason = f"{count(len(findings), 'finding')} that {were} there before"
        cases.append(_case(f"{rule} (old)", family.value, f"<skipped message={_attribute(reason)}/>"))
    return family.headline, cases or [_case("nothing found", family.value)]


def _by_rule(findings: Sequence[Finding], family: Family) -> dict[str, list[Finding]]:
    members = sorted((item for item in findings if item.family is family), key=lambda item: item.rule)
    return {rule: list(group) for rule, group in groupby(members, key=lambda item: item.rule)}


def _found(rule: str, family: Family, findings: list[Finding], failing: Collection[Severity]) -> str:
    findings = sorted(findings, key=lambda finding: finding.severity.rank)
    lines = [_line(finding) for finding in findings[:LINES]]
    lines += [f"and {len(findings) - LINES:,} more"] if len(findings) > LINES else []
    remedies = dict.fromkeys(item.remedy for item in findings[:LINES] if item.remedy)
    text = escape("\n".join(_plain(line) for line in (*lines, *remedies)))
    worst = findings[0].severity
    if worst not in failing:
        return _case(rule, family.value, f"<system-out>{text}</system-out>")
    more = f" (and {len(findings) - 1:,} more)" if len(findings) > 1 else ""
    message = _attribute(findings[0].message + more)
    return _case(rule, family.value, f'<failure type="{worst.value}" message={message}>{text}</failure>')


def _line(finding: Finding) -> str:
    place = location(finding)
    return f"{finding.severity.value}: {place + ': ' if place else ''}{finding.message}"


def _not_checked(item: NotChecked) -> str:
    if item.what.startswith(RULE_FAILED):
        return _case(item.what, "not-checked", f"<error message={_attribute(item.reason)}/>")
    return _case(item.what, "not-checked", f"<skipped message={_attribute(item.reason)}/>")


def _case(name: str, family: str, inside: str = "") -> str:
    head = f'    <testcase classname="datalint.{family}" name={_attribute(name)} time="0"'
    return f"{head}>\n      {inside}\n    </testcase>\n" if inside else f"{head}/>\n"


def _counts(cases: list[str]) -> str:
    """Counted on what is written, so that the sums are those of the elements."""
    kinds = {"failures": "<failure ", "errors": "<error ", "skipped": "<skipped "}
    told = (f'{kind}="{sum(mark in case for case in cases)}"' for kind, mark in kinds.items())
    return f'tests="{len(cases)}" {" ".join(told)}'


def _attribute(text: str) -> str:
    return quoteattr(_plain(text))


def _plain(text: str) -> str:
    return _NO_XML.sub(lambda match: f"\\u{ord(match[0]):04x}", readable(text))
