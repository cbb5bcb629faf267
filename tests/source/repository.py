"""A real git repository to play with."""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

_SETTINGS = (
    "-c", "user.name=someone", "-c", "user.email=someone@example.org", "-c", "init.defaultBranch=main",
    "-c", "commit.gpgsign=false", "-c", "core.autocrlf=false", "-c", "protocol.file.allow=always",
)  # fmt: skip


@dataclass(frozen=True)
class Repository:
    folder: Path

    @property
    def top(self) -> str:
        return str(self.folder)

    def git(self, *words: str, **environment: str) -> bytes:
        return subprocess.run(
            ["git", *_SETTINGS, *words],
            cwd=self.folder,
            env={**os.environ, **environment},
            check=True,
            capture_output=True,
        ).stdout

    def write(self, path: str, content: bytes = b"") -> Path:
        place = self.folder / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(content)
        return place

    def link(self, path: str, target: str) -> None:
        place = self.folder / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.symlink_to(target)

    def commit(self, message: str = "change") -> None:
        self.git("add", "--all")
        self.git("commit", "--quiet", "--allow-empty", "-m", message)


def create(folder: Path, *words: str) -> Repository:
    folder.mkdir(parents=True, exist_ok=True)
    repository = Repository(folder.resolve())
    repository.git("init", "--quiet", *words)
    return repository
