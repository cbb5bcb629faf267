"""A dataset and an earlier one: both judged by the same rules, and what is new told from what is old."""

from __future__ import annotations

import os
import posixpath
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import TYPE_CHECKING, cast

from datalint import braces, git, sides
from datalint import check as checking
from datalint.delta import compare
from datalint.errors import NoSamplesError, UsageError
from datalint.finding import Severity, Since
from datalint.followed import Followed, Sample, Side, Total
from datalint.footprint.estimate import TOTAL
from datalint.outcome import verdict
from datalint.queries import rule_engine
from datalint.rule.judge import told
from datalint.tables import texts
from datalint.unseen import unseen
from datalint.workspace import open_before, open_workspace

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from datalint.check import Evidence, Judged
    from datalint.request import Request
    from datalint.rule.engine import RuleEngine
    from datalint.tables import Data
    from datalint.workspace import Workspace

    Progress = Callable[[int, int], None]


def check(request: Request, *, progress: Progress | None = None, engine: RuleEngine | None = None) -> Judged:
    """Judge what was asked for, with only that in `findings` which `request.since` lacks; raises as check.check does.

    That commit is the one where this branch left it. Its side decodes no bytes that the facts of this one know.
    `engine` is as check.check takes it.
    """
    ref = request.since
    assert ref is not None
    with ThreadPoolExecutor(1) as beside, rule_engine(request, engine) as running:
        if not request.use_cache:
            # Both sides hold mostly the same files: between them, facts are kept in any case.
            request = replace(request, use_cache=True, cache_dir=running.scratch("cache"))
        top = git.top_level(_folder(request))
        tip = git.commit(top, ref)
        left = git.fork(top, tip, request.tree)
        commit = left or tip
        asked = replace(request, since=None, base=request.base or commit)
        workspace = open_workspace(asked)
        # Of 100,000 images git needs a quarter of a second for it, and nobody need wait.
        tree = beside.submit(git.index_tree, top) if request.staged else None
        rules = checking.rules_of(workspace, asked, running)
        evidence = checking.gathered_for(workspace, asked, rules, running, progress=progress)
        key = sides.key_of(request, git.tree_of(top, commit), workspace, rules)
        seen = beside.submit(_seen, _bare(workspace, evidence), evidence, key, keep=request.staged)
        now = checking.judged(workspace, asked, rules, running, evidence)
        notes = []
        if left is None:
            words = "which shares no commit with what is judged (a shallow clone may lack it)"
            notes.append(f"compared with {ref} itself, {words}")
        if commit != tip:
            notes.append(f"compared with {commit[:12]}, where this branch left {ref} (now {tip[:12]})")
        after, followed, samples = seen.result()
        after = replace(after, findings=now.found, mute=now.mute)
        if followed is None:
            before = _judged(request, commit, now, key, running, progress)
            if before is None:
                before = Side(os.path.realpath(workspace.source.base), *_place(workspace))
                notes.append(f"{ref} holds no file of this dataset: everything counts as new")
            followed = Followed(before, after)
        if tree is not None:
            alone = [finding for finding in after.findings if finding.rule not in now.comparing]
            key = sides.key_of(request, tree.result(), workspace, rules)
            sides.remember(key, replace(after, findings=alone), samples)
        return _compared(now, followed, after, base=ref, commit=commit, notes=notes)


def diff(earlier: Request, later: Request, *, name: str, progress: Progress | None = None) -> Judged:
    """Judge `later`, with only that in `findings` which `earlier` lacks; `name` is what the user calls that."""
    with rule_engine(later) as engine:
        if not later.use_cache:
            folder = engine.scratch("cache")
            earlier, later = (replace(each, use_cache=True, cache_dir=folder) for each in (earlier, later))
        commit = None if earlier.tree is None else git.commit(os.getcwd(), earlier.tree)
        base = commit if commit and _has(later, commit) else later.tree
        now = checking.check(replace(later, base=base), progress=progress, engine=engine)
        then = open_before(earlier, commit, now.workspace) if commit else open_workspace(earlier)
        if commit is None:
            then = replace(then, config=replace(now.workspace.config, dataset=then.config.dataset))
        then = replace(then, earlier=True)
        earlier = replace(earlier, use_ignores=False, base=commit, verify_lock=False)
        before = side_of(checking.check_in(then, earlier, now.bound, engine, progress=progress))
        after = side_of(now)
        return _compared(now, Followed(before, after), after, base=name, commit=commit, notes=[])


def _folder(request: Request) -> str:
    """Where the repository is looked for: that of the working directory, else of the dataset."""
    if request.staged or request.tree or request.path is None:
        return os.getcwd()
    return request.path if os.path.isdir(request.path) else os.path.dirname(os.path.abspath(request.path))


