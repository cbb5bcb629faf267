"""Near duplicates of the real corpora: the pairs that are there, and none that are not."""

from __future__ import annotations

import csv
import io
import subprocess
import sys
from itertools import combinations
from typing import TYPE_CHECKING

import pytest
from PIL import Image

from tests.conftest import CORPORA

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.corpus

SQL = """
select a.path, b.path as other_path, n.similarity, n.transform, n.group_id
from near n join files a on a.file_id = n.file_id join files b on b.file_id = n.other_file_id
"""


def near(folder: Path) -> list[dict[str, str]]:
    """Rows of the table, with file names instead of numbers."""
    command = [sys.executable, "-m", "datalint", "facts", str(folder), "--no-cache", "--sql", SQL]
    run = subprocess.run(command, check=True, capture_output=True, text=True)
    return list(csv.DictReader(io.StringIO(run.stdout)))


def pairs(rows: list[dict[str, str]]) -> set[frozenset[str]]:
    return {frozenset(row[name].rsplit("/", 1)[-1] for name in ("path", "other_path")) for row in rows}


def test_two_views_of_one_smear_are_the_only_copies_among_364(corpora: Path) -> None:
    assert pairs(near(corpora / "bccd-voc")) == {frozenset({"BloodImage_00037.jpg", "BloodImage_00038.jpg"})}


def test_the_flipped_and_the_resized_picture_are_copies(corpora: Path) -> None:
    rows = near(corpora / "imagededup-images" / "mixed_images")
    names = ("ukbench00120.jpg", "ukbench00120_hflip.jpg", "ukbench00120_resize.jpg")
    assert pairs(rows) == {frozenset(pair) for pair in combinations(names, 2)}
    mirrored = {row["transform"] for row in rows if "hflip" in row["path"] + row["other_path"]}
    assert mirrored == {"mirrored"}
    assert {row["transform"] for row in rows if "hflip" not in row["path"] + row["other_path"]} == {""}


def test_the_eight_orientations_of_exif_are_told_apart(corpora: Path) -> None:
    rows = near(corpora / "exif-orientation")
    # What an orientation of EXIF asks for undoes how the stored picture is turned.
    stored = ["", "mirrored", "rotated 180°", "flipped", "transposed", "rotated 270°", "transverse", "rotated 90°"]
    found = {row["other_path"]: row["transform"] for row in rows if row["path"] == "Landscape_1.jpg"}
    assert found == {f"Landscape_{number}.jpg": words for number, words in enumerate(stored, start=1) if number > 1}
    assert len({row["group_id"] for row in rows}) == 1


def test_cleanvisions_near_duplicates_are_found_and_no_others(corpora: Path) -> None:
    assert pairs(near(corpora / "cleanvision-images")) == {frozenset({"image_103.png", "image_408.png"})}


def test_823_hands_of_one_set_are_no_copies(corpora: Path) -> None:
    assert near(corpora / "signdigits-imagefolder" / "Dataset") == []


def test_copies_of_one_photograph_of_ships_have_its_name(corpora: Path) -> None:
    rows = near(corpora / "ships-yolo")
    assert len(rows) >= 150
    for pair in pairs(rows):
        assert len({name.split(".rf.")[0] for name in pair}) == 1, pair


def equal_pixels() -> list[set[str]]:
    """Groups of PngSuite that Pillow decodes alike, of 4 pixels a side and more and not of one colour."""
    found: dict[object, set[str]] = {}
    for path in sorted((CORPORA / "pngsuite").glob("*.png")):
        try:
            with Image.open(path) as image:
                pixels = image.convert("RGBA")
        except (OSError, SyntaxError):
            continue
        grey = pixels.convert("L").getextrema()
        if min(pixels.size) >= 4 and grey[0] != grey[1]:
            found.setdefault((pixels.size, pixels.tobytes()), set()).add(path.name)
    return [group for group in found.values() if len(group) > 1]


def test_equal_pixels_in_other_encodings_are_one_group(corpora: Path) -> None:
    rows = near(corpora / "pngsuite")
    groups = equal_pixels()
    assert len(groups) >= 30
    known = pairs(rows)
    for group in groups:
        members = sorted(group)
        distinct = {(corpora / "pngsuite" / name).read_bytes(): name for name in reversed(members)}
        for one, other in zip(sorted(distinct.values()), sorted(distinct.values())[1:], strict=False):
            linked = frozenset({one, other}) in known or any(
                frozenset({one, third}) in known and frozenset({other, third}) in known for third in members
            )
            assert linked, (one, other)
