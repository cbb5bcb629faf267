"""Groups by the names of files, from the command line: exit codes, places of mistakes, proposals, comparisons."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from datalint import config
from tests.e2e.conftest import picture, say

if TYPE_CHECKING:
    from pathlib import Path

    from tests.e2e.conftest import Repository

RULE = ("--select", "group-across-splits")
COPIES = ["train/cat/a_jpg.rf.{:032x}.jpg", "train/cat/a_jpg.rf.{:032x}.jpg", "val/cat/a_jpg.rf.{:032x}.jpg"]


def add(home: Path, *names: str) -> None:
    """Pictures of a second kind beside those of the dataset."""
    for number, name in enumerate(names, 500):
        picture(home / "images" / name.format(number), number)


def configure(home: Path, group: str, more: str = "") -> None:
    (home / "datalint.yaml").write_text(f"dataset:\n  path: images\n{more}  group: {json.dumps(group)}\n")


def findings(out: str) -> list[tuple[str, str]]:
    return [(each["severity"], each["message"]) for each in json.loads(out)["findings"]]


def test_copies_of_a_photograph_in_two_splits_warn_and_do_not_block(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    add(here, *COPIES)
    code, out, _ = say(capsys, "check", "images", "-o", "json", *RULE)
    message = "group 'cat/a_jpg' is in train (2 samples) and in val (1 sample), by names that Roboflow gives the copies"
    assert (code, findings(out)) == (0, [("warning", f"{message} of one photograph")])
    add(here, "train/cat/b_jpg.rf.{:032x}.jpg")
    (here / "images/val/cat" / COPIES[2].format(502).rpartition("/")[2]).unlink()
    assert findings(say(capsys, "check", "images", "-o", "json", *RULE)[1]) == []


def test_a_declared_pattern_blocks_and_says_which_images_it_leaves_out(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    add(here, "train/cat/p1_1.jpg", "val/dog/p1_2.jpg")
    configure(here, "{group}_#")
    code, out, _ = say(capsys, "check", "-o", "json", *RULE)
    assert (code, findings(out)) == (
        1,
        [("error", "group 'p1' is in train (1 sample) and in val (1 sample), by their names: {group}_#")],
    )
    assert (
        "dataset.group: 32 images of 34 have no group by '{group}_#' (first: images/train/cat/0000.jpg)"
        in say(capsys, "check", "-o", "text", *RULE)[1]
    )


@pytest.mark.parametrize(
    ("group", "more", "place", "words"),
    [
        ("{group}_#", "", "3:10", "dataset.group: no image of 32 matches '{group}_#'"),
        ("patient", "", "3:10", "dataset.group: no {group} in 'patient'"),
        ("{group}*", "", "3:10", "dataset.group: nothing tells where {group} ends in '{group}*'"),
        (
            "{group}_#",
            "  columns: {group: patient}\n",
            "4:10",
            "dataset.group: the column 'patient' is the group already (dataset.columns.group)",
        ),
    ],
)
def test_a_pattern_that_cannot_be_meant_ends_the_run_at_its_place(
    group: str, more: str, place: str, words: str, here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    configure(here, group, more)
    code, _, error = say(capsys, "check", "--no-cache", *RULE)
    assert (code, error.splitlines()[0]) == (2, f"datalint: datalint.yaml:{place}: {words}")


def test_of_another_dataset_the_pattern_says_nothing(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    configure(here, "{group}_#")
    picture(here / "other/train/cat/1.jpg", 1)
    picture(here / "other/val/cat/1.jpg", 2)
    code, out, _ = say(capsys, "check", "other", "-o", "text", *RULE)
    assert (code, "dataset.group" in out) == (0, False)


def test_init_writes_the_key_for_copies_and_only_a_comment_for_a_guess(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    add(here, *COPIES)
    _, out, _ = say(capsys, "init", "--stdout", "images")
    assert "  # 3 images come from 1 photograph, 1 of them in two splits:\n" in out
    assert config.load({"datalint.yaml": out.encode()}.get).dataset.group == "{group}/{group}.rf.*"
    for group in (1, 2):
        for frame in range(5):
            picture(here / f"scenes/{'train' if frame else 'val'}/cat/scene_{group}_frame_{frame}.jpg", frame)
            picture(here / f"scenes/{'train' if frame else 'val'}/dog/scene_{group}_frame_{frame + 5}.jpg", frame)
    _, out, _ = say(capsys, "init", "--stdout", "scenes")
    assert "  # 20 images look like 2 groups, 2 of them in two splits, by their names\n" in out
    assert config.load({"datalint.yaml": out.encode()}.get).dataset.group is None
    line = '  # group: "{group}_frame_#"\n'
    assert line in out
    spoken = out.replace(line, line.replace("# ", ""))
    assert config.load({"datalint.yaml": spoken.encode()}.get).dataset.group == "{group}_frame_#"


def test_an_earlier_commit_need_not_have_names_that_fit(repository: Repository) -> None:
    add(repository.folder, "train/cat/p1_1.jpg", "val/dog/p1_2.jpg")
    configure(repository.folder, "{group}_#")
    repository.git("add", ".")
    repository.commit()
    told = repository.datalint("check", "--since", "HEAD~1", "-o", "json", *RULE)
    assert (told.returncode, len(findings(told.stdout))) == (1, 1), told.stderr
    # The policy of the commit before knows no groups.
    told = repository.datalint("check", "--policy-from", "HEAD~1", "-o", "json", *RULE)
    assert all("group 'p1'" not in message for _, message in findings(told.stdout))
    assert any("dataset.group" in message for _, message in findings(told.stdout)), told.stdout


def test_a_baseline_accepts_a_group(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    add(here, "train/cat/p1_1.jpg", "val/dog/p1_2.jpg")
    configure(here, "{group}_#")
    say(capsys, "check", "--write-baseline", *RULE)
    assert say(capsys, "check", *RULE)[0] == 0
    add(here, "train/cat/p2_1.jpg", "val/dog/p2_2.jpg")
    assert say(capsys, "check", *RULE)[0] == 1
