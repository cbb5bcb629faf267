"""The real `dvc` makes repositories, changes them and says what it thinks of them: our verdict is its.

It is looked for in PATH, or named by DATALINT_DVC; it has a hundred dependencies and is no part of the `dev` extra.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

from datalint.source.worktree import open_worktree
from tests.source.dvc_repository import create

DVC = os.environ.get("DATALINT_DVC") or shutil.which("dvc")
pytestmark = [pytest.mark.skipif(DVC is None, reason="dvc is not installed"), pytest.mark.slow]


@dataclass(frozen=True)
class Real:
    top: Path

    def dvc(self, *words: str) -> str:
        environment = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
        environment |= {"DVC_NO_ANALYTICS": "1", "DVC_GLOBAL_CONFIG_DIR": str(self.top / ".none")}
        process = subprocess.run(
            [str(DVC), *words], cwd=self.top, check=True, capture_output=True, text=True, env=environment
        )  # fmt: skip
        return process.stdout

    def write(self, name: str, content: bytes) -> None:
        place = self.top / name
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(content)

    def status(self) -> dict[str, str]:
        """Output -> deleted, modified, not in cache, ...; empty where all is as it should be."""
        found: dict[str, str] = {}
        for stages in json.loads(self.dvc("status", "--json")).values():
            for change in stages:
                found |= change.get("changed outs", {})
        return found

    def files(self) -> dict[str, list[str]]:
        """What differs from the stages: deleted, modified and added files of the work tree."""
        return dict(json.loads(self.dvc("data", "status", "--granular", "--json")).get("uncommitted", {}))


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Real:
    top = tmp_path_factory.mktemp("dvc")
    subprocess.run(["git", "init", "-q"], cwd=top, check=True)
    real = Real(top)
    real.dvc("init", "-q")
    chance = random.Random(1)
    for number in range(12):
        name = f"data/{('train', 'val')[number % 2]}/{('cat', 'ünï dog')[number % 3 == 0]}/{number}.jpg"
        real.write(name, chance.randbytes(50 + number))
    real.write("labels.csv", b"path,label\n")
    real.dvc("add", "-q", "data", "labels.csv")
    return real


@pytest.fixture
def copy(repository: Real, tmp_path: Path) -> Real:
    return Real(Path(shutil.copytree(repository.top, tmp_path / "copy", symlinks=True)))


def ours(real: Real) -> tuple[dict[str, str], set[str]]:
    """Output -> kind, and the files that are not there."""
    source = open_worktree(str(real.top))
    missing = {entry.path for entry in source.entries(".") if entry.kind == "pointer"}
    return {each.path: each.kind for each in source.tracked(".")}, missing


def agree(real: Real) -> None:
    kinds, missing = ours(real)
    status = real.status()
    changed = real.files()
    deleted = {name for name in changed.get("deleted", []) if not name.endswith("/")}
    assert missing == deleted
    for out in ("data", "labels.csv"):
        gone = any(name == out or name.startswith(f"{out}/") for name in deleted)
        if gone:
            assert kinds[out] == "dvc-missing"
            assert status[out] in ("deleted", "modified")
        elif kinds.get(out) == "dvc-changed":
            assert status[out] == "modified"
        else:
            assert out not in kinds
            assert out not in status


def test_what_was_added_is_whole(copy: Real) -> None:
    assert ours(copy) == ({}, set())
    agree(copy)


def test_a_folder_and_a_file_that_are_deleted(copy: Real) -> None:
    shutil.rmtree(copy.top / "data")
    (copy.top / "labels.csv").unlink()
    assert len(ours(copy)[1]) == 13
    agree(copy)


def test_a_file_that_is_added_or_grows(copy: Real) -> None:
    copy.write("data/train/cat/new.jpg", b"new")
    agree(copy)
    assert ours(copy)[0] == {"data": "dvc-changed"}
    copy.write("labels.csv", b"path,label,split\n")
    agree(copy)
    assert ours(copy)[0] == {"data": "dvc-changed", "labels.csv": "dvc-changed"}


def test_files_deleted_by_chance(copy: Real) -> None:
    everything = sorted(path for path in (copy.top / "data").rglob("*.jpg"))
    for seed in range(4):
        gone = random.Random(seed).sample(everything, 2)
        for path in gone:
            path.unlink(missing_ok=True)
        agree(copy)


def test_a_cache_that_was_emptied(copy: Real) -> None:
    shutil.rmtree(copy.top / ".dvc/cache")
    kinds, missing = ours(copy)
    assert (kinds, missing) == ({}, set())
    shutil.rmtree(copy.top / "data")
    kinds, missing = ours(copy)
    assert (kinds, missing) == ({"data": "dvc-missing"}, set())
    assert copy.status()["data"] in ("deleted", "not in cache")


def test_checkout_puts_back_what_we_said_it_would(copy: Real) -> None:
    shutil.rmtree(copy.top / "data")
    ((each),) = open_worktree(str(copy.top)).tracked(".")
    assert each.detail.endswith("`dvc checkout`")
    copy.dvc("checkout", "-q", each.stage)
    assert ours(copy) == ({}, set())


def test_our_own_repositories_are_what_dvc_makes(repository: Real, tmp_path: Path) -> None:
    made = create(tmp_path / "made")
    shutil.copytree(repository.top / "data", made.top / "data")
    made.add("data")
    assert (made.top / "data.dvc").read_text() == (repository.top / "data.dvc").read_text()
    real = {path.name: path.read_bytes() for path in (repository.top / ".dvc/cache").rglob("*") if path.is_file()}
    assert {path.name for path in made.cache.rglob("*") if path.is_file()} <= set(real)


def test_a_pipeline_that_ran_and_one_that_did_not(copy: Real) -> None:
    (copy.top / "dvc.yaml").write_text(
        "stages:\n  make:\n    cmd: mkdir -p out && echo 1 > out/a.txt && echo 2 > out/b.txt\n    outs: [out]\n"
    )
    assert ours(copy)[0] == {"out": "dvc-unmade"}
    copy.dvc("repro", "-q")
    assert ours(copy) == ({}, set())
    shutil.rmtree(copy.top / "out")
    assert ours(copy) == ({"out": "dvc-missing"}, {"out/a.txt", "out/b.txt"})
    assert copy.status()["out"] == "deleted"


@pytest.mark.parametrize("kind", ["symlink", "hardlink"])
def test_links_into_the_cache(kind: str, copy: Real) -> None:
    copy.dvc("config", "cache.type", kind)
    copy.dvc("checkout", "-q", "--relink")
    agree(copy)
    assert ours(copy) == ({}, set())
