"""Every mistake in a rule file is a UsageError at its line and column."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from jsonschema import Draft202012Validator

from datalint.errors import UsageError
from datalint.rule.engine import RuleEngine
from datalint.rule.load import load_rule
from datalint.rule.new import text_of
from datalint.rule.testing import run_cases
from datalint.strict_yaml import load
from tests.conftest import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

RULE = """\
id: acme/min-side
title: Image is too small
severity: warning
family: misled
params:
  side: {type: integer, default: 8, min: 1, doc: shortest side}
docs: |
  Why.
message: "{path} has {width} pixels (limit {side})"
remedy: "enlarge it"
key: [path]
sql: |
  select path, width
  from files
  where width < $side
tests:
  - name: silent
    given: {files: [{path: a, width: 8}]}
    expect: []
  - name: told
    given: {files: [{path: a, width: 7}]}
    expect: [{path: a, message: "a has 7 pixels (limit 8)"}]
"""
CHECK = RULE.replace(
    "sql: |\n  select path, width\n  from files\n  where width < $side\n",
    "check:\n  select: files\n  where: status is null\n  metric: width\n  warn: < $side\n  fail: < $side / 2\n",
)

MISTAKES: dict[str, tuple[str, str, str, str]] = {
    "unknown key": ("remedy:", "remdy:", "10:1", "did you mean 'remedy'?"),
    "key of another tool": ("remedy:", "advice:", "10:1", "known: id, title, severity"),
    "missing key": ("title: Image is too small\n", "", "1:1", "'title' is missing"),
    "duplicate key": ("family:", "title: again\nfamily:", "4:1", "duplicate key 'title'"),
    "anchor": ("[path]", "&a [path]", "11:6", "anchors"),
    "alias": ('remedy: "enlarge it"', "remedy: *a", "10:9", "alias"),
    "tag": ('remedy: "enlarge it"', "remedy: !!str x", "10:9", "tags"),
    "second document": ("tests:", "---\ntests:", "16:1", "second document"),
    "not YAML": ("key: [path]", "key: [path", "12:", ""),
    "tab": ("  select path", "\tselect path", "13:1", "tab"),
    "wrong type": ("title: Image is too small", "title: [a]", "2:8", "expected text"),
    "number for text": ("title: Image is too small", "title: 3", "2:8", "quote it"),
    "id without a namespace": ("acme/min-side", "min-side", "1:5", "namespace"),
    "id of another file": ("acme/min-side", "acme/other", "1:5", "'min-side'"),
    "severity": ("severity: warning", "severity: warn", "3:11", "did you mean 'warning'?"),
    "family": ("family: misled", "family: mislead", "4:9", "did you mean 'misled'?"),
    "parameter type": ("type: integer", "type: int", "6:16", "unknown type"),
    "parameter default": ("default: 8", "default: eight", "6:34", "expected a whole number"),
    "parameter below its minimum": ("default: 8", "default: 0", "6:34", "below the minimum 1"),
    "parameter key": ("min: 1", "mim: 1", "6:37", "did you mean 'min'?"),
    "parameter not declared": ("$side", "$sied", "15:17", "$sied is not declared"),
    "parameter not used": ("params:\n", "params:\n  other: {type: string, default: a}\n", "6:3", "not used"),
    "empty title": ("title: Image is too small", 'title: ""', "2:8", "empty"),
    "template of an unknown name": ("{width} pixels", "{widht} pixels", "9:22", "did you mean 'width'?"),
    "template without its brace": ("{width} pixels", "{width pixels", "9:22", "single '{'"),
    "template of an unknown format": ("{width}", "{width:.99f}", "9:22", "unknown format"),
    "template format of a text": ("{path} has", "{path:bytes} has", "9:11", "not a number"),
    "template of an attribute": ("{width}", "{width.__class__}", "9:22", "not a name"),
    "key that is not returned": ("key: [path]", "key: [pth]", "11:7", "did you mean 'path'?"),
    "key twice": ("key: [path]", "key: [path, path]", "11:13", "twice"),
    "SQL syntax": ("select path", "selekt path", "13:3", "syntax error"),
    "SQL column": ("select path, width", "select path, widht as width", "13:16", "widht"),
    "SQL column after letters with accents": (
        "select path, width",
        "select path, 'éé' as e, widht as width",
        "13:27",
        "widht",
    ),
    "SQL table": ("from files", "from flies", "14:8", "no table 'flies'"),
    "SQL function": ("where width", "where random() < 1 and width", "15:9", "'random' is not allowed"),
    "SQL aggregate of nothing": (
        "where width",
        "where (select max() from files) > 1 and width",
        "15:17",
        "No function matches",
    ),
    "SQL clock": ("where width", "where current_date > '2020-01-01' and width", "15:9", "current_date"),
    "SQL types": ("width < $side", "path + 1 < $side", "15:", "No function matches"),
    "both sql and check": ("sql: |", "check: {select: files, metric: width, warn: < 1}\nsql: |", "12:1", "either"),
    "no test that fires": ("    expect: [{path: a,", "    expect: [] # [{path: a,", "16:1", "firing"),
    "no test that is silent": ("expect: []", "expect: [{path: b}]", "16:1", "silent"),
    "test of an unknown table": ("{files: [{path: a, width: 8", "{flies: [{path: a, width: 8", "18:13", "'files'"),
    "test of an unknown column": ("width: 8}", "widht: 8}", "18:31", "did you mean 'width'?"),
    "test value of another type": ("width: 8}", "width: wide}", "18:38", "BIGINT"),
    "test that expects an unknown column": ("expect: [{path: a,", "expect: [{pth: a,", "22:15", "'pth'"),
    "test with an unknown parameter": ("name: silent\n", "name: silent\n    params: {sied: 2}\n", "18:14", "'side'"),
    "tests of one name": ("name: told", "name: silent", "20:11", "two tests"),
    "a list in place of the mapping": (RULE, "- id: acme/min-side\n", "1:1", "expected a mapping, got a list"),
    "a text in place of the mapping": (RULE, "acme/min-side\n", "1:1", "expected a mapping, got 'acme/min-side'"),
    "empty file": (RULE, "", "1:1", "the file is empty"),
    "nothing but a comment": (RULE, "# later\n", "1:1", "the file is empty"),
    "longer than a rule may be": (RULE, RULE + "#" * 200_000, "1:1", "longer than 200,000 characters"),
    "nothing for a text": ("title: Image is too small", "title:", "2:7", "expected text, got nothing"),
    "title of two lines": ("title: Image is too small", "title: |\n  a\n  b", "2:8", "must be one line"),
    "empty key": ("key: [path]", "key: []", "11:6", "key is empty for a finding about the dataset as a whole"),
    "no tags": ("key: [path]", "key: [path]\ntags: []", "12:7", "tags is empty leave it out"),
    "a number in key": ("key: [path]", "key: [path, 3]", "11:13", "expected text, got 3"),
    "empty SQL": (RULE[RULE.index("sql: |") : RULE.index("tests:")], 'sql: ""\n', "12:6", "sql is empty"),
    "parameter name": ("  side: {type", "  Side: {type", "6:3", "lower case"),
    "parameter that is no mapping": (
        "{type: integer, default: 8, min: 1, doc: shortest side}",
        "8",
        "6:9",
        "a mapping",
    ),
    "parameter without a default": ("default: 8, ", "", "6:9", "'default' is missing"),
    "parameter above its maximum": ("min: 1", "max: 7", "6:34", "8 is above the maximum 7"),
    "parameter that is none of its choices": ("min: 1", "choices: [1, 2]", "6:34", "8 is none of 1, 2"),
    "no choices": ("min: 1", "choices: []", "6:46", "choices is empty"),
    "items that are no choice": (
        "type: integer, default: 8, min: 1",
        "type: list, default: [a, c], choices: [a, b]",
        "6:31",
        "'c' is none of a, b",
    ),
    "parameter that a setting would hide": ("side: {type", "severity: {type", "6:3", "severity of the rule"),
    "items of a number": ("min: 1", "items: string", "6:37", "only a list has items"),
    "items of another type": (
        "type: integer, default: 8, min: 1",
        "type: list, items: integer, default: [a]",
        "6:47",
        "expected a list of type integer, got 'a' in it",
    ),
    "limits of a text": ("type: integer, default: 8", "type: string, default: a", "6:36", "needs an integer"),
    "parameter that a column hides": (
        "width\n  from files\n  where width < $side",
        "width, 1 as side\n  from files",
        "6:3",
        "both a column and a parameter",
    ),
    "two columns of one name": ("select path, width", "select path, path, width", "13:3", "two columns called 'path'"),
    "line that is a text": (
        "select path, width",
        "select path, width, 'x' as line",
        "13:30",
        "is a VARCHAR, not a number",
    ),
    "path that is a list": ("select path, width", "select [path] as path, width", "13:20", "is a VARCHAR[], not a"),
    "line that is a list": ("select path, width", "select path, width, [1.5] as line", "13:32", "not a number"),
    "template format of a list": (
        'width} pixels (limit {side})"\nremedy: "enlarge it"\nkey: [path]\nsql: |\n  select path, width',
        'width:bytes} pixels (limit {side})"\nkey: [path]\nsql: |\n  select path, [width] as width',
        "9:22",
        "not a number",
    ),
    "path that is a number": ("select path, width", "select 1 as path, width", "13:15", "not a VARCHAR"),
    "column of a manifest that no test gives": (
        "from files\n  where width <",
        "from samples\n  where hospital <",
        "15:9",
        "Referenced column",
    ),
    "test with a wrong value": ("name: silent\n", "name: silent\n    params: {side: 0}\n", "18:20", "minimum 1"),
    "test table that is no list": ("{files: [{path: a, width: 8}]}", "{files: 8}", "18:20", "a list of rows, got 8"),
    "test row that is no mapping": ("[{path: a, width: 8}]", "[8]", "18:21", "expected a row such as"),
    "test row too large for its column": ("width: 8}", "width: 9223372036854775808}", "18:38", "64 bits"),
    "test column in capitals": (
        "{files: [{path: a, width: 8}]}",
        "{samples: [{Path: a}]}",
        "18:24",
        "did you mean 'path'?",
    ),
    "expected row that is no mapping": ("expect: [{path: a, ", "expect: [a, {path: a, ", "22:14", "expected a row"),
    "expected row of nothing": ("expect: [{path: a, ", "expect: [{}, {path: a, ", "22:14", "name a column"),
    "times": ("width: 8}", "width: 8, times: 0}", "18:48", "times"),
}
CHECK_MISTAKES: dict[str, tuple[str, str, str, str]] = {
    "table": ("select: files", "select: flies", "13:11", "did you mean 'files'?"),
    "key": ("metric:", "metrik:", "15:3", "did you mean 'metric'?"),
    "where": ("status is null", "statsu is null", "14:10", "statsu"),
    "metric": ("metric: width", "metric: least(width, hight)", "15:24", "hight"),
    "limit without a comparison": ("warn: < $side", "warn: 5", "16:9", "as in `< 5`"),
    "comparison": ("warn: < $side", "warn: $side", "16:9", "comparison"),
    "parameter": ("fail: < $side", "fail: < $sied", "17:11", "$sied"),
    "neither": ("  warn: < $side\n  fail: < $side / 2\n", "", "13:3", "warn"),
    "empty": ("where: status is null", 'where: ""', "14:10", "expected text, got ''"),
    "a number in a list": ("metric: width", "metric: width\n  columns: [path, 3]", "16:19", "expected text, got 3"),
    "columns beside groups": (
        "metric: width",
        "metric: width\n  columns: [path]\n  group_by: path",
        "16:3",
        "returns those",
    ),
    "no columns": ("metric: width", "metric: width\n  columns: []", "16:12", "columns is empty"),
    "no groups": ("metric: width", "metric: width\n  group_by: []", "16:13", "group_by is empty"),
    "metric before a comment": ("metric: width", "metric: widht -- wide", "15:11", "widht"),
    "text without its end": ("where: status is null", "where: status = 'ok", "14:19", "the text is not closed"),
    "name without its end": ("where: status is null", 'where: status = "ok', "14:19", "the name is not closed"),
    "comment without its end": ("metric: width", "metric: width /* wide", "15:17", "the comment is not closed"),
    "comparison of another language": ("warn: < $side", "warn: =< $side", "16:9", "comparison"),
    "unquoted >": ("warn: < $side", "warn: > 5", "16:11", "quotes"),
}


@pytest.fixture(scope="module")
def engine() -> Iterator[RuleEngine]:
    with RuleEngine(threads=1) as engine:
        yield engine


def refused(engine: RuleEngine, text: str) -> UsageError:
    with pytest.raises(UsageError) as caught:
        engine.prepare([load_rule(text, "rules/min-side.yaml", builtin=False)])
    return caught.value


@pytest.mark.parametrize("name", MISTAKES)
def test_mistake_is_located(engine: RuleEngine, name: str) -> None:
    old, new, place, words = MISTAKES[name]
    assert old in RULE
    error = refused(engine, RULE.replace(old, new, 1))
    assert str(error).startswith(f"rules/min-side.yaml:{place}"), error
    assert words in f"{error.message} {error.hint}"


@pytest.mark.parametrize("name", CHECK_MISTAKES)
def test_mistake_in_a_check_is_located(engine: RuleEngine, name: str) -> None:
    old, new, place, words = CHECK_MISTAKES[name]
    assert old in CHECK
    error = refused(engine, CHECK.replace(old, new, 1))
    assert str(error).startswith(f"rules/min-side.yaml:{place}"), error
    assert words in f"{error.message} {error.hint}"


@pytest.mark.parametrize("text", [RULE, CHECK, RULE.replace("\n", "\r\n"), text_of("acme/min-side")])
def test_sound_rules_pass_their_own_tests(text: str) -> None:
    results = list(run_cases([load_rule(text, "rules/min-side.yaml", builtin=False)]))
    assert [(result.case, result.detail) for result in results if not result.passed] == []
    assert len(results) == 2


def test_a_check_grades() -> None:
    rule = load_rule(CHECK, "rules/min-side.yaml", builtin=False)
    assert rule.sql == (
        "with measured as (\n  select *, width as metric\n  from files\n  where status is null\n)\n"
        "select *, case when metric < $side / 2 then 'error' else 'warning' end as severity\n"
        "from measured\nwhere metric < $side\n   or metric < $side / 2\norder by all\n"
    )
    graded = CHECK.replace("expect: [{path: a, ", "expect: [{path: a, severity: error, ")
    graded = graded.replace("width: 7}", "width: 3}").replace("a has 7", "a has 3")
    assert all(result.passed for result in run_cases([load_rule(graded, "min-side.yaml", builtin=False)]))


def test_a_check_groups() -> None:
    text = CHECK.replace("select: files", "select: samples").replace("  where: status is null\n", "")
    text = text.replace("metric: width", "group_by: label\n  metric: count(*)").replace("key: [path]", "key: [label]")
    text = text.replace('"{path} has {width} pixels (limit {side})"', '"{label}: {metric}"')
    text = text.replace("files: [{path: a, width: 8}]", "samples: [{label: a, times: 8}]")
    text = text.replace("files: [{path: a, width: 7}]", "samples: [{label: a, times: 7}]")
    text = text.replace('{path: a, message: "a has 7 pixels (limit 8)"}', '{label: a, metric: 7, message: "a: 7"}')
    assert all(result.passed for result in run_cases([load_rule(text, "min-side.yaml", builtin=False)]))


@pytest.mark.parametrize(
    "line", ["select: files", "where: status is null", "metric: width", "warn: < $side", "fail: < $side / 2"]
)
def test_a_check_may_be_commented(line: str) -> None:
    key, _, value = line.partition(": ")
    shown = value if key == "select" else f"{value} -- so it is"
    text = CHECK.replace(line, f"{key}: {shown}").replace(
        "metric: ", "columns: [path, width -- wide, status]\n  metric: "
    )
    assert [result.detail for result in run_cases([load_rule(text, "min-side.yaml", builtin=False)])] == ["", ""]


@pytest.mark.parametrize(
    "text", ["'it''s'", r"e'it\'s'", "$$it's$$", "concat('a', \"path\")", "'a' -- it's", "'a' /* it's */", "'/*'"]
)
def test_quotes_of_every_kind_end_in_a_check(engine: RuleEngine, text: str) -> None:
    rule = CHECK.replace("where: status is null", f"where: |\n    status is null or status = {text}")
    assert rule != CHECK
    engine.prepare([load_rule(rule, "min-side.yaml", builtin=False)])


@pytest.mark.parametrize(
    ("dropped", "severity"), [("  fail: < $side / 2\n", "warning"), ("  warn: < $side\n", "error")]
)
def test_a_check_of_one_limit_has_one_severity(dropped: str, severity: str) -> None:
    text = CHECK.replace(dropped, "").replace("< $side / 2", "< $side")
    text = text.replace("expect: [{path: a, ", f"expect: [{{path: a, severity: {severity}, ")
    assert [result.detail for result in run_cases([load_rule(text, "min-side.yaml", builtin=False)])] == ["", ""]


def test_a_check_returns_the_columns_that_it_names() -> None:
    text = CHECK.replace("metric: width", "columns: [path, width]\n  metric: width + height").replace(
        "$side", "$side * 2"
    )
    text = text.replace("width: 8}", "width: 8, height: 8}").replace("width: 7}", "width: 7, height: 8}")
    rule = load_rule(text, "min-side.yaml", builtin=False)
    assert "select path, width, width + height as metric" in rule.sql
    assert [result.detail for result in run_cases([rule])] == ["", ""]


@pytest.mark.parametrize(
    ("name", "builtin"),
    [("acme/min-side", True), ("Min-Side", True), ("min-side", False), ("acme/Min-Side", None), ("a/b/min-side", None)],
)
def test_an_id_fits_its_folder(name: str, builtin: bool | None) -> None:
    with pytest.raises(UsageError, match=r"^rules/min-side\.yaml:1:5: id .* must be"):
        load_rule(RULE.replace("acme/min-side", name), "rules/min-side.yaml", builtin=builtin)


def test_a_byte_that_is_not_utf_8_has_its_place() -> None:
    with pytest.raises(UsageError, match=r"^min-side\.yaml:2:18: byte 0xfc is not UTF-8"):
        load_rule(RULE.replace("too", "t\u00fc").encode("latin-1"), "min-side.yaml", builtin=False)


def test_two_rules_of_one_id_are_refused() -> None:
    twins = [load_rule(RULE, f"{folder}/min-side.yaml", builtin=False) for folder in ("a", "b")]
    with pytest.raises(UsageError, match=r"^b/min-side\.yaml:1:5: .* used twice, also in a/min-side\.yaml"):
        list(run_cases(twins))


@pytest.mark.parametrize(
    ("condition", "hint"),
    [
        ("hospital = 'x'", "a column of your manifest is known once a test gives it to a row of samples"),
        ("split = val", "text is written in single quotes: 'val'"),
        ("split <> val", "text is written in single quotes: 'val'"),
        ('split = "val"', "text is written in single quotes: 'val'"),
        ("split = \u2018val\u2019", "text is written in straight quotes: 'val'"),
        ("split = \u201cval\u201d", "text is written in straight quotes: 'val'"),
        ("sample_id < {side}", "braces belong in message and remedy; in the query a parameter is written $name"),
        ("label < 5", "columns of your manifest are text: try_cast(age as integer)"),
        ("label + 1 < 5", "columns of your manifest are text: try_cast(age as integer)"),
        ("sample_id <", ""),
    ],
)
def test_a_query_that_is_refused_comes_with_a_hint(engine: RuleEngine, condition: str, hint: str) -> None:
    old = "width\n  from files\n  where width < $side"
    text = RULE.replace(old, f"line as width\n  from samples\n  where {condition}")
    assert text != RULE
    assert refused(engine, text).hint == hint


def test_a_failing_test_is_reported_with_what_came() -> None:
    text = RULE.replace("a has 7 pixels", "a has 6 pixels").replace("expect: []", "expect: [] # here", 1)
    silent, told = run_cases([load_rule(text, "min-side.yaml", builtin=False)])
    assert silent.passed
    assert not told.passed
    assert told.detail == ("row 1, message: expected 'a has 6 pixels (limit 8)', got 'a has 7 pixels (limit 8)'")


@pytest.mark.parametrize(
    ("value", "expected", "detail"),
    [
        ("width > 5", "true", ""),
        ("width > 5", "false", "expected false, got true"),
        ("width > 5", "1", "expected 1, got true"),
        ("[width, 0.5]", "[7, 0.5000000001]", ""),
        ("[width]", "[7, 8]", "expected [7, 8], got [7]"),
        ("width / 3", "2.3333333", ""),
        ("width / 3", "2.33", "expected 2.33, got 2.3333333333333335"),
        ("cast(width as varchar)", "7", ""),
        ("null", "null", ""),
        ("null", "x", "expected 'x', got nothing"),
        ("{'a': width}", "{a: 7}", ""),
        ("cast(path as bigint)", "1", "Could not convert string 'a' to INT64"),
        ("width // 0", "1", "division by zero: write nullif(divisor, 0), which makes the quotient NULL"),
    ],
)
def test_what_is_expected_is_compared(value: str, expected: str, detail: str) -> None:
    text = RULE.replace("select path, width", f"select path, width, {value} as value")
    text = text.replace("expect: [{path: a,", f"expect: [{{value: {expected}, path: a,")
    told = list(run_cases([load_rule(text, "min-side.yaml", builtin=False)]))[1]
    assert told.passed is not bool(detail)
    assert detail in told.detail


def test_a_row_too_many_is_shown() -> None:
    text = RULE.replace("{files: [{path: a, width: 8}]}", "{files: [{path: b, width: 1}]}")
    silent, _ = run_cases([load_rule(text, "min-side.yaml", builtin=False)])
    assert silent.detail == "expected 0 rows, got 1 row\ngot {path: b, width: 1}"


def test_a_missing_row_is_reported() -> None:
    text = RULE.replace("{files: [{path: a, width: 7}]}", "{files: []}")
    _, told = run_cases([load_rule(text, "min-side.yaml", builtin=False)])
    assert told.detail == "expected 1 row, got 0 rows"


@pytest.mark.parametrize("path", sorted((ROOT / "rules").glob("*.yaml")), ids=lambda path: path.stem)
def test_rules_fit_the_schema(path: Path) -> None:
    schema = json.loads((ROOT / "datalint/rule/schema.json").read_text("utf-8"))
    Draft202012Validator.check_schema(schema)
    Draft202012Validator(schema).validate(load(path.read_text("utf-8"), path.name).data)
