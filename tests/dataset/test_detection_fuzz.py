"""Descriptions, lists and folders of every kind: YOLO and Pascal VOC never raise but for what the user must mend."""

from __future__ import annotations

import tempfile
import tracemalloc
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from datalint import dataset
from datalint.dataset.voc import find
from datalint.dataset.yolo import darknet, description
from datalint.errors import UsageError
from datalint.source.worktree import open_worktree
from datalint.tables import TABLES, Data
from tests.dataset.test_voc import box, xml

SCALARS = st.one_of(
    st.none(), st.booleans(), st.integers(-2, 9), st.floats(), st.sampled_from(["", "a", "..", "/", "train", "1"])
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(SCALARS.map(str), inner, max_size=3),
    max_leaves=8,
)
KEYS = ("path", "train", "val", "validation", "test", "minival", "names", "nc", "kpt_shape", "flip_idx", "download")


@st.composite
def descriptions(draw: st.DrawFn) -> bytes:
    """Known keys with values of every type, in YAML's flow style, sometimes broken."""
    lines = [f"{key}: {draw(VALUES)!r}" for key in draw(st.lists(st.sampled_from(KEYS), max_size=8))]
    text = "\n".join(lines).encode("utf-8", "surrogatepass")
    return text + draw(
        st.sampled_from([b"", b"\n", b"\n\t", b"\xff", b"\n- a", b"\n*a", b"\n&a [*a]", b"\x00", b"\n--- b"])
    )


@settings(deadline=None)
@given(content=st.one_of(st.binary(max_size=200), descriptions()))
@example(b"\xc2\x85!")
@example(b"? [a, b]\n: c\n")
@example(b"? {a: b}\n: c\n")
@example(b"{" * 5000)
@example(b"a: &a [*a]\nnames: *a\ntrain: *a\n")
@example(b"names: {1.5: a, .nan: b}\n")
@example(b"names: {.inf: a}\nnc: .inf\n")
@example(b"nc: 1e400\ntrain: 2001-01-01\n")
@example(b"nc: 99999999999999999999\n")
@example(b"kpt_shape: [999999999, 3]\n")
@example(b"<<: {names: [a]}\ntrain: a\n")
@example(b"a: !!binary x\n")
@example(b"a: !!timestamp 2020-99-99\n")
def test_a_description_of_anything(content: bytes) -> None:
    found = description.parse(content, "data.yaml")
    n_lines = len(content.splitlines()) + 1
    assert all(1 <= flaw.line <= n_lines for flaw in found.flaws)
    assert all(isinstance(name, str) for name in (found.names or {}).values())
    description.looks_like_one(content)
    darknet.looks_like_one(content)
    darknet.parse(content, "obj.data", lambda _: content)
    darknet.class_names(content)
    for name in find.LABEL_MAPS:
        find.label_map(content, name)


LEVELS = range(1, 9)
BOMBS = {
    "merges": "a0: &a0 {b: c}\n" + "".join(f"a{n}: &a{n} {{<<: [{f'*a{n - 1}, ' * 9}]}}\n" for n in LEVELS),
    "lists": "a0: &a0 [b]\n" + "".join(f"a{n}: &a{n} [{f'*a{n - 1}, ' * 9}]\n" for n in LEVELS),
}


@pytest.mark.parametrize("key", ["names", "train", "kpt_shape", "flip_idx", "nc", "path"])
@pytest.mark.parametrize("bomb", BOMBS)
def test_a_description_that_would_fill_the_memory(bomb: str, key: str) -> None:
    content = f"{BOMBS[bomb]}{key}: [*a8, *a8]\n".encode()
    tracemalloc.start()
    found = description.parse(content, "data.yaml")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert found.flaws
    assert peak < 3_000_000


FOLDERS = ["", "images/", "labels/", "train/images/", "train/labels/", "val/images/", "val/labels/", "Annotations/",
           "JPEGImages/", "ImageSets/Main/", "a/b/", "../"]  # fmt: skip
NAMES = ["1.jpg", "2.png", "1.txt", "2.txt", "1.xml", "2.xml", "train.txt", "val.txt", "trainval.txt", "cat_train.txt",
         "data.yaml", "obj.data", "obj.names", "classes.txt", "labels.cache", "labelmap.txt"]  # fmt: skip
CONTENTS = st.one_of(
    st.binary(max_size=40),
    descriptions(),
    st.sampled_from(
        [
            b"",
            b"0 0.5 0.5 0.1 0.1\n",
            b"1\n2\n",
            b"1  1\n2 -1\n",
            b"./images/1.jpg\n/abs/1.jpg\nC:\\1.jpg\nhttp://a/1.jpg\n../../1.jpg\n",
            b"train: images\nval: ../val/images\nnames: [a]\n",
            b"train: train.txt\nval: /\nnames: [a]\n",
            b"path: ..\ntrain: ../..\nval: .\nnc: 2\n",
            b"path: ../../../../..\ntrain: [., .., /, '']\nval: []\nnames: {0: a}\n",
            b"train = data/train.txt\nnames = data/obj.names\n",
            xml(box(), filename="2.jpg").encode(),
            xml(box("")).encode(),
        ]
    ),
)
FILES = st.dictionaries(
    st.tuples(st.sampled_from(FOLDERS[:-1]), st.sampled_from(NAMES)).map("".join), CONTENTS, max_size=12
)


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(files=FILES, name=st.sampled_from(["yolo", "voc", None]))
def test_a_folder_of_anything(files: dict[str, bytes], name: str | None) -> None:
    with tempfile.TemporaryDirectory() as home:
        base = Path(home, "a/b/c/data")
        for path, content in files.items():
            (base / path).parent.mkdir(parents=True, exist_ok=True)
            (base / path).write_bytes(content)
        base.mkdir(parents=True, exist_ok=True)
        try:
            found = dataset.read(open_worktree(str(base)), root=".", format=name)
        except UsageError as error:
            assert "YOLO datasets lie here" in error.message or "a file, not a folder" in error.message
            return
    for table in ("samples", "classes", "problems", "skipped", "annotations"):
        consistent(table, getattr(found, table))
    n_samples, n_files = len(found.samples), len(found.files)
    assert all(0 <= each < n_files for each in found.samples.columns["file_id"] if isinstance(each, int))
    ids: list[Any] = found.annotations.columns["sample_id"]
    assert all(each is None or 0 <= each < n_samples for each in ids)


def consistent(table: str, data: Data) -> None:
    """Every column has as many rows, of its type."""
    types: dict[str, Any] = {"VARCHAR": str, "BIGINT": int, "DOUBLE": int | float, "BOOLEAN": bool}
    for column in TABLES[table].columns:
        values = data.columns[column.name]
        assert len(values) == len(data)
        assert all(value is None or isinstance(value, types[column.type]) for value in values), column.name
        for value in values:
            if isinstance(value, str):
                value.encode("utf-8")
            elif isinstance(value, int):
                assert -(1 << 63) <= value < 1 << 63
