"""The hook wherever git may call it from, and whatever git keeps of the dataset: real git throughout."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import unicodedata
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from datalint.cli import main
from tests.e2e.conftest import CLEAN_ENVIRONMENT, CONFIG, Repository, dataset, picture
from tests.e2e.test_precommit import HOOKS, truncate

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

# Few rules: what is asked is which files are judged.
FEW = CONFIG.replace("rules: {", "rules: {select: [truncated-image, unchecked-file, class-missing-in-split], ")
ZEROS = "0" * 40
LOCAL = ("-c", "protocol.file.allow=always")


def create(folder: Path, *words: str, root: str = "images") -> Repository:
    folder.mkdir()
    made = Repository(folder)
    made.git("init", "-q", "-b", "main", *words)
    dataset(folder / root, per_class=3, validation=1)
    (folder / "datalint.yaml").write_text(FEW.replace("path: images", f"path: {root}"))
    made.git("add", ".")
    return made


def broken(folder: Path) -> Path:
    path = picture(folder / "broken.jpg", 999)
    truncate(path)
    return path


@pytest.fixture
def ask(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, Any]]:
    """Exit code and report of a check in this process, from a folder."""
    for name in os.environ.keys() - CLEAN_ENVIRONMENT.keys():
        monkeypatch.delenv(name)

    def asked(folder: Path, *words: str) -> tuple[int, Any]:
        monkeypatch.chdir(folder)
        code = main(["check", "-o", "json", "--workers", "1", *words])
        out, error = capsys.readouterr()
        return code, json.loads(out) if out else error

    return asked


def truncated(report: Any) -> list[str]:
    return [item["path"] for item in report["findings"] if item["rule"] == "truncated-image"]


# --- native hooks ---


@pytest.fixture(scope="module")
def hooked(tmp_path_factory: pytest.TempPathFactory) -> Repository:
    """A repository with all three hooks, and a remote that has nothing yet."""
    base = tmp_path_factory.mktemp("hooked")
    made = create(base / "repository")
    dataset(made.folder / "other", per_class=1, validation=1)
    broken(made.folder / "other/train/cat")
    made.git("add", ".")
    made.commit("start")
    made.git("init", "-q", "--bare", str(base / "remote.git"))
    made.git("remote", "add", "origin", str(base / "remote.git"))
    types = ("pre-commit", "pre-merge-commit", "pre-push")
    made.datalint("install-hook", *(word for each in types for word in ("--type", each)), ok=True)
    made.git("tag", "start")
    return made


@pytest.fixture
def native(hooked: Repository) -> Repository:
    hooked.git("checkout", "-qfB", "main", "start")
    hooked.git("clean", "-qfd")
    return hooked


def broken_branch(of: Repository, name: str) -> None:
    """A branch beside main whose one commit, which no hook has seen, adds a broken picture; main stays checked out."""
    of.git("switch", "-qC", name)
    broken(of.folder / "images/train/cat")
    of.git("add", ".")
    of.commit("broken", "--no-verify")
    of.git("switch", "-q", "main")


def test_the_index_that_git_commits_is_the_one_that_is_judged(native: Repository) -> None:
    """-a, -o and -p each commit an index of their own."""
    bad = native.folder / "images/train/cat/0000.jpg"
    whole = bad.read_bytes()
    truncate(bad)
    assert native.commit("all", "-a", ok=False).returncode == 1
    picture(native.folder / "images/train/dog/0001.jpg", 500)
    native.git("add", ".")
    assert native.commit("only", "-o", "images/train/dog/0001.jpg").returncode == 0
    assert native.commit("rest", ok=False).returncode == 1
    bad.write_bytes(whole)
    native.git("add", ".")
    (native.folder / "datalint.yaml").write_text(FEW.replace("path: images", "path: other"))
    words = ["git", "-c", "user.name=a", "-c", "user.email=a@example.invalid", "commit", "-qpm", "patch"]
    chosen = subprocess.run(
        words, cwd=native.folder, env=CLEAN_ENVIRONMENT, input="y\n", capture_output=True, text=True, check=False
    )
    assert chosen.returncode == 1
    assert "other/train/cat/broken.jpg" in chosen.stdout + chosen.stderr
    assert native.git("log", "--format=%s", "-1").stdout == "only\n"


def test_a_merge_without_conflicts_is_judged(native: Repository) -> None:
    broken_branch(native, "side")
    native.commit("meanwhile", "--allow-empty", "--no-verify")
    refused = native.git("merge", "--no-edit", "side", ok=False)
    assert refused.returncode
    assert "images/train/cat/broken.jpg" in refused.stdout + refused.stderr
    native.git("merge", "--abort", ok=False)


def test_each_ref_of_a_push_is_judged_and_a_deletion_is_not(native: Repository) -> None:
    broken_branch(native, "bad")
    refused = native.git("push", "-q", "origin", "bad", "main", ok=False)
    assert refused.returncode
    assert "images/train/cat/broken.jpg" in refused.stdout + refused.stderr
    native.git("push", "-q", "origin", "main", "main:topic")
    native.git("push", "-q", "--no-verify", "origin", "bad")
    native.git("push", "-q", "origin", ":bad")
    left = native.git("for-each-ref", "--format=%(refname:short)", "refs/remotes/origin").stdout.split()
    assert left == ["origin/main", "origin/topic"]


def test_a_push_is_compared_with_what_the_remote_has(native: Repository) -> None:
    """`removed-class` sees the deletion although the last commit does not make it."""
    (native.folder / "datalint.yaml").write_text(CONFIG.replace("rules: {", "rules: {select: [removed-class], "))
    for label in ("cat", "dog", "owl"):
        picture(native.folder / f"images/train/{label}/more.jpg", 700 + len(label) + ord(label[0]))
    native.git("add", ".")
    native.commit("owls", "--no-verify")
    native.git("push", "-qf", "--no-verify", "origin", "HEAD:owls")
    native.git("rm", "-rq", "images/train/owl")
    native.commit("no owls", "--no-verify")
    native.commit("notes", "--no-verify", "--allow-empty")
    refused = native.git("push", "-q", "origin", "HEAD:owls", ok=False)
    assert refused.returncode
    assert "class 'owl' is gone" in refused.stdout + refused.stderr


def test_worktrees_and_submodules_run_the_hook_on_their_own_index(native: Repository, tmp_path: Path) -> None:
    native.git("worktree", "add", "-q", "--detach", str(tmp_path / "side"))
    side = Repository(tmp_path / "side")
    broken(side.folder / "images/train/cat")
    side.git("add", ".")
    refused = side.commit("broken", ok=False)
    assert refused.returncode == 1
    assert "images/train/cat/broken.jpg" in refused.stdout + refused.stderr
    assert native.commit("nothing", "--allow-empty").returncode == 0
    outer = create(tmp_path / "outer")
    outer.git(*LOCAL, "submodule", "--quiet", "add", str(native.folder), "inner")
    outer.commit("outer")
    inner = Repository(outer.folder / "inner")
    inner.datalint("install-hook", ok=True)
    assert (outer.folder / ".git/modules/inner/hooks/pre-commit").exists()
    broken(inner.folder / "images/train/dog")
    inner.git("add", ".")
    refused = inner.commit("broken", ok=False)
    assert refused.returncode == 1
    assert "images/train/dog/broken.jpg" in refused.stdout + refused.stderr


def test_hooks_go_where_git_looks_for_them_and_a_foreign_one_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    made = create(tmp_path / "repository")
    made.git("config", "core.hooksPath", "ours")
    foreign = made.folder / "ours/pre-push"
    foreign.parent.mkdir()
    foreign.write_text("#!/bin/sh\nexit 0\n")
    monkeypatch.chdir(made.folder / "images")
    assert main(["install-hook", "--type", "pre-merge-commit", "--type", "pre-push"]) == 2
    out, error = capsys.readouterr()
    assert "ours/pre-merge-commit" in out
    assert "--tree" in error, "how to call datalint from the other hook"
    assert foreign.read_text() == "#!/bin/sh\nexit 0\n"
    assert sorted(path.name for path in foreign.parent.iterdir()) == ["pre-merge-commit", "pre-push"]


# --- pre-commit ---


def test_pushes_and_merges_under_pre_commit(tmp_path: Path) -> None:
    """Where a push begins a history, pre-commit names no commits: the index has the repair, the push has not."""
    made = create(tmp_path / "repository")
    bad = broken(made.folder / "images/train/cat")
    hook = dict(next(hook for hook in HOOKS if hook["id"] == "datalint"))
    hook |= {"language": "system", "entry": hook["entry"].replace("datalint", f"{sys.executable} -m datalint", 1)}
    (made.folder / ".pre-commit-config.yaml").write_text(
        yaml.safe_dump({"repos": [{"repo": "local", "hooks": [hook]}]})
    )
    made.git("add", ".")
    made.commit("start")
    made.git("init", "-q", "--bare", str(tmp_path / "remote.git"))
    made.git("remote", "add", "origin", str(tmp_path / "remote.git"))
    made.run(sys.executable, "-m", "pre_commit", "install", "-t", "pre-push", "-t", "pre-merge-commit", ok=True)
    made.git("rm", "-q", "--cached", str(bad))
    bad.unlink()

    def refuses(*words: str) -> bool:
        done = made.git(*words, ok=False)
        assert bool(done.returncode) == ("images/train/cat/broken.jpg" in done.stdout + done.stderr), done.stderr
        return bool(done.returncode)

    assert refuses("push", "-q", "origin", "main"), "a history begins"
    made.commit("mended")
    made.git("tag", "mended")
    assert not refuses("push", "-q", "origin", "main")
    assert not refuses("push", "-q", "origin", "main:topic"), "a branch begins"
    made.git("switch", "-qc", "bad", "HEAD~1")
    made.commit("still broken", "--allow-empty")
    assert refuses("push", "-q", "origin", "HEAD:topic", "--force"), "it is compared with what the remote has"
    assert not refuses("push", "-q", "origin", ":topic"), "nothing is pushed"
    made.git("switch", "-q", "main")
    made.git("revert", "--no-edit", "mended")
    made.commit("meanwhile", "--allow-empty")
    made.git("switch", "-qC", "side", "mended")
    made.commit("beside", "--allow-empty")
    assert refuses("merge", "--no-edit", "main")
    made.git("merge", "--abort", ok=False)
    # What CI calls: the commit is judged, not the index, which has the repair.
    ends = ("--from-ref", "mended", "--to-ref")
    run = [sys.executable, "-m", "pre_commit", "run", "--hook-stage", "manual", *ends]
    assert [made.run(*run, ref, ok=False).returncode for ref in ("main", "side")] == [1, 0]


def test_a_push_that_begins_a_branch_has_no_base(
    tmp_path: Path, ask: Callable[..., tuple[int, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    made = create(tmp_path / "repository")
    made.commit("start")
    monkeypatch.setenv("PRE_COMMIT_TO_REF", "HEAD")
    monkeypatch.setenv("PRE_COMMIT_FROM_REF", ZEROS)
    code, report = ask(made.folder, "--staged")
    assert (code, report["dataset"]["samples"]) == (0, 8)


# --- what git keeps, and what it does not have ---


@pytest.mark.parametrize(
    "words",
    [
        ("update-index", "--index-version", "4"),
        ("update-index", "--split-index"),
        ("config", "index.skipHash", "true"),
        ("config", "core.untrackedCache", "true"),
    ],
    ids=lambda words: words[-1],
)
def test_an_index_of_any_kind_is_judged_and_not_remembered_past_a_change(
    words: tuple[str, ...], tmp_path: Path, ask: Callable[..., tuple[int, Any]]
) -> None:
    made = create(
        tmp_path / "repository", "--object-format=sha256" if "skipHash" in words[1] else "--object-format=sha1"
    )
    made.git(*words)
    assert ask(made.folder, "--staged")[1]["dataset"]["samples"] == 8, "before the first commit"
    assert ask(made.folder, "--staged", "--since", "HEAD")[0] == 0, "all of it is new"
    bad = broken(made.folder / "images/train/cat")
    made.git("add", ".")
    for words in ((), (), ("--since", "HEAD")):
        assert truncated(ask(made.folder, "--staged", *words)[1]) == ["images/train/cat/broken.jpg"]
    made.git("rm", "-qf", str(bad))
    assert ask(made.folder, "--staged")[0] == 0
    made.commit("start")
    (made.folder / "datalint.yaml").write_text("dataset: {path: images}\nfail_on: never\n")
    broken(made.folder / "images/train/cat")
    made.git("add", ".")
    for _ in range(2):
        code, report = ask(made.folder, "--staged", "--since", "HEAD", "--policy-from", "HEAD")
        assert (code, truncated(report)) == (1, ["images/train/cat/broken.jpg"])


def test_names_of_all_kinds_are_judged_one_by_one(tmp_path: Path, ask: Callable[..., tuple[int, Any]]) -> None:
    made = create(tmp_path / "repository")
    both = [unicodedata.normalize(form, "caf\u00e9.jpg") for form in ("NFC", "NFD")]
    names = [
        "a b.jpg",
        "q\"u'ote.jpg",
        "new\nline.jpg",
        "-dash.jpg",
        ":(top)x.jpg",
        os.fsdecode(b"latin-\xe9.jpg"),
        *both,
    ]
    for number, name in enumerate(names):
        truncate(picture(made.folder / "images/train/cat" / name, 800 + number))
    made.git("add", ".")
    shown = sorted(f"images/train/cat/{name}".replace("\udce9", "\\xe9") for name in names)
    for words in ([], ["--staged"]):
        assert sorted(truncated(ask(made.folder, *words)[1])) == shown
    made.commit("odd names")
    picture(made.folder / "images/train/dog/more.jpg", 899)
    moved = os.fsdecode(b"images/train/cat/latin-\xe9.jpg")
    made.git("mv", moved, moved.replace("latin", "roman"))
    made.git("add", ".")
    assert sorted(truncated(ask(made.folder, "--tree", "HEAD")[1])) == shown
    code, report = ask(made.folder, "--staged", "--since", "HEAD")
    old = [item["path"] for item in report["since"]["old"] if item["rule"] == "truncated-image"]
    assert (code, truncated(report)) == (0, [])
    assert sorted(old) == sorted(name.replace("latin", "roman") for name in shown)


@pytest.mark.parametrize("words", [("--staged",), ("--tree", "HEAD")], ids=lambda words: words[0])
def test_a_submodule_is_never_called_clean(
    words: tuple[str, ...], tmp_path: Path, ask: Callable[..., tuple[int, Any]]
) -> None:
    part = create(tmp_path / "part", root="train/cat")
    broken(part.folder / "train/cat/train/cat")
    part.git("add", ".")
    part.commit("part")
    made = create(tmp_path / "repository")
    made.git(*LOCAL, "submodule", "--quiet", "add", str(part.folder), "images/train/bird")
    made.commit("with birds")
    code, report = ask(made.folder, *words)
    assert (code, report["verdict"], report["findings"]) == (0, "UNDECIDED", [])
    unjudged = {item["what"]: item["reason"] for item in report["not_checked"]}
    assert "a submodule, of which git has the commit alone" in unjudged["images/train/bird"]
    assert "about classes and splits" in next(iter(unjudged)), "nobody knows whether val lacks birds"
    code, said = ask(made.folder, "images/train/bird", *words)
    assert (code, "of the submodule images/train/bird git has the commit alone" in said) == (3, True)
    assert ask(made.folder)[0] == 1, "the work tree has it"


def test_a_sparse_checkout_says_what_it_leaves_out(tmp_path: Path, ask: Callable[..., tuple[int, Any]]) -> None:
    made = create(tmp_path / "repository")
    broken(made.folder / "images/val/dog")
    made.git("add", ".")
    made.commit("start")
    note = "2 files of the dataset are left out by the sparse checkout and not judged"
    for kind in ("--no-sparse-index", "--sparse-index"):
        made.git("sparse-checkout", "set", "--cone", kind, "images/train", "images/val/cat")
        assert truncated(ask(made.folder, "--staged")[1]) == ["images/val/dog/broken.jpg"]
        code, report = ask(made.folder)
        assert (code, truncated(report), [item[: len(note)] for item in report["notes"]]) == (0, [], [note])
    made.git("sparse-checkout", "disable")
    code, report = ask(made.folder)
    assert (code, report["notes"]) == (1, [])


def test_a_shallow_clone_says_that_it_lacks_what_came_before(
    tmp_path: Path, ask: Callable[..., tuple[int, Any]]
) -> None:
    """`removed-class` compares a commit with its parent, and CI fetches one commit alone."""
    made = create(tmp_path / "repository")
    made.commit("start")
    assert not [note for note in ask(made.folder, "--tree", "HEAD")[1]["notes"] if "parent" in note], "it has none"
    made.git("rm", "-rq", "images/train/dog", "images/val/dog")
    made.commit("gone")
    notes = []
    for depth in ("1", "2"):
        clone = tmp_path / depth
        made.git(*LOCAL, "clone", "-q", "--depth", depth, made.folder.as_uri(), str(clone))
        code, report = ask(clone, "--tree", "HEAD", "--select", "removed-class")
        notes.append([note for note in report["notes"] if note.startswith("the parent of HEAD is not here")])
        assert code == int(depth == "2"), report
    assert list(map(len, notes)) == [1, 0]


def test_what_a_partial_clone_lacks_is_not_checked(tmp_path: Path, ask: Callable[..., tuple[int, Any]]) -> None:
    made = create(tmp_path / "repository")
    broken(made.folder / "images/val/dog")
    made.git("add", ".")
    made.commit("start")
    made.git("config", "uploadpack.allowFilter", "true")
    address = f"file://{made.folder}"
    made.git("clone", "-q", "--no-checkout", "--filter=blob:none", address, str(tmp_path / "partial"))
    clone = Repository(tmp_path / "partial")
    clone.git("checkout", "-q", "HEAD", "--", "datalint.yaml", "images/train")
    clone.git("remote", "set-url", "origin", "file:///nowhere")
    code, report = ask(clone.folder, "--tree", "HEAD")
    assert (code, report["verdict"]) == (0, "UNDECIDED")
    (finding,) = report["findings"]
    assert (finding["rule"], finding["message"][:32]) == ("unchecked-file", "3 files could not be checked, th")
    assert len([item for item in report["not_checked"] if item["what"].startswith("images/val/")]) == 3
    assert "`git fetch --refetch --no-filter`" in finding["remedy"]
    clone.git("remote", "set-url", "origin", address)
    clone.git("fetch", "-q", "--refetch", "--no-filter")
    clone.git("remote", "set-url", "origin", "file:///nowhere")
    assert truncated(ask(clone.folder, "--tree", "HEAD")[1]) == ["images/val/dog/broken.jpg"]


def test_an_object_that_a_whole_clone_lacks_is_missing(tmp_path: Path, ask: Callable[..., tuple[int, Any]]) -> None:
    made = create(tmp_path / "repository")
    blob = made.git("rev-parse", ":images/val/dog/0000.jpg").stdout.strip()
    (made.folder / ".git/objects" / blob[:2] / blob[2:]).unlink()
    code, report = ask(made.folder, "--staged", "--select", "missing-file")
    assert (code, [item["path"] for item in report["findings"]]) == (1, ["images/val/dog/0000.jpg"])


@pytest.mark.skipif(shutil.which("git-lfs") is None, reason="git-lfs is absent")
def test_what_git_lfs_has_is_judged_and_what_it_has_not_is_never_called_clean(
    tmp_path: Path, ask: Callable[..., tuple[int, Any]]
) -> None:
    """Real git-lfs: smudged, with its objects and no smudged files, and with pointers alone."""
    made = create(tmp_path / "repository")
    made.git("rm", "-rq", "--cached", "images")
    made.git("lfs", "install", "--local")
    made.git("lfs", "track", "*.jpg")
    broken(made.folder / "images/train/cat")
    made.git("add", ".")
    assert made.git("show", ":images/train/cat/broken.jpg").stdout.startswith("version https://git-lfs")
    assert truncated(ask(made.folder, "--staged")[1]) == ["images/train/cat/broken.jpg"], "before the first commit"
    made.commit("start")
    clone = Repository(tmp_path / "clone")
    made.git("clone", "-q", str(made.folder), str(clone.folder), GIT_LFS_SKIP_SMUDGE="1")
    clone.git("lfs", "install", "--local", "--skip-smudge")
    ways: tuple[tuple[str, ...], ...] = ((), ("--staged",), ("--tree", "HEAD"))
    for words in ways:
        code, report = ask(clone.folder, *words)
        assert (code, report["verdict"], truncated(report)) == (0, "UNDECIDED", []), words
        assert len(report["not_checked"]) >= 9
    clone.git("lfs", "fetch")
    for words in ways[1:]:
        assert truncated(ask(clone.folder, *words)[1]) == ["images/train/cat/broken.jpg"], words
    assert ask(clone.folder)[1]["verdict"] == "UNDECIDED", "the work tree has pointers"
    clone.git("lfs", "checkout")
    picture(clone.folder / "images/train/dog/more.jpg", 600)
    clone.git("add", ".")
    for words in ways:
        assert truncated(ask(clone.folder, *words)[1]) == ["images/train/cat/broken.jpg"], words
        code, report = ask(clone.folder, *words, "--since", "HEAD")
        assert (code, truncated(report)) == (0, []), words
