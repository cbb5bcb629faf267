"""What is wrong with an archive is said with its place; what is whole before it is read all the same."""

from __future__ import annotations

import gzip
import io
import tarfile
import zipfile
from typing import TYPE_CHECKING

import pytest

from tests.dataset.webdataset.tars import Named, found, image, pack, samples

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

BLOCK = tarfile.BLOCKSIZE


def headers(path: Path) -> list[int]:
    """Where the header of each member starts."""
    with tarfile.open(path) as archive:
        return [member.offset for member in archive]


# --- samples ---


def test_samples_that_lack_what_the_others_have(tmp_path: Path) -> None:
    members = [member for member in samples(10) if member[0] not in ("000003.cls", "000007.png")]
    pack(tmp_path / "a.tar", members)
    rows = found(tmp_path).problems("incomplete-sample")
    assert [(row["path"], row["record"], row["detail"]) for row in rows] == [
        ("a.tar#000003", 3, "no .cls, as 9 of 10 samples have"),
        ("a.tar#000007", 7, "no image, as 9 of 10 samples have"),
    ]


def test_images_of_two_formats_lack_nothing(tmp_path: Path) -> None:
    pack(tmp_path / "a.tar", samples(6) + samples(4, start=6, suffix="jpg"))
    assert found(tmp_path).kinds == set()


def test_what_hardly_more_than_half_have_may_be_optional(tmp_path: Path) -> None:
    members: list[Named] = []
    for number, (name, content) in enumerate(samples(10)):
        members.append((name, content))
        if number % 2 and number < 12:
            members.append((f"{name[:6]}.json", b"{}"))
    pack(tmp_path / "a.tar", members)
    rows = found(tmp_path).problems("optional-member")
    assert [row["path"] for row in rows] == [f"a.tar#00000{number}" for number in (6, 7, 8, 9)]
    assert rows[0]["detail"] == "no .json, as 6 of 10 samples have"


def test_a_test_split_without_labels_is_whole(tmp_path: Path) -> None:
    pack(tmp_path / "train-0.tar", samples(6))
    pack(tmp_path / "test-0.tar", [member for member in samples(4, start=6) if ".png" in member[0]])
    assert found(tmp_path).kinds == set()


def test_an_unsorted_archive_tears_samples_apart(tmp_path: Path) -> None:
    members = samples(4)
    pack(tmp_path / "a.tar", members[::2] + members[1::2])
    read = found(tmp_path)
    assert [(row["path"], row["record"]) for row in read.problems("split-sample")] == [
        (f"a.tar#00000{number}", number) for number in range(4)
    ]
    # One defect is said once.
    assert read.kinds == {"split-sample"}
    # As webdataset has it: each image is a sample without its label.
    assert read.labels == [None] * 4


def test_a_key_that_comes_again_is_said_where(tmp_path: Path) -> None:
    pack(tmp_path / "a.tar", samples(3) + samples(1))
    (row,) = found(tmp_path).problems("duplicate-key")
    assert (row["path"], row["record"]) == ("a.tar#000000", 3)
    assert "with .cls, an image" in row["detail"]


def test_a_member_that_comes_twice_in_a_row(tmp_path: Path) -> None:
    pack(tmp_path / "a.tar", [*samples(1), ("000001.png", image(1)), ("000001.PNG", image(2)), ("000001.cls", b"1")])
    (row,) = found(tmp_path).problems("repeated-member")
    assert (row["path"], row["record"]) == ("a.tar#000001.PNG", 1)


def test_a_key_in_two_archives_is_said_once(tmp_path: Path) -> None:
    for name in ("a.tar", "b.tar", "c.tar"):
        pack(tmp_path / name, samples(2))
    (row,) = found(tmp_path).problems("shared-key")
    assert row["path"] == "b.tar#000000"
    assert row["detail"] == "000000 is also in a.tar; 4 keys are in more than one archive"


@pytest.mark.parametrize(
    ("content", "kind", "detail"),
    [
        (b"", "no-label-member", "000001.cls is empty"),
        (b"\xff\xfe", "bad-label-member", "000001.cls is not text"),
        (b"\x80\x04K\x01.", "bad-label-member", "000001.cls is not text"),
        (b"one\ntwo", "bad-label-member", "000001.cls is several lines"),
        (b"x" * 300, "bad-label-member", "000001.cls is several lines or more than 256"),
        (b"1" * (2 << 20), "bad-label-member", "000001.cls is 2,097,152 bytes long"),
        (b"three", "bad-label-member", "000001.cls is 'three', and webdataset decodes .cls with int()"),
        (b"1.0", "bad-label-member", "000001.cls is '1.0', and"),
    ],
)
def test_a_label_that_cannot_be_read(content: bytes, kind: str, detail: str, tmp_path: Path) -> None:
    members: list[Named] = [(name, content if name == "000001.cls" else data) for name, data in samples(3)]
    pack(tmp_path / "a.tar", members)
    (row,) = found(tmp_path).problems(kind)
    assert (row["path"], row["record"]) == ("a.tar#000001.cls", 1)
    assert row["detail"].startswith(detail)


