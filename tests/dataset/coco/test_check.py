"""Whole runs: every planted flaw is one finding with its place, clean datasets have none, and so have the corpora."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from tests.conftest import CORPORA
from tests.dataset.coco.made import UNSAID, Entry, box, coco, image, pictures, put


def check(folder: Path, *words: str) -> tuple[int, list[Entry]]:
    """Exit code and findings of `datalint check .` there."""
    command = [sys.executable, "-m", "datalint", "check", *(words or ["."]), "--no-cache", "-o", "json"]
    process = subprocess.run(command, check=False, capture_output=True, text=True, cwd=folder)
    assert process.returncode in (0, 1), process.stderr
    return process.returncode, json.loads(process.stdout)["findings"]


def clean(folder: Path) -> tuple[Entry, Entry]:
    """Twenty training images with twenty-four annotations of two categories, and five of each kind to validate."""
    train = [f"train/{number}.png" for number in range(20)]
    val = [f"val/{number}.png" for number in range(5)]
    pictures(folder, *train, *val)
    first = coco(
        [box(number, number % 20, 1 + (number + number // 20) % 2) for number in range(24)],
        [image(n, f"{n}.png") for n in range(20)],
    )
    last = coco([box(n, n, 1 + n % 2) for n in range(5)], [image(n, f"{n}.png") for n in range(5)])
    put(folder, "annotations/instances_train.json", first, indent=1)
    put(folder, "annotations/instances_val.json", last, indent=1)
    return first, last


def test_a_clean_dataset_has_no_finding_but_its_size(tmp_path: Path) -> None:
    clean(tmp_path)
    code, findings = check(tmp_path)
    assert (code, [each["rule"] for each in findings]) == (0, ["split-smaller-than-batch"])


def line_of(folder: Path, name: str, entry: Entry) -> int:
    """Where an annotation begins in a file that was written with indent=1."""
    text = (folder / name).read_text()
    wanted = json.dumps(entry, indent=1).replace("\n", "\n  ")
    return text[: text.index(wanted)].count("\n") + 1


PLANTED: dict[str, tuple[dict[str, Any], str, str, str]] = {
    "box-outside-image": ({"bbox": [50, 3, 20, 10]}, "warning", "1 box reaches outside, by up to 6.0 pixels", ""),
    "box outside altogether": ({"bbox": [90, 3, 20, 10]}, "error", "reaches outside altogether", "box-outside-image"),
    "degenerate-box": ({"bbox": [5, 3, 0, 10]}, "error", "is without a width or a height, first annotation 7", ""),
    "box-off-shape": (
        {"segmentation": [[30, 30, 50, 30, 50, 40]], "area": 100}, "warning", "1 box is not where its polygon", ""
    ),
    "area-off-shape": ({"area": 4000}, "warning", "first annotation 7: 4,000 pixels, and its box has 200", ""),
    "missing-area": ({"area": UNSAID}, "warning", "1 of 23 annotations of", ""),
    "unknown-category": ({"category_id": 9}, "error", "category 9, which is not in the list (first annotation 7)", ""),
    "orphan-annotation": ({"image_id": 99}, "error", "annotation 7 is of image 99, and no image has that id", ""),
    "repeated-id": ({"id": 0}, "error", "annotation id 0 is given twice", ""),
    "bad-annotation-entry": ({"image_id": UNSAID}, "error", "annotation 7 has no `image_id`", ""),
    "non-finite-number": ({"bbox": [1, 2, float("nan"), 4]}, "error", "annotation 7 has NaN in its `bbox`", ""),
    "bad-polygon": ({"segmentation": [[1, 2, 3, 4]]}, "error", "annotation 7: its polygon has 2 points", ""),
    "bad-mask": (
        {"segmentation": {"size": [48, 64], "counts": [0, 9]}}, "error", "annotation 7: the runs of its mask add up", ""
    ),
    "bad-keypoints": ({"keypoints": [1, 2]}, "error", "annotation 7 has 2 numbers as its `keypoints`", ""),
}  # fmt: skip


@pytest.fixture(scope="module")
def planted(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Entry], list[Entry]]:
    """One flaw in each annotation from 4 on; the entries by flaw, and what one run finds."""
    folder = tmp_path_factory.mktemp("planted")
    first, _ = clean(folder)
    entries: dict[str, Entry] = {}
    for number, (flaw, (changes, *_)) in enumerate(PLANTED.items(), start=4):
        changed = first["annotations"][number] | changes
        entries[flaw] = {key: value for key, value in changed.items() if value is not UNSAID}
        first["annotations"][number] = entries[flaw]
    put(folder, "annotations/instances_train.json", first, indent=1)
    return folder, entries, check(folder)[1]


@pytest.mark.parametrize("flaw", PLANTED)
def test_a_planted_flaw_is_one_finding_with_its_place(
    flaw: str, planted: tuple[Path, dict[str, Entry], list[Entry]]
) -> None:
    folder, entries, findings = planted
    _, severity, words, rule = PLANTED[flaw]
    name = "annotations/instances_train.json"
    line = line_of(folder, name, entries[flaw])
    (finding,) = [each for each in findings if (each["path"], each["line"]) == (name, line)]
    assert (finding["rule"], finding["severity"]) == (rule or flaw, severity)
    assert words.replace("annotation 7", f"annotation {entries[flaw].get('id')}") in finding["message"]
    assert finding["remedy"]


def test_nothing_but_what_was_planted_is_found(planted: tuple[Path, dict[str, Entry], list[Entry]]) -> None:
    *_, findings = planted
    of_flaws = Counter(rule or flaw for flaw, (*_, rule) in PLANTED.items())
    of_flaws["split-smaller-than-batch"] += 1
    # Those whose only annotation could not be read, or is of another image.
    of_flaws["image-without-annotations"] += 1
    assert Counter(each["rule"] for each in findings) == of_flaws


def test_flaws_of_files_images_and_categories(tmp_path: Path) -> None:
    first, last = clean(tmp_path)
    Image.new("RGB", (48, 64), "red").save(tmp_path / "train/3.png")
    (tmp_path / "train/4.png").unlink()
    pictures(tmp_path, "train/new.png")
    first["images"].append(image(77, "5.png"))
    first["categories"] += [{"id": 5, "name": "elk"}, {"id": 6, "name": "cat"}]
    last["categories"] = [{"id": 2, "name": "cat"}, {"id": 1, "name": "dog"}]
    put(tmp_path, "annotations/instances_train.json", first, indent=1)
    text = json.dumps(last)
    put(tmp_path, "annotations/instances_val.json", text[: text.index('"categories"')].encode())
    _, findings = check(tmp_path)
    told = {each["rule"]: each for each in findings}
    assert told["declared-size-mismatch"]["message"] == (
        "train/3.png is 48 x 64 pixels, and its annotations say 64 x 48: width and height are exchanged"
    )
    assert told["missing-file"]["path"] == "train/4.png"
    assert told["unlisted-image"]["path"] == "train/new.png"
    assert told["image-listed-twice"]["path"] == "train/5.png"
    assert "'elk' (5)" in told["unused-category"]["message"]
    assert told["category-named-twice"]["message"] == "the name 'cat' stands for the categories 1 and 6 in train"
    assert told["category-id-gap"]["severity"] == "info"
    damaged = told["damaged-annotation-file"]
    assert damaged["path"] == "annotations/instances_val.json"
    assert "only the 5 images and 5 annotations before it were judged" in damaged["message"]
    # Its list of categories was lost: no annotation is blamed for that.
    assert "unknown-category" not in told
    put(tmp_path, "annotations/instances_val.json", last)
    _, findings = check(tmp_path)
    told = {each["rule"]: each for each in findings}
    assert "damaged-annotation-file" not in told
    assert told["category-shift"]["message"].startswith("category 'dog' is 2 in train and 1 in val")
    # One rule tells that a name stands for two of them.
    twice = [each["rule"] for each in findings if "1 and 6" in each["message"] or "1, 6" in each["message"]]
    assert twice == ["category-named-twice"]


def test_a_file_that_powershell_wrote_is_damaged(tmp_path: Path) -> None:
    first, last = clean(tmp_path)
    for split, content in (("train", first), ("val", last)):
        put(tmp_path, f"{split}/_annotations.coco.json", content)
        (tmp_path / f"annotations/instances_{split}.json").unlink()
    put(tmp_path, "train/_annotations.coco.json", json.dumps(first).encode("utf-16"))
    code, findings = check(tmp_path)
    (damaged,) = [each for each in findings if each["rule"] == "damaged-annotation-file"]
    assert (code, damaged["path"]) == (1, "train/_annotations.coco.json")
    assert damaged["message"] == "it is UTF-16, and JSON is read as UTF-8 at byte 0: nothing of it was judged"


def test_no_line_is_named_where_annotations_are_one_line(tmp_path: Path) -> None:
    first, _ = clean(tmp_path)
    first["images"][3]["file_name"] = "/home/me/3.png"
    first["images"][4]["file_name"] = "https://example.org/4.png"
    put(tmp_path, "annotations/instances_train.json", first)
    _, findings = check(tmp_path)
    told = {each["rule"]: each["message"] for each in findings}
    of = "annotations/instances_train.json"
    assert told["absolute-path"] == f"{of}: the path is only true on one machine: /home/me/3.png"
    assert told["remote-path"] == f"1 path of {of} is a URL and was not checked (first: https://example.org/4.png)"


def test_two_labels_of_an_image_without_lines(tmp_path: Path) -> None:
    pictures(tmp_path, *(f"{number}.png" for number in range(9)))
    images = [image(number, f"{min(number, 8)}.png") for number in range(10)]
    labels = [{"id": number, "image_id": number, "category_id": 1 + number % 2} for number in range(10)]
    put(tmp_path, "train.json", coco(labels, images))
    _, findings = check(tmp_path)
    (told,) = [each["message"] for each in findings if each["rule"] == "conflicting-label"]
    assert told == "8.png is 'dog' and 'cat'"


def test_a_key_that_stands_twice_is_one_finding(tmp_path: Path) -> None:
    clean(tmp_path)
    place = tmp_path / "annotations/instances_train.json"
    place.write_text(place.read_text().replace('"image_id": 7,', '"image_id": 7, "image_id": 7,', 1))
    _, findings = check(tmp_path)
    assert [each["message"] for each in findings if each["rule"].endswith("-key")] == [
        "annotation 7 has the key `image_id` twice"
    ]


def test_a_picture_that_is_turned_is_measured_as_it_is_shown(tmp_path: Path) -> None:
    clean(tmp_path)
    exif = Image.Exif()
    exif[274] = 6
    for name, size in (("train/3.png", (48, 64)), ("train/4.png", (64, 48))):
        Image.new("RGB", size, "red").save(tmp_path / name, exif=exif)
    _, findings = check(tmp_path)
    told = [each for each in findings if each["rule"] == "declared-size-mismatch"]
    assert [(each["path"], each["severity"]) for each in told] == [("train/4.png", "warning")]


def test_a_split_without_annotations(tmp_path: Path) -> None:
    first, _ = clean(tmp_path)
    put(tmp_path, "annotations/instances_train.json", first | {"annotations": []})
    code, findings = check(tmp_path)
    told = {each["rule"]: each for each in findings}
    assert (code, told["split-without-annotations"]["severity"]) == (1, "error")
    assert "20 images of the split 'train' have no annotation at all" in told["split-without-annotations"]["message"]


DATUMARO = "datumaro-assets/coco_dataset/"
HARMLESS = {"split-smaller-than-batch", "tiny-image", "rare-category", "duplicate-in-split", "no-validation-split"}
EXPECTED: dict[str, dict[str, int]] = {
    # 70 pictures in three versions each are no copies, and the empty lists of polygons are legal.
    # Of the versions of one photograph these two alone are copies; two others, turned and cut, agree to 0.93.
    "rbc-coco": {"unused-category": 1, "near-duplicate-in-split": 1},
    DATUMARO + "coco_instances": {"category-id-gap": 1, "category-only-in-evaluation": 1, "unused-category": 1},
    DATUMARO + "coco_roboflow": {"category-id-gap": 1, "category-only-in-evaluation": 1, "unused-category": 1},
    DATUMARO + "mmdet_coco": {"category-id-gap": 1, "category-only-in-evaluation": 1, "unused-category": 1},
    DATUMARO + "coco": {"category-id-gap": 1, "category-only-in-evaluation": 1, "unused-category": 1},
    DATUMARO + "coco_person_keypoints": {"category-only-in-evaluation": 1},
    DATUMARO + "coco_stuff": {"category-missing-in-split": 1, "category-only-in-evaluation": 1},
    # One training image with one label; a list of images has nothing to learn from.
    DATUMARO + "coco_labels": {"single-class": 1, "rare-class": 1},
    DATUMARO + "coco_image_info": {"split-without-annotations": 2},
    # The same picture in both splits (README: duplicates are expected and mean nothing).
    "datumaro-assets/roboflow_dataset/coco": {"duplicate-across-splits": 1},
    "datumaro-assets/kaggle_dataset/relaxed_coco": {},
    # Its images are in an archive that holds others; boxes of two lie outside their images.
    "croissant/coco2014-mini": {
        "missing-file": 6,
        "box-outside-image": 2,
        "category-id-gap": 1,
        "unused-category": 1,
        "image-without-annotations": 1,
    },
}


@pytest.mark.corpus
@pytest.mark.parametrize("name", EXPECTED)
def test_the_corpora_have_these_findings_and_no_other(corpora: Path, name: str) -> None:
    _, findings = check(corpora, name)
    assert Counter(each["rule"] for each in findings if each["rule"] not in HARMLESS) == Counter(EXPECTED[name])


@pytest.mark.corpus
def test_rbc_has_what_its_readme_says(corpora: Path) -> None:
    query = """select s.split, count(distinct s.sample_id) as images, count(a.annotation_id) as n,
                      count(*) filter (where a.category = 'rbc') as rbc,
                      count(*) filter (where a.category = 'wbc') as wbc
               from samples s left join annotations a on a.sample_id = s.sample_id group by s.split order by s.split"""
    command = [sys.executable, "-m", "datalint", "facts", str(corpora / "rbc-coco"), "--no-cache", "--sql", query]
    lines = subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()
    assert lines[1:] == ["test,10,221,211,10", "train,210,4947,4725,222", "val,20,470,451,19"]
    code, findings = check(corpora, "rbc-coco")
    assert code == 0
    (finding,) = [finding for finding in findings if finding["rule"] != "near-duplicate-in-split"]
    assert (finding["severity"], finding["values"]["name"]) == ("info", "RBC-WBC")


@pytest.mark.corpus
def test_boxes_of_coco2014_mini_are_outside_as_their_numbers_say(corpora: Path) -> None:
    path = "croissant/coco2014-mini/data/instances_train2014.json"
    content = json.loads((CORPORA / path).read_text())
    sizes = {each["id"]: (each["width"], each["height"]) for each in content["images"]}
    outside = {
        str(each["id"])
        for each in content["annotations"]
        for width, height in [sizes[each["image_id"]]]
        if each["bbox"][0] + each["bbox"][2] > width + 1 or each["bbox"][1] + each["bbox"][3] > height + 1
    }
    _, findings = check(corpora, path)
    told = [each for each in findings if each["rule"] == "box-outside-image"]
    assert sum(each["values"]["n"] for each in told) == len(outside) == 3
    assert {each["values"]["which"].split()[-1] for each in told} < outside
