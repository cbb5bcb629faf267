"""Each flaw of a file is a problem with its annotation and line; what is legal is none."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.dataset.coco.made import UNSAID, Entry, box, coco, image, told

TRIANGLE = [2, 3, 22, 3, 22, 13]
MASK = {"size": [48, 64], "counts": [0, 100, 48 * 64 - 100]}

LEGAL: dict[str, Entry] = {
    "an empty list of polygons with a box": coco([box(1)]),
    "no segmentation at all": coco([box(1, segmentation=UNSAID), box(2, segmentation=None)]),
    "a polygon": coco([box(1, segmentation=[TRIANGLE], area=100)]),
    "two polygons": coco([box(1, segmentation=[TRIANGLE, TRIANGLE])]),
    "a mask": coco([box(1, segmentation=MASK)]),
    "a compressed mask": coco([box(1, segmentation={"size": [48, 64], "counts": "PP3"})]),
    "keypoints as many as the category has": coco(
        [box(1, keypoints=[1, 2, 2, 0, 0, 0], num_keypoints=1)],
        categories=[{"id": 1, "name": "cat", "keypoints": ["nose", "tail"]}],
    ),
    "keypoints of a category that names none": coco(
        [box(1, keypoints=[1, 2, 2])], categories=[{"id": 1, "name": "cat", "keypoints": []}]
    ),
    "an image without annotations": coco([box(1)], [image(1), image(2)]),
    "ids that pandas wrote": coco([box(1.0, image_id=1.0, category_id=1.0)]),
    "a flag that is true": coco([box(1, iscrowd=False)]),
    "no annotations": coco([]),
    "no list of annotations": {"images": [image(1)], "categories": []},
    "keys that nobody knows": coco(
        [box(1, score=0.5, attributes={"id": 7, "bbox": [1]})], info={"a": [1]}, licenses=[]
    ),
    "0 as an id": coco([box(0, image_id=0, category_id=0)], [image(0)], categories=[{"id": 0, "name": "cat"}]),
}


@pytest.mark.parametrize("chunk", [64, 1 << 18])
@pytest.mark.parametrize("content", LEGAL.values(), ids=LEGAL)
def test_what_is_legal_is_no_problem(content: Entry, chunk: int) -> None:
    assert told(content, chunk=chunk).problems == []


FLAWS: dict[str, tuple[Any, str, str]] = {
    "no image_id": (box(7, image_id=UNSAID), "bad-entry", "annotation 7 has no `image_id`"),
    "no category_id": (box(7, category_id=UNSAID), "bad-entry", "annotation 7 has no `category_id`"),
    "no id": (box(UNSAID), "bad-entry", "annotation entry 1 has no `id`"),
    "an id of null": (box(7, image_id=None), "bad-entry", "annotation 7 has null as its `image_id`"),
    "an id that is a list": (box([7]), "bad-entry", "annotation entry 1 has a list as its `id`"),
    "an id of true": (box(True), "bad-entry", "annotation entry 1 has true as its `id`"),
    "no box beside others that have one": (box(7, bbox=UNSAID), "bad-entry", "annotation 7 has no `bbox`"),
    "three numbers": (box(7, bbox=[1, 2, 3]), "bad-entry", "annotation 7 has 3 numbers in its `bbox`, not 4"),
    "a box of text": (box(7, bbox=[1, 2, "3", 4]), "bad-entry", "annotation 7 has the text '3' in its `bbox`"),
    "a box that is an object": (box(7, bbox={"x": 1}), "bad-entry", "annotation 7 has an object as its `bbox`"),
    "an area of text": (box(7, area="12"), "bad-entry", "annotation 7 has the text '12' as its `area`"),
    "a crowd of text": (box(7, iscrowd="no"), "bad-entry", "annotation 7 has the text 'no' as its `iscrowd`"),
    "a flat polygon": (box(7, segmentation=TRIANGLE), "bad-entry", "annotation 7 has one flat list of numbers"),
    "a polygon of points": (box(7, segmentation=[[[1, 2], [3, 4]]]), "bad-entry", "has a list in its `segmentation`"),
    "a polygon that is text": (box(7, segmentation="x"), "bad-entry", "annotation 7 has the text 'x' as its `segment"),
    "not an object": (17, "bad-entry", "annotation entry 1 is the number 17, not an object"),
    "NaN": (box(7, bbox=[1, 2, float("nan"), 4]), "non-finite-number", "annotation 7 has NaN in its `bbox`"),
    "Infinity": (box(7, area=float("inf")), "non-finite-number", "annotation 7 has Infinity in its `area`"),
    "-Infinity in a polygon": (
        box(7, segmentation=[[1, 2, 3, float("-inf"), 5, 6]]),
        "non-finite-number",
        "annotation 7 has -Infinity in its `segmentation`",
    ),
    "NaN in a key that nobody reads": (box(7, score=float("nan")), "non-finite-number", "has NaN in its `score`"),
    "two points": (box(7, segmentation=[[1, 2, 3, 4]]), "bad-polygon", "annotation 7: its polygon has 2 points, and"),
    "odd": (box(7, segmentation=[TRIANGLE, [*TRIANGLE, 5]]), "bad-polygon", "its polygon 2 of 2 has 7 numbers, which"),
    "nothing": (box(7, segmentation=[[]]), "bad-polygon", "annotation 7: its polygon has 0 points"),
    "a line": (box(7, segmentation=[[1, 1, 5, 5, 9, 9]]), "bad-polygon", "annotation 7: its polygon encloses nothing"),
    "runs that are too few": (
        box(7, segmentation={"size": [48, 64], "counts": [0, 100]}),
        "bad-mask",
        "annotation 7: the runs of its mask add up to 100, and 48 x 64 is 3,072 pixels",
    ),
    "a negative run": (box(7, segmentation={"size": [48, 64], "counts": [-1, 3073]}), "bad-mask", "a run of -1 pixels"),
    "no run lengths": (box(7, segmentation={"size": [48, 64], "counts": "\x7fé"}), "bad-mask", "is no run lengths"),
    "compressed runs that are too few": (
        box(7, segmentation={"size": [48, 64], "counts": "12"}), "bad-mask", "add up to 3, and 48 x 64"
    ),
    "a mask without size": (box(7, segmentation={"counts": [1]}), "bad-mask", "has a mask without a `size`"),
    "a mask that lies on its side": (
        box(7, segmentation={"size": [64, 48], "counts": [0, 3072]}),
        "bad-mask",
        "annotation 7: its mask is 48 x 64 pixels and its image 64 x 48: height and width are exchanged",
    ),
    "keypoints in twos": (box(7, keypoints=[1, 2]), "bad-keypoints", "annotation 7 has 2 numbers as its `keypoints`"),
    "too few keypoints": (box(7, keypoints=[1, 2, 2]), "bad-keypoints", "has 1 keypoints, and 'cat' has 2"),
    "a wrong count": (
        box(7, keypoints=[1, 2, 2, 0, 0, 0], num_keypoints=2),
        "bad-keypoints",
        "annotation 7 counts 2 keypoints, and 1 are labelled",
    ),
    "the same id": (box(1), "duplicate-id", "annotation id 1 is given twice"),
    "an image that is not there": (box(7, image_id=9), "orphan-annotation", "annotation 7 is of image 9, and no image"),
    "an image id that is text": (box(7, image_id="1"), "orphan-annotation", "of image '1', which is text, and"),
    "a category that is text": (box(7, category_id="1"), "orphan-annotation", "of category '1', which is text, and no"),
    "a category of twenty digits": (box(7, category_id=10**20), "orphan-annotation", "7 is of category that"),
}  # fmt: skip


@pytest.mark.parametrize("chunk", [64, 1 << 18])
@pytest.mark.parametrize(("flaw", "kind", "words"), FLAWS.values(), ids=FLAWS)
def test_a_flaw_is_told_with_its_annotation_and_line(flaw: Any, kind: str, words: str, chunk: int) -> None:
    content = coco([box(1), flaw, box(3)], categories=[{"id": 1, "name": "cat", "keypoints": ["nose", "tail"]}])
    text = json.dumps(content, indent=1)
    found = told(text, chunk=chunk)
    (problem,) = [each for each in found.problems if each["kind"] == kind]
    assert words in problem["detail"]
    starts = [line for line, each in enumerate(text.splitlines(), start=1) if each in ("  {", "  17,")]
    assert problem["line"] == starts[2]
    assert {"1", "3"} <= {each["written_id"] for each in found.annotations}
    if isinstance(flaw, dict) and problem["annotation"] is not None:
        assert problem["annotation"] == str(flaw["id"])
    one_line = told(json.dumps(content), chunk=chunk)
    assert [(each["kind"], each["detail"], each["line"]) for each in one_line.problems] == [
        (each["kind"], each["detail"], None) for each in found.problems
    ]


@pytest.mark.parametrize("chunk", [64, 1 << 18])
def test_a_key_that_stands_twice_is_told(chunk: int) -> None:
    text = json.dumps(coco([box(1), box(7), box(8, caption='"bbox": "bbox":')]))
    twice = text.replace('"id": 7,', '"id": 7, "bbox": [0, 0, 1, 1],').replace(
        '"name": "dog"', '"name": "a", "name": "b"'
    )
    found = told(twice, chunk=chunk)
    assert found.details("repeated-key") == [
        "annotation 7 has the key `bbox` twice",
        "category 2 has the key `name` twice",
    ]
    assert told(text, chunk=chunk).problems == []


def test_each_polygon_that_is_none_is_told() -> None:
    found = told(coco([box(7, segmentation=[[*TRIANGLE, 5], [*TRIANGLE, 5], TRIANGLE, [1, 2]])]))
    assert found.details("bad-polygon") == [
        "annotation 7: its polygon 1 of 4 has 7 numbers, which are no pairs of x and y",
        "annotation 7: its polygon 2 of 4 has 7 numbers, which are no pairs of x and y",
        "annotation 7: its polygon 4 of 4 has 1 point, and a polygon needs 3",
    ]


def test_images_and_categories_have_flaws_too() -> None:
    found = told(
        coco(
            [box(1), box(2, image_id=5)],
            [
                image(1),
                image(2, file_name=UNSAID),
                image(8, file_name=""),
                image(3, width=UNSAID),
                image(4, width="64"),
                image(1, "b.png"),
                image(5),
            ],
            categories=[{"id": 1, "name": "cat"}, {"id": 1, "name": "dog"}, {"id": 2}],
        )
    )
    assert found.details("bad-entry") == [
        "image entry 1 has no `file_name`",
        "image entry 2 has an empty `file_name`",
        "image 3 has no `width`",
        "image 4 has the text '64' as its `width`",
        "category entry 2 has no `name`",
    ]
    assert found.details("duplicate-id") == [
        "image id 1 is given twice: loaders keep the last image of that id",
        "category id 1 is given to 'cat' and to 'dog': loaders keep the last one",
    ]
    assert [each["sample_id"] for each in found.annotations] == [3, 4]
    assert [each["category"] for each in found.annotations] == ["dog", "dog"]


def test_annotations_of_an_image_that_cannot_be_used_are_no_orphans() -> None:
    assert told(coco([box(1)], [image(1, file_name=UNSAID)])).kinds == {"bad-entry"}


def test_text_ids_are_told_once_a_kind() -> None:
    found = told(coco([box("a", image_id="1"), box("b", image_id="1")], [image("1"), image("2")]))
    assert found.details("text-id") == [
        "2 ids of images are text such as '1'",
        "2 ids of annotations are text such as 'a'",
        "2 `image_id` are text such as '1'",
    ]
    assert found.kinds == {"text-id"}


@pytest.mark.parametrize("order", ["ica", "aic", "cai"])
def test_the_order_of_the_lists_does_not_matter(order: str) -> None:
    content = coco([box(1), box(2, category_id=2, segmentation=MASK), box(3, image_id=9)])
    keys = {"i": "images", "c": "categories", "a": "annotations"}
    expected, found = told(content), told({keys[each]: content[keys[each]] for each in order})
    assert found.annotations == expected.annotations
    assert found.details("orphan-annotation") == expected.details("orphan-annotation") != []


def test_a_list_that_stands_twice_counts_as_python_counts_it() -> None:
    first, last = json.dumps(coco([box(1), box(2)])), json.dumps(coco([box(5, image_id=2)], [image(2)]))
    both = first[:-1] + ", " + last[1:]
    assert json.loads(both)["images"] == [image(2)]
    found = told(both)
    assert [each["path"] for each in found.samples] == ["2.png"]
    assert [each["written_id"] for each in found.annotations] == ["5"]
    assert len(found.details("duplicate-section")) == 3
    assert found.kinds == {"duplicate-section"}


def test_lists_that_are_not_there_are_told() -> None:
    assert told({"annotations": [box(1)], "categories": []}).details("missing-section") == [
        "it has no list `images`",
        "its list `categories` is empty",
    ]
    assert told({"images": [image(1)], "annotations": [box(1)]}).details("missing-section") == [
        "it has no list `categories`"
    ]
    assert told({"images": {"1": 2}, "annotations": []}).details("missing-section") == ["its `images` are no list"]


def test_what_was_read_before_the_damage_is_judged_and_said() -> None:
    whole = json.dumps(coco([box(number) for number in range(100)]))
    found = told(whole[: whole.index('"id": 60')])
    assert len(found.samples) == 1
    assert len(found.annotations) == 60
    (problem,) = found.problems
    assert problem["kind"] == "truncated-json"
    assert "only the 1 image and 60 annotations before it were judged" in problem["detail"]
    # Its categories were lost, which makes no annotation one without a category in the list.
    assert found.classes == []


def test_annotations_before_images_that_are_cut_off_are_no_orphans() -> None:
    content = coco([box(1, image_id=1), box(2, image_id=2)], [image(1), image(2)])
    text = json.dumps({"annotations": content["annotations"], "images": content["images"]})
    assert told(text[:-10]).kinds == {"truncated-json"}


def test_problems_of_one_kind_are_listed_up_to_a_hundred() -> None:
    found = told(coco([box(number, image_id=9) for number in range(250)]))
    listed = [each for each in found.problems if each["kind"] == "orphan-annotation"]
    assert len(listed) == 101
    assert (listed[-1]["n"], listed[-1]["detail"]) == (150, "and 150 more like these")


def test_a_file_of_nothing_usable_is_given_up() -> None:
    found = told('{"annotations": [' + ",".join(["{}"] * 150_000) + "]}")
    assert any("100,000 entries cannot be used" in each for each in found.details("malformed-json"))


def test_values_of_an_annotation() -> None:
    content = coco(
        [
            box(1, bbox=[1.5, 2, 3, 4], area=6, iscrowd=1),
            box(2, segmentation=[TRIANGLE], bbox=[2, 3, 20, 14]),
            box(3, segmentation=MASK, bbox=UNSAID, area=UNSAID, iscrowd=UNSAID),
            box(4, keypoints=[1, 2, 2, 0, 0, 0]),
        ]
    )
    plain, polygon, mask, points = told(content).annotations
    assert (plain["kind"], plain["x"], plain["y"], plain["width"], plain["height"]) == ("box", 1.5, 2, 3, 4)
    assert (plain["area"], plain["iscrowd"], plain["shape_area"], plain["category"]) == (6, True, None, "cat")
    assert (polygon["kind"], polygon["points"], polygon["shape_area"], polygon["shape_distance"]) == (
        "polygon",
        3,
        100,
        4,
    )
    assert (mask["kind"], mask["x"], mask["width"], mask["height"]) == ("rle", 0, 3, 48)
    assert (mask["shape_area"], mask["area"], mask["iscrowd"], mask["shape_distance"]) == (100, None, None, None)
    assert (points["kind"], points["points"]) == ("keypoints", 2)


def test_classes_count_the_images_that_have_them() -> None:
    found = told(coco([box(1), box(2), box(3, image_id=2), box(4, category_id=2)], [image(1), image(2), image(3)]))
    assert [(each["name"], each["index"], each["n_samples"]) for each in found.classes] == [
        ("cat", 1, 2),
        ("dog", 2, 1),
    ]


def test_half_a_surrogate_is_shown_and_costs_nothing() -> None:
    found = told('{"images": [{"id": 1, "file_name": "\\ud800.png", "width": 1, "height": 1}], "annotations": []}')
    assert [each["path"] for each in found.samples] == ["\\ud800.png"]
