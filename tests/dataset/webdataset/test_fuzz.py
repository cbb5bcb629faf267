"""No bytes make the reader raise, hang, or take memory out of proportion."""

from __future__ import annotations

import gzip
import io
import random
import tarfile
import tracemalloc
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from datalint import braces
from datalint.dataset.webdataset.tar import End, Member, walk
from datalint.errors import UsageError
from tests.dataset.webdataset.tars import found, samples

if TYPE_CHECKING:
    from pathlib import Path

BLOCK = tarfile.BLOCKSIZE
KINDS = [b"0", b"\0", b"1", b"2", b"3", b"5", b"6", b"7", b"L", b"K", b"S", b"x", b"g", b"X", b"Z"]
FOUND = [
    b"\0" * 511,
    b"\x80" * BLOCK,
]


def header(kind: bytes, size: int, name: bytes = b"0.png", **fields: bytes) -> bytes:
    """One block with a checksum that holds, whatever else it says."""
    block = bytearray(BLOCK)
    block[: len(name[:100])] = name[:100]
    written = b"%011o\0" % size if 0 <= size < 8**11 else b"\x80" + (size & (1 << 88) - 1).to_bytes(11, "big")
    block[124:136] = written if size >= 0 else b"\xff" + (size & (1 << 88) - 1).to_bytes(11, "big")
    block[156:157] = kind
    block[257:265] = fields.get("magic", b"ustar\x0000")
    block[345 : 345 + len(fields.get("prefix", b""))] = fields.get("prefix", b"")
    block[148:156] = b"%06o\0 " % (sum(block[:148]) + sum(block[156:]) + 8 * 32)
    return bytes(block)


def padded(content: bytes) -> bytes:
    return content + bytes(-len(content) % BLOCK)


def read(content: bytes) -> list[Member | End]:
    return list(walk(io.BytesIO(content), len(content), lambda name: True))


@settings(max_examples=400, deadline=None)
@given(st.binary(max_size=3 * BLOCK))
@example(FOUND[0])
@example(FOUND[1])
def test_any_bytes_have_an_end(content: bytes) -> None:
    *members, end = read(content)
    assert isinstance(end, End)
    assert all(isinstance(member, Member) for member in members)


blocks = st.builds(
    header,
    st.sampled_from(KINDS),
    st.one_of(st.integers(0, 2000), st.sampled_from([-1, -512, 1 << 20, 1 << 33, 1 << 40, (1 << 63) - 1, 1 << 80])),
    st.binary(min_size=1, max_size=100),
)
records = st.builds(
    lambda key, value, off: b"%d %s=%s\n" % (len(key) + len(value) + 4 + off, key, value),
    st.sampled_from([b"path", b"size", b"GNU.sparse.size", b"GNU.sparse.map", b"hdrcharset", b"mtime", b"uid"]),
    st.one_of(st.binary(max_size=40), st.integers().map(lambda number: b"%d" % number), st.just(b"BINARY")),
    st.integers(-3, 3),
)
extended = st.builds(
    lambda kind, parts: header(kind, len(b"".join(parts))) + padded(b"".join(parts)),
    st.sampled_from([b"x", b"g", b"X", b"L"]),
    st.lists(records, max_size=4),
)


@settings(max_examples=600, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.one_of(blocks, extended, st.binary(min_size=BLOCK, max_size=BLOCK)), max_size=8), st.booleans())
def test_any_headers_have_an_end(parts: list[bytes], compressed: bool) -> None:
    content = b"".join(parts)
    if compressed:
        stream = gzip.GzipFile(fileobj=io.BytesIO(gzip.compress(content)))
        *members, end = list(walk(stream, None, lambda name: True))  # type: ignore[arg-type]
    else:
        *members, end = read(content)
        for member in members:
            assert isinstance(member, Member)
            assert member.offset + member.size <= len(content) or member.kind != "file"
    assert isinstance(end, End)


