"""`dataset.group`: what a pattern takes from a path, what is no pattern, and that none is slow."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from datalint.errors import UsageError
from datalint.group_pattern import compiled

HASH = "0123456789abcdef" * 2


@pytest.mark.parametrize(
    ("pattern", "path", "group"),
    [
        ("{group}.rf.*", f"train/images/boat_jpg.rf.{HASH}.jpg", "boat_jpg"),
        ("{group}.rf.*", f"boat_jpg.rf.{HASH}_jpg.rf.{HASH}.jpg", "boat_jpg"),
        ("{group}.rf.*", "boat.jpg", None),
        ("{group}.rf.*", f".rf.{HASH}.jpg", None),
        ("{group}/{group}.rf.*", f"train/rose/1_jpg.rf.{HASH}.jpg", "rose/1_jpg"),
        ("{group}_frame_#", "val/scene_0001_frame_0042.png", "scene_0001"),
        ("{group}_frame_#", "scene_0001_frame_0042", "scene_0001"),
        ("{group}_frame_#", "scene_0001_frame_0042b.png", None),
        ("{group}_frame_#", "scene_0001_frame_.png", None),
        ("{group}_frame_#", "Scene_1_FRAME_2.png", None),
        ("{group}-slice#", "patient12-slice3.png", "patient12"),
        ("{group}_#", "video_3_12.png", "video_3"),
        ("{group}#", "take2cam12.png", "take2cam"),
        ("{group}_#x*", "a_1_2x.png", "a_1"),
        ("*_{group}", "a_v1.2.png", "v1.2"),
        ("#-{group}.png", "12-b.png", "b"),
        ("{group}/*", "train/p7/1.png", "p7"),
        ("{group}/*", "1.png", None),
        ("{group}/*/*", "p7/left/1.png", "p7"),
        (r"\#{group}\{1\}_*", "#a{1}_2.png", "a"),
        ("{group}_*", "line\nbreak_1.png", "line\nbreak"),
        ("{group}_*", "x" * 5000 + "_1.png", None),
    ],
)
def test_a_pattern_takes_the_group_from_the_end_of_a_path(pattern: str, path: str, group: str | None) -> None:
    assert compiled(pattern).group(path) == group


@pytest.mark.parametrize(
    ("pattern", "words"),
    [
        ("patient_id", "no {group} in 'patient_id'"),
        ("{grup}_#", "'{grup}_' is not understood"),
        ("{group", "'{group' is not understood"),
        ("{group}\\", "is not understood"),
        ("{group}*", "nothing tells where {group} ends in '{group}*'"),
        ("*{group}", "nothing tells where * ends"),
        ("{group}{group}", "nothing tells where {group} ends"),
        ("**/{group}_*", "nothing tells where * ends in '**'"),
        ("{group}##", "'##' matches nothing"),
        ("{group}#1", "'#1' matches nothing"),
        ("/{group}", "is no name"),
        ("{group}/", "is no name"),
        ("../{group}", "is no name"),
        ("{group}" + "a" * 194, "longer than 200 characters"),
    ],
)
def test_what_no_path_could_match_or_what_is_ambiguous_is_refused(pattern: str, words: str) -> None:
    with pytest.raises(UsageError, match=re.escape(words)):
        compiled(pattern)


def test_the_longest_pattern_is_read() -> None:
    assert compiled("{group}" + "a" * 193).group("b" + "a" * 193 + ".png") == "b"


@pytest.mark.parametrize(
    ("pattern", "path"),
    [
        ("*a" * 96 + "{group}b", "a" * 4000),
        ("{group}a" * 24 + "b", "a" * 4000),
        ("{group}#x", "1" * 4000),
        ("{group}_#" * 22, "_1" * 2000 + "x"),
        ("{group}/" * 24 + "b", "a/" * 2000),
        ("{group}" + "a" * 190 + "b", "a" * 4000),
    ],
)
def test_a_hostile_pattern_ends(pattern: str, path: str) -> None:
    assert [compiled(pattern).group(path) for _ in range(100)] == [None] * 100


TOKENS = ("{group}", "*", "#", "a", "b", "_", "/", "1", ".")


def by_trying_everything(pattern: str, path: str) -> str | None:
    """The same by a search that tries every way, shortest first."""
    words, before = "", "/"
    for token in re.findall(r"\{group\}|.", pattern):
        run = "(?<![0-9])[0-9]+(?![0-9])" if before in ("{group}", "*") else "[0-9]+(?![0-9])"
        words += {"{group}": "([^/]+?)", "*": "[^/]*?", "#": run}.get(token, re.escape(token))
        before = token
    found = re.fullmatch(rf"{words}(?:\.[^./]*)?", "/".join(path.split("/")[-pattern.count("/") - 1 :]))
    return "/".join(found.groups()) if found else None


@given(
    st.lists(st.sampled_from(TOKENS), min_size=1, max_size=7).map("".join), st.text("ab_1./", min_size=1, max_size=12)
)
def test_nothing_is_missed_that_a_full_search_finds(pattern: str, path: str) -> None:
    try:
        taken = compiled(pattern).group(path)
    except UsageError:
        return
    assert taken == by_trying_everything(pattern, path)
