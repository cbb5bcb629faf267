"""Whole runs over the real corpora, file by file: what their READMEs name is found, what they call good is not blamed.

Where a README is wrong, the test says so and proves it with the decoder itself; docs/corpora.md keeps the list.
"""

from __future__ import annotations

import csv
import io
import json
import os
import re
import shutil
import subprocess
import sys
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from datalint import dataset
from datalint.source.worktree import open_worktree
from tests.conftest import CORPORA
from tests.dataset.manifests import rows

pytestmark = pytest.mark.corpus

CORRUPT = {"truncated-image", "damaged-image", "not-an-image", "empty-file", "crlf-mangled-image", "oversized-image"}
BLAMED = CORRUPT | {"unsupported-image", "unreadable-file", "crashed-decoder", "missing-file"}
SIGNDIGITS, PILLOW, PNGSUITE = "signdigits-imagefolder", "pillow-broken", "pngsuite"
EXIF, IMAGEDEDUP, POINTERS = "exif-orientation", "imagededup-images", "lfs-pointers"


@dataclass(frozen=True)
class Run:
    """What `datalint facts` and `datalint check` say about one dataset, by path."""

    rows: dict[str, dict[str, str]]
    findings: list[dict[str, Any]]

    def rules(self, path: str) -> list[str]:
        return sorted(str(item["rule"]) for item in self.findings if item["path"] == path)

    def blamed(self, path: str) -> list[str]:
        return [rule for rule in self.rules(path) if rule in BLAMED]

    def copies(self) -> list[set[str]]:
        groups: defaultdict[str, set[str]] = defaultdict(set)
        for path, row in self.rows.items():
            groups[row["content_id"]].add(path)
        return [group for group in groups.values() if len(group) > 1]


def datalint(*words: str | Path) -> str:
    command = [sys.executable, "-m", "datalint", *map(str, words), "--no-cache", "--workers", "2"]
    process = subprocess.run(command, check=False, capture_output=True, text=True)
    assert process.returncode in (0, 1), process.stderr
    return process.stdout


def run(dataset: Path, *words: str | Path) -> Run:
    table = csv.DictReader(io.StringIO(datalint("facts", dataset, "--sql", "select * from files", *words)))
    report = json.loads(datalint("check", dataset, "-o", "json", *words))
    return Run({row["path"]: row for row in table}, report["findings"])


def listed(corpus: str, *patterns: str) -> list[str]:
    """Paths below a corpus; none where the corpora are absent, and then the test that takes them is skipped."""
    folder = CORPORA / corpus
    found = {path for pattern in patterns for path in folder.glob(pattern) if path.is_file()}
    return sorted(path.relative_to(folder).as_posix() for path in found)


def distance(one: dict[str, str], other: dict[str, str]) -> int:
    return ((int(one["phash"]) ^ int(other["phash"])) & (1 << 64) - 1).bit_count()


# --- signdigits-imagefolder: a real folder of photographs ---

ORIGINALS = {f"Dataset/7/IMG_{number}.JPG" for number in (5874, 5935, 5978)}
EXAMPLES = {"0": "IMG_4916", "1": "IMG_4172", "2": "IMG_4848", "7": "IMG_4066"}
SIGNS = listed(SIGNDIGITS, "*/**/*.JPG")


@pytest.fixture(scope="module")
def signdigits(corpora: Path) -> Run:
    return run(corpora / SIGNDIGITS)


@pytest.mark.parametrize("path", SIGNS)
def test_signdigits_file_decodes(signdigits: Run, path: str) -> None:
    row = signdigits.rows[path]
    assert (row["status"], row["format"], row["pillow"], row["tensorflow"]) == ("ok", "jpeg", "true", "true")
    assert signdigits.blamed(path) == []
    assert "misnamed-image" not in signdigits.rules(path)
    assert (row["width"], row["height"]) == (("3024", "3024") if path in ORIGINALS else ("100", "100"))


