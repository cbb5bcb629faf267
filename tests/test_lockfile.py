"""The lock file: what it keeps, how it breaks, what differs."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from datalint import lockfile
from datalint.errors import UsageError
from datalint.lockfile import Line, Lock

A, B = "git:" + "a" * 40, "git:" + "b" * 40
CAT, DOG = (("train", "cat"),), (("train", "dog"),)

NAMES = [
    "plain.jpg",
    "a b.jpg",
    "ü\u2028\x85.jpg",
    "tab\tline\nreturn\rbell\x07.jpg",
    "back\\slash\\n.jpg",
    os.fsdecode(b"latin-\xe9\xff.jpg"),
    "\\xe9.jpg",
    "#.jpg",
    "<<<<<<< HEAD",
    "member.jpg\x002",
]


def test_odd_names_and_labels_come_back_as_they_were() -> None:
    lines = {
        name: Line(A, None if number % 3 == 0 else number, ((None, name), ("val", name))[: number % 3])
        for number, name in enumerate(NAMES)
    }
    content = lockfile.render(Lock("ro\tot", lines))
    assert content.count(b"\n") == 1 + len(NAMES) == len(content.decode().splitlines())
    assert lockfile.parse(content, "x") == Lock("ro\tot", lines)
    backwards = Lock("ro\tot", dict(reversed(lines.items())))
    assert lockfile.render(backwards) == content, "order does not matter"
    assert lockfile.parse(content.replace(b"\n", b"\r\n"), "x").lines == lines, "line ends do not matter"
    head, _, rest = content.partition(b"\n")
    assert lockfile.parse(head + b"\n" + rest + rest, "x").lines == lines, "a union merge repeats lines"


@pytest.mark.parametrize("identity", ["git:" + "a" * 40, "git:" + "a" * 64, "lfs:" + "a" * 64, "dvc:" + "a" * 32])
def test_content_is_known_by_any_hash_and_raw_pixels_by_their_shape_too(identity: str) -> None:
    shapes = ("", " 3x4x1") if identity.startswith("git:") else ("",)
    lines = {f"{number}.tfrecord#0": Line(identity + shape, 12, CAT) for number, shape in enumerate(shapes)}
    assert lockfile.parse(lockfile.render(Lock("images", lines)), "x").lines == lines


GOOD = lockfile.render(Lock("images", {"a.jpg": Line(A, 12, CAT), "b.jpg": Line(B, 13, DOG)}))


@pytest.mark.parametrize(
    ("line", "place", "message"),
    [
        ("<<<<<<< HEAD", "4:1", "the lock file holds a merge conflict"),
        ("=======", "4:1", "the lock file holds a merge conflict"),
        ("||||||| base\r", "4:1", "the lock file holds a merge conflict"),
        (">>>>>>> theirs", "4:1", "the lock file holds a merge conflict"),
        ("c.jpg", "4:6", "expected path, content id, size, split and label"),
        ("c.jpg\tgit:12", "4:7", "expected a content id"),
        (f"c.jpg\t{A}", "4:51", "expected path, content id, size"),
        (f"c.jpg\t{A}\t1x", "4:52", "expected a size in bytes"),
        (f"c.jpg\t{A}\t1\ttrain", "4:54", "expected path, content id, size, split and label"),
        (f"c\\q.jpg\t{A}\t1", "4:1", "expected a path"),
        (f"\t{A}\t1", "4:1", "expected a path"),
        (f"a.jpg\t{B}\t12\ttrain\tcat", "4:1", "this file stands here twice"),
    ],
)
def test_a_corrupt_line_is_an_error_with_its_place(line: str, place: str, message: str) -> None:
    with pytest.raises(UsageError) as caught:
        lockfile.parse(GOOD + line.encode() + b"\n", "x.lock")
    assert str(caught.value.position) == f"x.lock:{place}"
    assert message in caught.value.message


@pytest.mark.parametrize(
    ("content", "place", "message"),
    [
        (b"", "1:1", "not a lock file"),
        (b"path,label\n", "1:1", "not a lock file"),
        (b"<<<<<<< HEAD\n", "1:1", "the lock file holds a merge conflict"),
        (b"datalint-lock 2\timages\n", "1:15", "reads lock files of version 1, not 2"),
        (b"datalint-lock 1\n", "1:16", "names no dataset"),
        (GOOD + b"\xff", "4:1", "byte 0xff is not UTF-8"),
    ],
)
def test_what_is_no_lock_file_is_an_error_with_its_place(content: bytes, place: str, message: str) -> None:
    with pytest.raises(UsageError) as caught:
        lockfile.parse(content, "x.lock")
    assert str(caught.value.position) == f"x.lock:{place}"
    assert message in caught.value.message


def test_a_file_that_was_cut_is_never_read_as_another_one() -> None:
    whole = lockfile.parse(GOOD, "x").lines
    for length in range(len(GOOD)):
        try:
            read = lockfile.parse(GOOD[:length], "x").lines
        except UsageError:
            continue
        assert GOOD[length - 1 : length] == b"\n", "only between lines it cannot be seen"
        assert read.items() <= whole.items()


def differences(locked: dict[str, Line], now: dict[str, Line]) -> list[tuple[str, str, str | None]]:
    return [(each.path, each.status, each.old_path) for each in lockfile.compare(locked, now)]


@pytest.mark.parametrize(
    ("old", "new", "status"),
    [
        (Line(A, 1, CAT), Line(A, 1, CAT), []),
        (Line(A, 1, CAT), Line(B, 1, CAT), ["changed"]),
        (Line(A, 1, CAT), Line(B, 1, DOG), ["changed"]),
        (Line(A, 1, CAT), Line(A, 1, DOG), ["relabelled"]),
        (Line(A, 1, CAT), Line("lfs:" + "c" * 64, 1, CAT), ["unchecked"]),
        (Line(A, 1, CAT), Line("lfs:" + "c" * 64, 2, CAT), ["changed"]),
        (Line(A, 1, CAT), Line("git:" + "c" * 64, 1, CAT), ["unchecked"]),
        (Line("dvc:" + "c" * 32, 1, CAT), Line("dvc:" + "d" * 32, 1, CAT), ["changed"]),
        (Line("dvc:" + "c" * 32, None, CAT), Line("dvc:" + "c" * 32, 1, CAT), []),
        (Line(A, 1, CAT), Line("", 1, CAT), ["unchecked"]),
        (Line(A, 1, CAT), Line("", None, CAT), ["unchecked"]),
    ],
)
def test_how_one_file_differs(old: Line, new: Line, status: list[str]) -> None:
    assert [said for _, said, _ in differences({"a": old}, {"a": new})] == status


def test_moves_are_told_apart_from_losses() -> None:
    locked = {"cat/1": Line(A, 1, CAT), "dog/1": Line(A, 1, DOG), "cat/2": Line(B, 2, CAT)}
    now = {"dog/9": Line(A, 1, DOG), "cat/3": Line(A, 1, (("val", "cat"),)), "cat/4": Line("", 2, CAT)}
    assert differences(locked, now) == [
        ("cat/2", "missing", None),
        ("cat/3", "relabelled", "cat/1"),
        ("dog/9", "moved", "dog/1"),
    ]


def test_a_copy_of_a_locked_file_is_new() -> None:
    assert differences({"a": Line(A, 1, CAT)}, {"a": Line(A, 1, CAT), "b": Line(A, 1, CAT)}) == [("b", "added", None)]


def test_writing_replaces_the_file_whole(tmp_path: Path) -> None:
    path = tmp_path / "x.lock"
    lockfile.write(str(path), lockfile.parse(GOOD, "x"))
    assert path.read_bytes() == GOOD
    assert os.listdir(tmp_path) == ["x.lock"]
