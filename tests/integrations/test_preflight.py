"""Before `fit`: what blocks raises, what was not checked raises, and another dataset has another fingerprint."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from datalint.errors import DatalintError, ExitCode, UnfinishedError, UsageError
from datalint.finding import Verdict
from datalint.integrations.keras import DatasetError, Passed, preflight
from tests.e2e.conftest import CLEAN_ENVIRONMENT, dataset, picture

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

QUIET = "rules: {settings: {rare-class: off}}\n"
POINTER = b"version https://git-lfs.github.com/spec/v1\noid sha256:" + b"0" * 64 + b"\nsize 9\n"


@pytest.fixture
def images(here: Path) -> Path:
    """A dataset that passes."""
    dataset(here / "images")
    (here / "datalint.yaml").write_text("dataset: {path: images}\n" + QUIET)
    return here / "images"


def damage(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-100])


def test_what_passes_is_described(images: Path) -> None:
    passed = preflight()
    assert passed == Passed(passed.fingerprint, Verdict.TRAINABLE, samples=32, classes=2, splits=2, warnings=0)
    assert passed.fingerprint.startswith("datalint-1:")
    assert preflight("images", expected=passed.fingerprint) == passed


def test_an_error_raises_with_the_report(images: Path, before: str) -> None:
    damage(images / "train/cat/0003.jpg")
    with pytest.raises(DatasetError) as caught:
        preflight()
    first, headline, *rest = str(caught.value).splitlines()
    assert first == "1 error"
    assert headline.startswith("UNTRAINABLE  images (32 images, 2 classes, 2 splits) on local")
    assert any("error truncated-image  images/train/cat/0003.jpg ends after" in line for line in rest)
    assert caught.value.result.verdict is Verdict.UNTRAINABLE
    assert caught.value.fingerprint not in (None, before)
    assert isinstance(caught.value, DatalintError)


@pytest.mark.parametrize("place", ["argument", "configuration"])
def test_a_warning_raises_where_somebody_is_strict(images: Path, place: str) -> None:
    shutil.copy(images / "train/cat/0003.jpg", images / "train/cat/copy.png")
    assert preflight().warnings >= 1
    if place == "configuration":
        (images.parent / "datalint.yaml").write_text("dataset: {path: images}\nfail_on: warning\n" + QUIET)
    with pytest.raises(DatasetError, match=r"^\d+ warnings?\nTRAINABLE, with warnings  images"):
        preflight(fail_on="warning" if place == "argument" else "error")


def test_a_configuration_that_never_fails_opens_nothing(images: Path) -> None:
    (images.parent / "datalint.yaml").write_text("dataset: {path: images}\nfail_on: never\n" + QUIET)
    damage(images / "train/cat/0003.jpg")
    with pytest.raises(DatasetError, match=r"^1 error\n"):
        preflight()


def test_nobody_can_ask_for_less(images: Path) -> None:
    with pytest.raises(ValueError, match="fail_on 'never' is neither 'error' nor 'warning'"):
        preflight(fail_on="never")  # type: ignore[arg-type]


def test_what_the_user_accepts_passes_and_is_part_of_the_fingerprint(images: Path, before: str) -> None:
    damage(images / "train/cat/0003.jpg")
    ignore = "ignore: [{rule: truncated-image, path: 0003.jpg, reason: known}]\n"
    (images.parent / "datalint.yaml").write_text("dataset: {path: images}\n" + QUIET + ignore)
    assert preflight().fingerprint != before


def test_what_was_not_read_raises_though_it_is_accepted(images: Path) -> None:
    (images / "train/cat/0003.jpg").write_bytes(POINTER)
    ignore = "ignore: [{rule: lfs-pointer, path: 0003.jpg, reason: known}]\n"
    (images.parent / "datalint.yaml").write_text("dataset: {path: images}\n" + QUIET + ignore)
    with pytest.raises(DatasetError, match=r"^1 thing not checked\nUNDECIDED  images") as caught:
        preflight()
    assert "images/train/cat/0003.jpg: its content was not fetched" in str(caught.value)


def test_an_image_that_is_too_large_to_be_read_has_no_fingerprint(images: Path) -> None:
    with open(images / "train/cat/0003.jpg", "r+b") as file:
        file.truncate(2**31 + 1)
    with pytest.raises(DatasetError, match="an image that nobody read, so there is no fingerprint") as caught:
        preflight()
    assert caught.value.fingerprint is None


def test_a_rule_that_could_not_run_raises(images: Path) -> None:
    folder = images.parent / ".datalint/rules"
    folder.mkdir(parents=True)
    (folder / "number.yaml").write_text(
        "id: acme/number\ntitle: A number\nseverity: info\nfamily: misled\ndocs: because\n"
        "message: '{path}'\nremedy: none\nkey: [path]\n"
        "sql: select path, cast(path as integer) as n from samples where cast(path as integer) > 0\n"
        "tests:\n- {name: none, given: {samples: [{path: '0'}]}, expect: []}\n"
        "- {name: one, given: {samples: [{path: '5'}]}, expect: [{path: '5'}]}\n"
    )
    (images.parent / "datalint.yaml").write_text(
        "dataset: {path: images}\nrules: {paths: [.datalint/rules], settings: {rare-class: off}}\n"
    )
    with pytest.raises(DatasetError, match=r"^1 thing not checked\nUNDECIDED") as caught:
        preflight()
    assert "rule acme/number: " in str(caught.value)


def test_nothing_to_judge_raises(images: Path) -> None:
    with pytest.raises(UsageError, match="no such file or folder: nowhere"):
        preflight("nowhere")
    (images.parent / "empty").mkdir()
    with pytest.raises(UnfinishedError, match="no samples found"):
        preflight("empty")
    (images.parent / "datalint.yaml").write_text("dataset: {path: images}\ntrainings: {}\n")
    with pytest.raises(UsageError, match=r"datalint\.yaml:2:1: "):
        preflight()


def rename(folder: Path) -> None:
    (folder / "train/cat/0000.jpg").rename(folder / "train/cat/other.jpg")


def exchange(folder: Path) -> None:
    one, other = folder / "train/cat/0000.jpg", folder / "train/cat/0001.jpg"
    one.rename(folder / "kept")
    other.rename(one)
    (folder / "kept").rename(other)


def another_class(folder: Path) -> None:
    (folder / "train/cat/0000.jpg").rename(folder / "train/dog/other.jpg")


def renamed_class(folder: Path) -> None:
    for split in ("train", "val"):
        (folder / split / "dog").rename(folder / split / "eel")


def shifted_class(folder: Path) -> None:
    """No sample has changed, and every index has."""
    for split in ("train", "val"):
        (folder / split / "ant").mkdir()


def another_split(folder: Path) -> None:
    (folder / "train/cat/0011.jpg").rename(folder / "val/cat/0011.jpg")


def more(folder: Path) -> None:
    picture(folder / "train/cat/more.jpg", 999)


def fewer(folder: Path) -> None:
    (folder / "train/cat/0000.jpg").unlink()


def one_pixel(folder: Path) -> None:
    picture(folder / "train/cat/0000.jpg", 998)


@pytest.fixture(scope="module")
def before(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The fingerprint of a dataset that is like `images`, made elsewhere."""
    folder = tmp_path_factory.mktemp("before")
    dataset(folder)
    return preflight(folder, use_cache=False).fingerprint


