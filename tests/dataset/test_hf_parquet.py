"""Hugging Face Parquet: images inside shards, names of classes, splits by name, and what is wrong with them."""

from __future__ import annotations

import contextlib
import importlib.util
import json
import os
import signal
import subprocess
import sys
import threading
import time
from typing import TYPE_CHECKING, Any

import duckdb
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from datalint import dataset
from datalint.dataset import formats
from datalint.dataset.hf_parquet import shards
from datalint.dataset.listing import listing
from datalint.entry import PartLocator
from datalint.errors import DatalintError, UsageError
from datalint.facts.cache import open_cache
from datalint.facts.gather import gather
from datalint.source.part import PartReader
from datalint.source.worktree import open_worktree
from tests.dataset.manifests import rows
from tests.dataset.shards import pictures, png, write

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from datalint.dataset import Dataset

TRAIN = "data/train-00000-of-00001.parquet"


def read(home: Path, root: str = ".", **options: Any) -> Dataset:
    return dataset.read(open_worktree(str(home)), root=root, **options)


def said(found: Dataset) -> list[tuple[Any, ...]]:
    return rows(found.problems, "kind", "path", "record")


def test_images_labels_and_shards(tmp_path: Path) -> None:
    write(tmp_path / TRAIN, pictures(3), [0, 1, 1])
    write(tmp_path / "data/test-00000-of-00002.parquet", pictures(1, start=9), [0])
    found = read(tmp_path)
    assert (found.format, len(found.problems)) == ("hf-parquet", 0)
    assert rows(found.samples, "path", "split", "label", "label_index", "record") == [
        (f"{TRAIN}#0", "train", "cat", 0, 0),
        (f"{TRAIN}#1", "train", "dog", 1, 1),
        (f"{TRAIN}#2", "train", "dog", 1, 2),
        ("data/test-00000-of-00002.parquet#0", "test", "cat", 0, 0),
    ]
    assert rows(found.shards, "split", "series", "number", "declared_shards", "records", "status", "compression") == [
        ("train", "data/train", 0, 1, 3, "ok", "snappy"),
        ("test", "data/test", 0, 2, 1, "ok", "snappy"),
    ]


def test_images_inside_are_scanned_like_files(tmp_path: Path) -> None:
    cells: list[dict[str, object] | None] = [*pictures(2), {"bytes": png(3)[:60]}, {"bytes": b"<html></html>"}]
    write(tmp_path / TRAIN, cells, [0, 1, 0, 1])
    # One that was written just now is read again.
    os.utime(tmp_path / TRAIN, (1_600_000_000, 1_600_000_000))
    found = read(tmp_path)
    with open_cache(str(tmp_path / "cache")) as cache:
        table = gather(found.files, cache=cache).data
        again = gather(found.files, cache=cache)
    assert rows(table, "status", "width", "height", "size_bytes")[:2] == [
        ("ok", 12, 10, len(png(number))) for number in range(2)
    ]
    assert [status for (status,) in rows(table, "status")[2:]] == ["damaged", "not-image"]
    assert (again.read, again.data.columns) == (0, table.columns)


def test_cells_are_read_in_any_order(tmp_path: Path) -> None:
    odd = tmp_path / "data[1]" / "a*b?.parquet"
    write(tmp_path / "made.parquet", pictures(3000), [0] * 3000, rows_in_group=2048)
    odd.parent.mkdir()
    (tmp_path / "made.parquet").rename(odd)
    reader = PartReader()
    for row in (0, 1, 70, 69, 2047, 2048, 2999, 5, 2050):
        assert reader.read(PartLocator(str(odd), row, 0, "parquet", '"image"."bytes"')) == png(row), row
    with pytest.raises(OSError, match="ends before row 3,000"):
        reader.read(PartLocator(str(odd), 3000, 0, "parquet", '"image"."bytes"'))
    odd.write_bytes(odd.read_bytes()[:-9])
    reader.close()
    with pytest.raises(OSError, match="cannot be read"):
        reader.read(PartLocator(str(odd), 0, 0, "parquet", '"image"."bytes"'))
    reader.close()


