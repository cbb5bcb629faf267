"""Work tree, index and commit: what they list, what they read, and what they say when they cannot."""

from __future__ import annotations

import hashlib
import os
import shutil
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import pytest

from datalint.entry import BlobLocator, FileLocator
from datalint.errors import UnfinishedError, UsageError
from datalint.git import BlobReader
from datalint.source.index import open_index
from datalint.source.moved import Moved, moved
from datalint.source.tree import open_tree
from datalint.source.worktree import open_worktree
from tests.source.repository import Repository, create

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

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
        assert {entry.path: entry.kind for entry in source.entries("sub")} == {"sub": "submodule"}
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


@contextmanager
def forbidden() -> Iterator[Path]:
    """A folder that everybody may enter, seen as somebody who is not root."""
    with TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        for inner in ("closed", "listed", "open"):
            (folder / inner).mkdir()
            (folder / inner / "1.jpg").write_bytes(b"1")
        (folder / "open/1.jpg").chmod(0)
        (folder / "listed").chmod(0o444)
        (folder / "closed").chmod(0)
        root = os.geteuid() == 0
        try:
            if root:
                os.seteuid(65534)
            yield folder
        finally:
            if root:
                os.seteuid(0)
            (folder / "closed").chmod(0o700)
            (folder / "listed").chmod(0o700)


def test_a_folder_that_may_not_be_listed_or_entered_is_one_entry() -> None:
    with forbidden() as folder:
        found = [(entry.path, entry.kind) for entry in open_worktree(str(folder)).entries(".")]
        assert found == [("closed", "unreadable-folder"), ("listed", "unreadable-folder"), ("open/1.jpg", "file")]


def test_a_root_that_may_not_be_listed_is_not_an_empty_one() -> None:
    with forbidden() as folder:
        found = [(entry.path, entry.kind) for entry in open_worktree(str(folder / "closed")).entries(".")]
        assert found == [(".", "unreadable-folder")]


def test_a_file_that_may_not_be_read_is_not_an_absent_one() -> None:
    with forbidden() as folder, pytest.raises(UsageError, match=r"cannot read open/1\.jpg: Permission denied"):
        open_worktree(str(folder)).read("open/1.jpg")


def test_a_root_that_is_not_there_holds_nothing(tmp_path: Path) -> None:
    source = open_worktree(str(tmp_path))
    assert (source.entries("gone"), source.folders("gone"), source.links("gone")) == ([], [], [])
    assert source.read("gone/1.jpg") is None


def test_names_in_another_encoding_keep_their_bytes(repository: Repository) -> None:
    name = os.fsdecode(b"caf\xe9.jpg")
    repository.write(f"data/{name}", b"picture")
    repository.commit()
    for source in opened(repository):
        assert paths(source) == [f"data/{name}"]
        assert source.read(f"data/{name}") == b"picture"


def test_a_file_that_is_only_in_the_index_is_in_the_next_commit(repository: Repository) -> None:
    repository.write("a/1.jpg", b"staged")
    repository.write("b.jpg", b"kept out")
    repository.git("add", "--all")
    shutil.rmtree(repository.folder / "a")
    repository.git("rm", "--quiet", "--cached", "b.jpg")
    index = open_index(repository.top)
    assert paths(index) == ["a/1.jpg"]
    assert index.read("a/1.jpg") == b"staged"
    assert paths(open_worktree(repository.top)) == ["b.jpg"]


def test_a_repository_of_sha256_is_read_alike(tmp_path: Path) -> None:
    repository = create(tmp_path / "wide", "--object-format=sha256")
    repository.write("a.jpg", b"1")
    repository.write("empty.jpg", b"")
    repository.commit()
    for source in opened(repository):
        assert paths(source) == ["a.jpg", "empty.jpg"]
        assert source.read("a.jpg") == b"1"


def test_links_to_folders_are_told_from_folders(repository: Repository) -> None:
    repository.write("data/cat/1.jpg", b"1")
    repository.link("data/dog", "cat")
    repository.link("data/owl/in", "../dog")
    repository.link("data/one.jpg", "cat/1.jpg")
    repository.commit()
    for source in opened(repository):
        assert source.links(".") == ["data/dog", "data/owl/in"]
        assert source.links("data/owl") == ["data/owl/in"]
        assert source.folders("data") == ["data/cat", "data/dog", "data/owl", "data/owl/in"]


def test_a_snapshot_can_be_seen_from_a_folder(repository: Repository) -> None:
    repository.write("work/data/cat/1.jpg", b"1")
    repository.link("work/data/dog", "cat")
    repository.write("rules/a.yaml", b"rule")
    repository.commit()
    for source in opened(repository)[1:]:
        inner = moved(source, "work")
        assert (inner.name, inner.base) == (source.name, str(repository.folder / "work"))
        assert paths(inner) == ["data/cat/1.jpg", "data/dog/1.jpg"]
        assert paths(inner, "data/cat") == ["data/cat/1.jpg"]
        assert paths(inner, "../rules") == ["../rules/a.yaml"]
        assert inner.folders(".") == ["data", "data/cat", "data/dog"]
        assert inner.links(".") == ["data/dog"]
        assert inner.read("data/cat/1.jpg") == b"1"
        assert inner.read("../rules/a.yaml", limit=2) == b"ru"
        assert moved(source, ".") is source


