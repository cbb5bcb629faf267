"""A configuration below the top of its repository: work tree, index and commit name everything alike."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from tests.e2e.conftest import CONFIG, Repository, dataset
from tests.e2e.test_cli_baseline import truncated

if TYPE_CHECKING:
    from pathlib import Path

SIDES = ((), ("--staged",), ("--tree", "HEAD"))
RULE = """\
id: acme/every-file
title: A file
severity: info
family: misled
docs: It names every tulip.
message: "{path}"
key: [path]
sql: select path from files where path like '%tulip%'
tests:
  - {name: fires, given: {files: [{path: tulip}]}, expect: [{path: tulip}]}
  - {name: silent, given: {files: [{path: rose}]}, expect: []}
"""


@pytest.fixture
def empty(tmp_path: Path) -> Repository:
    made = Repository(tmp_path / "repository")
    made.folder.mkdir()
    made.git("init", "-q", "-b", "main")
    return made


def findings(repository: Repository, folder: str, *words: str) -> list[tuple[str, str | None, str]]:
    process = replace(repository, folder=repository.folder / folder).datalint("check", "-o", "json", *words)
    assert process.returncode in (0, 1), process.stderr
    return [(item["rule"], item["path"], item["fingerprint"]) for item in json.loads(process.stdout)["findings"]]


@pytest.mark.parametrize(
    ("home", "images", "here", "words", "path"),
    [
        ("sub", "sub/images", "sub/images", ("../images",), "images/train/cat/broken.jpg"),
        pytest.param(
            *("sub", "sub/images", ".", ("--config", "sub/datalint.yaml"), "images/train/cat/broken.jpg"),
            marks=pytest.mark.exhaustive,
        ),
        ("conf", "images", "conf", (), "train/cat/broken.jpg"),
        (".", "images", "images/train", (), "images/train/cat/broken.jpg"),
    ],
)
def test_every_side_names_a_finding_alike_and_knows_its_baseline(
    empty: Repository, home: str, images: str, here: str, words: tuple[str, ...], path: str
) -> None:
    dataset(empty.folder / images)
    truncated(empty.folder / images / "train/cat/broken.jpg", 990)
    truncated(empty.folder / images / "train/cat/tulip.jpg", 991)
    (empty.folder / home / "ours").mkdir(parents=True)
    (empty.folder / home / "ours/every-file.yaml").write_text(RULE)
    relative = "../images" if home == "conf" else "images"
    (empty.folder / home / "datalint.yaml").write_text(
        CONFIG.replace("path: images", f"path: {relative}").replace("rules: {", "rules: {paths: [ours], ")
        + f'ignore: [{{rule: truncated-image, path: "{path.replace("broken", "tul*")}", reason: known}}]\n'
    )
    empty.git("add", ".")
    empty.commit("flawed")
    expected = findings(empty, here, *words)
    assert ("truncated-image", path) in [(rule, place) for rule, place, _ in expected]
    assert "acme/every-file" in [rule for rule, *_ in expected]
    for side in SIDES[1:]:
        assert findings(empty, here, *words, *side) == expected
    replace(empty, folder=empty.folder / here).datalint("check", "--write-baseline", *words, ok=True)
    empty.git("add", ".")
    empty.commit("accepted")
    assert [findings(empty, here, *words, *side) for side in SIDES[:2]] == [[], []]


def test_the_folder_of_a_manifest_s_images_is_relative_to_the_configuration(empty: Repository) -> None:
    dataset(empty.folder / "sub/images")
    rows = [f"{path.relative_to(empty.folder / 'sub/images')},{path.parent.name},{path.parent.parent.name}\n"
            for path in sorted((empty.folder / "sub/images").rglob("*.jpg"))]  # fmt: skip
    (empty.folder / "sub/tables").mkdir()
    (empty.folder / "sub/tables/all.csv").write_text("path,label,split\n" + "".join(rows))
    (empty.folder / "sub/datalint.yaml").write_text(
        CONFIG.replace("path: images", "path: tables/all.csv, root: images")
    )
    empty.git("add", ".")
    empty.commit("sound")
    for folder, words in (("sub", ()), (".", ("--config", "sub/datalint.yaml")), ("sub/tables", ("all.csv",))):
        for side in SIDES:
            assert findings(empty, folder, *words, *side) == []


def test_an_unchanged_index_is_remembered_for_its_own_folder_only(empty: Repository) -> None:
    for name in ("one", "two"):
        dataset(empty.folder / name / "images", first_seed=100 * len(name))
        (empty.folder / name / "datalint.yaml").write_text(CONFIG)
    truncated(empty.folder / "two/images/train/cat/broken.jpg", 993)
    empty.git("add", ".")
    for _ in range(2):
        assert findings(empty, "one", "--staged") == []
        assert [rule for rule, *_ in findings(empty, "two", "--staged")] == ["truncated-image", "last-batch-of-one"]
    (empty.folder / "two/images/train/cat/broken.jpg").unlink()
    empty.git("add", ".")
    assert findings(empty, "two", "--staged") == []
