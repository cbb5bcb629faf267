"""What DVC tracks is known by identity and size where its cache lists it, and missing once where it does not."""

from __future__ import annotations

import os
import shutil
import subprocess
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from datalint.entry import FileLocator
from datalint.source.dvc.stages import UnreadableError, outputs
from datalint.source.index import open_index
from datalint.source.moved import moved
from datalint.source.worktree import open_worktree
from tests.source.dvc_repository import DvcRepository, create, md5

if TYPE_CHECKING:
    from datalint.entry import Entry
    from datalint.source import Source

FILES = {"data/train/cat/1.jpg": b"one", "data/train/dog/1.jpg": b"two", "data/val/cat/1.jpg": b"one"}


def filled(repository: DvcRepository) -> DvcRepository:
    for name, content in FILES.items():
        (repository.top / name).parent.mkdir(parents=True, exist_ok=True)
        (repository.top / name).write_bytes(content)
    repository.add("data")
    return repository


@pytest.fixture
def repository(tmp_path: Path) -> DvcRepository:
    return filled(create(tmp_path / "repository"))


def pointers(source: Source, root: str = ".") -> dict[str, str | None]:
    return {entry.path: entry.content_id for entry in source.entries(root) if entry.kind == "pointer"}


def told(source: Source, root: str = ".") -> list[tuple[str, str, str, bool]]:
    return [(each.kind, each.path, each.detail, each.unknown) for each in source.tracked(root)]


IDENTITIES = {name: f"dvc:{md5(content)}" for name, content in FILES.items()}


def test_data_that_is_here_is_what_it_is(repository: DvcRepository) -> None:
    source = open_worktree(str(repository.top))
    assert pointers(source) == {}
    assert told(source) == []
    # The cache is no part of the dataset.
    assert [entry.path for entry in source.entries(".")] == ["data.dvc", *FILES]


def test_a_folder_that_is_gone_is_known_from_the_list_in_the_cache(repository: DvcRepository) -> None:
    shutil.rmtree(repository.top / "data")
    source = open_worktree(str(repository.top))
    assert pointers(source) == IDENTITIES
    assert {entry.size for entry in source.entries("data")} == {3}
    assert source.folders(".") == ["data", "data/train", "data/train/cat", "data/train/dog", "data/val", "data/val/cat"]
    detail = "all of its 3 files are in DVC's cache and not in the work tree: `dvc checkout`"
    assert told(source) == [("dvc-missing", "data", detail, False)]


@pytest.mark.parametrize("root", ["data", "data/train", "data/train/cat"])
def test_the_stage_may_lie_above_the_root(root: str, repository: DvcRepository) -> None:
    shutil.rmtree(repository.top / "data")
    source = open_worktree(str(repository.top))
    below = {path: identity for path, identity in IDENTITIES.items() if path.startswith(f"{root}/")}
    assert pointers(source, root) == below
    assert [path for _, path, _, _ in told(source, root)] == ["data"]


@pytest.mark.parametrize("folder", ["data", "data/train"])
def test_the_base_may_lie_below_the_stage(folder: str, repository: DvcRepository) -> None:
    os.unlink(repository.top / "data/train/cat/1.jpg")
    source = open_worktree(str(repository.top / folder))
    name = os.path.relpath("data/train/cat/1.jpg", folder)
    assert pointers(source) == {name: IDENTITIES["data/train/cat/1.jpg"]}
    (each,) = source.tracked(".")
    assert each.stage == os.path.relpath("data.dvc", folder)
    assert each.path == os.path.relpath("data", folder)
    assert each.detail.startswith("1 of its 3 files is in DVC's cache")


def test_an_absolute_root_is_looked_for_up_to_the_top_of_the_file_system(tmp_path: Path) -> None:
    picture = tmp_path / "elsewhere/images/a.jpg"
    picture.parent.mkdir(parents=True)
    picture.write_bytes(b"x")
    (tmp_path / "base").mkdir()
    source = open_worktree(str(tmp_path / "base"))
    assert [entry.size for entry in source.entries(picture.parent.as_posix())] == [1]


