"""The shared record is never seen half written."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from contextlib import closing

from datalint.engine.marker import SIZE, Mark, Markers

_WRITER = """
import sys, time
from datalint.engine.marker import Markers
markers, end = Markers(int(sys.argv[1])), time.monotonic() + 2
batch = 0
while time.monotonic() < end:
    for item in range(64):
        markers.set(1, batch, item)
    markers.set(1, batch, None)
    batch += 1
"""


def test_each_worker_has_its_own_record() -> None:
    with tempfile.TemporaryFile() as file:
        file.truncate(3 * SIZE)
        with closing(Markers(file.fileno())) as markers:
            before = time.monotonic_ns()
            markers.set(0, 7, 63)
            markers.set(2, 1 << 30, None)
            assert markers.get(0)[:2] == (7, 63)
            assert before <= markers.get(0).since <= time.monotonic_ns()
            assert markers.get(1) == Mark(0, None, 0)
            assert markers.get(2)[:2] == (1 << 30, None)


def test_a_reader_in_another_process_never_sees_an_item_older_than_it_is() -> None:
    with tempfile.TemporaryFile() as file:
        file.truncate(2 * SIZE)
        with closing(Markers(file.fileno())) as markers:
            markers.set(1, 0, None)
            start = markers.get(1).since
            writer = subprocess.Popen(
                [sys.executable, "-c", _WRITER, str(file.fileno())],
                pass_fds=[file.fileno()],
                env={**os.environ, "COVERAGE_PROCESS_START": "", "COVERAGE_PROCESS_CONFIG": ""},
            )
            last, seen = start, 0
            while writer.poll() is None:
                mark = markers.get(1)
                assert mark.since >= last
                assert mark.item is None or mark.item < 64
                seen += mark.since > last
                last = mark.since
            assert writer.returncode == 0
            # The reader has seen the writer at work.
            assert seen > 20
