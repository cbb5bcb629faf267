"""Every report format against one fixed result: golden files, the published schema, the written promises."""

from __future__ import annotations

import io
import json
from dataclasses import replace
from pathlib import Path

import jsonschema
import pytest

from datalint import report
from datalint.finding import (
    DatasetInfo,
    Family,
    Finding,
    NotChecked,
    Result,
    Severity,
    Summary,
    Verdict,
    fingerprint,
)
from datalint.report.document import from_document, to_document
from datalint.report.style import Style, wants_color

GOLDEN = Path(__file__).parent / "golden"
SCHEMA = Path(report.__file__).parent / "json-v1.schema.json"


def _finding(rule: str, path: str | None, message: str, **more: object) -> Finding:
    finding = Finding(
        rule=rule,
        severity=Severity.ERROR,
        family=Family.BAD_FILE,
        path=path,
        message=message,
        remedy=f"mend {rule}",
        fingerprint=fingerprint(rule, {"path": path}),
        values={"path": path},
    )
    return replace(finding, **more)  # type: ignore[arg-type]


RESULT = Result(
    verdict=Verdict.UNTRAINABLE,
    dataset=DatasetInfo("flowers", "imagefolder", "images/flowers", 4317, 5, 2),
    target="local",
    summary=Summary(13, 1, 1, 2, 3, 4317, 4290, 1.84),
    findings=[
        *(_finding("truncated-image", f"train/tulip/{n}.jpg", f"train/tulip/{n}.jpg ends early") for n in range(12)),
        _finding("missing-file", "labels.csv", "a.jpg is not there", line=7),
        _finding(
            "class-skew", None, "'rose' has 2 samples (limit 20x)", severity=Severity.WARNING, family=Family.MISLED
        ),
        _finding("path-not-portable", "train/a\nb.jpg", "odd name", severity=Severity.INFO, other_path="train/a b.jpg"),
    ],
    not_checked=[NotChecked("train/x.jpg", "its content was not fetched")],
    notes=["format imagefolder was detected"],
)


def rendered(name: str, style: Style | None = None, result: Result = RESULT) -> str:
    out = io.StringIO()
    report.load(name).render(result, out, style or Style())
    return out.getvalue()


def shown(result: Result, style: Style | None = None) -> str:
    return rendered("text", style, result)


@pytest.mark.parametrize("name", report.FORMATS)
def test_output_equals_its_golden_file(name: str) -> None:
    assert rendered(name) == (GOLDEN / f"{name}.txt").read_text("utf-8")


def test_json_obeys_the_published_schema() -> None:
    schema = json.loads(SCHEMA.read_text("utf-8"))
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.validate(json.loads(rendered("json")), schema)


def test_schema_refuses_a_finding_without_its_rule() -> None:
    document = to_document(RESULT)
    del document["findings"][0]["rule"]
    with pytest.raises(jsonschema.ValidationError, match="'rule' is a required property"):
        jsonschema.validate(document, json.loads(SCHEMA.read_text("utf-8")))


def test_a_remembered_document_gives_the_same_result() -> None:
    again = from_document(json.loads(json.dumps(to_document(RESULT))))
    assert to_document(again) == to_document(RESULT)
    assert again.verdict is Verdict.UNTRAINABLE


def test_jsonl_lines_are_the_head_then_every_finding_then_what_was_not_checked() -> None:
    kinds = [json.loads(line)["type"] for line in rendered("jsonl").splitlines()]
    assert kinds == ["result", *["finding"] * 15, "not_checked"]


def test_text_shows_ten_findings_of_a_rule_and_counts_the_rest() -> None:
    assert rendered("text").count("ends early") == 10
    assert "and 2 more of truncated-image" in rendered("text")
    assert rendered("text", Style(limit=0)).count("ends early") == 12


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