def test_labels_that_became_floats_are_no_words(tmp_path: Path) -> None:
    """What `str` makes of a column of pandas that had a NaN."""
    floats: list[Named] = [(name, data + b".0" if name.endswith(".cls") else data) for name, data in samples(6)]
    pack(tmp_path / "a.tar", floats)
    rows = found(tmp_path).problems("bad-label-member")
    assert [row["record"] for row in rows] == list(range(6))
    assert rows[1]["detail"] == "000001.cls is '1.0', and webdataset decodes .cls with int()"


def test_names_like_versions_are_words(tmp_path: Path) -> None:
    names: list[Named] = [(name, b"v1.0" if name.endswith(".cls") else data) for name, data in samples(6)]
    pack(tmp_path / "a.tar", names)
    assert not found(tmp_path).problems("bad-label-member")


def test_a_note_names_a_few_of_the_images_that_were_not_checked(tmp_path: Path) -> None:
    """A dot within the names of images makes one sample of all."""
    pack(tmp_path / "a.tar", [(f"scan.{number}.jpg", image(number)) for number in range(9)])
    (note,) = [each for each in found(tmp_path).dataset.assumptions if "several images" in each]
    assert "not .1.jpg, .2.jpg, .3.jpg, .4.jpg, .5.jpg and 3 more:" in note


def test_labels_that_are_words_by_intent_are_labels(tmp_path: Path) -> None:
    words: list[Named] = [(name, b"cat" if name.endswith(".cls") else data) for name, data in samples(6)]
    pack(tmp_path / "words/a.tar", words)
    assert not found(tmp_path / "words").problems("bad-label-member")
    # int() forgives spaces and a sign.
    spaced: list[Named] = [(name, b" +1 \n" if name == "000001.cls" else data) for name, data in samples(6)]
    pack(tmp_path / "spaced/a.tar", spaced)
    assert not found(tmp_path / "spaced").problems("bad-label-member")


@pytest.mark.parametrize(
    ("content", "kind", "detail"),
    [
        (b"{", "bad-label-member", "1.json is not JSON"),
        (b"[" * 100_000, "bad-label-member", "1.json is not JSON"),
        (b'{"label": [1]}', "bad-label-member", "1.json has no single value under 'label'"),
        (b'{"other": 1}', "no-label-member", "1.json has no key 'label'"),
        (b'{"label": NaN}', "no-label-member", "1.json has no key 'label'"),
    ],
)
def test_json_without_the_label(content: bytes, kind: str, detail: str, tmp_path: Path) -> None:
    members = [("0.png", image(0)), ("0.json", b'{"label": 1}'), ("1.png", image(1)), ("1.json", content)]
    pack(tmp_path / "a.tar", members)
    (row,) = found(tmp_path, columns={"label": "json.label"}).problems(kind)
    assert row["detail"].startswith(detail)


# --- members that are no plain files ---


def test_what_webdataset_passes_over_and_what_leads_outside(tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "a.tar", "w") as archive:
        for name, kind in (("0.png", tarfile.LNKTYPE), ("1.png", tarfile.SYMTYPE), ("2.png", tarfile.FIFOTYPE)):
            about = tarfile.TarInfo(name)
            about.type, about.linkname = kind, "../../etc/passwd"
            archive.addfile(about)
        for name in ("/3.png", "../4.png", "ok/5.png"):
            about = tarfile.TarInfo(name)
            about.size = len(image(0))
            archive.addfile(about, io.BytesIO(image(0)))
    read = found(tmp_path)
    details = {row["kind"]: (row["path"], row["detail"]) for row in read.rows("problems")}
    assert details == {
        "link-member": ("a.tar#0.png", "2 members are links and webdataset passes over links"),
        "special-member": ("a.tar#2.png", "1 member is no file and webdataset passes over devices and pipes"),
        "unsafe-member-name": ("a.tar#/3.png", "2 members have a name that leads out of the folder"),
    }
    assert [entry.path for entry in read.dataset.files] == ["a.tar#/3.png", "a.tar#../4.png", "a.tar#ok/5.png"]
    # Nothing is ever extracted.
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["a.tar"]


