"""Archives from the command line, the configuration and the index: what a user of WebDataset sees."""

from __future__ import annotations

import json
import tarfile
from typing import TYPE_CHECKING, Any

import pytest

from tests.dataset.webdataset.tars import image, pack, samples
from tests.e2e.conftest import Repository
from tests.source.dvc_repository import create

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

POINTER = b"version https://git-lfs.github.com/spec/v1\noid sha256:" + b"0" * 64 + b"\nsize 1234\n"


@pytest.fixture
def home(tmp_path: Path) -> Repository:
    """Three archives of 12 samples that train and one that validates."""
    for number in range(3):
        pack(tmp_path / f"data/train-{number:06}.tar", samples(12, start=12 * number))
    pack(tmp_path / "data/val-000000.tgz", samples(12, start=36), "w:gz")
    return Repository(tmp_path)


def report(home: Repository, *words: str, code: int = 1) -> dict[str, Any]:
    process = home.datalint("check", *words, "-o", "json", "--no-cache")
    assert process.returncode == code, process.stdout + process.stderr
    found: dict[str, Any] = json.loads(process.stdout)
    return found


def rules(found: dict[str, Any]) -> Iterator[tuple[str, str, str]]:
    return ((each["rule"], each["severity"], each["message"]) for each in found["findings"])


def test_sound_archives_train(home: Repository) -> None:
    found = report(home, "data", code=0)
    about = found["dataset"]
    assert (about["format"], about["samples"], about["classes"], about["splits"]) == ("webdataset", 48, 3, 2)
    assert {severity for _, severity, _ in rules(found)} <= {"info", "warning"}
    assert not {rule for rule, _, _ in rules(found)} & {"incomplete-sample", "duplicate-in-split", "class-skew"}


@pytest.mark.parametrize(
    "pattern", ["data/train-{000000..000002}.tar", "data/{train-{000000..000002}.tar,val-000000.tgz}"]
)
def test_a_pattern_on_the_command_line_and_in_the_configuration(pattern: str, home: Repository) -> None:
    count = 48 if "val" in pattern else 36
    assert report(home, pattern, code=0)["dataset"]["samples"] == count
    (home.folder / "datalint.yaml").write_text(f'dataset: {{path: "{pattern}", columns: {{label: cls}}}}\n')
    found = report(home, code=0)
    assert found["dataset"]["samples"] == count
    assert found["dataset"]["root"] == pattern


def test_archives_of_a_pattern_that_are_not_there(home: Repository) -> None:
    found = report(home, "data/train-{000000..000006}.tar")
    assert [message for _, severity, message in rules(found) if severity == "error"] == [
        "4 of the 7 archives that data/train-{000000..000006}.tar stands for are not there "
        "(first: data/train-000003.tar)"
    ]


def test_a_pattern_of_nothing_is_a_mistake(home: Repository) -> None:
    process = home.datalint("check", "nowhere/shard-{0..3}.tar")
    assert process.returncode == 2
    assert "no such file or folder" in process.stderr
    process = home.datalint("check", "data/{a,{0..3}.tar}}")
    assert process.returncode == 2


def test_the_index_is_judged_with_its_archives(home: Repository) -> None:
    home.git("init", "-q")
    home.git("add", "data")
    for path in (home.folder / "data").iterdir():
        path.write_bytes(b"written later")
    assert report(home, "data", "--staged", code=0)["dataset"]["samples"] == 48
    assert report(home, "data/train-{000000..000002}.tar", "--staged", code=0)["dataset"]["samples"] == 36


def test_a_second_run_reads_no_image_again(home: Repository) -> None:
    home.datalint("check", "data")
    assert json.loads(home.datalint("check", "data", "-o", "json").stdout)["summary"]["cached"] == 48


def test_each_flaw_is_a_finding_with_its_place(home: Repository) -> None:
    members = samples(14, start=100)
    # A label is lost, a picture is damaged, one is a copy of a picture that validates.
    del members[3]
    members[3] = (members[3][0], members[3][1][:300])
    members[7] = (members[7][0], image(36))
    pack(home.folder / "data/train-000003.tar", members)
    found = {rule: message for rule, _, message in rules(report(home, "data"))}
    assert found["incomplete-sample"] == (
        "1 sample has no .cls, as 49 of 50 samples in train have (first: data/train-000003.tar#000101)"
    )
    assert "data/train-000003.tar#000102.png" in found["truncated-image"]
    assert (
        "data/train-000003.tar#000104.png (train) and data/val-000000.tgz#000036.png (val)"
        in (found["duplicate-across-splits"])
    )


def test_a_key_that_comes_again_is_one_finding(home: Repository) -> None:
    pack(home.folder / "data/train-000003.tar", samples(14, start=100) + samples(1, start=100))
    found = list(rules(report(home, "data", code=0)))
    assert [message for rule, _, message in found if rule.endswith("-key")] == [
        "1 key comes again in data/train-000003.tar after other samples (first: data/train-000003.tar#000100)"
    ]


def test_pointers_of_git_lfs_are_fetched_and_not_mended(home: Repository) -> None:
    (home.folder / "data/train-000001.tar").write_bytes(POINTER)
    found = report(home, "data")
    errors = [(rule, message) for rule, severity, message in rules(found) if severity == "error"]
    assert errors == [("lfs-pointer", "data/train-000001.tar is a Git LFS pointer, its content was not fetched")]
    assert any(item["what"] == "data/train-000001.tar" for item in found["not_checked"])


