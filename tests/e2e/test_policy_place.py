"""`--policy-from`: what a change adds beside the data must not decide that other data than before are judged."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any

import pytest

from tests.e2e.conftest import CLEAN_ENVIRONMENT, Repository, dataset, picture, say

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

Told = tuple[int, list[tuple[str, str | None]]]


@pytest.fixture
def made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Repository:
    """An empty repository, which is the working directory."""
    for name in os.environ.keys() - CLEAN_ENVIRONMENT.keys():
        monkeypatch.delenv(name)
    repository = Repository(tmp_path / "repository")
    repository.folder.mkdir()
    repository.git("init", "-q", "-b", "main")
    monkeypatch.chdir(repository.folder)
    return repository


@pytest.fixture
def ask(capsys: pytest.CaptureFixture[str]) -> Callable[..., Told]:
    """Exit code, and rule and path of every error."""

    def asked(*words: str) -> Told:
        code, out, error = say(capsys, "check", "--policy-from", "main", "--workers", "1", "-o", "json", *words)
        assert out, error
        found = json.loads(out)["findings"]
        return code, [(each["rule"], each["path"]) for each in found if each["severity"] == "error"]

    return asked


def saved(repository: Repository, message: str) -> None:
    repository.git("add", "-A")
    repository.commit(message)


def coco(folder: Path) -> dict[str, Any]:
    """Twelve pictures for training and four for validation, two classes, as COCO; the document of the first."""
    documents = {}
    for split, number in (("train", 12), ("val", 4)):
        for each in range(number):
            picture(folder / split / f"{each}.jpg", each + 100 * number)
        images = [{"id": each, "file_name": f"{each}.jpg", "width": 64, "height": 64} for each in range(number)]
        boxes = [
            {
                "id": each,
                "image_id": each,
                "category_id": 1 + each % 2,
                "bbox": [1, 1, 20, 20],
                "area": 400,
                "iscrowd": 0,
            }
            for each in range(number)
        ]
        categories = [{"id": 1, "name": "a"}, {"id": 2, "name": "b"}]
        documents[split] = {"images": images, "annotations": boxes, "categories": categories}
        (folder / "annotations").mkdir(exist_ok=True)
        (folder / f"annotations/instances_{split}.json").write_text(json.dumps(documents[split]))
    return documents["train"]


def test_annotations_that_another_file_hides_are_not_out_of_sight(made: Repository, ask: Callable[..., Told]) -> None:
    document = coco(made.folder / "ds")
    (made.folder / "datalint.yaml").write_text("dataset: {path: ds, format: coco}\n")
    saved(made, "base")
    made.git("checkout", "-qb", "topic")
    train = made.folder / "ds/annotations/instances_train.json"
    good = train.read_text()
    document["annotations"][0]["category_id"] = 9
    train.write_text(json.dumps(document))
    saved(made, "an unknown category")
    assert ask() == (1, [("unknown-category", "ds/annotations/instances_train.json")])
    (made.folder / "ds/annotations/instances_a_train.json").write_text(good)
    saved(made, "a file that hides it")
    for words in ((), ("--staged",), ("--tree", "topic", "--since", "main")):
        assert ask(*words) == (1, [("policy-changed", "ds/annotations/instances_train.json")]), words
    made.git("rm", "-q", "ds/annotations/instances_train.json")
    assert ask("--staged") == (0, []), "whoever takes a file away does not hide it"


def test_a_description_that_another_one_hides_is_not_out_of_sight(made: Repository, ask: Callable[..., Told]) -> None:
    for split, number in (("train", 12), ("val", 4)):
        for each in range(number):
            picture(made.folder / f"ds/images/{split}/{each}.jpg", each + 100 * number)
            label = made.folder / f"ds/labels/{split}/{each}.txt"
            label.parent.mkdir(parents=True, exist_ok=True)
            label.write_text(f"{each % 2} 0.5 0.5 0.2 0.2\n")
    text = "train: images/train\nval: images/val\nnames: [a, b]\n"
    (made.folder / "ds/my.yaml").write_text(text)
    (made.folder / "datalint.yaml").write_text("dataset: {path: ds}\n")
    saved(made, "base")
    made.git("checkout", "-qb", "topic")
    assert ask() == (0, [])
    (made.folder / "ds/data.yaml").write_text(text.replace("images/train", "images/val"))
    saved(made, "another description")
    assert ask()[0] == 1
    assert ("policy-changed", "ds/my.yaml") in ask()[1]


def test_pictures_elsewhere_do_not_move_the_gate(made: Repository, ask: Callable[..., Told]) -> None:
    dataset(made.folder / "data", per_class=2, validation=2)
    (made.folder / "datalint.yaml").write_text("rules: {select: [truncated-image]}\n")
    saved(made, "base")
    made.git("checkout", "-qb", "topic")
    image = made.folder / "data/train/cat/0001.jpg"
    image.write_bytes(image.read_bytes()[:300])
    saved(made, "a broken file")
    broken = (1, [("truncated-image", "data/train/cat/0001.jpg")])
    assert ask() == broken
    dataset(made.folder / "images/ds", per_class=40, validation=4, first_seed=500)
    saved(made, "ten times as many, elsewhere")
    for words in ((), ("--staged",), ("--tree", "topic")):
        assert ask(*words) == broken, words
    made.git("rm", "-rq", "data")
    assert ask("--staged") == (0, []), "what is left is judged where the old place is empty"
