"""What a mistyped name is answered with, by the commands that people type it to."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from datalint.similar import did_you_mean, path_meant

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    ("word", "hint"),
    [
        ("trian", "did you mean 'train'?"),
        ("VAL", "did you mean 'val'?"),
        ("Tets", "did you mean 'Test'?"),
        ("annotations", ""),
        ("", ""),
    ],
)
def test_a_name_that_is_near_is_asked_for(word: str, hint: str) -> None:
    assert did_you_mean(word, ["train", "val", "Test"]) == hint


@pytest.mark.parametrize(
    ("path", "hint"),
    [
        ("dtaa/train/cats", "did you mean 'data'?"),
        ("data/trian/cats", "did you mean 'data/train'?"),
        ("data/train/cast", "did you mean 'data/train/cats'?"),
        ("data/../dtaa", "did you mean 'data'?"),
        ("data/nothing-like-it", ""),
        ("data/train/cats", ""),
        ("data/readme/cats", ""),
    ],
)
def test_the_first_part_of_a_path_that_leads_nowhere_is_asked_for(tmp_path: Path, path: str, hint: str) -> None:
    (tmp_path / "data" / "train" / "cats").mkdir(parents=True)
    (tmp_path / "data" / "readme").touch()
    assert path_meant(path, os.fspath(tmp_path)) == hint


def test_an_absolute_path_is_answered_with_one(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    assert path_meant(f"{tmp_path}/dat", "/nowhere") == f"did you mean '{tmp_path}/data'?"
