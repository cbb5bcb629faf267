"""Croissant: what a description declares of files and references, compared with what lies beside it."""

from __future__ import annotations

import base64
import hashlib
import importlib.util
import json
import os
import subprocess
import sys
import tarfile
import zipfile
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from datalint import dataset
from datalint.dataset import croissant, formats
from datalint.dataset.croissant.archives import names
from datalint.dataset.croissant.document import NotCroissantError, parse
from datalint.dataset.listing import listing
from datalint.source.worktree import open_worktree
from tests.dataset.manifests import rows
from tests.e2e.conftest import picture

if TYPE_CHECKING:
    from pathlib import Path

    from datalint.dataset import Dataset

TABLE = b"name,age\nann,3\n"
SHA, MD5 = hashlib.sha256(TABLE).hexdigest(), hashlib.md5(TABLE).hexdigest()


def document(*files: dict[str, Any], record_sets: tuple[dict[str, Any], ...] = ()) -> dict[str, Any]:
    return {
        "@context": {"@vocab": "https://schema.org/", "cr": "http://mlcommons.org/croissant/"},
        "@type": "sc:Dataset",
        "name": "made",
        "conformsTo": "http://mlcommons.org/croissant/1.0",
        "distribution": list(files),
        "recordSet": list(record_sets),
    }


def file(**said: Any) -> dict[str, Any]:
    return {"@type": "cr:FileObject", "@id": "table", "contentUrl": "a.csv", "encodingFormat": "text/csv", **said}


def read(home: Path, made: object, format: str | None = None) -> Dataset:  # noqa: A002
    (home / "a.csv").write_bytes(TABLE)
    (home / "metadata.json").write_text(json.dumps(made))
    source = open_worktree(str(home))
    return croissant.beside(dataset.read(source, root=".", format=format), source, ".")


def said(found: Dataset) -> list[tuple[Any, ...]]:
    return rows(found.problems, "kind", "path", "detail")


@pytest.mark.parametrize(
    "digests",
    [
        {"sha256": SHA},
        {"sha256": SHA.upper()},
        {"md5": MD5},
        {"cr:md5": MD5},
        {"sha256": base64.b64encode(bytes.fromhex(SHA)).decode()},
        {"contentSize": f"{len(TABLE)} B"},
        {"contentSize": str(len(TABLE))},
        {"contentSize": " B"},
        {"contentSize": "3 MB"},
        {},
    ],
)
def test_what_agrees_is_silent(tmp_path: Path, digests: dict[str, str]) -> None:
    assert said(read(tmp_path, document(file(**digests)))) == []


@pytest.mark.parametrize(
    ("declared", "kind", "path"),
    [
        ({"sha256": SHA[:-1] + ("0" if SHA[-1] != "0" else "1")}, "declared-content-differs", "a.csv"),
        ({"md5": MD5[::-1]}, "declared-content-differs", "a.csv"),
        ({"contentSize": f"{len(TABLE) + 1} B"}, "declared-content-differs", "a.csv"),
        ({"sha256": "main"}, "placeholder-checksum", "a.csv"),
        ({"sha256": "0" * 64}, "placeholder-checksum", "a.csv"),
        ({"sha256": SHA[:-1]}, "placeholder-checksum", "a.csv"),
        ({"sha256": MD5}, "placeholder-checksum", "a.csv"),
        ({"sha256": ""}, "placeholder-checksum", "a.csv"),
        ({"contentUrl": "https://x.org/a", "sha256": "main"}, "placeholder-checksum", "table"),
        ({"contentUrl": "b.csv"}, "declared-file-missing", "b.csv"),
        ({"contentUrl": "../a.csv"}, "declared-file-missing", "../a.csv"),
        ({"containedIn": {"@id": "zip"}}, "unknown-reference", "table"),
    ],
)
def test_what_differs_is_told(tmp_path: Path, declared: dict[str, Any], kind: str, path: str) -> None:
    ((told, where, _),) = said(read(tmp_path, document(file(**declared))))
    assert (told, where) == (kind, path)


def test_sets_of_files(tmp_path: Path) -> None:
    sets = [{"@type": "cr:FileSet", "@id": name, "includes": name} for name in ("*.csv", "x/*.csv")]
    assert said(read(tmp_path, document(*sets))) == [
        ("declared-file-missing", "x/*.csv", "the set 'x/*.csv' includes x/*.csv, which matches no file")
    ]


# What mlcroissant 1.1.1 finds of a.txt, sub/b.txt and sub/deep/c.txt, of which archives hold the first two.
STARS = {"*.txt": True, "sub/*.txt": True, "sub/*": True, "b.txt": False, "*/b.txt": True, "**/b.txt": True,
         "SUB/*": False, "./a.txt": False, "nothing*": False}  # fmt: skip