@pytest.mark.parametrize(
    "change",
    [rename, exchange, another_class, renamed_class, shifted_class, another_split, more, fewer, one_pixel],
)
def test_another_dataset_has_another_fingerprint(images: Path, before: str, change: Callable[[Path], None]) -> None:
    change(images)
    with pytest.raises(DatasetError) as caught:
        preflight(expected=before)
    said = f"another fingerprint than the expected one ({caught.value.fingerprint}, expected {before})"
    assert said in str(caught.value).splitlines()[0]
    assert caught.value.fingerprint not in (None, before)


def test_the_same_dataset_elsewhere_has_the_same_fingerprint(
    images: Path, before: str, monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> None:
    assert preflight(use_cache=False).fingerprint == before
    away = tmp_path_factory.mktemp("away") / "copy"
    shutil.copytree(images, away)
    for path in away.rglob("*.jpg"):
        os.utime(path, (1, 1))
    (away / "README.md").write_text("no sample")
    assert preflight(away).fingerprint == before
    monkeypatch.chdir(away / "train/cat")
    assert preflight("../..", expected=before).fingerprint == before


def test_the_same_pictures_below_an_odd_folder_have_the_same_fingerprint(images: Path, before: str) -> None:
    odd = os.fsdecode(os.fsencode(images.parent) + b"/\xff")
    images.rename(odd)
    (images.parent / "datalint.yaml").write_text(QUIET + "ignore: [{rule: path-not-utf8, path: '*', reason: known}]\n")
    assert preflight(odd, expected=before).fingerprint == before


def rows(*lines: str) -> str:
    return "\n".join(["path,label,split", *lines]) + "\n"


def test_a_manifest_says_what_its_images_are(images: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lines = [f"{path.relative_to(images)},{path.parts[-2]},{path.parts[-3]}" for path in sorted(images.rglob("*.jpg"))]
    table = images / "data.csv"
    (images.parent / "datalint.yaml").write_text(QUIET)
    table.write_text(rows(*lines))
    before = preflight(table).fingerprint
    table.write_text(rows(*reversed(lines)))
    assert preflight(table).fingerprint == before
    monkeypatch.chdir(images)
    shutil.copy(images.parent / "datalint.yaml", images / "datalint.yaml")
    assert preflight("data.csv").fingerprint == before
    table.write_text(rows(*lines[:-1], lines[-1].replace(",dog,", ",cat,")))
    assert preflight("data.csv").fingerprint != before
    table.write_text(rows(*lines[:-1], lines[-1].replace(",val", ",test")))
    with pytest.raises(DatasetError, match="another fingerprint"):
        preflight("data.csv", expected=before)


def test_the_same_folder_is_found_with_a_manifest_in_it(here: Path) -> None:
    """Whether the manifest itself is named or the folder that holds it."""
    dataset(here / "all")
    folder = here / "data"
    folder.mkdir()
    lines = []
    for number, path in enumerate(sorted((here / "all").rglob("*.jpg"))):
        shutil.copy(path, folder / f"{number}.jpg")
        lines.append(f"{number}.jpg,{path.parts[-2]},{path.parts[-3]}")
    (folder / "data.csv").write_text(rows(*lines))
    (here / "datalint.yaml").write_text(QUIET)
    assert preflight("data").fingerprint == preflight("data/data.csv").fingerprint


def run(*command: str, folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *command], cwd=folder, check=False, capture_output=True, text=True, env=CLEAN_ENVIRONMENT
    )


SCRIPT = """\
import sys
from datalint.integrations.keras import preflight
print(preflight(expected=sys.argv[1] if len(sys.argv) > 1 else None).fingerprint)
"""


def test_a_script_stops_where_the_command_stops(images: Path) -> None:
    """The real command and a real script, one after the other, on one cache."""
    folder = images.parent
    (folder / "train.py").write_text(SCRIPT)
    assert run("-m", "datalint", "check", folder=folder).returncode == ExitCode.CLEAN
    passed = run("train.py", folder=folder)
    assert (passed.returncode, passed.stderr) == (0, "")
    fingerprint = passed.stdout.strip()
    assert run("train.py", fingerprint, folder=folder).stdout == passed.stdout
    picture(images / "train/cat/more.jpg", 999)
    assert run("-m", "datalint", "check", folder=folder).returncode == ExitCode.CLEAN
    changed = run("train.py", fingerprint, folder=folder)
    assert changed.returncode == 1
    assert "DatasetError: another fingerprint than the expected one" in changed.stderr
    damage(images / "train/cat/more.jpg")
    check = run("-m", "datalint", "check", "-o", "text", folder=folder)
    assert check.returncode == ExitCode.BLOCKED
    stopped = run("train.py", folder=folder)
    assert stopped.returncode == 1
    [finding] = [line for line in check.stdout.splitlines() if "error truncated-image" in line]
    assert finding in stopped.stderr.splitlines()
