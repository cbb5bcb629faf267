"""Real repositories with real pictures, and the real commands run in them."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from datalint.cli import main

CLEAN_ENVIRONMENT = {
    name: value
    for name, value in os.environ.items()
    if not name.startswith(("GIT_", "PRE_COMMIT", "DATALINT_"))
    and name not in ("FORCE_COLOR", "NO_COLOR", "GITHUB_ACTIONS")
}


@dataclass(frozen=True)
class Repository:
    """A git repository whose commands see nothing of the machine's own git configuration."""

    folder: Path

    def git(self, *words: str, ok: bool = True, **environment: str) -> subprocess.CompletedProcess[str]:
        return self.run("git", *words, ok=ok, **environment)

    def datalint(self, *words: str, ok: bool = False, **environment: str) -> subprocess.CompletedProcess[str]:
        return self.run(sys.executable, "-m", "datalint", *words, ok=ok, **environment)

    def run(self, *command: str, ok: bool, **environment: str) -> subprocess.CompletedProcess[str]:
        process = subprocess.run(
            command,
            cwd=self.folder,
            check=False,
            capture_output=True,
            text=True,
            errors="surrogateescape",
            env={**CLEAN_ENVIRONMENT, **_IDENTITY, **environment},
        )
        if ok and process.returncode:
            raise AssertionError(f"{command} gave {process.returncode}\n{process.stdout}\n{process.stderr}")
        return process

    def commit(self, message: str = "change", *options: str, ok: bool = True) -> subprocess.CompletedProcess[str]:
        return self.git("commit", "-m", message, *options, ok=ok)


_IDENTITY = {
    "GIT_AUTHOR_NAME": "a",
    "GIT_AUTHOR_EMAIL": "a@example.invalid",
    "GIT_COMMITTER_NAME": "a",
    "GIT_COMMITTER_EMAIL": "a@example.invalid",
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_NOSYSTEM": "1",
}


def picture(path: Path, seed: int, *, size: int = 64) -> Path:
    """A JPEG with texture, different for every seed."""
    path.parent.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(seed)
    coarse = rng.integers(0, 256, (8, 8, 3), dtype=np.uint8)
    Image.fromarray(coarse).resize((size, size)).save(path, quality=90)
    return path


def dataset(folder: Path, *, per_class: int = 12, validation: int = 4, first_seed: int = 0) -> None:
    """A trainable ImageFolder: two classes, train and val, no two pictures alike."""
    seed = first_seed
    for split, number in (("train", per_class), ("val", validation)):
        for label in ("cat", "dog"):
            for index in range(number):
                picture(folder / split / label / f"{index:04}.jpg", seed)
                seed += 1


CONFIG = """\
dataset: {path: images}
training: {batch: 4}
rules: {settings: {rare-class: off}}
"""


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    """A committed, trainable dataset in `images/`."""
    folder = tmp_path / "repository"
    folder.mkdir()
    made = Repository(folder)
    made.git("init", "-q", "-b", "main")
    dataset(folder / "images")
    (folder / "datalint.yaml").write_text(CONFIG)
    made.git("add", ".")
    made.git("commit", "-qm", "dataset")
    return made


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working directory, with a dataset in `images`."""
    monkeypatch.chdir(tmp_path)
    for name in ("DATALINT_CONFIG", "GITHUB_ACTIONS"):
        monkeypatch.delenv(name, raising=False)
    dataset(tmp_path / "images")
    return tmp_path


def say(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str, str]:
    """Exit code, standard output and standard error of a command in this process."""
    code = main([*words])
    out, error = capsys.readouterr()
    return code, out, error