def packed(home: Path, name: str) -> dict[str, Any]:
    """An archive of a.txt and sub/b.txt, declared."""
    for inner in ("a.txt", "sub/b.txt"):
        (home / inner).parent.mkdir(exist_ok=True)
        (home / inner).write_text("x")
    if name.endswith(".zip"):
        with zipfile.ZipFile(home / name, "w") as archive:
            archive.write(home / "a.txt", "a.txt")
            archive.write(home / "sub/b.txt", "sub/b.txt")
    else:
        with tarfile.open(home / name, "w:gz" if name.endswith("gz") else "w") as tar:
            tar.add(home / "a.txt", "./a.txt")
            tar.add(home / "sub", "./sub")
    return {"@type": "cr:FileObject", "@id": "archive", "contentUrl": name}


@pytest.mark.parametrize("name", ["", "t.tar", "t.tgz", "z.zip"])
def test_a_star_of_a_set_crosses_folders_beside_it_and_in_archives(name: str, tmp_path: Path) -> None:
    archive = [packed(tmp_path, name or "t.tar")]
    inside = {"containedIn": {"@id": "archive"}} if name else {}
    sets = [{"@type": "cr:FileSet", "@id": glob, "includes": glob, **inside} for glob in STARS]
    found = read(tmp_path, document(*archive, *sets), "croissant")
    assert {path for _, path, _ in said(found)} == {glob for glob, there in STARS.items() if not there}
    assert not [note for note in found.assumptions if "not checked" in note]


@pytest.mark.parametrize("name", ["t.tar", "z.zip"])
def test_files_that_an_archive_lacks(name: str, tmp_path: Path) -> None:
    wanted = ["a.txt", "sub/b.txt", "./a.txt", "gone.txt"]
    inside = [file(**{"@id": f"file {each}", "contentUrl": each, "containedIn": {"@id": "archive"}}) for each in wanted]
    found = read(tmp_path, document(packed(tmp_path, name), *inside), "croissant")
    words = "gone.txt is not in 'archive' (contentUrl of 'file gone.txt')"
    assert said(found) == [("declared-file-missing", "file gone.txt", words)]


def test_an_archive_that_cannot_be_read_is_said_to_be_unchecked(tmp_path: Path) -> None:
    (tmp_path / "z.zip").write_bytes(b"PK\x03\x04 and no more")
    (tmp_path / "t.tar").write_bytes(b"no tar")
    both = [file(**{"@id": name, "contentUrl": name}) for name in ("z.zip", "t.tar")]
    sets = [{"@type": "cr:FileSet", "@id": f"in {each['@id']}", "includes": "*", "containedIn": {"@id": each["@id"]}}
            for each in both]  # fmt: skip
    found = read(tmp_path, document(*both, *sets), "croissant")
    assert said(found) == []
    assert "metadata.json: not checked: 2 files or sets inside others" in found.assumptions


def test_a_damaged_zip_is_answered(tmp_path: Path) -> None:
    packed(tmp_path, "z.zip")
    whole = (tmp_path / "z.zip").read_bytes()
    source = open_worktree(str(tmp_path))
    # A name of no length, which zipfile itself stumbles over; then each byte in turn.
    at = whole.index(b"PK\x01\x02") + 28
    nameless = whole[:at] + b"\x00\x00\x00\x00\x05\x00" + whole[at + 6 :]
    for content in (nameless, *(whole[:at] + bytes([whole[at] ^ 0xFF]) + whole[at + 1 :] for at in range(len(whole)))):
        (tmp_path / "z.zip").write_bytes(content)
        held = names(source, "z.zip")
        assert held is None or all(isinstance(name, str) for name in held)


def test_what_is_remote_or_inside_is_said_to_be_unchecked(tmp_path: Path) -> None:
    found = read(
        tmp_path,
        document(
            file(**{"@id": "zip", "contentUrl": "https://x.org/a.zip", "sha256": SHA}),
            file(containedIn={"@id": "zip"}),
            {"@type": "cr:FileSet", "@id": "all", "containedIn": [{"@id": "zip"}], "includes": "*.jpg"},
        ),
    )
    assert said(found) == []
    assert (
        "metadata.json: not checked: 1 file that is only remote and 2 files or sets inside others" in found.assumptions
    )


def test_a_pointer_is_what_it_stands_for(tmp_path: Path) -> None:
    made = document(file(contentUrl="big.csv", sha256="ab" * 32, contentSize="99 B"))
    (tmp_path / "big.csv").write_text(f"version https://git-lfs.github.com/spec/v1\noid sha256:{'ab' * 32}\nsize 99\n")
    assert said(read(tmp_path, made)) == []


def test_it_rides_beside_the_format_of_the_files(tmp_path: Path) -> None:
    for number, name in enumerate(("cat/1.jpg", "dog/1.jpg")):
        picture(tmp_path / name, number, size=8)
    found = read(tmp_path, document(file(sha256="main")))
    assert (found.format, len(found.samples)) == ("imagefolder", 2)
    assert [kind for kind, *_ in said(found)] == ["placeholder-checksum"]


@pytest.mark.parametrize("text", ["{", "[]", '"x"', "3"])
def test_what_is_no_description(text: str) -> None:
    with pytest.raises(NotCroissantError):
        parse(text.encode())


