"""What a change brings in, told from what was there before: `check --since` and `diff`, in real repositories."""

from __future__ import annotations

import json
import os
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from datalint import check
from tests.conftest import CORPORA
from tests.e2e.conftest import CONFIG, Repository, dataset, picture, say

if TYPE_CHECKING:
    from collections.abc import Callable

IMAGES = "images/train"
FEW = ("--select", "truncated-image")
"""Where other rules have nothing to say, they need not run."""


@dataclass(frozen=True)
class Told:
    """A report in JSON, and the exit code."""

    code: int
    document: dict[str, Any]

    def new(self) -> list[tuple[str, str | None]]:
        return _named(self.document["findings"])

    def old(self) -> list[tuple[str, str | None]]:
        return _named(self.document["since"]["old"])

    def mended(self) -> list[tuple[str, str | None]]:
        return _named(self.document["since"]["mended"])

    def samples(self) -> dict[tuple[str | None, str | None], dict[str, int]]:
        """What happened, without what did not, by split and label."""
        changes = self.document["since"]["samples"]
        return {
            (change.pop("split"), change.pop("label")): {name: number for name, number in change.items() if number}
            for change in changes
        }

    def resource(self, name: str) -> dict[str, Any]:
        return next(row for row in self.document["since"]["footprint"] if row["resource"] == name)


def _named(findings: list[dict[str, Any]]) -> list[tuple[str, str | None]]:
    return sorted((item["rule"], item["path"]) for item in findings if item["severity"] != "info")


@pytest.fixture
def ask(
    repository: Repository, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., Told]:
    """A command in the repository and in this process, with its report in JSON."""
    monkeypatch.chdir(repository.folder)
    for name in ("DATALINT_CONFIG", "PRE_COMMIT_FROM_REF", "PRE_COMMIT_TO_REF"):
        monkeypatch.delenv(name, raising=False)

    def asked(*words: str) -> Told:
        code, out, error = say(capsys, *words, "-o", "json")
        assert out, error
        return Told(code, json.loads(out))

    return asked


def cut(path: Path) -> None:
    """A truncated file, unlike any other."""
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) * 2 // 3])


def test_only_what_is_new_blocks(repository: Repository, ask: Callable[..., Told]) -> None:
    folder = repository.folder / IMAGES
    cut(folder / "cat/0000.jpg")
    cut(folder / "cat/0001.jpg")
    repository.git("commit", "-qam", "two broken files")
    assert ask("check", *FEW).code == 1

    (folder / "cat/0000.jpg").rename(folder / "cat/zero.jpg")
    repository.git("checkout", "-q", "HEAD~1", "--", f"{IMAGES}/cat/0001.jpg")
    repository.git("add", ".")
    told = ask("check", *FEW, "--since", "HEAD")
    assert told.code == 0
    assert told.document["verdict"] == "UNTRAINABLE", "the old finding is still true"
    assert told.new() == []
    assert told.old() == [("truncated-image", f"{IMAGES}/cat/zero.jpg")], "a finding follows its file"
    assert told.mended() == [("truncated-image", f"{IMAGES}/cat/0001.jpg")]
    assert told.samples() == {("train", "cat"): {"renamed": 1, "changed": 1}}

    cut(folder / "dog/0002.jpg")
    for words in ((), ("--no-cache",)):
        told = ask("check", *FEW, "--since", "HEAD", *words)
        assert (told.code, told.new()) == (1, [("truncated-image", f"{IMAGES}/dog/0002.jpg")])
    assert ask("check", *FEW, "--staged", "--since", "HEAD").code == 0, "it is not staged"
    repository.git("add", ".")
    assert ask("check", *FEW, "--staged", "--since", "HEAD").new() == [("truncated-image", f"{IMAGES}/dog/0002.jpg")]
    repository.git("commit", "-qm", "one more")
    assert ask("check", *FEW, "--tree", "HEAD", "--since", "HEAD~1").code == 1
    assert ask("check", *FEW, "--staged", "--since", "HEAD").code == 0, (
        "a remembered verdict knows what it was compared with"
    )
    assert ask("check", *FEW, "--staged", "--since", "HEAD~1").code == 1


