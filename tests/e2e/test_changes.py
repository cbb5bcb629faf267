"""What only the comparison with a commit shows."""

from __future__ import annotations

import json
import os
import shutil
import sys

import pytest

from tests.e2e.conftest import CONFIG, Repository, picture


@pytest.fixture
def without_splits(repository: Repository) -> Repository:
    """Three classes, no split."""
    shutil.rmtree(repository.folder / "images")
    for label in ("cat", "dog", "owl"):
        for number in range(12):
            picture(repository.folder / f"images/{label}/{number:02}.jpg", sum(label.encode()) * 100 + number)
    repository.git("add", ".")
    repository.commit("three classes")
    return repository


def rules(repository: Repository, *words: str) -> set[str]:
    process = repository.datalint("check", "-o", "json", *words)
    assert process.returncode in (0, 1), process.stderr
    return {item["rule"] for item in json.loads(process.stdout)["findings"] if item["severity"] == "error"}


def test_the_last_images_of_a_class_may_not_be_deleted_unseen(without_splits: Repository) -> None:
    assert without_splits.datalint("check", "--staged").returncode == 0
    without_splits.git("rm", "-rq", "images/owl")
    refused = without_splits.datalint("check", "--staged", "-o", "text")
    assert refused.returncode == 1
    assert "class 'owl' is gone: this change deletes its last images (12)" in refused.stdout
    assert without_splits.datalint("check").returncode == 0, "the work tree alone is trainable"


def test_a_class_that_keeps_one_image_is_not_gone(without_splits: Repository) -> None:
    without_splits.git("rm", "-q", *(f"images/owl/{number:02}.jpg" for number in range(11)))
    assert "removed-class" not in rules(without_splits, "--staged")


def test_a_branch_is_compared_with_its_base(without_splits: Repository) -> None:
    without_splits.git("switch", "-qc", "topic")
    without_splits.git("rm", "-rq", "images/owl")
    without_splits.commit("no owls")
    (without_splits.folder / "notes.txt").write_text("more work")
    without_splits.git("add", ".")
    without_splits.commit("notes")
    assert rules(without_splits, "--tree", "HEAD") == set()
    assert rules(without_splits, "--tree", "HEAD", "--base", "main") == {"removed-class"}
    assert rules(without_splits, "--base", "main") == {"removed-class"}
    assert rules(without_splits, "images", "--base", "main") == {"removed-class"}
    assert without_splits.datalint("check", "--base", "nothing").returncode == 2


def test_a_verdict_does_not_outlive_the_commit_it_was_compared_with(without_splits: Repository) -> None:
    without_splits.git("rm", "-rq", "images/owl")
    assert rules(without_splits, "--staged") == {"removed-class"}
    without_splits.commit("no owls, on purpose", "--no-verify")
    assert rules(without_splits, "--staged") == set()


def test_a_class_is_let_go_with_a_reason(without_splits: Repository) -> None:
    without_splits.git("rm", "-rq", "images/owl")
    entry = "ignore:\n  - {rule: removed-class, path: images/owl, reason: we do not sell owls any more}\n"
    (without_splits.folder / "datalint.yaml").write_text(CONFIG + entry)
    without_splits.git("add", ".")
    assert without_splits.datalint("check", "--staged").returncode == 0


def test_the_push_hook_compares_both_of_its_ends(without_splits: Repository) -> None:
    without_splits.git("rm", "-rq", "images/owl")
    without_splits.commit("no owls")
    without_splits.commit("nothing", "--allow-empty")
    for base, code in (("HEAD~2", 1), ("HEAD~1", 0)):
        pushed = without_splits.datalint("check", "--staged", PRE_COMMIT_FROM_REF=base, PRE_COMMIT_TO_REF="HEAD")
        assert pushed.returncode == code


FORGERY = """
import sqlite3, subprocess
database = sqlite3.connect(".datalint_cache/facts.sqlite")
blob = subprocess.check_output(["git", "hash-object", "images/train/cat/broken.jpg"], text=True).strip()
columns = [column[1] for column in database.execute("pragma table_info(facts)")]
row = list(database.execute("select * from facts limit 1").fetchone())
row[columns.index("content_id")] = f"git:{blob}"
database.execute(f"insert into facts values ({', '.join('?' * len(row))})", row)
database.commit()
"""


