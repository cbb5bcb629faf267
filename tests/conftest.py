"""Fixtures that more than one room needs."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
CORPORA = Path(os.environ.get("DATALINT_CORPORA", ROOT.parent / "shared" / "corpora"))


@pytest.fixture(scope="session")
def corpora() -> Path:
    """Folder of the real corpora, described in docs/corpora.md; the test is skipped where it is absent."""
    if not CORPORA.is_dir():
        pytest.skip(f"the real corpora are not here ({CORPORA}); set DATALINT_CORPORA")
    return CORPORA
