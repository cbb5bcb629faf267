"""The rules of a run: the built-in ones first, then those of the user's folders, each id once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from datalint import config
from datalint.errors import UsageError
from datalint.ruleset import all_rules, builtin_rules
from datalint.source.worktree import open_worktree

if TYPE_CHECKING:
    from pathlib import Path

    from datalint.rule.model import Rule

RULE = """\
id: {id}
title: t
severity: info
family: misled
docs: why
message: m
key: [path]
sql: select path from files
tests:
  - {{name: fires, given: {{files: [{{path: a}}]}}, expect: [{{path: a}}]}}
  - {{name: silent, given: {{files: []}}, expect: []}}
"""


def rules(folder: Path, text: str = "rules: {paths: [ours]}") -> list[Rule]:
    return all_rules(open_worktree(str(folder)), "home", config.load({"datalint.yaml": text.encode()}.get))


def put(folder: Path, name: str, rule: str = "acme/one") -> None:
    path = folder / "home" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(RULE.format(id=rule))


def test_folders_are_read_below_the_configuration_and_follow_the_built_in_rules(tmp_path: Path) -> None:
    put(tmp_path, "ours/one.yaml")
    put(tmp_path, "ours/deep/two.yml", "acme/two")
    put(tmp_path, "ours/notes.txt", "acme/three")
    put(tmp_path, "ours/four.YAML", "acme/four")
    ids = [rule.id for rule in rules(tmp_path)]
    assert sorted(ids[len(builtin_rules()) :]) == ["acme/four", "acme/one", "acme/two"]
    assert rules(tmp_path)[-1].file.startswith("home/ours/")


def test_a_folder_without_rules_is_said_where_it_is_named(tmp_path: Path) -> None:
    put(tmp_path, "ours/one.yaml")
    with pytest.raises(UsageError) as caught:
        rules(tmp_path, "rules: {paths: [ours, theirs]}")
    assert str(caught.value) == "datalint.yaml:1:23: no rule files in theirs"


def test_an_id_that_is_used_twice_names_both_files(tmp_path: Path) -> None:
    put(tmp_path, "ours/one.yaml")
    put(tmp_path, "ours/again/one.yaml")
    with pytest.raises(
        UsageError, match=r":1:5: rule id .acme/one. is used twice, also in home/ours/(again/)?one\.yaml"
    ):
        rules(tmp_path)


def test_folders_that_overlap_hold_each_rule_once(tmp_path: Path) -> None:
    put(tmp_path, "ours/again/one.yaml")
    found = rules(tmp_path, "rules: {paths: [ours, ours/again, ours/again/one.yaml, ours]}")
    assert [rule.id for rule in found if "/" in rule.id] == ["acme/one"]


def test_a_rule_file_that_is_not_utf8_has_its_place(tmp_path: Path) -> None:
    put(tmp_path, "ours/a.yaml")
    (tmp_path / "home/ours/a.yaml").write_bytes(b"id: acme/one\ntitle: \xff\n")
    with pytest.raises(UsageError, match=r"home/ours/a\.yaml:2:8: byte 0xff is not UTF-8"):
        rules(tmp_path)