def test_members_without_a_key_are_no_samples(tmp_path: Path) -> None:
    pack(tmp_path / "a.tar", [("README", b"x"), ("__meta__/0.png", image(0)), (".hidden.png", image(1)), *samples(2)])
    read = found(tmp_path)
    assert read.shard("a.tar")["records"] == 2
    assert {row["path"]: row["reason"] for row in read.rows("skipped")} == {
        "a.tar#README": "documentation",
        "a.tar#__meta__/0.png": "hidden",
        "a.tar#.hidden.png": "hidden",
    }


def test_an_archive_of_other_things_is_not_silent(tmp_path: Path) -> None:
    pack(tmp_path / "a.tar", [(f"{number}.mp", b"x") for number in range(5)])
    (row,) = found(tmp_path).rows("problems")
    assert (row["kind"], row["path"], row["detail"]) == (
        "no-image-member",
        "a.tar#0",
        "5 samples hold no image but .mp",
    )


# --- the archive itself ---


@pytest.mark.parametrize("cut", [1, 200, BLOCK])
def test_an_archive_that_ends_inside_a_member(cut: int, tmp_path: Path) -> None:
    path = pack(tmp_path / "a.tar", samples(5))
    start = headers(path)[6]
    path.write_bytes(path.read_bytes()[: start + BLOCK + cut])
    read = found(tmp_path)
    row = read.shard("a.tar")
    size = len(image(3))
    assert (row["status"], row["cause"], row["offset"]) == ("damaged", "truncated", start)
    assert row["detail"] == f"it ends inside 000003.png, after {min(cut, size):,} of its {size:,} bytes"
    assert (row["records"], row["record"]) == (3, 3)
    assert read.labels == ["0", "1", "2"]


@pytest.mark.parametrize("name", ["a.tar", "a.tgz"])
def test_what_a_cut_sample_lacks_is_no_defect_of_its_own(name: str, tmp_path: Path) -> None:
    path = pack(tmp_path / "a.tar", samples(5))
    start = headers(path)[7]
    content = path.read_bytes()[: start + BLOCK]
    path.unlink()
    # Of a compressed archive the end of its stream is missing, too.
    (tmp_path / name).write_bytes(gzip.compress(content)[:-9] if name == "a.tgz" else content)
    read = found(tmp_path)
    row = read.shard(name)
    # The picture of the fourth sample is whole, its label is cut off.
    assert (row["status"], row["records"], row["record"], row["offset"]) == ("damaged", 4, 3, start)
    assert read.labels == ["0", "1", "2", None]
    assert read.kinds == set()


def test_an_archive_that_ends_inside_a_header(tmp_path: Path) -> None:
    path = pack(tmp_path / "a.tar", samples(5))
    start = headers(path)[6]
    path.write_bytes(path.read_bytes()[: start + 100])
    row = found(tmp_path).shard("a.tar")
    assert (row["status"], row["cause"], row["offset"]) == ("damaged", "truncated", start)


def test_an_archive_without_the_padding_of_its_last_member(tmp_path: Path) -> None:
    path = pack(tmp_path / "a.tar", samples(2))
    start = headers(path)[3]
    path.write_bytes(path.read_bytes()[: start + BLOCK + 1])
    read = found(tmp_path)
    assert (read.shard("a.tar")["status"], read.shard("a.tar")["cause"]) == ("damaged", "truncated")
    # webdataset reads the member and stops at what should follow.
    assert read.labels == ["0", "1"]


def test_an_archive_without_its_end(tmp_path: Path) -> None:
    path = pack(tmp_path / "a.tar", samples(2))
    last = headers(path)[3]
    path.write_bytes(path.read_bytes()[: last + 2 * BLOCK])
    row = found(tmp_path).shard("a.tar")
    assert (row["status"], row["cause"], row["records"]) == ("ok", "no-end-marker", 2)


@pytest.mark.parametrize("place", [0, 4, 100, 136, 150])
def test_a_damaged_header_hides_all_that_follows(place: int, tmp_path: Path) -> None:
    path = pack(tmp_path / "a.tar", samples(5))
    start = headers(path)[4]
    content = bytearray(path.read_bytes())
    content[start + place] ^= 1
    path.write_bytes(content)
    read = found(tmp_path)
    row = read.shard("a.tar")
    assert (row["status"], row["cause"], row["offset"]) == ("damaged", "bad-checksum", start)
    assert (row["records"], row["record"]) == (2, 2)
    assert "(bad checksum)" in row["detail"]
    assert "silent" in row["detail"]


