"""The worker's side: answers batches that arrive on standard input, and marks the item it is busy with.

A frame is four bytes of length and a pickle.
"""

from __future__ import annotations

import gc
import os
import pickle
import struct
import sys
from contextlib import closing, contextmanager, suppress
from functools import partial
from typing import TYPE_CHECKING, Any

from datalint.engine.marker import Markers

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

LENGTH = struct.Struct("<I")


def frame(value: object) -> bytes:
    """One message, as either side sends it."""
    body = pickle.dumps(value, pickle.HIGHEST_PROTOCOL)
    return LENGTH.pack(len(body)) + body


def serve(function: Callable[[Any], object]) -> None:
    """Answer every item until standard input ends; the command ends in the words marker, slot, memory."""
    marker, slot, memory = map(int, sys.argv[-3:])
    _limit(memory)
    source = os.fdopen(os.dup(0), "rb")
    sink = os.dup(1)
    # What decoders print must not mix with the answers.
    null = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1, 2):
        os.dup2(null, descriptor)
    gc.freeze()
    with closing(Markers(marker)) as markers, suppress(BrokenPipeError):
        _write(sink, frame(None))
        number = 0
        while len(head := source.read(LENGTH.size)) == LENGTH.size:
            items = pickle.loads(source.read(*LENGTH.unpack(head)))  # noqa: S301 - the parent wrote it
            answer = _answer(function, items, partial(markers.set, slot, number))
            _write(sink, frame(answer))
            number += 1


def _answer(
    function: Callable[[Any], object], items: list[Any], mark: Callable[[int | None], None]
) -> tuple[list[object], dict[int, tuple[str, str]]]:
    """Answers in step with the items, and the failures by position."""
    answers: list[object] = []
    failures: dict[int, tuple[str, str]] = {}
    for position, item in enumerate(items):
        mark(position)
        try:
            answers.append(function(item))
        except MemoryError as error:
            answers.append(None)
            failures[position] = ("memory", _words(error) or "out of memory")
        except Exception as error:  # noqa: BLE001,RUF100 - one odd item must not cost the others
            answers.append(None)
            failures[position] = ("error", f"{type(error).__name__}: {_words(error)}")
    mark(None)
    return answers, failures


def _words(error: BaseException) -> str:
    return str(error).encode("utf-8", "backslashreplace").decode()


def _write(sink: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(sink, view) :]


def _limit(memory: int) -> None:
    """Cap the address space (bytes, 0 for no cap), so that a hungry decoder gets MemoryError."""
    if not memory:
        return
    import resource

    _, hard = resource.getrlimit(resource.RLIMIT_AS)
    if hard == resource.RLIM_INFINITY or memory < hard:
        # macOS refuses limits on the address space.
        with suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_AS, (memory, hard))


@contextmanager
def unlimited() -> Iterator[None]:
    """Lift the cap for a process that is started here: git maps whole packs."""
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (hard, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, (soft, hard))
