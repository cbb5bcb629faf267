"""Symbolic links in git lead where they lead in a check-out: the file system itself is the oracle."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from datalint.entry import BlobLocator, FileLocator
from datalint.git import BlobReader
from datalint.source.index import open_index
from datalint.source.tree import open_tree
from datalint.source.worktree import open_worktree
from tests.source.repository import Repository, create

if TYPE_CHECKING:
    from pathlib import Path

    from datalint.entry import Entry
    from datalint.source import Source


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Repository:
    for name in [name for name in os.environ if name.startswith("GIT_")]:
        monkeypatch.delenv(name)
    made = create(tmp_path / "repository")
    made.write("cat/1.jpg", b"one")
    made.write("cat/deep/2.jpg", b"two")
    made.write("dog/3.jpg", b"three")
    return made


def listing(source: Source) -> dict[str, str]:
    return {entry.path: entry.kind for entry in source.entries(".")}


def content(top: str, entry: Entry) -> bytes:
    if isinstance(entry.locator, FileLocator):
        with open(entry.locator.path, "rb") as file:
            return file.read()
    with BlobReader(top) as reader:
        assert isinstance(entry.locator, BlobLocator)
        return reader.read(entry.locator.blob)


LAYOUTS = {
    "to a file": {"dog/1.jpg": "../cat/1.jpg"},
    "to a folder": {"owl": "cat"},
    "to a folder below": {"cat/again": "deep"},
    "to a link": {"owl": "cat", "eagle": "owl/deep", "hawk.jpg": "eagle/2.jpg"},
    "through dots": {"owl": "./dog/../cat/./deep"},
    "two to one": {"a": "cat", "b": "cat"},
    "into a linked folder": {"owl": "cat", "dog/2.jpg": "../owl/deep/2.jpg"},
}


@pytest.mark.parametrize("links", LAYOUTS.values(), ids=LAYOUTS)
def test_files_are_those_that_a_walk_of_the_check_out_finds(repository: Repository, links: dict[str, str]) -> None:
    for path, target in links.items():
        repository.link(path, target)
    repository.commit()
    walked = {
        os.path.relpath(os.path.join(folder, name), repository.top)
        for folder, _, names in os.walk(repository.top, followlinks=True)
        for name in names
        if ".git/" not in folder + "/"
    }
    for source in (open_index(repository.top), open_tree(repository.top, "HEAD"), open_worktree(repository.top)):
        found = {entry.path: entry for entry in source.entries(".")}
        assert set(found) == walked
        assert {entry.kind for entry in found.values()} == {"file"}
        for path, entry in found.items():
            assert content(repository.top, entry) == (repository.folder / path).read_bytes()


ODD = {
    "to nothing": ({"a.jpg": "nowhere.jpg"}, {"a.jpg": "broken-link"}),
    "to itself": ({"a.jpg": "a.jpg"}, {"a.jpg": "link-loop"}),
    "to each other": ({"a": "b", "b": "a"}, {"a": "link-loop", "b": "link-loop"}),
    "to the folder above": ({"cat/up": ".."}, {"cat/up": "link-loop"}),
    "to its own folder": ({"cat/same": "."}, {"cat/same": "link-loop"}),
}


@pytest.mark.parametrize(("links", "expected"), ODD.values(), ids=ODD)
def test_links_that_lead_nowhere_or_back_are_told_alike(
    repository: Repository, links: dict[str, str], expected: dict[str, str]
) -> None:
    for path, target in links.items():
        repository.link(path, target)
    repository.commit()
    for source in (open_index(repository.top), open_tree(repository.top, "HEAD"), open_worktree(repository.top)):
        odd = {path: kind for path, kind in listing(source).items() if kind != "file"}
        assert odd == expected


@pytest.mark.parametrize("outside", ["absolute", "relative"])
def test_a_link_out_of_the_repository_is_broken_for_everybody_else(
    repository: Repository, tmp_path: Path, outside: str
) -> None:
    (tmp_path / "mine.jpg").write_bytes(b"mine")
    repository.link("cat/9.jpg", str(tmp_path / "mine.jpg") if outside == "absolute" else "../../mine.jpg")
    repository.commit()
    assert listing(open_index(repository.top))["cat/9.jpg"] == "broken-link"
    assert listing(open_worktree(repository.top))["cat/9.jpg"] == "file"


def test_two_folders_that_link_to_each_other_end(repository: Repository) -> None:
    repository.link("cat/dogs", "../dog")
    repository.link("dog/cats", "../cat")
    repository.commit()
    staged, here = listing(open_index(repository.top)), listing(open_worktree(repository.top))
    assert staged == here
    assert "link-loop" in staged.values()


def test_links_that_multiply_are_cut_short(repository: Repository) -> None:
    for level in range(12):
        for side in ("a", "b"):
            repository.link(f"l{level}/{side}", f"../l{level + 1}")
    repository.write("l12/x.jpg", b"x")
    repository.commit()
    kinds = listing(open_index(repository.top))
    assert "link-loop" in kinds.values()
    assert len(kinds) < 50_000


def test_one_link_can_be_judged_without_the_blob_behind_it(repository: Repository) -> None:
    repository.link("cat/9.jpg", "1.jpg")
    repository.commit()
    [entry] = [entry for entry in open_index(repository.top).entries("cat") if entry.path == "cat/9.jpg"]
    assert isinstance(entry.locator, BlobLocator)
    assert entry.locator.blob == repository.git("rev-parse", "HEAD:cat/1.jpg").decode().strip()
