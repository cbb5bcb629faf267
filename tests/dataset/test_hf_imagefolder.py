"""Hugging Face imagefolder with metadata: what `datasets` reads, refuses and leaves out, case by case."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from datalint import dataset
from datalint.dataset import formats
from datalint.dataset.listing import listing
from datalint.errors import DatalintError, UnfinishedError, UsageError
from datalint.source.worktree import open_worktree
from tests.conftest import CORPORA
from tests.dataset.manifests import rows
from tests.e2e.conftest import picture

if TYPE_CHECKING:
    from pathlib import Path

    from datalint.dataset import Dataset

TWO = "file_name,label\na.png,cat\nb.png,dog\n"
Rows = dict[str, list[tuple[str, str | None]]]


@dataclass(frozen=True)
class Case:
    """A folder, what the library makes of it (None: it raises), and the problems that we see."""

    tables: dict[str, str]
    images: tuple[str, ...]
    loaded: Rows | None
    problems: tuple[tuple[str, str | None], ...] = ()
    unlisted: tuple[str, ...] = ()
    ours: Rows = field(default_factory=dict)
    """Our samples, where they are not those of the library: it raises, or never reads them."""


BOTH: list[tuple[str, str | None]] = [("a.png", "cat"), ("b.png", "dog")]


def below(folder: str, pairs: list[tuple[str, str | None]] = BOTH) -> list[tuple[str, str | None]]:
    return [(f"{folder}/{name}", label) for name, label in pairs]


CASES = {
    "csv": Case({"metadata.csv": TWO}, ("a.png", "b.png"), {"train": BOTH}),
    "jsonl": Case(
        {"metadata.jsonl": '{"file_name": "a.png", "label": "cat"}\n{"file_name": "b.png", "label": "dog"}\n'},
        ("a.png", "b.png"),
        {"train": BOTH},
    ),
    "images in a folder": Case(
        {"metadata.csv": "file_name,label\nimages/a.png,cat\nimages/b.png,dog\n"},
        ("images/a.png", "images/b.png"),
        {"train": below("images")},
    ),
    "backslashes are slashes": Case(
        {"metadata.csv": "file_name,label\nimages\\a.png,cat\n"}, ("images/a.png",),
        {"train": [("images/a.png", "cat")]},
    ),
    "a row of a hidden folder": Case(
        {"metadata.csv": "file_name,label\n.x/a.png,cat\n"}, (".x/a.png", "b.png"),
        {"train": [(".x/a.png", "cat")]}, unlisted=("b.png",),
    ),
    "an image without a row": Case(
        {"metadata.csv": TWO}, ("a.png", "b.png", "c.png"), {"train": BOTH}, unlisted=("c.png",)
    ),
    "a row without an image": Case(
        {"metadata.csv": TWO}, ("a.png",), {"train": BOTH}, (("missing-file", "b.png"),)
    ),
    "an empty file_name": Case(
        {"metadata.csv": "file_name,label\n,cat\nb.png,dog\n"}, ("b.png",), {"train": [("", "cat"), ("b.png", "dog")]},
        (("missing-path", "metadata.csv"),), ours={"train": [("b.png", "dog")]},
    ),
    "an empty label": Case(
        {"metadata.csv": "file_name,label\na.png,\nb.png,nan\n"}, ("a.png", "b.png"),
        {"train": [("a.png", None), ("b.png", None)]}, (("missing-label", "a.png"), ("missing-label", "b.png")),
    ),
    "a label that pandas takes for nothing": Case(
        {"metadata.csv": "file_name,label\na.png,NA\nb.png,cat\n"}, ("a.png", "b.png"),
        {"train": [("a.png", None), ("b.png", "cat")]}, (("missing-label", "a.png"),),
        ours={"train": [("a.png", "NA"), ("b.png", "cat")]},
    ),
    "one for each split": Case(
        {"train/metadata.csv": TWO, "test/metadata.csv": TWO},
        ("train/a.png", "train/b.png", "test/a.png", "test/b.png"),
        {"train": below("train"), "test": below("test")},
    ),
    "years and words around a split": Case(
        {"seg_train2017/metadata.csv": TWO, "val2017/metadata.csv": TWO},
        ("seg_train2017/a.png", "seg_train2017/b.png", "val2017/a.png", "val2017/b.png"),
        {"train": below("seg_train2017"), "validation": below("val2017")},
    ),
    "a split in a split": Case(
        {"train/test-1/metadata.csv": TWO}, ("train/test-1/a.png", "train/test-1/b.png"),
        {"train": below("train/test-1"), "test": below("train/test-1")},
    ),
    "Train is no split, and all is train": Case(
        {"Train/metadata.csv": TWO}, ("Train/a.png", "Train/b.png"), {"train": below("Train")}
    ),
    "one above the splits is never read": Case(
        {"metadata.csv": "file_name,label\ntrain/a.png,cat\ntest/b.png,dog\n"}, ("train/a.png", "test/b.png"),
        {"train": [("train/a.png", None)], "test": [("test/b.png", "0")]}, (("metadata-lost", "metadata.csv"),),
        ours={"train": [("train/a.png", "cat")], "test": [("test/b.png", "dog")]},
    ),
    "file names that mean splits": Case(
        {"metadata.csv": "file_name,label\ntrain_1.png,cat\ntest_1.png,dog\n"}, ("train_1.png", "test_1.png"),
        {"train": [("train_1.png", None)], "test": [("test_1.png", None)]}, (("metadata-lost", "metadata.csv"),),
        ours={"train": [("train_1.png", "cat")], "test": [("test_1.png", "dog")]},
    ),
    "a later split without metadata": Case(
        {"train/metadata.csv": TWO}, ("train/a.png", "train/b.png", "test/a.png"), None,
        (("metadata-refused", "test"),), ours={"train": below("train")},
    ),
    "an earlier split without metadata": Case(
        {"test/metadata.csv": TWO}, ("test/a.png", "test/b.png", "train/a.png"),
        {"train": [("train/a.png", None)], "test": below("test")}, (("metadata-lost", "train"),),
    ),
    "a folder that is no split": Case(
        {"train/metadata.csv": TWO, "extra/metadata.csv": TWO},
        ("train/a.png", "train/b.png", "extra/a.png", "extra/b.png"), {"train": below("train")},
        (("metadata-lost", "extra/metadata.csv"), ("metadata-lost", "extra")),
        ours={"train": below("train"), "": below("extra")},
    ),
    "the card says which folder is which split": Case(
        {
            "a/metadata.csv": TWO, "b/metadata.csv": TWO, "c/metadata.csv": TWO,
            "README.md": "---\nconfigs:\n- config_name: default\n  data_files:\n  - {split: train, path: a/**}\n"
            "  - {split: test, path: ['b/*']}\n---\n",
        },
        ("a/a.png", "a/b.png", "b/a.png", "b/b.png", "c/a.png", "c/b.png"),
        {"train": below("a"), "test": below("b")}, (("metadata-lost", "c/metadata.csv"), ("metadata-lost", "c")),
        ours={"train": below("a"), "test": below("b"), "": below("c")},
    ),
    "two suffixes": Case(
        {"train/metadata.csv": TWO, "test/metadata.jsonl": '{"file_name": "a.png", "label": "cat"}\n'},
        ("train/a.png", "train/b.png", "test/a.png"), None, (("metadata-refused", "train/metadata.csv"),),
        ours={"train": below("train"), "test": [("test/a.png", "cat")]},
    ),
    "splits with other columns": Case(
        {"train/metadata.csv": TWO, "test/metadata.csv": "file_name\na.png\n"},
        ("train/a.png", "train/b.png", "test/a.png"), None, (("metadata-refused", "test/metadata.csv"),),
        ours={"train": below("train"), "test": [("test/a.png", None)]},
    ),
    "columns in another order": Case(
        {"train/metadata.csv": TWO, "test/metadata.csv": "label,file_name\ncat,a.png\n"},
        ("train/a.png", "train/b.png", "test/a.png"), {"train": below("train"), "test": [("test/a.png", "cat")]},
    ),
    "a path that leads out": Case(
        {"data/metadata.csv": "file_name,label\n../a.png,cat\n"}, ("a.png",), None,
        (("metadata-refused", "data/metadata.csv"),), ours={"train": [("a.png", "cat")]},
    ),
    "a URL": Case(
        {"metadata.csv": "file_name,label\nhttps://example.com/a.png,cat\n"}, ("b.png",), None,
        (("metadata-refused", "metadata.csv"),), ("b.png",), {"train": [("https://example.com/a.png", "cat")]},
    ),
    "a header without rows": Case(
        {"metadata.csv": "file_name,label\n"}, ("a.png",), None, (("metadata-refused", "metadata.csv"),), ("a.png",),
    ),
    "a row too long": Case(
        {"metadata.csv": "file_name,label\na.png,cat\nb.png,dog,x\n"}, ("a.png", "b.png"), None,
        (("bad-row", None),), ("b.png",), {"train": [("a.png", "cat")]},
    ),
    "semicolons": Case(
        {"train/metadata.csv": TWO, "test/metadata.csv": "file_name;label\na.png;cat\nb.png;dog\n"},
        ("train/a.png", "train/b.png", "test/a.png", "test/b.png"), None, (("metadata-refused", "test/metadata.csv"),),
        ours={"train": below("train"), "test": below("test")},
    ),
    "tabs": Case(
        {"metadata.csv": "file_name\tlabel\na.png\tcat\n"}, ("a.png",), None, (("metadata-refused", "metadata.csv"),),
        ours={"train": [("a.png", "cat")]},
    ),
    "a space before file_name": Case(
        {"metadata.csv": "label, file_name\ncat,a.png\n"}, ("a.png",), None, (("metadata-refused", "metadata.csv"),),
        ours={"train": [("a.png", "cat")]},
    ),
    "half a line of JSON": Case(
        {"metadata.jsonl": '{"file_name": "a.png", "label": "cat"}\n{"file_name":\n'}, ("a.png", "b.png"), None,
        (("bad-row", None),), ("b.png",), {"train": [("a.png", "cat")]},
    ),
}  # fmt: skip


def made(home: Path, case: Case) -> Path:
    for number, name in enumerate(case.images):
        picture(home / name, number, size=8)
    for name, text in case.tables.items():
        (home / name).parent.mkdir(parents=True, exist_ok=True)
        (home / name).write_text(text)
    return home


def read(home: Path, **options: Any) -> Dataset:
    return dataset.read(open_worktree(str(home)), root=".", format="hf-imagefolder", **options)


def samples(found: Dataset) -> Rows:
    made: Rows = {}
    names = {"val": "validation"}
    alone = {*found.samples.columns["split"]} <= {None}
    for split, path, label in rows(found.samples, "split", "path", "label"):
        # Where nothing is a split by name, the library calls the whole `train`.
        name = "train" if alone else split or ""
        made.setdefault(names.get(name, name), []).append((path, label))
    return {split: sorted(found, key=str) for split, found in made.items()}


def ordered(loaded: Rows) -> Rows:
    return {split: sorted(found, key=str) for split, found in loaded.items()}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_samples_and_problems(tmp_path: Path, case: Case) -> None:
    found = read(made(tmp_path, case))
    assert samples(found) == ordered(case.ours or (case.loaded or {}))
    assert sorted(rows(found.problems, "kind", "path"), key=str) == sorted(
        ((kind, None if kind == "missing-path" else path) for kind, path in case.problems), key=str
    )
    unlisted = [path for path, reason in rows(found.skipped, "path", "reason") if reason == "unlisted"]
    assert unlisted == list(case.unlisted)


_ORACLE = """
import json, os, sys
import datasets
datasets.disable_progress_bars()
home = sys.argv[1]
answers = {}
for name in sorted(os.listdir(home)):
    folder = os.path.join(home, name)
    try:
        found = datasets.load_dataset(folder, cache_dir=sys.argv[2])
    except (ValueError, datasets.exceptions.DatasetGenerationError, IndexError):
        answers[name] = None
        continue
    answers[name] = {
        split: [
            (
                os.path.relpath(row["image"]["path"], folder) if row["image"] else "",
                None if row.get("label") is None else str(row["label"]),
            )
            for row in table.cast_column("image", datasets.Image(decode=False))
        ]
        for split, table in found.items()
    }
