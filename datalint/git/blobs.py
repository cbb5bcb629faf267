"""What the objects of a repository hold."""

from __future__ import annotations

import contextlib
import os
from typing import TYPE_CHECKING, Self

from datalint.git.commits import commit
from datalint.git.process import REFUSED, ask, save, start

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable, Iterable
    from contextlib import AbstractContextManager


def show(top: str, ref: str, path: str) -> bytes | None:
    """Content of one file of a commit, None where the commit has no such file."""
    name = f"{commit(top, ref)}:{os.path.normpath(path)}"
    try:
        process = ask(top, "cat-file", "blob", name)
    except ValueError:
        return None
    return None if process.returncode else process.stdout


def sizes(top: str, blobs: Iterable[str]) -> dict[str, int]:
    """Bytes of every blob that the repository has; one git process for all of them."""
    wanted = set(blobs)
    words = ("cat-file", "--batch-check=%(objectname) %(objectsize)", "--buffer")
    process = ask(top, *words, feed="".join(f"{blob}\n" for blob in wanted).encode())
    if process.returncode:
        # At the first blob that a partial clone has not fetched git gives up: ask for all that it has.
        process = ask(top, *words, "--batch-all-objects", "--unordered")
    lines = (line.split(b" ") for line in process.stdout.splitlines())
    found = ((name.decode(), int(size)) for name, size in lines if size.isdigit())
    return {name: size for name, size in found if name in wanted}


def write_blob(repository: str, blob: str, place: str) -> None:
    """Copy a blob of any size to a file that appears whole; raises FileNotFoundError where git lacks it."""
    part = f"{place}.part"
    with open(part, "wb") as file:
        found = save(repository, "cat-file", "blob", blob, file=file)
    if not found:
        os.unlink(part)
        raise FileNotFoundError(f"git object {blob} is missing")
    os.replace(part, place)


class BlobReader:
    """Reads blobs over one `git cat-file --batch` process; close it, or use it in a `with` block."""

    def __init__(
        self, repository: str, *, around: Callable[[], AbstractContextManager[None]] = contextlib.nullcontext
    ) -> None:
        """`around` is entered while git starts."""
        self._repository = repository
        self._around = around
        self._process = self._start()

    def _start(self) -> subprocess.Popen[bytes]:
        with self._around():
            return start(self._repository, "cat-file", "--batch")

    def read(self, blob: str) -> bytes:
        """Bytes of one blob; raises FileNotFoundError where git lacks it, OSError when git itself is gone."""
        source, sink = self._process.stdin, self._process.stdout
        assert source is not None
        assert sink is not None
        source.write(blob.encode() + b"\n")
        source.flush()
        head = sink.readline()
        if not head:
            raise self._ended(blob)
        if not head.rstrip(b"\n").rpartition(b" ")[2].isdigit():
            raise FileNotFoundError(f"git object {blob} is missing")
        size = int(head.split()[2])
        data = sink.read(size + 1)
        if len(data) != size + 1:
            raise OSError(f"git cat-file ended within object {blob}")
        return data[:-1]

    def _ended(self, blob: str) -> OSError:
        """Git gives up (128) on a blob that a partial clone has not fetched; for the next one it starts anew."""
        self.close()
        here = not ask(self._repository, "rev-parse", "--git-dir").returncode
        if self._process.returncode != REFUSED or not here:
            return OSError(f"git cat-file ended before object {blob}")
        self._process = self._start()
        return FileNotFoundError(f"git object {blob} is damaged, or a partial clone has not fetched it")

    def close(self) -> None:
        """Ends git; also after it died by itself."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        with contextlib.suppress(BrokenPipeError):
            self._process.stdin.close()
        self._process.stdout.close()
        self._process.wait()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
