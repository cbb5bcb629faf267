"""Every report format against one fixed result: golden files, the published schema, the written promises."""

from __future__ import annotations

import html
import io
import json
from dataclasses import replace
from pathlib import Path

import jsonschema
import pytest

from datalint import __version__, report
from datalint.finding import NotChecked, Result, SampleChange, Verdict
from datalint.report.document import from_document, to_document
from datalint.report.style import Style, wants_color
from tests.report.results import RESULT, SINCE, finding

GOLDEN = Path(__file__).parent / "golden"
SCHEMA = Path(report.__file__).parent / "json-v1.schema.json"


def rendered(name: str, style: Style | None = None, result: Result = RESULT) -> str:
    out = io.StringIO()
    report.load(name).render(result, out, style or Style())
    return out.getvalue()


def shown(result: Result, style: Style | None = None) -> str:
    return rendered("text", style, result)


@pytest.mark.parametrize("name", ["text", "concise", "github", "markdown", "junit"])
@pytest.mark.parametrize("letter", ["\u2028", "\u2029", "\u202e", "\u2066"])
def test_a_name_neither_ends_a_line_nor_turns_what_stands_around_it(name: str, letter: str) -> None:
    """`cat<U+202E>gpj.exe` would read `catexe.jpg`."""
    plain = of_name("catgpj.exe")
    told = rendered(name, result=of_name(f"cat{letter}gpj.exe"))
    assert letter not in told
    assert f"cat\\u{ord(letter):04x}gpj.exe" in html.unescape(told)
    assert len(told.splitlines()) == len(rendered(name, result=plain).splitlines())


def of_name(path: str) -> Result:
    return replace(RESULT, findings=[replace(RESULT.findings[0], path=path, message=f"{path} is broken")])


@pytest.mark.parametrize("name", report.FORMATS)
def test_output_equals_its_golden_file(name: str) -> None:
    assert _today(rendered(name)) == (GOLDEN / f"{name}.txt").read_text("utf-8")
    assert _today(rendered(name, result=SINCE)) == (GOLDEN / f"since-{name}.txt").read_text("utf-8")


def _today(text: str) -> str:
    return text.replace(f'"semanticVersion": "{__version__}"', '"semanticVersion": "VERSION"')


def test_json_obeys_the_published_schema() -> None:
    schema = json.loads(SCHEMA.read_text("utf-8"))
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.validate(json.loads(rendered("json")), schema)
    jsonschema.validate(json.loads(rendered("json", result=SINCE)), schema)


def test_schema_refuses_a_finding_without_its_rule() -> None:
    document = to_document(RESULT)
    del document["findings"][0]["rule"]
    with pytest.raises(jsonschema.ValidationError, match="'rule' is a required property"):
        jsonschema.validate(document, json.loads(SCHEMA.read_text("utf-8")))


def test_a_remembered_document_gives_the_same_result() -> None:
    for result in (RESULT, SINCE):
        again = from_document(json.loads(json.dumps(to_document(result))))
        assert to_document(again) == to_document(result)
        assert again.verdict is Verdict.UNTRAINABLE
        assert [rendered(name, result=again) for name in report.FORMATS] == [
            rendered(name, result=result) for name in report.FORMATS
        ]


def test_jsonl_lines_are_the_head_then_every_finding_then_what_was_not_checked() -> None:
    kinds = [json.loads(line)["type"] for line in rendered("jsonl").splitlines()]
    assert kinds == ["result", *["finding"] * 15, "not_checked", "rule", "rule"]


def test_jsonl_tells_what_is_old_and_what_is_mended_from_what_is_new() -> None:
    lines = [json.loads(line) for line in rendered("jsonl", result=SINCE).splitlines()]
    told = {kind: [line["rule"] for line in lines if line["type"] == kind] for kind in ("finding", "old", "mended")}
    assert told == {
        "finding": ["truncated-image", "class-skew"],
        "old": ["missing-file", "missing-file", "class-skew"],
        "mended": ["truncated-image"],
    }
    assert set(lines[0]["since"]) == {"base", "commit", "samples", "footprint"}


def test_text_says_what_a_change_brings_and_what_training_takes_after_it() -> None:
    told = shown(SINCE)
    assert "2 new since origin/main, 3 old ones remain, 1 mended\n" in told
    assert "  train/rose: 120 added, 2 removed, 1 renamed, 3 relabelled, 4 changed\n" in told
    assert "  host memory 9.8 GiB -> 39.0 GiB; 31.0 GiB usable; at most 12,000 training samples would fit\n" in told
    assert "accelerator memory" not in told, "what stays as it was is no change"


