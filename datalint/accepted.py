"""What is left of the findings once the user's ignores and baseline are taken away."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from datalint import baseline, suppress

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from datalint.finding import Finding
    from datalint.workspace import Workspace


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
