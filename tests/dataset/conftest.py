"""What a manifest names."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.e2e.conftest import picture

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Three pictures in img/."""
    for number in range(3):
        picture(tmp_path / f"img/{number}.jpg", number, size=8)
    return tmp_path
