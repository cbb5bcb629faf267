"""Every mistake in a rule or configuration file: exit code 2, with file, line and column."""

from __future__ import annotations

import pytest

from tests.e2e.conftest import Repository

RULE = """\
id: acme/min-side
title: Image is smaller than our backbone's input
severity: warning
family: misled
since: "0.1"
params:
  side: {type: integer, default: 8, min: 1, doc: shortest side in pixels}
docs: |
  Our backbone needs it.
message: "{path} is {width} x {height} pixels"
remedy: "enlarge it"
key: [path]
sql: |
  select path, width, height
  from files
  where least(width, height) < $side
tests:
  - name: at the limit is silent
    given: {files: [{path: a, width: 8, height: 8}]}
    expect: []
  - name: beyond the limit is told
    given: {files: [{path: a, width: 7, height: 8}]}
    expect: [{path: a, message: "a is 7 x 8 pixels"}]
"""

CONFIG = "dataset: {path: images}\nrules: {paths: [ours]}\n"


@pytest.fixture
def ruled(repository: Repository) -> Repository:
    (repository.folder / "ours").mkdir()
    (repository.folder / "ours/min-side.yaml").write_text(RULE)
    (repository.folder / "datalint.yaml").write_text(CONFIG)
    return repository


RULE_MISTAKES = {
    "typo in a key": ("remedy:", "remdy:", "11:1", "remdy"),
    "typo in a column": ("select path, width", "select path, widht", "14:16", "widht"),
    "typo in a table": ("from files", "from flies", "15:8", "flies"),
    "typo in a parameter": ("$side", "$sied", "16:", "sied"),
    "typo in a template": ("{path} is {width} x", "{path} is {widht} x", "10:", "widht"),
    "SQL syntax": ("select path,", "selekt path,", "14:3", "selekt"),
    "duplicate key": ("severity: warning\n", "severity: warning\nseverity: error\n", "4:1", "severity"),
    "alias": ("key: [path]", "key: &k [path]", "12:6", "anchor"),
    "unknown severity": ("severity: warning", "severity: fatal", "3:11", "fatal"),
    "a rule that reads a file": ("from files", "from '/etc/passwd'", "15:", ""),
}


@pytest.mark.parametrize("name", RULE_MISTAKES)
def test_mistake_in_a_rule_is_located(ruled: Repository, name: str) -> None:
    old, new, place, word = RULE_MISTAKES[name]
    assert old in RULE
    (ruled.folder / "ours/min-side.yaml").write_text(RULE.replace(old, new, 1))
    refused = ruled.datalint("check")
    assert refused.returncode == 2, refused.stdout + refused.stderr
    assert f"ours/min-side.yaml:{place}" in refused.stderr
    assert word in refused.stderr
    assert refused.stdout == ""
    assert "Traceback" not in refused.stderr


def test_mistakes_of_all_files_are_told_at_once(ruled: Repository) -> None:
    """One that YAML or the rule's form tells, and one that only DuckDB tells."""
    (ruled.folder / "ours/min-side.yaml").write_text(RULE.replace("from files", "from flies"))
    (ruled.folder / "ours/other.yaml").write_text(RULE.replace("remedy:", "remdy:").replace("min-side", "other"))
    refused = ruled.datalint("check")
    assert refused.returncode == 2
    places = [line for line in refused.stderr.splitlines() if line.startswith("datalint: ")]
    assert [line.split(":")[1:3] for line in places] == [[" ours/other.yaml", "11"], [" ours/min-side.yaml", "15"]]


CONFIG_MISTAKES = {
    "typo in a key": ("datset: {path: images}\n", "1:1", "dataset"),
    "typo in a nested key": ("dataset: {pth: images}\n", "1:11", "path"),
    "columns of a folder": (
        "dataset: {path: images, columns: {label: breed}}\n",
        "1:42",
        "images was read as a folder",
    ),
    "root of a folder": ("dataset:\n  path: images\n  root: data\n", "3:9", "images was read as a folder"),
    "wrong type": ("dataset: {path: images}\ntraining: {batch: many}\n", "2:19", "batch"),
    "unknown rule": ("rules: {settings: {truncated-imag: off}}\n", "1:20", "truncated-image"),
    "unknown parameter": ("rules: {settings: {class-skew: {max_ration: 3}}}\n", "1:33", "max_ratio"),
    "duplicate key": ("fail_on: error\nfail_on: never\n", "2:1", "fail_on"),
    "not YAML": ("dataset: {path: images\n", "", ""),
    "a dataset that is not there": ("dataset: {path: imags}\n", "1:", "imags"),
}


@pytest.mark.parametrize("name", CONFIG_MISTAKES)
def test_mistake_in_the_configuration_is_located(repository: Repository, name: str) -> None:
    text, place, word = CONFIG_MISTAKES[name]
    (repository.folder / "datalint.yaml").write_text(text)
    refused = repository.datalint("check")
    assert refused.returncode == 2, refused.stdout + refused.stderr
    assert f"datalint.yaml:{place}" in refused.stderr
    assert word in refused.stderr
    assert "Traceback" not in refused.stderr


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (("check", "nowhere"), "nowhere"),
        (("chekc",), "chekc"),
        (("check", "--staged", "--tree", "HEAD"), "not allowed with"),
        (("check", "-o", "yaml"), "yaml"),
        (("check", "--select", "no-such-rule"), "no-such-rule"),
        (("check", "--target", "no-such-machine"), "no-such-machine"),
        (("check", "--tree", "no-such-ref"), "no-such-ref"),
        (("explain", "class-skwe"), "class-skew"),
        (("new-rule", "NoNamespace"), "namespace/name"),
    ],
)
def test_mistake_on_the_command_line(repository: Repository, words: tuple[str, ...], expected: str) -> None:
    refused = repository.datalint(*words)
    assert refused.returncode == 2, refused.stdout + refused.stderr
    assert expected in refused.stderr
    assert "Traceback" not in refused.stderr
