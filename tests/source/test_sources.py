"""Work tree, index and commit: what they list, what they read, and what they say when they cannot."""

from __future__ import annotations

import hashlib
import os
import shutil
from typing import TYPE_CHECKING

import pytest

from datalint.entry import BlobLocator, FileLocator
from datalint.errors import UnfinishedError, UsageError
from datalint.git import BlobReader
from datalint.source.index import open_index
from datalint.source.tree import open_tree
from datalint.source.worktree import open_worktree
from tests.source.repository import Repository, create

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from datalint.source import Source

NAMES = ["plain.jpg", "two words.jpg", 'q"uote.jpg', "new\nline.jpg", "ünï.jpg", "-dash.jpg", "a/b/c/deep.jpg", ".dot"]


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Repository:
    for name in [name for name in os.environ if name.startswith("GIT_")]:
        monkeypatch.delenv(name)
    return create(tmp_path / "repository")


def opened(repository: Repository) -> list[Source]:
    return [open_worktree(repository.top), open_index(repository.top), open_tree(repository.top, "HEAD")]


def paths(source: Source, root: str = ".") -> list[str]:
    return [entry.path for entry in source.entries(root)]


def test_all_three_list_the_same_names_in_the_same_order(repository: Repository) -> None:
    for name in NAMES:
        repository.write(f"data/{name}", name.encode())
    repository.commit()
    expected = sorted(f"data/{name}" for name in NAMES)
    for source in opened(repository):
        assert paths(source) == expected
        assert paths(source, "data/a") == ["data/a/b/c/deep.jpg"]
        assert paths(source, "data/plain.jpg") == ["data/plain.jpg"]
        assert paths(source, "dat") == []
        assert source.folders(".") == ["data", "data/a", "data/a/b", "data/a/b/c"]
        assert source.folders("data/a") == ["data/a/b", "data/a/b/c"]
        assert source.read("data/two words.jpg") == b"two words.jpg"
        assert source.read("data/plain.jpg", limit=3) == b"pla"
        assert source.read("data/absent") is None
        assert source.read("data") is None


def test_a_name_that_begins_like_the_root_is_not_below_it(repository: Repository) -> None:
    for name in ("data/1", "data-old/2", "data.txt", "dataset/3"):
        repository.write(name)
    repository.commit()
    for source in opened(repository):
        assert paths(source, "data") == ["data/1"]


def test_each_sees_its_own_moment(repository: Repository) -> None:
    repository.write("a", b"committed")
    repository.commit()
    repository.write("a", b"staged")
    repository.git("add", "a")
    repository.write("a", b"written")
    repository.write("b", b"untracked")
    worktree, index, tree = opened(repository)
    assert [source.read("a") for source in (worktree, index, tree)] == [b"written", b"staged", b"committed"]
    assert [paths(source) for source in (worktree, index, tree)] == [["a", "b"], ["a"], ["a"]]


def test_a_file_that_is_only_intended_is_not_in_the_next_commit(repository: Repository) -> None:
    repository.write("a", b"1")
    repository.write("empty", b"")
    repository.git("add", "a", "empty")
    repository.write("later", b"2")
    repository.git("add", "--intent-to-add", "later")
    assert paths(open_index(repository.top)) == ["a", "empty"]


def test_an_unfinished_merge_cannot_be_judged(repository: Repository) -> None:
    repository.write("a", b"0")
    repository.commit()
    repository.git("switch", "--quiet", "--create", "side")
    repository.write("a", b"1")
    repository.commit()
    repository.git("switch", "--quiet", "-")
    repository.write("a", b"2")
    repository.commit()
    with pytest.raises(Exception, match="returned non-zero"):
        repository.git("merge", "side")
    with pytest.raises(UsageError, match="unresolved conflict: a"):
        open_index(repository.top)


def test_a_submodule_is_no_file(repository: Repository, tmp_path: Path) -> None:
    inner = create(tmp_path / "inner")
    inner.write("x", b"1")
    inner.commit()
    repository.git("-c", "protocol.file.allow=always", "submodule", "--quiet", "add", inner.top, "sub")
    repository.commit()
    for source in opened(repository)[1:]:
        assert {entry.path: entry.kind for entry in source.entries("sub")} == {"sub": "special"}
        assert source.read("sub") is None


