from __future__ import annotations

import hashlib
import os
from typing import TYPE_CHECKING

import pytest

from datalint import git, git_index
from datalint.errors import UnfinishedError, UsageError
from tests.source.repository import Repository, create

if TYPE_CHECKING:
    from pathlib import Path

NASTY = [
    "a b.jpg",
    'q"uote.jpg',
    "new\nline.jpg",
    "tab\t.jpg",
    "-dash.jpg",
    ":(top)x.jpg",
    "caf\u00e9.jpg",
    "cafe\u0301.jpg",
]
RAW = os.fsdecode(b"latin-\xe9.jpg")


@pytest.fixture(autouse=True)
def no_inherited_git(monkeypatch: pytest.MonkeyPatch) -> None:
    """The suite itself may run inside a hook."""
    for name in [name for name in os.environ if name.startswith("GIT_")]:
        monkeypatch.delenv(name)


@pytest.fixture(params=["sha1", "sha256"])
def repository(tmp_path: Path, request: pytest.FixtureRequest) -> Repository:
    return create(tmp_path / "repo", f"--object-format={request.param}")


@pytest.fixture
def plain(tmp_path: Path) -> Repository:
    return create(tmp_path / "repo")


def test_index_lists_every_name_as_it_is(repository: Repository) -> None:
    for name in (*NASTY, RAW):
        repository.write(name, name.encode("utf-8", "surrogateescape"))
    repository.git("add", "--all")
    items = git.index_items(repository.top)
    assert {item.path for item in items} == {*NASTY, RAW}
    with git.BlobReader(repository.top) as reader:
        for item in items:
            assert reader.read(item.blob) == os.fsencode(item.path)


def test_blob_ids_are_those_of_git(plain: Repository) -> None:
    plain.write("a", b"bytes")
    plain.git("add", "a")
    [item] = git.index_items(plain.top)
    assert item.blob == hashlib.sha1(b"blob 5\0bytes").hexdigest()
    assert item.mode == git.REGULAR


def test_an_intention_to_add_is_not_in_the_commit_but_an_empty_file_is(repository: Repository) -> None:
    repository.write("empty.jpg")
    repository.git("add", "empty.jpg")
    repository.write("intended.jpg", b"x")
    repository.git("add", "--intent-to-add", "intended.jpg")
    assert [item.path for item in git.index_items(repository.top)] == ["empty.jpg"]


def test_tree_of_a_commit(repository: Repository) -> None:
    repository.write("folder/a", b"1")
    repository.commit()
    repository.write("folder/a", b"2")
    repository.commit()
    [old] = git.tree_items(repository.top, "HEAD~1")
    [new] = git.tree_items(repository.top, "HEAD")
    assert old.path == new.path == "folder/a"
    assert old.blob != new.blob


@pytest.mark.parametrize("ref", ["no-such-ref", "--help", "HEAD:a", ""])
def test_a_ref_that_is_no_commit_is_named(plain: Repository, ref: str) -> None:
    plain.write("a")
    plain.commit()
    with pytest.raises(UsageError, match="no commit") as refused:
        git.tree_items(plain.top, ref)
    assert repr(ref) in str(refused.value)


def test_top_level_from_below_and_from_outside(plain: Repository, tmp_path: Path) -> None:
    below = plain.write("deep/er/a").parent
    assert git.top_level(str(below)) == plain.top
    with pytest.raises(UsageError, match="not a git repository"):
        git.top_level(str(tmp_path))


