"""What tests/e2e/test_mistakes.py leaves out: the same promise, for both commands that read rule files."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from datalint.cli import main
from tests.rule.test_load import RULE

if TYPE_CHECKING:
    from pathlib import Path

MISTAKES: dict[str, tuple[str, bytes, str, str]] = {
    "wrong type": ("title: Image is too small", b"title: 3", "2:8", "quote it"),
    "missing key": ("title: Image is too small\n", b"", "1:1", "'title' is missing"),
    "bad id": ("acme/min-side", b"Acme/min side", "1:5", "namespace/name"),
    "id of another file": ("acme/min-side", b"acme/other", "1:5", "'min-side'"),
    "alias": ("[path]", b"*a", "11:6", "aliases"),
    "not UTF-8": ("too small", b"t\xfc small", "2:18", "not UTF-8"),
    "tab indentation": ("  select path", b"\tselect path", "13:1", "tab"),
    "empty file": (RULE, b"", "1:1", "empty"),
    "list instead of mapping": (RULE, b"- id: acme/min-side\n", "1:1", "expected a mapping, got a list"),
    "SQL column": ("select path, width", b"select path, widht as width", "13:16", "widht"),
    "column of a manifest that no test gives": ("where width", b"where hospital", "15:9", "hospital"),
    "test that only the engine can refuse": ("expect: [{path", b"expect: [{pth", "22:15", "'pth'"),
}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project with a manifest of one image and one folder of rules."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "ours").mkdir()
    (tmp_path / "labels.csv").write_text("path,label\na.png,cat\n")
    (tmp_path / "datalint.yaml").write_text("dataset: {path: labels.csv}\nrules: {paths: [ours]}\n")
    return tmp_path / "ours"


def refused(words: list[str], capsys: pytest.CaptureFixture[str]) -> str:
    assert main(words) == 2
    seen = capsys.readouterr()
    assert seen.out == ""
    return seen.err


@pytest.mark.parametrize("command", ["check", "test"])
@pytest.mark.parametrize("name", MISTAKES)
def test_mistake_is_located(folder: Path, capsys: pytest.CaptureFixture[str], name: str, command: str) -> None:
    old, new, place, words = MISTAKES[name]
    assert old in RULE
    (folder / "min-side.yaml").write_bytes(RULE.encode().replace(old.encode(), new, 1))
    said = refused([command], capsys)
    assert said.startswith(f"datalint: ours/min-side.yaml:{place}: ")
    assert words in said


@pytest.mark.parametrize("command", ["check", "test"])
def test_two_rules_of_one_id_are_refused(folder: Path, capsys: pytest.CaptureFixture[str], command: str) -> None:
    (folder / "min-side.yaml").write_text(RULE)
    (folder / "min-side.yml").write_text(RULE)
    said = refused([command], capsys)
    assert said.startswith("datalint: ours/min-side.yml:1:5: rule id 'acme/min-side' is used twice")
    assert "also in ours/min-side.yaml" in said


def test_all_mistakes_of_all_files_are_told_at_once(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    broken = RULE.replace("min-side", "many").replace("title:", "titel:").replace("family: misled", "family: mislead")
    (folder / "many.yaml").write_text(broken)
    (folder / "min-side.yaml").write_text(RULE.replace("severity: warning", "severity: warn"))
    said = refused(["check"], capsys).splitlines()
    told = [line.partition("ours/")[2] for line in said if line.startswith("datalint:")]
    assert [line.split(":")[0] for line in told] == ["many.yaml", "many.yaml", "min-side.yaml"]
    for words in ("unknown key 'titel'", "unknown family 'mislead'", "unknown severity 'warn'"):
        assert sum(words in line for line in told) == 1


def test_a_broken_rule_keeps_no_other_from_its_tests(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "min-side.yaml").write_text(RULE)
    (folder / "unread.yaml").write_text(RULE.replace("min-side", "unread").replace("title:", "titel:"))
    (folder / "unasked.yaml").write_text(RULE.replace("min-side", "unasked").replace("width", "widht"))
    assert main(["test"]) == 2
    out, err = capsys.readouterr()
    assert "ok   acme/min-side - " in out
    assert "FAIL" not in out
    assert "unread.yaml:" in err
    assert "unasked.yaml:" in err


def test_a_broken_rule_keeps_nobody_from_the_page_of_ours(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "min-side.yaml").write_text("id: nothing\n")
    assert main(["explain", "class-skew"]) == 0
    assert capsys.readouterr().out.startswith("class-skew: ")
