"""Evidence and findings -> the result, with its verdict."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING

from datalint.finding import DatasetInfo, Family, Finding, NotChecked, Result, Severity, Summary, Verdict
from datalint.outcome import verdict
from datalint.unseen import unseen

if TYPE_CHECKING:
    from collections.abc import Sequence

    from datalint.accepted import Remaining
    from datalint.check import Evidence
    from datalint.unjudged import LeftOpen


def conclude(
    evidence: Evidence,
    remaining: Remaining,
    failed: Sequence[NotChecked],
    left_open: Sequence[LeftOpen],
    *,
    seconds: float,
) -> Result:
    """Count, put in order, and speak the verdict; `seconds` is the wall time of the run."""
    found, findings = evidence.dataset, sorted([*remaining.kept, *remaining.notes], key=_order)
    levels = Counter(finding.severity for finding in findings)
    result = Result(
        verdict=Verdict.UNDECIDED,
        dataset=DatasetInfo(
            name=found.name,
            format=found.format,
            root=found.root,
            samples=len(found.samples),
            classes=found.n_classes,
            splits=found.n_splits,
        ),
        target=evidence.machine.name,
        summary=Summary(
            errors=levels[Severity.ERROR],
            warnings=levels[Severity.WARNING],
            infos=levels[Severity.INFO],
            ignored=remaining.ignored,
            baselined=remaining.baselined,
            files=len(evidence.gathered.data),
            cached=evidence.gathered.cached,
            seconds=round(seconds, 3),
        ),
        findings=findings,
        not_checked=[
            *failed,
            *unseen(evidence.dataset, evidence.gathered.data),
            *evidence.not_checked,
            *(NotChecked(*item[:2]) for item in left_open if item.asked),
        ],
        notes=[*found.assumptions, *evidence.notes, *(item.note for item in left_open if not item.asked)],
    )
    return replace(result, verdict=verdict(result))


def _order(finding: Finding) -> tuple[int, int, str, str, int]:
    """By place where there is one; else the order in which the query returned them stays."""
    family = list(Family).index(finding.family)
    return (family, finding.severity.rank, finding.rule, finding.path or "", finding.line or 0)