def test_without_the_list_nothing_is_known_but_the_number(repository: DvcRepository) -> None:
    repository.forget_all()
    shutil.rmtree(repository.top / "data")
    source = open_worktree(str(repository.top))
    assert pointers(source) == {}
    assert told(source) == [("dvc-missing", "data", "none of its 3 files (9 bytes) is here: `dvc pull`", True)]


def test_without_the_list_files_that_are_gone_are_counted(repository: DvcRepository) -> None:
    repository.forget_all()
    os.unlink(repository.top / "data/val/cat/1.jpg")
    source = open_worktree(str(repository.top))
    assert told(source) == [("dvc-missing", "data", "1 of its 3 files is not here: `dvc pull`", True)]


def test_what_the_cache_lacks_must_be_pulled(repository: DvcRepository) -> None:
    shutil.rmtree(repository.top / "data")
    repository.forget(b"two")
    source = open_worktree(str(repository.top))
    assert pointers(source) == IDENTITIES
    sizes = {entry.path: entry.size for entry in source.entries("data")}
    assert sizes == {"data/train/cat/1.jpg": 3, "data/train/dog/1.jpg": None, "data/val/cat/1.jpg": 3}
    assert told(source)[0][2] == "all of its 3 files are not here: `dvc pull`"


def test_a_link_into_a_cache_that_was_emptied(repository: DvcRepository) -> None:
    place = repository.top / "data/train/cat/1.jpg"
    place.unlink()
    place.symlink_to(repository.cache / "gone")
    assert pointers(open_worktree(str(repository.top))) == {"data/train/cat/1.jpg": IDENTITIES["data/train/cat/1.jpg"]}


@pytest.mark.parametrize(
    ("change", "detail"),
    [
        (lambda top: (top / "data/new.jpg").write_bytes(b"new"), "it has 4 files, and its stage says 3"),
        (lambda top: (top / "data/val/cat/1.jpg").write_bytes(b"longer"), "it has 12 bytes, and its stage says 9"),
    ],
)  # fmt: skip
def test_data_that_differs_in_number_or_size(change: object, detail: str, repository: DvcRepository) -> None:
    assert callable(change)
    change(repository.top)
    assert told(open_worktree(str(repository.top))) == [("dvc-changed", "data", detail, False)]


def test_numbers_mean_nothing_where_dvc_passes_over_files(repository: DvcRepository) -> None:
    (repository.top / ".dvcignore").write_text("# Add patterns of files dvc should ignore\n\n")
    (repository.top / "data/.DS_Store").write_bytes(b"x")
    assert [kind for kind, *_ in told(open_worktree(str(repository.top)))] == ["dvc-changed"]
    (repository.top / ".dvcignore").write_text("# Add patterns\n.DS_Store\n")
    assert told(open_worktree(str(repository.top))) == []


def test_a_file_has_a_stage_of_its_own(repository: DvcRepository) -> None:
    (repository.top / "labels.csv").write_bytes(b"path,label\n")
    repository.add("labels.csv", stage="meta/labels.dvc", wdir="..")
    source = open_worktree(str(repository.top))
    assert told(source) == []
    (repository.top / "labels.csv").unlink()
    source = open_worktree(str(repository.top))
    assert pointers(source) == {"labels.csv": f"dvc:{md5(b'path,label' + bytes([10]))}"}
    assert source.tracked(".")[0].stage == "meta/labels.dvc"


@pytest.mark.parametrize("layout", ["files/md5", ""])
@pytest.mark.parametrize(
    ("name", "config", "cache"),
    [
        ("config", "", ".dvc/cache"),
        ("config", "[cache]\n    dir = ../elsewhere\n", "elsewhere"),
        ("config.local", "[cache]\ndir = '../with spaces'\n", "with spaces"),
        ("config", "['cache']\n", ".dvc/cache"),
    ],
)
def test_the_cache_may_lie_elsewhere(layout: str, name: str, config: str, cache: str, tmp_path: Path) -> None:
    repository = filled(create(tmp_path / "repository", layout=layout, cache=cache))
    (repository.top / ".dvc" / name).write_text(config)
    shutil.rmtree(repository.top / "data")
    assert pointers(open_worktree(str(repository.top))) == IDENTITIES


