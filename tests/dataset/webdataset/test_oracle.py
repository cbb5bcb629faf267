"""webdataset itself says which samples an archive gives, with which members, and where it stops."""

from __future__ import annotations

import gzip
import hashlib
import io
import random
import tarfile
import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from datalint import braces
from datalint.dataset.webdataset.groups import Grouping, key_of
from datalint.dataset.webdataset.tar import End, walk
from datalint.source.part import PartReader, open_stream
from tests.conftest import CORPORA
from tests.dataset.webdataset.tars import found, image, pack

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SEEDS = range(400)
KINDS = ("sound", "cut", "flipped", "zeroed", "swapped", "joined", "appended")


@dataclass(frozen=True)
class Seen:
    """Keys and the digests of members by extension, in order, and whether the reader stopped with an error."""

    samples: list[tuple[str, dict[str, str]]]
    stopped: bool


def theirs(path: Path) -> Seen:
    tariterators = pytest.importorskip("webdataset.tariterators", reason="webdataset is not installed")
    seen: list[tuple[str, dict[str, str]]] = []
    with path.open("rb") as stream, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            files = tariterators.tar_file_expander(iter([{"url": str(path), "stream": stream}]))
            for sample in tariterators.group_by_keys(files):
                members = {name: digest(data) for name, data in sample.items() if not name.startswith("__")}
                seen.append((sample["__key__"], members))
        except Exception:
            return Seen(seen, stopped=True)
    return Seen(seen, stopped=False)


def ours(path: Path) -> tuple[Seen, End]:
    """What the reader makes of it, with the bytes that the scan would be given."""
    codec = "gzip" if path.read_bytes()[:2] == b"\x1f\x8b" else "plain"
    seen: list[tuple[str, dict[str, str]]] = []
    grouping, stopped, end = Grouping(), False, End("", "", 0)
    content = gzip_prefix(path) if codec == "gzip" else path.read_bytes()
    groups = []
    with open_stream(str(path), codec) as stream:
        for member in walk(stream, path.stat().st_size if codec == "plain" else None, lambda name: False):
            if isinstance(member, End):
                end = member
                break
            key = key_of(member.name)
            if member.kind in ("file", "sparse") and key is not None:
                ended, repeated = grouping.add(*key, member)
                groups += [ended] if ended else []
                stopped = stopped or repeated
                if repeated:
                    return Seen([], stopped=True), end
    groups += grouping.rest()
    for group in groups:
        members = {
            name: digest(content[member.offset : member.offset + member.size]) for name, member in group.members.items()
        }
        seen.append((group.key, members))
    return Seen(seen, stopped), end


def gzip_prefix(path: Path) -> bytes:
    """All that can be decompressed."""
    data = b""
    with gzip.open(path) as stream:
        try:
            while chunk := stream.read(256):
                data += chunk
        except Exception:
            return data
    return data


def digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def members(chance: random.Random) -> list[tuple[str, bytes]]:
    """Names as people and machines give them; some have no key, some come twice, some are out of order."""
    made: list[tuple[str, bytes]] = []
    folders = ["", "", "a/", "a.b/c/", "./", "/abs/", "long/" * 30, "ünï/"]
    for number in range(chance.randrange(1, 9)):
        key = chance.choice(folders) + chance.choice([f"{number:04}", f"sample {number}", f"n{number}" * 12])
        names = chance.sample(["png", "cls", "json", "seg.png", "txt", "JPG", "tar.gz", ""], chance.randrange(1, 5))
        made += [(f"{key}.{name}", chance.randbytes(chance.choice([0, 1, 10, 511, 512, 513, 3000]))) for name in names]
    odd = ["README", ".hidden.png", "__meta__/1.png", "__info__", "a/.b.png", "a.b/c", "..png", "x..png", "x/..png"]
    made += [(name, b"odd") for name in chance.sample(odd, chance.randrange(3))]
    if chance.random() < 0.3:
        chance.shuffle(made)
    return made


def archive(path: Path, chance: random.Random) -> None:
    formats = [tarfile.GNU_FORMAT, tarfile.PAX_FORMAT, tarfile.USTAR_FORMAT]
    target = io.BytesIO()
    with tarfile.open(fileobj=target, mode="w", format=chance.choice(formats)) as made:
        for name, content in members(chance):
            about = tarfile.TarInfo(name)
            about.size = len(content)
            if chance.random() < 0.1:
                about.type = chance.choice([tarfile.DIRTYPE, tarfile.LNKTYPE, tarfile.SYMTYPE, tarfile.FIFOTYPE])
                about.size, about.linkname = 0, "elsewhere"
            if chance.random() < 0.1:
                about.pax_headers = {"comment": "x" * chance.randrange(2000), "mtime": "1.5"}
            try:
                made.addfile(about, io.BytesIO(content) if about.isreg() else None)
            except ValueError:  # USTAR has no room for such a name
                continue
    path.write_bytes(mutated(target.getvalue(), chance))