def test_places_in_the_environment_are_named_from_where_we_stand(
    repository: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    below = repository.write("deep/er/a").parent
    listed = git.index_items(repository.top)
    monkeypatch.chdir(below)
    monkeypatch.setenv("GIT_DIR", "../../.git")
    monkeypatch.setenv("GIT_WORK_TREE", "../..")
    assert git.top_level(os.getcwd()) == repository.top
    assert git.index_items(repository.top) == listed


def test_top_level_whose_name_ends_with_a_newline(tmp_path: Path) -> None:
    odd = create(tmp_path / "odd\n")
    assert git.top_level(odd.top) == odd.top


def test_without_git_nothing_can_be_finished(plain: Repository, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    with pytest.raises(UnfinishedError, match="not installed"):
        git.top_level(plain.top)
    with pytest.raises(UnfinishedError, match="not installed"):
        git.BlobReader(plain.top)


def test_reader_goes_on_after_a_missing_blob(repository: Repository) -> None:
    repository.write("a", b"first\nsecond")
    repository.write("empty")
    repository.git("add", "--all")
    blobs = {item.path: item.blob for item in git.index_items(repository.top)}
    with git.BlobReader(repository.top) as reader:
        with pytest.raises(FileNotFoundError, match="missing"):
            reader.read("1" * len(blobs["a"]))
        assert reader.read(blobs["a"]) == b"first\nsecond"
        assert reader.read(blobs["empty"]) == b""


def test_reader_whose_git_cannot_start_says_so(tmp_path: Path) -> None:
    reader = git.BlobReader(str(tmp_path / "nowhere"))
    with pytest.raises(OSError, match=r"ended|pipe"):
        reader.read("1" * 40)
    reader.close()


def test_sizes_leave_out_what_git_lacks(repository: Repository) -> None:
    repository.write("a", b"12345")
    repository.git("add", "a")
    [item] = git.index_items(repository.top)
    assert git.sizes(repository.top, [item.blob, "1" * len(item.blob)]) == {item.blob: 5}
    assert git.sizes(repository.top, []) == {}


def test_changes_of_the_index_since_the_last_commit(repository: Repository) -> None:
    for name in ("gone", "kept", "edited", "moved"):
        repository.write(name, name.encode() * 40)
    repository.commit()
    (repository.folder / "gone").unlink()
    (repository.folder / "moved").rename(repository.folder / "new\nhome")
    repository.write("edited", b"other")
    repository.write("added", b"fresh")
    repository.git("add", "--all")
    repository.write("untracked")
    assert sorted(git.changes(repository.top), key=lambda change: change.path) == [
        git.Change("added", "A"),
        git.Change("edited", "M"),
        git.Change("gone", "D"),
        git.Change("new\nhome", "R", "moved"),
    ]


def test_before_the_first_commit_everything_is_added(repository: Repository) -> None:
    repository.write("a", b"1")
    repository.git("add", "a")
    assert git.changes(repository.top) == [git.Change("a", "A")]


def test_changes_between_two_commits(plain: Repository) -> None:
    plain.write("a", b"1")
    plain.commit()
    plain.write("folder/b", b"2")
    plain.commit()
    plain.write("c", b"3")
    plain.git("add", "c")
    assert git.changes(plain.top, base="HEAD~1", head="HEAD") == [git.Change("folder/b", "A")]
    assert {change.path for change in git.changes(plain.top, base="HEAD~1")} == {"folder/b", "c"}


def test_show_one_file_of_a_commit(plain: Repository) -> None:
    plain.write("folder/a", b"old")
    plain.commit()
    plain.write("folder/a", b"new")
    assert git.show(plain.top, "HEAD", "folder/a") == b"old"
    assert git.show(plain.top, "HEAD", "./folder/../folder/a") == b"old"
    assert git.show(plain.top, "HEAD", "folder") is None
    assert git.show(plain.top, "HEAD", "nothing") is None


def test_listing_of_some_paths_takes_names_literally(plain: Repository, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("a*/x", "ab/x", "b/x"):
        plain.write(name)
    plain.git("add", "--all")
    monkeypatch.setenv("GIT_LITERAL_PATHSPECS", "1")
    assert git.index_listing(plain.top, ["a*"]).count(b"\0") == 1
    assert git.index_listing(plain.top, ["a*", "."]).count(b"\0") == 3
    assert git.index_listing(plain.top, []).count(b"\0") == 3


def test_reading_leaves_the_index_alone(plain: Repository) -> None:
    place = plain.write("a", b"1")
    plain.commit()
    os.utime(place, (1, 1))
    index = plain.folder / ".git/index"
    before = index.read_bytes()
    git.index_items(plain.top)
    git.changes(plain.top)
    assert index.read_bytes() == before
    assert not (plain.folder / ".git/index.lock").exists()


def test_folders_of_hooks_and_of_objects(plain: Repository) -> None:
    plain.git("config", "core.hooksPath", "ours")
    assert os.path.samefile(os.path.dirname(git.hooks_folder(plain.top)), plain.folder)
    assert os.path.samefile(git.common_folder(plain.top), plain.folder / ".git")


class TestWhereTheIndexLies:
    def test_checksum_changes_with_the_index_and_only_with_it(self, repository: Repository) -> None:
        assert git_index.locate(repository.top) == (
            repository.top,
            f"{repository.top}/.git/index",
            f"{repository.top}/.git",
        )
        index = f"{repository.top}/.git/index"
        assert git_index.checksum(index) is None
        repository.write("a", b"1")
        repository.git("add", "a")
        first = git_index.checksum(index)
        assert first is not None
        assert len(first) == 40
        assert git_index.checksum(index) == first
        repository.write("a", b"2")
        assert git_index.checksum(index) == first
        repository.git("add", "a")
        assert git_index.checksum(index) != first

    def test_an_index_without_checksum(self, plain: Repository) -> None:
        index = plain.write("index", b"DIRC" + bytes(40))
        assert git_index.checksum(str(index)) is None
        assert git_index.checksum(str(plain.write("short", b"DIRC"))) is None

    def test_found_from_below(self, plain: Repository) -> None:
        below = plain.write("deep/er/a").parent
        assert git_index.locate(str(below)) == (plain.top, f"{plain.top}/.git/index", f"{plain.top}/.git")

    def test_outside_a_repository(self, tmp_path: Path) -> None:
        assert git_index.locate(str(tmp_path)) is None

    def test_of_a_partial_commit(self, plain: Repository, monkeypatch: pytest.MonkeyPatch) -> None:
        plain.write("a", b"1")
        plain.write("b", b"2")
        plain.git("add", "--all")
        plain.git("read-tree", "--empty", GIT_INDEX_FILE=".git/next-index-1.lock")
        plain.git("add", "b", GIT_INDEX_FILE=".git/next-index-1.lock")
        monkeypatch.setenv("GIT_INDEX_FILE", ".git/next-index-1.lock")
        assert [item.path for item in git.index_items(plain.top)] == ["b"]
        located = git_index.locate(str(plain.write("deep/c").parent))
        assert located is not None
        partial = git_index.checksum(located[1])
        assert partial is not None
        assert partial != git_index.checksum(f"{plain.top}/.git/index")

    def test_of_a_worktree_and_of_a_submodule(self, plain: Repository, tmp_path: Path) -> None:
        plain.write("a", b"1")
        plain.commit()
        plain.git("worktree", "add", "--quiet", str(tmp_path / "side"))
        plain.git("submodule", "--quiet", "add", plain.top, "inner")
        for folder in (tmp_path / "side", plain.folder / "inner"):
            located = git_index.locate(str(folder))
            assert located is not None
            assert located[0] == str(folder)
            expected = Repository(folder).git("rev-parse", "--path-format=absolute", "--git-path", "index")
            assert os.path.samefile(located[1], os.fsdecode(expected.strip()))

    @pytest.mark.parametrize("name", ["GIT_DIR", "GIT_WORK_TREE"])
    def test_gives_up_where_the_environment_points_elsewhere(
        self, plain: Repository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
    ) -> None:
        monkeypatch.setenv(name, str(tmp_path))
        assert git_index.locate(plain.top) is None

    def test_accepts_the_git_folder_that_a_hook_is_told(
        self, plain: Repository, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("GIT_DIR", f"{plain.top}/.git")
        assert git_index.locate(plain.top) is not None

    def test_a_git_file_that_is_none(self, plain: Repository, tmp_path: Path) -> None:
        (tmp_path / "odd").mkdir()
        (tmp_path / "odd/.git").write_bytes(b"\xff nothing")
        assert git_index.locate(str(tmp_path / "odd")) is None


class TestTheLastCommit:
    def test_is_that_of_git_whether_loose_packed_or_detached(self, repository: Repository) -> None:
        directory = f"{repository.top}/.git"
        assert git_index.last_commit(directory) is None
        repository.write("a", b"1")
        repository.commit()
        asked = repository.git("rev-parse", "HEAD").decode().strip()
        assert git_index.last_commit(directory) == asked
        repository.git("branch", "longer-main")
        repository.git("pack-refs", "--all")
        assert git_index.last_commit(directory) == asked
        repository.git("checkout", "--quiet", "--detach")
        assert git_index.last_commit(directory) == asked

    def test_is_read_in_a_second_worktree(self, plain: Repository, tmp_path: Path) -> None:
        plain.write("a", b"1")
        plain.commit()
        plain.git("worktree", "add", "--quiet", str(tmp_path / "side"))
        side = Repository(tmp_path / "side")
        side.write("b", b"2")
        side.commit()
        located = git_index.locate(side.top)
        assert located is not None
        assert git_index.last_commit(located[2]) == side.git("rev-parse", "HEAD").decode().strip()


class TestChanges:
    @pytest.fixture
    def grown(self, plain: Repository) -> Repository:
        for name in ("kept", "edited", "moved", "gone"):
            plain.write(f"data/{name}", name.encode())
        plain.commit()
        return plain

    def change(self, repository: Repository) -> None:
        repository.write("data/new", b"new")
        repository.write("data/edited", b"other")
        repository.git("mv", "data/moved", "data/elsewhere")
        repository.git("rm", "--quiet", "data/gone")

    CHANGES = (
        git.Change("data/edited", "M"),
        git.Change("data/elsewhere", "R", "data/moved"),
        git.Change("data/gone", "D"),
        git.Change("data/new", "A"),
    )

    def test_of_the_index_against_the_last_commit(self, grown: Repository) -> None:
        self.change(grown)
        grown.git("add", "--all")
        assert tuple(sorted(git.changes(grown.top), key=lambda change: change.path)) == self.CHANGES

    def test_of_a_commit_against_its_parent(self, grown: Repository) -> None:
        self.change(grown)
        grown.commit()
        assert git.changes(grown.top) == []
        assert tuple(sorted(git.changes(grown.top, head="HEAD"), key=lambda change: change.path)) == self.CHANGES

    def test_of_the_work_tree_against_a_base(self, grown: Repository) -> None:
        self.change(grown)
        grown.write("data/untracked", b"nobody knows it")
        found = git.changes(grown.top, base="HEAD", worktree=True)
        assert {(change.path, change.status) for change in found} == {
            ("data/edited", "M"),
            ("data/elsewhere", "R"),
            ("data/gone", "D"),
        }

    def test_of_the_first_commit_are_all_its_files(self, grown: Repository) -> None:
        assert {change.status for change in git.changes(grown.top, head="HEAD")} == {"A"}

    def test_before_the_first_commit(self, plain: Repository) -> None:
        plain.write("a", b"1")
        plain.git("add", "--all")
        assert git.changes(plain.top) == [git.Change("a", "A")]
        assert git.committed(plain.top, ["a"]) == b""

    def test_a_base_that_is_no_commit(self, grown: Repository) -> None:
        with pytest.raises(UsageError, match="no commit 'nothing'"):
            git.changes(grown.top, base="nothing")

    def test_what_was_committed_changes_with_its_paths_only(self, grown: Repository) -> None:
        before, everything = git.committed(grown.top, ["data", "rules"]), git.committed(grown.top, ["."])
        grown.write("code", b"1")
        grown.commit()
        assert git.committed(grown.top, ["data", "rules"]) == before
        assert git.committed(grown.top, ["."]) != everything
        grown.write("data/kept", b"not kept")
        grown.commit()
        assert git.committed(grown.top, ["data", "rules"]) != before
