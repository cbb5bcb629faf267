"""A mistake in a query is placed at the word that is wrong, however YAML writes the query."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from datalint.errors import UsageError
from datalint.rule.engine import RuleEngine
from datalint.rule.load import load_rule

if TYPE_CHECKING:
    from collections.abc import Iterator

HEAD = """\
id: acme/x
title: T
severity: warning
family: misled
docs: D
message: "{path}"
key: [path]
"""
TESTS = """\
tests:
  - {name: fires, given: {files: [{path: a, width: 1}]}, expect: [{path: a}]}
  - {name: silent, given: {files: []}, expect: []}
"""
CHECK = "check:\n  select: files\n"


@pytest.fixture(scope="module")
def engine() -> Iterator[RuleEngine]:
    with RuleEngine(threads=1) as engine:
        yield engine


# A caret stands before the word that is wrong.
WRONG = {
    "a block": "sql: |\n  select path\n  from ^flies\n",
    "the first word of a block": "sql: |\n\n  ^selekt path\n  from files\n",
    "a folded block": "sql: >\n  select path\n  from ^flies\n  where true\n",
    "a folded block with an indented line": "sql: >-\n  select path,\n\n    ^widht\n  from files\n",
    "a plain text of three lines": "sql: select path,\n  ^widht\n  from files\n",
    "double quotes": 'sql: "select \\"path\\",\\n ^widht\n  from files"\n',
    "single quotes": "sql: 'select path, ''x'' as y,\n\n  ^widht from files'\n",
    "no place is known": "sql: >\n  ^select path\n  from files union select path, 1 from files\n",
    "a name of another type": "sql: |\n  select path,\n    3 as ^other_path from files\n",
    "where": CHECK + "  where: ^statuss = 'ok'\n  metric: width\n  warn: < 3\n",
    "a folded where": CHECK + "  where: >\n    status = 'ok'\n    and ^widht > 2\n  metric: width\n  warn: < 3\n",
    "an unfinished metric": CHECK + "  group_by: path\n  metric: least(width, height^\n  warn: < 3\n",
    "an unfinished limit": CHECK + "  group_by: path\n  metric: count(*)\n  warn: < (3^\n",
    "a metric that needs a group": CHECK + "  metric: ^count(*)\n  warn: < 3\n",
    "a second column of one name": CHECK + "  columns: [path, width as ^severity]\n  metric: width\n  warn: < 3\n",
    "a group in a list": CHECK + "  group_by:\n    - path\n    - ^widht\n  metric: count(*)\n  warn: < 3\n",
    "fail": CHECK + "  group_by: path\n  metric: count(*)\n  warn: < 3\n  fail: >\n    < 2 +\n    ^wdth\n",
}


@pytest.mark.parametrize("name", WRONG)
def test_a_mistake_stands_where_it_is(engine: RuleEngine, name: str) -> None:
    before, _, after = WRONG[name].partition("^")
    with pytest.raises(UsageError) as refused:
        engine.prepare([load_rule(HEAD + before + after + TESTS, "x.yaml", builtin=False)])
    lines = (HEAD + before).split("\n")
    assert str(refused.value.position) == f"x.yaml:{len(lines)}:{len(lines[-1]) + 1}"
