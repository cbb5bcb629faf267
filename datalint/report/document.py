"""The versioned JSON document, shared by `json`, `jsonl` and the verdict cache.

Within a version fields are added, never renamed. The schema stands in `json-v1.schema.json`.
"""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from datalint.finding import (
    DatasetInfo,
    Family,
    Finding,
    NotChecked,
    ResourceChange,
    Result,
    RuleInfo,
    SampleChange,
    Severity,
    Since,
    Summary,
    Verdict,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

SCHEMA = "datalint/json-v1"


def to_document(result: Result) -> dict[str, Any]:
    """Plain values in the order in which a reader wants them."""
    return {
        "schema": SCHEMA,
        "verdict": result.verdict.value,
        "dataset": asdict(result.dataset),
        "target": result.target,
        "summary": asdict(result.summary),
        "findings": [finding_document(finding) for finding in result.findings],
        "not_checked": [asdict(item) for item in result.not_checked],
        "notes": list(result.notes),
        "since": None if result.since is None else _since_document(result.since),
        "rules": [{**asdict(rule), "tags": list(rule.tags)} for rule in result.rules],
    }


def _since_document(since: Since) -> dict[str, Any]:
    return {
        "base": since.base,
        "commit": since.commit,
        "old": [finding_document(finding) for finding in since.old],
        "mended": [finding_document(finding) for finding in since.mended],
        "samples": [asdict(change) for change in since.samples],
        "footprint": [asdict(change) for change in since.footprint],
    }


def finding_document(finding: Finding) -> dict[str, Any]:
    return {
        "rule": finding.rule,
        "severity": finding.severity.value,
        "family": finding.family.value,
        "path": finding.path,
        "line": finding.line,
        "manifest": finding.manifest,
        "other_path": finding.other_path,
        "message": finding.message,
        "remedy": finding.remedy,
        "fingerprint": finding.fingerprint,
        "values": dict(finding.values),
    }


def from_document(document: Mapping[str, Any]) -> Result:
    """The inverse of `to_document`, for a verdict that is shown again; raises KeyError on another shape."""
    return Result(
        verdict=Verdict(document["verdict"]),
        dataset=DatasetInfo(**document["dataset"]),
        target=document["target"],
        summary=Summary(**document["summary"]),
        findings=findings_of(document["findings"]),
        not_checked=[NotChecked(**item) for item in document["not_checked"]],
        notes=document["notes"],
        since=None if document["since"] is None else _since(document["since"]),
        rules=[
            RuleInfo(**{**item, "severity": Severity(item["severity"]), "family": Family(item["family"])})
            for item in document["rules"]
        ],
    )


def findings_of(documents: Sequence[Mapping[str, Any]]) -> list[Finding]:
    """The inverse of `finding_document`, for many."""
    return [
        Finding(**{**item, "severity": Severity(item["severity"]), "family": Family(item["family"])})
        for item in documents
    ]


def _since(document: Mapping[str, Any]) -> Since:
    return Since(
        base=document["base"],
        commit=document["commit"],
        old=findings_of(document["old"]),
        mended=findings_of(document["mended"]),
        samples=[SampleChange(**item) for item in document["samples"]],
        footprint=[ResourceChange(**item) for item in document["footprint"]],
    )
