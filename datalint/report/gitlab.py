"""GitLab's Code Quality report: a list of what was found, which GitLab compares with the target branch's."""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING, Any, TextIO

from datalint.finding import Severity, fingerprint
from datalint.report.words import CONFIGURATION, place_of, readable, worst_first

if TYPE_CHECKING:
    from datalint.finding import Finding, Result
    from datalint.report.style import Style

_SEVERITIES = {Severity.ERROR: "critical", Severity.WARNING: "major", Severity.INFO: "info"}


def render(result: Result, out: TextIO, style: Style) -> None:  # noqa: ARG001 - every format has this signature
    """With `since` also what is old: else GitLab would call it mended. What was not checked is an entry of its own."""
    findings = worst_first([*result.findings, *(result.since.old if result.since else ())])
    turns: Counter[str] = Counter()
    entries = [_entry(finding, turns) for finding in findings]
    entries += [
        _document(
            description=f"not checked: {item.what}: {item.reason}",
            check="not-checked",
            identity=fingerprint("not-checked", {"what": item.what, "reason": item.reason}),
            severity="info",
            place=(CONFIGURATION, 1),
        )
        for item in result.not_checked
    ]
    json.dump(entries, out, indent=2)
    out.write("\n")


def _entry(finding: Finding, turns: Counter[str]) -> dict[str, Any]:
    turn = turns[finding.fingerprint]
    turns[finding.fingerprint] += 1
    # Two entries with one fingerprint are one to GitLab.
    own = finding.fingerprint if not turn else fingerprint(finding.rule, {"of": finding.fingerprint, "turn": turn})
    return _document(
        description=f"{finding.message}. {finding.remedy}" if finding.remedy else finding.message,
        check=finding.rule,
        identity=own,
        severity=_SEVERITIES[finding.severity],
        place=place_of(finding),
    )


def _document(*, description: str, check: str, identity: str, severity: str, place: tuple[str, int]) -> dict[str, Any]:
    return {
        "description": readable(description),
        "check_name": check,
        "fingerprint": identity,
        "severity": severity,
        "location": {"path": readable(place[0]).removeprefix("./"), "lines": {"begin": place[1]}},
    }
