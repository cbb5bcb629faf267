"""The whole pipeline, readable on one screen: sources -> dataset -> facts -> rules -> findings -> verdict.

This is the only module that knows every room.
"""

from __future__ import annotations

import posixpath
import time
from collections import Counter
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING

from datalint import (
    baseline,
    braces,
    changed,
    drift,
    footprint,
    git,
    locked,
    models,
    readings,
    suppress,
    target,
    trust,
    unjudged,
)
from datalint import config as configuration
from datalint.asked import fitting
from datalint.dataset.annotations import in_pixels
from datalint.dataset.masks.table import table as mask_table
from datalint.facts.cache import open_cache
from datalint.facts.gather import Gathered, gather
from datalint.finding import DatasetInfo, Family, Finding, NotChecked, Result, Severity, Summary, Verdict
from datalint.footprint import estimate, parts
from datalint.footprint.images import images_of
from datalint.footprint.recipe import for_format
from datalint.listed import described, listed, nothing
from datalint.locked import Looked
from datalint.outcome import RULE_FAILED, verdict
from datalint.rule.engine import RuleEngine
from datalint.rule.judge import judge, told
from datalint.ruleset import all_rules, known_queries
from datalint.source.dvc import stages_of
from datalint.tables import Data
from datalint.unseen import unseen
from datalint.workspace import Workspace, open_workspace

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence

    from datalint.config import BoundRule
    from datalint.dataset import Dataset
    from datalint.facts.cache import Cache, NullCache
    from datalint.request import Request
    from datalint.rule.model import Rule
    from datalint.target import Target
    from datalint.unjudged import LeftOpen

    Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Evidence:
    """Everything known about the dataset before any rule is asked."""

    dataset: Dataset
    gathered: Gathered
    tables: Mapping[str, Data]
    machine: Target
    notes: tuple[str, ...]
    left_open: Mapping[str, LeftOpen] = field(default_factory=dict)
    """Resources that nobody could compare with the target, by name."""
    not_checked: tuple[NotChecked, ...] = ()
    """What of the lock file was not compared."""
    built_from: tuple[str, ...] = ()
    """Files, relative to the configuration, that a measured model was built from: where one changes, it is stale."""


@dataclass(frozen=True, slots=True)
class Judged:
    """The result, what blocks, and what it was read from."""

    result: Result
    fail_on: str
    workspace: Workspace
    remaining: Remaining
    evidence: Evidence
    bound: Sequence[BoundRule[Rule]]
    """The rules that were asked."""
    found: Sequence[Finding]
    """What they found, before ignores and baseline."""
    mute: frozenset[str]
    """Those of them that gave no answer."""
    comparing: frozenset[str]
    """Those of them that look at what a commit changes, and not at the dataset alone."""

    @property
    def manifest(self) -> str | None:
        """That of the dataset; None for a folder."""
        return self.evidence.dataset.manifest

    @property
    def built_from(self) -> tuple[str, ...]:
        """Files, relative to the configuration, that a measured model was built from."""
        return self.evidence.built_from

    @property
    def scope(self) -> tuple[str, ...]:
        """Paths in the repository that the verdict was read from: dataset, configuration, rules, model, baseline, lock.

        All of it where a manifest names images anywhere, where a symbolic link or a data.yaml leads out of the dataset,
        and where a difference from another commit's policy is told.
        """
        if (
            self.workspace.policy
            or self.manifest
            or self.evidence.dataset.leads_out
            or (self.workspace.top is not None and git.has_links(self.workspace.top))
        ):
            return (".",)
        settings, home = self.workspace.config, self.workspace.home
        base = posixpath.relpath(self.workspace.source.base, self.workspace.top or self.workspace.source.base)
        beside = (*configuration.FILES, settings.baseline, settings.lock, *settings.rules.paths)
        named = (*filter(None, (settings.dataset.root, settings.training.model)), *self.built_from)
        stages = stages_of(entry.path for entry in self.workspace.source.entries("."))
        paths = (
            braces.place(self.workspace.root),
            *stages,
            *(posixpath.join(home, name) for name in (*beside, *named)),
        )
        return tuple(posixpath.normpath(posixpath.join(base, path)) for path in paths)


