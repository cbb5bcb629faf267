"""A cache that is damaged, locked, full, read-only or foreign costs time and a warning, never a verdict."""

from __future__ import annotations

import os
import resource
import signal
import sqlite3
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from datalint.facts import database as module
from datalint.facts.cache import RACY_NS, VERDICTS, Cache, NullCache, open_cache
from datalint.facts.database import FILE
from datalint.facts.row import COLUMNS, Row, Signature

if TYPE_CHECKING:
    from pathlib import Path

NOW = 1_700_000_000_000_000_000
OLD: Signature = (10, NOW, 7, NOW + RACY_NS + 1)


def row(number: int, **values: object) -> Row:
    return tuple({"size_bytes": number, "status": "ok", "brightness": 0.1, **values}.get(name) for name in COLUMNS)


def fill(folder: Path, number: int = 3, extractor: str = "1") -> None:
    with Cache(str(folder)) as cache:
        cache.store(
            [(f"git:{index}", row(index)) for index in range(number)],
            [(b"/%d" % index, OLD, f"git:{index}") for index in range(number)],
            extractor,
        )
        cache.verdict_put("key", "text")
        assert cache.warnings == []


def test_what_is_stored_is_found_by_the_next_run(tmp_path: Path) -> None:
    fill(tmp_path / "cache", 1203)
    with Cache(str(tmp_path / "cache")) as cache:
        ids = [f"git:{index}" for index in range(1300)]
        assert cache.facts(ids, "1") == {f"git:{index}": row(index) for index in range(1203)}
        paths = [b"/%d" % index for index in range(1300)]
        assert cache.signatures(paths) == {b"/%d" % index: (OLD, f"git:{index}") for index in range(1203)}
        assert cache.verdict_get("key") == "text"
        assert cache.verdict_get("other") is None


def test_another_extractor_finds_nothing_and_takes_nothing_away(tmp_path: Path) -> None:
    fill(tmp_path)
    fill(tmp_path, extractor="2")
    with Cache(str(tmp_path)) as cache:
        assert cache.facts(["git:1"], "3") == {}
        assert cache.facts(["git:1"], "1") == cache.facts(["git:1"], "2") == {"git:1": row(1)}


@pytest.mark.parametrize(("age", "trusted"), [(RACY_NS, False), (RACY_NS + 1, True), (-1, False)])
def test_a_file_that_was_read_right_after_a_change_is_not_trusted(tmp_path: Path, age: int, trusted: bool) -> None:
    with Cache(str(tmp_path)) as cache:
        cache.store([], [(b"/a", (10, NOW, 7, NOW + age), "git:1")], "1")
        assert (b"/a" in cache.signatures([b"/a"])) is trusted


def test_undecodable_paths_and_text_are_kept_apart(tmp_path: Path) -> None:
    path = os.fsencode("/caf\udce9")
    with Cache(str(tmp_path)) as cache:
        good = row(1)
        cache.store([("git:a", row(1, detail="\udce9")), ("git:b", good), ("git:c", row(1 << 70))], [], "1")
        cache.store([], [(path, OLD, "git:b")], "1")
        assert cache.facts(["git:a", "git:b", "git:c"], "1") == {"git:b": good}
        assert list(cache.signatures([path, b"/caf\xe8"])) == [path]
        assert cache.warnings == []


def test_asking_an_absent_cache_creates_nothing(tmp_path: Path) -> None:
    with Cache(str(tmp_path / "cache")) as cache:
        assert cache.facts(["git:1"], "1") == {}
        assert cache.signatures([b"/a"]) == {}
        assert cache.verdict_get("key") is None
    assert list(tmp_path.iterdir()) == []


def test_the_folder_is_hidden_from_git_and_backups(tmp_path: Path) -> None:
    fill(tmp_path / "cache")
    assert sorted(os.listdir(tmp_path / "cache")) == [".gitignore", "CACHEDIR.TAG", FILE]
    assert (tmp_path / "cache" / ".gitignore").read_text() == "*\n"
    tag = (tmp_path / "cache" / "CACHEDIR.TAG").read_text()
    assert tag.startswith("Signature: 8a477f597d28d172789f06886806bc55\n")


def test_old_verdicts_make_room(tmp_path: Path) -> None:
    with Cache(str(tmp_path)) as cache:
        for number in range(VERDICTS + 1):
            cache.verdict_put(f"key {number}", "text")
        assert cache.verdict_get("key 0") is None
        assert cache.verdict_get("key 1") == "text"


def test_a_read_only_cache_writes_nothing(tmp_path: Path) -> None:
    fill(tmp_path)
    with Cache(str(tmp_path), read_only=True) as cache:
        cache.verdict_put("key", "other")
        assert cache.verdict_get("key") == "text"


def test_no_cache_remembers_nothing() -> None:
    with open_cache(None) as cache:
        assert type(cache) is NullCache
        cache.verdict_put("key", "text")
        cache.store([("git:1", row(1))], [(b"/a", OLD, "git:1")], "1")
        assert cache.verdict_get("key") is None
        assert cache.facts(["git:1"], "1") == {}
        assert cache.signatures([b"/a"]) == {}
        assert not cache.warnings


