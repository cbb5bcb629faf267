"""The vocabulary of a verdict: findings, their severity and family, what was not checked, the result."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

Value = str | int | float | bool | None


class Severity(StrEnum):
    ERROR = "error"
    WARNING = "warning"
    INFO = "info"

    @property
    def rank(self) -> int:
        """0 for the worst."""
        return list(Severity).index(self)


class Family(StrEnum):
    """The ways in which training stops, in the order in which a user would meet them."""

    KILLED = "killed"
    BAD_FILE = "bad-file"
    MISMATCH = "mismatch"
    STOPPED = "stopped"
    STARVED = "starved"
    MISLED = "misled"

    @property
    def headline(self) -> str:
        return _HEADLINES[self]


_HEADLINES = {
    Family.KILLED: "it would be killed",
    Family.BAD_FILE: "it would stop at one bad file",
    Family.MISMATCH: "it would fail on labels or shapes",
    Family.STOPPED: "the framework would stop it on purpose",
    Family.STARVED: "it would starve",
    Family.MISLED: "it would learn the wrong thing",
}


class Verdict(StrEnum):
    TRAINABLE = "TRAINABLE"
    WARNINGS = "TRAINABLE, with warnings"
    UNTRAINABLE = "UNTRAINABLE"
    UNDECIDED = "UNDECIDED"


@dataclass(frozen=True, slots=True)
class Finding:
    """One true sentence about the dataset, where it is, and the next step."""

    rule: str
    severity: Severity
    family: Family
    message: str
    remedy: str = ""
    path: str | None = None
    line: int | None = None
    """Line of the manifest that names the sample, else of `path`; counted from 1."""
    manifest: str | None = None
    """Where `line` is, if not in `path`."""
    other_path: str | None = None
    fingerprint: str = ""
    values: Mapping[str, Value] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class NotChecked:
    """Something that could not be judged, and why: never silently clean."""

    what: str
    reason: str


@dataclass(frozen=True, slots=True)
class Summary:
    """Counts behind the verdict; `seconds` is wall time."""

    errors: int
    warnings: int
    infos: int
    ignored: int
    baselined: int
    files: int
    cached: int
    seconds: float


@dataclass(frozen=True, slots=True)
class DatasetInfo:
    """What was judged, as the first line of the report names it."""

    name: str
    format: str
    root: str
    samples: int
    classes: int
    splits: int


@dataclass(frozen=True, slots=True)
class SampleChange:
    """Samples of one split and class that a change adds, removes, moves or labels anew; None where neither is known."""

    split: str | None
    label: str | None
    added: int = 0
    removed: int = 0
    renamed: int = 0
    """The same bytes under another name, in the same split and class."""
    relabelled: int = 0
    """The same bytes or name, which another class or split held before."""
    changed: int = 0
    """Other bytes under the same name."""


@dataclass(frozen=True, slots=True)
class ResourceChange:
    """A resource that training takes before and after a change, as `footprint` predicts it; None where it is not."""

    resource: str
    unit: str
    """bytes or seconds."""
    before: float | None
    after: float | None
    available: float | None
    largest_n_samples: int | None
    """The most training samples that would still fit."""


@dataclass(frozen=True, slots=True)
class Since:
    """What a change makes of the dataset, and which findings were there before it: those do not block."""

    base: str
    """As the user named it."""
    commit: str | None
    """Full id of the base; None for a folder or a manifest."""
    old: Sequence[Finding] = ()
    """Findings of today that the base has as well, at least as severe."""
    mended: Sequence[Finding] = ()
    """Findings of the base that are no more."""
    samples: Sequence[SampleChange] = ()
    footprint: Sequence[ResourceChange] = ()


@dataclass(frozen=True, slots=True)
class RuleInfo:
    """What a report tells of a rule beside its findings; `why` is the rule's page, in Markdown."""

    id: str
    title: str
    severity: Severity
    family: Family
    tags: Sequence[str]
    why: str


@dataclass(frozen=True, slots=True)
class Result:
    """Everything a report may show; with `since`, `findings` are those that are new and alone can block."""

    verdict: Verdict
    dataset: DatasetInfo
    target: str
    summary: Summary
    findings: Sequence[Finding]
    not_checked: Sequence[NotChecked] = ()
    notes: Sequence[str] = ()
    """Assumptions that were made for the user, one sentence each."""
    since: Since | None = None
    """What has changed since the commit that the user compares with, where one is named."""
    rules: Sequence[RuleInfo] = ()
    """Those that found something, by name."""


def fingerprint(rule: str, key: Mapping[str, Value]) -> str:
    """Identity of a finding across runs: the rule and its key columns, never the wording or a count."""
    # Loading it takes 5 ms, and the commit hook asks for no fingerprint.
    import hashlib

    canonical = json.dumps([rule, sorted(key.items())], ensure_ascii=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()[:32]
