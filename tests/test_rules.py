"""Every inline case of every rule that ships is a test, named as a sentence."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from datalint.rule.engine import RuleEngine
from datalint.rule.testing import run_case
from datalint.ruleset import builtin_rules

if TYPE_CHECKING:
    from collections.abc import Iterator

    from datalint.rule.model import Case, Rule

RULES = builtin_rules()
CASES = [(rule, case) for rule in RULES for case in rule.tests]


@pytest.fixture(scope="module")
def engine() -> Iterator[RuleEngine]:
    with RuleEngine(threads=1) as engine:
        engine.prepare(RULES)
        yield engine


@pytest.mark.parametrize(("rule", "case"), CASES, ids=[f"{rule.id}: {case.name}" for rule, case in CASES])
def test_rule(engine: RuleEngine, rule: Rule, case: Case) -> None:
    result = run_case(engine, rule, case)
    assert result.passed, result.detail


def test_counts_in_messages_are_written_with_separators() -> None:
    bare = {rule.id: re.findall(r"\{n(?:_\w+)?\}", rule.message) for rule in RULES}
    assert {rule: names for rule, names in bare.items() if names} == {}
