"""Nothing that a shard may hold ends as a traceback, hangs, or takes memory out of proportion.

Derandomised, so that a run is the same everywhere; what longer runs found is an `example`.
"""

from __future__ import annotations

import gzip
import resource
import struct
import subprocess
import sys
import tempfile
import zlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from datalint import dataset
from datalint.dataset.tfrecord import index as indexes
from datalint.dataset.tfrecord import labelmap
from datalint.dataset.tfrecord.plan import Plan
from datalint.dataset.tfrecord.scan import scan
from datalint.errors import DatalintError
from datalint.source.worktree import open_worktree
from tests.dataset.tfrecord import records

if TYPE_CHECKING:
    from collections.abc import Mapping

pytestmark = pytest.mark.slow
FUZZ = settings(max_examples=300, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))

NAMES = st.sampled_from(
    ["image/encoded", "image", "image_raw", "x", "label", "image/class/label", "image/class/text", "height", "width",
     "depth", "image/height", "image/object/bbox/xmin", "image/object/bbox/ymin", "image/object/bbox/xmax",
     "image/object/bbox/ymax", "image/object/class/label", "image/object/class/text", "objects/bbox", "", "\0"]
)  # fmt: skip
VALUES = st.one_of(
    st.none(),
    st.binary(max_size=40),
    st.lists(st.binary(max_size=8), max_size=3),
    st.sampled_from([records.png(1), b"\xff\xd8\xff", bytes(784), bytes(48)]),
    st.integers(-(1 << 63), (1 << 63) - 1),
    st.integers(0, 5),
    st.lists(st.integers(0, 1), max_size=20),
    st.lists(st.floats(width=32), max_size=20),
)
EXAMPLES = st.dictionaries(NAMES, VALUES, max_size=6)


@st.composite
def contents(draw: st.DrawFn) -> bytes:
    """Records of every kind, packed or not, with bytes changed, dropped or added."""
    some = draw(st.lists(st.one_of(EXAMPLES.map(records.example), st.binary(max_size=60)), max_size=5))
    content = b"".join(records.framed(each) for each in some)
    codec = draw(st.sampled_from(["plain", "plain", "gzip", "zlib"]))
    content = gzip.compress(content, mtime=0) if codec == "gzip" else content
    content = zlib.compress(content) if codec == "zlib" else content
    for _ in range(draw(st.integers(0, 2))):
        at = draw(st.integers(0, len(content)))
        content = content[:at] + draw(st.binary(max_size=12)) + content[at + draw(st.integers(0, 12)) :]
    return content


@given(contents(), st.dictionaries(st.sampled_from(["image", "label", "split", "group"]), NAMES, max_size=2))
@FUZZ
def test_any_shard_is_a_dataset_or_a_clear_refusal(content: bytes, columns: Mapping[str, str]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "train.tfrecord").write_bytes(content)
        try:
            found = dataset.read(open_worktree(folder), root=".", columns=columns)
        except DatalintError:
            return
    [status] = found.shards.columns["status"]
    assert status in ("ok", "damaged", "empty")
    table: Any
    for table in found.tables(source="worktree").values():
        assert len({len(column) for column in table.columns.values()}) == 1
    for entry in found.files:
        assert entry.size is not None
        assert 0 <= entry.size <= 16 * len(content) + 100_000


@given(st.lists(EXAMPLES.map(records.example), max_size=4))
@FUZZ
def test_what_is_remembered_of_a_shard_is_what_was_read(some: list[bytes]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = records.write(Path(folder) / "a", some)
        plan = Plan(image=b"image", label=b"label", text=b"image/class/text", width=b"width", height=b"height")
        found = scan(str(path), plan)
    assert indexes.unpack(indexes.pack(found)) == found


@given(st.binary(max_size=200))
@FUZZ
def test_any_bytes_that_were_remembered_are_an_index_or_none(content: bytes) -> None:
    found = indexes.unpack(content)
    assert found is None or len(found.numbers) == len(found.labels)


@given(st.text(alphabet="item{}id:name 0123'\"\n#", max_size=200))
@FUZZ
def test_any_label_map_is_read(text: str) -> None:
    assert all(isinstance(number, int) and name for number, name in labelmap.parse(text).items())


def length_of(length: int) -> bytes:
    head = struct.pack("<Q", length)
    return head + records.masked(head)


def bomb(stated: int) -> bytes:
    """A gigabyte of zeros in a megabyte, as one record that states more."""
    packer = zlib.compressobj(9, wbits=31)
    parts = [packer.compress(length_of(stated))]
    parts += [packer.compress(bytes(1 << 24)) for _ in range(64)]
    return b"".join([*parts, packer.flush()])


HOSTILE = {
    "a length beyond the file": length_of((1 << 63) + 5) + b"x",
    "a length of 2 GiB": length_of((1 << 31) - 1) + b"x",
    "a bomb beyond what a message may be": bomb(3 << 30),
    "a bomb that may be a message": bomb((1 << 31) - 1),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_memory_stays_in_proportion(name: str, tmp_path: Path) -> None:
    path = tmp_path / "a.tfrecord"
    path.write_bytes(HOSTILE[name])
    program = (
        "import sys, resource; from datalint.dataset.tfrecord.scan import scan; "
        "from datalint.dataset.tfrecord.plan import Plan; "
        "print(scan(sys.argv[1], Plan(image=b'image')).damage[0].cause)"
    )
    limit = 700 << 20
    run = subprocess.run(
        [sys.executable, "-c", program, str(path)],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (limit, limit)),
    )
    assert run.returncode == 0, run.stderr[-500:]
    assert run.stdout.strip() in ("truncated", "not-decompressed")
