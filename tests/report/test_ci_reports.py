"""Annotations, Code Quality, JUnit and Markdown: the limits of those who read them, and names that mean harm."""

from __future__ import annotations

import io
import json
import re
import xml.etree.ElementTree as ET
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from datalint import report
from datalint.finding import Family, NotChecked, SampleChange, Severity
from datalint.report.markdown import BYTES, escaped
from datalint.report.style import Style
from tests.report.results import RESULT, SINCE, finding

if TYPE_CHECKING:
    from datalint.finding import Finding, Result


def rendered(name: str, result: Result, style: Style | None = None) -> str:
    out = io.StringIO()
    report.load(name).render(result, out, style or Style())
    return out.getvalue()


def of(*findings: Finding) -> Result:
    return replace(RESULT, findings=findings, not_checked=[], notes=[])


# https://github.com/actions/runner, ActionCommand.cs: how a line of standard output becomes a command.
COMMAND = re.compile(r"::(error|warning|notice) ([^:]*)::(.*)")


def command(line: str) -> tuple[str, dict[str, str], str]:
    match = COMMAND.fullmatch(line)
    assert match, line
    properties = dict(pair.split("=", 1) for pair in match[2].split(","))
    return match[1], {key: plain(value) for key, value in properties.items()}, plain(match[3])


def plain(text: str) -> str:
    for code, letter in (("%0D", "\r"), ("%0A", "\n"), ("%3A", ":"), ("%2C", ","), ("%25", "%")):
        text = text.replace(code, letter)
    return text


def test_an_annotation_says_what_where_and_what_to_do() -> None:
    line = rendered("github", of(finding("missing-file", "a,b:c 50%.csv", "x: 10% off, y", line=7))).rstrip("\n")
    assert command(line) == (
        "error",
        {"file": "a,b:c 50%.csv", "line": "7", "title": "datalint: missing-file"},
        "x: 10% off, y\nmend missing-file",
    )


def test_ten_annotations_of_a_level_are_shown_and_the_eleventh_makes_the_last_a_count() -> None:
    ten = [finding("e", f"{n}.jpg", f"m{n}") for n in range(10)]
    lines = rendered("github", of(*ten)).splitlines()
    assert [command(line)[2] for line in lines] == [f"m{n}\nmend e" for n in range(10)]
    lines = rendered("github", of(*ten, finding("other", "z.jpg", "rare"))).splitlines()
    assert len(lines) == 10
    assert command(lines[1])[2] == "rare\nmend other", "no rule hides the others"
    assert command(lines[-1])[2].startswith("2 more that GitHub has no room for; of e:")


def test_levels_have_their_own_room_and_what_was_not_checked_is_a_warning() -> None:
    infos = [finding("i", f"{n}.jpg", "m", severity=Severity.INFO) for n in range(20)]
    result = replace(of(finding("e", "a.jpg", "m"), *infos), not_checked=[NotChecked("x.jpg", "not fetched")])
    told = [command(line) for line in rendered("github", result).splitlines()]
    assert [level for level, _, _ in told] == ["error", "warning", *["notice"] * 10]
    assert told[1][2] == "x.jpg: not fetched"


def test_old_findings_are_no_annotations() -> None:
    assert len(rendered("github", SINCE).splitlines()) == 2


def test_every_entry_of_gitlab_is_complete_and_has_a_fingerprint_of_its_own() -> None:
    entries = json.loads(rendered("gitlab", SINCE))
    assert len(entries) == 5, "what is old is there too: else GitLab would call it mended"
    assert len({entry["fingerprint"] for entry in entries}) == 5
    for entry in entries:
        assert set(entry) == {"description", "check_name", "fingerprint", "severity", "location"}
        assert entry["severity"] in {"info", "minor", "major", "critical", "blocker"}
        assert entry["location"]["lines"]["begin"] >= 1
        assert not entry["location"]["path"].startswith(("/", "./"))
    assert [entry["location"]["path"] for entry in entries if entry["check_name"] == "class-skew"] == [
        "datalint.yaml",
        "datalint.yaml",
    ]
    (unseen,) = [entry for entry in json.loads(rendered("gitlab", RESULT)) if entry["check_name"] == "not-checked"]
    assert unseen["description"] == "not checked: train/x.jpg: its content was not fetched"


def test_junit_fails_for_errors_and_counts_what_it_holds() -> None:
    result = replace(RESULT, not_checked=[*RESULT.not_checked, NotChecked("rule label-skew", "took too long")])
    root = ET.fromstring(rendered("junit", result))
    failed = [case.get("name") for case in root.iter("testcase") if case.find("failure") is not None]
    assert failed == ["missing-file", "truncated-image"]
    assert [case.get("name") for case in root.iter("testcase") if case.find("skipped") is not None] == ["train/x.jpg"]
    assert [case.get("name") for case in root.iter("testcase") if case.find("error") is not None] == ["rule label-skew"]
    for suite in (root, *root.iter("testsuite")):
        for attribute, tag in (("tests", "testcase"), ("failures", "failure"), ("errors", "error")):
            assert int(suite.get(attribute, "-1")) == len(list(suite.iter(tag)))
    assert "train/tulip/11.jpg ends early" in "".join(root.itertext()), "every finding is listed"


