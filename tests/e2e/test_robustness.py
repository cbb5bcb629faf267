"""What the machine does to a run: kills, full disks, forbidden folders, loops, races. The real command each time."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager, suppress
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import pytest

from tests.e2e.conftest import CLEAN_ENVIRONMENT, dataset, picture

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

COMMAND = [sys.executable, "-m", "datalint", "check", "-o", "json", "--ignore", "rare-class"]


@pytest.fixture
def images(tmp_path: Path) -> Path:
    """A trainable ImageFolder of 32 pictures."""
    dataset(tmp_path / "images")
    return tmp_path / "images"


@pytest.fixture
def many(tmp_path: Path) -> Path:
    """A trainable ImageFolder whose scan takes a second or more."""
    dataset(tmp_path / "images")
    source = picture(tmp_path / "large.jpg", 1, size=1500).read_bytes()
    for number in range(300):
        # A comment after the start marker makes every file different and keeps it valid.
        comment = b"\xff\xfe\x00\x0a" + number.to_bytes(8, "big")
        (tmp_path / f"images/train/{('cat', 'dog')[number % 2]}/large{number:03}.jpg").write_bytes(
            source[:2] + comment + source[2:]
        )
    return tmp_path / "images"


def start(
    folder: Path,
    *words: str,
    prefix: tuple[str, ...] = (),
    environment: Mapping[str, str] = MappingProxyType({}),
    **options: Any,
) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [*prefix, *COMMAND, folder.name, *words],
        cwd=folder.parent,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**CLEAN_ENVIRONMENT, **environment},
        **options,
    )


def finish(run: subprocess.Popen[str]) -> dict[str, Any]:
    out, error = run.communicate(timeout=120)
    assert "Traceback" not in error
    document: dict[str, Any] = json.loads(out)
    return {**document, "code": run.returncode}


def check(folder: Path, *words: str, **options: Any) -> dict[str, Any]:
    return finish(start(folder, *words, **options))


def rules(document: dict[str, Any]) -> set[tuple[str, str | None]]:
    return {(item["rule"], item["path"]) for item in document["findings"] if item["severity"] != "info"}


def processes(parent: int, module: str) -> list[int]:
    """Those that run `module` for the run `parent`."""
    listed = subprocess.run(
        ["ps", "-ww", "-o", "pid=,args=", "--ppid", str(parent)], capture_output=True, text=True, check=False
    )
    return [int(line.split()[0]) for line in listed.stdout.splitlines() if module in line]


def wait_for(run: subprocess.Popen[str], module: str) -> list[int]:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        if found := processes(run.pid, module):
            return found
        assert run.poll() is None, f"the run ended before {module} was seen"
    raise AssertionError(f"no process of {module} was seen")


def wait_for_scan(run: subprocess.Popen[str]) -> list[int]:
    return wait_for(run, "datalint.facts.worker")


def test_a_killed_scan_process_costs_nothing(many: Path) -> None:
    run = start(many)
    time.sleep(0.2)
    os.kill(wait_for_scan(run)[0], signal.SIGKILL)
    judged = finish(run)
    # Its pictures differ by little, so some are near duplicates: what a run finds that nobody disturbs.
    calm = check(many, "--no-cache")
    assert (judged["code"], judged["verdict"], judged["not_checked"]) == (0, calm["verdict"], [])
    assert judged["summary"]["files"] == 332
    assert rules(judged) == rules(calm)
    assert {rule for rule, _ in rules(judged) if "near-duplicate" not in rule and "augmented-copy" not in rule} == set()


def test_a_killed_rule_process_is_said_and_is_not_clean(images: Path) -> None:
    """Every rule that the kill befell is listed as not checked, or ran again; never does it pass in silence."""
    calm = check(images)
    hits = 0
    for delay in (0.0, 0.1, 0.2, 0.4, 0.8):
        run = start(images, "--no-cache")
        [child] = wait_for(run, "datalint.rule.child")
        time.sleep(delay)
        with suppress(ProcessLookupError):
            os.kill(child, signal.SIGKILL)
            hits += 1
        out, error = run.communicate(timeout=120)
        assert "Traceback" not in error
        if run.returncode == 0:
            assert json.loads(out)["findings"] == calm["findings"]
        else:
            assert run.returncode == 3
            assert "killed" in out + error
    assert hits


@contextmanager
def full_disk() -> Iterator[Path]:
    """A file system of 64 KiB, almost full; needs the right to mount."""
    with tempfile.TemporaryDirectory() as name:
        mounted = subprocess.run(
            ["mount", "-t", "tmpfs", "-o", "size=64k", "datalint-test", name], capture_output=True, check=False
        )
        if mounted.returncode:
            pytest.skip("mounting is not allowed here")
        try:
            (Path(name) / "ballast").write_bytes(bytes(60 * 1024))
            yield Path(name)
        finally:
            subprocess.run(["umount", name], check=True)


def test_a_full_disk_is_a_note_and_changes_no_finding(images: Path) -> None:
    (images / "train/cat/broken.jpg").write_bytes((images / "train/cat/0000.jpg").read_bytes()[:-600])
    calm = check(images, "--no-cache")
    with full_disk() as disk:
        judged = check(images, "--cache-dir", str(disk / "cache"))
    assert judged["findings"] == calm["findings"]
    assert judged["code"] == calm["code"] == 1
    assert any("cache" in note for note in judged["notes"])


def test_a_report_that_cannot_be_written_is_an_error(images: Path) -> None:
    run = start(images, "-o", "json=/dev/full")
    _, error = run.communicate(timeout=120)
    assert run.returncode == 3
    assert "cannot write the report to /dev/full" in error


def test_an_unreadable_folder_and_file_are_findings(images: Path) -> None:
    picture(images / "train/cat/inner/1.jpg", 77)
    (images / "train/cat/inner").chmod(0)
    (images / "train/dog/0003.jpg").chmod(0)
    words = ("setpriv", "--bounding-set=-dac_override,-dac_read_search") if os.geteuid() == 0 else ()
    if words and shutil.which("setpriv") is None:
        pytest.skip("root may read everything, and setpriv is not here to take that away")
    try:
        judged = check(images, "--no-cache", prefix=words)
    finally:
        (images / "train/cat/inner").chmod(0o755)
    assert judged["code"] == 1
    assert ("unreadable-folder", "images/train/cat/inner") in rules(judged)
    assert ("unreadable-file", "images/train/dog/0003.jpg") in rules(judged)
    assert "images/train/dog/0003.jpg" in {item["what"] for item in judged["not_checked"]}


def test_a_class_that_may_not_be_listed_is_not_called_empty(images: Path) -> None:
    closed = images / "train/dog"
    closed.chmod(0)
    words = ("setpriv", "--bounding-set=-dac_override,-dac_read_search") if os.geteuid() == 0 else ()
    if words and shutil.which("setpriv") is None:
        pytest.skip("root may read everything, and setpriv is not here to take that away")
    try:
        judged = check(images, "--no-cache", prefix=words)
    finally:
        closed.chmod(0o755)
    assert judged["code"] == 1
    assert rules(judged) == {("unreadable-folder", "images/train/dog")}
    assert any(item["what"].endswith("rules about classes and splits") for item in judged["not_checked"])
    assert not rules(check(images, "--no-cache"))


def test_a_loop_of_links_ends_and_is_named(images: Path) -> None:
    (images / "train/cat/again").symlink_to("../cat")
    (images / "train/dog/round.jpg").symlink_to("round.jpg")
    judged = check(images)
    assert judged["code"] == 1
    assert judged["summary"]["files"] == 32
    assert {(item["severity"], item["path"]) for item in judged["findings"] if item["rule"] == "broken-link"} == {
        ("warning", "images/train/cat/again"),
        ("error", "images/train/dog/round.jpg"),
    }


def test_a_file_that_vanishes_during_the_scan_is_missing(many: Path) -> None:
    run = start(many, "--workers", "1")
    [worker] = wait_for_scan(run)
    os.kill(worker, signal.SIGSTOP)
    gone = many / "val/dog/0003.jpg"
    gone.unlink()
    os.kill(worker, signal.SIGCONT)
    judged = finish(run)
    assert judged["code"] == 1
    assert ("missing-file", "images/val/dog/0003.jpg") in rules(judged)


def test_two_runs_at_once_agree_and_share_the_cache(many: Path) -> None:
    first, second = [finish(run) for run in [start(many), start(many)]]
    assert first["findings"] == second["findings"]
    assert (first["code"], second["code"]) == (0, 0)
    assert not [note for one in (first, second) for note in one["notes"] if "cache" in note]
    assert check(many)["summary"]["cached"] == 332


@pytest.mark.parametrize("damage", ["garbage", "truncated", "zeros in the middle", "a folder"])
def test_a_corrupted_cache_changes_no_finding(images: Path, damage: str) -> None:
    (images / "train/cat/broken.jpg").write_bytes((images / "train/cat/0000.jpg").read_bytes()[:-600])
    calm = check(images)
    [database] = (images.parent / ".datalint_cache").glob("*.sqlite")
    data = database.read_bytes()
    for extra in (images.parent / ".datalint_cache").glob("*.sqlite-*"):
        extra.unlink()
    if damage == "garbage":
        database.write_bytes(os.urandom(5000))
    elif damage == "truncated":
        database.write_bytes(data[: len(data) // 2])
    elif damage == "zeros in the middle":
        database.write_bytes(data[:4096] + bytes(len(data) - 8192) + data[-4096:])
    else:
        database.unlink()
        database.mkdir()
    judged = check(images)
    assert judged["findings"] == calm["findings"]
    assert judged["code"] == calm["code"] == 1
    if damage != "a folder":
        assert check(images)["summary"]["cached"] == 33


def hold_after_answers(run: subprocess.Popen[str], worker: int) -> None:
    """Stop the worker once it has answered some batches: the scan cannot end, however fast the machine."""
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        written = dict(line.split(": ") for line in Path(f"/proc/{worker}/io").read_text().splitlines())["wchar"]
        if int(written) > 10_000:
            os.kill(worker, signal.SIGSTOP)
            assert run.poll() is None, "the scan ended before it was held"
            time.sleep(1.0)  # what is in the pipe is taken meanwhile
            return
    raise AssertionError("the worker answered nothing")


def test_ctrl_c_ends_with_130_and_what_was_read_is_kept(many: Path) -> None:
    run = start(many, "--workers", "1", start_new_session=True)
    hold_after_answers(run, wait_for_scan(run)[0])
    os.killpg(run.pid, signal.SIGINT)
    out, error = run.communicate(timeout=60)
    assert run.returncode == 130
    assert error.strip().endswith("datalint: interrupted")
    assert out == ""
    again = check(many)
    assert (again["code"], again["summary"]["files"]) == (0, 332)
    assert again["summary"]["cached"] > 0
    assert not [note for note in again["notes"] if "cache" in note]


@pytest.mark.parametrize("by", [signal.SIGTERM, signal.SIGKILL, signal.SIGHUP], ids=lambda by: by.name)
def test_a_run_that_is_ended_from_outside_leaves_nothing_behind(many: Path, by: signal.Signals) -> None:
    """Also the facts that a comparison without a cache keeps between its two sides."""
    for words in (
        ("init", "-q"),
        ("add", "."),
        ("-c", "user.name=a", "-c", "user.email=a@b", "commit", "-qm", "start"),
    ):
        subprocess.run(["git", *words], cwd=many.parent, check=True, env=CLEAN_ENVIRONMENT)
    scratch = many.parent / "scratch"
    scratch.mkdir()
    asked = ("--no-cache", "--since", "HEAD", "--workers", "1")
    run = start(many, *asked, environment={"TMPDIR": str(scratch)})
    hold_after_answers(run, worker := wait_for_scan(run)[0])
    assert list(scratch.iterdir())
    run.send_signal(by)
    os.kill(worker, signal.SIGCONT)
    run.communicate(timeout=60)
    assert run.returncode == -by
    deadline = time.monotonic() + 30
    while list(scratch.iterdir()) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert list(scratch.iterdir()) == []


def test_a_process_of_rules_that_cannot_start_leaves_nothing_behind(images: Path) -> None:
    """A disk with room for a folder, and for no file in it: inodes are counted too."""
    with tempfile.TemporaryDirectory() as name:
        options = ["mount", "-t", "tmpfs", "-o", "size=64k,nr_inodes=3", "datalint-test", name]
        if subprocess.run(options, capture_output=True, check=False).returncode:
            pytest.skip("mounting is not allowed here")
        try:
            (Path(name) / "ballast").touch()
            run = start(images, "--no-cache", environment={"TMPDIR": name})
            _, error = run.communicate(timeout=60)
            assert (run.returncode, error) == (
                3,
                "datalint: cannot start the process that runs rules: No space left on device\n",
            )
            assert [path.name for path in Path(name).iterdir()] == ["ballast"]
        finally:
            subprocess.run(["umount", name], check=True)


def test_a_dataset_on_its_own_full_of_junk_is_not_clean(tmp_path: Path) -> None:
    (tmp_path / "images/train/cat").mkdir(parents=True)
    for number in range(20):
        (tmp_path / f"images/train/cat/{number}.jpg").write_bytes(b"<!DOCTYPE html><html>404</html>")
    judged = check(tmp_path / "images")
    assert judged["code"] == 1
    assert len([item for item in judged["findings"] if item["rule"] == "not-an-image"]) == 20


def test_the_users_files_are_never_touched(images: Path) -> None:
    (images / "train/cat/broken.jpg").write_bytes(b"\xff\xd8\xff")
    shutil.copytree(images, images.parent / "copy")
    before = {path: (path.stat().st_mtime_ns, path.stat().st_size) for path in sorted(images.rglob("*"))}
    check(images)
    assert {path: (path.stat().st_mtime_ns, path.stat().st_size) for path in sorted(images.rglob("*"))} == before
    for path in (path for path in before if path.is_file()):
        assert path.read_bytes() == (images.parent / "copy" / path.relative_to(images)).read_bytes()