@pytest.mark.parametrize("path", sorted(ORIGINALS))
def test_signdigits_camera_original_is_turned_and_has_trailing_bytes(signdigits: Run, path: str) -> None:
    row = signdigits.rows[path]
    assert row["orientation"] == "6"
    assert 200_000 <= int(row["trailing_bytes"]) < 276_000


def test_signdigits_turned_originals_are_reported_once(signdigits: Run) -> None:
    (finding,) = [item for item in signdigits.findings if item["rule"] == "rotated-by-exif"]
    assert "3 images" in finding["message"]
    assert finding["path"] in ORIGINALS


@pytest.mark.parametrize("digit", EXAMPLES)
def test_signdigits_example_is_a_copy_of_a_training_image(signdigits: Run, digit: str) -> None:
    pair = {f"Examples/example_{digit}.JPG", f"Dataset/{digit}/{EXAMPLES[digit]}.JPG"}
    assert pair in signdigits.copies()
    reported = [item for item in signdigits.findings if item["rule"] == "same-image-two-labels"]
    assert any(all(path in item["message"] for path in pair) for item in reported)


def test_signdigits_has_no_other_copies(signdigits: Run) -> None:
    assert len(signdigits.copies()) == len(EXAMPLES)


def test_signdigits_classes_are_counted(corpora: Path) -> None:
    query = "select label, count(*) as n from samples group by label"
    table = csv.DictReader(io.StringIO(datalint("facts", corpora / SIGNDIGITS / "Dataset", "--sql", query)))
    assert {row["label"]: int(row["n"]) for row in table} == {"0": 205, "1": 206, "2": 206, "7": 206}


@pytest.mark.parametrize(("size", "reported"), [("original", True), ("224", False)])
def test_signdigits_mixed_sizes_matter_only_without_a_resize(
    corpora: Path, tmp_path: Path, size: str, *, reported: bool
) -> None:
    configuration = tmp_path / "datalint.yaml"
    configuration.write_text(f"training: {{loader: files, image_size: {size}}}\n")
    report = json.loads(datalint("check", corpora / SIGNDIGITS / "Dataset", "-o", "json", "--config", configuration))
    assert ("mixed-sizes-without-resize" in {item["rule"] for item in report["findings"]}) is reported


# --- pillow-broken: verdicts.tsv names what Pillow refuses, the README what is corrupt ---

NO_PICTURES = {"misc/bad_palette_entry.gpl", "misc/dummy.container"}
NOTES = {"bmpsuite/README.txt"}
BROKEN = [path for path in listed(PILLOW, "*/**/*") if path not in NOTES]
BOMBS = {
    "bmpsuite/b/badwidth.bmp",
    "bmpsuite/b/reallybig.bmp",
    "misc/decompression_bomb.gif",
    "misc/decompression_bomb.ico",
    "misc/png_decompression_dos.png",
}
# `P6` without the white space that must follow is text, not a damaged PPM.
TEXT = {"misc/negative_size.ppm"}
# The README calls its pixels good; they decode to stripes (test_hopper_bad_exif_is_striped).
STRIPED = {"misc/hopper_bad_exif.jpg"}


def verdicts() -> dict[str, str]:
    file = CORPORA / PILLOW / "verdicts.tsv"
    if not file.is_file():
        return {}
    with file.open(encoding="utf-8", newline="") as stream:
        return {row["path"]: row["error"] for row in csv.DictReader(stream, delimiter="\t")}


REFUSED = verdicts()


def expected_status(path: str) -> str:
    if path in NO_PICTURES | TEXT:
        return "not-image"
    if path in BOMBS:
        return "oversized"
    if path in REFUSED:
        return "unsupported" if path.startswith(("bmpsuite/g/", "bmpsuite/q/")) else "damaged"
    return "damaged" if path in STRIPED else "ok"


