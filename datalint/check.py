"""The whole pipeline, readable on one screen: sources -> dataset -> facts -> rules -> findings -> verdict.

This is the only module that knows every room.
"""

from __future__ import annotations

import posixpath
import time
from collections import Counter
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from datalint import baseline, braces, changed, dataset, footprint, git, models, readings, suppress, target, trust
from datalint import config as configuration
from datalint.dataset.annotations import in_pixels
from datalint.errors import UnfinishedError, UsageError
from datalint.facts.cache import open_cache
from datalint.facts.gather import Gathered, gather
from datalint.finding import DatasetInfo, Family, Finding, NotChecked, Result, Severity, Summary, Verdict
from datalint.footprint import estimate, parts
from datalint.footprint.images import images_of
from datalint.outcome import RULE_FAILED, verdict
from datalint.rule.engine import RuleEngine
from datalint.rule.judge import judge
from datalint.ruleset import all_rules
from datalint.source.dvc import stages_of
from datalint.tables import Data
from datalint.workspace import Workspace, open_workspace

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence

    from datalint.config import BoundRule, Config
    from datalint.dataset import Dataset
    from datalint.request import Request
    from datalint.rule.model import Rule

    Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Evidence:
    """Everything known about the dataset before any rule is asked."""

    dataset: Dataset
    gathered: Gathered
    tables: Mapping[str, Data]
    target: str
    notes: tuple[str, ...]
    unpredicted: tuple[NotChecked, ...] = ()
    """What the recipe asks for and nobody could predict."""
    built_from: tuple[str, ...] = ()
    """Files, relative to the configuration, that a dry run's model was built from: where one changes, it is stale."""


@dataclass(frozen=True, slots=True)
class Judged:
    """The result, what blocks, and what it was read from."""

    result: Result
    fail_on: str
    workspace: Workspace
    remaining: Remaining
    evidence: Evidence

    @property
    def manifest(self) -> str | None:
        """That of the dataset; None for a folder."""
        return self.evidence.dataset.manifest

    @property
    def built_from(self) -> tuple[str, ...]:
        """Files, relative to the configuration, that a dry run's model was built from."""
        return self.evidence.built_from

    @property
    def scope(self) -> tuple[str, ...]:
        """Paths in the repository that the verdict was read from: dataset, configuration, rules, model, baseline.

        All of it where a manifest names images anywhere, or a symbolic link leads out of the dataset.
        """
        if self.manifest or (self.workspace.top is not None and git.has_links(self.workspace.top)):
            return (".",)
        settings, home = self.workspace.config, self.workspace.home
        base = posixpath.relpath(self.workspace.source.base, self.workspace.top or self.workspace.source.base)
        beside = (*configuration.FILES, settings.baseline, *settings.rules.paths)
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
    started = time.monotonic()
    workspace = open_workspace(request)
    settings = workspace.config
    with RuleEngine(timeout=request.rule_timeout) as engine:
        rules = all_rules(workspace.source, workspace.home, settings)
        bound = configuration.resolve_rules(settings, rules, select=request.select, ignore=request.ignore)
        engine.prepare([item.rule for item in bound])
        configuration.check_ignores(settings, {item.rule.id: engine.columns(item.rule.id) for item in bound})
        evidence = collect(workspace, request, progress=progress)
        aside = _aside(evidence, bound)
        bound = [item for item in bound if item.rule.id not in aside]
        outcomes = engine.run(bound, evidence.tables)
    manifest = evidence.dataset.manifest
    findings = [finding for item in bound for finding in judge(item, outcomes[item.rule.id], manifest=manifest)]
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
            unread={item.what for item in _unread(evidence)},
        )
        if request.use_ignores
        else Remaining(findings)
    )
    result = conclude(evidence, remaining, failed, seconds=time.monotonic() - started)
    if not len(evidence.dataset.samples) and not result.summary.errors:
        # A broken link or an ignored finding beside nothing at all is no dataset that trains.
        raise _nothing(evidence.dataset)
    return Judged(result, request.fail_on or settings.fail_on, workspace, remaining, evidence)


def _aside(evidence: Evidence, bound: Sequence[BoundRule[Rule]]) -> set[str]:
    """Rules that count samples by class or split, where DVC tracks folders of which nobody knows what is in them."""
    kinds = evidence.dataset.problems.columns["kind"]
    if evidence.dataset.manifest is not None or "dvc-unknown" not in kinds:
        return set()
    return {item.rule.id for item in bound if _COUNTING & set(item.rule.tags) and not _CERTAIN & set(item.rule.tags)}


def listed(workspace: Workspace, request: Request) -> Dataset:
    """Samples and classes, without a look into any image; raises UnfinishedError when nothing is there."""
    settings = workspace.config
    images = settings.dataset.root
    # What the configuration says of its own dataset is not said of another one that the command line names.
    own = workspace.root == posixpath.normpath(posixpath.join(workspace.home, settings.dataset.path))
    try:
        found = dataset.read(
            workspace.source,
            root=workspace.root,
            format=request.format or (settings.dataset.format if own else None),
            framework=settings.training.framework,
            loader=settings.training.loader,
            columns=settings.dataset.columns,
            splits=settings.dataset.splits if own else None,
            suffix=settings.dataset.suffix if own else None,
            files_root=None if images is None else posixpath.normpath(posixpath.join(workspace.home, images)),
        )
    except UsageError as error:
        raise _placed(error, settings, own=own and request.format is None) from error
    if own and request.format is None and found.manifest is None:
        _refuse_manifest_keys(settings, workspace.root, found.format)
    # Images that nobody has fetched, or that the loader passes over, are findings and not an empty dataset.
    passed = {"lfs-pointer", "ignored-suffix", "outside-class"} & set(found.skipped.columns.get("reason", ()))
    if not len(found.samples) and not len(found.problems) and not passed:
        raise _nothing(found)
    return found