def partial_clone(repository: Repository, folder: Path) -> Repository:
    """Trees without blobs, as `git clone --filter=blob:none` leaves them in CI."""
    repository.git("config", "uploadpack.allowFilter", "true")
    words = ("clone", "--quiet", "--no-checkout", "--filter=blob:none", f"file://{repository.top}", str(folder))
    repository.git(*words)
    return Repository(folder)


def test_what_a_partial_clone_lacks_is_no_empty_file(repository: Repository, tmp_path: Path) -> None:
    repository.write(".gitattributes", b"*.jpg filter=lfs\n")
    repository.write("cat/1.png", b"one")
    repository.write("cat/2.png", b"two")
    repository.link("cat/3.png", "./2.png")
    repository.link("cat/4.png", "2.png")
    repository.commit()
    clone = partial_clone(repository, tmp_path / "clone")
    bare = open_tree(clone.top, "HEAD")
    with pytest.raises(UnfinishedError, match=r"cannot read cat/2\.png from the tree: .* partial clone"):
        bare.read("cat/2.png")
    clone.git("checkout", "--quiet", "HEAD", "--", ".gitattributes", "cat/2.png", "cat/4.png")
    tree = open_tree(clone.top, "HEAD")
    assert {entry.path: entry.kind for entry in tree.entries("cat")} == {
        "cat/1.png": "file",
        "cat/2.png": "file",
        "cat/3.png": "broken-link",
        "cat/4.png": "file",
    }
    assert tree.read("cat/4.png") == b"two"


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


def test_a_second_work_tree_shares_the_store(stored: Repository, tmp_path: Path) -> None:
    stored.git("-c", "filter.lfs.smudge=cat", "worktree", "add", "--quiet", "--detach", str(tmp_path / "second"))
    [entry] = open_index(str(tmp_path / "second")).entries("a.jpg")
    assert isinstance(entry.locator, FileLocator)
    assert entry.size == len(IMAGE)


@pytest.mark.parametrize("place", ["moved", "/outside"])
def test_the_store_may_lie_elsewhere(stored: Repository, tmp_path: Path, place: str) -> None:
    """git-lfs: `lfs.storage`, relative to the git folder."""
    folder = stored.folder / ".git/moved" if place == "moved" else tmp_path / "outside"
    (stored.folder / ".git/lfs").rename(folder)
    stored.git("config", "lfs.storage", place if place == "moved" else str(folder))
    assert open_index(stored.top).read("a.jpg") == IMAGE


def test_what_git_alone_has_is_copied_for_readers_of_files(repository: Repository) -> None:
    content = bytes(range(256)) * 4_000
    repository.write("data/a.tar", content)
    repository.commit()
    repository.write("data/a.tar", b"changed since")
    places = []
    for source in (
        open_index(repository.top),
        open_tree(repository.top, "HEAD"),
        moved(open_index(repository.top), "data"),
    ):
        name = "a.tar" if isinstance(source, Moved) else "data/a.tar"
        place = source.spooled(name)
        assert place is not None
        assert Path(place).read_bytes() == content
        assert source.spooled(name) == place
        assert source.spooled("data/none.tar") is None
        places.append(place)
    del source
    assert not any(map(os.path.exists, places))
    assert open_worktree(repository.top).spooled("data/a.tar") == os.path.join(repository.top, "data/a.tar")


def test_a_blob_that_is_gone_cannot_be_copied(repository: Repository) -> None:
    repository.write("a.tar", b"content")
    repository.commit()
    index = open_index(repository.top)
    shutil.rmtree(Path(repository.top, ".git", "objects"))
    Path(repository.top, ".git", "objects").mkdir()
    with pytest.raises(UnfinishedError, match=r"cannot read a\.tar from the index"):
        index.spooled("a.tar")


def test_one_git_gives_many_small_files_and_outlives_one_that_is_gone(repository: Repository) -> None:
    for number in range(3):
        repository.write(f"labels/{number}.txt", b"%d" % number)
    repository.git("add", "--all")
    source = open_index(repository.top)
    assert [source.read(f"labels/{number}.txt") for number in (0, 1)] == [b"0", b"1"]
    blob = repository.git("rev-parse", ":labels/2.txt").decode().strip()
    (repository.folder / ".git/objects" / blob[:2] / blob[2:]).unlink()
    with pytest.raises(UnfinishedError, match=r"cannot read labels/2\.txt"):
        source.read("labels/2.txt")
    assert source.read("labels/0.txt", limit=1) == b"0"
