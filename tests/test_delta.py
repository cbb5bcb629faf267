"""New, old and mended findings, and what became of samples, told from two sides alone."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from datalint.delta import compare
from datalint.finding import Family, Finding, ResourceChange, SampleChange, Severity, Value, fingerprint
from datalint.followed import Followed, Sample, Side, Total

if TYPE_CHECKING:
    from datalint.delta import Delta

KEYS = {"broken": ("path",), "skew": ("label",), "pair": ("path", "other_path")}


def finding(rule: str, severity: Severity = Severity.ERROR, **values: Value) -> Finding:
    key = {name: values.get(name) for name in KEYS[rule]}
    path = values.get("path")
    return Finding(
        rule,
        severity,
        Family.MISLED,
        rule,
        path=None if path is None else str(path),
        fingerprint=fingerprint(rule, key),
        values=values,
    )


def side(*findings: Finding, root: str = "data", samples: tuple[Sample, ...] = ()) -> Side:
    return Side("/repository", root, findings=findings, samples=samples)


def compared(before: Side, after: Side) -> Delta:
    return compare(before, after, Followed(before, after), after.findings, KEYS)


@pytest.mark.parametrize(
    ("was", "now", "new"),
    [("warning", "error", True), ("error", "error", False), ("error", "warning", False), ("info", "warning", True)],
)
def test_a_finding_is_new_when_it_is_worse_than_before(was: str, now: str, new: bool) -> None:
    later = finding("skew", Severity(now), label="owl")
    delta = compared(side(finding("skew", Severity(was), label="owl")), side(later))
    assert (list(delta.new), list(delta.old)) == (([later], []) if new else ([], [later]))
    assert delta.mended == []


def test_both_names_of_a_pair_follow_their_files() -> None:
    before = side(
        finding("pair", path="data/a/1.jpg", other_path="data/b/2.jpg"),
        samples=(Sample("data/a/1.jpg", None, "a", "git:1"), Sample("data/b/2.jpg", None, "b", "git:2")),
    )
    later = finding("pair", path="data/a/one.jpg", other_path="data/b/two.jpg")
    moved = (Sample("data/a/one.jpg", None, "a", "git:1"), Sample("data/b/two.jpg", None, "b", "git:2"))
    delta = compared(before, side(later, samples=moved))
    assert (delta.new, delta.old, delta.mended) == ([], [later], [])


def test_a_label_that_is_called_like_a_folder_is_not_moved() -> None:
    before, after = side(finding("skew", label="old"), root="old"), side(finding("skew", label="old"), root="new")
    assert compared(before, after).new == []


def test_a_finding_below_one_root_is_that_below_the_other() -> None:
    before = side(finding("broken", path="old/x.jpg"), root="old")
    assert compared(before, side(finding("broken", path="new/x.jpg"), root="new")).new == []
    assert len(compared(before, side(finding("broken", path="old/x.jpg"), root="new")).new) == 1
    whole = Side("/elsewhere/v1", ".", findings=(finding("broken", path="x.jpg"),))
    assert compared(whole, side(finding("broken", path="data/x.jpg"))).new == []


def test_what_nobody_could_look_at_is_not_called_mended() -> None:
    before = side(finding("broken", path="data/x.jpg"), finding("skew", label="owl"))
    after = replace(side(), mute=frozenset({"skew"}), unread=frozenset({"data/x.jpg"}))
    assert compared(before, after).mended == []
    assert len(compared(before, side()).mended) == 2
    after = side()
    assert len(compare(before, after, Followed(before, after), (), {"broken": ("path",)}).mended) == 1, (
        "a rule that does not run now"
    )


def test_copies_are_told_apart_from_renamed_files() -> None:
    def sample(path: str, label: str) -> Sample:
        return Sample(f"data/{path}", "train", label, "git:same")

    before = side(samples=(sample("1.jpg", "a"), sample("2.jpg", "b")))
    after = side(samples=(sample("1.jpg", "a"), sample("3.jpg", "a"), sample("4.jpg", "b")))
    assert compared(before, after).samples == [
        SampleChange("train", "a", added=1),
        SampleChange("train", "b", renamed=1),
    ]


def test_hashes_of_two_kinds_say_nothing_about_the_bytes() -> None:
    before = side(samples=(Sample("data/x.jpg", None, "a", "lfs:" + "1" * 64),))
    assert compared(before, side(samples=(Sample("data/x.jpg", None, "a", "git:" + "2" * 40),))).samples == []
    other = side(samples=(Sample("data/x.jpg", None, "a", "lfs:" + "2" * 64),))
    assert compared(before, other).samples == [SampleChange(None, "a", changed=1)]


def test_a_sample_that_is_listed_twice_counts_twice() -> None:
    row = Sample("data/x.jpg", None, "a", "git:1")
    assert compared(side(samples=(row,)), side(samples=(row, row, row))).samples == [SampleChange(None, "a", added=2)]


def test_resources_of_one_side_alone_have_no_other_figure() -> None:
    memory, disk = Total("host_memory", "bytes", 9.0, 31.0, 80), Total("disk", "bytes", 1.0, None, None)
    before = replace(side(), footprint=(replace_total(memory, 4.0), disk))
    time = Total("job_time", "seconds", 3.0, 5.0, 7)
    assert compared(before, replace(side(), footprint=(memory, time))).footprint == [
        ResourceChange("host_memory", "bytes", 4.0, 9.0, 31.0, 80),
        ResourceChange("job_time", "seconds", None, 3.0, 5.0, 7),
        ResourceChange("disk", "bytes", 1.0, None, None, None),
    ]


def replace_total(total: Total, expected: float) -> Total:
    return total._replace(expected=expected)
