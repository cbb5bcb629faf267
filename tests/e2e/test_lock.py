"""The lock file through the command line: real repositories, real merges, bits that are really flipped."""

from __future__ import annotations

import hashlib
import json
import os
import random
import shutil
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from PIL import Image

from datalint.check import look
from datalint.entry import node_of
from datalint.request import Request
from datalint.workspace import open_workspace
from tests.dataset.test_masks import made, png
from tests.dataset.webdataset.tars import pack, samples
from tests.e2e.conftest import CONFIG, Repository, picture, say
from tests.e2e.test_detection import voc, yolo
from tests.source.dvc_repository import create

if TYPE_CHECKING:
    from pathlib import Path

    Capture = pytest.CaptureFixture[str]

FILE = "datalint.lock"


@pytest.fixture
def inside(repository: Repository, monkeypatch: pytest.MonkeyPatch) -> Repository:
    """The working directory is a repository whose pictures are old enough for the cache to believe them."""
    monkeypatch.chdir(repository.folder)
    monkeypatch.delenv("DATALINT_CONFIG", raising=False)
    for path in sorted(repository.folder.glob("images/*/*/*")):
        os.utime(path, (1_700_000_000, 1_700_000_000))
    return repository


def about_lock(capsys: Capture, *words: str) -> tuple[int, dict[str, list[dict[str, Any]]], list[dict[str, str]]]:
    """Exit code, findings about the lock file by rule, what was not checked."""
    code, out, error = say(capsys, "check", "--select", "lock", "--workers", "1", "-o", "json", *words)
    assert out, error
    found = json.loads(out)
    by_rule: dict[str, list[dict[str, Any]]] = {}
    for each in found["findings"]:
        by_rule.setdefault(each["rule"], []).append(each)
    return code, by_rule, found["not_checked"]


def compared(**words: Any) -> dict[str, list[str]]:
    """Paths by status; what was not checked under its own words. Rules are asked elsewhere: each has its own tests."""
    request = Request(workers=1, **words)
    evidence = look(open_workspace(request), request)
    found: dict[str, list[str]] = {each.what: [each.reason] for each in evidence.not_checked}
    columns = evidence.tables["locked"].columns
    for path, status in zip(columns.get("path", ()), columns.get("status", ()), strict=True):
        found.setdefault(str(status), []).append(str(path))
    return found


def lock(capsys: Capture, *words: str) -> str:
    code, out, error = say(capsys, "lock", "--workers", "1", *words)
    assert (code, out) == (0, ""), error
    return error


def paths(found: list[dict[str, Any]]) -> list[str]:
    return [each["path"] for each in found]


def test_the_same_data_give_the_same_bytes_wherever_they_lie(inside: Repository, capsys: Capture) -> None:
    assert lock(capsys) == f"datalint: 32 files in {FILE}\n"
    written = (inside.folder / FILE).read_bytes()
    first = written.splitlines()[1].decode().split("\t")
    said = inside.git("hash-object", first[0], ok=True).stdout.strip()
    size = (inside.folder / first[0]).stat().st_size
    assert first == ["images/train/cat/0000.jpg", f"git:{said}", str(size), "train", "cat"]
    for words in (("--staged",), ("--tree", "HEAD"), ("--no-cache",)):
        assert "(nothing has changed)" in lock(capsys, *words)
        assert (inside.folder / FILE).read_bytes() == written, words
    assert compared() == {}


@pytest.mark.parametrize("words", [("--base", "HEAD"), ("--target", "colab-free-t4")])
def test_locking_compares_with_no_commit_and_judges_for_no_machine(
    inside: Repository, capsys: Capture, words: tuple[str, str]
) -> None:
    """What a lock file would not hold is refused, rather than taken and forgotten."""
    code, _, error = say(capsys, "lock", *words)
    assert code == 2
    assert f"unrecognized arguments: {words[0]}" in error
    assert not (inside.folder / FILE).exists()


