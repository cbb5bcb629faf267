"""A shard that did not change is not read again: what is remembered is the same, and not believed where it may lie."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from datalint import dataset
from datalint.facts.cache import Cache, open_cache
from datalint.facts.database import Database
from datalint.source.worktree import open_worktree
from tests.dataset.tfrecord.records import example, framed, png, write

if TYPE_CHECKING:
    from pathlib import Path

    from datalint.dataset.model import Dataset

LONG_AGO = 1_500_000_000


def shard(path: Path, first: int = 0, *, changed: int = LONG_AGO) -> Path:
    write(path, [example(image=png(n), label=n % 7, text="x") for n in range(first, first + 20)], "gzip")
    os.utime(path, (changed, changed))
    return path


def read(home: Path, cache: Cache | None, **words: dict[str, str]) -> Dataset:
    return dataset.read(open_worktree(str(home / "data")), root=".", memory=cache, **words)  # type: ignore[arg-type]


def opened(folder: Path) -> Cache:
    cache = open_cache(str(folder))
    assert isinstance(cache, Cache)
    return cache


class Watched(Cache):
    """Counts what it is told to remember: a shard that was read."""

    def __init__(self, folder: str) -> None:
        super().__init__(folder)
        self.told: list[bytes] = []

    def remember(self, path: bytes, key: str, signature: tuple[int, int, int, int], content: bytes) -> None:
        self.told.append(os.path.basename(path))
        super().remember(path, key, signature, content)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    shard(tmp_path / "data/train-00000-of-00002")
    shard(tmp_path / "data/train-00001-of-00002", 20)
    return tmp_path


def test_a_second_run_reads_nothing_and_says_the_same(home: Path) -> None:
    with Watched(str(home / "cache")) as cache:
        first = read(home, cache)
        assert cache.told == [b"train-00000-of-00002", b"train-00001-of-00002"]
    with Watched(str(home / "cache")) as cache:
        again = read(home, cache)
        assert cache.told == []
    assert again == first
    assert first == read(home, None)


def test_a_shard_that_changed_is_read_again(home: Path) -> None:
    with Watched(str(home / "cache")) as cache:
        read(home, cache)
        shard(home / "data/train-00001-of-00002", 77, changed=LONG_AGO + 1)
        cache.told.clear()
        assert read(home, cache) == read(home, None)
        assert cache.told == [b"train-00001-of-00002"]


def test_a_shard_that_changed_just_before_it_was_read_is_read_again(home: Path) -> None:
    """It may change again without a new time stamp."""
    with Watched(str(home / "cache")) as cache:
        path = shard(home / "data/train-00001-of-00002", 40)
        os.utime(path)
        read(home, cache)
        cache.told.clear()
        read(home, cache)
        assert cache.told == [b"train-00001-of-00002"]


def test_other_features_are_not_what_was_remembered(home: Path) -> None:
    with opened(home / "cache") as cache:
        assert set(read(home, cache).samples.columns["label"]) == {str(n) for n in range(7)}
        assert set(read(home, cache, columns={"label": "text"}).samples.columns["label"]) == {"x"}


@pytest.mark.parametrize("content", [b"", b"\x91", b"\x95" * 40, framed(b"x")])
def test_what_is_remembered_and_makes_no_sense_is_read_again(home: Path, content: bytes) -> None:
    with opened(home / "cache") as cache:
        first = read(home, cache)
        with Database(str(home / "cache")) as database:
            database.alter(lambda opened: opened.execute("UPDATE large SET content = ?", (content,)))
            assert database.ask("SELECT count(*) FROM large WHERE content = ?", (content,)) != [(0,)]
        assert read(home, cache) == first
        assert not cache.warnings


def test_damage_is_remembered_too(home: Path) -> None:
    path = home / "data/train-00000-of-00002"
    path.write_bytes(path.read_bytes()[:-40])
    os.utime(path, (LONG_AGO, LONG_AGO))
    with opened(home / "cache") as cache:
        first, again = read(home, cache), read(home, cache)
    assert first.shards == again.shards
    assert first.shards.columns["status"] == ["damaged", "ok"]