def collect(workspace: Workspace, request: Request, *, progress: Progress | None = None) -> Evidence:
    """Read the dataset, gather its facts and lay out the tables; raises UnfinishedError when nothing is there."""
    settings = workspace.config
    found = listed(workspace, request)
    believed = trust.believable(workspace.cache_dir)
    with open_cache(workspace.cache_dir if request.use_cache and believed else None) as cache:
        gathered = gather(
            found.files,
            cache=cache,
            workers=request.workers,
            timeout=request.timeout,
            progress=progress,
        )
        notes = (*workspace.notes, *cache.warnings)
    if request.use_cache and not believed:
        notes += (f"{workspace.cache_dir} is tracked by git and was not believed: run `git rm -r --cached` on it",)
    machine = (
        target.lookup(request.target, settings.targets)
        if request.target
        else target.lookup(settings.target, settings.targets, position=settings.position("target"))
    )
    recipe = settings.training
    network = models.declared(workspace, recipe.model)
    sizes = images_of(found.samples, gathered.data, channels=recipe.input_channels)
    measured = readings.of_model(workspace, request, recipe.model, network)
    dry_runs = tuple(kept.reading for kept in measured)
    rows = footprint.predict(recipe, sizes, machine, network, readings=dry_runs)
    tables = {
        **found.tables(source=workspace.source.name),
        "annotations": in_pixels(found.annotations, found.samples, gathered.data),
        "files": gathered.data,
        "training": recipe.row(),
        "target": machine.row(),
        "footprint": estimate.table(rows),
        "changed": changed.read(request, workspace, found),
        "parts": parts.table(found.samples, recipe, folder=found.format == "imagefolder"),
    }
    unpredicted: tuple[NotChecked, ...] = ()
    if recipe.model is not None and machine.accelerator_memory is not None:
        reasons = footprint.unpredicted(recipe, sizes, machine, network, readings=dry_runs)
        unpredicted = tuple(
            NotChecked(f"accelerator memory of {recipe.model}", reason)
            for resource, reason in reasons.items()
            if resource == footprint.ACCELERATOR_MEMORY
        )
    built_from = tuple(sorted({path for kept in measured for path in kept.files or ()}))
    return Evidence(found, gathered, tables, machine.name, notes, unpredicted, built_from)


def _refuse_manifest_keys(settings: Config, root: str, format_: str) -> None:
    """What is said of a manifest would be ignored without a word where a folder was read."""
    for key in ("columns", "root", "suffix"):
        # The members of an archive are columns too.
        if getattr(settings.dataset, key) and (key, format_) != ("columns", "webdataset"):
            message = f"dataset.{key} is about a manifest, and {root} was read as a folder of images"
            hint = "name the manifest itself in dataset.path, or leave the key out"
            raise UsageError(message, settings.position("dataset", key), hint)


def _placed(error: UsageError, settings: Config, *, own: bool) -> UsageError:
    """The same with the place in the configuration that it is about: what it names, else the format if one is said."""
    keys = error.keys or (("dataset", "format") if own and settings.dataset.format else ())
    if error.position or not keys:
        return error
    return UsageError(error.message, settings.position(*keys), error.hint)


def _nothing(found: Dataset) -> UnfinishedError:
    place = found.manifest or found.root or "."
    return UnfinishedError(f"no samples found in {place} (read as {found.format}): nothing was judged")


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
    known = baseline.load(workspace.read_home, settings.baseline)
    filtered = baseline.apply(suppressed.kept, known, ran=ran, unread=unread)
    return Remaining(filtered.kept, suppressed.notes, suppressed.ignored, filtered.baselined, filtered.gone)


def conclude(evidence: Evidence, remaining: Remaining, failed: Sequence[NotChecked], *, seconds: float) -> Result:
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
        target=evidence.target,
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
        not_checked=[*failed, *_unread(evidence), *evidence.unpredicted],
        notes=[*found.assumptions, *evidence.notes],
    )
    return replace(result, verdict=verdict(result))


def _order(finding: Finding) -> tuple[int, int, str, str, int]:
    """By place where there is one; else the order in which the query returned them stays."""
    family = list(Family).index(finding.family)
    return (family, finding.severity.rank, finding.rule, finding.path or "", finding.line or 0)


_UNREAD = {
    "pointer": "its content was not fetched: run `{fetch}`",
    "remote": "a URL, and nothing was fetched",
    "unreadable": "it could not be read",
    "crashed": "its decoder did not survive",
}


def _unread(evidence: Evidence) -> list[NotChecked]:
    """Files whose pixels nobody has seen, and shards of which nobody knows what is in them."""
    problems = evidence.dataset.problems.columns
    unknown = [
        NotChecked(str(path), f"tracked by DVC ({stage}), and {detail}")
        for kind, path, stage, detail in zip(
            *(problems[name] for name in ("kind", "path", "manifest", "detail")), strict=True
        )
        if kind == "dvc-unknown"
    ]
    return unknown + [
        NotChecked(str(path), f"{_why(str(status), cause)}{f' ({cause})' if cause else ''}")
        # A shard may be whole and of a kind that is not read here; of such an image a rule knows what it means.
        for columns, unread in (
            (evidence.dataset.shards.columns, {*_UNREAD, "unsupported"}),
            (evidence.gathered.data.columns, _UNREAD),
        )
        for path, status, cause in zip(columns["path"], columns["status"], columns["cause"], strict=True)
        if status in unread
    ]


def _why(status: str, cause: object) -> str:
    if status == "unsupported":
        return "it is not read here"
    return _UNREAD[status].format(fetch="dvc pull" if cause == "dvc-missing" else "git lfs pull")
