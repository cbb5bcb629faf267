"""Manifests as people write them: every row is a sample or a problem with its line, and nothing crashes."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING

import pytest

from datalint import dataset
from datalint.errors import UnfinishedError, UsageError
from datalint.facts.cache import open_cache
from datalint.facts.gather import gather
from datalint.source.index import open_index
from datalint.source.worktree import open_worktree
from tests.dataset.manifests import parquet, problems, read, rows
from tests.source.repository import create

if TYPE_CHECKING:
    from pathlib import Path


TABLE = [("img/0.jpg", "cat", "train", "p1"), ("img/1.jpg", "dog", "train", "p1"), ("img/2.jpg", "cat", "test", "p2")]


def written(folder: Path, format: str) -> bytes:  # noqa: A002
    """TABLE with a further column `site`."""
    names = ("path", "label", "split", "patient", "site")
    cells = [(*row, f"s{number}") for number, row in enumerate(TABLE)]
    if format == "parquet":
        listed = ", ".join(str(row) for row in cells)
        return parquet(folder, f"select * from (values {listed}) as t({', '.join(names)})")
    if format == "jsonl":
        return "".join(json.dumps(dict(zip(names, row, strict=True))) + "\n" for row in cells).encode()
    between = "\t" if format == "tsv" else ","
    return "\n".join(between.join(row) for row in [names, *cells]).encode()


@pytest.mark.parametrize("format", ["csv", "tsv", "jsonl", "parquet"])
def test_every_format_says_the_same(folder: Path, format: str) -> None:  # noqa: A002
    found = read(folder, f"labels.{format}", written(folder, format))
    first = {"csv": 2, "tsv": 2, "jsonl": 1, "parquet": 1}[format]
    assert found.format == format
    assert rows(found.samples, "path", "label", "split", "group_key", "line", "label_index", "site") == [
        (path, label, split, group, first + number, {"cat": 0, "dog": 1}[label], f"s{number}")
        for number, (path, label, split, group) in enumerate(TABLE)
    ]
    assert rows(found.classes, "name", "index", "split", "n_samples") == [
        ("cat", 0, "test", 1),
        ("cat", 0, "train", 1),
        ("dog", 1, "train", 1),
    ]
    assert found.samples.extra == ("site",)
    assert not len(found.problems)


@pytest.mark.parametrize("format", ["csv", "tsv", "jsonl", "parquet"])
def test_a_folder_with_one_manifest_is_that_manifest(folder: Path, format: str) -> None:  # noqa: A002
    (folder / f"labels.{format}").write_bytes(written(folder, format))
    found = dataset.read(open_worktree(str(folder)), root=".")
    assert (found.format, found.manifest) == (format, f"labels.{format}")


def test_a_table_that_names_no_images_is_no_manifest(folder: Path) -> None:
    (folder / "results.csv").write_text("epoch,path,loss\n1,run/a,0.5\n")
    assert dataset.read(open_worktree(str(folder)), root=".").format == "imagefolder"


@pytest.mark.parametrize(
    ("content", "lines"),
    [
        ("path,label\nimg/0.jpg,cat\nimg/1.jpg,dog\n", [2, 3]),
        ("\ufeffpath,label\r\nimg/0.jpg,cat\r\nimg/1.jpg,dog\r\n", [2, 3]),
        ("path;label\nimg/0.jpg;cat\n\nimg/1.jpg;dog", [2, 4]),
        ("path,label\nimg/0.jpg,cat\n \t \nimg/1.jpg,dog\n", [2, 4]),
        ("\n  \npath,label\nimg/0.jpg,cat\nimg/1.jpg,dog\n", [4, 5]),
        ('path,label,"a;b;c;d"\nimg/0.jpg,cat,x\nimg/1.jpg,dog,y\n', [2, 3]),
        ("path\tlabel\ta,b,c,d\nimg/0.jpg\tcat\tx\nimg/1.jpg\tdog\ty\n", [2, 3]),
        ('path,label,note\nimg/0.jpg,cat,"one\ntwo\nthree"\nimg/1.jpg,dog,x\n', [2, 5]),
        (' path , label \n img/0.jpg ,cat\n"img/1.jpg",dog\n', [2, 3]),
        ("path,label\rimg/0.jpg,cat\rimg/1.jpg,dog\r", [2, 3]),
    ],
    ids=[
        "plain",
        "windows",
        "semicolons",
        "line of spaces",
        "blank lines first",
        "semicolons in a name",
        "commas in a name",
        "quoted line ends",
        "spaces",
        "old macintosh",
    ],
)
def test_the_line_is_where_the_row_begins(folder: Path, content: str, lines: list[int]) -> None:
    found = read(folder, "labels.csv", content)
    assert rows(found.samples, "path", "label", "line") == [
        ("img/0.jpg", "cat", lines[0]),
        ("img/1.jpg", "dog", lines[1]),
    ]


@pytest.mark.parametrize(
    ("name", "content", "expected"),
    [
        ("a.csv", "path,label\nimg/0.jpg,cat,x\nimg/1.jpg\nimg/2.jpg,dog\n", [("bad-row", 2), ("bad-row", 3)]),
        ("a.csv", 'path,label\n"img/0.jpg,cat\n', [("bad-row", 2)]),
        ("a.csv", "path,label\nimg/0.jpg,cat\npath,label\nimg/1.jpg,dog\n", [("bad-row", 3)]),
        ("a.csv", "path,label\n,cat\nimg/1.jpg,\n", [("missing-path", 2), ("missing-label", 3)]),
        ("a.csv", "path,label\nimg/9.jpg,cat\n", [("missing-file", 2)]),
        ("a.csv", "path,label\n/data/img/0.jpg,cat\n", [("absolute-path", 2), ("missing-file", 2)]),
        ("a.csv", "path,label\nC:\\data\\0.jpg,cat\n", [("absolute-path", 2), ("missing-file", 2)]),
        ("a.csv", "path,label\nimg\\0.jpg,cat\n", [("backslash-path", 2)]),
        ("a.csv", "path,label\n../img/0.jpg,cat\n", [("missing-file", 2)]),
        (
            "a.csv",
            "path,label\ns3://bucket/img/0.jpg,cat\nhttps://x.org/a?b=c,dog\n",
            [("remote-path", 2), ("remote-path", 3)],
        ),
        ("a.csv", b"path,label\nimg/0.jpg,caf\xe9\n", [("bad-encoding", 2)]),
        ("a.csv", "label,split\ncat,train\n", [("missing-column", 1)]),
        ("a.csv", "path,label\n img/0.jpg,cat\n", [("bad-row", 2)]),
        ("a.csv", "path,label,label\nimg/0.jpg,cat,dog\n", [("bad-row", 1)]),
        ("a.csv", '"path,label\nimg/0.jpg,cat\n', [("bad-row", 1)]),
        ("a.csv", "path,label\nimg/0.jpg,cat\n".encode("utf-16"), [("bad-encoding", 1)]),
        ("a.csv", "path,label\n..,cat\nimg/\0.jpg,cat\n", [("missing-file", 3)]),
        ("a.jsonl", "[" * 100_000, [("bad-row", 1)]),
        ("a.jsonl", r'{"path": "\ud83d", "label": "x"}', [("bad-row", 1)]),
        (
            "a.jsonl",
            '{"path": " ", "label": "x"}\n{"path": "img/0.jpg", "label": NaN}',
            [("missing-path", 1), ("missing-label", 2)],
        ),
        (
            "a.jsonl",
            '{"path": "img/0.jpg", "label": "x"}\n{"path": \n[1]\n\n"x"\n',
            [("bad-row", 2), ("bad-row", 3), ("bad-row", 5)],
        ),
        (
            "a.jsonl",
            '{"path": null}\n{"path": "img/0.jpg", "label": null}\n',
            [("missing-path", 1), ("missing-label", 2)],
        ),
        ("a.parquet", b"PAR1 no parquet at all PAR1", [("bad-row", 1)]),
        ("a.parquet", b"", [("bad-row", 1)]),
    ],
)
def test_every_defect_is_named_with_its_line(
    folder: Path, name: str, content: str | bytes, expected: list[tuple[str, int]]
) -> None:
    assert problems(read(folder, name, content)) == expected


def test_a_truncated_parquet_file_is_named(folder: Path) -> None:
    found = read(folder, "a.parquet", written(folder, "parquet")[:-9])
    assert problems(found) == [("bad-row", 1)]
    assert "not a readable Parquet file" in found.problems.columns["detail"][0]  # type: ignore[operator]


@pytest.mark.parametrize("name", ["a.csv", "a.jsonl"])
def test_bytes_that_are_not_utf8_still_find_the_file_of_that_name(folder: Path, name: str) -> None:
    (folder / os.fsdecode(b"caf\xe9.jpg")).write_bytes((folder / "img/0.jpg").read_bytes())
    header, row = (b"path,label,site\n", b"caf\xe9.jpg,\xe9t\xe9,\xe9") if name == "a.csv" else (
        b"", b'{"path": "caf\xe9.jpg", "label": "\xe9t\xe9", "site": "\xe9"}')  # fmt: skip
    found = read(folder, name, header + row)
    assert rows(found.samples, "path", "label", "site") == [(r"caf\xe9.jpg", r"\xe9t\xe9", r"\xe9")]
    assert [kind for kind, _ in problems(found)] == ["bad-encoding"]
    assert [entry.kind for entry in found.files] == ["file"]


def test_labels_stand_as_written_as_pandas_keeps_them(folder: Path) -> None:
    found = read(folder, "a.csv", "path,label,note\nimg/0.jpg, cat, x\nimg/1.jpg,cat,y\n")
    assert rows(found.samples, "label", "label_index", "note") == [(" cat", 0, " x"), ("cat", 1, "y")]


def test_of_two_columns_of_one_name_the_first_counts_as_in_pandas(folder: Path) -> None:
    found = read(folder, "a.csv", "path,label,site,site,label\nimg/0.jpg,cat,a,b,dog\n")
    assert rows(found.samples, "label", "site") == [("cat", "a")]
    assert found.samples.extra == ("site",)


@pytest.mark.parametrize(
    ("format", "text", "label"),
    [
        ("csv", "NaN", None),
        ("tsv", "#N/A", None),
        ("csv", "None", "None"),
        ("tsv", "NA", "NA"),
        ("csv", "none", "none"),
        ("jsonl", "NaN", "NaN"),
    ],
)
def test_a_label_that_pandas_reads_as_nan_is_a_problem(folder: Path, format: str, text: str, label: str) -> None:  # noqa: A002
    between = "\t" if format == "tsv" else ","
    content = f"path{between}label\nimg/0.jpg{between}{text}\n"
    if format == "jsonl":
        content = json.dumps({"path": "img/0.jpg", "label": text})
    found = read(folder, f"a.{format}", content)
    assert rows(found.samples, "label") == [(label,)]
    expected = [] if text == "none" or format == "jsonl" else [("missing-label", 2)]
    assert problems(found) == expected


def test_a_path_that_leads_out_of_the_dataset_is_as_good_as_any(folder: Path) -> None:
    (folder / "meta").mkdir()
    (folder / "meta/a.csv").write_text("path,label\n../img/0.jpg,cat\n")
    found = dataset.read(open_worktree(str(folder / "meta")), root="a.csv")
    assert [entry.kind for entry in found.files] == ["file"]
    assert not len(found.problems)


def test_a_url_is_no_file_and_nobody_looks_for_one(folder: Path) -> None:
    found = read(folder, "a.csv", "path,label\ngs://b/img/0.jpg,cat\ngs://b/img/0.jpg,cat\nimg/0.jpg,dog\n")
    assert rows(found.samples, "file_id", "path") == [
        (0, "gs://b/img/0.jpg"),
        (0, "gs://b/img/0.jpg"),
        (1, "img/0.jpg"),
    ]
    gathered = gather(found.files, cache=open_cache(None), workers=1, timeout=10)
    assert gathered.data.columns["status"] == ["remote", "ok"]


def test_a_number_that_is_none_is_no_label_in_parquet(folder: Path) -> None:
    query = "select * from (values ('img/0.jpg', 'nan'::double, 'nan'), ('img/1.jpg', 1.5, 'x')) t(path, label, name)"
    found = read(folder, "a.parquet", parquet(folder, query))
    assert rows(found.samples, "label", "name") == [(None, "nan"), ("1.5", "x")]
    assert problems(found) == [("missing-label", 1)]


def test_a_cell_of_megabytes_is_a_cell(folder: Path) -> None:
    found = read(folder, "a.csv", f"path,label,mask\nimg/0.jpg,cat,{'1 2 ' * 300_000}\n")
    assert not len(found.problems)
    assert len(str(found.samples.columns["mask"][0])) == 1_200_000


@pytest.mark.parametrize("cell", ["img", "pipe.jpg"])
def test_a_path_to_no_file_is_left_to_the_facts(folder: Path, cell: str) -> None:
    """Whoever reads the bytes says what it is, and does not wait for a pipe."""
    os.mkfifo(folder / "pipe.jpg")
    found = read(folder, "a.csv", f"path,label\n{cell},cat\n")
    gathered = gather(found.files, cache=open_cache(None), workers=1, timeout=10)
    assert gathered.data.columns["cause"] == ["not-a-file"]


def test_a_row_with_a_backslash_path_still_finds_its_file(folder: Path) -> None:
    found = read(folder, "a.csv", "path,label\nimg\\0.jpg,cat\n")
    assert [entry.kind for entry in found.files] == ["file"]


def test_an_absolute_path_that_is_here_is_read(folder: Path) -> None:
    found = read(folder, "a.csv", f"path,label\n{folder}/img/0.jpg,cat\n")
    assert problems(found) == [("absolute-path", 2)]
    assert rows(found.samples, "path") == [("img/0.jpg",)]


def test_what_is_not_there_is_named_as_it_is_written(folder: Path) -> None:
    table = "path,label\n/content//drive/0.jpg,cat\n/content/drive/7.jpg,cat\n/content/drive/7.jpg,dog\n"
    found = read(folder, "a.csv", table)
    assert rows(found.samples, "path", "file_id") == [
        ("/content/drive/0.jpg", 0),
        ("/content/drive/7.jpg", 1),
        ("/content/drive/7.jpg", 1),
    ]
    gone = [(path, detail) for kind, path, detail in rows(found.problems, "kind", "path", "detail") if kind[0] == "m"]
    assert gone[:2] == [
        ("/content/drive/0.jpg", "/content/drive/0.jpg is not there, but img/0.jpg is"),
        ("/content/drive/7.jpg", "/content/drive/7.jpg is not there"),
    ]


def test_a_file_whose_name_differs_in_case_is_named(folder: Path) -> None:
    found = read(folder, "a.csv", "path,label\nimg/0.JPG,cat\nIMG/1.jpg,cat\n")
    if found.files[0].kind == "file":
        pytest.skip("the file system does not tell case")
    assert rows(found.problems, "detail") == [
        ("img/0.JPG is not there, but img/0.jpg is",),
        ("IMG/1.jpg is not there, but img/1.jpg is",),
    ]


def test_one_file_on_two_rows_is_one_file(folder: Path) -> None:
    found = read(folder, "a.csv", "path,label\nimg/0.jpg,cat\n./img/../img/0.jpg,dog\n")
    assert rows(found.samples, "file_id", "label") == [(0, "cat"), (0, "dog")]


@pytest.mark.parametrize("content", ["", "path,label\n", "\n\n"])
def test_a_manifest_without_rows_has_no_samples(folder: Path, content: str) -> None:
    found = read(folder, "a.csv", content)
    assert not len(found.samples)


def test_numbers_and_nested_values_become_text(folder: Path) -> None:
    line = '{"path": "img/0.jpg", "label": 7, "split": null, "boxes": [[1, 2]], "ok": true}\n'
    found = read(folder, "a.jsonl", line)
    assert rows(found.samples, "label", "split", "boxes", "ok") == [("7", None, "[[1, 2]]", "true")]
    query = "select 'img/0.jpg' as path, 7 as label, [1, 2] as boxes, {'bytes': 'x'::blob} as image, 0.5 as score"
    found = read(folder, "a.parquet", parquet(folder, query))
    assert rows(found.samples, "label", "score") == [("7", "0.5")]
    assert found.samples.extra == ("score",)


def test_paths_are_relative_to_the_manifest_or_to_the_root(folder: Path) -> None:
    beside = read(folder, "meta/a.csv", "path,label\n../img/0.jpg,cat\n")
    assert rows(beside.samples, "path") == [("img/0.jpg",)]
    assert not len(beside.problems)
    rooted = read(folder, "meta/a.csv", "path,label\n0.jpg,cat\n", files_root="img")
    assert rows(rooted.samples, "path") == [("img/0.jpg",)]
    assert not len(rooted.problems)


def test_columns_are_guessed_and_said_or_declared(folder: Path) -> None:
    content = "Image_Path,target,kind\nimg/0.jpg,cat,dog\n"
    guessed = read(folder, "a.csv", content)
    assert rows(guessed.samples, "path", "label") == [("img/0.jpg", "cat")]
    assert guessed.assumptions == ("columns were guessed: path from 'Image_Path', label from 'target'",)
    declared = read(folder, "a.csv", content, columns={"label": "kind"})
    assert rows(declared.samples, "label", "target") == [("dog", "cat")]


def test_a_declared_column_that_is_not_there_is_refused_with_a_hint(folder: Path) -> None:
    with pytest.raises(UsageError, match="no column 'lable'") as refused:
        read(folder, "a.csv", "path,label\n", columns={"label": "lable"})
    assert refused.value.hint == "did you mean 'label'?"


def test_columns_that_are_called_like_ours_do_not_hide_them(folder: Path) -> None:
    found = read(folder, "a.csv", "path,label,line,file_id,Site\nimg/0.jpg,cat,77,88,x\n")
    assert found.samples.extra == ("Site",)
    assert rows(found.samples, "line", "file_id") == [(2, 0)]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("path;label\nimg/0.jpg;cat\n", "needs `sep`"),
        ("path\tlabel\nimg/0.jpg\tcat\n", "needs `sep`"),
        ("path, label\nimg/0.jpg,cat\n", "keeps them in the names"),
        ("path,label\nimg/0.jpg,cat\n", ""),
        ("\ufeffpath,label\r\nimg/0.jpg,cat\r\n", ""),
        ('"path","label"\nimg/0.jpg,cat\n', ""),
        ("path\nimg/0.jpg\n", ""),
    ],
)
def test_what_pandas_must_be_told_is_noted(folder: Path, text: str, words: str) -> None:
    found = read(folder, "a.csv", text)
    assert rows(found.samples, "path") == [("img/0.jpg",)]
    said = [note for note in found.assumptions if "pandas" in note]
    assert [words in note for note in said] == ([True] if words else [])


def test_the_format_of_a_folder_may_be_said(folder: Path) -> None:
    (folder / "a.csv").write_text("path,label\nimg/0.jpg,cat\n")
    (folder / "b.tsv").write_text("path\tlabel\nimg/1.jpg\tdog\n")
    source = open_worktree(str(folder))
    assert dataset.read(source, root=".", format="tsv").manifest == "b.tsv"
    assert dataset.read(source, root=".").format == "imagefolder", "two manifests: neither is meant"
    with pytest.raises(UsageError, match=r"no manifest .*holds no parquet file"):
        dataset.read(source, root=".", format="parquet")
    (folder / "c.csv").write_text("path,label\nimg/0.jpg,cat\n")
    with pytest.raises(UsageError, match=r"no manifest .*holds 2 csv files.*a\.csv, c\.csv"):
        dataset.read(open_worktree(str(folder)), root=".", format="csv")
    with pytest.raises(UsageError, match="is a file, not a folder"):
        dataset.read(source, root="a.csv", format="imagefolder")


@pytest.mark.parametrize("format", ["csv", "parquet"])
def test_the_index_is_read_as_it_was_staged(folder: Path, format: str) -> None:  # noqa: A002
    repository = create(folder)
    repository.write(f"labels.{format}", written(folder, format))
    repository.git("add", "--all")
    repository.write(f"labels.{format}", b"nonsense")
    (folder / "img/0.jpg").unlink()
    found = dataset.read(open_index(repository.top), root=f"labels.{format}")
    assert [entry.kind for entry in found.files] == ["file"] * 3
    assert not len(found.problems)


@pytest.mark.parametrize("name", ["labels.csv", "labels.parquet"])
def test_a_manifest_that_git_lfs_has_not_fetched_is_not_judged(folder: Path, name: str) -> None:
    pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:" + "0" * 64 + "\nsize 12345\n"
    with pytest.raises(UnfinishedError, match="is a Git LFS pointer"):
        read(folder, name, pointer)


@pytest.mark.parametrize("name", ["a[1].parquet", "a*.parquet", "label=cat/a.parquet", "ä b.parquet"])
def test_a_parquet_file_is_found_whatever_its_name(folder: Path, name: str) -> None:
    found = read(folder, name, written(folder, "parquet"), files_root=".")
    assert rows(found.samples, "path", "label") == [row[:2] for row in TABLE]


def test_of_two_columns_of_one_name_the_first_counts(folder: Path) -> None:
    found = read(folder, "a.csv", "path,label,LABEL\nimg/0.jpg,cat,dog\n")
    assert rows(found.samples, "label") == [("cat",)]
