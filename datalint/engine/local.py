"""Worker processes over pipes; a crash, a hang or a kill is attributed to the item that it befell.

An item on which a process died is tried once more, alone in a fresh process: if that dies too, the item
is the cause; if it lives, something outside killed the first one (kill -9, the kernel's memory killer). After
SIGKILL there is one trial more, because who kills from outside may hit the second process too.
"""

from __future__ import annotations

import os
import pickle
import selectors
import signal
import subprocess
import tempfile
import time
from collections import deque
from contextlib import suppress
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Any

from datalint.ending import ending
from datalint.engine import Answered, Failure
from datalint.engine.marker import SIZE, Markers
from datalint.engine.serve import LENGTH, frame
from datalint.errors import UnfinishedError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

MEMORY = 4 << 30
IN_FLIGHT = 2
"""Batches per worker: it works on one while the next already waits in its pipe."""
MAX_DEATHS = 5
"""Workers that may die in a row without one answer in between."""
START_SECONDS = 60.0
# One process per core is all the parallelism there is.
_LIBRARIES = ("OMP", "OPENBLAS", "MKL", "NUMEXPR", "VECLIB_MAXIMUM")
_ENVIRONMENT = {
    **{f"{name}_NUM_THREADS": "1" for name in _LIBRARIES},
    # glibc would give the pages of one picture back and fault them in again for the next.
    "MALLOC_MMAP_THRESHOLD_": str(32 << 20),
    "MALLOC_TRIM_THRESHOLD_": str(64 << 20),
}


def run(
    command: Sequence[str],
    batches: Iterable[Sequence[Any]],
    *,
    workers: int,
    timeout: float = 60.0,
    memory: int | None = MEMORY,
) -> Iterator[Answered]:
    """Answer every item; `timeout` is seconds for one item, `memory` the bytes of address space of a worker.

    `command` must end in `serve`; raises UnfinishedError when workers cannot be started or keep dying.
    """
    pool = _Pool(command, iter(batches), workers=workers, timeout=timeout, memory=memory or 0)
    done = False
    try:
        yield from pool.answers()
        done = True
    finally:
        pool.close(kill=not done)


@dataclass(frozen=True, slots=True)
class _Batch:
    items: Sequence[Any]
    deaths: int = 0
    """Processes that died on its only item; after one, it is tried again alone."""


class _Worker:
    """One process, what was sent to it and what it has not answered yet."""

    def __init__(self, process: subprocess.Popen[bytes], slot: int) -> None:
        assert process.stdin is not None
        assert process.stdout is not None
        self.process = process
        self.slot = slot
        self.input, self.output = process.stdin.fileno(), process.stdout.fileno()
        os.set_blocking(self.input, False)
        os.set_blocking(self.output, False)
        self.batches: deque[_Batch] = deque()
        self.answered = 0
        self.ready = False
        self.gone = False
        self.touched = time.monotonic_ns()
        self.inbox = bytearray()
        self.outbox = bytearray()

    def flush(self) -> None:
        """Write what the pipe takes; a broken pipe is noticed where it is read."""
        with suppress(BlockingIOError, BrokenPipeError):
            while self.outbox:
                del self.outbox[: os.write(self.input, self.outbox)]

    def read(self) -> bool:
        """Take in what has arrived; False at the end."""
        with suppress(BlockingIOError):
            while chunk := os.read(self.output, 1 << 18):
                self.inbox += chunk
            return False
        return True

    def frames(self) -> Iterator[Any]:
        """Complete messages."""
        at = 0
        while len(self.inbox) >= at + LENGTH.size:
            (length,) = LENGTH.unpack_from(self.inbox, at)
            start, at_next = at + LENGTH.size, at + LENGTH.size + length
            if len(self.inbox) < at_next:
                break
            yield pickle.loads(memoryview(self.inbox)[start:at_next])  # noqa: S301 - our own worker wrote it
            at = at_next
        del self.inbox[:at]