def test_every_difference_is_told_and_locking_again_accepts_it(inside: Repository, capsys: Capture) -> None:
    lock(capsys)
    images = inside.folder / "images"
    (images / "train/cat/0000.jpg").unlink()
    (images / "train/cat/0001.jpg").rename(images / "train/dog/x.jpg")
    (images / "train/cat/0002.jpg").rename(images / "train/cat/z.jpg")
    (images / "train/cat/0003.jpg").rename(images / "stray.jpg")
    (images / "train/cat/0004.jpg").rename(images / "val/cat/0004.jpg")
    picture(images / "train/dog/new.jpg", 900)
    picture(images / "val/dog/0000.jpg", 901)
    code, found, _ = about_lock(capsys)
    assert code == 1
    assert {rule: paths(each) for rule, each in found.items()} == {
        "locked-content-changed": ["images/val/dog/0000.jpg"],
        "locked-file-missing": ["images/train/cat/0000.jpg", "images/train/cat/0003.jpg"],
        "locked-file-renamed": [None],
        "locked-label-changed": ["images/train/dog/x.jpg", "images/val/cat/0004.jpg"],
        "unlocked-file": [None],
    }
    said = lock(capsys)
    assert "(1 added, 2 removed, 1 changed, 2 relabelled, 1 moved)" in said
    assert "datalint: removed: images/train/cat/0000.jpg, images/train/cat/0003.jpg\n" in said
    assert compared() == {}


def test_a_file_that_a_manifest_no_longer_names_is_dropped(inside: Repository, capsys: Capture) -> None:
    rows = [
        "path,label,split\n",
        *(
            f"{path.relative_to(inside.folder)},{path.parent.name},{path.parent.parent.name}\n"
            for path in sorted(inside.folder.glob("images/*/*/*"))
        ),
    ]
    (inside.folder / "list.csv").write_text("".join(rows))
    (inside.folder / "datalint.yaml").write_text(CONFIG.replace("images", "list.csv"))
    lock(capsys)
    (inside.folder / "list.csv").write_text("".join([rows[0], rows[1].replace(",cat,", ",dog,"), *rows[3:]]))
    _, found, _ = about_lock(capsys)
    assert [each["message"] for rule in sorted(found) for each in found[rule]] == [
        f"images/train/cat/0001.jpg is in {FILE} (train, cat), and no part of the dataset any more, "
        "though the file is there",
        f"images/train/cat/0000.jpg is train, dog, and {FILE} says train, cat",
    ]


def overwrite(path: Path, data: bytes) -> None:
    """Other bytes with the time stamp, the size and the inode as they were."""
    status = path.stat()
    with path.open("r+b") as file:
        file.write(data)
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))


