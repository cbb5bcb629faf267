"""Croissant: what a description declares of files and references, compared with what lies beside it."""

from __future__ import annotations

import base64
import hashlib
import importlib.util
import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from datalint import dataset
from datalint.dataset import croissant, formats
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


def read(home: Path, made: object) -> Dataset:
    (home / "a.csv").write_bytes(TABLE)
    (home / "metadata.json").write_text(json.dumps(made))
    source = open_worktree(str(home))
    return croissant.beside(dataset.read(source, root="."), source, ".")


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
