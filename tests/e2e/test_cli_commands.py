"""The smaller commands, called in this process: what they print, what they refuse, and with which exit code."""

from __future__ import annotations

import io
import json
import sys
from contextlib import redirect_stdout
from typing import TYPE_CHECKING

import pytest

from datalint.cli import main
from tests.e2e.conftest import Repository, say

if TYPE_CHECKING:
    from pathlib import Path

PLAIN_RULE = """\
id: acme/plain
title: A rule of the fewest words
severity: info
family: misled
docs: It shows the shortest page.
message: m
key: [path]
sql: select path from files
tests:
  - {name: fires, given: {files: [{path: a}]}, expect: [{path: a}]}
  - {name: silent, given: {files: []}, expect: []}
"""


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty working directory with one rule in `ours/`, and a configuration that names it."""
    monkeypatch.chdir(tmp_path)
    for name in ("NO_COLOR", "FORCE_COLOR", "DATALINT_CONFIG"):
        monkeypatch.delenv(name, raising=False)
    (tmp_path / "ours").mkdir()
    (tmp_path / "ours/plain.yaml").write_text(PLAIN_RULE)
    (tmp_path / "datalint.yaml").write_text(
        "rules:\n  paths: [ours]\n  settings: {cmyk-image: off, class-skew: {max_ratio: 7, severity: error}}\n"
    )
    return tmp_path


@pytest.mark.parametrize("words", [(), ("--timeout", "5"), ("check", "--timeout", "5")])
def test_without_a_verb_the_dataset_is_checked(
    here: Path, capsys: pytest.CaptureFixture[str], words: tuple[str, ...]
) -> None:
    code, out, err = say(capsys, *words)
    assert (code, out) == (3, "")
    assert err.startswith("datalint: no samples found in . ")


def test_rules_lists_each_with_the_severity_in_force(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = say(capsys, "rules")
    assert code == 0
    severities = {line.split()[0]: line.split()[1] for line in out.splitlines()}
    assert (severities["cmyk-image"], severities["class-skew"], severities["acme/plain"]) == ("off", "error", "info")
    listed = json.loads(say(capsys, "rules", "-o", "json")[1])
    assert {rule["id"]: rule["severity"] for rule in listed} == severities


def test_explain_shows_the_values_in_force_here(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (here / "datalint.yaml").write_text("rules: {settings: {class-skew: {max_ratio: 7, severity: error}}}\n")
    code, out, _ = say(capsys, "explain", "class-skew", "--color", "always")
    assert code == 0
    assert out.startswith("\x1b[1mclass-skew\x1b[0m: ")
    assert "\nerror (default: warning), it would learn the wrong thing" in out
    assert "  max_ratio = 7: " in out
    (here / "datalint.yaml").write_text("rules: {settings: {class-skew: off}}\n")
    out = say(capsys, "explain", "class-skew")[1]
    assert "\noff (default: warning), it would" in out
    assert "  max_ratio = 20 (default): " in out


def test_explain_leaves_out_what_a_rule_does_not_have(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = say(capsys, "explain", "acme/plain")
    assert code == 0
    assert {"parameters", "next step"}.isdisjoint(out.splitlines())
    assert "\ninfo, it would learn the wrong thing\n" in out
    assert "  select path from files\n" in out


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("explain", "qqq"), "`datalint rules` lists them"),
        (("explain", "cmyk-imag"), "did you mean 'cmyk-image'?"),
        (("facts", "-o", "yaml"), "unknown output format 'yaml': one of csv, jsonl, parquet"),
        (("facts", "-o", "parquet"), "name a file, -o parquet=FILE"),
        (("test", "nowhere.yaml"), "cannot read nowhere.yaml: No such file or directory"),
        (("test", "empty"), "no rule files in empty"),
        (("new-rule", "acme/plain", "--folder", "ours"), "ours/plain.yaml is already there"),
        (("init",), "datalint.yaml is already there"),
        (("images/",), "invalid choice: 'images/'"),
        (("empty/", "--staged"), "a dataset is judged by `datalint check empty/`"),
        (("imags",), "see `datalint --help`"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_a_mistake_is_one_line_and_exit_code_2(
    here: Path, capsys: pytest.CaptureFixture[str], words: tuple[str, ...], said: str
) -> None:
    (here / "empty").mkdir()
    code, out, err = say(capsys, *words)
    assert (code, out) == (2, "")
    assert said in err
    assert len(err.splitlines()) <= 2


@pytest.mark.parametrize(
    ("words", "place"),
    [
        (("new-rule", "acme/x", "--folder", "datalint.yaml/x"), "datalint.yaml/x/x.yaml"),
        (("check", "-o", "json=datalint.yaml/report.json"), "the report to datalint.yaml/report.json"),
        (("facts", "-o", "csv=nowhere/facts.csv"), "nowhere/facts.csv"),
        (("check", "--write-baseline"), "the baseline "),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_what_cannot_be_written_is_exit_code_3(repository: Repository, words: tuple[str, ...], place: str) -> None:
    if "--write-baseline" in words:
        (repository.folder / "datalint.yaml").write_text(
            "{dataset: {path: images}, baseline: nowhere/accepted.jsonl}\n"
        )
    run = repository.datalint(*words)
    assert f"datalint: cannot write {place}" in run.stderr
    assert run.returncode == 3


def test_a_rule_of_ones_own_that_no_folder_holds_is_unknown_for_that(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert say(capsys, "explain", "acme/plain")[0] == 0
    (here / "datalint.yaml").write_text("dataset: {path: images}\n")
    code, _, err = say(capsys, "explain", "acme/plain")
    assert code == 2
    assert "those of the folders in `rules.paths`, which names none here" in err


def test_test_takes_the_configured_folders_files_and_folders(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for words in ((), ("ours",), ("ours/plain.yaml",), ("ours", "ours/plain.yaml", "./ours")):
        code, out, _ = say(capsys, "test", *words)
        assert (code, out.splitlines()[:2]) == (0, ["ok   acme/plain - fires", "ok   acme/plain - silent"])
        assert out.splitlines()[2].startswith("2 tests of 1 rule, 0 failed, in ")


def test_a_failing_test_of_a_rule_says_how_and_blocks(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (here / "ours/plain.yaml").write_text(PLAIN_RULE.replace("expect: [{path: a}]", "expect: [{path: b}]"))
    code, out, _ = say(capsys, "test")
    assert code == 1
    assert "FAIL acme/plain - fires\n       " in out
    assert "2 tests of 1 rule, 1 failed" in out


def test_a_wrong_rule_file_is_said_with_its_place(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = here / "ours/plain.yaml"
    for mistake, words in (
        (PLAIN_RULE.replace("from files", "from flies"), "there is no table 'flies'"),
        (PLAIN_RULE.replace("message:", "mesage:"), "unknown key 'mesage'"),
    ):
        file.write_text(mistake)
        code, _, err = say(capsys, "test")
        assert code == 2
        assert "ours/plain.yaml:" in err
        assert words in err
    file.write_text(PLAIN_RULE)
    (here / "ours/more").mkdir()
    (here / "ours/more/plain.yml").write_text(PLAIN_RULE)
    code, _, err = say(capsys, "test")
    assert code == 2
    assert "'acme/plain' is used twice" in err


def test_test_without_any_rule_says_what_to_give(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (here / "datalint.yaml").write_text("")
    code, _, err = say(capsys, "test")
    assert code == 2
    assert "datalint test PATH" in err


def test_a_new_rule_is_told_where_it_is_and_how_to_use_it(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = say(capsys, "new-rule", "acme/fresh", "--folder", "ours/more")
    assert code == 0
    assert out.startswith("wrote ours/more/fresh.yaml\n")
    assert "rules: {paths: [ours/more]}" in out
    assert say(capsys, "test", "ours/more/fresh.yaml")[0] == 0


@pytest.mark.parametrize("content", [b"#!/bin/sh\n", b"\xff\xfe"])
def test_a_hook_of_somebody_else_is_kept_and_ours_is_recognised(
    repository: Repository, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], content: bytes
) -> None:
    monkeypatch.chdir(repository.folder)
    assert say(capsys, "install-hook")[1].startswith("wrote ")
    assert say(capsys, "install-hook")[:2] == (0, f"{repository.folder}/.git/hooks/pre-commit is already there\n")
    hook = repository.folder / ".git/hooks/pre-commit"
    hook.write_bytes(content)
    code, _, err = say(capsys, "install-hook")
    assert (code, hook.read_bytes()) == (2, content)
    assert "add this line to it: " in err
    assert "-m datalint check --staged" in err


def test_a_hook_that_cannot_be_written_is_said(
    repository: Repository, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(repository.folder)
    (repository.folder / "file").touch()
    repository.git("config", "core.hooksPath", "file/hooks")
    code, _, err = say(capsys, "install-hook")
    assert code == 3
    assert "cannot write" in err


def test_hooks_that_are_switched_off_are_not_taken_for_one_that_is_there(
    repository: Repository, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(repository.folder)
    repository.git("config", "core.hooksPath", "/dev/null")
    code, _, err = say(capsys, "install-hook")
    assert code == 2
    assert err.splitlines()[0] == "datalint: /dev/null is no folder, and git looks for hooks there"
    assert "`git config core.hooksPath`" in err


def test_facts_say_what_the_cache_had_to_say(
    repository: Repository, monkeypatch: pytest.MonkeyPatch, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    monkeypatch.chdir(repository.folder)
    assert main(["facts", "-o", "jsonl", "--workers", "1"]) == 0
    capfdbinary.readouterr()
    for path in (repository.folder / ".datalint_cache").glob("*.sqlite*"):
        path.write_bytes(b"no database" * 1000)
    assert main(["facts", "-o", "jsonl=facts.jsonl", "--workers", "1"]) == 0
    assert b"was damaged" in capfdbinary.readouterr().err
    assert len((repository.folder / "facts.jsonl").read_bytes().splitlines()) == 32


def test_a_standard_output_that_is_no_file_is_left_as_it_is(here: Path) -> None:
    out = io.StringIO()
    with redirect_stdout(out):
        assert main(["rules"]) == 0
    assert "class-skew" in out.getvalue()
    assert sys.stdout is not out