@pytest.mark.parametrize(
    ("make", "problems"),
    [
        (lambda home: write(home / TRAIN, pictures(4), [0, 7, 1, 7]), [("label-out-of-range", TRAIN, 1)]),
        (lambda home: write(home / TRAIN, pictures(2), [0, 2]), [("label-out-of-range", TRAIN, 1)]),
        (lambda home: write(home / TRAIN, pictures(2), [0, 1]), []),
        (lambda home: write(home / TRAIN, pictures(2), [0, -2]), [("label-out-of-range", TRAIN, 1)]),
        (lambda home: write(home / TRAIN, pictures(2), [-1, 1]), [("missing-label", TRAIN, 0)]),
        (lambda home: write(home / TRAIN, pictures(2), [0, None]), [("missing-label", TRAIN, 1)]),
        (lambda home: write(home / "test.parquet", pictures(2), [-1, -1]), []),
        (lambda home: write(home / TRAIN, [None, *pictures(1), {"path": None}], [0, 1, 0]), [("null-image", TRAIN, 0)]),
        (lambda home: write(home / TRAIN, [{"path": "x/a.png"}], [0]), [("missing-file", "x/a.png", 0)]),
    ],
    ids=["7 of 2", "2 of 2", "1 of 2", "-2", "-1", "null label", "a test without labels", "null image", "path"],
)
def test_rows(tmp_path: Path, make: Callable[[Path], Path], problems: list[tuple[str, str, int]]) -> None:
    make(tmp_path)
    assert said(read(tmp_path, format="hf-parquet")) == problems


def test_equal_rows_are_counted(tmp_path: Path) -> None:
    write(tmp_path / TRAIN, [None, None, None, *pictures(2)], [0, 1, 0, 7, 7])
    (image, label) = rows(read(tmp_path).problems, "detail")
    assert image == ("row 0 and 2 more: image is null",)
    assert label == ("row 3 and 1 more: 7, and the 2 classes are numbered from 0",)


def test_a_file_outside_is_a_file(tmp_path: Path) -> None:
    (tmp_path / "x").mkdir()
    (tmp_path / "x/a.png").write_bytes(png(1))
    write(tmp_path / TRAIN, [{"path": "x/a.png"}, {"path": "x/a.png"}, *pictures(1)], [0, 0, 1])
    found = read(tmp_path, format="hf-parquet")
    assert rows(found.samples, "path", "file_id") == [("x/a.png", 0), ("x/a.png", 0), (f"{TRAIN}#2", 1)]
    assert [entry.path for entry in found.files] == ["x/a.png", f"{TRAIN}#2"]


def test_shards_that_do_not_go_together(tmp_path: Path) -> None:
    write(tmp_path / "data/train-00000-of-00003.parquet", pictures(1), [0])
    write(tmp_path / "data/train-00001-of-00003.parquet", pictures(1, start=3), [0], names=("dog", "cat"))
    write(tmp_path / "data/train-00002-of-00003.parquet", pictures(1, start=6), [0], extra="note")
    found = read(tmp_path)
    assert rows(found.problems, "kind", "path", "detail") == [
        (
            "metadata-lost",
            "data/train-00001-of-00003.parquet",
            "its classes are (dog, cat), but those of data/train-00000-of-00003.parquet, (cat, dog), are taken for all",
        ),
        (
            "metadata-refused",
            "data/train-00002-of-00003.parquet",
            "only one of this and data/train-00000-of-00003.parquet has note: the columns must be the same",
        ),
    ]


def broken(home: Path) -> dict[str, tuple[str, str]]:
    """Shards of every kind of damage: name -> status and cause."""
    whole = write(home / "data/train-00000-of-00007.parquet", pictures(4), [0, 1, 0, 1]).read_bytes()
    places = {number: f"data/train-{number:05}-of-00007.parquet" for number in range(1, 7)}
    made = {
        1: whole[:-20],
        2: b"",
        3: b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 4\n",
        4: b"<html>" * 30,
        5: whole[:-300] + bytes(292) + whole[-8:],
        6: whole[:6],
    }
    for number, content in made.items():
        (home / places[number]).write_bytes(content)
    return {
        "data/train-00000-of-00007.parquet": ("ok", ""),
        places[1]: ("damaged", "truncated"),
        places[2]: ("empty", "empty"),
        places[3]: ("pointer", "lfs-pointer"),
        places[4]: ("damaged", "not-parquet"),
        places[5]: ("damaged", "unreadable"),
        places[6]: ("damaged", "truncated"),
    }