def flip(path: Path, bit: int) -> None:
    data = bytearray(path.read_bytes())
    data[bit // 8] ^= 1 << bit % 8
    overwrite(path, bytes(data))


def rotten(folder: Path, files: list[Path]) -> None:
    """What rots on a disk has no new ctime either, and nobody can set one: the cache is told the one that there is."""
    rows = [(node_of(path.stat()), os.fsencode(path)) for path in files]
    with closing(sqlite3.connect(folder / ".datalint_cache/facts.sqlite")) as database, database:
        assert database.executemany("UPDATE stat SET inode = ? WHERE path = ?", rows).rowcount == len(rows)


def test_every_flipped_bit_is_found_and_no_cache_believes_it(inside: Repository, capsys: Capture) -> None:
    rng = np.random.default_rng(0)
    for number in range(6):
        path = inside.folder / f"images/train/cat/{number}.png"
        Image.fromarray(rng.integers(0, 256, (40, 40, 3), dtype=np.uint8)).save(path)
        os.utime(path, (1_700_000_000, 1_700_000_000))
    lock(capsys)
    files = sorted(inside.folder.glob("images/*/*/*"))
    sound = {path: path.read_bytes() for path in files}
    locked = {line.split("\t")[0]: line.split("\t")[1] for line in (inside.folder / FILE).read_text().splitlines()[1:]}
    chance = random.Random(1)
    for path in files:
        flip(path, chance.randrange(8 * path.stat().st_size))
    rotten(inside.folder, files)
    assert compared() == {}, "no time stamp tells it to a plain check"
    code, found, _ = about_lock(capsys, "--verify-lock")
    assert code == 1
    told = found["locked-content-changed"]
    assert paths(told) == [path.relative_to(inside.folder).as_posix() for path in files]
    for path, each in zip(files, told, strict=True):
        new = inside.git("hash-object", str(path)).stdout.strip()
        assert each["path"] in each["message"]
        assert f"git:{new}" in each["message"]
        assert locked[each["path"]] in each["message"]
    assert len(compared()["changed"]) == len(files), "what was caught stays caught"
    for path in files[1:]:
        overwrite(path, sound[path])
    rotten(inside.folder, files[1:])
    assert compared() == {"changed": [files[0].relative_to(inside.folder).as_posix()]}, (
        "the same signature stood for two contents: it is believed no more"
    )


def test_verifying_needs_a_lock_file_and_the_work_tree(inside: Repository, capsys: Capture) -> None:
    code, _, error = say(capsys, "check", "--verify-lock")
    assert (code, error.splitlines()[0]) == (2, f"datalint: there is no {FILE} to verify")
    code, _, error = say(capsys, "check", "--verify-lock", "--staged")
    assert (code, "git fsck" in error) == (2, True)


def test_branches_that_add_images_merge(inside: Repository, capsys: Capture) -> None:
    lock(capsys)
    inside.git("add", ".")
    inside.commit()
    for branch, places in (("ours", ["train/cat/0003b", "val/dog/zz"]), ("theirs", ["train/dog/0007b", "val/cat/9"])):
        inside.git("checkout", "-q", "-b", branch, "main")
        for number, place in enumerate(places):
            picture(inside.folder / f"images/{place}.jpg", 800 + number + len(branch) * 10)
        lock(capsys)
        inside.git("add", ".")
        inside.commit()
    inside.git("merge", "-q", "ours")
    assert compared() == {}
    merged = (inside.folder / FILE).read_bytes()
    assert "36 files" in lock(capsys)
    assert (inside.folder / FILE).read_bytes() == merged, "a merge gives what locking gives"
    # The same place in both: an ordinary conflict, and the command that mends it.
    inside.git("checkout", "-q", "-b", "third", "main")
    picture(inside.folder / "images/val/dog/zzz.jpg", 950)
    lock(capsys)
    inside.git("add", ".")
    inside.commit()
    assert inside.git("merge", "ours", ok=False).returncode == 1
    marked = (inside.folder / FILE).read_text()
    line = marked[: marked.index("<<<<<<<")].count("\n") + 1
    code, _, error = say(capsys, "check")
    assert code == 2
    assert error.startswith(f"datalint: {FILE}:{line}:1: the lock file holds a merge conflict\n")
    assert "run `datalint lock`" in error
    assert "35 files" in lock(capsys)
    assert compared() == {}
    inside.git("checkout", "-q", "-f", "third")
    (inside.folder / ".git/info/attributes").write_text(f"{FILE} merge=union\n")
    inside.git("merge", "-q", "ours")
    assert compared() == {}


def test_the_index_is_judged_by_its_own_lock_and_a_remembered_verdict_too(inside: Repository, capsys: Capture) -> None:
    lock(capsys)
    inside.git("add", ".")
    inside.commit()
    sound = (inside.folder / FILE).read_bytes()
    for _ in range(2):
        assert about_lock(capsys, "--staged")[:2] == (0, {})
    (inside.folder / FILE).write_bytes(sound.replace(b"\tval\tcat", b"\tval\tdog"))
    assert about_lock(capsys, "--staged")[:2] == (0, {}), "the work tree's does not count"
    inside.git("add", FILE)
    code, found, _ = about_lock(capsys, "--staged")
    assert (code, len(found["locked-label-changed"])) == (1, 4)
    assert about_lock(capsys, "--tree", "HEAD")[:2] == (0, {})
    (inside.folder / FILE).write_bytes(sound)
    inside.git("add", FILE)
    inside.git("rm", "-q", "images/val/cat/0001.jpg")
    code, found, _ = about_lock(capsys, "--staged")
    assert (code, paths(found["locked-file-missing"])) == (1, ["images/val/cat/0001.jpg"])


def test_data_that_git_does_not_have_are_never_called_clean(inside: Repository, capsys: Capture) -> None:
    lock(capsys)
    (inside.folder / ".gitignore").write_text("images/val\n")
    inside.git("rm", "-rq", "--cached", "images/val")
    inside.git("add", ".gitignore", FILE)
    _, found, unchecked = about_lock(capsys, "--staged")
    assert found == {}
    told = {each["what"]: each["reason"] for each in unchecked}
    assert "without --staged" in told["8 locked files"]
    inside.git("rm", "-rq", "--cached", "images/train")
    code, _, error = say(capsys, "check", "--staged")
    assert (code, "nothing was judged" in error) == (3, True)
    assert compared() == {}


def test_what_is_checked_out_excuses_no_file_that_a_commit_lacks(inside: Repository, capsys: Capture) -> None:
    lock(capsys)
    inside.git("add", FILE)
    inside.commit("locked")
    inside.git("checkout", "-qb", "work")
    inside.git("rm", "-q", "images/train/cat/0001.jpg")
    inside.commit("one less")
    for branch in ("work", "main"):
        inside.git("checkout", "-q", branch)
        code, found, unchecked = about_lock(capsys, "--tree", "work")
        assert (code, paths(found["locked-file-missing"]), unchecked) == (1, ["images/train/cat/0001.jpg"], [])
    inside.git("rm", "-q", "--cached", "images/train/cat/0002.jpg")
    code, found, _ = about_lock(capsys, "--staged")
    assert (code, paths(found["locked-file-missing"])) == (1, ["images/train/cat/0002.jpg"])
    (inside.folder / ".gitignore").write_text("0002.jpg\n")
    inside.git("add", ".gitignore")
    code, found, unchecked = about_lock(capsys, "--staged")
    assert (code, found, [each["what"] for each in unchecked]) == (0, {}, ["1 locked file"])


def test_a_sparse_checkout_takes_nothing_away(inside: Repository, capsys: Capture) -> None:
    lock(capsys)
    whole = (inside.folder / FILE).read_bytes()
    inside.git("add", FILE)
    inside.commit("locked")
    inside.git("sparse-checkout", "set", "--cone", "images/train", "images/val/cat")
    _, found, unchecked = about_lock(capsys)
    assert found == {}
    assert {each["what"]: "--staged" in each["reason"] for each in unchecked} == {"4 locked files": True}
    assert about_lock(capsys, "--staged") == (0, {}, [])
    assert "4 files left out by the sparse checkout" in lock(capsys)
    assert (inside.folder / FILE).read_bytes() == whole
    (inside.folder / "images/val/cat/0000.jpg").unlink()
    code, found, _ = about_lock(capsys)
    assert (code, paths(found["locked-file-missing"])) == (1, ["images/val/cat/0000.jpg"])


def test_another_dataset_and_another_version_are_left_alone(inside: Repository, capsys: Capture) -> None:
    lock(capsys)
    code, out, _ = say(capsys, "check", "images/train", "-o", "json", "--select", "lock")
    assert code == 0
    assert f"{FILE} locks images: images/train was not compared with it" in json.loads(out)["notes"]
    before = (inside.folder / FILE).read_bytes()
    code, _, error = say(capsys, "lock", "images/train")
    assert (code, f"{FILE} locks images, not images/train" in error) == (2, True)
    (inside.folder / FILE).write_bytes(before.replace(b"lock 1", b"lock 2", 1))
    for verb in ("lock", "check"):
        code, _, error = say(capsys, verb)
        assert (code, f"{FILE}:1:15: this version reads lock files of version 1, not 2" in error) == (2, True)
    assert (inside.folder / FILE).read_bytes() == before.replace(b"lock 1", b"lock 2", 1)


@pytest.mark.parametrize("write", [yolo, voc])
def test_annotation_files_are_locked(
    write: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    write(tmp_path)
    monkeypatch.chdir(tmp_path)
    assert lock(capsys) == f"datalint: 96 files in {FILE}\n"
    assert compared() == {}
    one, two = sorted([*tmp_path.glob("labels/*/*.txt"), *tmp_path.glob("Annotations/*.xml")])[:2]
    one.write_text("" if write is yolo else one.read_text().replace(">cat<", ">dog<"))
    two.unlink()
    told = {"changed": [one.relative_to(tmp_path).as_posix()], "missing": [two.relative_to(tmp_path).as_posix()]}
    assert compared() == told


def test_masks_are_locked_with_their_split(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture) -> None:
    rng = np.random.default_rng(3)
    files = {
        f"{split}/{kind}/{number}.png": png(rng.integers(0, 2 if kind == "masks" else 256, (8, 8)).tolist())
        for split in ("train", "val")
        for kind in ("images", "masks")
        for number in range(4)
    }
    made(tmp_path, files)
    monkeypatch.chdir(tmp_path)
    lock(capsys)
    assert compared() == {}
    (tmp_path / "val/masks/0.png").write_bytes(files["train/masks/0.png"])
    assert compared() == {"changed": ["val/masks/0.png"]}


def test_records_of_shards_are_locked_one_by_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    members = [*samples(6)]
    pack(tmp_path / "train-000000.tar", members)
    monkeypatch.chdir(tmp_path)
    assert "6 files" in lock(capsys)
    assert compared() == {}
    pack(tmp_path / "train-000000.tar", [*samples(7)][: -len(members) // 6])
    pack(tmp_path / "train-000001.tar", [*samples(1, start=50)])
    assert {status: len(paths) for status, paths in compared().items()} == {"added": 1}


def test_pointers_are_compared_by_what_they_tell(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    monkeypatch.chdir(tmp_path)
    tracked = create(tmp_path)
    for number in range(4):
        picture(tmp_path / f"data/{'ab'[number % 2]}/{number}.jpg", number)
    tracked.add("data")
    (tmp_path / "datalint.yaml").write_text("dataset: {path: data}\n")
    lock(capsys)
    whole = (tmp_path / FILE).read_bytes()
    shutil.move(tmp_path / "data", tmp_path / "aside")
    _, found, unchecked = about_lock(capsys)
    assert found == {}, "nothing says that it has changed"
    assert sum("dvc pull" in each["reason"] for each in unchecked) == 4, "and nothing says that it has not"
    lock(capsys)
    assert b"\tdvc:" in (tmp_path / FILE).read_bytes()
    assert compared() == {}
    shutil.move(tmp_path / "aside", tmp_path / "data")
    told = compared()
    assert len(told.pop("unchecked")) == 4
    assert [*told] == ["content of 4 locked files"]
    assert compared(verify_lock=True) == {}
    flip(tmp_path / "data/a/0.jpg", 4000)
    assert compared(verify_lock=True) == {"changed": ["data/a/0.jpg"]}
    assert whole.count(b"git:") == 4


def test_a_pointer_of_git_lfs_stands_for_its_content(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    monkeypatch.chdir(tmp_path)
    images = [picture(tmp_path / f"data/{'ab'[number % 2]}/{number}.jpg", number) for number in range(4)]
    (tmp_path / "datalint.yaml").write_text("dataset: {path: data}\n")
    lock(capsys)
    whole = images[0].read_bytes()
    digest = hashlib.sha256(whole).hexdigest()
    pointer = f"version https://git-lfs.github.com/spec/v1\noid sha256:{digest}\nsize {len(whole)}\n"
    images[0].write_text(pointer)
    assert compared() == {"unchecked": ["data/a/0.jpg"]}
    images[0].write_text(pointer.replace(f"size {len(whole)}", "size 7"))
    assert compared() == {"changed": ["data/a/0.jpg"]}
    images[0].write_text(pointer)
    lock(capsys)
    assert f"data/a/0.jpg\tlfs:{digest}\t{len(whole)}\t" in (tmp_path / FILE).read_text()
    assert compared() == {}
    images[0].write_text(pointer.replace(digest, digest[::-1]))
    assert compared() == {"changed": ["data/a/0.jpg"]}
    images[0].write_bytes(whole)
    assert compared(verify_lock=True) == {}