@pytest.mark.parametrize(("fail_on", "failed"), [("never", []), ("error", []), ("warning", [("small", "warning")])])
def test_junit_fails_for_warnings_where_they_block(fail_on: str, failed: list[tuple[str, str]]) -> None:
    """A note never blocks."""
    warned = finding("small", "a.jpg", "a.jpg is small", severity=Severity.WARNING)
    noted = finding("odd", "a.jpg", "a.jpg is odd", severity=Severity.INFO)
    root = ET.fromstring(rendered("junit", of(warned, noted), Style(fail_on=fail_on)))
    cases = [(case.get("name"), each.get("type")) for case in root.iter("testcase") for each in case.iter("failure")]
    assert cases == failed
    assert root.get("failures") == str(len(failed))
    assert "a.jpg is small" in "".join(root.itertext()), "it is listed either way"


def test_junit_of_a_clean_dataset_is_no_empty_report() -> None:
    root = ET.fromstring(rendered("junit", of()))
    assert [suite.get("name") for suite in root] == [family.headline for family in Family]
    assert all(list(suite) for suite in root)
    assert not list(root.iter("failure"))


@pytest.mark.parametrize("odd", ["\x00", "\x08", "\ufffe", "\uffff", "\udcff\ud800", "]]>", "<&\"'>", "\u2028"])
def test_junit_is_xml_whatever_a_name_holds(odd: str) -> None:
    bad = finding("empty-file", f"a{odd}b.jpg", f"a{odd}b.jpg has 0 bytes", remedy=odd)
    result = replace(of(bad), not_checked=[NotChecked(odd, odd)])
    root = ET.fromstring(rendered("junit", result).encode())
    assert next(root.iter("failure")).get("message", "").endswith("b.jpg has 0 bytes")


def test_every_format_can_be_written_in_utf_8_whatever_a_name_holds() -> None:
    bad = finding("empty-file", "a\udcff\ud800.jpg", "a\udcff\ud800.jpg has 0 bytes", remedy="\udcff")
    for name in ("github", "sarif", "gitlab", "junit", "markdown"):
        assert rendered(name, of(bad)).encode()


def test_markdown_shows_ten_of_a_rule_and_the_others_behind_a_click() -> None:
    text = rendered("markdown", RESULT)
    before, _, after = text.partition("<details><summary>and 2 more</summary>")
    assert before.count("ends early |") == 10
    assert after.count("ends early |") == 2


@pytest.mark.parametrize(
    "hostile",
    ["a|b", "`x`", "<img src=x onerror=y>", "[x](http://y)", "*b*", "$x$", "https://evil.example", "www.evil.example"],
)
def test_no_letter_of_a_name_means_anything_to_markdown(hostile: str) -> None:
    told = escaped(hostile)
    assert not re.search(r"[|`<>\[\]*$]|://|www\.", told.replace("<!-- -->", ""))
    row = next(
        line for line in rendered("markdown", of(finding("e", hostile, "m"))).splitlines() if line.startswith("| ❌")
    )
    assert row.count("|") == 5


def test_a_name_calls_nobody_and_no_issue() -> None:
    assert escaped("@admin/a.jpg #12") == "&#64;<!-- -->admin/a.jpg &#35;<!-- -->12"


def test_a_summary_stays_below_one_mebibyte_and_counts_what_is_left_out() -> None:
    many = [finding("e", f"ä{n:06}é.jpg", f"ä{n:06}é.jpg " + "ü" * 200) for n in range(6_000)]
    result = replace(
        of(*many, finding("f", "z.jpg", "m", family=Family.MISLED)),
        not_checked=[NotChecked(f"{n}.jpg", "ö" * 100) for n in range(6_000)],
    )
    for style in (Style(), Style(limit=0)):
        text = rendered("markdown", result, style)
        assert BYTES // 2 < len(text.encode()) <= BYTES
        assert text.count("<details>") == text.count("</details>")
        shown = len(re.findall(r"^\| ❌", text, re.MULTILINE))
        (left,) = re.findall(r"Not shown, for want of room: ([\d,]+) findings", text)
        assert shown + int(left.replace(",", "")) == 6_001
        assert "not checked (6,000)" in text


def test_markdown_says_what_a_change_brings() -> None:
    text = rendered("markdown", SINCE)
    assert "| train/rose | 120 | 2 | 1 | 3 | 4 |" in text
    assert "| host memory | 9.8 GiB | **39.0 GiB** | 31.0 GiB | 12,000 |" in text
    assert "mended (1)" in text
    assert SINCE.since is not None
    many = replace(SINCE.since, samples=[SampleChange(None, f"c{n:02}", added=n) for n in range(1, 15)])
    assert "| 4 more classes | 10 | 0 | 0 | 0 | 0 |" in rendered("markdown", replace(SINCE, since=many))