def test_a_bad_shard_is_a_row_and_the_others_are_read(tmp_path: Path) -> None:
    expected = broken(tmp_path)
    found = read(tmp_path)
    states = {path: (status, cause or "") for path, status, cause in rows(found.shards, "path", "status", "cause")}
    assert states == expected
    assert len(found.samples) == 4


@pytest.mark.parametrize(("name", "expected"), [(TRAIN, "hf-parquet"), ("more.parquet", "imagefolder")])
def test_pictures_beside_shards_are_those_of_the_readme(tmp_path: Path, name: str, expected: str) -> None:
    write(tmp_path / name, pictures(1), [0])
    (tmp_path / "assets").mkdir()
    (tmp_path / "assets/logo.png").write_bytes(png(1))
    assert read(tmp_path).format == expected


def test_only_bad_shards_are_known_by_their_names(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / TRAIN).write_bytes(b"PAR1")
    found = read(tmp_path)
    assert (found.format, rows(found.shards, "status", "cause")) == ("hf-parquet", [("damaged", "truncated")])


def test_the_card_says_which_files_are_which_split(tmp_path: Path) -> None:
    write(tmp_path / "a/one.parquet", pictures(2), [0, 1])
    write(tmp_path / "b/two.parquet", pictures(1, start=5), [0])
    write(tmp_path / "c/three.parquet", pictures(1, start=7), [0])
    (tmp_path / "README.md").write_text(
        "---\nconfigs:\n- config_name: default\n  data_files:\n  - split: train\n    path: a/*\n"
        "  - {split: bonus, path: [b/*.parquet]}\n- {config_name: raw, data_files: c/*}\n"
        "dataset_info:\n  splits:\n  - {name: train, num_examples: 3}\n  - {name: bonus, num_examples: 1}\n---\n"
        "# Words\n"
    )
    found = read(tmp_path)
    assert rows(found.samples, "path", "split") == [
        ("a/one.parquet#0", "train"),
        ("a/one.parquet#1", "train"),
        ("b/two.parquet#0", "bonus"),
    ]
    assert rows(found.problems, "kind", "path", "detail") == [
        ("metadata-refused", "README.md", "it states 3 examples of train, and there are 2"),
        ("metadata-lost", "c/three.parquet", "README.md names other files, so that it is never read"),
    ]
    assert any("raw" in note for note in found.assumptions)


@pytest.mark.parametrize(
    "card", ["---\n[\n---\n", "---\nconfigs: 3\n---\n", "no head", "---\n- a\n---\n", "---\n&a [*a]\n---\n"]
)
def test_an_odd_card_is_none(tmp_path: Path, card: str) -> None:
    write(tmp_path / TRAIN, pictures(1), [0])
    (tmp_path / "README.md").write_text(card)
    assert rows(read(tmp_path).samples, "split") == [("train",)]


def test_labels_in_words_and_without_the_word_of_datasets(tmp_path: Path) -> None:
    write(tmp_path / TRAIN, pictures(2), ["dog", "cat"], names=None, image="photo")
    assert rows(read(tmp_path).samples, "label", "label_index") == [("dog", 1), ("cat", 0)]


def test_masks_in_a_shard_are_no_pictures(tmp_path: Path) -> None:
    from tests.dataset.manifests import parquet

    query = "select {'bytes': 'x'::blob, 'path': ''} as image, {'bytes': 'y'::blob, 'path': ''} as label from range(2)"
    (tmp_path / "x.parquet").write_bytes(parquet(tmp_path, query))
    found = read(tmp_path)
    assert rows(found.samples, "path", "label") == [("x.parquet#0/image", None), ("x.parquet#1/image", None)]
    assert rows(found.mask_rows, "mask_id", "sample_id", "path") == [
        (0, 0, "x.parquet#0/label"),
        (1, 1, "x.parquet#1/label"),
    ]
    with open_cache(None) as cache:
        assert gather(found.masks, cache=cache, masks=True).data.columns["size_bytes"] == [1, 1]
    assert found.task == "segmentation"


