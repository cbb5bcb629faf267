"""Near duplicates from the command line: what is a copy, what only looks like one to a hash, and between runs."""

from __future__ import annotations

import csv
import io
import json
import sqlite3
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageEnhance, ImageFont

from tests.facts.pictures import smooth

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

SQL = """
select a.path, b.path as other_path, n.similarity, n.distance, n.transform, n.group_id
from near n join files a on a.file_id = n.file_id join files b on b.file_id = n.other_file_id order by all
"""
LEAKAGE = "near-duplicate-across-splits,augmented-copy-across-splits"
RULES = f"{LEAKAGE},near-duplicate-in-split,near-duplicate-two-labels"


def datalint(folder: Path, *words: str) -> str:
    run = subprocess.run(
        [sys.executable, "-m", "datalint", *words], cwd=folder, check=False, capture_output=True, text=True
    )
    assert run.returncode in (0, 1), run.stderr
    return run.stdout


def near(folder: Path, *words: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(datalint(folder, "facts", "images", "--sql", SQL, *words))))


def findings(folder: Path, *words: str, select: str = RULES) -> list[dict[str, Any]]:
    report = json.loads(datalint(folder, "check", "images", "--select", select, "-o", "json", *words))
    assert not [item for item in report["not_checked"] if "near" in item["what"]]
    found: list[dict[str, Any]] = report["findings"]
    return found


