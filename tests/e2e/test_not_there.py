"""What is on the disk and not in git, in git and not on the disk, or somewhere else: it is said where it is."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.e2e.conftest import Repository, dataset, picture, say

if TYPE_CHECKING:
    from pathlib import Path


def begun(folder: Path) -> Repository:
    """A repository without a commit."""
    folder.mkdir(exist_ok=True)
    made = Repository(folder)
    made.git("init", "-q")
    return made


def take_in(outer: Repository, inner: Repository, name: str) -> None:
    """As a submodule."""
    outer.git("-c", "protocol.file.allow=always", "submodule", "add", "-q", str(inner.folder), name)


def listed(repository: Repository) -> list[str]:
    """A manifest of all images, committed."""
    images = sorted(path.relative_to(repository.folder).as_posix() for path in repository.folder.rglob("*.jpg"))
    rows = (f"{path},{path.split('/')[2]},{path.split('/')[1]}\n" for path in images)
    (repository.folder / "list.csv").write_text("path,label,split\n" + "".join(rows))
    repository.git("add", "list.csv")
    return images


def findings(repository: Repository, *words: str) -> list[dict[str, Any]]:
    document = json.loads(repository.datalint("check", *words, "-o", "json").stdout)
    found: list[dict[str, Any]] = document["findings"]
    return found


def test_an_image_that_was_not_added_is_said_to_lie_in_the_work_tree(repository: Repository) -> None:
    images = listed(repository)
    repository.git("rm", "-q", "--cached", images[0])
    [found] = findings(repository, "list.csv", "--staged")
    assert found["rule"] == "missing-file"
    assert f"{images[0]} is not there: it lies in the work tree, and git does not track it" in found["message"]
    (repository.folder / images[0]).unlink()
    [found] = findings(repository, "list.csv", "--staged", "--no-cache")
    # A picture of that number in another class is none of its business.
    assert found["message"] == f"{images[0]} is not there (no such file)"


def test_an_image_that_was_not_committed_is_said_to_lie_in_the_work_tree(repository: Repository) -> None:
    images = listed(repository)
    repository.git("rm", "-q", "--cached", images[0])
    repository.commit("list")
    [found] = findings(repository, "list.csv", "--tree", "HEAD")
    assert "it lies in the work tree, and was not committed" in found["message"]


def test_a_moved_dataset_is_still_recognised_by_its_names(repository: Repository) -> None:
    listed(repository)
    repository.git("mv", "images", "pictures")
    [found] = findings(repository, "list.csv", "--staged")
    assert "images/train/cat/0000.jpg is not there, but pictures/" in found["message"]


@pytest.mark.parametrize("ignored", [True, False])
def test_a_folder_that_git_does_not_track_is_not_bare_of_samples(tmp_path: Path, ignored: bool) -> None:
    repository = begun(tmp_path)
    dataset(tmp_path / "images", per_class=1, validation=1)
    (tmp_path / "datalint.yaml").write_text("dataset: {path: images}\n")
    (tmp_path / ".gitignore").write_text("images/\n" if ignored else "")
    repository.git("add", "datalint.yaml", ".gitignore")
    judged = repository.datalint("check", "--staged")
    assert judged.returncode == 3
    assert "4 files lie there in the work tree that git does not track: `git add` them" in judged.stderr


def test_a_path_inside_a_submodule_is_told_as_one(repository: Repository, tmp_path: Path) -> None:
    outer = begun(tmp_path / "outer")
    take_in(outer, repository, "data")
    (outer.folder / "datalint.yaml").write_text("dataset: {path: data/images}\n")
    outer.git("add", ".")
    judged = outer.datalint("check", "--staged")
    assert judged.returncode == 3
    assert "of the submodule data git has the commit alone" in judged.stderr


def test_what_a_sparse_checkout_leaves_out_of_a_manifest_is_said_to_be_that(repository: Repository) -> None:
    listed(repository)
    repository.commit("list")
    repository.git("sparse-checkout", "set", "--cone", "images/train")
    found = findings(repository, "list.csv")
    assert {each["rule"] for each in found} == {"missing-file"}
    assert len(found) == 8
    words = "the sparse checkout leaves it out: `git sparse-checkout add images/val/cat`, or check with `--staged`"
    assert words in found[0]["message"]
    assert findings(repository, "list.csv", "--staged") == []


def unnamed(folder: Path) -> None:
    """The usual repository: a dataset in one folder, a picture for readers in another."""
    dataset(folder / "data", per_class=12, validation=4)
    picture(folder / "docs/shot.jpg", 99)
    (folder / "README.md").write_text("# mine\n")


@pytest.mark.parametrize("words", [(), ("--format", "imagefolder")])
@pytest.mark.parametrize("config", [None, "rules: {settings: {rare-class: off}}\n"])
def test_where_nobody_names_the_dataset_the_one_that_is_clearly_there_is_judged(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    config: str | None,
    words: tuple[str, ...],
) -> None:
    monkeypatch.chdir(tmp_path)
    unnamed(tmp_path)
    if config is not None:
        (tmp_path / "datalint.yaml").write_text(config)
    _, out, _ = say(capsys, "check", "-o", "json", *words)
    document = json.loads(out)
    assert document["dataset"] == {
        "name": "data", "root": "data", "format": "imagefolder", "samples": 32, "classes": 2, "splits": 2,
    }  # fmt: skip
    assert not {"same-image-two-labels", "split-inside-class"} & {each["rule"] for each in document["findings"]}
    assert (
        "no `dataset` is configured, so data is judged, where the dataset lies; 1 image elsewhere left out: "
        "docs/shot.jpg (`datalint init` writes that down)"
    ) in document["notes"]


def test_where_somebody_names_the_dataset_it_is_that(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    unnamed(tmp_path)
    _, out, _ = say(capsys, "check", ".", "-o", "json")
    assert json.loads(out)["dataset"]["samples"] == 33
    (tmp_path / "datalint.yaml").write_text("dataset: {path: .}\n")
    _, out, _ = say(capsys, "check", "-o", "json")
    assert json.loads(out)["dataset"]["samples"] == 33


def test_the_hook_judges_it_again_when_another_place_becomes_the_dataset(tmp_path: Path) -> None:
    repository = begun(tmp_path)
    unnamed(tmp_path)
    repository.git("add", ".")
    assert [each["rule"] for each in findings(repository, "--staged") if each["severity"] == "error"] == []
    repository.git("mv", "data/val", "elsewhere")
    assert "no-validation-split" in {each["rule"] for each in findings(repository, "--staged")}


def test_a_finding_about_a_folder_follows_the_dataset_where_it_is_moved(repository: Repository) -> None:
    picture(repository.folder / "images/train/cat/more/1.jpg", 500)
    repository.git("add", ".")
    repository.commit("nested")
    assert "nested-class-folder" in {each["rule"] for each in findings(repository, "--staged")}
    repository.git("mv", "images", "pictures")
    (repository.folder / "datalint.yaml").write_text("dataset: {path: pictures}\ntraining: {batch: 4}\n")
    repository.git("add", ".")
    new = {each["rule"] for each in findings(repository, "--staged", "--since", "HEAD")}
    assert "nested-class-folder" not in new


@pytest.mark.parametrize("words", [("--staged",), ("--tree", "HEAD")])
def test_a_path_that_is_nowhere_is_wrong_usage(repository: Repository, words: tuple[str, ...]) -> None:
    refused = repository.datalint("check", *words, "nowhere")
    assert refused.returncode == 2
    assert "no such file or folder in the" in refused.stderr


def test_beside_a_submodule_nobody_knows_what_the_dataset_is(tmp_path: Path, repository: Repository) -> None:
    outer = begun(tmp_path / "outer")
    unnamed(outer.folder)
    outer.git("add", ".")
    assert "no `dataset` is configured" in outer.datalint("check", "--staged", "-o", "text").stdout
    take_in(outer, repository, "more")
    judged = outer.datalint("check", "--staged", "-o", "text").stdout
    assert "no `dataset` is configured" not in judged
    assert "more: a submodule" in judged


@pytest.mark.parametrize("config", [None, "rules: {settings: {rare-class: off}}\n"])
def test_a_dataset_that_nobody_names_is_compared_with_itself(tmp_path: Path, config: str | None) -> None:
    repository = begun(tmp_path)
    unnamed(tmp_path)
    if config is not None:
        (tmp_path / "datalint.yaml").write_text(config)
    (tmp_path / "data/train/cat/0000.jpg").write_bytes(b"")
    repository.git("add", ".")
    repository.commit("dataset")
    picture(tmp_path / "data/train/cat/new.jpg", 700)
    (tmp_path / "data/train/cat/empty.jpg").write_bytes(b"")
    repository.git("mv", "data", "moved")
    repository.git("add", ".")
    judged = json.loads(repository.datalint("check", "--staged", "--since", "HEAD", "-o", "json").stdout)
    empty = {
        name: [each["path"] for each in findings_ if each["rule"] == "empty-file"]
        for name, findings_ in (("new", judged["findings"]), ("old", judged["since"]["old"]))
    }
    assert empty == {"new": ["moved/train/cat/empty.jpg"], "old": ["moved/train/cat/0000.jpg"]}
    assert sum(each["added"] for each in judged["since"]["samples"]) == 2
    assert sum(each["removed"] for each in judged["since"]["samples"]) == 0


@pytest.fixture
def bare(repository: Repository, tmp_path: Path) -> Repository:
    """A clone without its submodules: `data` is the repository, and `images/train/bird` of a dataset is another one."""
    outer, birds = begun(tmp_path / "outer"), begun(tmp_path / "birds")
    dataset(outer.folder / "images", first_seed=100)
    picture(birds.folder / "0000.jpg", 300)
    for each in (birds, outer):
        each.git("add", ".")
        each.commit("images")
    take_in(outer, repository, "data")
    take_in(outer, birds, "images/train/bird")
    outer.commit("submodules")
    outer.git("clone", "-q", str(outer.folder), str(tmp_path / "clone"))
    return Repository(tmp_path / "clone")


def test_a_submodule_that_is_not_checked_out_is_said_to_be_that(bare: Repository) -> None:
    words = "the submodule data is not checked out: `git submodule update --init`"
    for path, code in (("data", 3), ("data/images", 2)):
        refused = bare.datalint("check", path)
        assert (refused.returncode, words in refused.stderr) == (code, True), refused.stderr
    (bare.folder / "datalint.yaml").write_text("dataset: {path: data/images}\n")
    refused = bare.datalint("check")
    assert (refused.returncode, words in refused.stderr) == (2, True), refused.stderr
    bare.git("-c", "protocol.file.allow=always", "submodule", "update", "-q", "--init", "data")
    assert bare.datalint("check").returncode == 0


def test_a_class_in_a_submodule_that_is_not_checked_out_is_noted(bare: Repository) -> None:
    words = "the submodule images/train/bird is not checked out: `git submodule update --init`, and nothing of it was"
    judged = bare.datalint("check", "images", "-o", "text")
    assert words in judged.stdout
    assert "class 'bird' has no image in train that Keras reads" in judged.stdout, "as it is for the loader"
    bare.git("-c", "protocol.file.allow=always", "submodule", "update", "-q", "--init")
    assert "not checked out" not in bare.datalint("check", "images", "-o", "text").stdout


def test_where_nothing_is_known_of_submodules_a_wrong_path_is_only_wrong(repository: Repository) -> None:
    refused = repository.datalint("check", "imges")
    assert (refused.returncode, "did you mean 'images'?" in refused.stderr) == (2, True)
    (repository.folder / ".gitmodules").write_text("")
    assert "did you mean 'images'?" in repository.datalint("check", "imges").stderr
    assert "submodule" not in repository.datalint("check", "-o", "text").stdout


RULE = """\
id: acme/tall
title: An image is taller than wide
severity: error
family: misled
docs: Our network is not.
message: "{path}"
key: [path]
sql: select path from files where height > width
tests:
  - {name: silent, given: {files: [{path: a, height: 1, width: 1}]}, expect: []}
  - {name: told, given: {files: [{path: a, height: 2, width: 1}]}, expect: [{path: a}]}