def test_one_file_is_a_dataset(tmp_path: Path) -> None:
    write(tmp_path / "x.parquet", pictures(2), [0, 1])
    found = read(tmp_path, root="x.parquet")
    assert (found.format, rows(found.samples, "path", "split")) == (
        "hf-parquet",
        [("x.parquet#0", None), ("x.parquet#1", None)],
    )


@pytest.mark.parametrize("compression", ["snappy", "uncompressed"])
def test_plain_bytes_are_images_where_they_begin_as_such(tmp_path: Path, compression: str) -> None:
    """As `pandas.DataFrame.to_parquet` writes a column of bytes."""
    made = duckdb.connect()
    made.execute("create table made (label bigint, img blob, other blob)")
    made.executemany(
        "insert into made values (?, ?, ?)", [[n % 2, png(n) if n else None, b"\x00\x01"] for n in range(4)]
    )
    made.execute(f"copy made to '{tmp_path / 'train.parquet'}' (format parquet, compression {compression})")
    made.close()
    found = read(tmp_path)
    assert found.format == "hf-parquet"
    assert rows(found.samples, "path", "label") == [(f"train.parquet#{n}", str(n % 2)) for n in range(1, 4)]
    assert said(found) == [("null-image", "train.parquet", 0)]
    with open_cache(str(tmp_path / "cache")) as cache:
        table = gather(found.files, cache=cache).data
    assert rows(table, "status", "width", "size_bytes") == [("ok", 12, len(png(n))) for n in range(1, 4)]


def test_other_plain_bytes_are_no_images(tmp_path: Path) -> None:
    made = duckdb.connect()
    made.execute("create table made as select 'a.png' as path, '\\x00\\xFF\\xD8\\xFF'::blob as hash")
    made.execute(f"copy made to '{tmp_path / 'm.parquet'}' (format parquet)")
    made.close()
    assert formats.recognise(listing(open_worktree(str(tmp_path)), ".")) is None


