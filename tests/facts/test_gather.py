"""Whole scans with real files, real processes and a real cache."""

from __future__ import annotations

import hashlib
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image

from datalint.entry import BlobLocator, Entry, FileLocator, Kind
from datalint.errors import UnfinishedError
from datalint.facts.cache import Cache, NullCache, open_cache
from datalint.facts.gather import Gathered, gather
from datalint.facts.ids import read_ids
from datalint.facts.row import COLUMNS
from datalint.facts.worker import examine
from datalint.source.worktree import open_worktree
from datalint.tables import TABLES

if TYPE_CHECKING:
    from collections.abc import Callable

LONG_AGO = 1_600_000_000


def picture(path: Path, seed: int) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(seed)
    Image.fromarray(rng.integers(0, 256, (24, 32, 3), dtype=np.uint8)).save(path)
    os.utime(path, (LONG_AGO, LONG_AGO))
    return path


def pictures(folder: Path, number: int = 8) -> list[Entry]:
    for seed in range(number):
        picture(folder / f"{seed:03}.{('png', 'JPG')[seed % 2]}", seed)
    return listing(folder)


def listing(folder: Path) -> list[Entry]:
    return open_worktree(str(folder)).entries(".")


def scan(files: list[Entry], folder: Path | None = None, **options: object) -> Gathered:
    with open_cache(None if folder is None else str(folder)) as cache:
        done = gather(files, cache=cache, workers=2, **options)  # type: ignore[arg-type]
        assert not cache.warnings
    return done


def verdicts(gathered: Gathered) -> list[tuple[object, object]]:
    columns = gathered.data.columns
    return list(zip(columns["status"], columns["cause"], strict=True))


def test_every_declared_column_is_there_in_the_order_of_the_files(tmp_path: Path) -> None:
    files = pictures(tmp_path)
    columns = scan(files).data.columns
    assert list(columns) == [column.name for column in TABLES["files"].columns]
    assert {len(values) for values in columns.values()} == {8}
    assert columns["file_id"] == list(range(8))
    assert columns["path"] == [f"{seed:03}.{('png', 'JPG')[seed % 2]}" for seed in range(8)]
    assert columns["suffix"] == [".png", ".jpg"] * 4
    assert columns["format"] == ["png", "jpeg"] * 4
    assert columns["size_bytes"] == [entry.size for entry in files]
    assert columns["width"] == [32] * 8
    assert all(type(value) is bool for value in columns["pillow"])


def test_the_identity_is_that_of_git(tmp_path: Path) -> None:
    picture(tmp_path / "a.png", 1)
    printed = subprocess.run(["git", "hash-object", tmp_path / "a.png"], check=True, capture_output=True, text=True)
    assert scan(listing(tmp_path)).data.columns["content_id"] == [f"git:{printed.stdout.strip()}"]


def test_no_file_is_an_empty_table() -> None:
    done = scan([])
    assert len(done.data) == done.cached == done.read == 0
    assert list(done.data.columns) == [column.name for column in TABLES["files"].columns]


def test_equal_bytes_have_one_number(tmp_path: Path) -> None:
    for name, seed in (("a", 1), ("b", 2), ("c", 1)):
        picture(tmp_path / f"{name}.png", seed)
    missing = Entry("d.png", FileLocator(str(tmp_path / "d.png")), "missing")
    assert scan([*listing(tmp_path), missing]).data.columns["content_key"] == [0, 1, 0, None]


@pytest.mark.parametrize(
    ("kind", "status", "cause"),
    [
        ("missing", "missing", "missing-file"),
        ("broken-link", "missing", "broken-link"),
        ("link-loop", "unreadable", "link-loop"),
        ("unreadable-folder", "unreadable", "permission"),
        ("special", "unreadable", "not-a-file"),
    ],
)
def test_what_is_no_file_gets_its_row_without_reading(kind: Kind, status: str, cause: str) -> None:
    done = scan([Entry("a.png", FileLocator("/nowhere/a.png"), kind)])
    assert verdicts(done) == [(status, cause)]
    assert done.data.columns["content_id"] == done.data.columns["content_key"] == [None]
    assert done.read == 0


