"""The file of accepted findings through the command line: what it survives, what it refuses, what never enters it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tests.e2e.conftest import CONFIG, Repository, picture

if TYPE_CHECKING:
    from pathlib import Path

FILE = ".datalint-baseline.jsonl"
MANIFEST = "path,label,split\n"
POINTER = "version https://git-lfs.github.com/spec/v1\noid sha256:" + "0" * 64 + "\nsize 1234\n"


def truncated(path: Path, seed: int) -> Path:
    whole = picture(path, seed).read_bytes()
    path.write_bytes(whole[: len(whole) * 3 // 4])
    return path


def accepted(repository: Repository) -> list[str]:
    """Rules in the baseline file."""
    return [json.loads(line)["rule"] for line in (repository.folder / FILE).read_text().splitlines()]


def summary(repository: Repository, *words: str) -> dict[str, int]:
    process = repository.datalint("check", "-o", "json", *words)
    counts: dict[str, int] = json.loads(process.stdout)["summary"]
    return counts


def test_accepted_findings_stay_accepted_when_lines_move_and_files_are_added(repository: Repository) -> None:
    images = repository.folder / "images"
    truncated(images / "train/cat/broken.jpg", 900)
    rows = [
        f"{path.relative_to(images)},{path.parent.name},{path.parent.parent.name}\n"
        for path in sorted(images.rglob("*.jpg"))
    ]
    manifest = repository.folder / "images/labels.csv"
    manifest.write_text(MANIFEST + "".join(rows) + "train/cat/gone.jpg,cat,train\n")
    (repository.folder / "datalint.yaml").write_text(CONFIG.replace("path: images", "path: images/labels.csv"))
    before = summary(repository)
    assert before["errors"] == 2
    repository.datalint("check", "--write-baseline", ok=True)
    picture(images / "train/cat/added.jpg", 901)
    manifest.write_text(
        MANIFEST + "train/cat/added.jpg,cat,train\ntrain/cat/gone.jpg,cat,train\n" + "".join(reversed(rows))
    )
    after = summary(repository)
    assert (after["errors"], after["baselined"]) == (0, before["errors"] + before["warnings"])


@pytest.mark.parametrize(
    ("line", "place", "said"),
    [
        ('{"fingerprint": "f", "rule": ', "2:30", "not a line of a baseline"),
        ('{"schema": 2, "fingerprint": "f", "rule": "r", "path": null, "message": "m"}', "2:1", "expected an object"),
        ("<<<<<<< HEAD", "2:1", "merge conflict"),
    ],
)
def test_a_broken_baseline_is_wrong_usage_with_its_place(
    repository: Repository, line: str, place: str, said: str
) -> None:
    good = '{"fingerprint": "f", "rule": "r", "path": null, "message": "m"}'
    (repository.folder / FILE).write_text(f"{good}\n{line}\n")
    refused = repository.datalint("check")
    assert refused.returncode == 2
    assert refused.stderr.startswith(f"datalint: {FILE}:{place}: ")
    assert said in refused.stderr
    assert refused.stdout == ""


def test_what_is_said_of_ignores_is_never_accepted(repository: Repository) -> None:
    truncated(repository.folder / "images/train/cat/broken.jpg", 902)
    (repository.folder / "datalint.yaml").write_text(
        CONFIG
        + "ignore:\n"
        + "  - {rule: truncated-image, reason: old, until: 2020-01-01}\n"
        + "  - {rule: cmyk-image, reason: needless}\n"
    )
    for _ in range(2):
        repository.datalint("check", "--write-baseline", ok=True)
        assert "truncated-image" in accepted(repository)
        assert {"expired-ignore", "unused-ignore"}.isdisjoint(accepted(repository))
    said = repository.datalint("check", "-o", "concise", ok=True).stdout
    assert "datalint.yaml:6: info[unused-ignore]" in said
    assert "truncated-image ended on 2020-01-01" in said


def test_pruning_keeps_what_had_no_chance_to_occur(repository: Repository) -> None:
    first = truncated(repository.folder / "images/train/cat/first.jpg", 903)
    second = truncated(repository.folder / "images/train/dog/second.jpg", 904)
    repository.datalint("check", "--write-baseline", ok=True)
    content = (repository.folder / FILE).read_text()
    first.unlink()
    second.write_text(POINTER)
    repository.datalint("check", "--select", "class-skew", "--prune-baseline", ok=True)
    assert (repository.folder / FILE).read_text() == content, "truncated-image did not run"
    told = repository.datalint("check", "--prune-baseline")
    assert "1 accepted finding in" in told.stderr
    assert content.splitlines(keepends=True)[1:] == [(repository.folder / FILE).read_text()], "nobody read the pointer"


def test_pruning_without_a_baseline_makes_none(repository: Repository) -> None:
    repository.datalint("check", "--prune-baseline", ok=True)
    assert not (repository.folder / FILE).exists()


@pytest.mark.parametrize("other", [("--staged",), ("--tree", "HEAD"), ("--no-ignores",)], ids=lambda words: words[0])
@pytest.mark.parametrize("edit", ["--write-baseline", "--prune-baseline"])
def test_the_baseline_is_edited_only_where_it_is_read(repository: Repository, edit: str, other: tuple[str]) -> None:
    refused = repository.datalint("check", edit, *other)
    assert refused.returncode == 2
    assert "the baseline is edited in the work tree" in refused.stderr
    assert not (repository.folder / FILE).exists()


def test_a_baseline_that_cannot_be_written_is_an_unfinished_run(repository: Repository) -> None:
    (repository.folder / "datalint.yaml").write_text(CONFIG + "baseline: nowhere/known.jsonl\n")
    failed = repository.datalint("check", "--write-baseline")
    assert failed.returncode == 3
    assert "cannot write the baseline" in failed.stderr


SHARES = """\
id: acme/few
title: A class has few samples in a split
severity: error
family: misled
docs: Few samples are soon learned by heart.
message: "{label}: {n} in {split}"
key: [label]
sql: select label, split, count(*) as n from samples group by all having n < 20 order by all
tests:
  - {name: told, given: {samples: [{label: a}]}, expect: [{label: a}]}
  - {name: silent, given: {samples: [{label: a, times: 20}]}, expect: []}
"""


def test_a_key_that_does_not_tell_findings_apart_is_told(repository: Repository) -> None:
    (repository.folder / "rules").mkdir()
    rule = repository.folder / "rules/few.yaml"
    rule.write_text(SHARES)
    (repository.folder / "datalint.yaml").write_text("dataset: {path: images}\nrules: {paths: [rules]}\n")

    def notes() -> list[str]:
        judged = json.loads(repository.datalint("check", "--select", "acme/", "-o", "json").stdout)
        assert len(judged["findings"]) == 4
        return [note for note in judged["notes"] if note.startswith("acme/few")]

    assert notes() == [
        "acme/few: 4 findings share 2 keys, so that the baseline and --since take one for the other: "
        "name further columns in its `key`"
    ]
    rule.write_text(SHARES.replace("key: [label]", "key: [label, split]"))
    assert notes() == []