def test_a_table_of_paths_is_none_of_these(tmp_path: Path) -> None:
    from tests.dataset.manifests import parquet

    (tmp_path / "m.parquet").write_bytes(parquet(tmp_path, "select 'a.png' as path, 'cat' as label"))
    assert formats.recognise(listing(open_worktree(str(tmp_path)), ".")) is None
    with pytest.raises(UsageError, match="column of images"):
        read(tmp_path, format="hf-parquet")


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=6)
@given(st.data())
def test_nothing_in_a_shard_escapes_as_a_traceback(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    home = tmp_path_factory.mktemp("fuzz")
    content = bytearray(write(home / TRAIN, pictures(3), [0, 1, 0]).read_bytes())
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    (home / TRAIN).write_bytes(content[: data.draw(st.sampled_from([len(content), len(content) // 2, 13]))])
    try:
        found = read(home, format="hf-parquet")
    except DatalintError:
        return
    assert len(found.shards) == 1
    with open_cache(None) as cache:
        gather(found.files, cache=cache, workers=1)


_ORACLE = """
import json, sys
import datasets
from PIL import Image
datasets.disable_progress_bars()
home = sys.argv[1]
features = datasets.Features({"image": datasets.Image(), "label": datasets.ClassLabel(names=["cat", "dog", "cow"])})
for split, count in (("train", 450), ("validation", 7), ("test", 5), ("bonus", 3)):
    for shard in range(2):
        rows = {
            "image": [Image.new("RGB", (8 + n % 90, 9), (n % 255, 5, 5)) for n in range(count)],
            "label": [None if n == 4 else n % 3 for n in range(count)],
        }
        made = datasets.Dataset.from_dict(rows, features=features)
        made.to_parquet(f"{home}/data/{split}-{shard:05}-of-00002.parquet")
found = datasets.load_dataset(home, cache_dir=sys.argv[2])
answer = {
    split: [
        (None if row["label"] is None else table.features["label"].int2str(row["label"]), row["image"].size)
        for row in table
    ]
    for split, table in found.items()
}
json.dump(answer, open(sys.argv[3], "w"))
"""
"""It writes the shards itself, and lives in a process of its own: its imports leave files open and warnings behind."""


def test_datasets_finds_the_same_rows_labels_and_sizes(tmp_path: Path) -> None:
    if importlib.util.find_spec("datasets") is None:
        pytest.skip("the oracle `datasets` is not installed")
    home = tmp_path / "made"
    (home / "data").mkdir(parents=True)
    environment = {**os.environ, "HF_HUB_OFFLINE": "1", "PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, "-W", "ignore", "-c", _ORACLE, str(home), str(tmp_path / "cache"), str(tmp_path / "a")]
    subprocess.run(command, env=environment, check=True, capture_output=True)
    answer = json.loads((tmp_path / "a").read_text())
    found = read(home)
    with open_cache(None) as cache:
        files = gather(found.files, cache=cache).data.columns
    ours: dict[str, list[list[Any]]] = {}
    for file_id, split, label in rows(found.samples, "file_id", "split", "label"):
        name = "validation" if split == "val" else split
        ours.setdefault(name, []).append([label, [files["width"][file_id], files["height"][file_id]]])
    assert sum(map(len, ours.values())) == 930
    assert ours == answer


@pytest.mark.corpus
def test_bad_parquet_files_are_said_to_be_so(corpora: Path) -> None:
    """Of the eight, DuckDB reads ARROW-GH-43605, as pyarrow does, and three whose lists nobody asks for."""
    source = open_worktree(str(corpora))
    damaged = set()
    for path in sorted((corpora / "parquet/bad_data").glob("*.parquet")):
        try:
            found = dataset.read(source, root=f"parquet/bad_data/{path.name}", format="hf-parquet")
        except UsageError as error:
            assert "column of images" in str(error)
            continue
        ((status, detail),) = rows(found.shards, "status", "detail")
        assert detail
        if status == "damaged":
            damaged.add(path.stem)
    assert damaged == {"ARROW-GH-41317", "ARROW-GH-41321", "ARROW-RS-GH-6229-DICTHEADER", "PARQUET-1481"}


@pytest.mark.corpus
def test_good_parquet_files_are_read(corpora: Path) -> None:
    """They hold no images, which is another thing than damage; the README leaves open what one of them is."""
    source = open_worktree(str(corpora))
    for path in sorted((corpora / "parquet/good").glob("*.parquet")):
        with pytest.raises(UsageError, match="has a column of images"):
            dataset.read(source, root=f"parquet/good/{path.name}", format="hf-parquet")
        found = dataset.read(source, root=f"parquet/good/{path.name}")
        assert found.format == "parquet"
        words = ("no column for the path of the image", "no column holds single words or numbers")
        assert all(str(detail).startswith(words) for (detail,) in rows(found.problems, "detail"))


def test_a_shard_that_ends_its_reader_is_the_only_one_lost(tmp_path: Path) -> None:
    """The reader is killed while it has the second of three open."""
    from tests.dataset.manifests import parquet

    if not os.path.isdir("/proc/self/fd"):
        pytest.skip("only /proc tells which file a process has open")
    places = {number: str(tmp_path / f"{number}.parquet") for number in range(3)}
    for number, count in ((0, 2), (1, 500_000), (2, 2)):
        query = f"select {{'bytes': 'x'::blob, 'path': 'a' || i}} as image, i % 2 as label from range({count}) t(i)"
        (tmp_path / f"{number}.parquet").write_bytes(parquet(tmp_path, query))
    killer = threading.Thread(target=kill_who_opens, args=(places[1],), daemon=True)
    killer.start()
    with shards.events(places) as found:
        told = [event for event in found if not isinstance(event, shards.Cells)]
    assert shards.Ended(1, "its reader did not survive it") in told
    assert {event.number for event in told if isinstance(event, shards.Opened)} >= {0, 2}
    assert [event.number for event in told] == sorted(event.number for event in told)


def kill_who_opens(place: str) -> None:
    """Another process, the first one that has the file open."""
    while True:
        for process in filter(str.isdigit, os.listdir("/proc")):
            with contextlib.suppress(OSError):
                links = os.listdir(f"/proc/{process}/fd")
                if int(process) != os.getpid() and place in {os.readlink(f"/proc/{process}/fd/{at}") for at in links}:
                    os.kill(int(process), signal.SIGKILL)
                    return
        time.sleep(0.001)