"""


def ruled(repository: Repository, folder: str) -> None:
    """Its configuration takes rules from that folder."""
    (repository.folder / "datalint.yaml").write_text(f"dataset: {{path: images}}\nrules: {{paths: [{folder}]}}\n")
    repository.git("add", "datalint.yaml")


def test_rules_in_a_submodule_are_said_to_lie_there(repository: Repository, tmp_path: Path) -> None:
    shared = begun(tmp_path / "shared")
    (shared.folder / "rules").mkdir()
    (shared.folder / "rules/tall.yaml").write_text(RULE)
    shared.git("add", ".")
    shared.commit("rules")
    take_in(repository, shared, "shared")
    ruled(repository, "shared/rules")
    assert repository.datalint("check").returncode == 0, "the work tree has them"
    repository.commit("shared")
    for words in (("--staged",), ("--tree", "HEAD"), ("--policy-from", "HEAD")):
        refused = repository.datalint("check", *words)
        assert refused.returncode == 2, words
        assert "no rule files in shared/rules" in refused.stderr
        assert "it lies in the submodule shared, of which git has the commit alone" in refused.stderr


def test_rules_outside_of_the_repository_are_said_to_lie_there(repository: Repository, tmp_path: Path) -> None:
    (tmp_path / "rules").mkdir()
    (tmp_path / "rules/tall.yaml").write_text(RULE)
    ruled(repository, "../rules")
    assert repository.datalint("check").returncode == 0
    refused = repository.datalint("check", "--staged")
    assert refused.returncode == 2
    assert "it lies outside of the repository" in refused.stderr


def test_rules_that_were_not_added_are_said_to_lie_in_the_work_tree(repository: Repository) -> None:
    (repository.folder / "rules").mkdir()
    (repository.folder / "rules/tall.yaml").write_text(RULE)
    ruled(repository, "rules")
    refused = repository.datalint("check", "--staged")
    assert refused.returncode == 2
    assert "it lies in the work tree, and git does not track it: `git add` it" in refused.stderr
    repository.git("add", "rules")
    assert repository.datalint("check", "--staged").returncode == 0


def test_a_folder_that_git_has_is_not_said_to_be_untracked(repository: Repository) -> None:
    ruled(repository, "images")
    refused = repository.datalint("check", "--staged")
    assert refused.returncode == 2
    assert refused.stderr.splitlines()[1].strip() == "`datalint new-rule acme/name` writes one"


def test_an_image_of_a_manifest_in_a_submodule_is_not_to_be_added(repository: Repository, tmp_path: Path) -> None:
    outer = begun(tmp_path / "outer")
    take_in(outer, repository, "data")
    (outer.folder / "list.csv").write_text("path,label,split\ndata/images/train/cat/0000.jpg,cat,train\n")
    outer.git("add", "list.csv")
    [found] = [each for each in findings(outer, "list.csv", "--staged") if each["rule"] == "missing-file"]
    assert "it lies in the submodule data, of which git has the commit alone" in found["message"]


def test_a_single_image_of_the_index_is_no_dataset(repository: Repository) -> None:
    """As pre-commit hands it over where `pass_filenames` is not false."""
    refused = repository.datalint("check", "--staged", "images/train/cat/0000.jpg")
    assert refused.returncode == 2
    assert "images/train/cat/0000.jpg is a file, not a folder: one image is no dataset" in refused.stderr
    refused = repository.datalint("check", "--staged", "images/train/cat/0000.jpg", "images/train/cat/0001.jpg")
    assert refused.returncode == 2
    assert "a hook needs `pass_filenames: false`" in refused.stderr