def test_a_file_that_vanishes_after_listing_is_missing(tmp_path: Path) -> None:
    files = pictures(tmp_path, 3)
    (tmp_path / "001.JPG").unlink()
    done = scan(files, tmp_path / "cache")
    assert verdicts(done) == [("ok", None), ("missing", "vanished"), ("ok", None)]
    picture(tmp_path / "001.JPG", 1)
    again = scan(files, tmp_path / "cache")
    assert verdicts(again) == [("ok", None)] * 3
    assert again.read == 1


def test_a_file_that_became_a_pipe_folder_or_socket_is_no_file(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "a")
    (tmp_path / "b").mkdir()
    with socket.socket(socket.AF_UNIX) as one:
        one.bind(str(tmp_path / "c"))
        files = [Entry(name, FileLocator(str(tmp_path / name))) for name in "abc"]
        assert verdicts(scan(files)) == [("unreadable", "not-a-file")] * 3


def test_a_link_to_itself_or_a_name_too_long_is_unreadable(tmp_path: Path) -> None:
    (tmp_path / "a").symlink_to("a")
    files = [Entry(name, FileLocator(str(tmp_path / name))) for name in ("a", "b" * 300)]
    assert verdicts(scan(files)) == [("unreadable", "io-error")] * 2


def test_a_file_that_may_not_be_read_is_unreadable(tmp_path: Path) -> None:
    path = picture(tmp_path / "a.png", 1)
    path.chmod(0)
    # Root may read everything.
    user = os.geteuid()
    os.seteuid(user or 65534)
    try:
        identity, signature, row, known = examine((0, str(path)), cache=NullCache(), extractor="1")
    finally:
        os.seteuid(user)
    assert (identity, signature, known) == (None, None, False)
    found = dict(zip(COLUMNS, row, strict=True))
    assert (found["status"], found["cause"], found["detail"]) == ("unreadable", "permission", "permission denied")


def test_a_file_above_the_limit_is_not_read(tmp_path: Path) -> None:
    with (tmp_path / "large.png").open("wb") as file:
        file.truncate((2 << 30) + 1)
    [entry] = listing(tmp_path)
    listed = scan([entry])
    grown = scan([entry._replace(size=10)])
    assert verdicts(listed) == verdicts(grown) == [("oversized", "too-large")]
    assert listed.data.columns["size_bytes"] == grown.data.columns["size_bytes"] == [(2 << 30) + 1]
    assert (listed.read, grown.read) == (0, 1)


def test_an_empty_file_is_read_and_remembered(tmp_path: Path) -> None:
    (tmp_path / "a.png").touch()
    os.utime(tmp_path / "a.png", (LONG_AGO, LONG_AGO))
    assert verdicts(scan(listing(tmp_path), tmp_path / ".datalint_cache")) == [("empty", "empty")]
    assert scan(listing(tmp_path), tmp_path / ".datalint_cache").read == 0


def test_undecodable_names_are_read_and_shown(tmp_path: Path) -> None:
    picture(tmp_path / "caf\udce9.png", 1)
    for read in (1, 0):
        done = scan(listing(tmp_path), tmp_path / ".datalint_cache")
        assert done.data.columns["path"] == ["caf\\xe9.png"]
        assert (verdicts(done), done.read) == ([("ok", None)], read)


# What the cache saves.