@pytest.mark.parametrize(
    "content",
    [
        # CPython gh-121285: quadratic in the number of digits.
        header(b"x", 900_000) + padded(b"1" * 900_000),
        header(b"g", 900_000) + padded(b"30 " + b"7" * 900_000),
        # gh-130577 and its like: records that overlap, each with a keyword up to the end.
        header(b"x", 900_000) + padded(b"2 " * 450_000),
        header(b"x", 900_000) + padded(b"2 " * 449_990 + b"k=v\n"),
        # An extended header that asks for more than there is.
        header(b"x", 1 << 40),
        header(b"L", 1 << 40),
        header(b"x", -512) + header(b"0", 0),
        # Extended headers of extended headers.
        (header(b"x", 0) * 20_000) + header(b"0", 0),
        (header(b"L", 0) * 20_000) + header(b"0", 0),
        # gh-133054 (CVE-2025-8194): a size that leads backwards.
        header(b"x", 20) + padded(b"20 size=-10000000\n\0\0") + header(b"0", 0),
        header(b"0", -(1 << 30)),
        header(b"x", 18) + padded(b"18 size=99999999\n\0") + header(b"0", 0),
    ],
    ids=range(12),
)
def test_what_would_hold_up_tarfile_is_refused(content: bytes) -> None:
    """Without the guard the run never comes to its end, and the limit of pytest ends it."""
    tracemalloc.start()
    *_, end = read(content)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert isinstance(end, End)
    assert end.cause
    assert peak < 50 * (len(content) + (1 << 20))


def test_a_bomb_takes_no_memory(tmp_path: Path) -> None:
    with gzip.open(tmp_path / "a.tgz", "wb") as stream:
        for kind in (b"x", b"L", b"g"):
            stream.write(header(kind, 1 << 29))
            for _ in range(16):
                stream.write(bytes(1 << 20))
    tracemalloc.start()
    row = found(tmp_path).shard("a.tgz")
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert (row["status"], row["cause"]) == ("damaged", "bad-header")
    assert peak < 16 << 20


def flipped(content: bytes, chance: random.Random) -> bytes:
    changed = bytearray(content)
    for _ in range(chance.randrange(1, 6)):
        place = (
            chance.randrange(len(content))
            if chance.random() < 0.5
            else chance.randrange(12) * BLOCK + chance.randrange(BLOCK)
        )
        changed[min(place, len(content) - 1)] = chance.randrange(256)
    return bytes(changed)


def test_damaged_datasets_are_read_to_their_end(tmp_path: Path) -> None:
    target = io.BytesIO()
    with tarfile.open(fileobj=target, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for name, content in samples(4):
            about = tarfile.TarInfo(f"ünï/{name}")
            about.size, about.mtime = len(content), 1.5
            archive.addfile(about, io.BytesIO(content))
    for seed in range(150):
        content = flipped(target.getvalue(), random.Random(seed))
        (tmp_path / "a.tar").write_bytes(content)
        (tmp_path / "b.tgz").write_bytes(flipped(gzip.compress(content, mtime=0), random.Random(seed)))
        read = found(tmp_path)
        assert {row["path"] for row in read.rows("shards")} == {"a.tar", "b.tgz"}
        for entry in read.dataset.files:
            assert entry.size is not None
            assert entry.size >= 0


@settings(max_examples=300, deadline=None)
@given(st.text(alphabet="{},.-019ab/", max_size=40))
def test_any_pattern_is_names_or_an_error_of_the_user(pattern: str) -> None:
    try:
        assert len(braces.expand(pattern)) >= 1
    except UsageError as error:
        assert pattern in str(error)


@pytest.mark.parametrize(
    "pattern", ["{0..999999999999}", "{0..99999}{0..99999}", "{" * 5000, "{a," * 3000 + "}" * 3000]
)
def test_a_pattern_of_too_many_names_is_refused(pattern: str) -> None:
    with pytest.raises(UsageError):
        braces.expand(pattern)