_COUNTING = frozenset({"classes", "splits", "batch"})
# What is seen of duplicates, labels and rows is true whatever else there is.
_CERTAIN = frozenset({"duplicates", "leakage", "labels", "manifest"})


def check(request: Request, *, progress: Progress | None = None) -> Judged:
    """Judge one dataset; raises UsageError for what the user must mend, UnfinishedError where nothing was judged."""
    workspace = open_workspace(request)
    return check_in(workspace, request, rules_of(workspace, request), progress=progress)


def rules_of(workspace: Workspace, request: Request) -> list[BoundRule[Rule]]:
    """Those that run, as the configuration and the command line set them; raises UsageError for what cannot be."""
    settings = workspace.config
    rules = all_rules(*workspace.rule_home, settings, label=workspace.rule_label)
    return configuration.resolve_rules(settings, rules, select=request.select, ignore=request.ignore)


def check_in(
    workspace: Workspace, request: Request, asked: Sequence[BoundRule[Rule]], *, progress: Progress | None = None
) -> Judged:
    """The same where the workspace is open, with rules that may come from another one."""
    started = time.monotonic()
    settings = workspace.config
    with RuleEngine(timeout=request.rule_timeout, known=known_queries()) as engine:
        reads = engine.prepare([item.rule for item in asked])
        configuration.check_ignores(settings, {item.rule.id: engine.columns(item.rule.id) for item in asked})
        evidence = collect(workspace, request, progress=progress)
        aside = _aside(evidence, asked)
        bound = [item for item in asked if item.rule.id not in aside]
        outcomes = engine.run(bound, evidence.tables)
    manifest, manifests = evidence.dataset.manifest, evidence.dataset.manifests
    findings = [
        finding
        for item in bound
        for finding in judge(item, outcomes[item.rule.id], manifest=manifest, manifests=manifests)
    ]
    failed = [NotChecked(f"{RULE_FAILED}{name}", outcome.error) for name, outcome in outcomes.items() if outcome.error]
    if aside:
        failed.append(
            NotChecked(f"{len(aside)} rules about classes and splits", "not all files of the dataset are known")
        )
    remaining = (
        accept(
            workspace,
            findings,
            ran={name for name, outcome in outcomes.items() if not outcome.error},
            unread={item.what for item in unseen(evidence.dataset, evidence.gathered.data)},
        )
        if request.use_ignores
        else Remaining(findings)
    )
    remaining = replace(remaining, notes=[*remaining.notes, *drift.findings(workspace)])
    left_open = unjudged.by_rules([item.rule for item in bound], reads, evidence.left_open)
    result = conclude(evidence, remaining, failed, left_open, seconds=time.monotonic() - started)
    result = replace(result, rules=told(bound, result.findings))
    if not len(evidence.dataset.samples) and not result.summary.errors and not described(evidence.dataset):
        # A broken link or an ignored finding beside nothing at all is no dataset that trains.
        raise nothing(evidence.dataset)
    return Judged(
        result,
        request.fail_on or settings.fail_on,
        workspace,
        remaining,
        evidence,
        bound=asked,
        found=findings,
        comparing=frozenset(item.rule.id for item in asked if "changed" in reads[item.rule.id]),
        mute=frozenset(aside) | {name for name, outcome in outcomes.items() if outcome.error},
    )


def _aside(evidence: Evidence, bound: Sequence[BoundRule[Rule]]) -> set[str]:
    """Rules that count samples by class or split, where nobody knows what is in a folder of DVC or in a submodule."""
    kinds = evidence.dataset.problems.columns["kind"]
    if evidence.dataset.manifest is not None or {"dvc-unknown", "submodule"}.isdisjoint(kinds):
        return set()
    return {item.rule.id for item in bound if _COUNTING & set(item.rule.tags) and not _CERTAIN & set(item.rule.tags)}


