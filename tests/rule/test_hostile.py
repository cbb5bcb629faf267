"""Hostile queries end in time with a clean error; nothing is touched and the other rules go on."""

from __future__ import annotations

import os
import re
import time
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import pytest

from datalint.errors import UsageError
from datalint.rule.engine import RuleEngine
from datalint.rule.load import load_rule
from datalint.rule.prepared import Prepared
from datalint.tables import Data
from tests.rule.hostile import HOSTILE

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from datalint.finding import Severity
    from datalint.rule.model import Rule

FILES = 2000
TIMEOUT = 3.0
MEMORY = 2**30
TABLES = {
    "samples": Data({"path": ["a.png"], "split": ["train"]}),
    "files": Data({"path": [f"{number:06}.png" for number in range(FILES)]}),
}
TEXT = """\
id: acme/rule
title: A rule
severity: error
family: misled
docs: Because.
message: "something"
key: [{key}]
sql: {sql}
tests:
  - {{name: silent, given: {{}}, expect: []}}
  - {{name: fires, given: {{samples: [{{path: a}}]}}, expect: [{{severity: error}}]}}
"""


@dataclass(frozen=True)
class Bound:
    rule: Rule
    severity: Severity | None = None
    params: Mapping[str, Any] = field(default_factory=dict)


def rule(sql: str) -> Rule:
    key = "n" if re.search(r"\bas n\b", sql) and not re.search(r"\bas path\b", sql) else "path"
    quoted = "'" + sql.replace("'", "''") + "'"
    return load_rule(TEXT.format(sql=quoted, key=key), "rules/rule.yaml", builtin=False)


class Trap:
    """A secret that must not be read and a folder that must stay as it is."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.secret = folder / "secret.csv"
        self.secret.write_text("hunter2\n")

    def sql(self, name: str) -> str:
        text = HOSTILE[name]
        if "{secret}" in text or "{target}" in text or "{{" in text:
            return text.format(secret=self.secret, target=self.folder / "target")
        return text

    def untouched(self) -> bool:
        return os.listdir(self.folder) == ["secret.csv"] and self.secret.read_text() == "hunter2\n"


@pytest.fixture(scope="module")
def trap(tmp_path_factory: pytest.TempPathFactory) -> Trap:
    return Trap(tmp_path_factory.mktemp("trap"))


@pytest.fixture(scope="module")
def engine() -> Iterator[RuleEngine]:
    with RuleEngine(timeout=TIMEOUT, memory=MEMORY, threads=1, max_rows=1000) as engine:
        yield engine


def innocent(engine: RuleEngine) -> Bound:
    """Counts and lower-cases, so that a shadowed `count` or `lower` would show."""
    good = rule("select lower(max(path)) as path, count(*) as n from samples having count(*) = 1")
    engine.prepare([good])
    return Bound(good)


def peak(pid: int) -> int:
    """Highest resident memory of a process so far, in bytes."""
    with open(f"/proc/{pid}/status", encoding="ascii") as file:
        return next(int(line.split()[1]) * 1024 for line in file if line.startswith("VmHWM:"))


def lying_here() -> set[str]:
    """Files beside which the tests run, but for what other tests write of their own coverage."""
    return {name for name in os.listdir(".") if not name.startswith(".coverage")}


def test_there_are_enough_of_them() -> None:
    assert len(HOSTILE) >= 80


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_query_is_refused_or_stopped(engine: RuleEngine, trap: Trap, name: str) -> None:
    good = innocent(engine)
    before = lying_here()
    started = time.monotonic()
    try:
        bad = replace(rule(trap.sql(name)), id=f"acme/{name}")
        engine.prepare([bad])
    except UsageError as error:
        assert error.position is not None
        assert error.position.file == "rules/rule.yaml"
        assert "\n" not in error.message
    else:
        outcomes = engine.run([Bound(bad), good], TABLES)
        cut = name == "returns too much"
        assert (bool(outcomes[bad.id].error), outcomes[bad.id].more) == (not cut, cut)
        assert "\n" not in outcomes[bad.id].error
        assert outcomes[good.rule.id].error == ""
        assert outcomes[good.rule.id].rows == [["a.png", 1]]
    assert time.monotonic() - started < 5 + 5  # the five seconds of the rule, and ours
    assert peak(engine.pid) < MEMORY + 2**28
    assert trap.untouched()
    assert lying_here() == before


@pytest.mark.slow
@pytest.mark.parametrize("name", HOSTILE)
def test_the_other_layers_hold_when_the_guard_is_passed(engine: RuleEngine, trap: Trap, name: str) -> None:
    good, sql = innocent(engine), trap.sql(name)
    engine._prepared["acme/rule-2"] = Prepared(sql, frozenset(), frozenset())
    bad = replace(rule("select 1 as path"), id="acme/rule-2", sql=sql)
    started = time.monotonic()
    outcomes = engine.run([Bound(bad), good], TABLES)
    assert time.monotonic() - started < 5 + TIMEOUT  # its own seconds, and those of a new process and the next rule
    assert "hunter2" not in str(outcomes[bad.id].rows)
    assert outcomes[good.rule.id].error == ""
    assert outcomes[good.rule.id].rows == [["a.png", 1]], "the next rule sees what it always saw"
    assert peak(engine.pid) < MEMORY + 2**28
    assert trap.untouched()
