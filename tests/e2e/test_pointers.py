"""Data that only its pointers stand for: what they tell is judged, and the rest is said to be unjudged."""

from __future__ import annotations

import hashlib
import json
import shutil
from typing import TYPE_CHECKING, Any

import pytest

from tests.e2e.conftest import Repository, dataset, picture
from tests.source.dvc_repository import DvcRepository, create

if TYPE_CHECKING:
    from pathlib import Path


def report(home: Path, *words: str, code: int = 1) -> dict[str, Any]:
    process = Repository(home).datalint("check", *words, "-o", "json", "--no-cache")
    assert process.returncode == code, process.stdout + process.stderr
    found: dict[str, Any] = json.loads(process.stdout)
    return found


def rules(found: dict[str, Any]) -> list[str]:
    return sorted({each["rule"] for each in found["findings"] if each["severity"] != "info"})


@pytest.fixture
def tracked(tmp_path: Path) -> DvcRepository:
    """A dataset that is sound but for a copy in both splits."""
    made = create(tmp_path)
    dataset(tmp_path / "data")
    shutil.copy(tmp_path / "data/train/cat/0000.jpg", tmp_path / "data/val/cat/copy.jpg")
    made.add("data")
    return made


# --- DVC ---


def test_leaks_and_classes_are_judged_from_the_list_alone(tracked: DvcRepository) -> None:
    whole = report(tracked.top, "data")
    shutil.rmtree(tracked.top / "data")
    found = report(tracked.top, "data")
    assert rules(found) == sorted({*rules(whole), "dvc-missing"})
    for key in ("samples", "classes", "splits"):
        assert found["dataset"][key] == whole["dataset"][key]
    leak, same = (
        next(each for each in some["findings"] if each["rule"] == "duplicate-across-splits") for some in (whole, found)
    )
    assert leak["message"] == same["message"]
    assert len([item for item in found["not_checked"] if item["what"].startswith("data/")]) == 33


def test_without_the_list_one_finding_explains_it(tracked: DvcRepository) -> None:
    tracked.forget_all()
    shutil.rmtree(tracked.top / "data")
    for root in ("data", ".", "data/train"):
        found = report(tracked.top, root)
        assert rules(found) == ["dvc-missing"]
        (finding,) = found["findings"]
        assert (finding["path"], finding["remedy"]) == ("data", "run `dvc pull`")
        assert any("rules about classes and splits" in item["what"] for item in found["not_checked"])
        assert any(item["what"] == "data" for item in found["not_checked"])


def test_the_index_is_judged_by_the_content_of_the_cache(tracked: DvcRepository) -> None:
    repository = Repository(tracked.top)
    (tracked.top / ".gitignore").write_text("/data\n/.dvc/cache\n")
    repository.git("init", "-q")
    repository.git("add", "-A")
    whole = report(tracked.top, "data")
    shutil.rmtree(tracked.top / "data")
    found = report(tracked.top, "data", "--staged")
    assert rules(found) == rules(whole)
    assert found["not_checked"] == []


def test_the_verdict_of_an_index_is_not_remembered_past_its_stage(tracked: DvcRepository) -> None:
    repository = Repository(tracked.top)
    (tracked.top / ".gitignore").write_text("/data\n/.dvc/cache\n")
    repository.git("init", "-q")
    repository.git("add", "-A")
    words = ("check", "data", "--staged", "-o", "json")
    assert json.loads(repository.datalint(*words).stdout)["dataset"]["samples"] == 33
    picture(tracked.top / "data/train/cat/more.jpg", 999)
    tracked.add("data")
    repository.git("add", "-A")
    assert json.loads(repository.datalint(*words).stdout)["dataset"]["samples"] == 34


@pytest.mark.parametrize("known", [True, False])
def test_files_that_a_manifest_names_are_explained_once(known: bool, tracked: DvcRepository) -> None:
    rows = [f"{path.relative_to(tracked.top)},{path.parent.name}\n" for path in (tracked.top / "data").rglob("*.jpg")]
    (tracked.top / "labels.csv").write_text("path,label\n" + "".join(rows))
    shutil.rmtree(tracked.top / "data")
    if not known:
        tracked.forget_all()
    found = report(tracked.top, "labels.csv")
    assert [each["rule"] for each in found["findings"] if each["severity"] == "error"] == ["dvc-missing"]
    assert found["dataset"]["samples"] == 33


def test_a_model_beside_the_dataset_blocks_nothing(tracked: DvcRepository) -> None:
    (tracked.top / "model.h5").write_bytes(b"weights")
    tracked.add("model.h5")
    (tracked.top / "model.h5").unlink()
    (tracked.top / "dvc.yaml").write_text("stages: {plot: {cmd: 'true', outs: [plots]}}\n")
    found = report(tracked.top)
    missing = {each["path"]: each["severity"] for each in found["findings"] if each["rule"] == "dvc-missing"}
    assert missing == {"model.h5": "warning", "plots": "warning"}
    assert found["not_checked"] == []


def test_a_path_that_nothing_tracks_is_a_mistake(tracked: DvcRepository) -> None:
    process = Repository(tracked.top).datalint("check", "date")
    assert process.returncode == 2
    assert "no such file or folder: date" in process.stderr


# --- Git LFS ---


def to_pointers(folder: Path) -> dict[str, int]:
    """Replace each file by its pointer; returns their sizes."""
    sizes = {}
    for path in folder.rglob("*.jpg"):
        content = path.read_bytes()
        sizes[path.relative_to(folder).as_posix()] = len(content)
        digest = hashlib.sha256(content).hexdigest()
        path.write_text(f"version https://git-lfs.github.com/spec/v1\noid sha256:{digest}\nsize {len(content)}\n")
    return sizes


def test_leaks_classes_and_sizes_are_judged_from_pointers(tmp_path: Path) -> None:
    dataset(tmp_path)
    shutil.copy(tmp_path / "train/cat/0000.jpg", tmp_path / "val/cat/copy.jpg")
    whole = report(tmp_path)
    sizes = to_pointers(tmp_path)
    found = report(tmp_path)
    assert rules(found) == sorted({*rules(whole), "lfs-pointer"})
    assert {item["what"] for item in found["not_checked"]} - {"host memory"} == set(sizes)
    process = Repository(tmp_path).datalint("facts", "--sql", "select path, size_bytes, status from files")
    rows = [line.split(",") for line in process.stdout.splitlines()[1:]]
    assert {path: (int(size), status) for path, size, status in rows} == {
        path: (size, "pointer") for path, size in sizes.items()
    }


def test_memory_that_depends_on_their_number_is_predicted_from_pointers(tmp_path: Path) -> None:
    dataset(tmp_path)
    to_pointers(tmp_path)
    (tmp_path / "datalint.yaml").write_text(
        "training: {framework: keras, loader: array, image_size: [4096, 4096], dtype: float32, batch: 1}\n"
        "target: small\ntargets: {small: {host_memory: 4 GiB, cores: 2}}\n"
    )
    assert "memory-fit-copies" in rules(report(tmp_path))