json.dump(answers, open(sys.argv[3], "w"))
"""
"""It lives in a process of its own: its imports leave files open and warnings behind."""


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Rows | None]:
    """Path and label of every row by split, case by case; None where the library raises."""
    if importlib.util.find_spec("datasets") is None:
        pytest.skip("the oracle `datasets` is not installed")
    home = tmp_path_factory.mktemp("oracle")
    for name, case in CASES.items():
        made(home / "folders" / name, case)
    environment = {**os.environ, "HF_HUB_OFFLINE": "1", "PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, "-W", "ignore", "-c", _ORACLE, *(str(home / name) for name in ("folders", "cache", "a"))]
    subprocess.run(command, env=environment, check=True, capture_output=True)
    answers = json.loads((home / "a").read_text())
    return {
        name: None
        if answer is None
        else ordered({split: [(a, b) for a, b in found] for split, found in answer.items()})
        for name, answer in answers.items()
    }


@pytest.mark.parametrize("name", CASES)
def test_datasets_itself_loads_or_refuses_it_so(loaded: dict[str, Rows | None], name: str) -> None:
    expected = CASES[name].loaded
    assert loaded[name] == (None if expected is None else ordered(expected))


def test_semicolons_are_said(tmp_path: Path) -> None:
    found = read(made(tmp_path, CASES["semicolons"]))
    ((words,),) = rows(found.problems, "detail")
    assert words == "pandas parts columns at commas alone, and no column is file_name: it reads 'file_name;label'"
    assert dataset.read(open_worktree(str(tmp_path)), root=".").format == "hf-imagefolder"


def test_it_is_recognised_by_a_column_of_the_metadata(tmp_path: Path) -> None:
    made(tmp_path, CASES["one for each split"])
    found = formats.recognise(listing(open_worktree(str(tmp_path)), "."))
    assert found == ("hf-imagefolder", "test/metadata.csv")
    assert dataset.read(open_worktree(str(tmp_path)), root=".").format == "hf-imagefolder"


@pytest.mark.parametrize(
    ("tables", "images"),
    [
        ({"metadata.csv": "image,age\na.png,3\n"}, ("a.png",)),
        ({"metadata.csv": "file_name,age\ncat/a.png,3\ndog/b.png,4\n"}, ("cat/a.png", "dog/b.png")),
        ({"labels.csv": TWO}, ("a.png", "b.png")),
    ],
    ids=["another column", "class folders", "another name"],
)
def test_other_tables_are_none(tmp_path: Path, tables: dict[str, str], images: tuple[str, ...]) -> None:
    made(tmp_path, Case(tables, images, None))
    assert formats.recognise(listing(open_worktree(str(tmp_path)), ".")) is None


def test_a_metadata_file_that_the_user_names_is_a_table(tmp_path: Path) -> None:
    made(tmp_path, CASES["csv"])
    assert dataset.read(open_worktree(str(tmp_path)), root="metadata.csv").format == "csv"


def test_class_folders_give_no_label_beside_metadata(tmp_path: Path) -> None:
    """With the oracle: `label` is no column of what the library loads."""
    made(
        tmp_path, Case({"metadata.csv": "file_name,age\ncat/a.png,3\ndog/b.png,4\n"}, ("cat/a.png", "dog/b.png"), None)
    )
    found = read(tmp_path)
    ((kind, words),) = rows(found.problems, "kind", "detail")
    assert kind == "metadata-lost"
    assert "(cat, dog) give no label" in words


def test_two_images_a_row_are_two_samples(tmp_path: Path) -> None:
    table = "before_file_name,after_file_name,label\na.png,b.png,cat\n"
    found = read(made(tmp_path, Case({"metadata.csv": table}, ("a.png", "b.png"), None)))
    assert rows(found.samples, "path", "label", "line") == [("a.png", "cat", 2), ("b.png", "cat", 2)]


def test_masks_are_no_pictures(tmp_path: Path) -> None:
    table = "file_name,mask_file_name\na.png,m/a.png\nb.png,m/b.png\n"
    found = read(made(tmp_path, Case({"metadata.csv": table}, ("a.png", "b.png", "m/a.png"), None)))
    assert rows(found.samples, "path") == [("a.png",), ("b.png",)]
    assert rows(found.mask_rows, "sample_id", "path") == [(0, "m/a.png"), (1, "m/b.png")]
    assert [entry.kind for entry in found.masks] == ["file", "missing"]
    assert (found.task, len(found.skipped), len(found.problems)) == ("segmentation", 0, 0)


def test_lists_of_images_and_labels(tmp_path: Path) -> None:
    line = '{"file_names": ["a.png", "b.png"], "labels": ["x", "y"]}\n'
    found = read(made(tmp_path, Case({"metadata.jsonl": line}, ("a.png", "b.png"), None)))
    assert rows(found.samples, "path", "label") == [("a.png", None), ("b.png", None)]


def test_the_column_of_labels_can_be_declared(tmp_path: Path) -> None:
    made(tmp_path, Case({"metadata.csv": "file_name,kind\na.png,cat\n"}, ("a.png",), None))
    assert samples(read(tmp_path, columns={"label": "kind"})) == {"train": [("a.png", "cat")]}
    with pytest.raises(UsageError, match="no column 'sort'"):
        read(tmp_path, columns={"label": "sort"})


def test_a_column_of_splits_counts_where_no_name_means_one(tmp_path: Path) -> None:
    table = "file_name,label,split\na.png,cat,train\nb.png,dog,test\n"
    found = read(made(tmp_path, Case({"metadata.csv": table}, ("a.png", "b.png"), None)))
    assert samples(found) == {"train": [("a.png", "cat")], "test": [("b.png", "dog")]}


def test_a_pointer_in_the_place_of_metadata_is_said(tmp_path: Path) -> None:
    pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 4\n"
    made(tmp_path, Case({"metadata.jsonl": pointer}, ("a.png",), None))
    with pytest.raises(UnfinishedError, match="git lfs pull"):
        read(tmp_path)


def test_parquet_metadata(tmp_path: Path) -> None:
    from tests.dataset.manifests import parquet

    made(tmp_path, Case({}, ("a.png", "b.png"), None))
    content = parquet(tmp_path, "select * from (values ('a.png', 'cat'), ('b.png', 'dog')) t(file_name, label)")
    (tmp_path / "metadata.parquet").write_bytes(content)
    assert dataset.read(open_worktree(str(tmp_path)), root=".").format == "hf-imagefolder"
    assert samples(read(tmp_path)) == {"train": BOTH}


NAMES = st.sampled_from(["metadata.csv", "train/metadata.jsonl", "test/metadata.csv", "data/metadata.jsonl"])
CELLS = st.one_of(st.text(max_size=8), st.sampled_from(["a.png", "../a.png", "/a", "", "[1", '["a"]', "http://x/y"]))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.dictionaries(NAMES, st.one_of(st.binary(max_size=200), st.lists(CELLS, max_size=6)), min_size=1, max_size=3))
def test_nothing_in_the_metadata_escapes_as_a_traceback(
    tmp_path_factory: pytest.TempPathFactory, tables: dict[str, bytes | list[str]]
) -> None:
    home = tmp_path_factory.mktemp("fuzz")
    for name, content in tables.items():
        (home / name).parent.mkdir(parents=True, exist_ok=True)
        if isinstance(content, list):
            content = ("file_name,label\n" + "\n".join(f"{cell},x" for cell in content)).encode(errors="replace")
        (home / name).write_bytes(content)
    try:
        found = read(home)
    except DatalintError:
        return
    assert len(found.samples) or len(found.problems) or not any(tables.values())


@pytest.mark.corpus
def test_sroie_names_987_images_that_are_not_there(corpora: Path) -> None:
    source = open_worktree(str(CORPORA))
    found = dataset.read(source, root="hf-imagefolder-sroie")
    assert found.format == "hf-imagefolder"
    splits = [split for (split,) in rows(found.samples, "split")]
    assert (splits.count("train"), splits.count("test"), len(splits)) == (626, 361, 987)
    assert {entry.kind for entry in found.files} == {"missing"}
    assert len(found.files) == 987
    assert {kind for (kind,) in rows(found.problems, "kind")} == {"missing-file"}


def test_names_that_are_almost_right(tmp_path: Path) -> None:
    tables = {"train/metadata.csv": TWO, "test/Metadata.csv": TWO, "train/metadata.tsv": TWO, "metadata.json": "{}"}
    found = read(made(tmp_path, Case(tables, ("train/a.png", "train/b.png", "test/a.png"), None)))
    assert ("metadata-lost", "test/Metadata.csv") in rows(found.problems, "kind", "path")
    assert not {"train/metadata.tsv", "metadata.json"} & {path for (path,) in rows(found.problems, "path")}