def test_every_change_of_a_sample_is_counted_once(repository: Repository, ask: Callable[..., Told]) -> None:
    folder = repository.folder / "images"
    picture(folder / "train/cat/new.jpg", 900)
    (folder / "train/cat/0001.jpg").unlink()
    (folder / "train/cat/0002.jpg").rename(folder / "train/dog/from-cat.jpg")
    (folder / "train/dog/0003.jpg").rename(folder / "val/dog/from-train.jpg")
    (folder / "val/cat/0000.jpg").rename(folder / "val/cat/other-name.jpg")
    picture(folder / "val/cat/0001.jpg", 901)
    shutil.copy(folder / "train/dog/0004.jpg", folder / "train/dog/copy.jpg")
    told = ask("check", *FEW, "--since", "HEAD")
    assert told.samples() == {
        ("train", "cat"): {"added": 1, "removed": 1},
        ("train", "dog"): {"added": 1, "relabelled": 1},
        ("val", "cat"): {"renamed": 1, "changed": 1},
        ("val", "dog"): {"relabelled": 1},
    }


def test_a_label_that_a_manifest_changes_is_a_relabelled_sample(
    repository: Repository, ask: Callable[..., Told]
) -> None:
    manifest = repository.folder / "labels.csv"
    rows = [f"images/train/{label}/{number:04}.jpg,{label}" for label in ("cat", "dog") for number in range(12)]
    manifest.write_text("\n".join(["path,label", *rows]) + "\n")
    (repository.folder / "datalint.yaml").write_text(CONFIG.replace("path: images", "path: labels.csv"))
    repository.git("add", ".")
    repository.commit("a manifest")
    manifest.write_text(
        manifest.read_text().replace("cat/0003.jpg,cat", "cat/0003.jpg,dog").replace(rows[-1], "gone.jpg,dog")
    )
    told = ask("check", "--since", "HEAD")
    assert told.samples() == {(None, "dog"): {"relabelled": 1, "added": 1, "removed": 1}}
    assert told.new() == [("missing-file", "gone.jpg")]
    shutil.copy(manifest, repository.folder / "next.csv")
    repository.git("checkout", "-q", "--", "labels.csv")
    assert ask("diff", "labels.csv", "next.csv").new() == [("missing-file", "gone.jpg")]


def test_a_recipe_that_no_longer_fits_is_new_where_no_picture_changed(
    repository: Repository, ask: Callable[..., Told]
) -> None:
    config = repository.folder / "datalint.yaml"
    machine = "target: small\ntargets: {small: {host_memory: 2 GiB, host_used: 0 B}}\n"
    config.write_text(machine + CONFIG)
    repository.git("commit", "-qam", "a machine")
    fits = ask("check", "--since", "HEAD")
    assert (fits.code, fits.new()) == (0, [])
    config.write_text(
        machine + CONFIG.replace("{batch: 4}", "{batch: 4, shuffle_buffer: 24, image_size: 4096, loader: files}")
    )
    told = ask("check", "--since", "HEAD")
    assert told.code == 1
    assert [rule for rule, _ in told.new()] == ["memory-shuffle-buffer"], told.new()
    memory = told.resource("host_memory")
    assert memory["before"] < memory["available"] < memory["after"]
    assert memory["after"] > 24 * 4096 * 4096 * 3 * 4, "the buffer of decoded images"


def test_where_a_branch_left_counts_and_not_what_came_later(repository: Repository, ask: Callable[..., Told]) -> None:
    cut(repository.folder / IMAGES / "cat/0000.jpg")
    repository.git("commit", "-qam", "broken on main")
    repository.git("switch", "-qc", "topic")
    picture(repository.folder / IMAGES / "cat/more.jpg", 700)
    repository.git("add", ".")
    repository.commit("one more cat")
    repository.git("switch", "-q", "main")
    repository.git("checkout", "-q", "HEAD~1", "--", IMAGES)
    repository.git("commit", "-qam", "mended on main")
    repository.git("switch", "-q", "topic")
    told = ask("check", *FEW, "--since", "main")
    assert (told.code, told.new(), told.mended()) == (0, [], [])
    assert told.old() == [("truncated-image", f"{IMAGES}/cat/0000.jpg")]
    assert any("where this branch left main" in note for note in told.document["notes"])