def test_a_blob_that_is_gone_is_an_error_and_not_an_absent_file(repository: Repository) -> None:
    repository.write("datalint.yaml", b"dataset: {}")
    repository.commit()
    blob = repository.git("rev-parse", "HEAD:datalint.yaml").decode().strip()
    (repository.folder / ".git/objects" / blob[:2] / blob[2:]).unlink()
    with pytest.raises(UnfinishedError, match=r"cannot read datalint\.yaml from the index"):
        open_index(repository.top).read("datalint.yaml")


def test_the_caches_of_tools_are_never_listed(repository: Repository) -> None:
    repository.write("data/1.jpg", b"1")
    repository.write("data/.git/config", b"x")
    repository.write(".datalint_cache/facts.sqlite", b"x")
    assert paths(open_worktree(repository.top)) == ["data/1.jpg"]


@pytest.mark.skipif(
    os.geteuid() == 0, reason="root may list every folder; tests/e2e/test_robustness.py does it for root"
)
def test_a_folder_that_may_not_be_listed_is_an_entry(tmp_path: Path) -> None:
    (tmp_path / "closed").mkdir(mode=0)
    try:
        assert [(entry.path, entry.kind) for entry in open_worktree(str(tmp_path)).entries(".")] == [
            ("closed", "unreadable-folder")
        ]
    finally:
        (tmp_path / "closed").chmod(0o700)


def test_pipes_and_sockets_are_special(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    assert [(entry.path, entry.kind) for entry in open_worktree(str(tmp_path)).entries(".")] == [("pipe", "special")]


# Git LFS.

IMAGE = b"the picture itself" * 10


def pointer(content: bytes = IMAGE) -> bytes:
    digest = hashlib.sha256(content).hexdigest()
    return f"version https://git-lfs.github.com/spec/v1\noid sha256:{digest}\nsize {len(content)}\n".encode()


@pytest.fixture
def stored(repository: Repository) -> Repository:
    """A pointer in git, and its object where git-lfs keeps it."""
    repository.write(".gitattributes", b"*.jpg filter=lfs -text\n")
    repository.write("a.jpg", pointer())
    repository.write("b.txt", b"no picture")
    repository.git("-c", "filter.lfs.clean=cat", "-c", "filter.lfs.required=false", "add", "--all")
    repository.git("commit", "--quiet", "-m", "pointers")
    digest = hashlib.sha256(IMAGE).hexdigest()
    repository.write(f".git/lfs/objects/{digest[:2]}/{digest[2:4]}/{digest}", IMAGE)
    return repository


@pytest.mark.parametrize("name", ["index", "tree"])
def test_a_pointer_leads_to_the_object_that_git_lfs_has_fetched(stored: Repository, name: str) -> None:
    source = open_index(stored.top) if name == "index" else open_tree(stored.top, "HEAD")
    [entry] = source.entries("a.jpg")
    assert isinstance(entry.locator, FileLocator)
    assert entry.size == len(IMAGE)
    assert entry.content_id == f"lfs:{hashlib.sha256(IMAGE).hexdigest()}"
    assert source.read("a.jpg") == IMAGE
    assert source.read("b.txt") == b"no picture"


def lost(repository: Repository) -> None:
    shutil.rmtree(repository.folder / ".git/lfs")


def cut(repository: Repository) -> None:
    digest = hashlib.sha256(IMAGE).hexdigest()
    repository.write(f".git/lfs/objects/{digest[:2]}/{digest[2:4]}/{digest}", IMAGE[:-1])


def unattributed(repository: Repository) -> None:
    repository.write(".gitattributes", b"*.jpg binary\n")
    repository.git("add", ".gitattributes")


@pytest.mark.parametrize("change", [lost, cut, unattributed], ids=lambda change: change.__name__)
def test_without_its_object_a_pointer_stays_one(stored: Repository, change: Callable[[Repository], None]) -> None:
    change(stored)
    [entry] = open_index(stored.top).entries("a.jpg")
    assert isinstance(entry.locator, BlobLocator)
    with BlobReader(stored.top) as reader:
        assert reader.read(entry.locator.blob) == pointer()