def truncate(path: Path) -> None:
    os.truncate(path, path.stat().st_size // 2)


def garble_header(path: Path) -> None:
    path.write_bytes(b"garbage " * 1000)


def garble_pages(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[4096:] = b"\xa5" * (len(data) - 4096)
    path.write_bytes(data)


def foreign_layout(path: Path) -> None:
    with sqlite3.connect(path) as database:
        database.execute("PRAGMA user_version = 99")
    database.close()


def other_tables(path: Path) -> None:
    path.unlink()
    with sqlite3.connect(path) as database:
        database.execute("CREATE TABLE stat (something)")
        database.execute(f"PRAGMA user_version = {module.SCHEMA}")
    database.close()


@pytest.mark.parametrize("damage", [truncate, garble_header, garble_pages, foreign_layout, other_tables])
def test_a_damaged_cache_is_rebuilt_with_a_warning(tmp_path: Path, damage: object) -> None:
    assert callable(damage)
    fill(tmp_path, 500)
    damage(tmp_path / FILE)
    with Cache(str(tmp_path)) as cache:
        cache.signatures([b"/%d" % index for index in range(500)])
        cache.facts([f"git:{index}" for index in range(500)], "1")
        assert len(cache.warnings) == 1
        assert "was damaged" in cache.warnings[0]
        cache.store([("git:1", row(1))], [(b"/1", OLD, "git:1")], "1")
        cache.verdict_put("key", "text")
        assert len(cache.warnings) == 1
    with Cache(str(tmp_path)) as again:
        assert again.facts(["git:1"], "1") == {"git:1": row(1)}
        assert again.verdict_get("key") == "text"
        assert again.warnings == []


def test_facts_with_other_columns_are_made_anew_and_verdicts_stay(tmp_path: Path) -> None:
    fill(tmp_path)
    with sqlite3.connect(tmp_path / FILE) as database:
        database.execute("ALTER TABLE facts ADD COLUMN more")
    database.close()
    with Cache(str(tmp_path)) as cache:
        assert cache.facts(["git:1"], "1") == {}
        cache.store([("git:1", row(1))], [], "1")
        assert cache.facts(["git:1"], "1") == {"git:1": row(1)}
        assert cache.verdict_get("key") == "text"
        assert cache.warnings == []


def test_an_empty_file_is_a_new_cache(tmp_path: Path) -> None:
    (tmp_path / FILE).touch()
    with Cache(str(tmp_path)) as cache:
        assert cache.facts(["git:1"], "1") == {}
        cache.verdict_put("key", "text")
        assert cache.verdict_get("key") == "text"
        assert cache.warnings == []


def test_a_locked_cache_is_left_alone_with_a_warning(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LOCK_SECONDS", 0.05)
    fill(tmp_path)
    other = sqlite3.connect(tmp_path / FILE, isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    with Cache(str(tmp_path)) as cache:
        cache.store([("git:9", row(9))], [], "1")
        cache.verdict_put("key", "other")
        assert len(cache.warnings) == 1
        assert "locked" in cache.warnings[0]
    other.execute("ROLLBACK")
    other.close()
    with Cache(str(tmp_path)) as cache:
        assert cache.verdict_get("key") == "text"


def test_a_folder_that_cannot_be_made_is_a_warning(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with Cache(str(tmp_path / "file" / "cache")) as cache:
        cache.verdict_put("key", "text")
        assert len(cache.warnings) == 1
        assert cache.verdict_get("key") is None


def test_a_full_disk_is_a_warning_and_what_was_stored_stays(tmp_path: Path) -> None:
    fill(tmp_path)

    def fills_up() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))

    code = (
        "import sys\nfrom datalint.facts.cache import Cache\n"
        "with Cache(sys.argv[1]) as cache:\n"
        "    for number in range(50):\n"
        "        cache.verdict_put(f'big {number}', 'x' * 10_000)\n"
        "    print(*cache.warnings, sep='\\n')\n"
    )
    command = [sys.executable, "-c", code, str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, preexec_fn=fills_up)
    assert done.stdout.count("\n") == 1
    assert "is not used" in done.stdout
    with Cache(str(tmp_path)) as cache:
        assert cache.facts(["git:1"], "1") == {"git:1": row(1)}
        assert cache.verdict_get("key") == "text"
        assert cache.verdict_get("big 0") == "x" * 10_000
        assert cache.warnings == []


def test_several_runs_write_at_once(tmp_path: Path) -> None:
    code = (
        "import sys\nfrom datalint.facts.cache import Cache\n"
        "with Cache(sys.argv[1]) as cache:\n"
        "    for number in range(100):\n"
        "        cache.verdict_put(f'{sys.argv[2]} {number}', 'text')\n"
        "    print(*cache.warnings)\n"
    )
    runs = [
        subprocess.Popen([sys.executable, "-c", code, str(tmp_path / "cache"), name], stdout=subprocess.PIPE)
        for name in ("a", "b", "c")
    ]
    assert [run.communicate()[0] for run in runs] == [b"\n"] * 3
    with Cache(str(tmp_path / "cache")) as cache:
        assert all(cache.verdict_get(f"{name} {number}") == "text" for name in "abc" for number in range(100))


def test_another_run_that_makes_the_tables_meanwhile_is_no_damage(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between looking at the layout of an empty file and at its tables."""
    folder = str(tmp_path / "cache")
    connect = sqlite3.connect

    def other_run(statement: str) -> None:
        if "sqlite_master" in statement and not made:
            made.append(statement)
            monkeypatch.setattr(sqlite3, "connect", connect)
            with Cache(folder) as other:
                other.verdict_put("theirs", "kept")
                assert other.warnings == []

    def watched(*arguments: Any, **options: Any) -> sqlite3.Connection:
        database: sqlite3.Connection = connect(*arguments, **options)
        database.set_trace_callback(other_run)
        return database

    made: list[str] = []
    monkeypatch.setattr(sqlite3, "connect", watched)
    with Cache(folder) as cache:
        cache.verdict_put("ours", "kept")
        assert (cache.verdict_get("ours"), cache.verdict_get("theirs")) == ("kept", "kept")
        assert cache.warnings == []
    assert made
