"""Tables are loaded while the caller makes others: whatever happens meanwhile, no rule is silent for it."""

from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING

import pytest

from datalint.errors import UnfinishedError
from datalint.rule.engine import RuleEngine
from datalint.tables import Data
from tests.rule.test_engine import PATHS, Bound, rule

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

ONE = {"samples": Data({"path": ["one"]})}
TWO = {"samples": Data({"path": ["two"]}), "files": Data({"path": ["x"]})}


@pytest.fixture
def engine() -> Iterator[RuleEngine]:
    with RuleEngine(threads=1) as engine:
        yield engine


def paths(engine: RuleEngine, tables: dict[str, Data]) -> list[object]:
    outcome = engine.run([Bound(PATHS)], tables)["rule"]
    assert (outcome.error, outcome.columns) == ("", ("path",))
    return [row[0] for row in outcome.rows]


def test_what_was_begun_is_ended_with_the_other_tables(engine: RuleEngine) -> None:
    engine.begin(ONE)
    both = rule("select path || (select min(path) from files) as path from samples where $limit > 0", message="{words}")
    assert engine.run([Bound(both)], {**ONE, "files": TWO["files"]})["rule"].rows == [["onex"]]


def test_a_table_of_many_parts_is_whole(engine: RuleEngine) -> None:
    many = {"samples": Data({"path": [f"{number:06}" for number in range(45_001)]})}
    engine.begin(many)
    assert paths(engine, many) == many["samples"].columns["path"]


def test_other_tables_than_were_begun_are_the_ones_that_count(engine: RuleEngine) -> None:
    engine.begin(ONE)
    assert paths(engine, TWO) == ["two"]


def test_what_was_begun_twice_counts_once(engine: RuleEngine) -> None:
    engine.begin(ONE)
    engine.begin(TWO)
    assert paths(engine, TWO) == ["two"]
    assert paths(engine, ONE) == ["one"]


def test_columns_of_the_user_that_come_late_are_there(engine: RuleEngine) -> None:
    files = {"files": TWO["files"]}
    engine.begin(files)
    query = rule("select hospital as path from samples where $limit > 0", message="{words}")
    tables = {**files, "samples": Data({"path": ["p"], "hospital": ["h"]}, ("hospital",))}
    assert engine.run([Bound(query)], tables)["rule"].rows == [["h"]]


def test_a_rule_may_be_prepared_and_tested_meanwhile(engine: RuleEngine) -> None:
    engine.begin(ONE)
    assert engine.run_case(PATHS, PATHS.tests[1]).rows == [["a"]]
    assert paths(engine, ONE) == ["one"]


def test_a_child_that_was_killed_meanwhile_is_replaced_with_all_tables(engine: RuleEngine) -> None:
    engine.begin(ONE)
    os.kill(engine.pid, signal.SIGKILL)
    os.waitid(os.P_PID, engine.pid, os.WEXITED | os.WNOWAIT)
    assert paths(engine, {**ONE, "files": TWO["files"]}) == ["one"]


def test_what_goes_wrong_first_is_told(engine: RuleEngine) -> None:
    os.mkdir(os.path.join(engine._folder, "facts-1.duckdb"))
    with pytest.raises(UnfinishedError, match=r"the tables could not be written: IO Error.*facts-1\.duckdb"):
        engine.run([Bound(PATHS)], ONE)


def test_a_value_that_is_none_of_its_kind_is_told(engine: RuleEngine) -> None:
    engine.begin({"samples": Data({"sample_id": ["no number"]})})
    with pytest.raises(UnfinishedError, match="the tables could not be written: Conversion Error"):
        engine.run([Bound(PATHS)], {"samples": Data({"sample_id": ["no number"]})})


def test_a_column_that_the_manifest_lacks_is_told_also_beside_an_empty_table(engine: RuleEngine) -> None:
    query = rule("select s.hospital as path from samples s join near n on true where $limit > 0", message="{words}")
    outcome = engine.run([Bound(query)], {**ONE, "near": Data({"file_id": []})})["rule"]
    assert outcome.error.startswith("the dataset brings no column 'hospital' of its own")


def test_nothing_is_left_where_no_rule_is_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    with RuleEngine(threads=1) as engine:
        engine.begin(ONE)
    assert list(tmp_path.iterdir()) == []
