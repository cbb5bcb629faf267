"""Two sides of a comparison -> what is new, what was there before, what was mended, and what became of the samples."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from datalint.finding import Finding, ResourceChange, SampleChange, fingerprint

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from datalint.followed import Followed, Side, Total

PLACES = frozenset({"path", "other_path", "directory", "folder", "image", "manifest", "shard", "mask"})
"""Columns of a key that name a file or a folder, which another side may know under another name."""


@dataclass(frozen=True, slots=True)
class Delta:
    """`findings` of the later side that the earlier one lacks, or has at a lower severity, are new."""

    new: Sequence[Finding]
    old: Sequence[Finding]
    mended: Sequence[Finding]
    samples: Sequence[SampleChange]
    footprint: Sequence[ResourceChange]


def compare(
    before: Side, after: Side, followed: Followed, findings: Sequence[Finding], keys: Mapping[str, Sequence[str]]
) -> Delta:
    """Tell new `findings` of the later side from old ones; `keys` are the key columns of every rule that ran.

    A finding follows its file where that was renamed. What a rule found before and gave no answer to now is not called
    mended, nor is what was found in a file that nobody could read now.
    """
    ranks: dict[str, int] = {}
    identities = []
    for finding in before.findings:
        identity = _identity(finding, keys.get(finding.rule, ()), followed)
        identities.append(identity)
        ranks[identity] = min(finding.severity.rank, ranks.get(identity, finding.severity.rank))
    old = [finding for finding in findings if ranks.get(finding.fingerprint, 99) <= finding.severity.rank]
    known = {id(finding) for finding in old}
    remaining = {finding.fingerprint for finding in after.findings}
    return Delta(
        new=[finding for finding in findings if id(finding) not in known],
        old=old,
        mended=[
            finding
            for finding, identity in zip(before.findings, identities, strict=True)
            if identity not in remaining
            and finding.rule in keys
            and finding.rule not in after.mute
            and followed.now(finding.path) not in after.unread
        ],
        samples=followed.changes(),
        footprint=list(_resources(before.footprint, after.footprint)),
    )


def _identity(finding: Finding, key: Sequence[str], followed: Followed) -> str:
    """Its fingerprint, had it been found on the later side."""
    values = {name: finding.values.get(name) for name in key}
    moved = {name: followed.now(value) if name in PLACES else value for name, value in values.items()}
    return finding.fingerprint if moved == values else fingerprint(finding.rule, moved)


def _resources(before: Sequence[Total], after: Sequence[Total]) -> Iterator[ResourceChange]:
    earlier = {row.resource: row for row in before}
    for row in after:
        was = earlier.pop(row.resource, None)
        yield ResourceChange(
            row.resource,
            row.unit,
            None if was is None else was.expected,
            row.expected,
            row.available,
            row.largest_n_samples,
        )
    for row in earlier.values():
        yield ResourceChange(row.resource, row.unit, row.expected, None, row.available, None)
