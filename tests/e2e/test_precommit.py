"""The hook under the real pre-commit client, in real git repositories."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import pytest
import yaml

from tests.conftest import ROOT
from tests.e2e.conftest import Repository, picture

HOOKS = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text("utf-8"))


@pytest.fixture
def guarded(repository: Repository) -> Repository:
    """The repository with our published hook installed by pre-commit; the entry runs this interpreter's datalint."""
    hook = dict(next(hook for hook in HOOKS if hook["id"] == "datalint"))
    hook["language"] = "system"
    hook["entry"] = hook["entry"].replace("datalint", f"{sys.executable} -m datalint", 1)
    configuration = {"repos": [{"repo": "local", "hooks": [hook]}]}
    (repository.folder / ".pre-commit-config.yaml").write_text(yaml.safe_dump(configuration, sort_keys=False))
    repository.run(sys.executable, "-m", "pre_commit", "install", ok=True)
    repository.git("add", ".pre-commit-config.yaml")
    repository.commit("hook")
    return repository


def truncate(path: Path) -> None:
    data = path.read_bytes()
    path.write_bytes(data[: len(data) // 2])


def test_a_commit_that_adds_a_truncated_image_is_refused(guarded: Repository) -> None:
    truncate(picture(guarded.folder / "images/train/cat/broken.jpg", 999))
    guarded.git("add", ".")
    refused = guarded.commit("truncated", ok=False)
    assert refused.returncode == 1
    assert "truncated-image" in refused.stdout + refused.stderr
    assert "images/train/cat/broken.jpg" in refused.stdout + refused.stderr
    assert guarded.git("log", "--format=%s", "-1").stdout.strip() == "hook"


def test_a_commit_that_deletes_the_last_images_of_a_class_is_refused(guarded: Repository) -> None:
    guarded.git("rm", "-rq", "images/train/dog")
    refused = guarded.commit("no dogs", ok=False)
    assert refused.returncode == 1
    assert "class-only-in-evaluation" in refused.stdout + refused.stderr


def test_a_commit_that_leaves_the_dataset_trainable_passes(guarded: Repository) -> None:
    picture(guarded.folder / "images/train/cat/more.jpg", 998)
    guarded.git("add", ".")
    assert guarded.commit("more").returncode == 0


def test_a_partial_commit_is_judged_by_its_own_index(guarded: Repository) -> None:
    truncate(picture(guarded.folder / "images/train/cat/broken.jpg", 999))
    picture(guarded.folder / "images/train/dog/good.jpg", 997)
    guarded.git("add", ".")
    assert guarded.commit("only the good one", "--only", "images/train/dog/good.jpg").returncode == 0
    assert guarded.commit("only the bad one", "--only", "images/train/cat/broken.jpg", ok=False).returncode == 1


def test_untracked_flaws_do_not_matter(guarded: Repository) -> None:
    truncate(picture(guarded.folder / "images/train/cat/untracked.jpg", 996))
    picture(guarded.folder / "images/train/cat/good.jpg", 995)
    guarded.git("add", "images/train/cat/good.jpg")
    assert guarded.commit("good").returncode == 0


def test_an_unstaged_repair_does_not_excuse_a_staged_flaw(guarded: Repository) -> None:
    path = picture(guarded.folder / "images/train/cat/broken.jpg", 999)
    whole = path.read_bytes()
    truncate(path)
    guarded.git("add", ".")
    path.write_bytes(whole)
    assert guarded.commit("still broken", ok=False).returncode == 1


@pytest.mark.slow
def test_five_thousand_staged_images_are_one_run(guarded: Repository) -> None:
    pattern = picture(guarded.folder / "pattern.jpg", 1, size=16)
    data = pattern.read_bytes()
    pattern.unlink()
    for number in range(5000):
        label = "cat" if number % 2 else "dog"
        # A comment segment before the end marker makes every file different and keeps it valid.
        comment = b"\xff\xfe" + (10).to_bytes(2, "big") + number.to_bytes(8, "big")
        (guarded.folder / f"images/train/{label}/many{number:05}.jpg").write_bytes(data[:2] + comment + data[2:])
    guarded.git("add", ".")
    committed = guarded.commit("many")
    output = committed.stdout + committed.stderr
    assert output.count("5,032 images") == 1


def test_warnings_are_seen_although_the_commit_passes(guarded: Repository) -> None:
    (guarded.folder / "images/train/cat/notes.heic").write_bytes(b"\0\0\0\x18ftypheic" + bytes(100))
    guarded.git("add", ".")
    committed = guarded.commit("a phone picture")
    output = committed.stdout + committed.stderr
    assert "warning ignored-suffix" in output


def test_the_published_hook_is_one_run_that_always_happens() -> None:
    hook = next(hook for hook in HOOKS if hook["id"] == "datalint")
    assert hook["entry"] == "datalint check --staged"
    assert (hook["pass_filenames"], hook["always_run"], hook["require_serial"], hook["verbose"]) == (
        False,
        True,
        True,
        True,
    )


def test_pre_commit_accepts_the_published_hooks(tmp_path: Path) -> None:
    shutil.copy(ROOT / ".pre-commit-hooks.yaml", tmp_path)
    Repository(tmp_path).run(sys.executable, "-m", "pre_commit", "validate-manifest", ".pre-commit-hooks.yaml", ok=True)
