"""A cache that came with a commit is not believed, however the commit hides it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from datalint.trust import believable
from tests.source.repository import Repository, create

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Repository:
    for name in ("GIT_DIR", "GIT_INDEX_FILE", "GIT_WORK_TREE"):
        monkeypatch.delenv(name, raising=False)
    made = create(tmp_path / "repository")
    made.write("data/.datalint_cache/facts.sqlite", b"made up")
    return made


def test_a_cache_that_git_does_not_know(repository: Repository, tmp_path: Path) -> None:
    assert believable(f"{repository.top}/data/.datalint_cache")
    repository.write("notes/.datalint_cache.md", b"")
    repository.git("add", "notes")
    assert believable(f"{repository.top}/data/.datalint_cache")
    assert believable(str(tmp_path / "elsewhere"))


def test_a_cache_of_another_folder_is_no_reason_for_doubt(repository: Repository) -> None:
    repository.write("other/data/.datalint_cache/facts.sqlite", b"made up")
    repository.git("add", "other")
    assert believable(f"{repository.top}/data/.datalint_cache")
    assert not believable(f"{repository.top}/other/data/.datalint_cache")


@pytest.mark.parametrize("version", ["2", "3", "4"])
def test_a_cache_in_the_index(repository: Repository, version: str) -> None:
    repository.write("data/.datalint_cacha", b"a neighbour that version 4 shares letters with")
    repository.git("add", ".")
    repository.git("update-index", "--index-version", version)
    assert not believable(f"{repository.top}/data/.datalint_cache")


def test_a_cache_in_a_split_index(repository: Repository) -> None:
    repository.git("add", ".")
    repository.git("update-index", "--split-index")
    assert not believable(f"{repository.top}/data/.datalint_cache")


def test_a_link_to_a_folder_that_git_tracks(repository: Repository) -> None:
    repository.git("add", ".")
    repository.link(".datalint_cache", "data/.datalint_cache")
    assert not believable(f"{repository.top}/.datalint_cache")


def test_a_cache_that_is_a_submodule(repository: Repository, tmp_path: Path) -> None:
    made = create(tmp_path / "made")
    made.write("facts.sqlite", b"made up")
    made.commit()
    repository.git("submodule", "--quiet", "add", made.top, ".datalint_cache")
    assert not believable(f"{repository.top}/.datalint_cache")


def test_a_work_tree_that_the_environment_alone_names(
    repository: Repository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, outside = f"{repository.top}/data/.datalint_cache", str(tmp_path / "elsewhere")
    (tmp_path / "repository/.git").rename(tmp_path / "kept.git")
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "kept.git"))
    monkeypatch.setenv("GIT_WORK_TREE", repository.top)
    monkeypatch.chdir(repository.top)
    assert [believable(folder), believable(outside)] == [True, True]
    repository.git("add", ".")
    assert [believable(folder), believable(outside)] == [False, True]
