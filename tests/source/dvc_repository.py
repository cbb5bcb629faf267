"""A repository as `dvc add` leaves it, made by hand: tests/source/test_dvc_oracle.py holds it against the real one."""

from __future__ import annotations

import hashlib
import json
import shutil
from dataclasses import dataclass
from pathlib import Path


def md5(content: bytes) -> str:
    return hashlib.md5(content, usedforsecurity=False).hexdigest()


@dataclass(frozen=True)
class DvcRepository:
    """`cache` is where objects lie."""

    top: Path
    cache: Path

    def put(self, content: bytes, suffix: str = "") -> str:
        digest = md5(content)
        place = self.cache / digest[:2] / (digest[2:] + suffix)
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(content)
        return digest

    def add(self, path: str, *, stage: str | None = None, wdir: str = "") -> str:
        """Put a file or folder of the work tree into the cache; returns its stage."""
        place = self.top / path
        stage = stage or f"{path}.dvc"
        if place.is_dir():
            files = sorted(file for file in place.rglob("*") if file.is_file())
            listed = [
                {"md5": self.put(file.read_bytes()), "relpath": file.relative_to(place).as_posix()} for file in files
            ]
            digest = self.put(json.dumps(listed).encode(), ".dir") + ".dir"
            size, more = sum(file.stat().st_size for file in files), f"  nfiles: {len(files)}\n"
        else:
            digest, size, more = self.put(place.read_bytes()), place.stat().st_size, ""
        written = path if wdir else place.name
        head = f"wdir: {wdir}\n" if wdir else ""
        text = f"{head}outs:\n- md5: {digest}\n  size: {size}\n{more}  hash: md5\n  path: {written}\n"
        (self.top / stage).parent.mkdir(parents=True, exist_ok=True)
        (self.top / stage).write_text(text)
        return stage

    def forget(self, content: bytes, suffix: str = "") -> None:
        """Take an object out of the cache."""
        digest = md5(content)
        (self.cache / digest[:2] / (digest[2:] + suffix)).unlink()

    def forget_all(self) -> None:
        shutil.rmtree(self.cache)


def create(top: Path, *, layout: str = "files/md5", cache: str = ".dvc/cache") -> DvcRepository:
    (top / ".dvc").mkdir(parents=True)
    (top / ".dvc/config").write_text(
        "[core]\n    remote = storage\n['remote \"storage\"']\n    url = s3://bucket/dvc\n"
    )
    return DvcRepository(top, top / cache / layout)
