"""Groups that names of files show: only what is strong is proposed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from datalint.dataset import groups
from datalint.dataset.model import Dataset, Rows
from datalint.dataset.sequences import Grouping, seen
from datalint.tables import Data

if TYPE_CHECKING:
    from collections.abc import Sequence


def of(
    paths: Sequence[str], *, labels: Sequence[str] | None = None, splits: Sequence[str] | None = None
) -> list[Grouping]:
    """What is proposed for images at these paths."""
    columns: dict[str, list[object]] = {name: [None] * len(paths) for name in Rows("samples").columns}
    columns |= {"path": [*paths], "label": [*(labels or [None] * len(paths))]}  # type: ignore[list-item]
    columns["split"] = [*(splits or [path.partition("/")[0] for path in paths])]
    classes, folders, skipped, problems = (Rows(name).data() for name in ("classes", "folders", "skipped", "problems"))
    found = Dataset("d", "yolo", ".", None, (), Data(columns), classes, folders, skipped, problems, task="detection")
    return list(seen(groups.by_name(found, None)))


def patterns(paths: Sequence[str], **more: Sequence[str]) -> list[tuple[str, int, int, int, bool]]:
    return [(g.pattern, g.n_images, g.n_groups, g.n_crossing, g.certain) for g in of(paths, **more)]


def frames(name: str, *, first: int = 0, step: int = 1, count: int = 5, splits: str = "train") -> list[str]:
    """Images of three groups; `splits` take turns."""
    words = splits.split()
    return [
        f"{words[number % len(words)]}/" + name.format(group=group, frame=first + number * step)
        for group in (1, 2, 3)
        for number in range(count)
    ]


@pytest.mark.parametrize(
    ("name", "pattern"),
    [
        ("scene_{group:04}_frame_{frame:04}.png", "{group}_frame_#"),
        ("video{group}_{frame}.jpg", "{group}_#"),
        ("patient{group}-slice{frame}.png", "{group}-slice#"),
        ("patient_{group}/slice_{frame}.png", "{group}/*"),
        ("scene_{group}/left.png/{frame}{group}.png", None),
        ("seq{group}{{x}}#{frame}.png", r"{group}\{x\}\##"),
        ("a{group}_{frame}_rgb.png", "{group}_#_rgb"),
    ],
)
def test_frames_that_run_on_within_several_groups_are_proposed(name: str, pattern: str | None) -> None:
    expected = [] if pattern is None else [(pattern, 15, 3, 0, False)]
    assert patterns(frames(name)) == expected


def test_groups_in_two_splits_are_counted() -> None:
    name = "scene_{group}_frame_{frame}.png"
    assert patterns(frames(name, splits="train val")) == [("{group}_frame_#", 15, 3, 3, False)]


@pytest.mark.parametrize(
    "paths",
    [
        frames("{group}{frame:03}.png"),
        frames("scene{group}.png", count=1),
        # Every tenth, but not any number: that is an id, or a time.
        frames("img_{group}_{frame}.png", count=2),
        [f"train/IMG_{day}_{time}.jpg" for day in (20200101, 20200102) for time in (93011, 121503, 154559, 201001)],
        # One group alone.
        [f"train/clip_1_{frame}.png" for frame in range(9)],
        # A tenth of the names is built otherwise, and a little more.
        [*frames("scene_{group}_frame_{frame}.png"), "train/a.png", "train/b.png"],
    ],
)
def test_weak_evidence_is_none(paths: list[str]) -> None:
    assert patterns(paths) == []


def test_every_tenth_frame_runs_on() -> None:
    assert patterns(frames("scene_{group}_frame_{frame}.png", first=3, step=10)) == [
        ("{group}_frame_#", 15, 3, 0, False)
    ]


def test_groups_that_are_labels_or_splits_are_none() -> None:
    paths = frames("class_{group}_{frame}.png")
    assert patterns(paths, labels=[path.split("_")[1] for path in paths]) == []
    assert patterns(paths, splits=[path.split("_")[1] for path in paths]) == []
    assert patterns(paths, labels=["cat"] * len(paths)) != []


def test_copies_that_roboflow_made_are_certain_and_the_videos_behind_them_a_guess() -> None:
    paths = [
        f"train/clip{video}_mp4-{frame}_jpg.rf.{video * 100 + frame * 10 + copy:032x}.jpg"
        for video in (1, 2)
        for frame in range(5)
        for copy in range(2)
    ]
    assert patterns(paths) == [
        ("{group}.rf.*", 20, 10, 0, True),
        ("{group}-#_jpg.rf.*", 20, 2, 0, False),
    ]
    # One image of each photograph: nothing that could cross.
    assert patterns([f"train/boat_jpg.rf.{1:032x}.jpg", f"train/car_jpg.rf.{2:032x}.jpg"]) == []
