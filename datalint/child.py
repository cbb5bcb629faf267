"""A process of our own that gets one job as JSON and answers in lines of JSON; it may be slow, and it may die."""

from __future__ import annotations

import contextlib
import json
import os
import queue
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import datalint
from datalint.errors import UnfinishedError
from datalint.pipes import listen

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from types import TracebackType

# -P and the explicit path: the child must never import a module from the directory that is being judged.
_CODE = "import sys; sys.path.insert(0, sys.argv[1]); from {module} import main; main()"
_GRACE = 2.0
"""Seconds that a child which has answered gets to end by itself."""
_HOME = str(Path(datalint.__file__).parent.parent)


class Child:
    """A started process, which is gone when the `with` block ends.

    It may see in its standard input when its parent is gone: that stays open until then.
    """

    def __init__(self, module: str, job: Mapping[str, Any], *, environment: Mapping[str, str]) -> None:
        """`module` has a function `main`; raises UnfinishedError where no process can be started."""
        self._noise = tempfile.TemporaryFile()  # noqa: SIM115
        self.status: int | None = None
        """Its `returncode`, once it has ended by itself."""
        try:
            self._process = subprocess.Popen(
                [sys.executable, "-P", "-c", _CODE.format(module=module), _HOME],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self._noise,
                env={**os.environ, **environment},
                # A ^C at the terminal is for the parent, which then ends its child.
                start_new_session=True,
            )
        except OSError as error:
            self._noise.close()
            raise UnfinishedError(f"cannot start a process: {error.strerror or error}") from error
        assert self._process.stdin
        assert self._process.stdout
        self._lines, self._listener = listen(self._process.stdout)
        try:
            # One that is dead already is missed by whoever waits for its first answer.
            with contextlib.suppress(OSError):
                self._process.stdin.write(json.dumps(job).encode() + b"\n")
                self._process.stdin.flush()
        except BaseException:  # ^C, before anybody could leave the `with` block
            self.kill()
            raise

    def __enter__(self) -> Child:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None or issubclass(kind, Exception):
            # It has answered, and what it does at its end (a coverage report, say) is lost to a signal.
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(_GRACE)
        self.kill()
        self._noise.close()

    def answers(self, *, until: float) -> Iterator[dict[str, Any]]:
        """Each as it comes, up to the child's end or the moment `until` (time.monotonic), when it is killed.

        `status` tells the two apart.
        """
        while True:
            try:
                line = self._lines.get(timeout=max(0.0, until - time.monotonic()))
            except queue.Empty:
                self.kill()
                return
            if not line:
                self.status = self._process.wait()
                return
            with contextlib.suppress(ValueError):  # the last line of one that was killed may be half a line
                answer: dict[str, Any] = json.loads(line)
                yield answer

    @property
    def said(self) -> str:
        """The last line of its standard error."""
        self._noise.seek(0)
        lines = self._noise.read().decode("utf-8", "replace").strip().splitlines()
        return lines[-1][:300] if lines else ""

    def kill(self) -> None:
        """With whatever processes it started."""
        if self._process.poll() is None:
            with contextlib.suppress(OSError):
                if hasattr(os, "killpg"):
                    os.killpg(self._process.pid, signal.SIGKILL)
                else:
                    self._process.kill()
        self._process.wait()
        self._listener.join()
        assert self._process.stdin
        with contextlib.suppress(OSError):
            self._process.stdin.close()
