"""Which rules run, with which parameters; and mistakes about rules, located."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pytest

from datalint import config
from datalint.errors import UsageError
from datalint.finding import Family, Severity
from datalint.rule.model import Param


@dataclass(frozen=True)
class Rule:
    id: str
    family: Family
    tags: tuple[str, ...] = ()
    params: dict[str, Param] = field(default_factory=dict)


SKEW = Rule(
    "class-skew",
    Family.MISLED,
    ("classes",),
    {
        "max_ratio": Param("max_ratio", "number", 10.0, min=1, max=1000),
        "least": Param("least", "integer", 5, min=1),
        "word": Param("word", "string", "a", choices=("a", "x")),
        "strict": Param("strict", "boolean", False),
        "allowed": Param("allowed", "list", ["RGB"]),
    },
)
SET = "rules:\n  settings:\n    "
RULES = [
    SKEW,
    Rule("truncated-image", Family.BAD_FILE, ("files",)),
    Rule("acme/dark", Family.MISLED, ("files",)),
]


def load(text: str) -> config.Config:
    return config.load({"datalint.yaml": text.encode()}.get)


def ids(text: str, **options: tuple[str, ...]) -> list[str]:
    return [bound.rule.id for bound in config.resolve_rules(load(text), RULES, **options)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", ["class-skew", "truncated-image", "acme/dark"]),
        ("rules: {select: [all]}", ["class-skew", "truncated-image", "acme/dark"]),
        ("rules: {select: [files]}", ["truncated-image", "acme/dark"]),
        ("rules: {select: [bad-file]}", ["truncated-image"]),
        ("rules: {select: [acme/]}", ["acme/dark"]),
        ("rules: {select: [class-skew, acme/dark]}", ["class-skew", "acme/dark"]),
        ("rules: {ignore: [misled]}", ["truncated-image"]),
        ("rules: {select: [files], ignore: [acme/]}", ["truncated-image"]),
        ("rules: {settings: {truncated-image: off}}", ["class-skew", "acme/dark"]),
        ("ignore: [{rule: acme/dark, reason: r}]", ["class-skew", "truncated-image", "acme/dark"]),
    ],
)
def test_select_ignore_and_off(text: str, expected: list[str]) -> None:
    assert ids(text) == expected


def test_the_command_line_beats_the_file() -> None:
    text = "rules: {select: [misled], ignore: [acme/], settings: {class-skew: off}}"
    assert ids(text, select=("class-skew",)) == ["class-skew"]
    assert ids(text, select=("files",)) == ["truncated-image"]
    assert ids(text, select=("all", "acme/dark")) == ["truncated-image", "acme/dark"]
    assert ids("", select=("files",), ignore=("acme/dark",)) == ["truncated-image"]


def test_parameters_are_complete_and_the_user_s_win() -> None:
    first, *_ = config.resolve_rules(load("rules: {settings: {class-skew: {max_ratio: 50, severity: error}}}"), RULES)
    assert first.params == {"max_ratio": 50, "least": 5, "word": "a", "strict": False, "allowed": ["RGB"]}
    assert first.severity is Severity.ERROR
    plain, *_ = config.resolve_rules(load(""), RULES)
    assert plain.severity is None


@pytest.mark.parametrize(
    "value",
    [
        "max_ratio: 1",
        "max_ratio: 1000",
        "max_ratio: 2.5",
        "least: 1",
        "word: x",
        "strict: true",
        "allowed: [L]",
        "allowed: []",
    ],
)
def test_parameters_at_their_limits_are_taken(value: str) -> None:
    assert ids(f"rules: {{settings: {{class-skew: {{{value}}}}}}}")[0] == "class-skew"


@pytest.mark.parametrize(
    ("text", "message", "hint"),
    [
        (
            "rules:\n  select: [clas-skew]",
            "2:12: unknown rule, tag or family 'clas-skew'",
            "did you mean 'class-skew'?",
        ),
        ("rules:\n  ignore:\n    - fils", "3:7: unknown rule, tag or family 'fils'", "did you mean 'files'?"),
        (SET + "skew: off", "3:5: unknown rule 'skew'", "known: acme/dark, class-skew, truncated-image"),
        (
            "ignore:\n  - rule: truncated\n    reason: x",
            "2:11: unknown rule 'truncated'",
            "did you mean 'truncated-image'?",
        ),
        (
            SET + "class-skew: {max_rato: 1}",
            "3:18: rule class-skew has no parameter 'max_rato'",
            "did you mean 'max_ratio'?",
        ),
        (
            SET + "truncated-image: {x: 1}",
            "3:23: rule truncated-image has no parameter 'x'",
            "truncated-image has no parameters",
        ),
        (SET + "class-skew: {max_ratio: 0.9}", "3:29: class-skew.max_ratio: 0.9 is below the minimum 1", ""),
        (SET + "class-skew: {max_ratio: 1001}", "3:29: class-skew.max_ratio: 1001 is above the maximum", ""),
        (SET + "class-skew: {max_ratio: x}", '3:29: class-skew.max_ratio: expected a number, got "x"', ""),
        (SET + "class-skew: {max_ratio: .nan}", "3:29: class-skew.max_ratio: expected a number", ""),
        (SET + "class-skew: {least: 1.5}", "3:25: class-skew.least: expected a whole number, got 1.5", ""),
        (SET + "class-skew: {least: true}", "3:25: class-skew.least: expected a whole number, got true", ""),
        (SET + "class-skew: {strict: 1}", "3:26: class-skew.strict: expected true or false, got 1", ""),
        (SET + "class-skew: {word: 1}", "3:24: class-skew.word: expected text, got 1", ""),
        (SET + "class-skew: {word: A}", '3:24: class-skew.word: "A" is none of a, x', ""),
        (SET + "class-skew: {allowed: [L, 1]}", "3:27: class-skew.allowed: expected a list of type string, got 1", ""),
        (SET + "class-skew: {allowed: L}", '3:27: class-skew.allowed: expected a list, got "L"', ""),
    ],
)
def test_a_mistake_is_reported_where_it_stands(text: str, message: str, hint: str) -> None:
    with pytest.raises(UsageError) as caught:
        ids(text)
    assert str(caught.value).startswith(f"datalint.yaml:{message}")
    assert caught.value.hint == hint


@pytest.mark.parametrize(
    ("text", "options"),
    [
        ("rules: {select: [misled], ignore: [misled]}", {}),
        ("rules: {select: [class-skew], settings: {class-skew: off}}", {}),
        ("", {"select": ("class-skew",), "ignore": ("misled",)}),
    ],
)
def test_a_run_without_any_rule_is_an_error_not_a_clean_verdict(text: str, options: dict[str, Any]) -> None:
    with pytest.raises(UsageError, match="no rule is left to run"):
        ids(text, **options)


def test_a_word_near_to_nothing_is_answered_with_where_to_look() -> None:
    many = [Rule(f"rule-{number}", Family.MISLED) for number in range(30)]
    with pytest.raises(UsageError) as caught:
        config.resolve_rules(load(""), many, ignore=("zzzzz",))
    assert caught.value.hint == "`datalint rules` lists them"


def test_a_mistake_on_the_command_line_has_no_place() -> None:
    with pytest.raises(UsageError) as caught:
        ids("", select=("class-skw",))
    assert str(caught.value) == "--select: unknown rule, tag or family 'class-skw'"
    assert caught.value.position is None
