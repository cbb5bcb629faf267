"""The only module that runs git. Names travel as bytes and NUL-separated, so no name can break a listing."""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from datalint.errors import UnfinishedError, UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

# `git status`-like commands must not write the index of a repository that is being committed.
_ENVIRONMENT = {"LC_ALL": "C", "GIT_OPTIONAL_LOCKS": "0"}
REGULAR, EXECUTABLE, LINK, SUBMODULE = "100644", "100755", "120000", "160000"


@dataclass(frozen=True, slots=True)
class Item:
    """One entry of the index or of a tree; `stage` is above 0 in an unfinished merge."""

    path: str
    mode: str
    blob: str
    stage: int = 0


def run(directory: str, *words: str) -> bytes:
    """Standard output of a git command; raises UsageError with git's own first line when it refuses."""
    try:
        process = subprocess.run(
            ("git", "-C", directory, *words),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=False,
            env={**os.environ, **_ENVIRONMENT},
        )
    except FileNotFoundError as error:
        raise UnfinishedError("git is not installed or not on PATH") from error
    if process.returncode:
        lines = process.stderr.decode("utf-8", "replace").strip().splitlines() or [f"exit {process.returncode}"]
        raise UsageError(f"git {words[0]}: {lines[0].removeprefix('fatal: ')}")
    return process.stdout


def top_level(directory: str) -> str:
    """Absolute path of the work tree that holds `directory`."""
    return os.fsdecode(run(directory, "rev-parse", "--show-toplevel").rstrip(b"\n"))


def hooks_folder(directory: str) -> str:
    """Where git looks for hooks (core.hooksPath counts)."""
    return os.path.join(directory, os.fsdecode(run(directory, "rev-parse", "--git-path", "hooks").rstrip(b"\n")))


def common_folder(directory: str) -> str:
    """The repository's shared folder, which holds `objects` and `lfs`."""
    return os.path.join(directory, os.fsdecode(run(directory, "rev-parse", "--git-common-dir").rstrip(b"\n")))


def index_listing(top: str, paths: Sequence[str]) -> bytes:
    """Mode, blob id and name of every index entry at or below `paths`, as git prints it."""
    literal = [f":(top,literal){path}" for path in paths if path not in ("", ".")]
    if len(literal) < len(paths):
        literal = []
    return run(top, "ls-files", "--stage", "-z", "--full-name", "--", *literal)


def index_items(top: str) -> list[Item]:
    """Every entry of the index, in git's order."""
    return [_index_item(record) for record in run(top, "ls-files", "--stage", "-z").split(b"\0")[:-1]]


def _index_item(record: bytes) -> Item:
    head, _, name = record.partition(b"\t")
    mode, blob, stage = head.decode().split(" ")
    return Item(os.fsdecode(name), mode, blob, int(stage))


def tree_items(top: str, ref: str) -> list[Item]:
    """Every file of a commit; raises UsageError for a ref that does not exist."""
    try:
        commit = run(top, "rev-parse", "--verify", "--end-of-options", f"{ref}^{{commit}}").decode().strip()
    except UsageError as error:
        raise UsageError(f"no such commit: {ref}") from error
    return [_tree_item(record) for record in run(top, "ls-tree", "-r", "-z", "--full-tree", commit).split(b"\0")[:-1]]


def _tree_item(record: bytes) -> Item:
    head, _, name = record.partition(b"\t")
    mode, _, blob = head.decode().split(" ")
    return Item(os.fsdecode(name), mode, blob)


class BlobReader:
    """Reads blobs over one `git cat-file --batch` process; close it, or use it in a `with` block."""

    def __init__(self, repository: str) -> None:
        self._process = subprocess.Popen(
            ("git", "-C", repository, "cat-file", "--batch"),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={**os.environ, **_ENVIRONMENT},
        )

    def read(self, blob: str) -> bytes:
        """Bytes of one blob; raises FileNotFoundError where the object is missing (a partial clone)."""
        source, sink = self._process.stdin, self._process.stdout
        assert source is not None
        assert sink is not None
        source.write(blob.encode() + b"\n")
        source.flush()
        head = sink.readline().split()
        if len(head) != 3:
            raise FileNotFoundError(f"git object {blob} is missing")
        size = int(head[2])
        data = sink.read(size + 1)
        if len(data) != size + 1:
            raise OSError(f"git cat-file ended within object {blob}")
        return data[:-1]

    def close(self) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.stdout.close()
        self._process.wait()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
