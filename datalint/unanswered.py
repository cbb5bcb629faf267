"""Rules that gave no answer, or not all of it: what stays open, and what only is to be said."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from datalint.aside import not_asked
from datalint.finding import NotChecked
from datalint.outcome import RULE_FAILED, grave

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from datalint.config import BoundRule
    from datalint.rule.model import Rule
    from datalint.rule.outcome import Outcome


class Unanswered(NamedTuple):
    """What was not checked, notes, and the rules of which not every finding is known."""

    not_checked: list[NotChecked]
    notes: list[str]
    rules: frozenset[str]


def unanswered(
    bound: Sequence[BoundRule[Rule]], outcomes: Mapping[str, Outcome], *, aside: Collection[str], fail_on: str
) -> Unanswered:
    """Of a rule whose findings are too many all is decided, unless the ones that are not shown could block."""
    found = Unanswered([], [], frozenset(name for name, outcome in outcomes.items() if outcome.error or outcome.more))
    for item in bound:
        outcome = outcomes[item.rule.id]
        blocking = (item.severity or item.rule.severity) in grave(fail_on)
        words = f"it found more than {len(outcome.rows):,} rows; the first are shown"
        if outcome.error or (outcome.more and blocking):
            found.not_checked.append(NotChecked(f"{RULE_FAILED}{item.rule.id}", outcome.error or words))
        elif outcome.more:
            found.notes.append(f"{item.rule.id}: {words}")
    found.not_checked.extend(not_asked(aside))
    return found
