"""Ignore entries: what they take away, when they end, and when they are said to be useless."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any

import pytest

from datalint.config import Ignore
from datalint.errors import Position
from datalint.finding import Family, Finding, Severity, fingerprint
from datalint.suppress import apply

if TYPE_CHECKING:
    from datalint.finding import Value

TODAY = date(2026, 6, 15)


def finding(rule: str = "class-skew", path: str | None = None, other: str | None = None, **values: Value) -> Finding:
    return Finding(
        rule,
        Severity.ERROR,
        Family.MISLED,
        "m",
        path=path,
        other_path=other,
        values=values,
        fingerprint=fingerprint(rule, {"path": path, **values}),
    )


def ignore(rule: str = "class-skew", **options: Any) -> Ignore:
    return Ignore(rule=rule, reason="because", position=Position("datalint.yaml", 7, 5), **options)


def rules(findings: Any) -> list[str]:
    return [item.rule for item in findings]


@pytest.mark.parametrize(
    ("entry", "item", "expected"),
    [
        (ignore(), finding(), True),
        (ignore(), finding("other"), False),
        (ignore(path="a/**"), finding(path="a/b.jpg"), True),
        (ignore(path="a/**"), finding(path="b/a.jpg"), False),
        (ignore(path="a/**"), finding(path="b/x.jpg", other="a/x.jpg"), True),
        (ignore(path="**"), finding(), False),
        (ignore(path="a*"), finding(path="x/a\nb"), True),
        (ignore(key={"label": "rose"}), finding(label="rose"), True),
        (ignore(key={"label": "rose"}), finding(label="roses"), False),
        (ignore(key={"label": "rose"}), finding(split="train"), False),
        (ignore(key={"label": "rose", "split": "train"}), finding(split="train", label="rose", n=3), True),
        (ignore(key={"label": "rose", "split": "train"}), finding(split="val", label="rose"), False),
        (ignore(key={"label": "rose"}, path="a/"), finding(label="rose", path="b/x"), False),
        (ignore(key={"label": "rose"}, path="a/"), finding(label="rose", path="a/x"), True),
        (ignore(key={"n": 3}), finding(n="3"), True),
        (ignore(key={"n": "3"}), finding(n=3.0), True),
        (ignore(key={"n": 3.5}), finding(n=3.5), True),
        (ignore(key={"flag": "true"}), finding(flag=True), True),
        (ignore(key={"flag": 1}), finding(flag=True), False),
        (ignore(key={"label": None}), finding(label=None), True),
        (ignore(key={"label": ""}), finding(label=None), True),
        (ignore(key={"label": 1000.0}, written={"label": "1e3"}), finding(label="1e3"), True),
        (ignore(key={"label": 1000.0}, written={"label": "1e3"}), finding(label="1000"), False),
        (ignore(key={"label": 1000.0}, written={"label": "1e3"}), finding(label=1000), True),
        (ignore(key={"label": None}, written={"label": "null"}), finding(label="null"), True),
        (ignore(key={"label": 1.1, "n": 2}, written={"label": "1.10"}), finding(label="1.10", n=2.0), True),
    ],
)
def test_every_given_part_must_match(entry: Ignore, item: Finding, expected: bool) -> None:
    result = apply([item], [entry], today=TODAY)
    assert result.ignored == int(expected)
    assert (item in result.kept) is not expected


def test_an_entry_counts_through_its_last_day() -> None:
    result = apply([finding()], [ignore(until=TODAY)], today=TODAY)
    assert (list(result.kept), result.ignored) == ([], 1)


def test_an_entry_that_ended_lets_its_findings_through_and_says_so() -> None:
    items = [finding(label="a"), finding(label="b")]
    result = apply(items, [ignore(until=date(2026, 6, 14))], today=TODAY)
    assert list(result.kept) == items
    (note,) = result.notes
    assert (note.rule, note.severity, note.path, note.line) == (
        "expired-ignore",
        Severity.WARNING,
        "datalint.yaml",
        7,
    )
    assert note.message == "the ignore of class-skew ended on 2026-06-14: 2 findings count again (because)"


def test_an_entry_that_ended_does_not_hide_one_that_holds() -> None:
    result = apply([finding()], [ignore(until=date(2026, 1, 1)), ignore()], today=TODAY)
    assert result.ignored == 1
    assert [note.message for note in result.notes] == [
        "the ignore of class-skew ended on 2026-01-01 and matches no finding (because)"
    ]


def test_an_entry_without_effect_is_reported_at_its_line() -> None:
    (note,) = apply([], [ignore(path="x")], today=TODAY).notes
    assert (note.rule, note.severity, note.path, note.line) == (
        "unused-ignore",
        Severity.INFO,
        "datalint.yaml",
        7,
    )
    assert note.fingerprint


def test_an_entry_for_a_rule_that_did_not_run_is_not_called_unused() -> None:
    entries = [ignore("a"), ignore("b")]
    assert [note.message for note in apply([], entries, today=TODAY, ran={"b"}).notes] == [
        "the ignore of b matches no finding (because)"
    ]


def test_the_first_entry_that_matches_is_the_used_one() -> None:
    entries = [ignore(path="a/**"), ignore(path="a/x"), ignore(path="b")]
    result = apply([finding(path="a/x"), finding(path="b")], entries, today=TODAY)
    assert result.ignored == 2
    assert len(result.notes) == 1


def test_notes_about_different_entries_are_different_findings() -> None:
    entries = [ignore(), ignore(path="a"), ignore(key={"path2": "a"}), ignore("other")]
    assert len({note.fingerprint for note in apply([], entries, today=TODAY).notes}) == 4
