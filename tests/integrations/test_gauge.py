"""The memory of this process."""

from __future__ import annotations

import hashlib
import threading

from datalint.integrations import gauge


def test_who_computes_in_memory_that_it_has_is_waited_for() -> None:
    """A batch that is being made out of buffers that were there before: nothing grows, and yet it is not full."""
    block, finished = bytes(8 << 20), threading.Event()

    def work() -> None:
        for _ in range(600):
            hashlib.sha256(block).digest()
        finished.set()

    worker = threading.Thread(target=work)
    worker.start()
    gauge.wait_until_full(60.0)
    assert finished.is_set()
    worker.join()


def test_nobody_waits_for_ever() -> None:
    block, over = bytes(8 << 20), threading.Event()

    def work() -> None:
        while not over.is_set():
            hashlib.sha256(block).digest()

    worker = threading.Thread(target=work)
    worker.start()
    gauge.wait_until_full(2.0)
    assert worker.is_alive()
    over.set()
    worker.join()
