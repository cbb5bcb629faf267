"""The whole pipeline, readable on one screen: sources -> dataset -> facts -> rules -> findings -> verdict.

This is the only module that knows every room.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING

from datalint import changed, drift, footprint, locked, models, nearby, readings, trust, unjudged
from datalint import config as configuration
from datalint.accepted import Remaining, accept
from datalint.aside import set_aside
from datalint.asked import fitted, fitting, machine_of, training_row
from datalint.concluded import conclude
from datalint.dataset.annotations import in_pixels, with_fractions
from datalint.dataset.masks.table import table as mask_table
from datalint.facts.cache import open_cache
from datalint.facts.gather import gather
from datalint.finding import NotChecked
from datalint.footprint import estimate, parts
from datalint.footprint.images import images_of
from datalint.listed import described, listed, nothing
from datalint.looked import Looked
from datalint.nearby import Asked
from datalint.queries import rule_engine
from datalint.rule.judge import judge, told, twins
from datalint.ruleset import all_rules
from datalint.scope import read_from
from datalint.unanswered import unanswered
from datalint.unseen import unseen
from datalint.workspace import open_workspace

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from datalint.config import BoundRule
    from datalint.dataset import Dataset
    from datalint.facts.cache import Cache, NullCache
    from datalint.facts.gather import Gathered
    from datalint.finding import Finding, Result
    from datalint.request import Request
    from datalint.rule.engine import RuleEngine
    from datalint.rule.model import Rule
    from datalint.tables import Data
    from datalint.target import Target
    from datalint.unjudged import LeftOpen
    from datalint.workspace import Workspace

    Progress = Callable[[int, int], None]
    Begin = Callable[[Mapping[str, Data]], None]


@dataclass(frozen=True, slots=True)
class Evidence:
    """Everything known about the dataset before any rule is asked."""

    dataset: Dataset
    gathered: Gathered
    tables: Mapping[str, Data]
    machine: Target
    notes: tuple[str, ...]
    began: float
    """When somebody began to look, in seconds of the monotonic clock."""
    left_open: Mapping[str, LeftOpen] = field(default_factory=dict)
    """Resources that nobody could compare with the target, by name."""
    not_checked: tuple[NotChecked, ...] = ()
    """What of the lock file and of near duplicates was not compared."""
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
    def scope(self) -> tuple[str, ...]:
        """Paths in the repository that the verdict was read from."""
        evidence = self.evidence
        return read_from(self.workspace, evidence.dataset, evidence.tables["locked"], evidence.built_from)


def check(request: Request, *, progress: Progress | None = None, engine: RuleEngine | None = None) -> Judged:
    """Judge one dataset; raises UsageError for what the user must mend, UnfinishedError where nothing was judged.

    `engine` is one that runs already.
    """
    with rule_engine(request, engine) as running:
        workspace = open_workspace(request)
        return check_in(workspace, request, rules_of(workspace, request, running), running, progress=progress)


def rules_of(workspace: Workspace, request: Request, engine: RuleEngine) -> list[BoundRule[Rule]]:
    """Those that run, as the configuration and the command line set them; raises UsageError for what cannot be."""
    settings = workspace.config
    rules = all_rules(*workspace.rule_home, settings, label=workspace.rule_label, prepare=engine.prepare)
    return configuration.resolve_rules(settings, rules, select=request.select, ignore=request.ignore)


def check_in(
    workspace: Workspace,
    request: Request,
    asked: Sequence[BoundRule[Rule]],
    engine: RuleEngine,
    *,
    progress: Progress | None = None,
) -> Judged:
    """The same where the workspace is open, with rules that may come from another one."""
    return judged(workspace, request, asked, engine, gathered_for(workspace, request, asked, engine, progress=progress))


def gathered_for(
    workspace: Workspace,
    request: Request,
    asked: Sequence[BoundRule[Rule]],
    engine: RuleEngine,
    *,
    progress: Progress | None = None,
) -> Evidence:
    """What these rules are judged by; where that takes a while, the engine is at work on some of them already."""
    rules = [item.rule for item in asked]
    reads = engine.prepare(rules)
    configuration.check_ignores(workspace.config, {rule.id: engine.columns(rule.id) for rule in rules})
    begin = partial(engine.begin, rules=asked)
    return collect(workspace, request, near=nearby.asked(asked, reads), progress=progress, begin=begin)


def judged(
    workspace: Workspace,
    request: Request,
    asked: Sequence[BoundRule[Rule]],
    engine: RuleEngine,
    evidence: Evidence,
) -> Judged:
    """What the rules find, what of that counts, and the verdict."""
    reads = engine.prepare([item.rule for item in asked])
    aside = set_aside(evidence.dataset, asked)
    bound = [item for item in asked if item.rule.id not in aside]
    outcomes = engine.run(bound, evidence.tables)
    manifest, manifests = evidence.dataset.manifest, evidence.dataset.manifests
    findings = [
        finding
        for item in bound
        for finding in judge(item, outcomes[item.rule.id], manifest=manifest, manifests=manifests)
    ]
    fail_on = request.fail_on or workspace.config.fail_on
    open_ = unanswered(bound, outcomes, aside=aside, fail_on=fail_on)
    remaining = Remaining(findings)
    if request.use_ignores:
        unread = {item.what for item in unseen(evidence.dataset, evidence.gathered.data)}
        remaining = accept(workspace, findings, ran=outcomes.keys() - open_.rules, unread=unread)
    remaining = replace(remaining, notes=[*remaining.notes, *drift.findings(workspace)])
    left_open = unjudged.by_rules([item.rule for item in bound], reads, evidence.left_open)
    evidence = replace(evidence, notes=(*evidence.notes, *open_.notes, *twins(bound, findings)))
    seconds = time.monotonic() - evidence.began
    result = conclude(evidence, remaining, open_.not_checked, left_open, seconds=seconds)
    result = replace(result, rules=told(bound, result.findings))
    if not len(evidence.dataset.samples) and not result.summary.errors and not described(evidence.dataset):
        # A broken link or an ignored finding beside nothing at all is no dataset that trains.
        raise nothing(evidence.dataset, workspace)
    return Judged(
        result,
        fail_on,
        workspace,
        remaining,
        evidence,
        bound=asked,
        found=findings,
        comparing=frozenset(item.rule.id for item in asked if "changed" in reads[item.rule.id]),
        mute=aside | open_.rules,
    )


def collect(
    workspace: Workspace,
    request: Request,
    *,
    near: Asked = Asked.NOTHING,
    progress: Progress | None = None,
    begin: Begin | None = None,
) -> Evidence:
    """Look at the dataset and predict what training takes; raises UnfinishedError when nothing is there."""
    evidence = look(workspace, request, near=near, progress=progress, begin=begin)
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


def look(
    workspace: Workspace,
    request: Request,
    *,
    near: Asked = Asked.NOTHING,
    progress: Progress | None = None,
    begin: Begin | None = None,
) -> Evidence:
    """Read the dataset, gather its facts and lay out all tables but the prediction; UnfinishedError without samples.

    `begin` is given what is there before pictures are compared, which may take a while.
    """
    began = time.monotonic()
    believed = trust.believable(workspace.cache_dir)
    kept = workspace.cache_dir if request.use_cache and believed else None
    with open_cache(kept, algorithm=workspace.algorithm) as cache:
        looked = scan(workspace, request, cache, progress=progress)
        found, gathered, masks = looked.dataset, looked.files, looked.masks
        compared = locked.read(request, looked)
        machine = machine_of(request, workspace)
        recipe = fitted(workspace.config, workspace.config.training, found.format)
        tables = {
            **found.tables(source=workspace.source.name),
            "annotations": with_fractions(in_pixels(found.annotations, found.samples, gathered.data), found.samples),
            "files": gathered.data,
            "masks": mask_table(found, masks.data),
            "training": training_row(workspace.config, recipe, found.format),
            "target": machine.row(),
            "changed": changed.read(request, workspace, found),
            "locked": compared.table,
            "parts": parts.table(found.samples, recipe, folder=found.format == "imagefolder"),
        }
        if begin is not None:
            begin(tables)
        copies = nearby.compare(looked, near, workers=request.workers, timeout=request.timeout)
        notes = (*workspace.notes, *changed.unseen(request, workspace), *compared.notes, *copies.notes, *cache.warnings)
    if request.use_cache and not believed:
        notes += (f"{workspace.cache_dir} is tracked by git and was not believed: run `git rm -r --cached` on it",)
    tables["near"] = copies.table
    left = (*compared.not_checked, *copies.not_checked)
    return Evidence(found, gathered, tables, machine, notes, began, not_checked=left)


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
