"""The child process and its pipes: a question that takes too long ends with its death."""

from __future__ import annotations

import contextlib
import json
import os
import queue
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import datalint
from datalint.ending import ending
from datalint.pipes import listen

if TYPE_CHECKING:
    from collections.abc import Mapping

START_TIMEOUT = 120.0
_END_TIMEOUT = 5.0
# -P and the explicit path: the child must never import a module from the directory that is being linted.
# _exit: taking Python and DuckDB apart would cost every run 25 ms, and there is nothing left to write.
_CHILD = "import os, sys; sys.path.insert(0, sys.argv[1]); from datalint.rule.child import main; main(); os._exit(0)"
_HOME = str(Path(datalint.__file__).parent.parent)


class LostError(Exception):
    """The child is gone; the text says why."""


class Process:
    """Starts at once; jobs are answered in the order in which they were told."""

    def __init__(self, folder: str, *, memory: int, threads: int) -> None:
        self.opened = ""
        """The database that rules run on."""
        self._told, self._given = 0, -1
        """Numbers of the last job, and of the last that was answered; 0 is the start."""
        self._kept: dict[int, dict[str, Any]] = {}
        """Answers that nobody has asked for yet."""
        self._gone: LostError | None = None
        """Why the child is no longer there, once somebody has missed it."""
        self._noise = tempfile.TemporaryFile(dir=folder)  # noqa: SIM115
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-c", _CHILD, _HOME],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._noise,
            cwd=folder,
            # Each of glibc's arenas maps 64 MiB of the address space that is limited.
            env={**os.environ, "MALLOC_ARENA_MAX": "2"},
        )
        assert self._process.stdout
        self._answers, self._listener = listen(self._process.stdout)
        # A child that is dead already is missed by whoever waits for its first answer.
        with contextlib.suppress(OSError):
            self._write({"step": "start", "folder": folder, "memory": memory, "threads": threads})

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def alive(self) -> bool:
        return self._process.poll() is None

    def ask(self, job: Mapping[str, Any], *, timeout: float | None) -> dict[str, Any]:
        """Raises LostError, and has killed the child, when no answer came within `timeout` seconds."""
        return self.answer(self.tell(job), timeout)

    def tell(self, job: Mapping[str, Any]) -> int:
        """A job whose answer is taken later, by its number; raises LostError."""
        try:
            self._write(job)
        except OSError as error:
            raise self._lost() from error
        self._told += 1
        return self._told

    def answer(self, number: int, timeout: float | None) -> dict[str, Any]:
        """That of a job; raises as `ask`. How long the start and earlier jobs take is not its fault."""
        while self._given < number:
            before = START_TIMEOUT if self._given < 0 else None
            found = self._receive(timeout if self._given == number - 1 else before)
            self._given += 1
            self._kept[self._given] = found
        return self._kept.pop(number)

    def close(self) -> None:
        """Ends an idle child in good order, so that whoever watches it sees all of it; kills a busy one."""
        if self._given == self._told:
            assert self._process.stdin
            with contextlib.suppress(OSError):
                self._process.stdin.close()
            self._listener.join(_END_TIMEOUT)
        self.kill()

    def kill(self) -> None:
        self._process.kill()
        self._process.wait()
        self._listener.join()
        for pipe in (self._process.stdin, self._noise):
            with contextlib.suppress(OSError):
                assert pipe
                pipe.close()

    def _write(self, job: Mapping[str, Any]) -> None:
        assert self._process.stdin
        self._process.stdin.write(json.dumps(job).encode() + b"\n")
        self._process.stdin.flush()

    def _receive(self, timeout: float | None) -> dict[str, Any]:
        try:
            line = self._answers.get(timeout=timeout)
        except queue.Empty:
            self.kill()
            raise LostError(f"it was stopped after {timeout:g} s") from None
        if not line:
            raise self._lost()
        answer: dict[str, Any] = json.loads(line)
        return answer

    def _lost(self) -> LostError:
        if self._gone is None:
            self._process.wait()
            self._noise.seek(0)
            said = self._noise.read().decode("utf-8", "replace").strip().splitlines()
            self.kill()
            words = f": {said[-1][:200]}" if said else ""
            self._gone = LostError(f"its process ended: {ending(self._process.returncode)}{words}")
        return self._gone
