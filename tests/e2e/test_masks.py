"""A dataset for segmentation with every flaw, through the command line."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.dataset.test_masks import made, png
from tests.e2e.conftest import Repository

if TYPE_CHECKING:
    from pathlib import Path


def noise(number: int) -> bytes:
    return png([[[(number * 31 + x * y * c) % 251 for c in (3, 5, 7)] for x in range(40)] for y in range(30)])


def findings(home: Path) -> list[dict[str, Any]]:
    run = Repository(home).datalint("check", ".", "-o", "json", "--no-cache")
    report = json.loads(run.stdout)
    assert report["dataset"]["format"] == "masks"
    found: list[dict[str, Any]] = report["findings"]
    return found


def check(home: Path) -> dict[str, dict[str, Any]]:
    """Findings by rule."""
    return {finding["rule"]: finding for finding in findings(home)}


def mask(value: int, *, width: int = 40) -> bytes:
    return png([[0] * (width - 10) + [value] * 10] * 30)


@pytest.fixture
def good(tmp_path: Path) -> dict[str, bytes]:
    files = {f"train/images/{number}.png": noise(number) for number in range(40)}
    files |= {f"val/images/{number}.png": noise(number + 50) for number in range(40)}
    files |= {f"{split}/masks/{number}.png": mask(1) for split in ("train", "val") for number in range(40)}
    return files | {"classes.txt": b"background\ncat\n"}


def test_a_clean_dataset_has_no_errors_and_nothing_is_said_of_masks(tmp_path: Path, good: dict[str, bytes]) -> None:
    """All masks are the same bytes and nearly black: of pictures that would be said."""
    found = check(made(tmp_path, good))
    assert [rule for rule, finding in found.items() if finding["severity"] == "error"] == []
    assert [rule for rule in found if "mask" in rule or rule.startswith("duplicate") or "blank" in rule] == []
    assert [finding["path"] for finding in found.values() if "/masks/" in (finding["path"] or "")] == []


def test_an_estimate_says_that_masks_come_on_top(tmp_path: Path, good: dict[str, bytes]) -> None:
    run = Repository(made(tmp_path, good)).datalint("estimate", ".", "-o", "json", "--no-cache")
    assert json.loads(run.stdout)["assumed"]["a label"] == "one number: masks come on top"


def test_every_flaw_is_found_at_its_file(tmp_path: Path, good: dict[str, bytes]) -> None:
    flawed = {
        "train/masks/0.png": mask(7),
        "train/masks/1.png": mask(1, width=41),
        "train/masks/2.png": mask(1)[:70],
        "val/masks/extra.png": mask(1),
        "val/images/extra2.png": noise(200),
        "train/masks/3.png": png([[0] * 39 + [1]] * 30, "P"),
    }
    found = check(made(tmp_path, good | flawed))
    assert {rule: finding["path"] for rule, finding in found.items() if "mask" in rule} == {
        "unknown-mask-value": "train/masks/0.png",
        "mask-size-mismatch": "train/masks/1.png",
        "unreadable-mask": "train/masks/2.png",
        "mask-without-image": "val/masks/extra.png",
        "image-without-mask": "val/images/extra2.png",
        "palette-mask": "train/masks/3.png",
    }


def test_black_and_white_masks_without_a_list(tmp_path: Path, good: dict[str, bytes]) -> None:
    del good["classes.txt"]
    white = {name: mask(255) for name in good if "/masks/" in name}
    found = findings(made(tmp_path, good | white))
    assert [finding["message"] for finding in found if finding["rule"] == "mask-of-255"] == [
        f"all 40 masks hold only 0 and 255 in {split}: {split}/masks/0.png" for split in ("train", "val")
    ]
    empty = {name: mask(0) for name in good if "/masks/" in name}
    assert check(made(tmp_path, good | empty))["empty-mask"]["severity"] == "error"