def _has(request: Request, commit: str) -> bool:
    """Whether what is judged lies in a repository that has the commit: elsewhere nobody can tell what was changed."""
    try:
        return bool(git.commit(git.top_level(_folder(request)), commit))
    except UsageError:
        return False


def _seen(bare: Side, evidence: Evidence, key: str | None, *, keep: bool) -> tuple[Side, Followed | None, bytes | None]:
    """What needs no rule: this side, what became of its samples since a side that is remembered, and they packed.

    It reads nothing of the source, which serves one reader at a time.
    """
    after = _with_samples(bare, evidence)
    before = sides.recall(key)
    followed = None if before is None else Followed(before, after)
    return after, followed, sides.packed(after.samples) if keep else None


def _judged(
    request: Request, commit: str, now: Judged, key: str | None, engine: RuleEngine, progress: Progress | None
) -> Side | None:
    """The commit's side; None where it has no dataset."""
    workspace = replace(open_before(request, commit, now.workspace), earlier=True)
    asked = replace(request, staged=False, tree=commit, base=commit, since=None, use_ignores=False, verify_lock=False)
    try:
        side = side_of(checking.check_in(workspace, asked, now.bound, engine, progress=progress))
    except NoSamplesError:
        return None
    sides.remember(key, side)
    return side


def side_of(judged: Judged) -> Side:
    """What a comparison needs to know of one side."""
    side = _with_samples(_bare(judged.workspace, judged.evidence), judged.evidence)
    return replace(side, findings=judged.found, mute=judged.mute)


def _with_samples(bare: Side, evidence: Evidence) -> Side:
    return replace(bare, samples=_samples(evidence.dataset.samples, evidence.tables["files"]))


def _bare(workspace: Workspace, evidence: Evidence) -> Side:
    """Without its samples, and what rules find."""
    root, manifest = _place(workspace)
    return Side(
        base=os.path.realpath(workspace.source.base),
        root=root,
        manifest=manifest,
        unread={item.what for item in unseen(evidence.dataset, evidence.gathered.data)},
        footprint=_totals(evidence.tables["footprint"]),
    )


def _samples(samples: Data, files: Data) -> list[Sample]:
    """Column by column, as there may be a million."""
    paths, splits, labels = (texts(samples.columns[name]) for name in ("path", "split", "label"))
    # The hash of a pointer is no hash of the picture, which the other side may have: only pointers compare with it.
    causes = files.columns["cause"]
    ids = [
        f"pointer {identity}" if cause == "lfs-pointer" else identity
        for identity, cause in zip(texts(files.columns["content_id"]), causes, strict=True)
    ]
    numbers = cast("Sequence[int | None]", samples.columns["file_id"])
    found = [None if file is None else ids[file] for file in numbers]
    return list(map(Sample._make, zip(paths, splits, labels, found, strict=True)))


def _place(workspace: Workspace) -> tuple[str, str | None]:
    """The folder of the dataset, and the file or pattern that names it."""
    root = workspace.root
    if braces.is_pattern(root):
        return braces.place(root), root
    if workspace.source.read(root, limit=1) is None:
        return root, None
    return posixpath.dirname(root) or ".", root


def _totals(footprint: Data) -> list[Total]:
    columns = footprint.columns
    names = ("stage", "resource", "unit", "expected", "available", "largest_n_samples")
    return [
        Total(str(resource), str(unit), expected, available, largest)
        for stage, resource, unit, expected, available, largest in zip(*(columns[name] for name in names), strict=True)
        if stage == TOTAL
    ]


def _compared(
    now: Judged, followed: Followed, after: Side, *, base: str, commit: str | None, notes: list[str]
) -> Judged:
    before = followed.before
    keys = {item.rule.id: item.rule.key for item in now.bound}
    # What is said of the ignores themselves is not the data's doing, and the other side has no ignores.
    own = {id(note) for note in now.remaining.notes}
    findings = [finding for finding in now.result.findings if id(finding) not in own]
    delta = compare(before, after, followed, findings, keys)
    new = {id(finding) for finding in delta.new}
    kept = [finding for finding in now.result.findings if id(finding) in new | own]
    levels = Counter(finding.severity for finding in kept)
    mute = frozenset(before.mute) - now.mute
    if mute:
        notes.append(f"{', '.join(sorted(mute))} gave no answer for {base}: what they find counts as new")
    result = replace(
        now.result,
        findings=kept,
        summary=replace(
            now.result.summary,
            errors=levels[Severity.ERROR],
            warnings=levels[Severity.WARNING],
            infos=levels[Severity.INFO],
        ),
        rules=told(now.bound, [*kept, *delta.old, *delta.mended]),
        since=Since(base, commit, delta.old, delta.mended, delta.samples, delta.footprint),
        notes=[*now.result.notes, *notes],
    )
    return replace(now, result=replace(result, verdict=verdict(result)))