def test_config_local_beats_the_other(repository: DvcRepository) -> None:
    (repository.top / ".dvc/config").write_text("[cache]\n    dir = /nowhere\n")
    (repository.top / ".dvc/config.local").write_text("[cache]\n    dir = cache\n")
    shutil.rmtree(repository.top / "data")
    assert pointers(open_worktree(str(repository.top))) == IDENTITIES


LOCK = """\
schema: '2.0'
stages:
  prepare@a:
    cmd: python prepare.py
    outs:
    - path: data
      hash: md5
      md5: {md5}.dir
      size: 9
      nfiles: 3
    - path: metrics.json
      md5: {md5}
      size: 1
"""
PLAN = """\
stages:
  prepare:
    foreach: [a]
    do: {}
    wdir: work
    metrics: [metrics.json: {cache: false}]
  train:
    cmd: python train.py
    outs: [model.h5, "s3://bucket/x", "${item}", report.html: {cache: false}]
"""


def test_a_pipeline_has_a_lock_and_a_plan(repository: DvcRepository) -> None:
    digest = (repository.top / "data.dvc").read_text().split("md5: ")[1][:32]
    (repository.top / "data.dvc").unlink()
    (repository.top / "dvc.yaml").write_text(PLAN)
    (repository.top / "dvc.lock").write_text(LOCK.replace("{md5}", digest))
    shutil.move(repository.top / "data", repository.top / "work/data")
    source = open_worktree(str(repository.top))
    assert told(source) == [("dvc-unmade", "model.h5", "it was never made: `dvc repro`", True)]
    shutil.rmtree(repository.top / "work")
    source = open_worktree(str(repository.top))
    assert pointers(source) == {f"work/{path}": identity for path, identity in IDENTITIES.items()}
    assert [(each.path, each.stage) for each in source.tracked(".")] == [
        ("work/data", "dvc.lock"),
        ("model.h5", "dvc.yaml"),
    ]


@pytest.mark.parametrize(
    "text",
    ["outs: [", "<<<<<<< HEAD\nouts:\n- md5: 1\n=======\n", "- a\n- b\n", "\t", "x: " + "[" * 20_000, "a: &a [*b]"],
)
def test_a_stage_that_is_no_yaml_is_said_and_stops_nothing(text: str, repository: DvcRepository) -> None:
    (repository.top / "bad.dvc").write_text(text)
    assert [(kind, path) for kind, path, _, _ in told(open_worktree(str(repository.top)))] == [
        ("bad-dvc-file", "bad.dvc")
    ]


@pytest.mark.parametrize(
    "text",
    ["", "outs:\n", "outs: text\n", "outs: [text, {}, {path: x}, {path: x, md5: zz}, {md5: 0}, {path: [1], md5: 1}]\n",
     "outs: [{path: /etc/passwd, md5: '" + "0" * 32 + "'}, {path: 's3://b/x', md5: '" + "0" * 32 + "'}]\n",
     "wdir: [1]\n"],
)  # fmt: skip
def test_a_stage_without_outputs_tracks_nothing(text: str) -> None:
    assert list(outputs("x.dvc", lambda path: text.encode())) == []


def test_a_list_cannot_name_files_outside_of_its_folder(repository: DvcRepository) -> None:
    content = b'[{"md5": "%s", "relpath": "../../evil"}, {"md5": "%s", "relpath": "/etc/x"}]' % (b"0" * 32, b"1" * 32)
    digest = repository.put(content, ".dir")
    (repository.top / "data.dvc").write_text(f"outs:\n- md5: {digest}.dir\n  path: data\n")
    assert pointers(open_worktree(str(repository.top))) == {}


