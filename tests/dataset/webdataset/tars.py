"""Archives as writers leave them, and what is read of them."""

from __future__ import annotations

import io
import random
import tarfile
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from PIL import Image

from datalint.dataset.options import Options
from datalint.dataset.webdataset import read
from datalint.source.worktree import open_worktree

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from datalint.dataset import Dataset

    Mode = Literal["w", "w:gz"]

Named = tuple[str, bytes]


def image(number: int, suffix: str = "png") -> bytes:
    """A small picture that no other number gives."""
    target = io.BytesIO()
    picture = Image.frombytes("RGB", (24, 24), random.Random(number).randbytes(24 * 24 * 3))
    picture.save(target, "JPEG" if suffix in ("jpg", "jpeg") else suffix.upper())
    return target.getvalue()


def samples(count: int, *, start: int = 0, suffix: str = "png") -> list[Named]:
    """Members of complete samples with three classes."""
    members: list[Named] = []
    for number in range(start, start + count):
        members += [(f"{number:06}.{suffix}", image(number, suffix)), (f"{number:06}.cls", str(number % 3).encode())]
    return members


def pack(path: Path, members: Iterable[Named], mode: Mode = "w", format_: int = tarfile.GNU_FORMAT) -> Path:
    """An archive of regular files in that order."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(path, mode, format=format_) as archive:
        for name, content in members:
            about = tarfile.TarInfo(name)
            about.size = len(content)
            archive.addfile(about, io.BytesIO(content))
    return path


@dataclass(frozen=True)
class Found:
    """A dataset with its tables as rows."""

    dataset: Dataset

    def rows(self, table: str) -> list[dict[str, Any]]:
        columns = getattr(self.dataset, table).columns
        return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]

    def problems(self, kind: str) -> list[dict[str, Any]]:
        return [row for row in self.rows("problems") if row["kind"] == kind]

    @property
    def kinds(self) -> set[str]:
        return {row["kind"] for row in self.rows("problems")}

    @property
    def labels(self) -> list[str | None]:
        return [row["label"] for row in self.rows("samples")]

    def shard(self, name: str) -> dict[str, Any]:
        (found,) = [row for row in self.rows("shards") if row["path"] == name]
        return found


def found(
    home: Path,
    root: str = ".",
    *,
    columns: Mapping[str, str] | None = None,
    splits: Mapping[str, str] | None = None,
) -> Found:
    """What is read at a root below `home`."""
    return Found(read(open_worktree(str(home)), root, Options(columns=columns or {}, splits=splits)))