def collect(workspace: Workspace, request: Request, *, progress: Progress | None = None) -> Evidence:
    """Look at the dataset and predict what training takes; raises UnfinishedError when nothing is there."""
    evidence = look(workspace, request, progress=progress)
    recipe = fitting(workspace, workspace.config.training, evidence.dataset.format)
    machine = evidence.machine
    network = models.declared(workspace, recipe.model)
    images = images_of(evidence.dataset.samples, evidence.gathered.data, channels=recipe.input_channels)
    measured = readings.of_model(workspace, request, recipe.model, network, machine)
    peaks = tuple(kept.reading for kept in measured)
    rows = footprint.predict(recipe, images, machine, network, readings=peaks)
    changes = footprint.changes(rows, recipe, images, machine, network, readings=peaks, first=True)
    reasons = footprint.unpredicted(rows, recipe, images, machine, network, readings=peaks)
    return replace(
        evidence,
        tables={**evidence.tables, "footprint": estimate.table(footprint.advised(rows, changes))},
        left_open=unjudged.left_open(rows, reasons, recipe, machine),
        built_from=tuple(sorted({path for kept in measured for path in kept.files or ()})),
    )


def look(workspace: Workspace, request: Request, *, progress: Progress | None = None) -> Evidence:
    """Read the dataset, gather its facts and lay out all tables but the prediction; UnfinishedError without samples."""
    settings = workspace.config
    believed = trust.believable(workspace.cache_dir)
    with open_cache(workspace.cache_dir if request.use_cache and believed else None) as cache:
        looked = scan(workspace, request, cache, progress=progress)
        found, gathered, masks = looked.dataset, looked.files, looked.masks
        compared = locked.read(request, looked)
        notes = (*workspace.notes, *compared.notes, *cache.warnings)
    if request.use_cache and not believed:
        notes += (f"{workspace.cache_dir} is tracked by git and was not believed: run `git rm -r --cached` on it",)
    machine = (
        target.lookup(request.target, settings.targets)
        if request.target
        else target.lookup(settings.target, settings.targets, position=settings.position("target"))
    )
    recipe = for_format(settings.training, found.format)
    tables = {
        **found.tables(source=workspace.source.name),
        "annotations": in_pixels(found.annotations, found.samples, gathered.data),
        "files": gathered.data,
        "masks": mask_table(found, masks.data),
        "training": recipe.row(),
        "target": machine.row(),
        "changed": changed.read(request, workspace, found),
        "locked": compared.table,
        "parts": parts.table(found.samples, recipe, folder=found.format == "imagefolder"),
    }
    return Evidence(found, gathered, tables, machine, notes, not_checked=tuple(compared.not_checked))


def scan(
    workspace: Workspace, request: Request, cache: Cache | NullCache, *, progress: Progress | None = None
) -> Looked:
    """List the dataset and gather the facts of its files; raises UnfinishedError without samples."""
    facts = partial(
        gather,
        cache=cache,
        workers=request.workers,
        timeout=request.timeout,
        progress=progress,
        fresh=request.verify_lock,
    )
    found = listed(workspace, request, memory=None if request.verify_lock else cache)
    return Looked(workspace, found, facts(found.files), facts(found.masks, masks=True), cache)


@dataclass(frozen=True, slots=True)
class Remaining:
    """Findings that are left once the user's ignores and baseline are taken away."""

    kept: Sequence[Finding]
    notes: Sequence[Finding] = ()
    """What is said of the ignores themselves."""
    ignored: int = 0
    baselined: int = 0
    gone: Sequence[baseline.Accepted] = ()
    """Baseline entries whose finding is no more."""


def accept(
    workspace: Workspace, findings: Sequence[Finding], *, ran: Collection[str], unread: Collection[str]
) -> Remaining:
    """Take away what the user accepts; ignores that expired or match nothing become findings of their own."""
    settings = workspace.config
    suppressed = suppress.apply(findings, settings.ignore, today=datetime.now(UTC).date(), ran=ran)
    known = baseline.load(workspace.read_home, settings.baseline, label=workspace.home_label)
    filtered = baseline.apply(suppressed.kept, known, ran=ran, unread=unread)
    return Remaining(filtered.kept, suppressed.notes, suppressed.ignored, filtered.baselined, filtered.gone)


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
