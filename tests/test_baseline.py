"""The baseline file: what it accepts, how it is written, and how it breaks."""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING

import pytest

from datalint import baseline
from datalint.errors import UnfinishedError, UsageError
from datalint.finding import Family, Finding, Severity, fingerprint

if TYPE_CHECKING:
    from pathlib import Path


def finding(rule: str = "a", path: str | None = "x.jpg", message: str = "m") -> Finding:
    return Finding(
        rule, Severity.ERROR, Family.MISLED, message, path=path, fingerprint=fingerprint(rule, {"path": path})
    )


ITEMS = [
    finding("b", "2.jpg"),
    finding("a", "ü\u2028.jpg"),
    finding("b", None),
    finding("a", "\udc80\x85\n.jpg"),
]


def test_what_was_written_is_read_back(tmp_path: Path) -> None:
    path = tmp_path / "known.jsonl"
    accepted = baseline.accept(ITEMS)
    baseline.write(str(path), accepted)
    assert baseline.parse(path.read_bytes(), "known.jsonl") == accepted
    assert path.read_bytes().count(b"\n") == 4
    assert path.read_bytes() == baseline.render(baseline.accept(reversed(ITEMS))), "order does not matter"
    assert [line.split(b'"rule": ')[1][:3] for line in path.read_bytes().splitlines()] == [
        b'"a"',
        b'"a"',
        b'"b"',
        b'"b"',
    ]


def test_accepted_findings_go_whatever_their_wording() -> None:
    result = baseline.apply([finding(message="other"), finding("new")], baseline.accept([finding()]))
    assert [item.rule for item in result.kept] == ["new"]
    assert (result.baselined, list(result.gone)) == (1, [])


def test_gone_entries_are_told_and_pruned() -> None:
    known = baseline.accept(ITEMS)
    result = baseline.apply(ITEMS[:1], known)
    assert {entry.path for entry in result.gone} == {item.path for item in ITEMS[1:]}
    assert baseline.prune(known, result.gone) == baseline.accept(ITEMS[:1])


def test_rules_that_did_not_run_keep_their_entries() -> None:
    known = baseline.accept(ITEMS)
    result = baseline.apply([finding("a", "new.jpg")], known, ran={"a"})
    assert {entry.rule for entry in result.gone} == {"a"}
    updated = baseline.prune(known, result.gone) | baseline.accept(result.kept)
    assert sorted((entry.rule, entry.path or "") for entry in updated.values()) == [
        ("a", "new.jpg"),
        ("b", ""),
        ("b", "2.jpg"),
    ]


def test_entries_about_files_that_nobody_could_read_are_kept() -> None:
    known = baseline.accept(ITEMS)
    assert [entry.path for entry in baseline.apply([], known, ran={"b"}, unread={"2.jpg"}).gone] == [None]


def test_the_file_is_read_through_the_source() -> None:
    content = baseline.render(baseline.accept([finding()]))
    assert len(baseline.load({"b.jsonl": content}.get, "b.jsonl")) == 1
    assert baseline.load(lambda _: None, "b.jsonl") == {}


def test_line_ends_and_blank_lines_do_not_matter() -> None:
    content = baseline.render(baseline.accept(ITEMS))
    assert baseline.parse(content.replace(b"\n", b"\r\n") + b"\r\n\n", "b") == baseline.accept(ITEMS)
    assert baseline.parse(content + content, "b") == baseline.accept(ITEMS), "a union merge repeats lines"


GOOD = baseline.render(baseline.accept([finding()]))


@pytest.mark.parametrize(
    ("line", "place", "message"),
    [
        (b"<<<<<<< HEAD", "2:1", "the baseline holds a merge conflict"),
        (b"=======", "2:1", "the baseline holds a merge conflict"),
        (b"||||||| base", "2:1", "the baseline holds a merge conflict"),
        (b">>>>>>> theirs\r", "2:1", "the baseline holds a merge conflict"),
        (b"{", "2:2", "not a line of a baseline"),
        (b'{"a" 1}', "2:6", "not a line of a baseline: expecting ':' delimiter"),
        (b'{"a\xff": 1}', "2:4", "byte 0xff is not UTF-8"),
        (b"[]", "2:1", "expected an object with fingerprint, rule, path, message"),
        (b"{}", "2:1", "expected an object with"),
        (b'{"fingerprint": 1, "rule": "a", "path": null, "message": "m"}', "2:1", "fingerprint is not text"),
        (b'{"fingerprint": "1", "rule": "a", "path": 3, "message": "m"}', "2:1", "path is not text"),
        (b"[" * 100_000, "2:1", "nested too deep"),
    ],
)
def test_a_corrupt_line_is_an_error_with_its_place(line: bytes, place: str, message: str) -> None:
    with pytest.raises(UsageError) as caught:
        baseline.parse(GOOD + line + b"\n", "b.jsonl")
    assert str(caught.value.position) == f"b.jsonl:{place}"
    assert message in caught.value.message


def test_writing_keeps_the_mode_and_the_link(tmp_path: Path) -> None:
    real, link = tmp_path / "real.jsonl", tmp_path / "link.jsonl"
    real.write_bytes(b"")
    real.chmod(0o640)
    link.symlink_to(real.name)
    baseline.write(str(link), baseline.accept([finding()]))
    assert link.is_symlink()
    assert real.read_bytes() == GOOD
    assert stat.S_IMODE(real.stat().st_mode) == 0o640


def test_a_new_file_has_the_user_s_usual_mode(tmp_path: Path) -> None:
    path = tmp_path / "b.jsonl"
    old = os.umask(0o027)
    try:
        baseline.write(str(path), {})
    finally:
        os.umask(old)
    assert stat.S_IMODE(path.stat().st_mode) == 0o640


def test_a_write_that_fails_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "b.jsonl"
    path.mkdir()
    with pytest.raises(UnfinishedError, match="cannot write the baseline"):
        baseline.write(str(path), {})
    assert os.listdir(tmp_path) == ["b.jsonl"]
    with pytest.raises(UnfinishedError, match="cannot write the baseline"):
        baseline.write(str(tmp_path / "gone" / "b.jsonl"), {})


def test_a_full_disk_leaves_the_old_file(tmp_path: Path) -> None:
    resource = pytest.importorskip("resource")
    path = tmp_path / "b.jsonl"
    path.write_bytes(GOOD)
    many = baseline.accept(finding(path=f"{number}.jpg") for number in range(1000))
    import signal

    old = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, old[1]))
    try:
        with pytest.raises(UnfinishedError, match="cannot write the baseline"):
            baseline.write(str(path), many)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, old)
        signal.signal(signal.SIGXFSZ, handler)
    assert path.read_bytes() == GOOD
    assert os.listdir(tmp_path) == ["b.jsonl"]