def test_a_warm_run_starts_no_process_and_says_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files = pictures(tmp_path / "data")
    (tmp_path / "data" / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    os.utime(tmp_path / "data" / "broken.png", (LONG_AGO, LONG_AGO))
    files = listing(tmp_path / "data")
    cold = scan(files, tmp_path / "cache")
    assert (cold.cached, cold.read) == (0, 9)
    monkeypatch.setattr(sys, "executable", "/no/such/python")
    warm = scan(files, tmp_path / "cache")
    assert (warm.cached, warm.read) == (9, 0)
    assert warm.data == cold.data
    assert repr(warm.data) == repr(cold.data)
    with pytest.raises(UnfinishedError):
        scan(files)


@pytest.mark.parametrize("change", ["size", "mtime_ns", "inode"])
def test_a_file_with_another_signature_is_read_again_but_not_decoded(tmp_path: Path, change: str) -> None:
    files = pictures(tmp_path / "data", 2)
    scan(files, tmp_path / "cache")
    other = files[1]._replace(**{change: 1})  # type: ignore[arg-type]
    again = scan([files[0], other], tmp_path / "cache")
    assert (again.cached, again.read) == (2, 1)


def test_a_file_changed_in_place_is_decoded_again(tmp_path: Path) -> None:
    files = pictures(tmp_path / "data", 2)
    first = scan(files, tmp_path / "cache")
    picture(tmp_path / "data" / "000.png", 99)
    os.utime(tmp_path / "data" / "000.png", (LONG_AGO + 1, LONG_AGO + 1))
    again = scan(listing(tmp_path / "data"), tmp_path / "cache")
    assert (again.cached, again.read) == (1, 1)
    assert again.data.columns["content_id"][0] != first.data.columns["content_id"][0]


def test_a_file_that_is_changed_behind_its_time_stamp_is_decoded_again(tmp_path: Path) -> None:
    """As after `rsync --inplace --times`, or where a restored cache meets other bytes of equal size, time and inode."""
    path = picture(tmp_path / "data" / "a.png", 1)
    first = scan(listing(tmp_path / "data"), tmp_path / "cache")
    before = path.stat()
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 0xFF
    with path.open("r+b") as file:
        file.write(data)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    after = path.stat()
    assert (after.st_size, after.st_mtime_ns, after.st_ino) == (before.st_size, before.st_mtime_ns, before.st_ino)
    again = scan(listing(tmp_path / "data"), tmp_path / "cache")
    assert (verdicts(first)[0][0], verdicts(again)[0][0], again.read) == ("ok", "damaged", 1)


def test_a_file_that_was_just_written_is_read_again(tmp_path: Path) -> None:
    path = picture(tmp_path / "data" / "a.png", 1)
    os.utime(path)
    for _ in range(2):
        assert scan(listing(tmp_path / "data"), tmp_path / "cache").read == 1


def test_moved_and_copied_files_are_not_decoded_again(tmp_path: Path) -> None:
    scan(pictures(tmp_path / "data", 4), tmp_path / "cache")
    (tmp_path / "data").rename(tmp_path / "moved")
    again = scan(listing(tmp_path / "moved"), tmp_path / "cache")
    assert (again.cached, again.read) == (4, 4)


def test_a_damaged_cache_changes_nothing_but_the_warnings(tmp_path: Path) -> None:
    files = pictures(tmp_path / "data")
    cold = scan(files, tmp_path / "cache")
    (tmp_path / "cache" / "facts.sqlite").write_bytes(b"garbage " * 4096)
    with Cache(str(tmp_path / "cache")) as cache:
        again = gather(files, cache=cache, workers=2)
        assert len(cache.warnings) == 1
    assert again.data == cold.data
    assert scan(files, tmp_path / "cache").read == 0


# Blobs.


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    pictures(tmp_path / "repository", 3)
    for words in (["init", "-q"], ["add", "."]):
        subprocess.run(["git", *words], cwd=tmp_path / "repository", check=True)
    return tmp_path / "repository"


def blobs(repository: Path) -> list[Entry]:
    listed = subprocess.run(
        ["git", "ls-files", "-s"], cwd=repository, check=True, capture_output=True, text=True
    ).stdout.splitlines()
    fields = [line.split() for line in listed]
    return [Entry(path, BlobLocator(str(repository), blob), content_id=f"git:{blob}") for _, blob, _, path in fields]


def test_blobs_and_files_share_the_cache(repository: Path, tmp_path: Path) -> None:
    staged = scan(blobs(repository), tmp_path / "cache")
    assert (staged.cached, staged.read) == (0, 3)
    files = scan([entry for entry in listing(repository) if "/" not in entry.path], tmp_path / "cache")
    assert (files.cached, files.read) == (3, 3)
    assert files.data == staged.data
    assert scan(blobs(repository), tmp_path / "cache").read == 0


def test_a_blob_that_two_files_hold_is_read_once(repository: Path) -> None:
    first, *others = blobs(repository)
    done = scan([first, *others, first._replace(path="copy.png"), first])
    assert done.read == 3
    assert verdicts(done) == [("ok", None)] * 5
    assert done.data.columns["content_key"] == [0, 1, 2, 0, 0]


def test_a_blob_that_is_not_there_is_missing(repository: Path) -> None:
    lost = Entry("lost.png", BlobLocator(str(repository), "0" * 40), content_id="git:" + "0" * 40)
    assert verdicts(scan([*blobs(repository), lost])) == [("ok", None)] * 3 + [("missing", "vanished")]


def test_a_pointer_keeps_the_identity_of_what_it_points_to(repository: Path, tmp_path: Path) -> None:
    first, *_ = blobs(repository)
    for _ in range(2):
        pointer = first._replace(kind="pointer", content_id="dvc:" + "a" * 32)
        done = scan([pointer], tmp_path / "cache")
        assert done.data.columns["content_id"] == ["dvc:" + "a" * 32]


def test_one_copy_in_lfs_and_one_in_git_are_the_same_bytes(repository: Path, tmp_path: Path) -> None:
    place = repository / blobs(repository)[0].path
    stored = Entry("stored.png", FileLocator(str(place)), size=place.stat().st_size, content_id="lfs:" + "a" * 64)
    for _ in range(2):
        columns = scan([stored, *blobs(repository)], tmp_path / "cache").data.columns
        assert columns["content_id"][0] == columns["content_id"][1] == blobs(repository)[0].content_id
        assert columns["content_key"][:2] == [0, 0]


def test_content_is_named_as_a_repository_of_sha_256_names_it(tmp_path: Path) -> None:
    files = pictures(tmp_path / "images", 4)
    with open_cache(str(tmp_path / "cache")) as cache:
        gather(files, cache=cache, workers=1)
    for _ in range(2):
        with open_cache(str(tmp_path / "cache"), algorithm="sha256") as cache:
            found = gather(files, cache=cache, workers=1).data.columns["content_id"]
            expected = []
            for entry in files:
                data = (tmp_path / "images" / entry.path).read_bytes()
                expected.append("git:" + hashlib.sha256(b"blob %d\0" % len(data) + data).hexdigest())
            assert found == expected
            assert [identity for identity, _ in read_ids(files, cache)] == expected


# Trouble in the middle of a scan.


@pytest.fixture
def bomb(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Real scan processes, whose decoder does what the bytes say."""
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "sitecustomize.py").write_text(
        "import os, sys, time\n"
        "if 'datalint.facts.worker' in sys.orig_argv:\n"
        "    import datalint.facts.extract as module\n"
        "    extract = module.extract\n"
        "    def explode(data):\n"
        "        if data == b'CRASH': os.abort()\n"
        "        if data == b'EAT': bytearray(1 << 40)\n"
        "        while data == b'HANG': time.sleep(60)\n"
        "        return extract(data)\n"
        "    module.extract = explode\n"
    )
    path = os.pathsep.join(filter(None, (str(tmp_path / "site"), os.environ.get("PYTHONPATH"))))
    monkeypatch.setenv("PYTHONPATH", path)


@pytest.mark.usefixtures("bomb")
@pytest.mark.parametrize(
    ("order", "cause", "words"),
    [
        ("CRASH", "decoder-crash", "SIGABRT"),
        ("EAT", "decoder-memory", "memory"),
        ("HANG", "decoder-hang", "no answer within 0.7 s"),
    ],
)
def test_a_decoder_that_dies_costs_one_row_that_is_not_remembered(
    tmp_path: Path, order: str, cause: str, words: str
) -> None:
    pictures(tmp_path / "data", 6)
    (tmp_path / "data" / "002_bad.png").write_text(order)
    os.utime(tmp_path / "data" / "002_bad.png", (LONG_AGO, LONG_AGO))
    files = listing(tmp_path / "data")
    done = scan(files, tmp_path / "cache", timeout=0.7)
    assert verdicts(done) == [("ok", None)] * 3 + [("crashed", cause)] + [("ok", None)] * 3
    assert words in str(done.data.columns["detail"][3])
    assert done.data.columns["size_bytes"][3] == len(order)
    again = scan(files, tmp_path / "cache", timeout=0.7)
    assert again.read == 1
    assert again.data == done.data


def scan_processes() -> list[int]:
    children = Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()
    return [int(child) for child in children]


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="finds the scan processes in /proc")
def test_killed_scan_processes_cost_nothing(tmp_path: Path) -> None:
    files = pictures(tmp_path / "data", 150)
    calm = scan(files)
    killed: list[int] = []

    def kill(done: int, total: int) -> None:
        if len(killed) < 4:
            for process in scan_processes():
                os.kill(process, signal.SIGKILL)
                killed.append(process)

    assert scan(files, progress=kill).data == calm.data
    assert len(killed) >= 2


def test_progress_counts_up_to_what_is_read(tmp_path: Path) -> None:
    files = pictures(tmp_path / "data", 10)
    scan(files[:4], tmp_path / "cache")
    seen: list[tuple[int, int]] = []
    scan(files, tmp_path / "cache", progress=lambda done, total: seen.append((done, total)))
    assert seen[-1] == (6, 6)
    assert seen == sorted(seen)


SCAN = """
import os, sys
from datalint.source.worktree import open_worktree
from datalint.facts.cache import open_cache
from datalint.facts.gather import gather
data, folder, stop = sys.argv[1:]
def progress(done, total):
    if stop == "stop" and done > 20:
        print(done, flush=True)
        os.kill(os.getpid(), 2)
with open_cache(folder) as cache:
    done = gather(open_worktree(data).entries("."), cache=cache, workers=2, progress=progress)
    print(hash(repr(done.data)), done.read, *cache.warnings)
"""


def start(tmp_path: Path, *words: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", SCAN, str(tmp_path / "data"), str(tmp_path / "cache"), *words]
    environment = {**os.environ, "PYTHONHASHSEED": "0"}
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment)


def test_an_interrupted_scan_keeps_what_it_has_read(tmp_path: Path) -> None:
    pictures(tmp_path / "data", 120)
    interrupted = start(tmp_path, "stop")
    out, error = interrupted.communicate()
    assert error.count("Traceback") == 1
    assert "KeyboardInterrupt" in error
    done = int(out.splitlines()[0])
    again = scan(listing(tmp_path / "data"), tmp_path / "cache")
    assert again.cached == done
    assert verdicts(again) == [("ok", None)] * 120


def test_two_scans_at_once_agree(tmp_path: Path) -> None:
    pictures(tmp_path / "data", 60)
    told = [run.communicate() for run in [start(tmp_path, "go"), start(tmp_path, "go")]]
    assert [error for _, error in told] == ["", ""]
    digests = {out.split()[0] for out, _ in told}
    assert len(digests) == 1
    assert all(len(out.split()) == 2 for out, _ in told), told
    with Cache(str(tmp_path / "cache")) as cache:
        assert gather(listing(tmp_path / "data"), cache=cache).read == 0


def test_a_full_disk_changes_nothing_but_the_warnings(tmp_path: Path) -> None:
    files = pictures(tmp_path / "data", 4)
    cold = scan(files)
    (tmp_path / "file").touch()
    with Cache(str(tmp_path / "file" / "cache")) as cache:
        done = gather(files, cache=cache, workers=1)
        assert len(cache.warnings) == 1
    assert done.data == cold.data
    assert gather(files, cache=NullCache()).data == cold.data


def test_types_are_those_of_the_table(tmp_path: Path) -> None:
    files = pictures(tmp_path, 2)
    kinds: dict[str, Callable[[object], bool]] = {
        "VARCHAR": lambda value: type(value) is str,
        "BIGINT": lambda value: type(value) is int,
        "DOUBLE": lambda value: type(value) is float,
        "BOOLEAN": lambda value: type(value) is bool,
    }
    columns = scan(files).data.columns
    for column in TABLES["files"].columns:
        assert all(value is None or kinds[column.type](value) for value in columns[column.name]), column.name