def joined(path: Path) -> bytes:
    return path.read_bytes() + path.read_bytes()


@pytest.mark.parametrize(
    ("change", "cause"),
    [
        (joined, "members-after-end"),
        (lambda path: path.read_bytes() + b"signature", "data-after-end"),
        (lambda path: path.read_bytes() + bytes(100_000), None),
    ],
)
def test_what_follows_the_end(change: Callable[[Path], bytes], cause: str | None, tmp_path: Path) -> None:
    path = pack(tmp_path / "a.tar", samples(3))
    size = path.stat().st_size
    path.write_bytes(change(path))
    row = found(tmp_path).shard("a.tar")
    assert (row["status"], row["cause"], row["records"]) == ("ok", cause, 3)
    assert row["offset"] == (size if cause else None)


@pytest.mark.parametrize("share", [0.3, 0.6, 0.95])
def test_a_compressed_archive_that_is_cut(share: float, tmp_path: Path) -> None:
    path = pack(tmp_path / "a.tgz", samples(60), "w:gz")
    whole = gzip.decompress(path.read_bytes())
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * share)])
    read = found(tmp_path)
    row = read.shard("a.tgz")
    assert (row["status"], row["cause"], row["compression"]) == ("damaged", "truncated", "gzip")
    with tarfile.open(fileobj=io.BytesIO(whole)) as archive:
        assert row["offset"] in {member.offset for member in archive}
    assert 0 < len(read.labels) < 60
    # Whatever is called a sample can be read to its end.
    assert all(entry.size for entry in read.dataset.files)


def test_a_compressed_archive_whose_checksum_is_wrong(tmp_path: Path) -> None:
    path = pack(tmp_path / "a.tgz", samples(5), "w:gz")
    content = bytearray(path.read_bytes())
    content[-6] ^= 255
    path.write_bytes(content)
    row = found(tmp_path).shard("a.tgz")
    assert (row["status"], row["cause"]) == ("damaged", "bad-data")
    assert "CRC" in row["detail"]


def zipped() -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        archive.writestr("0.png", image(0))
    return target.getvalue()


POINTER = b"version https://git-lfs.github.com/spec/v1\noid sha256:" + b"0" * 64 + b"\nsize 1234\n"


@pytest.mark.parametrize(
    ("content", "status", "cause"),
    [
        (b"", "empty", "empty"),
        (bytes(10_240), "empty", None),
        (zipped(), "damaged", "zip"),
        (b"<!DOCTYPE html><html><body>404</body></html>" * 20, "damaged", "html"),
        (b'<?xml version="1.0"?><Error><Code>AccessDenied</Code></Error>', "damaged", "xml"),
        (b'{"error": "rate limit"}', "damaged", "json"),
        (b"\x89PNG\r\n\x1a\n" + bytes(600), "damaged", "bad-header"),
        (b"short", "damaged", "bad-header"),
        (b"\xfd7zXZ\0" + bytes(600), "unsupported", "compression"),
        (b"BZh9" + bytes(600), "unsupported", "compression"),
        (POINTER, "pointer", "lfs-pointer"),
    ],
    # Names, not contents: those of a zip tell the time, and every process of a parallel run must see the same tests.
    ids=["nothing", "zeros", "zip", "html", "xml", "json", "png", "too short", "xz", "bzip2", "pointer"],
)
def test_what_is_no_archive_is_told_by_its_bytes(
    content: bytes, status: str, cause: str | None, tmp_path: Path
) -> None:
    (tmp_path / "a.tar").write_bytes(content)
    pack(tmp_path / "b.tar", samples(2))
    read = found(tmp_path)
    row = read.shard("a.tar")
    assert (row["status"], row["cause"]) == (status, cause)
    assert row["size_bytes"] == (1234 if status == "pointer" else len(content))
    assert row["detail"]
    # One bad file never stops the others.
    assert read.labels == ["0", "1"]
    assert [row["path"] for row in read.rows("skipped")] == (["a.tar"] if status == "pointer" else [])


def test_a_member_may_be_called_like_another_kind_of_file(tmp_path: Path) -> None:
    for number, name in enumerate(("BZh.png", "PK\x03\x04.png", "<html.png", "{.png")):
        pack(tmp_path / f"{number}.tar", [(name, image(number))])
    assert [row["status"] for row in found(tmp_path).rows("shards")] == ["ok"] * 4