class _Pool:
    def __init__(
        self,
        command: Sequence[str],
        source: Iterator[Sequence[Any]],
        *,
        workers: int,
        timeout: float,
        memory: int,
    ) -> None:
        self.command, self.source = command, source
        self.limit, self.timeout, self.memory = workers, timeout, memory
        self.again: deque[_Batch] = deque()
        self.trials: deque[_Batch] = deque()
        self.workers: list[_Worker] = []
        self.starts = self.deaths = 0
        self.selector = selectors.DefaultSelector()
        self.marker_file = _scratch(workers * SIZE)
        self.markers = Markers(self.marker_file.fileno())
        self.errors = _scratch(0)

    def answers(self) -> Iterator[Answered]:
        self._feed()
        while any(worker.batches for worker in self.workers):
            answered: list[Answered] = []
            seen = set()
            for key, events in self.selector.select(max(0.01, min(1.0, self.timeout / 4))):
                worker: _Worker = key.data
                seen.add(worker.slot)
                if worker.gone:
                    continue
                if events & selectors.EVENT_WRITE:
                    self._flush(worker)
                if events & selectors.EVENT_READ:
                    alive = worker.read()
                    answered += self._take(worker)
                    if not alive:
                        answered += self._bury(worker)
            for worker in [worker for worker in self.workers if worker.slot not in seen]:
                if self._stuck(worker):
                    answered += self._bury(worker, stuck=True)
            # Workers first: the caller may take its time.
            self._feed()
            yield from answered

    def close(self, *, kill: bool) -> None:
        for worker in self.workers:
            if kill:
                _kill(worker.process)
            assert worker.process.stdin is not None
            with suppress(BrokenPipeError):
                worker.process.stdin.close()
        for worker in self.workers:
            self._wait(worker)
        self.selector.close()
        self.markers.close()
        self.marker_file.close()
        self.errors.close()

    def _wait(self, worker: _Worker) -> int:
        try:
            status = worker.process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            _kill(worker.process)
            status = worker.process.wait()
        for pipe in (worker.process.stdin, worker.process.stdout):
            assert pipe is not None
            pipe.close()
        return status

    def _feed(self) -> None:
        """Second trials go to fresh workers; then every worker gets one batch before any gets another."""
        while self.trials and len(self.workers) < self.limit:
            self._send(self._start(), self.trials.popleft())
        for depth in range(IN_FLIGHT):
            for worker in self.workers:
                if len(worker.batches) <= depth and (batch := self._next()):
                    self._send(worker, batch)
            while not depth and len(self.workers) < self.limit and (batch := self._next()):
                self._send(self._start(), batch)

    def _next(self) -> _Batch | None:
        if self.again:
            return self.again.popleft()
        for items in self.source:
            if items:
                return _Batch(items)
        return None

    def _start(self) -> _Worker:
        slot = min(set(range(self.limit)) - {worker.slot for worker in self.workers})
        self.markers.set(slot, 0, None)
        try:
            process = subprocess.Popen(
                [*self.command, str(self.marker_file.fileno()), str(slot), str(self.memory)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self.errors,
                pass_fds=[self.marker_file.fileno()],
                env={**os.environ, **_ENVIRONMENT},
                # A ^C at the terminal is for the parent, which then ends its workers.
                start_new_session=True,
            )
        except OSError as error:
            raise UnfinishedError(f"cannot start a scan process: {error.strerror or error}") from error
        worker = _Worker(process, slot)
        self.workers.append(worker)
        self.selector.register(worker.output, selectors.EVENT_READ, worker)
        return worker

    def _send(self, worker: _Worker, batch: _Batch) -> None:
        worker.batches.append(batch)
        worker.outbox += frame(batch.items)
        worker.touched = time.monotonic_ns()
        self._flush(worker)

    def _flush(self, worker: _Worker) -> None:
        """Ask to be told when a full pipe takes more."""
        worker.flush()
        waiting = worker.input in self.selector.get_map()
        if worker.outbox and not waiting:
            self.selector.register(worker.input, selectors.EVENT_WRITE, worker)
        elif waiting and not worker.outbox:
            self.selector.unregister(worker.input)

    def _take(self, worker: _Worker) -> list[Answered]:
        answered = []
        for message in worker.frames():
            worker.touched = time.monotonic_ns()
            if message is None:
                worker.ready, self.starts = True, 0
                continue
            values, failures = message
            for position, (kind, detail) in failures.items():
                values[position] = Failure(kind, detail)
            batch = worker.batches.popleft()
            worker.answered += 1
            self.deaths = 0
            answered.append(Answered(batch.items, values))
        return answered

    def _stuck(self, worker: _Worker) -> bool:
        """Busy with one item for too long; or stopped, or never started."""
        if not worker.batches:
            return False
        limit = self.timeout if worker.ready else max(self.timeout, START_SECONDS)
        mark = self.markers.get(worker.slot)
        since = mark.since if mark.item is not None else max(mark.since, worker.touched)
        return time.monotonic_ns() - since > limit * 1e9

    def _bury(self, worker: _Worker, *, stuck: bool = False) -> list[Answered]:
        """End a worker; what it still owed is put back in line, but for the item that it died on."""
        before = self.markers.get(worker.slot)
        _kill(worker.process)
        # Everything that it wrote before it died counts.
        worker.process.wait()
        worker.read()
        answered = self._take(worker)
        worker.gone = True
        self.workers.remove(worker)
        for descriptor in (worker.output, worker.input):
            with suppress(KeyError):
                self.selector.unregister(descriptor)
        status = self._wait(worker)
        number, position, _ = mark = self.markers.get(worker.slot)
        # It may have come unstuck just before the signal.
        hung = stuck and mark == before and position is not None
        self._count_death(worker, status)
        for place, batch in enumerate(worker.batches):
            if position is None or place != number - worker.answered:
                self.again.append(batch)
                continue
            rest = [*batch.items[:position], *batch.items[position + 1 :]]
            if rest:
                self.again.append(_Batch(rest))
            # Who kills processes from outside, may hit the second one as well.
            if hung or batch.deaths >= (2 if status == -signal.SIGKILL else 1):
                self.deaths = 0
                failure = Failure("hang", f"no answer within {self.timeout:g} s") if hung else _crash(status)
                answered.append(Answered([batch.items[position]], [failure]))
            else:
                self.trials.append(_Batch([batch.items[position]], batch.deaths + 1))
        return answered

    def _count_death(self, worker: _Worker, status: int) -> None:
        if not worker.ready:
            self.starts += 1
            if self.starts >= MAX_DEATHS:
                why = f"({ending(status)}): {self._last_words()}"
                raise UnfinishedError(f"cannot start a scan process {why}")
            return
        self.deaths += 1
        if self.deaths > MAX_DEATHS * self.limit:
            last = ending(status)
            raise UnfinishedError(f"{self.deaths} scan processes died without an answer (the last: {last})")

    def _last_words(self) -> str:
        size = self.errors.seek(0, os.SEEK_END)
        self.errors.seek(max(0, size - 4096))
        lines = self.errors.read().decode("utf-8", "replace").strip().splitlines()
        return lines[-1] if lines else "it said nothing"


def _scratch(size: int) -> IO[bytes]:
    """A nameless file of zeros; in memory where the system can: a mapped file on a full disk is deadly."""
    if hasattr(os, "memfd_create"):
        file: IO[bytes] = os.fdopen(os.memfd_create("datalint"), "w+b", buffering=0)
    else:
        file = tempfile.TemporaryFile(buffering=0)  # noqa: SIM115 - the pool closes it
    file.write(bytes(size))
    return file


def _kill(process: subprocess.Popen[bytes]) -> None:
    """End the process and those that it started."""
    if process.returncode is None:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)


def _crash(status: int) -> Failure:
    return Failure("crash", f"the decoding process died twice: {ending(status)}")
