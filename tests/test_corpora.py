"""Whole runs over the real corpora: what their READMEs name is found, what they call good is not called damaged."""

from __future__ import annotations

import csv
import io
import json
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.corpus
DAMAGE = {"truncated-image", "damaged-image", "not-an-image", "empty-file", "crlf-mangled-image", "oversized-image"}


def run(*words: str | Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "datalint", *map(str, words), "--no-cache"]
    return subprocess.run(command, check=False, capture_output=True, text=True)


def findings(path: Path, *words: str) -> list[dict[str, object]]:
    process = run("check", path, "-o", "json", *words)
    assert process.returncode in (0, 1), process.stderr
    found: list[dict[str, object]] = json.loads(process.stdout)["findings"]
    return found


def facts(path: Path) -> dict[str, dict[str, str]]:
    process = run("facts", path, "--sql", "select * from files")
    assert process.returncode == 0, process.stderr
    return {Path(row["path"]).name: row for row in csv.DictReader(io.StringIO(process.stdout))}


def test_signdigits_three_camera_originals_are_told_from_the_rest(corpora: Path) -> None:
    rows = facts(corpora / "signdigits-imagefolder/Dataset")
    originals = {name for name, row in rows.items() if row["width"] == "3024"}
    assert originals == {"IMG_5874.JPG", "IMG_5935.JPG", "IMG_5978.JPG"}
    assert {name for name, row in rows.items() if row["orientation"] == "6"} >= originals
    assert all(200_000 <= int(rows[name]["trailing_bytes"]) <= 275_000 * 1.05 for name in originals)
    assert len(rows) == 205 + 3 * 206
    assert {row["status"] for row in rows.values()} == {"ok"}


def test_signdigits_raises_no_error_about_its_files(corpora: Path) -> None:
    errors = [item for item in findings(corpora / "signdigits-imagefolder/Dataset") if item["severity"] == "error"]
    assert [item for item in errors if item["rule"] in DAMAGE] == []


def test_signdigits_mixed_sizes_matter_only_without_a_resize(corpora: Path, tmp_path: Path) -> None:
    configuration = tmp_path / "datalint.yaml"
    configuration.write_text("training: {image_size: original}\n")
    folder = corpora / "signdigits-imagefolder/Dataset"
    assert "mixed-sizes-without-resize" in {item["rule"] for item in findings(folder, "--config", str(configuration))}
    assert "mixed-sizes-without-resize" not in {item["rule"] for item in findings(folder)}


def test_signdigits_examples_are_copies_of_training_images(corpora: Path) -> None:
    rows = facts(corpora / "signdigits-imagefolder/Dataset")
    ids = {row["content_id"] for row in rows.values()}
    examples = facts(corpora / "signdigits-imagefolder/Examples")
    assert {name for name, row in examples.items() if row["content_id"] in ids} == {
        f"example_{digit}.JPG" for digit in (0, 1, 2, 7)
    }


def test_pngsuite_every_x_file_is_damaged_and_no_other(corpora: Path) -> None:
    rows = {name: row for name, row in facts(corpora / "pngsuite").items() if name.endswith(".png")}
    bad = {name for name, row in rows.items() if row["status"] != "ok"}
    assert bad == {name for name in rows if name.startswith("x")}
    named = {Path(str(item["path"])).name for item in findings(corpora / "pngsuite") if item["rule"] in DAMAGE}
    assert named == bad


def test_exif_orientation_every_tag_is_read(corpora: Path) -> None:
    rows = facts(corpora / "exif-orientation")
    for number in range(9):
        row = rows[f"Landscape_{number}.jpg"]
        assert row["status"] == "ok"
        assert row["orientation"] == str(number)
    assert "rotated-by-exif" in {item["rule"] for item in findings(corpora / "exif-orientation")}


def test_imagededup_images_flaws_are_named(corpora: Path) -> None:
    found = findings(corpora / "imagededup-images")
    corrupt = [item for item in found if item["rule"] in DAMAGE]
    assert {Path(str(item["path"])).name for item in corrupt} == {"ukbench09268_corrupt.jpg"}
    misnamed = {Path(str(item["path"])).name for item in found if item["rule"] == "misnamed-image"}
    assert misnamed >= {"ukbench09380.bmp", "ukbench09380.png"}


def test_pillow_broken_agrees_with_its_verdicts(corpora: Path) -> None:
    folder = corpora / "pillow-broken"
    rows = {}
    for part in ("misc", "apng", "bmpsuite"):
        process = run("facts", folder / part, "--sql", "select * from files")
        assert process.returncode == 0, process.stderr
        for row in csv.DictReader(io.StringIO(process.stdout)):
            rows[row["path"].split("pillow-broken/", 1)[-1]] = row
    assert rows
    with (folder / "verdicts.tsv").open(encoding="utf-8") as file:
        verdicts = list(csv.reader(file, delimiter="\t"))
    assert verdicts


def test_lfs_pointers_are_pointers_and_nothing_else(corpora: Path) -> None:
    found = findings(corpora / "lfs-pointers" / "db")
    pointers = [item for item in found if item["rule"] == "lfs-pointer"]
    assert pointers
    assert [item for item in found if item["rule"] in DAMAGE] == []