def test_a_repository_of_sha_256_compares_its_work_tree_with_its_commits(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    made = Repository(tmp_path / "repository")
    made.folder.mkdir()
    made.git("init", "-q", "-b", "main", "--object-format=sha256")
    dataset(made.folder / "images")
    shutil.copy(made.folder / IMAGES / "cat/0000.jpg", made.folder / "images/val/cat/copy.jpg")
    (made.folder / "datalint.yaml").write_text(CONFIG)
    made.git("add", ".")
    made.commit("start")
    monkeypatch.chdir(made.folder)
    leak = ("--select", "duplicate-across-splits", "-o", "json")
    code, out, _ = say(capsys, "check", *leak, "--since", "HEAD")
    told = Told(code, json.loads(out))
    assert (told.code, told.new(), told.mended(), len(told.old())) == (0, [], [], 1)
    assert told.samples() == {}
    locks = []
    for words in ((), ("--staged",), ("--tree", "HEAD")):
        assert say(capsys, "lock", *words)[0] == 0
        locks.append((made.folder / "datalint.lock").read_bytes())
    assert len(set(locks)) == 1, "the same data give the same bytes"
    assert b"git:" + made.git("rev-parse", f"HEAD:{IMAGES}/cat/0000.jpg").stdout.strip().encode() in locks[0]


FILTER = """\
import hashlib, os, sys
store = os.path.join(".git", "lfs", "objects")
def place(oid):
    return os.path.join(store, oid[:2], oid[2:4], oid)
content = sys.stdin.buffer.read()
if sys.argv[1] == "clean":
    oid = hashlib.sha256(content).hexdigest()
    os.makedirs(os.path.dirname(place(oid)), exist_ok=True)
    with open(place(oid), "wb") as file:
        file.write(content)
    print(f"version https://git-lfs.github.com/spec/v1\\noid sha256:{oid}\\nsize {len(content)}")
else:
    with open(place(content.decode().split("sha256:")[1][:64]), "rb") as file:
        sys.stdout.buffer.write(file.read())
"""
"""A filter with the pointers and the store of git-lfs, which need not be installed."""


def test_pictures_in_git_lfs_are_the_same_in_the_work_tree_and_in_a_commit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    made = Repository(tmp_path / "repository")
    made.folder.mkdir()
    made.git("init", "-q", "-b", "main")
    (tmp_path / "filter.py").write_text(FILTER)
    for word in ("clean", "smudge"):
        made.git("config", f"filter.lfs.{word}", f'"{sys.executable}" "{tmp_path / "filter.py"}" {word}')
    (made.folder / ".gitattributes").write_text("*.jpg filter=lfs -text\n")
    dataset(made.folder / "images")
    shutil.copy(made.folder / IMAGES / "cat/0000.jpg", made.folder / "images/val/cat/copy.jpg")
    cut(made.folder / IMAGES / "cat/0001.jpg")
    (made.folder / "datalint.yaml").write_text(CONFIG)
    made.git("add", ".")
    made.commit("start")
    assert made.git("show", f"HEAD:{IMAGES}/cat/0000.jpg").stdout.startswith("version https://git-lfs")
    monkeypatch.chdir(made.folder)
    select = ("--select", "duplicate-across-splits,truncated-image")

    def told(*words: str) -> Told:
        code, out, error = say(capsys, *words, *select, "-o", "json")
        assert out, error
        return Told(code, json.loads(out))

    for words in (("check", "--since", "HEAD"), ("check", "--staged", "--since", "HEAD"), ("diff", "HEAD")):
        found = told(*words)
        assert (found.code, found.new(), found.mended(), len(found.old())) == (0, [], [], 2), words
        assert found.samples() == {}, words
    assert say(capsys, "check", "--write-baseline", *select)[0] == 0
    made.git("add", ".")
    made.commit("accepted")
    for where in ((), ("--staged",), ("--tree", "HEAD")):
        assert told("check", *where).code == 0, where
    made.git("mv", f"{IMAGES}/cat", f"{IMAGES}/kitty")
    made.git("mv", "images/val/cat", "images/val/kitty")
    for where in ((), ("--staged",)):
        found = told("check", *where, "--since", "HEAD", "--no-ignores")
        assert (found.code, found.new(), found.mended()) == (0, [], []), where
    shutil.rmtree(made.folder / ".git/lfs")
    found = told("check", "--since", "HEAD", "--no-ignores")
    changed = [rows for rows in found.samples().values() if "changed" in rows]
    assert changed == [], "a pointer without its picture says of none that it has changed"


def test_in_the_middle_of_a_merge_what_is_merged_in_is_old(repository: Repository, ask: Callable[..., Told]) -> None:
    repository.git("checkout", "-qb", "work")
    (repository.folder / "notes.txt").write_text("work")
    repository.git("add", ".")
    repository.git("commit", "-qm", "work")
    repository.git("checkout", "-q", "main")
    cut(repository.folder / IMAGES / "cat/0000.jpg")
    repository.git("commit", "-qam", "main has a broken file")
    repository.git("checkout", "-q", "work")
    repository.git("merge", "-q", "--no-commit", "--no-ff", "main")
    for words in (("--staged",), ()):
        told = ask("check", *FEW, *words, "--since", "main")
        assert (told.code, told.new()) == (0, [])
        assert told.old() == [("truncated-image", f"{IMAGES}/cat/0000.jpg")]
    cut(repository.folder / IMAGES / "dog/0000.jpg")
    repository.git("add", ".")
    told = ask("check", *FEW, "--staged", "--since", "main")
    assert (told.code, told.new()) == (1, [("truncated-image", f"{IMAGES}/dog/0000.jpg")])


def test_a_folder_with_a_configuration_of_its_own_is_not_the_dataset_above(
    repository: Repository, ask: Callable[..., Told], monkeypatch: pytest.MonkeyPatch
) -> None:
    cut(repository.folder / IMAGES / "cat/0000.jpg")
    repository.git("commit", "-qam", "a broken file")
    below = repository.folder / "below"
    dataset(below / "images", first_seed=100)
    (below / "datalint.yaml").write_text(CONFIG)
    cut(below / IMAGES / "cat/0000.jpg")
    repository.git("add", ".")
    monkeypatch.chdir(below)
    told = ask("check", *FEW, "--staged", "--since", "HEAD")
    assert (told.code, told.new(), told.old()) == (1, [("truncated-image", f"{IMAGES}/cat/0000.jpg")], [])


def test_a_configuration_that_moved_with_its_dataset_is_the_same(
    repository: Repository, ask: Callable[..., Told], monkeypatch: pytest.MonkeyPatch
) -> None:
    cut(repository.folder / IMAGES / "cat/0000.jpg")
    repository.git("commit", "-qam", "a broken file")
    (repository.folder / "below").mkdir()
    repository.git("mv", "images", "datalint.yaml", "below")
    monkeypatch.chdir(repository.folder / "below")
    told = ask("check", *FEW, "--staged", "--since", "HEAD")
    assert (told.code, told.new(), told.old()) == (0, [], [("truncated-image", f"{IMAGES}/cat/0000.jpg")])


def test_a_clone_without_a_common_commit_says_what_it_compares_with(
    repository: Repository, ask: Callable[..., Told]
) -> None:
    repository.git("checkout", "-q", "--orphan", "apart")
    repository.git("commit", "-qm", "the same, with no history")
    told = ask("check", *FEW, "--since", "main")
    assert told.code == 0
    assert any("compared with main itself" in note for note in told.document["notes"])


@pytest.mark.parametrize("option", ["--tree", "--base", "--since"])
def test_an_unset_variable_is_no_commit(repository: Repository, option: str) -> None:
    cut(repository.folder / IMAGES / "cat/0000.jpg")
    refused = repository.datalint("check", option, "")
    assert refused.returncode == 2
    assert "no commit ''" in refused.stderr


def test_a_dataset_that_the_commit_lacks_is_all_new(repository: Repository, ask: Callable[..., Told]) -> None:
    dataset(repository.folder / "other", first_seed=500)
    cut(repository.folder / "other/train/cat/0003.jpg")
    told = ask("check", *FEW, "other", "--since", "HEAD")
    assert told.new() == [("truncated-image", "other/train/cat/0003.jpg")]
    assert any("everything counts as new" in note for note in told.document["notes"])


def test_an_ignore_that_is_lifted_is_not_the_data_s_doing(repository: Repository, ask: Callable[..., Told]) -> None:
    cut(repository.folder / IMAGES / "cat/0000.jpg")
    entry = "ignore:\n  - {rule: truncated-image, reason: until the new scan is there}\n"
    (repository.folder / "datalint.yaml").write_text(CONFIG + entry)
    repository.git("commit", "-qam", "broken, and ignored")
    (repository.folder / "datalint.yaml").write_text(CONFIG)
    told = ask("check", *FEW, "--since", "HEAD")
    assert (told.code, told.old()) == (0, [("truncated-image", f"{IMAGES}/cat/0000.jpg")])


def test_a_broken_configuration_of_then_does_not_stop_its_repair(
    repository: Repository, ask: Callable[..., Told]
) -> None:
    config = repository.folder / "datalint.yaml"
    config.write_text("datasett: {path: images}\n")
    repository.git("commit", "-qam", "a slip")
    config.write_text(CONFIG)
    assert ask("check", *FEW, "--since", "HEAD").new() == []


def test_the_earlier_side_is_read_once_and_then_remembered(
    repository: Repository, ask: Callable[..., Told], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is judged from the facts of the work tree, except of the file that is no longer there."""
    picture(repository.folder / IMAGES / "cat/0000.jpg", 800)
    for path in repository.folder.rglob("*.jpg"):
        os.utime(path, (1e9, 1e9))  # what was written this second is read again
    read: list[str] = []
    from datalint.facts import gather

    real = gather._Scan._item

    def spied(scan: Any, number: int) -> Any:
        read.append(scan.files[number].path)
        return real(scan, number)

    monkeypatch.setattr(gather._Scan, "_item", spied)
    ask("check", *FEW, "--since", "HEAD")
    assert sorted(read).count(f"{IMAGES}/cat/0000.jpg") == 2, "as it is, and as it was"
    assert len(read) == 32 + 1
    read.clear()
    kept = list((repository.folder / ".datalint_cache/since").iterdir())
    assert len(kept) == 1
    assert ask("check", *FEW, "--since", "HEAD").samples() == {("train", "cat"): {"changed": 1}}
    assert read == []
    kept[0].write_bytes(b"not what was written")
    assert ask("check", *FEW, "--since", "HEAD").samples() == {("train", "cat"): {"changed": 1}}


def test_a_remembered_side_is_believed_under_its_own_name_alone(
    repository: Repository, ask: Callable[..., Told]
) -> None:
    """As where a cache was restored badly: a commit that has the flaw must not answer for one that has not."""
    bad = repository.folder / IMAGES / "cat/0000.jpg"
    since = repository.folder / ".datalint_cache/since"
    assert ask("check", *FEW, "--since", "HEAD").code == 0
    [sound] = since.iterdir()
    cut(bad)
    repository.commit("flaw", "-a")
    assert ask("check", *FEW, "--since", "HEAD").code == 0
    [flawed] = set(since.iterdir()) - {sound}
    flawed.replace(sound)
    repository.git("reset", "-q", "--soft", "HEAD~1")
    assert ask("check", *FEW, "--since", "HEAD").new() == [("truncated-image", f"{IMAGES}/cat/0000.jpg")]


def test_what_is_judged_before_the_commit_is_not_judged_after_it(
    repository: Repository, ask: Callable[..., Told], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Staged, with a class removed: that is a finding of the change, and not of the dataset that comes out of it."""
    few = ("--select", "removed-class", "--select", "truncated-image")
    cut(repository.folder / IMAGES / "cat/0000.jpg")
    repository.git("rm", "-rq", "images/train/dog", "images/val/dog")
    repository.git("add", ".")
    objects = sorted((repository.folder / ".git/objects").rglob("*"))
    index = (repository.folder / ".git/index").read_bytes()
    told = ask("check", *few, "--staged", "--since", "HEAD")
    assert {rule for rule, _ in told.new()} == {"removed-class", "truncated-image"}
    assert sorted((repository.folder / ".git/objects").rglob("*")) == objects, "git holds what it held"
    assert (repository.folder / ".git/index").read_bytes() == index
    repository.commit("no dogs")
    picture(repository.folder / IMAGES / "cat/new.jpg", 777)
    repository.git("add", ".")
    judged: list[str] = []
    real = check.judged

    def spied(workspace: Any, *arguments: Any, **options: Any) -> Any:
        judged.append(workspace.source.name)
        return real(workspace, *arguments, **options)

    monkeypatch.setattr(check, "judged", spied)
    told = ask("check", *few, "--staged", "--since", "HEAD")
    assert judged == ["index"], "not the commit"
    assert (told.code, told.old()) == (0, [("truncated-image", f"{IMAGES}/cat/0000.jpg")])
    assert told.mended() == []
    assert told.samples() == {("train", "cat"): {"added": 1}}


def test_folders_and_commits_are_compared(repository: Repository, ask: Callable[..., Told]) -> None:
    shutil.copytree(repository.folder / "images", repository.folder / "before")
    cut(repository.folder / "before/val/dog/0001.jpg")
    cut(repository.folder / IMAGES / "dog/0002.jpg")
    folders = ask("diff", *FEW, "before", "images")
    assert (folders.code, folders.new()) == (1, [("truncated-image", f"{IMAGES}/dog/0002.jpg")])
    assert folders.mended() == [("truncated-image", "before/val/dog/0001.jpg")]
    assert folders.samples() == {("train", "dog"): {"changed": 1}, ("val", "dog"): {"changed": 1}}
    assert ask("diff", *FEW, "HEAD").new() == folders.new()
    assert ask("diff", *FEW, "HEAD", "images", "--fail-on", "never").code == 0
    repository.git("commit", "-qam", "broken")
    commits = ask("diff", *FEW, "HEAD~1", "HEAD")
    assert (commits.new(), commits.samples()) == (folders.new(), {("train", "dog"): {"changed": 1}})
    assert ask("diff", *FEW, "HEAD", "HEAD~1").mended() == folders.new()
    assert ask("diff", *FEW, "HEAD", "HEAD").document["since"]["samples"] == []


def test_a_commit_is_compared_with_a_copy_outside_of_its_repository(
    repository: Repository, ask: Callable[..., Told], tmp_path: Path
) -> None:
    """Also in another repository, which lacks the commit; a work tree beside this one has it."""
    copy = tmp_path / "copy"
    shutil.copytree(repository.folder / "images", copy)
    cut(copy / "train/dog/0002.jpg")
    there = [("truncated-image", "train/dog/0002.jpg")]
    assert ask("diff", *FEW, "HEAD", str(copy)).new() == there
    repository.git("init", "-q", str(copy))
    assert ask("diff", *FEW, "HEAD", str(copy)).new() == there
    repository.git("worktree", "add", "-q", "--detach", str(tmp_path / "beside"))
    for split in ("train", "val"):
        shutil.rmtree(tmp_path / "beside/images" / split / "dog")
    told = ask("diff", "--select", "removed-class", "HEAD", str(tmp_path / "beside/images"))
    assert [rule for rule, _ in told.new()] == ["removed-class"]


def test_why_git_knows_no_commit_is_said(
    repository: Repository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    code, _, error = say(capsys, "diff", "HEAD")
    assert (code, "not a git repository" in error) == (2, True)
    if os.geteuid():
        pytest.skip("a repository can be given away by root alone")
    os.chown(repository.folder / ".git", 65534, 65534)
    os.chown(repository.folder, 65534, 65534)
    monkeypatch.chdir(repository.folder)
    for words in (("diff", "HEAD"), ("check", "--staged", "--no-cache")):
        code, _, error = say(capsys, *words)
        assert (code, "dubious ownership" in error, "safe.directory" in error) == (2, True, True)


def test_a_word_is_a_path_or_a_commit(
    repository: Repository, ask: Callable[..., Told], capsys: pytest.CaptureFixture[str]
) -> None:
    assert say(capsys, "diff", "nothing") == (2, "", "datalint: 'nothing' is neither a path nor a commit\n")
    repository.git("branch", "images")
    code, _, error = say(capsys, "diff", "images")
    assert code == 2
    assert "is a path and a commit" in error
    assert ask("diff", *FEW, "refs/heads/images", "./images").new() == []
    assert say(capsys, "check", "--since", "nothing")[0] == 2
    assert say(capsys, "check", "--since", "HEAD", "--write-baseline")[0] == 2


def test_a_word_that_is_two_commits_is_refused(
    repository: Repository, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    repository.git("update-ref", "refs/remotes/origin/main", "HEAD")
    repository.git("commit", "-q", "--allow-empty", "-m", "more")
    repository.git("branch", "origin/main")
    monkeypatch.chdir(repository.folder)
    code, _, error = say(capsys, "diff", "origin/main", "HEAD")
    assert (code, "may mean more than one commit" in error) == (2, True)


def test_a_push_is_compared_with_where_it_starts(repository: Repository) -> None:
    cut(repository.folder / IMAGES / "cat/0000.jpg")
    repository.git("commit", "-qam", "broken")
    repository.commit("nothing", "--allow-empty")
    for base, code in (("HEAD~2", 1), ("HEAD~1", 0)):
        pushed = repository.datalint(
            "check", *FEW, "--staged", "--since", "HEAD", PRE_COMMIT_FROM_REF=base, PRE_COMMIT_TO_REF="HEAD"
        )
        assert pushed.returncode == code, pushed.stdout + pushed.stderr


@pytest.fixture
def corpus(repository: Repository) -> Callable[..., Path]:
    """A part of a real dataset in place of the made one; its files are picked by glob."""

    def taken(name: str, *globs: str) -> Path:
        if not (CORPORA / name).is_dir():
            pytest.skip(f"the corpus {name} is not here")
        shutil.rmtree(repository.folder / "images")
        for glob in globs:
            for path in sorted((CORPORA / name).glob(glob)):
                target = repository.folder / "images" / path.relative_to(CORPORA / name)
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(path, target)
        return repository.folder / "images"

    return taken


@pytest.mark.corpus
def test_mended_file_names_of_a_real_voc(
    repository: Repository, ask: Callable[..., Told], corpus: Callable[..., Path]
) -> None:
    images = corpus("bccd-voc", "BCCD/JPEGImages/BloodImage_003[34]?.jpg", "BCCD/Annotations/BloodImage_003[34]?.xml")
    wrong = [images / f"BCCD/Annotations/BloodImage_0033{number}.xml" for number in (1, 2, 5)]
    right = {path: path.read_text() for path in wrong}
    for path in wrong:
        path.write_text(right[path].replace(f"<filename>{path.stem}", f"<filename>Blood_{path.stem}"))
    repository.git("add", "-A")
    repository.commit("as exported")
    for path, text in right.items():
        path.write_text(text)
    told = ask("check", "--since", "HEAD")
    assert (told.code, told.new()) == (0, [])
    assert [path for _, path in told.mended()] == [f"images/BCCD/Annotations/{path.name}" for path in wrong]
    degenerate = [path for rule, path in told.old() if rule == "degenerate-box"]
    assert degenerate == [f"images/BCCD/Annotations/BloodImage_00{number}.xml" for number in (338, 343)]


@pytest.mark.corpus
def test_duplicate_ids_in_a_real_coco(
    repository: Repository, ask: Callable[..., Told], corpus: Callable[..., Path]
) -> None:
    images = corpus("rbc-coco", "valid/*", "test/*")
    repository.git("add", "-A")
    repository.commit("as exported")
    file = images / "valid/_annotations.coco.json"
    document = json.loads(file.read_text())
    for number in (3, 8):
        document["annotations"][number]["id"] = document["annotations"][number - 1]["id"]
    file.write_text(json.dumps(document))
    told = ask("check", "--since", "HEAD")
    assert told.code == 1
    assert {rule for rule, _ in told.new()} == {"repeated-id"}
    assert {item["values"].get("annotation") for item in told.document["findings"]} == {
        str(document["annotations"][number]["id"]) for number in (3, 8)
    }
    assert told.mended() == []


@pytest.mark.corpus
def test_a_class_that_a_change_removes_from_a_real_folder(
    repository: Repository, ask: Callable[..., Told], corpus: Callable[..., Path]
) -> None:
    images = corpus("signdigits-imagefolder", *(f"Dataset/{digit}/IMG_*[02468].JPG" for digit in (0, 1, 2, 7)))
    (repository.folder / "datalint.yaml").write_text(CONFIG.replace("path: images", "path: images/Dataset"))
    repository.git("add", "-A")
    repository.commit("four digits")
    removed = len(list((images / "Dataset/7").iterdir()))
    shutil.rmtree(images / "Dataset/7")
    told = ask("check", "--since", "HEAD")
    assert told.code == 1
    assert told.new() == [("removed-class", "images/Dataset/7")]
    assert told.samples() == {(None, "7"): {"removed": removed}}