def test_a_cache_that_comes_with_a_commit_is_not_believed(repository: Repository) -> None:
    """A pull request could bring facts, and a verdict, that call a broken image whole."""
    path = picture(repository.folder / "images/train/cat/broken.jpg", 5)
    repository.git("add", ".")
    assert repository.datalint("check", "--staged").returncode == 0
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    repository.git("add", ".")
    repository.run(sys.executable, "-c", FORGERY, ok=True)
    assert repository.datalint("check", "--staged").returncode == 0, "the forgery works where git does not track it"
    repository.git("add", "--force", ".datalint_cache")
    for words in (["--staged"], []):
        told = repository.datalint("check", "-o", "text", *words)
        assert told.returncode == 1
        assert "truncated-image" in told.stdout
        assert os.path.join(repository.folder, ".datalint_cache") + " is tracked by git" in told.stdout


def gone(repository: Repository, *words: str) -> list[str]:
    """What is said of classes that are gone."""
    process = repository.datalint("check", "--staged", "-o", "json", *words)
    assert process.returncode in (0, 1), process.stderr
    found = json.loads(process.stdout)["findings"]
    return [item["message"] for item in found if item["rule"] == "removed-class"]


def move(repository: Repository, old: str, new: str) -> None:
    """Every picture of one folder into another, which may be there."""
    (repository.folder / new).mkdir(parents=True, exist_ok=True)
    for path in sorted((repository.folder / old).iterdir()):
        repository.git("mv", f"{old}/{path.name}", f"{new}/{old.rpartition('/')[2]}-{path.name}")


def test_a_class_that_moves_into_another_one_is_gone(without_splits: Repository) -> None:
    move(without_splits, "images/owl", "images/cat")
    assert gone(without_splits) == ["class 'owl' is gone: this change moves its last images (12) to 'cat'"]


def test_a_class_that_moves_out_of_the_dataset_is_gone(without_splits: Repository) -> None:
    move(without_splits, "images/owl", "archive/owl")
    assert gone(without_splits) == ["class 'owl' is gone: this change moves its last images (12) out of the classes"]


def test_two_classes_that_become_a_new_one_are_gone(without_splits: Repository) -> None:
    move(without_splits, "images/owl", "images/animal")
    move(without_splits, "images/dog", "images/animal")
    assert [message[:18] for message in gone(without_splits)] == ["class 'dog' is gon", "class 'owl' is gon"]


def test_a_class_that_is_renamed_is_not_gone(without_splits: Repository) -> None:
    without_splits.git("mv", "images/owl", "images/strix")
    without_splits.git("rm", "-qf", "images/strix/00.jpg")
    assert gone(without_splits) == []


def test_a_split_is_not_taken_for_a_class(repository: Repository) -> None:
    """Splits are given up: what trains moves up, what validates is deleted."""
    repository.git("rm", "-rq", "images/val")
    for label in ("cat", "dog"):
        repository.git("mv", f"images/train/{label}", f"images/{label}")
    assert gone(repository) == []
    repository.git("rm", "-rqf", "images/dog")
    assert gone(repository) == ["class 'dog' is gone: this change deletes its last images (16)"]


def test_a_split_of_an_unusual_name_is_not_taken_for_a_class(repository: Repository) -> None:
    for label in ("cat", "dog"):
        picture(repository.folder / f"images/fold3/{label}/1.jpg", 9000 + len(label) + ord(label[0]))
    repository.git("add", ".")
    repository.commit("a third part", "--no-verify")
    repository.git("rm", "-rq", "images/fold3")
    assert gone(repository) == []
    move(repository, "images/val/dog", "images/val/cat")
    move(repository, "images/train/dog", "images/train/cat")
    assert [message[:18] for message in gone(repository)] == ["class 'dog' is gon"]


def test_splits_that_are_introduced_take_no_class_away(without_splits: Repository) -> None:
    for label in ("cat", "dog", "owl"):
        move(without_splits, f"images/{label}", f"images/train/{label}")
    assert gone(without_splits) == []
