"""Globs as git itself reads them."""

from __future__ import annotations

import re
import subprocess
from typing import TYPE_CHECKING

import pytest

from datalint.globs import glob_pattern

if TYPE_CHECKING:
    from pathlib import Path

PATHS = [
    "a",
    "a.jpg",
    "x/a.jpg",
    "x/y/a.jpg",
    "x/a.jpg/b",
    "train/rose/1.jpg",
    "train/rose/deep/1.jpg",
    "rose/1.jpg",
    "train/tulip/1.jpg",
    "train/[1].jpg",
    "train/1.JPG",
    "train/a+b.jpg",
    "train/*.jpg",
    "a/b/c/d/e",
    "a/c/e",
    "a/e",
    "a/b/e",
    "b",
    "b/a",
    "aab",
    "aaab/x",
    "images/negatives",
    "images/negatives/1.png",
    "x/images/negatives/1.png",
]
GLOBS = [
    "a",
    "a.jpg",
    "*.jpg",
    "/a.jpg",
    "x/a.jpg",
    "x/*",
    "x/**",
    "x/",
    "**/a.jpg",
    "x/**/a.jpg",
    "train/**/1.jpg",
    "train/*/1.jpg",
    "rose",
    "rose/",
    "train/rose",
    "train/rose/",
    "train/[[]1].jpg",
    "train/[a-z]*",
    "train/[!a-z]*",
    "train/[z-a].jpg",
    "train/\\*.jpg",
    "a+b.jpg",
    "??.jpg",
    "?.jpg",
    "a/**/e",
    "a/**/c/**/e",
    "**",
    "*",
    "**/b",
    "a*b",
    "images/negatives/**",
    "images/negatives",
    "[",
    "a/**/**/e",
    "/**/1.jpg",
    "*a*b*",
]


def test_every_glob_selects_what_git_ignores(tmp_path: Path) -> None:
    subprocess.run(["git", "init", "-q", tmp_path], check=True)
    different = []
    for glob in GLOBS:
        (tmp_path / ".git/info/exclude").write_text(glob + "\n")
        answer = subprocess.run(
            ["git", "-C", tmp_path, "check-ignore", "--no-index", "--stdin"],
            input="\n".join(PATHS),
            capture_output=True,
            text=True,
            check=False,
        )
        expected = {
            line.encode().decode("unicode_escape") if line[:1] == '"' else line for line in answer.stdout.split("\n")
        }
        pattern = re.compile(glob_pattern(glob), re.DOTALL)
        found = {path for path in PATHS if pattern.fullmatch(path)}
        if found != expected - {""}:
            different.append((glob, found ^ (expected - {""})))
    assert different == []


@pytest.mark.parametrize("glob", ["*a" * 40 + "b", "**/a/" * 20 + "b", "a*" * 50, "**/*a*/" * 20 + "x"])
def test_a_hostile_glob_ends(glob: str) -> None:
    pattern = re.compile(glob_pattern(glob), re.DOTALL)
    assert pattern.fullmatch("a" * 2000) is None or glob.startswith("a*")
    assert pattern.fullmatch("a/" * 1000 + "c") is None
