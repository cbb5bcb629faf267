"""A cache is kept small beside whatever else runs, and what is in use goes last."""

from __future__ import annotations

import os
import sqlite3
import time
from typing import TYPE_CHECKING

import pytest

from datalint import entry
from datalint.cli import main
from datalint.errors import UnfinishedError
from datalint.facts import database as module
from datalint.facts import upkeep
from datalint.facts.cache import USED_DAYS, Cache
from datalint.facts.database import FILE, Database
from datalint.facts.gather import extractor_version
from datalint.facts.model import MASKS
from datalint.facts.pack import OF_IMAGES
from tests.facts.test_cache import OLD, garble_pages, row

if TYPE_CHECKING:
    from pathlib import Path

TODAY = int(time.time() // 86_400)


def fill(folder: Path, number: int = 3, *, extractor: str | None = None, path: bytes = b"/nowhere/%d") -> None:
    with Cache(str(folder)) as cache:
        cache.store(
            [(f"git:{index:05}", row(index, detail="x" * 500)) for index in range(number)],
            [(path % index, OLD, f"git:{index:05}") for index in range(number)],
            extractor or extractor_version(),
        )
        cache.verdict_put("key", "text")
        assert not cache.warnings


def kept(folder: Path) -> list[str]:
    with Cache(str(folder)) as cache:
        return sorted(cache.facts([f"git:{index:05}" for index in range(5000)], extractor_version()))


def test_what_no_run_can_use_is_dropped_and_the_rest_stays(tmp_path: Path) -> None:
    folder, here = tmp_path / "cache", tmp_path / "0"
    here.touch()
    fill(folder, 3, extractor="0, of old")
    fill(folder, 2, extractor=MASKS + extractor_version())
    fill(folder, 4, path=os.fsencode(tmp_path) + b"/%d")
    with Cache(str(folder)) as cache:
        cache.store([], [(os.fsencode(here) + b"\0part of it", OLD, "git:00001")], extractor_version())
        cache.remember(b"/nowhere/shard", "key", OLD, b"index")
        cache.remember(os.fsencode(here), "key", OLD, b"index")
    (folder / f"{FILE}.damaged").touch()
    before = upkeep.holding(str(folder))
    assert (before.facts, before.stale, before.signatures, before.verdicts) == (9, 3, 8, 1)
    assert upkeep.prune(str(folder)) == ()
    after = upkeep.holding(str(folder))
    assert (after.facts, after.stale, after.signatures, after.verdicts) == (6, 0, 2, 0)
    assert not (folder / f"{FILE}.damaged").exists()
    with Database(str(folder)) as database:
        assert [path for (path,) in database.ask("SELECT path FROM large")] == [os.fsencode(here)]
    assert len(kept(folder)) == 4


def test_what_says_the_facts_once_more_goes_before_any_of_them(tmp_path: Path) -> None:
    folder = tmp_path / "cache"
    fill(folder, 200)
    small = upkeep.holding(str(folder)).size
    with Cache(str(folder)) as cache:
        cache.keep(OF_IMAGES, "version", os.urandom(500_000))
    assert upkeep.prune(str(folder), most_bytes=small + 100_000) == ()
    assert upkeep.holding(str(folder)).size <= small + 100_000
    assert len(kept(folder)) == 200


def age(folder: Path, days: int) -> None:
    with sqlite3.connect(folder / FILE) as database:
        database.execute("UPDATE used SET day = ?", (TODAY - days,))
    database.close()


def test_the_facts_that_were_longest_not_asked_for_go_first(tmp_path: Path) -> None:
    fill(tmp_path, 3000)
    age(tmp_path, 100)
    used = [f"git:{index:05}" for index in range(2000, 3000)]
    with Cache(str(tmp_path)) as cache:
        cache.facts(used, extractor_version())
    most = (tmp_path / FILE).stat().st_size // 2
    assert upkeep.prune(str(tmp_path), most_bytes=most) == ()
    left = kept(tmp_path)
    assert (tmp_path / FILE).stat().st_size <= most
    assert set(used) <= set(left)
    assert 1000 < len(left) < 2500


def test_any_size_is_reached_that_an_empty_cache_has(tmp_path: Path) -> None:
    fill(tmp_path, 300)
    with Cache(str(tmp_path)) as cache:
        cache.remember(os.fsencode(tmp_path), "key", OLD, bytes(500_000))
    upkeep.prune(str(tmp_path), most_bytes=1)
    held = upkeep.holding(str(tmp_path))
    assert (held.facts, held.signatures) == (0, 0)
    assert (tmp_path / FILE).stat().st_size < 100_000


def test_a_run_that_only_reads_writes_once_in_a_while(tmp_path: Path) -> None:
    fill(tmp_path)
    for days, written in ((USED_DAYS - 1, False), (USED_DAYS, True)):
        age(tmp_path, days)
        before = (tmp_path / FILE).read_bytes()
        kept(tmp_path)
        assert ((tmp_path / FILE).read_bytes() != before) is written


def test_reading_a_cache_that_may_not_be_written_or_is_held_warns_of_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(tmp_path)
    age(tmp_path, 100)
    other = sqlite3.connect(tmp_path / FILE, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with Cache(str(tmp_path)) as cache:
        assert len(cache.facts(["git:00000"], extractor_version())) == 1
        assert not cache.warnings
        monkeypatch.setattr(module, "LOCK_SECONDS", 0.05)
        with pytest.raises(UnfinishedError, match=r"try again.*locked"):
            upkeep.prune(str(tmp_path))
    other.execute("ROLLBACK")
    other.close()
    assert upkeep.holding(str(tmp_path)).facts == 3


@pytest.mark.parametrize("keep", [upkeep.prune, upkeep.clear])
def test_a_run_that_is_under_way_goes_on(tmp_path: Path, keep: object) -> None:
    assert callable(keep)
    fill(tmp_path)
    with Cache(str(tmp_path)) as running:
        assert len(running.facts(["git:00000"], extractor_version())) == 1
        keep(str(tmp_path))
        running.store([("git:90000", row(9))], [(b"/9", OLD, "git:90000")], extractor_version())
        running.verdict_put("key", "other")
        assert running.verdict_get("key") == "other"
        assert list(running.facts(["git:90000"], extractor_version())) == ["git:90000"]
        assert not running.warnings


@pytest.mark.parametrize("keep", [upkeep.prune, upkeep.clear])
def test_a_damaged_cache_is_rebuilt(tmp_path: Path, keep: object) -> None:
    assert callable(keep)
    fill(tmp_path, 500)
    garble_pages(tmp_path / FILE)
    (warning,) = keep(str(tmp_path))
    assert "was damaged" in warning
    assert not (tmp_path / f"{FILE}.damaged").exists()
    fill(tmp_path)
    assert upkeep.prune(str(tmp_path)) == ()
    assert len(kept(tmp_path)) == 3


def test_the_command_shows_prunes_and_clears(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("DATALINT_CACHE_DIR", raising=False)
    folder = tmp_path / ".datalint_cache"
    assert main(["cache", "--prune"]) == 0
    assert capsys.readouterr().out == f"{folder}: there is no cache\n"
    assert not folder.exists()
    fill(folder, 3000)
    (folder / "since").mkdir()
    (folder / "since/0123.json.z").write_bytes(bytes(300_000))
    assert main(["cache"]) == 0
    out = capsys.readouterr().out
    assert out.startswith(f"{folder}: ")
    assert "MiB" in out
    assert "3,000 facts about images\n" in out
    assert "  1 verdict of the index, 1 side of comparisons\n" in out
    assert main(["cache", "--prune", "--max-size", "200kB"]) == 0
    out = capsys.readouterr().out
    assert "MiB less than before" in out
    assert "  0 verdicts of the index, 0 sides of comparisons\n" in out
    (folder / "dry_run").mkdir()
    (folder / "foreign.txt").touch()
    assert main(["cache", "--clear"]) == 0
    assert "  0 facts about images\n  0 files known by size, time and inode\n" in capsys.readouterr().out
    assert sorted(os.listdir(folder)) == [".gitignore", "CACHEDIR.TAG", FILE, "foreign.txt"]
    for words in (["--max-size", "1GB"], ["--prune", "--max-size", "large"], ["--prune", "--clear"]):
        assert main(["cache", *words]) == 2


def test_another_machine_knows_no_file_of_this_one(tmp_path: Path) -> None:
    one, other = (tmp_path / name for name in "ab")
    one.write_text("0123456789abcdef0123456789abcdef\n")
    other.write_text("0123456789abcdef0123456789abcdee\n")
    assert len({entry.machine(str(one)), entry.machine(str(other)), entry.machine(str(tmp_path / "none"))}) == 3
    (tmp_path / "empty").touch()
    assert entry.machine(str(tmp_path / "empty")) == entry.machine(str(tmp_path / "none")) == 0