def test_another_json_is_none(tmp_path: Path) -> None:
    (tmp_path / "metadata.json").write_text('{"images": [], "annotations": []}')
    assert formats.recognise(listing(open_worktree(str(tmp_path)), ".")) is None


JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.floats(), st.text(max_size=6), st.sampled_from(["a.csv", "/", "..", "x://y"])),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(
            st.sampled_from(
                ["@id", "@type", "distribution", "recordSet", "field", "source", "fileSet", "contentUrl", "sha256",
                 "includes", "containedIn", "contentSize", "subField", "name"]
            ),
            inner,
            max_size=5,
        ),
    ),
    max_leaves=20,
)  # fmt: skip


@given(JSON)
def test_nothing_in_a_description_escapes_as_a_traceback(
    tmp_path_factory: pytest.TempPathFactory, made: object
) -> None:
    home = tmp_path_factory.mktemp("fuzz")
    text = json.dumps({"@context": "mlcommons.org/croissant", "distribution": made, "recordSet": made})
    (home / "croissant.json").write_text(text)
    source = open_worktree(str(home))
    croissant.beside(dataset.read(source, root=".", format="croissant"), source, ".")


CORPUS = {
    "coco2014-mini": [],
    "fashion-mnist": [],
    "huggingface-c4": [("placeholder-checksum", "repo")],
    "json-join": [],
    "movielens": [],
    "pass-mini": [],
    "simple-join": [],
    "simple-parquet": [],
    # The README calls its checksums right, which they are; the size is that of titanic.csv, written three times.
    "titanic": [
        ("declared-content-differs", "croissant/titanic/data/genders.csv"),
        ("declared-content-differs", "croissant/titanic/data/embarkation_ports.csv"),
    ],
}


@pytest.mark.corpus
@pytest.mark.parametrize("name", CORPUS)
def test_real_descriptions(corpora: Path, name: str) -> None:
    source = open_worktree(str(corpora))
    root = f"croissant/{name}"
    found = croissant.beside(dataset.read(source, root=root, format="croissant"), source, root)
    assert rows(found.problems, "kind", "path") == CORPUS[name]


@pytest.mark.corpus
def test_pass_mini_has_the_records_that_croissant_expects(corpora: Path) -> None:
    """Its archives hold the images, so they are read; the description is judged beside them."""
    source = open_worktree(str(corpora))
    root = "croissant/pass-mini"
    read_ = dataset.read(source, root=root)
    found = croissant.beside(read_, source, root)
    assert (found.format, rows(found.problems, "kind")) == ("webdataset", [])
    lines = (corpora / root / "output/images.jsonl").read_text().splitlines()
    wanted = sorted(json.loads(line)["images/hash"] for line in lines)
    assert sorted(os.path.basename(path).removesuffix(".jpg") for (path,) in rows(found.samples, "path")) == wanted
    assert found.assumptions == read_.assumptions


@pytest.mark.corpus
def test_real_recipes(corpora: Path) -> None:
    source = open_worktree(str(corpora))
    recipes = sorted((corpora / "croissant/recipes").glob("*.json"))
    for path in recipes:
        root = f"croissant/recipes/{path.name}"
        assert formats.recognise(listing(source, root)) == ("croissant", path.name)
        found = croissant.beside(dataset.read(source, root=root), source, root)
        assert rows(found.problems, "kind", "path") == []


_ORACLE = """
import json, logging, sys
import mlcroissant
logging.disable(logging.CRITICAL)
answers = []
for path in sys.argv[2:]:
    try:
        mlcroissant.Dataset(path)
    except mlcroissant.ValidationError as error:
        answers.append("doesn't exist" in str(error))
    else:
        answers.append(False)
json.dump(answers, open(sys.argv[1], "w"))
"""


@pytest.mark.corpus
def test_mlcroissant_refuses_the_same_references(corpora: Path, tmp_path: Path) -> None:
    if importlib.util.find_spec("mlcroissant") is None:
        pytest.skip("the oracle `mlcroissant` is not installed")
    whole = json.loads((corpora / "croissant/pass-mini/metadata.json").read_text())
    texts = [json.dumps(whole)]
    # Each reference in turn leads nowhere; `key` is one to nobody.
    marks = ['{"@id": "metadata"}', '{"@id": "image-files"}', '{"@id": "pass0"}', '{"@id": "hash"}']
    texts += [texts[0].replace(mark, '{"@id": "nothing"}', 1) for mark in marks]
    paths = [tmp_path / f"{number}.json" for number in range(len(texts))]
    for path, text in zip(paths, texts, strict=True):
        path.write_text(text)
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, "-W", "ignore", "-c", _ORACLE, str(tmp_path / "a"), *map(str, paths)]
    subprocess.run(command, env=environment, check=True, capture_output=True)
    ours = []
    for text in texts:
        parsed = parse(text.encode())
        ours.append(any(each.to not in parsed.ids for each in parsed.references))
    assert ours == json.loads((tmp_path / "a").read_text()) == [False, True, True, True, False]