def save(image: Image.Image, path: Path, **options: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    image.save(path, **options)


@pytest.fixture
def images(tmp_path: Path) -> Path:
    """A dataset of two splits and two classes in which no picture is a copy."""
    folder = tmp_path / "images"
    for number in range(8):
        split, label = ("train", "val")[number % 4 == 3], ("cat", "dog")[number % 2]
        save(smooth(160, 120, seed=number), folder / split / label / f"{number}.png")
    return folder


def test_pictures_of_their_own_are_silent(images: Path) -> None:
    assert findings(images.parent) == []
    assert near(images.parent) == []


@pytest.mark.parametrize("change", ["saved", "resized", "brighter", "cropped", "grey"])
def test_a_changed_copy_in_validation_is_told_with_its_share(images: Path, change: str) -> None:
    image = smooth(160, 120, seed=0)
    if change == "resized":
        image = image.resize((80, 60))
    elif change == "brighter":
        image = ImageEnhance.Brightness(image).enhance(1.15)
    elif change == "cropped":
        image = image.crop((2, 0, 159, 118))
    elif change == "grey":
        image = image.convert("L")
    save(image, images / "val" / "cat" / "copy.jpg", quality=50)
    (finding,) = findings(images.parent)
    assert finding["rule"] == "near-duplicate-across-splits"
    assert (finding["path"], finding["other_path"]) == ("images/train/cat/0.png", "images/val/cat/copy.jpg")
    assert finding["values"]["similarity"] >= 0.94
    assert "33.3% of val is in train (1 of 3)" in finding["message"]


def test_a_turned_copy_is_told_with_its_turn(images: Path) -> None:
    save(smooth(160, 120, seed=0).transpose(Image.Transpose.ROTATE_270), images / "val" / "cat" / "turned.png")
    (finding,) = findings(images.parent)
    assert finding["rule"] == "augmented-copy-across-splits"
    assert "images/train/cat/0.png (train) rotated 90°" in finding["message"]


def test_a_copy_under_another_label_is_told(images: Path) -> None:
    save(smooth(160, 120, seed=0), images / "train" / "dog" / "copy.jpg", quality=80)
    found = {finding["rule"]: finding for finding in findings(images.parent)}
    assert set(found) == {"near-duplicate-two-labels", "near-duplicate-in-split"}
    assert "('cat')" in found["near-duplicate-two-labels"]["message"]
    assert "('dog')" in found["near-duplicate-two-labels"]["message"]


def page(*lines: str, size: int = 28) -> Image.Image:
    image = Image.new("L", (400, 300), 255)
    for number, line in enumerate(lines):
        ImageDraw.Draw(image).text((20, 20 + 40 * number), line, fill=0, font=ImageFont.load_default(size))
    return image


def shape(colour: tuple[int, int, int]) -> Image.Image:
    image = Image.new("RGB", (200, 200), (200, 200, 200))
    ImageDraw.Draw(image).polygon([(30, 160), (90, 20), (170, 120), (120, 180)], fill=colour)
    ImageDraw.Draw(image).ellipse((110, 20, 180, 70), fill=colour)
    return image


def veiled(seed: int) -> Image.Image:
    """Black, and only its transparency has a shape."""
    image = Image.new("RGBA", (64, 64))
    image.putalpha(smooth(64, 64, seed=seed).convert("L"))
    return image


def icon(seed: int) -> Image.Image:
    return Image.fromarray(np.random.default_rng(seed).integers(0, 256, (6, 6, 3), dtype=np.uint8))


LOOKALIKES = {
    "flat": [Image.new("RGB", (64, 64), (level, level, level)) for level in (0, 1, 90, 91, 255)],
    "nearly flat": [
        Image.fromarray(np.random.default_rng(seed).integers(90, 92, (64, 64), dtype=np.uint8)) for seed in range(8)
    ],
    "transparent": [veiled(seed) for seed in range(6)],
    "tiny": [icon(seed) for seed in range(300)],
    "text": [
        page("Invoice 2026", "Total: 1,204.50", "Paid by card", name) for name in ("A. Miller", "B. Hansen", "C. Rossi")
    ],
    "one digit": [page("Invoice 2026", f"Total: 1,2{digit}4.50", "Paid by card") for digit in range(10)],
    "one small digit": [page("Invoice 2026", f"Total: 1,2{digit}4.50", "Paid by card", size=20) for digit in range(10)],
    "noise": [
        Image.fromarray(np.random.default_rng(seed).integers(0, 256, (64, 64), dtype=np.uint8)) for seed in range(60)
    ],
    "colours": [shape((220, 40, 40)), shape((40, 106, 220)), shape((30, 130, 30))],
}


@pytest.mark.parametrize("kind", LOOKALIKES)
def test_what_only_hashes_take_for_a_copy_is_silent(kind: str, tmp_path: Path) -> None:
    for number, image in enumerate(LOOKALIKES[kind]):
        save(image, tmp_path / "images" / ("train", "val")[number % 2] / "a" / f"{number}.png")
    assert near(tmp_path) == []
    assert findings(tmp_path) == []


@pytest.mark.parametrize(("size", "width"), [(28, 240), (28, 640), (20, 360)])
def test_a_page_of_another_size_is_a_copy(size: int, width: int, tmp_path: Path) -> None:
    original = page("Invoice 2026", "Total: 1,204.50", "Paid by card", size=size)
    save(original, tmp_path / "images" / "train" / "a" / "page.png")
    resized = original.resize((width, width * 3 // 4), Image.Resampling.LANCZOS)
    save(resized, tmp_path / "images" / "val" / "a" / "page.jpg", quality=80)
    (finding,) = findings(tmp_path)
    assert finding["rule"] == "near-duplicate-across-splits"


@pytest.mark.parametrize("kind", ["tiny", "text", "one digit", "colours"])
def test_they_are_copies_where_their_pixels_agree(kind: str, tmp_path: Path) -> None:
    one, other = LOOKALIKES[kind][:2]
    save(one, tmp_path / "images" / "train" / "a" / "one.png")
    save(other, tmp_path / "images" / "train" / "a" / "other.png")
    save(one, tmp_path / "images" / "val" / "a" / "copy.bmp")
    assert [(row["path"], row["other_path"]) for row in near(tmp_path)] == [
        ("images/train/a/one.png", "images/val/a/copy.bmp")
    ]


def test_a_chain_is_no_group(tmp_path: Path) -> None:
    """Each frame is a copy of the next, and the last is none of the first."""
    wide = smooth(600, 240, seed=4)
    for number in range(9):
        left = 8 * number
        save(wide.crop((left, 0, left + 240, 240)), tmp_path / "images" / "a" / f"{number}.png")
    rows = near(tmp_path)
    pairs = {(row["path"][-5], row["other_path"][-5]) for row in rows}
    assert ("0", "1") in pairs
    assert ("0", "8") not in pairs
    groups: dict[str, set[str]] = {}
    for row in rows:
        groups.setdefault(row["group_id"], set()).update((row["path"][-5], row["other_path"][-5]))
    groups.pop("", None)
    assert not any({"0", "8"} <= members for members in groups.values())


def test_a_run_from_memory_says_the_same(images: Path) -> None:
    save(smooth(160, 120, seed=0), images / "val" / "cat" / "copy.jpg", quality=60)
    save(smooth(160, 120, seed=1).transpose(Image.Transpose.FLIP_LEFT_RIGHT), images / "train" / "dog" / "m.png")
    folder = images.parent
    first = near(folder)
    assert len(first) == 2
    assert near(folder) == first == near(folder, "--no-cache")
    # One picture more, and one less.
    save(smooth(160, 120, seed=5).resize((90, 60)), images / "val" / "dog" / "new.png")
    more = near(folder)
    assert len(more) == 3
    assert more == near(folder, "--no-cache")
    (images / "val" / "cat" / "copy.jpg").unlink()
    less = near(folder)
    assert len(less) == 2
    assert less == near(folder, "--no-cache")


def flipped(content: bytes) -> bytes:
    middle = len(content) // 2
    return content[:middle] + bytes([content[middle] ^ 8]) + content[middle + 1 :]


DAMAGES: dict[str, Callable[[bytes], bytes | str]] = {
    "text": lambda _: "text",
    "cut": lambda content: content[: len(content) // 2],
    "a bit": flipped,
}
MEMORIES = ("near", "hashes", "alike")
"""The answer, close hashes, and similarities; the first makes that nobody asks for the others."""


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_memory_is_made_anew(images: Path, damage: str) -> None:
    save(smooth(160, 120, seed=0), images / "val" / "cat" / "copy.jpg", quality=60)
    folder = images.parent
    first = near(folder)
    assert len(first) == 1
    (cache,) = folder.rglob("facts.sqlite")
    for damaged in (MEMORIES, MEMORIES[:1], MEMORIES[:2]):
        with sqlite3.connect(cache) as database:
            database.create_function("damaged", 1, DAMAGES[damage])
            marks = ", ".join("?" * len(damaged))
            changed = database.execute(
                f"UPDATE kept SET content = damaged(content) WHERE name IN ({marks})",
                damaged,
            )
            assert changed.rowcount == len(damaged)
        database.close()
        assert near(folder) == first


@pytest.mark.parametrize("cache", ["with", "without"])
def test_leakage_alone_finds_what_all_rules_find_across_splits(images: Path, cache: str) -> None:
    save(smooth(160, 120, seed=0), images / "val" / "cat" / "copy.jpg", quality=60)
    save(smooth(160, 120, seed=0), images / "train" / "cat" / "again.jpg", quality=70)
    save(smooth(160, 120, seed=1).transpose(Image.Transpose.ROTATE_90), images / "val" / "dog" / "turned.png")
    words = [] if cache == "with" else ["--no-cache"]
    across = findings(images.parent, *words, select=LEAKAGE)
    both = [finding for finding in findings(images.parent, *words) if finding["rule"] in LEAKAGE.split(",")]
    assert across == both
    assert {finding["rule"] for finding in across} == set(LEAKAGE.split(","))


def test_the_table_is_empty_where_nobody_asks(images: Path) -> None:
    save(smooth(160, 120, seed=0), images / "val" / "cat" / "copy.jpg", quality=60)
    datalint(images.parent, "check", "images", "--select", "duplicate-across-splits")
    (cache,) = images.parent.rglob("facts.sqlite")
    with sqlite3.connect(cache) as database:
        assert database.execute("SELECT count(*) FROM sqlite_master WHERE name = 'kept'").fetchone() == (0,)
    database.close()


def test_a_note_says_that_only_the_nearest_were_compared(tmp_path: Path) -> None:
    """Ninety forms that differ in a small word: each hash is close to all others."""
    for number in range(90):
        form = page("Invoice", "2026", "Total:", "1,204.50")
        ImageDraw.Draw(form).text((240, 250), f"{number:02}", fill=0, font=ImageFont.load_default(24))
        save(form, tmp_path / "images" / "a" / f"{number}.png")
    report = json.loads(datalint(tmp_path, "check", "images", "--select", RULES, "-o", "json"))
    (note,) = [note for note in report["notes"] if "near duplicates" in note]
    assert "pictures resemble so many others" in note
    assert report["verdict"] == "TRAINABLE"


@pytest.mark.exhaustive
def test_a_note_says_that_fewer_bits_were_compared(tmp_path: Path) -> None:
    """1,500 pictures, each with five of one's 63 low frequencies inverted: more than a million pairs within 11 bits."""
    angles = np.pi / 32 * np.outer(np.arange(8), np.arange(32) + 0.5)
    waves = np.cos(angles) * np.sqrt(np.where(np.arange(8) > 0, 2, 1) / 32)[:, None]
    random = np.random.default_rng(7)
    base = random.choice([-60.0, 60.0], (8, 8))
    base[0, 0] = 32 * 128
    (folder := tmp_path / "images" / "a").mkdir(parents=True)
    for number in range(1500):
        picture = base.reshape(-1).copy()
        picture[random.choice(np.arange(1, 64), 5, replace=False)] *= -1
        levels = np.rint(waves.T @ picture.reshape(8, 8) @ waves)
        Image.fromarray(levels.clip(0, 255).astype(np.uint8)).save(folder / f"{number:04}.bmp")
    report = json.loads(datalint(tmp_path, "check", "images", "--select", RULES, "-o", "json"))
    assert "near duplicates: the pictures are so alike that only hashes within 8 bits were compared" in report["notes"]
