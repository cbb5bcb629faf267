"""Fixtures that more than one room needs."""

from __future__ import annotations

import os
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parent.parent
CORPORA = Path(os.environ.get("DATALINT_CORPORA", ROOT.parent / "shared" / "corpora"))


@pytest.fixture(scope="session")
def corpora() -> Path:
    """Folder of the real corpora, described in docs/corpora.md; the test is skipped where it is absent."""
    if not CORPORA.is_dir():
        pytest.skip(f"the real corpora are not here ({CORPORA}); set DATALINT_CORPORA")
    return CORPORA


@contextmanager
def memory_cgroup() -> Iterator[Path]:
    """An empty memory cgroup of version 1; skips where none can be made."""
    folder = Path(f"/sys/fs/cgroup/memory/datalint-test-{os.getpid()}")
    try:
        folder.mkdir()
    except OSError as error:
        pytest.skip(f"no memory cgroup can be made here: {error.strerror}")
    try:
        yield folder
    finally:
        folder.rmdir()