@pytest.mark.parametrize("content", [b"", b"{", b"{}", b"[1]", b'[{"relpath": "a"}]', b"[" * 100_000])
def test_a_list_that_is_none_is_as_good_as_gone(content: bytes, repository: DvcRepository) -> None:
    digest = (repository.top / "data.dvc").read_text().split("md5: ")[1][:32]
    (repository.cache / digest[:2] / f"{digest[2:]}.dir").write_bytes(content)
    shutil.rmtree(repository.top / "data")
    assert [unknown for _, _, _, unknown in told(open_worktree(str(repository.top)))] == [True]


def test_a_yaml_of_megabytes_is_refused() -> None:
    with pytest.raises(UnreadableError, match="bytes of YAML"):
        list(outputs("x.dvc", lambda path: bytes(20 << 20)))


# --- git, which never has the data ---


@pytest.fixture
def committed(repository: DvcRepository, monkeypatch: pytest.MonkeyPatch) -> DvcRepository:
    for name in [name for name in os.environ if name.startswith("GIT_")]:
        monkeypatch.delenv(name)
    (repository.top / ".gitignore").write_text("/data\n/.dvc/cache\n")
    for words in (["init", "-q"], ["add", "-A"]):
        subprocess.run(["git", *words], cwd=repository.top, check=True)
    shutil.rmtree(repository.top / "data")
    return repository


def test_the_index_has_what_its_stages_track(committed: DvcRepository) -> None:
    source = open_index(str(committed.top))
    found = {entry.path: entry for entry in source.entries("data")}
    assert {path: entry.content_id for path, entry in found.items()} == IDENTITIES
    for path, entry in found.items():
        assert entry.kind == "file"
        assert isinstance(entry.locator, FileLocator)
        with open(entry.locator.path, "rb") as file:
            assert file.read() == FILES[path]
    assert told(source, "data") == []
    assert source.folders("data") == ["data/train", "data/train/cat", "data/train/dog", "data/val", "data/val/cat"]


def entries(source: Source, root: str) -> dict[str, Entry]:
    return {entry.path: entry for entry in source.entries(root)}


def test_what_the_cache_lacks_stays_a_pointer_in_the_index(committed: DvcRepository) -> None:
    committed.forget(b"two")
    source = open_index(str(committed.top))
    assert pointers(source) == {"data/train/dog/1.jpg": IDENTITIES["data/train/dog/1.jpg"]}
    assert entries(source, "data")["data/train/cat/1.jpg"].kind == "file"
    committed.forget_all()
    source = open_index(str(committed.top))
    assert source.entries("data") == []
    assert [unknown for _, _, _, unknown in told(source, "data")] == [True]
    assert told(moved(source, "data"))[0][1] == "."


def test_what_git_has_itself_stays_as_it_is(committed: DvcRepository) -> None:
    (committed.top / "data/val/cat").mkdir(parents=True)
    (committed.top / "data/val/cat/1.jpg").write_bytes(b"in git")
    subprocess.run(["git", "add", "-f", "data"], cwd=committed.top, check=True)
    found = entries(open_index(str(committed.top)), "data")["data/val/cat/1.jpg"]
    assert str(found.content_id).startswith("git:")


@settings(max_examples=300, deadline=None)
@given(
    st.binary(max_size=200) | st.text(alphabet="outs:-md5pathcache{}[]&*\n 01/.'\"!|>#%@", max_size=200).map(str.encode)
)
def test_any_stage_is_outputs_or_a_reason(content: bytes) -> None:
    for name in ("x.dvc", "dvc.lock", "dvc.yaml"):
        with suppress(UnreadableError):
            for out in outputs(f"a/{name}", lambda path: content):
                assert out.path


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=300), st.binary(max_size=100))
def test_any_cache_is_read_or_not_there(listed: bytes, config: bytes) -> None:
    with TemporaryDirectory() as folder:
        made = create(Path(folder))
        digest = made.put(listed, ".dir")
        (made.top / "data.dvc").write_text(f"outs: [{{md5: {digest}.dir, path: data}}]\n")
        (made.top / ".dvc/config").write_bytes(config)
        assert [each.path for each in open_worktree(folder).tracked(".")] in ([], ["data"])