def mutated(content: bytes, chance: random.Random) -> bytes:
    kind = chance.choice(KINDS)
    at = chance.randrange(len(content))
    changed = bytearray(content)
    if kind == "cut":
        return content[:at]
    if kind == "flipped":
        for _ in range(chance.randrange(1, 4)):
            changed[chance.randrange(len(content))] ^= 1 << chance.randrange(8)
    elif kind == "zeroed":
        changed[at : at + chance.randrange(1, 1024)] = bytes(len(changed[at : at + chance.randrange(1, 1024)]))
    elif kind == "swapped":
        block = at - at % 512
        changed[block : block + 512], changed[:512] = changed[:512], changed[block : block + 512]
    elif kind == "joined":
        return content + content
    elif kind == "appended":
        return content + chance.randbytes(chance.randrange(2000))
    return bytes(changed)


def agree(path: Path) -> str:
    """Fails where the two differ in a way that matters; returns how it ended."""
    their, (our, end) = theirs(path), ours(path)
    if our.stopped:
        assert their.stopped, "we say a member is repeated"
        return "repeated"
    if end.harmless:
        assert not their.stopped, end
        assert their.samples == our.samples
        return end.cause or "sound"
    if their.stopped:
        # The sample that it was reading is lost to it; we have what was whole of it.
        assert their.samples == our.samples[: len(their.samples)], end
        assert len(our.samples) - len(their.samples) in (0, 1), end
        return end.cause
    # It takes the damage for the end, and is silent.
    if path.suffix == ".tgz":
        # Where the stream is cut in the padding of a member, that member is whole and we do not say so.
        assert their.samples[:-1] == our.samples[: max(0, len(their.samples) - 1)], end
        assert len(their.samples) - len(our.samples) in (0, 1), end
    else:
        assert their.samples == our.samples, end
    return end.cause


@pytest.mark.parametrize("start", range(0, len(SEEDS), 50))
def test_generated_and_mutated_archives_have_the_same_samples(start: int, tmp_path: Path) -> None:
    told = set()
    for seed in SEEDS[start : start + 50]:
        path = tmp_path / f"{seed}.tar"
        archive(path, random.Random(seed))
        try:
            told.add(agree(path))
        except AssertionError as error:
            raise AssertionError(f"seed {seed}: {error}") from error
    assert {"sound", "bad-checksum"} <= told


def test_compressed_archives_have_the_same_samples(tmp_path: Path) -> None:
    for seed in range(60):
        chance = random.Random(1000 + seed)
        path = tmp_path / f"{seed}.tgz"
        archive(path, chance)
        whole = gzip.compress(path.read_bytes(), mtime=0)
        path.write_bytes(whole[: chance.randrange(20, len(whole))] if seed % 3 == 0 else whole)
        agree(path)


@pytest.mark.corpus
@pytest.mark.parametrize(
    ("name", "count"),
    [
        ("sample.tgz", 90),
        ("compressed.tar", 3),
        ("mpdata.tar", 100),
        ("pass-mini/PASS.0.tar", 4),
        ("pass-mini/PASS.1.tar", 4),
    ],
)
def test_the_real_ones_have_the_same_samples(name: str, count: int) -> None:
    path = CORPORA / "webdataset" / name
    if not path.is_file():
        pytest.skip("the real corpora are not here")
    assert agree(path) == "sound"
    assert len(ours(path)[0].samples) == count


def test_labels_are_what_webdataset_decodes(tmp_path: Path) -> None:
    wds = pytest.importorskip("webdataset", reason="webdataset is not installed")
    contents = [b"0", b" 7\n", b"007", b"12", b"+3", b"-1"]
    named = [(f"{number}.{kind}", content) for number, label in enumerate(contents)
             for kind, content in (("png", image(number)), ("cls", label))]  # fmt: skip
    path = pack(tmp_path / "a.tar", named)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        decoded = [sample["cls"] for sample in wds.WebDataset(str(path), shardshuffle=False).decode()]
    assert [row["label_index"] for row in found(tmp_path).rows("samples")] == decoded
    reader = PartReader()
    assert [reader.read(entry.locator) for entry in found(tmp_path).dataset.files] == [  # type: ignore[arg-type]
        content for name, content in named if name.endswith("png")
    ]


def patterns() -> Iterator[str]:
    chance = random.Random(5)
    pieces = [
        "{000..012}",
        "{0..3}",
        "{9..7}",
        "{a,b}",
        "{x,{1..3}}",
        "{one}",
        "-",
        "shard",
        "{,s}",
        "{0..10..3}",
        "{-1..1}",
    ]
    for _ in range(200):
        yield "".join(chance.choices(pieces, k=chance.randrange(1, 4))) + ".tar"


def test_patterns_stand_for_what_braceexpand_makes_of_them() -> None:
    oracle = pytest.importorskip("braceexpand", reason="braceexpand is not installed")
    for pattern in patterns():
        assert braces.expand(pattern) == list(oracle.braceexpand(pattern)), pattern