def test_an_archive_of_other_things_is_not_judged(tmp_path: Path) -> None:
    pack(tmp_path / "a.tar", [(f"{number}.mp", b"x") for number in range(5)])
    process = Repository(tmp_path).datalint("check", "a.tar")
    assert process.returncode == 3
    assert "no samples found in a.tar (read as webdataset)" in process.stderr


def test_an_archive_of_another_compression_is_not_checked(home: Repository) -> None:
    with tarfile.open(home.folder / "data/train-000009.tar", "w:xz") as archive:
        archive.addfile(tarfile.TarInfo("0.png"))
    found = report(home, "data", code=0)
    assert found["verdict"] == "UNDECIDED"
    assert [item["what"] for item in found["not_checked"]] == ["data/train-000009.tar"]


def test_keys_about_manifests_are_refused_but_for_columns(home: Repository) -> None:
    (home.folder / "datalint.yaml").write_text("dataset: {path: data, suffix: .png}\n")
    process = home.datalint("check")
    assert process.returncode == 2
    assert "dataset.suffix is not used" in process.stderr
    (home.folder / "datalint.yaml").write_text("dataset: {path: data, columns: {label: nothing}}\n")
    process = home.datalint("check")
    assert process.returncode == 2
    assert "datalint.yaml:1:" in process.stderr
    assert "no sample has a member or a JSON key 'nothing'" in process.stderr


def test_archives_that_dvc_tracks_are_pulled_and_not_mended(home: Repository) -> None:
    made = create(home.folder)
    made.add("data")
    whole = report(home, "data", code=0)
    (home.folder / "data/train-000001.tar").unlink()
    found = report(home, "data")
    assert [message for _, severity, message in rules(found) if severity == "error"] == [
        "data is tracked by DVC (data.dvc): 1 of its 4 files is in DVC's cache and not in the work tree"
    ]
    assert found["dataset"]["samples"] == whole["dataset"]["samples"] - 12
    assert [item["what"] for item in found["not_checked"]] == ["data/train-000001.tar"]
    # A commit holds the stage alone, and the cache has the archives.
    home.git("init", "-q")
    home.git("add", "data.dvc", ".dvc/config")
    assert report(home, "data", "--staged", code=0)["dataset"] == whole["dataset"]


def test_a_proposed_configuration_reads_the_same(home: Repository) -> None:
    assert home.datalint("init", "data").returncode == 0
    assert 'format: "webdataset"' in (home.folder / "datalint.yaml").read_text()
    assert report(home, code=0)["dataset"]["samples"] == 48


def recipe(home: Repository) -> dict[str, Any]:
    run = home.datalint("estimate", "-o", "json", "--no-cache", "data", ok=True)
    found: dict[str, Any] = json.loads(run.stdout)
    return found


def test_archives_are_read_by_a_dataloader_unless_keras_is_named(home: Repository) -> None:
    """No image_dataset_from_directory reads them: webdataset feeds a DataLoader, and anything of Keras' a generator."""
    usual = recipe(home)
    assert [usual["recipe"][key] for key in ("framework", "loader")] == ["pytorch", "dataloader"]
    assert [usual["assumed"][key] for key in ("framework", "loader")] == ["pytorch", "dataloader"]
    assert any(row["formula"] == "PyTorch, imported" for row in usual["footprint"])
    for training in ("{framework: keras}", "{executor: xla}"):
        (home.folder / "datalint.yaml").write_text(f"training: {training}\n")
        named = recipe(home)
        assert [named["recipe"][key] for key in ("framework", "loader")] == ["keras", "generator"]
        assert "generator" in named["unknown"]["host_memory"]
    (home.folder / "datalint.yaml").write_text("training: {loader: image_dataset_from_directory}\n")
    refused = home.datalint("check", "data", "--no-cache")
    assert (refused.returncode, refused.stderr.splitlines()[0]) == (
        2,
        "datalint: datalint.yaml:1:20: training.loader: image_dataset_from_directory lists folders of images, "
        "and the dataset was read as webdataset",
    )


def test_what_is_proposed_for_archives_is_judged(home: Repository) -> None:
    """Also where a script says nothing of a loader: what is assumed is one that reads archives."""
    (home.folder / "train.py").write_text("model.fit(load('data'), epochs=3)\n")
    for words in ((), ("--from-script", "train.py")):
        text = home.datalint("init", "data", "--stdout", *words, ok=True).stdout
        assert "image_dataset_from_directory" not in text
        (home.folder / "datalint.yaml").write_text(text)
        assert report(home, code=0)["verdict"] != "UNTRAINABLE"


def test_what_only_tensorflow_cannot_decode_is_no_matter_of_archives(home: Repository) -> None:
    pack(home.folder / "data/train-000003.tar", samples(12, start=48, suffix="ppm"))
    assert "unsupported-by-tensorflow" not in {rule for rule, _, _ in rules(report(home, "data", code=0))}
    (home.folder / "datalint.yaml").write_text("training: {framework: keras, loader: files}\n")
    assert "unsupported-by-tensorflow" in {rule for rule, _, _ in rules(report(home, "data"))}