def test_text_shows_ten_classes_that_changed_and_counts_the_rest() -> None:
    assert SINCE.since is not None
    many = replace(SINCE.since, samples=[SampleChange("train", f"c{n:02}", added=n) for n in range(14)])
    told = shown(replace(SINCE, since=many))
    assert told.count(" added\n") == 10
    assert "c13: 13 added\n" in told
    assert "and 3 more classes with changes\n" in told
    assert shown(replace(SINCE, since=many), Style(limit=0)).count(" added\n") == 13


def test_concise_closes_with_one_line_of_what_has_changed() -> None:
    assert rendered("concise", result=SINCE).splitlines()[-2:] == [
        "2 new since origin/main, 3 old ones remain, 1 mended",
        "UNTRAINABLE",
    ]


@pytest.mark.parametrize("name", ["text", "concise", "github"])
@pytest.mark.parametrize(
    "hostile", ["::stop-commands::x", " ::add-mask::x", "a##[add-mask]x", "a\n::set-output name=b::c"]
)
def test_a_name_in_the_log_commands_no_runner(name: str, hostile: str) -> None:
    finding = replace(RESULT.findings[0], path=hostile, message=hostile, remedy=hostile, other_path=hostile)
    bad = replace(
        RESULT,
        findings=[finding, replace(finding, path=None)],
        not_checked=[NotChecked(hostile, hostile)],
        notes=[hostile],
        target=hostile,
        dataset=replace(RESULT.dataset, name=hostile, root=hostile),
    )
    for line in rendered(name, result=bad).splitlines():
        assert "##[" not in line
        assert not line.lstrip().startswith("::") or line.startswith(("::error ", "::warning ", "::notice "))


def test_text_shows_ten_findings_of_a_rule_and_counts_the_rest() -> None:
    assert rendered("text").count("ends early") == 10
    assert "and 2 more of truncated-image" in rendered("text")
    assert rendered("text", Style(limit=0)).count("ends early") == 12


def test_text_puts_steps_that_differ_below_their_own_findings() -> None:
    steps = ["keep 'a' together", "keep 'a' together", "keep 'b' together"]
    told = [finding("group-across-splits", f"{n}.jpg", f"{n}.jpg leaks", remedy=step) for n, step in enumerate(steps)]
    lines = [line.strip() for line in shown(replace(RESULT, findings=told)).splitlines()]
    first = lines.index("error group-across-splits  0.jpg leaks")
    assert lines[first + 1 : first + 5] == [
        "error group-across-splits  1.jpg leaks",
        "keep 'a' together",
        "error group-across-splits  2.jpg leaks",
        "keep 'b' together",
    ]


def test_concise_keeps_one_line_per_finding_whatever_the_name_holds() -> None:
    assert len(rendered("concise").splitlines()) == len(RESULT.findings) + len(RESULT.not_checked) + 1


def test_text_shows_ten_that_were_not_checked_and_counts_the_rest() -> None:
    many = replace(RESULT, not_checked=[NotChecked(f"{number}.jpg", "gone") for number in range(12)])
    assert shown(many).count(": gone") == 10
    assert "and 2 more\n" in shown(many)
    assert shown(many, Style(limit=0)).count(": gone") == 12


def test_text_says_nothing_of_classes_and_splits_where_there_are_none() -> None:
    plain = replace(RESULT, dataset=replace(RESULT.dataset, samples=1, classes=0, splits=0))
    assert shown(plain).startswith("UNTRAINABLE  flowers (1 image) on local\n")


def test_a_long_run_is_told_in_minutes() -> None:
    assert " in 2.5 min (" in shown(replace(RESULT, summary=replace(RESULT.summary, seconds=150.0)))


def test_colour_is_only_escape_codes() -> None:
    coloured = rendered("text", Style(color=True))
    assert coloured != rendered("text")
    import re

    assert re.sub(r"\x1b\[[0-9;]*m", "", coloured) == rendered("text")


@pytest.mark.parametrize(
    ("choice", "environment", "expected"),
    [
        ("always", {"NO_COLOR": "1"}, True),
        ("never", {"FORCE_COLOR": "1"}, False),
        ("auto", {"FORCE_COLOR": "1"}, True),
        ("auto", {"FORCE_COLOR": "1", "NO_COLOR": "1"}, False),
        ("auto", {}, False),
    ],
)
def test_colour_follows_the_option_then_no_color_then_force_color(
    choice: str, environment: dict[str, str], expected: bool
) -> None:
    assert wants_color(choice, io.StringIO(), environment) is expected
