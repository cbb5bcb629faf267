"""More findings than a rule may have: the verdict stays open only where those that are not shown could block."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from datalint.rule.engine import RuleEngine
from tests.e2e.conftest import say
from tests.e2e.test_cli_baseline import truncated

if TYPE_CHECKING:
    from pathlib import Path

FILES = [f"images/train/cat/broken{number}.jpg" for number in range(4)]
WORDS = "it found more than 2 rows; the first are shown"


@pytest.fixture(autouse=True)
def few(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Four truncated images, of which a rule may report two."""
    for number, file in enumerate(FILES):
        truncated(here / file, 900 + number)
    assert RuleEngine.__init__.__kwdefaults__ is not None
    monkeypatch.setitem(RuleEngine.__init__.__kwdefaults__, "max_rows", 2)


def check(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, dict[str, Any]]:
    code, out, _ = say(capsys, "check", "images", "--select", "truncated-image", "-o", "json", *words)
    document: dict[str, Any] = json.loads(out)
    return code, document


@pytest.mark.parametrize(
    ("severity", "fail_on", "code", "verdict"),
    [
        ("info", "error", 0, "TRAINABLE"),
        ("warning", "error", 0, "TRAINABLE, with warnings"),
        ("info", "warning", 0, "TRAINABLE"),
    ],
)
def test_what_cannot_block_is_decided(
    here: Path, capsys: pytest.CaptureFixture[str], severity: str, fail_on: str, code: int, verdict: str
) -> None:
    (here / "datalint.yaml").write_text(f"rules: {{settings: {{truncated-image: {severity}}}}}\n")
    seen, document = check(capsys, "--fail-on", fail_on)
    assert (seen, document["verdict"]) == (code, verdict)
    assert [finding["path"] for finding in document["findings"]] == FILES[:2]
    assert document["not_checked"] == []
    assert f"truncated-image: {WORDS}" in document["notes"]


@pytest.mark.parametrize(("severity", "fail_on"), [("error", "error"), ("warning", "warning")])
def test_what_could_block_stays_open_where_all_that_is_shown_is_accepted(
    here: Path, capsys: pytest.CaptureFixture[str], severity: str, fail_on: str
) -> None:
    (here / "datalint.yaml").write_text(f"rules: {{settings: {{truncated-image: {severity}}}}}\n")
    code, document = check(capsys, "--fail-on", fail_on)
    assert code == 1
    assert {"what": "rule truncated-image", "reason": WORDS} in document["not_checked"]
    assert check(capsys, "--fail-on", fail_on, "--write-baseline")[0] == 3
    code, document = check(capsys, "--fail-on", fail_on)
    assert (code, document["verdict"], document["findings"]) == (3, "UNDECIDED", [])


def test_by_itself_an_error_could_block(capsys: pytest.CaptureFixture[str]) -> None:
    _, document = check(capsys)
    assert {"what": "rule truncated-image", "reason": WORDS} in document["not_checked"]