@pytest.fixture(scope="module")
def broken(corpora: Path, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Through a manifest, because a folder loader would pass over the odd suffixes."""
    folder = shutil.copytree(corpora / PILLOW, tmp_path_factory.mktemp("corpora") / PILLOW)
    manifest = folder / "all.csv"
    manifest.write_text("path\n" + "".join(f"{path}\n" for path in BROKEN))
    return run(manifest)


@pytest.mark.parametrize("path", BROKEN)
def test_pillow_broken_file_has_its_status(broken: Run, path: str) -> None:
    assert broken.rows[path]["status"] == expected_status(path)


@pytest.mark.parametrize("path", BROKEN)
def test_pillow_broken_file_has_pillows_own_verdict(broken: Run, path: str) -> None:
    refused = path in REFUSED or path in NO_PICTURES
    assert broken.rows[path]["pillow"] == ("false" if refused else "true"), REFUSED.get(path)


@pytest.mark.parametrize("path", BROKEN)
def test_pillow_broken_file_is_blamed_once_or_not_at_all(broken: Run, path: str) -> None:
    assert len(broken.blamed(path)) == (0 if expected_status(path) == "ok" else 1), broken.blamed(path)


@pytest.mark.parametrize("path", [path for path in BROKEN if path.startswith(("bmpsuite/g/", "bmpsuite/q/"))])
def test_pillow_broken_good_bitmap_is_never_called_corrupt(broken: Run, path: str) -> None:
    assert not CORRUPT & set(broken.rules(path))


@pytest.mark.parametrize("path", BROKEN)
def test_pillow_broken_file_is_accepted_by_tensorflow_as_we_say(corpora: Path, broken: Run, path: str) -> None:
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    tensorflow = pytest.importorskip("tensorflow")
    row = broken.rows[path]
    try:
        tensorflow.io.decode_image((corpora / PILLOW / path).read_bytes(), channels=3, expand_animations=False)
        accepted = "true"
    except tensorflow.errors.InvalidArgumentError:
        accepted = "false"
    # What Pillow refuses is not tried on TensorFlow's own decoders, and NULL says so.
    assert row["tensorflow"] in ({accepted} if row["pillow"] == "true" else {accepted, ""})


def test_pillow_broken_png_under_another_name_is_found(broken: Run) -> None:
    assert broken.rows["misc/courB08.pbm"]["format"] == "png"
    assert "misnamed-image" in broken.rules("misc/courB08.pbm")


def test_pillow_broken_suffixes_agree_otherwise(broken: Run) -> None:
    misnamed = {path for path in BROKEN if "misnamed-image" in broken.rules(path)}
    assert misnamed == {"misc/courB08.pbm"}


@pytest.mark.parametrize("path", listed(PILLOW, "misc/hopper.*"))
def test_pillow_broken_hopper_looks_the_same_in_every_format(broken: Run, path: str) -> None:
    assert distance(broken.rows[path], broken.rows["misc/hopper.png"]) <= 6


def test_hopper_bad_exif_is_striped(corpora: Path) -> None:
    """Each restart interval, a band of eight rows, has a brightness of its own: its pixels are damaged."""

    def step(path: Path) -> float:
        plane = np.asarray(Image.open(path).convert("L"), dtype=float)
        jumps = np.abs(np.diff(plane.mean(axis=1)))
        seams = jumps[7::8]
        return float(seams.mean() / np.delete(jumps, np.s_[7::8]).mean())

    misc = corpora / PILLOW / "misc"
    assert step(misc / "hopper.jpg") < 2
    assert step(misc / "hopper_bad_exif.jpg") > 4


# --- pngsuite: the name of a file says what it is ---

SUITE = listed(PNGSUITE, "*.png")
DAMAGED = {
    "xc1n0g08": "colour type 1",
    "xc9n2c08": "colour type 9",
    "xcrn0g04": "every LF of its PNG signature became CR",
    "xlfn0g04": "every CR of its PNG signature became LF",
    "xcsn0g01": "checksum of chunk IDAT",
    "xd0n2c08": "0 bits a channel",
    "xd3n2c08": "3 bits a channel",
    "xd9n2c08": "99 bits a channel",
    "xdtn0g01": "no IDAT",
    "xhdn0g08": "checksum of chunk IHDR",
    "xs1n0g01": "eighth bit was cleared",
    "xs2n0g01": "PNG signature is damaged",
    "xs4n0g01": "PNG signature is damaged",
    "xs7n0g01": "PNG signature is damaged",
}
CHANNELS = {"0": 1, "2": 3, "3": 1, "4": 2, "6": 4}
NAMED = re.compile(r"(?!x)\w{3}(?P<interlace>[in])(?P<colour>[02346])[gcpa](?P<bits>\d\d)\.png")


@pytest.fixture(scope="module")
def pngsuite(corpora: Path) -> Run:
    return run(corpora / PNGSUITE)


@pytest.mark.parametrize("path", [path for path in SUITE if not path.startswith("x")])
def test_pngsuite_valid_file_is_not_blamed(pngsuite: Run, path: str) -> None:
    row = pngsuite.rows[path]
    assert (row["status"], row["pillow"], row["tensorflow"]) == ("ok", "true", "true")
    assert pngsuite.blamed(path) == []


@pytest.mark.parametrize("path", [path for path in SUITE if path.startswith("x")])
def test_pngsuite_damaged_file_is_blamed_with_its_reason(pngsuite: Run, path: str) -> None:
    row = pngsuite.rows[path]
    assert row["status"] == "damaged"
    assert DAMAGED[Path(path).stem] in row["detail"]
    (rule,) = pngsuite.blamed(path)
    assert rule in CORRUPT
    # Pillow decodes the wrong IDAT checksum in silence (README).
    assert row["pillow"] == ("true" if path == "xcsn0g01.png" else "false")


@pytest.mark.parametrize("path", [path for path in SUITE if NAMED.fullmatch(path)])
def test_pngsuite_file_is_what_its_name_says(pngsuite: Run, path: str) -> None:
    row, name = pngsuite.rows[path], NAMED.fullmatch(path)
    assert name is not None
    assert int(row["bit_depth"]) == int(name["bits"])
    assert int(row["channels"]) == CHANNELS[name["colour"]]
    assert row["progressive"] == ("true" if name["interlace"] == "i" else "false")


def test_pngsuite_has_six_groups_of_copies(pngsuite: Run) -> None:
    assert len(pngsuite.copies()) == 6


# --- exif-orientation: one picture with every value of the tag ---


@pytest.fixture(scope="module")
def exif(corpora: Path) -> Run:
    return run(corpora / EXIF)


@pytest.mark.parametrize("path", listed(EXIF, "*.jpg"))
def test_exif_orientation_is_read_and_reported(exif: Run, path: str) -> None:
    value = int(path.removeprefix("Landscape_").removesuffix(".jpg"))
    row = exif.rows[path]
    assert (row["status"], row["orientation"]) == ("ok", str(value))
    assert (row["width"], row["height"]) == (("1200", "1800") if value >= 5 else ("1800", "1200"))
    assert exif.blamed(path) == []
    assert ("rotated-by-exif" in exif.rules(path)) is (value != 1)


def test_exif_orientation_has_nine_files_and_no_copies(exif: Run) -> None:
    assert len(exif.rows) == 9
    assert exif.copies() == []


# --- imagededup-images: copies, one corrupt file twice, wrong suffixes ---

DEDUP = listed(IMAGEDEDUP, "*/**/*.*")
NESTED = [path for path in DEDUP if path.startswith("mixed_nested_images/")]


@pytest.fixture(scope="module")
def imagededup(corpora: Path) -> Run:
    return run(corpora / IMAGEDEDUP)


@pytest.mark.parametrize("path", [path for path in DEDUP if not path.endswith((".svg", ".webp"))])
def test_imagededup_only_the_corrupt_picture_is_blamed(imagededup: Run, path: str) -> None:
    corrupt = path.endswith("_corrupt.jpg")
    assert len(imagededup.blamed(path)) == int(corrupt)
    assert (imagededup.rows[path]["status"] != "ok") is corrupt


@pytest.mark.parametrize("path", [path for path in DEDUP if not path.endswith((".svg", ".webp"))])
def test_imagededup_wrong_suffix_is_found(imagededup: Run, path: str) -> None:
    wrong = path in ("formats_images/ukbench09380.bmp", "formats_images/ukbench09380.png")
    assert ("misnamed-image" in imagededup.rules(path)) is wrong


@pytest.mark.parametrize("suffix", ["svg", "webp"])
def test_imagededup_what_keras_does_not_read_is_reported_as_passed_over(imagededup: Run, suffix: str) -> None:
    assert imagededup.rules(f"formats_images/ukbench09380.{suffix}") == ["ignored-suffix"]


@pytest.mark.parametrize(("suffix", "format_"), [("bmp", "jpeg"), ("jpeg", "jpeg"), ("png", "jpeg")])
def test_imagededup_format_is_read_from_the_content(imagededup: Run, suffix: str, format_: str) -> None:
    assert imagededup.rows[f"formats_images/ukbench09380.{suffix}"]["format"] == format_


def test_imagededup_same_jpeg_under_three_names_is_one_content(imagededup: Run) -> None:
    names = {f"formats_images/ukbench09380.{suffix}" for suffix in ("bmp", "jpeg", "png")}
    assert names in imagededup.copies()


@pytest.mark.parametrize("path", NESTED)
def test_imagededup_nested_file_is_a_copy_across_folders(imagededup: Run, path: str) -> None:
    pair = {path, f"mixed_images/{Path(path).name}"}
    assert pair in imagededup.copies()
    reported = any(
        item["rule"] == "same-image-two-labels" and all(name in item["message"] for name in pair)
        for item in imagededup.findings
    )
    # A file that holds no picture has its own finding.
    assert reported is not path.endswith("_corrupt.jpg")


def test_imagededup_resized_picture_hashes_like_its_original(imagededup: Run) -> None:
    original, resized = (imagededup.rows[f"mixed_images/ukbench00120{name}.jpg"] for name in ("", "_resize"))
    assert distance(original, resized) <= 6
    assert distance(original, imagededup.rows["mixed_images/ukbench09268.jpg"]) > 16


# --- cleanvision-images: ten PNGs, two of them the same bytes ---


def test_cleanvision_has_one_pair_of_copies_and_one_grey_picture(corpora: Path) -> None:
    found = run(corpora / "cleanvision-images")
    assert found.copies() == [{"data/image_142.png", "data/image_236.png"}]
    (copy,) = [item for item in found.findings if item["rule"] == "duplicate-in-split"]
    assert {"data/image_142.png", "data/image_236.png"} <= set(copy["message"].split())
    assert {row["status"] for row in found.rows.values()} == {"ok"}
    channels = [row["channels"] for row in found.rows.values()]
    assert (channels.count("1"), channels.count("3")) == (1, 9)
    assert [path for path in found.rows if found.blamed(path)] == []


# --- datumaro-assets: every picture of some fifty layouts, as one folder ---


def test_datumaro_has_eleven_wrong_suffixes_and_no_damaged_picture(corpora: Path) -> None:
    found = run(corpora / "datumaro-assets", "--format", "imagefolder")
    assert len(found.rows) == 359
    assert {row["status"] for row in found.rows.values()} == {"ok"}
    wrong = {path: row["format"] for path, row in found.rows.items() if "misnamed-image" in found.rules(path)}
    holds = {"jpg": "jpeg", "jpeg": "jpeg", "png": "png", "bmp": "bmp"}
    assert wrong == {
        path: row["format"] for path, row in found.rows.items() if holds[path.rpartition(".")[2]] != row["format"]
    }
    assert len(wrong) == 11
    assert {(path.rpartition(".")[2], format_) for path, format_ in wrong.items()} == {
        ("jpg", "png"), ("png", "jpeg"), ("bmp", "png"),
    }  # fmt: skip
    groups = found.copies()
    assert (len(groups), sum(len(group) - 1 for group in groups)) == (41, 266)


# --- uci-csv: tables of numbers, in which nothing is an image ---


@pytest.mark.parametrize("path", listed("uci-csv", "*.csv"))
def test_a_table_without_images_is_said_to_be_none(corpora: Path, path: str) -> None:
    found = dataset.read(open_worktree(str(corpora / "uci-csv")), root=path)
    assert (found.format, len(found.samples)) == ("csv", 0)
    ((kind, line, detail),) = rows(found.problems, "kind", "line", "detail")
    assert (kind, line) == ("missing-column", 1)
    assert str(detail).startswith("no column for the path of the image among ")


# --- lfs-pointers: a checkout without git-lfs ---

LFS = listed(POINTERS, "db/**/*")


@pytest.fixture(scope="module")
def pointers(corpora: Path) -> Run:
    return run(corpora / POINTERS)


@pytest.mark.parametrize("path", LFS)
def test_lfs_pointer_is_one_finding_and_nothing_else(pointers: Run, path: str) -> None:
    (finding,) = [item for item in pointers.findings if item["path"] == path]
    assert (finding["rule"], finding["severity"]) == ("lfs-pointer", "error")
    assert "git lfs pull" in finding["remedy"]


def test_lfs_pointers_nothing_else_is_reported(pointers: Run) -> None:
    assert {item["path"] for item in pointers.findings} == set(LFS)


# --- webdataset: archives of the library's own tests, and of Croissant's ---

WEBDATASET, DVC_REGISTRY = "webdataset", "dvc-registry"


def facts(query: str, dataset: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(datalint("facts", dataset, "--sql", query))))


def problems(dataset: Path) -> dict[str, str]:
    return {row["kind"]: row["detail"] for row in facts("select kind, detail from problems", dataset)}


def test_webdataset_samples_are_complete(corpora: Path) -> None:
    archive = corpora / WEBDATASET / "sample.tgz"
    (row,) = facts("select count(*) as n, count(label) as labelled, count(distinct label) as c from samples", archive)
    assert row == {"n": "90", "labelled": "90", "c": "10"}
    assert {row["status"] for row in facts("select status from files", archive)} == {"ok"}
    assert problems(archive) == {}
    (shard,) = facts("select records, compression, status from shards", archive)
    assert shard == {"records": "90", "compression": "gzip", "status": "ok"}


@pytest.mark.parametrize(
    ("name", "records", "detail"),
    [
        ("compressed.tar", "3", "3 samples hold no image but .txt.gz"),
        ("mpdata.tar", "100", "100 samples hold no image but .mp"),
    ],
)
def test_webdataset_of_other_things_is_said_to_have_no_images(
    name: str, records: str, detail: str, corpora: Path
) -> None:
    archive = corpora / WEBDATASET / name
    (shard,) = facts("select records, status from shards", archive)
    assert shard == {"records": records, "status": "ok"}
    assert problems(archive) == {"no-image-member": detail}


def test_webdataset_pass_mini_has_eight_equal_images_and_no_labels(corpora: Path) -> None:
    found = run(corpora / WEBDATASET / "pass-mini")
    assert len(found.rows) == 8
    assert {(row["size_bytes"], row["status"]) for row in found.rows.values()} == {("931", "ok")}
    # The README does not say it: all are one picture of 3 x 2 pixels.
    assert [len(group) for group in found.copies()] == [8]
    assert {item["rule"] for item in found.findings if item["severity"] == "error"} == set()


def test_webdataset_clean_archives_raise_no_error(corpora: Path) -> None:
    found = run(corpora / WEBDATASET)
    assert len(found.rows) == 98
    assert [item["rule"] for item in found.findings if item["severity"] == "error"] == []
    assert {item["path"] for item in found.findings if item["rule"] == "sample-without-image"} == {
        "compressed.tar#compressed/0001", "mpdata.tar#000000",
    }  # fmt: skip


@pytest.mark.parametrize("path", [path for path in LFS if path.endswith(".tar")])
def test_lfs_pointers_that_stand_for_archives_are_no_damaged_archives(path: str, corpora: Path) -> None:
    archive = corpora / POINTERS / path
    (shard,) = facts("select status, cause from shards", archive)
    assert shard == {"status": "pointer", "cause": "lfs-pointer"}
    report = json.loads(datalint("check", archive, "-o", "json"))
    assert [item["rule"] for item in report["findings"]] == ["lfs-pointer"]


# --- dvc-registry: everything is tracked, nothing was pulled ---

STAGES = listed(DVC_REGISTRY, "*/**/*.dvc")


@pytest.fixture(scope="module")
def registry(corpora: Path) -> dict[str, Any]:
    report: dict[str, Any] = json.loads(datalint("check", corpora / DVC_REGISTRY, "-o", "json"))
    return report


@pytest.mark.parametrize("stage", STAGES)
def test_dvc_output_is_explained_once(registry: dict[str, Any], stage: str) -> None:
    output = stage.removesuffix(".dvc")
    (finding,) = [item for item in registry["findings"] if item["path"] == output and item["severity"] == "error"]
    assert finding["rule"] == "dvc-missing"
    assert stage in finding["message"]
    assert finding["remedy"] == "run `dvc pull`"


def test_dvc_registry_has_no_other_error(registry: dict[str, Any]) -> None:
    assert len(STAGES) == 15
    errors = [item for item in registry["findings"] if item["severity"] == "error"]
    assert len(errors) == len(STAGES)
    # A picture that Keras would pass over, were it here.
    assert {item["rule"] for item in registry["findings"]} == {"dvc-missing", "ignored-suffix"}


def test_dvc_registry_sizes_are_those_of_the_pointers(corpora: Path) -> None:
    rows = facts("select path, size_bytes, status, content_id from files", corpora / DVC_REGISTRY)
    assert {row["path"]: (row["size_bytes"], row["status"], row["content_id"]) for row in rows} == {
        "images/dvc-logo-outlines.png": ("35981", "pointer", "dvc:5846bf188572bbc78a10124f36e92631"),
        "images/owl_sticker.png": ("120357", "pointer", "dvc:fa8b9e82c893eb401f30c353bd550ada"),
    }


# --- hf-imagefolder-sroie: metadata for 987 images that live elsewhere ---


def test_sroie_is_one_finding_about_its_images(corpora: Path) -> None:
    report = json.loads(datalint("check", corpora / "hf-imagefolder-sroie", "-o", "json"))
    assert report["dataset"]["format"] == "hf-imagefolder"
    (finding,) = [item for item in report["findings"] if item["severity"] == "error"]
    assert finding["rule"] == "missing-file"
    assert "nor is any other of the 987 files" in finding["message"]
    assert (finding["manifest"], finding["line"]) == ("data/test/metadata.jsonl", 1)


# --- ships-yolo and rbc-coco: Roboflow's copies of photographs, all of one photograph in one split ---


@pytest.mark.parametrize(("corpus", "images", "photographs"), [("ships-yolo", 567, 357), ("rbc-coco", 240, 100)])
def test_copies_of_a_photograph_in_one_split_are_silent_and_in_two_are_not(
    corpora: Path, tmp_path: Path, corpus: str, images: int, photographs: int
) -> None:
    query = "select count(*) as n, count(distinct group_key) as groups from samples where group_key is not null"
    table = csv.DictReader(io.StringIO(datalint("facts", corpora / corpus, "--sql", query)))
    assert [(int(row["n"]), int(row["groups"])) for row in table] == [(images, photographs)]
    words = ("-o", "json", "--select", "group-across-splits")
    assert json.loads(datalint("check", corpora / corpus, *words))["findings"] == []
    if corpus == "ships-yolo":
        copied = shutil.copytree(corpora / corpus, tmp_path / corpus)
        moved = next((copied / "train/images").glob("boat43_png.rf.*"))
        moved.rename(copied / "validate/images" / moved.name)
        (finding,) = json.loads(datalint("check", copied, *words))["findings"]
        assert (finding["severity"], finding["values"]["group_key"]) == ("warning", "boat43_png")
