"""The whole pipeline, readable on one screen: sources -> dataset -> facts -> rules -> findings -> verdict.

This is the only module that knows every room.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from datalint import baseline, config, dataset, suppress, target
from datalint.errors import UnfinishedError
from datalint.facts.cache import open_cache
from datalint.facts.gather import Gathered, gather
from datalint.finding import DatasetInfo, Family, Finding, NotChecked, Result, Severity, Summary, Verdict
from datalint.rule.engine import RuleEngine
from datalint.rule.judge import judge
from datalint.outcome import RULE_FAILED, verdict
from datalint.ruleset import all_rules
from datalint.tables import Data
from datalint.workspace import Workspace, open_workspace

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from datalint.config import BoundRule
    from datalint.dataset import Dataset
    from datalint.request import Request
    from datalint.rule.engine import Outcome

    Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Evidence:
    """Everything known about the dataset before any rule is asked."""

    dataset: Dataset
    gathered: Gathered
    tables: Mapping[str, Data]
    target: str
    warnings: tuple[str, ...]


def check(request: Request, *, progress: Progress | None = None) -> Result:
    """Judge one dataset; raises UsageError for what the user must mend, UnfinishedError where nothing was judged."""
    started = time.monotonic()
    workspace = open_workspace(request)
    with RuleEngine(timeout=request.rule_timeout) as engine:
        rules = all_rules(workspace.source, workspace.home, workspace.config.rules.paths)
        bound = config.resolve_rules(workspace.config, rules, select=request.select, ignore=request.ignore)
        engine.prepare([item.rule for item in bound])
        evidence = collect(workspace, request, progress=progress)
        outcomes = engine.run(bound, evidence.tables)
    return conclude(workspace, request, evidence, bound, outcomes, started=started)


def collect(workspace: Workspace, request: Request, *, progress: Progress | None = None) -> Evidence:
    """Read the dataset, gather its facts and lay out the tables; raises UnfinishedError when nothing is there."""
    settings = workspace.config
    found = dataset.read(
        workspace.source,
        root=workspace.root,
        format=request.format or settings.dataset.format,
        framework=settings.training.framework,
        columns=settings.dataset.columns,
        files_root=settings.dataset.root,
    )
    if not len(found.samples) and not len(found.problems):
        raise UnfinishedError(f"no samples found in {found.root or '.'} (read as {found.format}): nothing was judged")
    with open_cache(workspace.cache_dir if request.use_cache else None) as cache:
        gathered = gather(
            found.files, cache=cache, workers=request.workers, timeout=request.timeout, progress=progress
        )
        warnings = tuple(cache.warnings)
    machine = target.lookup(request.target or settings.target, settings.targets)
    tables = {
        **found.tables(source=workspace.source.name),
        "files": gathered.data,
        "training": settings.training.row(),
        "target": machine.row(),
    }
    return Evidence(found, gathered, tables, machine.name, warnings)


def conclude(
    workspace: Workspace,
    request: Request,
    evidence: Evidence,
    bound: Sequence[BoundRule],
    outcomes: Mapping[str, Outcome],
    *,
    started: float,
) -> Result:
    """Turn rows into findings, take away what the user accepts, and speak the verdict."""
    findings = [finding for item in bound for finding in judge(item, outcomes[item.rule.id])]
    failed = [NotChecked(f"{RULE_FAILED}{name}", outcome.error) for name, outcome in outcomes.items() if outcome.error]
    ignored = baselined = 0
    notes: list[str] = []
    if request.use_ignores:
        today = datetime.now(UTC).date()
        suppressed = suppress.apply(findings, workspace.config.ignore, today=today)
        accepted = baseline.load(workspace.source.read, workspace.home, workspace.config.baseline)
        filtered = baseline.apply(suppressed.kept, accepted)
        findings, ignored, baselined = [*filtered.kept], suppressed.ignored, filtered.baselined
        notes = [*suppressed.notes, *filtered.notes]
    findings.sort(key=_order)
    unread = _unread(evidence)
    result = Result(
        verdict=Verdict.TRAINABLE,
        dataset=DatasetInfo(
            name=evidence.dataset.name,
            format=evidence.dataset.format,
            root=evidence.dataset.root,
            samples=len(evidence.dataset.samples),
            classes=evidence.dataset.n_classes,
            splits=evidence.dataset.n_splits,
        ),
        target=evidence.target,
        summary=Summary(
            errors=sum(finding.severity is Severity.ERROR for finding in findings),
            warnings=sum(finding.severity is Severity.WARNING for finding in findings),
            infos=sum(finding.severity is Severity.INFO for finding in findings),
            ignored=ignored,
            baselined=baselined,
            files=len(evidence.gathered.data),
            cached=evidence.gathered.cached,
            seconds=round(time.monotonic() - started, 3),
        ),
        findings=findings,
        not_checked=[*failed, *unread],
        notes=[*evidence.dataset.assumptions, *evidence.warnings, *notes],
    )
    return replace(result, verdict=verdict(result))


def _order(finding: Finding) -> tuple[int, int, str, str, int, str]:
    family = list(Family).index(finding.family)
    return (family, finding.severity.rank, finding.rule, finding.path or "", finding.line or 0, finding.fingerprint)


_UNREAD = {
    "pointer": "its content was not fetched: run `git lfs pull`",
    "unreadable": "it could not be read",
    "crashed": "its decoder did not survive",
}


def _unread(evidence: Evidence) -> list[NotChecked]:
    """Files whose pixels nobody has seen."""
    columns = evidence.gathered.data.columns
    return [
        NotChecked(str(path), f"{_UNREAD[str(status)]}{f' ({cause})' if cause else ''}")
        for path, status, cause in zip(columns["path"], columns["status"], columns["cause"], strict=True)
        if status in _UNREAD
    ]
