"""Folders of images and of masks: which go together, what masks hold, and which of it is no class."""

from __future__ import annotations

import io
import json
import os
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from datalint import dataset
from datalint.dataset import formats
from datalint.dataset.listing import listing
from datalint.dataset.masks import classes, pairs
from datalint.dataset.masks.table import table
from datalint.errors import UsageError
from datalint.facts.cache import open_cache
from datalint.facts.gather import gather
from datalint.facts.mask import extract_mask
from datalint.source.worktree import open_worktree
from tests.dataset.manifests import rows

if TYPE_CHECKING:
    from pathlib import Path

    from datalint.dataset import Dataset
    from datalint.tables import Data

VOC = [0, 0, 0, 128, 0, 0, 0, 128, 0]


def png(values: Any, mode: str = "L") -> bytes:
    """A mask of these numbers, with VOC's palette where the mode has one."""
    array = np.array(values)
    if mode == "P":
        image = Image.new("P", (array.shape[1], array.shape[0]))
        image.putdata(array.ravel().tolist())
        image.putpalette(VOC)
    else:
        image = Image.fromarray(array.astype({"I;16": np.uint16}.get(mode, np.uint8)))
    data = io.BytesIO()
    image.save(data, "PNG")
    return data.getvalue()


def made(home: Path, files: dict[str, bytes]) -> Path:
    for name, content in files.items():
        (home / name).parent.mkdir(parents=True, exist_ok=True)
        (home / name).write_bytes(content)
    return home


def read(home: Path, **options: Any) -> Dataset:
    return dataset.read(open_worktree(str(home)), root=".", format="masks", **options)


def masks(found: Dataset) -> Data:
    with open_cache(None) as cache:
        return table(found, gather(found.masks, cache=cache, masks=True).data)


IMAGE, MASK = png([[[9, 8, 7]] * 4] * 3), png([[0, 1, 1, 0]] * 3)
LAYOUTS = {
    "images and masks": ({"images/1.png": IMAGE}, {"masks/1.png": MASK}, None),
    "a suffix": ({"images/1.png": IMAGE}, {"masks/1_mask.png": MASK}, None),
    "prefixes": ({"images/image_1.png": IMAGE}, {"masks/gt_1.png": MASK}, None),
    "labels": ({"imgs/a.png": IMAGE}, {"labels/a_label.png": MASK}, None),
    "splits above": ({"train/images/a.png": IMAGE}, {"train/masks/a.png": MASK}, "train"),
    "splits below": ({"images/val/a.png": IMAGE}, {"annotations/val/a.png": MASK}, "val"),
    "camvid": ({"test/a.png": IMAGE}, {"testannot/a.png": MASK}, "test"),
    "cityscapes": (
        {"leftImg8bit/train/c/c_1_leftImg8bit.png": IMAGE},
        {"gtFine/train/c/c_1_gtFine_labelIds.png": MASK},
        "train",
    ),
    "oxford pets": ({"images/a.png": IMAGE}, {"annotations/trimaps/a.png": MASK}, None),
    "voc": ({"JPEGImages/a.png": IMAGE}, {"SegmentationClass/a.png": MASK}, None),
}


@pytest.mark.parametrize(("images", "of_them", "split"), LAYOUTS.values(), ids=LAYOUTS)
def test_layouts(tmp_path: Path, images: dict[str, bytes], of_them: dict[str, bytes], split: str | None) -> None:
    source = open_worktree(str(made(tmp_path, images | of_them)))
    recognised = formats.recognise(listing(source, "."))
    assert recognised is not None
    assert recognised[0] == "masks"
    found = dataset.read(source, root=".")
    assert (found.format, found.task) == ("masks", "segmentation")
    assert rows(found.samples, "path", "split", "label") == [(path, split, None) for path in images]
    assert rows(masks(found), "path", "sample_id", "kind", "split", "values") == [
        (path, 0, "classes", split, "0, 1") for path in of_them
    ]


@pytest.mark.parametrize(
    "files",
    [
        {"cat/1.png": IMAGE, "dog/1.png": IMAGE},
        {"images/1.png": IMAGE, "labels/2.png": IMAGE, "labels/3.png": IMAGE},
        {"images/1.jpg": IMAGE, "masks/1.jpg": IMAGE},
        {"images/train/1.png": IMAGE, "labels/train/1.txt": b"0 0.5 0.5 1 1"},
        {"with_mask/1.png": IMAGE, "without_mask/1.png": IMAGE},
    ],
    ids=["classes", "other names", "JPEGs", "YOLO", "people with masks"],
)
def test_other_folders_are_none(tmp_path: Path, files: dict[str, bytes]) -> None:
    found = formats.recognise(listing(open_worktree(str(made(tmp_path, files))), "."))
    assert found is None or found[0] != "masks"


def test_no_masks_at_all(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no folder of masks"):
        read(made(tmp_path, {"a/1.png": IMAGE}))


def test_what_has_no_counterpart(tmp_path: Path) -> None:
    files = {"images/1.png": IMAGE, "images/2.png": IMAGE, "masks/1.png": MASK, "masks/3.png": MASK}
    found = read(made(tmp_path, files))
    assert rows(found.samples, "sample_id", "path") == [(0, "images/1.png"), (1, "images/2.png")]
    assert rows(masks(found), "sample_id", "path") == [(0, "masks/1.png"), (None, "masks/3.png")]


@pytest.mark.parametrize(
    ("image", "mask", "other"),
    [
        ("images/train/1.png", "masks/train/1.png", "images/test/2.png"),
        ("train/1.png", "trainannot/1.png", "test/2.png"),
        ("train/images/1.png", "train/masks/1.png", "test/images/2.png"),
    ],
)
def test_a_split_without_masks_is_read(tmp_path: Path, image: str, mask: str, other: str) -> None:
    found = read(made(tmp_path, {image: IMAGE, mask: MASK, other: IMAGE, "docs/logo.png": IMAGE}))
    assert sorted(rows(found.samples, "path", "split")) == sorted([(image, "train"), (other, "test")])


def test_names_that_never_agree_are_read_where_it_is_asked_for(tmp_path: Path) -> None:
    """And each file then is one without its counterpart."""
    found = read(made(tmp_path, {"images/1.png": IMAGE, "masks/a.png": MASK, "masks/b.png": MASK}))
    assert rows(found.mask_rows, "sample_id") == [(None,), (None,)]
    assert len(found.samples) == 1


def test_instances_and_colours_are_told_apart() -> None:
    kinds = {
        path: pairs.kind(path)
        for path in (
            "gtFine/a_gtFine_labelTrainIds.png",
            "gtFine/a_gtFine_instanceIds.png",
            "gtFine/a_gtFine_color.png",
            "SegmentationObject/a.png",
            "SegmentationClass/a.png",
        )
    }
    assert list(kinds.values()) == ["classes", "instances", "colours", "instances", "classes"]


def test_voc_segments_only_what_its_lists_name(tmp_path: Path) -> None:
    files = {f"JPEGImages/{name}.png": IMAGE for name in "abcd"}
    files |= {f"SegmentationClass/{name}.png": MASK for name in "abd"}
    lists = {"train": b"a\nb\n", "test": b"c\n", "trainval": b"a\nb\n"}
    files |= {f"ImageSets/Segmentation/{name}.txt": text for name, text in lists.items()}
    found = read(made(tmp_path, files))
    assert rows(found.samples, "path", "split") == [
        ("JPEGImages/a.png", "train"),
        ("JPEGImages/b.png", "train"),
        ("JPEGImages/c.png", "test"),
    ]
    assert rows(masks(found), "sample_id", "split") == [(0, "train"), (1, "train")]


LISTS = {
    "classes.txt": b"background\ncat\n",
    "labelmap.txt": b"# label:color_rgb:parts:actions\nbackground:0,0,0::\ncat:128,0,0:head,tail:\n",
    "label_colors.txt": b"0 0 0\tbackground\n128 0 0\tcat\n",
    "class_dict.csv": b"name,r,g,b\nbackground,0,0,0\ncat,128,0,0\n",
    "dataset_meta.json": json.dumps(
        {"label_map": {"0": "background", "1": "cat"}, "segmentation_colors": [[0, 0, 0], [128, 0, 0]]}
    ).encode(),
}


@pytest.mark.parametrize("name", LISTS)
def test_lists_of_classes(tmp_path: Path, name: str) -> None:
    files = {"images/1.png": IMAGE, "images/2.png": IMAGE, "images/3.png": IMAGE, name: LISTS[name]}
    files |= {"masks/1.png": png([[0, 1, 255]]), "masks/2.png": png([[0, 2, 9]]), "masks/3.png": png([[0, 2]], "P")}
    found = masks(read(made(tmp_path, files)))
    assert rows(found, "class_list", "n_classes", "n_unknown", "unknown") == [
        (name, 2, 0, None),
        (name, 2, 2, "2, 9"),
        (name, 2, 1, "2"),
    ]


@pytest.mark.parametrize("name", [name for name in LISTS if name != "classes.txt"])
def test_lists_of_colours(tmp_path: Path, name: str) -> None:
    colours = [[[0, 0, 0], [128, 0, 0], [1, 2, 3]]]
    found = masks(read(made(tmp_path, {"images/1.png": IMAGE, "masks/1.png": png(colours), name: LISTS[name]})))
    assert rows(found, "values", "n_unknown", "unknown", "max_value") == [
        ("#000000, #010203, #800000", 1, "#010203", None)
    ]


@pytest.mark.parametrize("content", [b"", b"\xff\xfe", b"{", b"[]", b"a\n1,2\nb,1,2,3\nc\n", b'{"label_map": 3}'])
@pytest.mark.parametrize("name", ["labelmap.txt", "dataset_meta.json"])
def test_what_is_no_list(name: str, content: bytes) -> None:
    assert classes.parse(name, content) is None


@given(st.sampled_from(sorted(classes.READERS)), st.binary(max_size=80))
def test_nothing_in_a_list_escapes_as_a_traceback(name: str, content: bytes) -> None:
    classes.parse(name, content)


@given(st.lists(st.text(alphabet="ab_/.masktrinimgeslblgt-", min_size=1, max_size=20), max_size=12))
def test_pairs_of_any_names(names: list[str]) -> None:
    folders = {name.strip("/") for name in names}
    for images, of_masks in pairs.folders(folders):
        assert images in folders
        found = pairs.pair(images, of_masks, names, names)
        assert sum(map(len, found.of_image.values())) + len(found.alone) == len(names)


MODES = {
    "numbers": (png([[0, 3, 200]]), ["L", "[0, 3, 200]", 3, 0, 200]),
    "a palette keeps its indices": (png([[0, 2, 1]], "P"), ["P", "[0, 1, 2]", 3, 0, 2]),
    "sixteen bits": (png([[0, 24001]], "I;16"), ["I;16", "[0, 24001]", 2, 0, 24001]),
    "colours": (png([[[128, 0, 0], [0, 0, 0]]]), ["RGB", '["#000000", "#800000"]', 2, None, None]),
    "one value": (png([[7, 7]]), ["L", "[7]", 1, 7, 7]),
}


@pytest.mark.parametrize(("data", "expected"), MODES.values(), ids=MODES)
def test_values_are_those_that_are_stored(data: bytes, expected: list[Any]) -> None:
    facts = extract_mask(data)
    assert [facts.mode, facts.mask_values, facts.mask_n_values, facts.mask_min, facts.mask_max] == expected


def test_a_mask_that_cannot_be_read_has_no_values(tmp_path: Path) -> None:
    found = masks(read(made(tmp_path, {"images/1.png": IMAGE, "masks/1.png": MASK[:50]})))
    ((status, values),) = rows(found, "status", "values")
    assert (status, values) == ("damaged", None)


def test_the_cache_tells_masks_from_pictures(tmp_path: Path) -> None:
    """The same bytes are known as a picture, and asked for as a mask."""
    made(tmp_path / "data", {"images/1.png": MASK, "masks/1.png": MASK})
    # The cache does not trust what was written a moment ago.
    for name in ("images/1.png", "masks/1.png"):
        os.utime(tmp_path / "data" / name, (1e9, 1e9))
    found = read(tmp_path / "data")
    with open_cache(str(tmp_path / "cache")) as cache:
        gather(found.files, cache=cache)
        first = gather(found.masks, cache=cache, masks=True)
        again = gather(found.masks, cache=cache, masks=True)
    assert first.data.columns["mask_values"] == again.data.columns["mask_values"] == ["[0, 1]"]
    assert (first.read, again.read) == (1, 0)


@pytest.mark.tensorflow
def test_tensorflow_applies_the_palette_and_pillow_does_not() -> None:
    """What `palette-mask` says of both."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    tensorflow = pytest.importorskip("tensorflow")
    data = png([[0, 1, 2]], "P")
    assert tensorflow.io.decode_png(data, channels=1).numpy().ravel().tolist() == [0, 38, 75]
    assert np.array(Image.open(io.BytesIO(data))).ravel().tolist() == [0, 1, 2]


CORPUS = {
    "camvid_dataset": (4, 4, "classes", None),
    "cityscapes_dataset/dataset": (4, 4, "instances", None),
    "cityscapes_dataset/train_dataset": (4, 8, "classes", None),
    "common_semantic_segmentation_dataset/dataset": (2, 2, "classes", 0),
    "common_semantic_segmentation_dataset/non_standard_dataset": (2, 2, "classes", 0),
    "voc_dataset/voc_dataset1": (2, 2, "classes", None),
    "kaggle_dataset/image_mask": (2, 2, "classes", None),
    "kaggle_dataset/image_mask_with_labelmap": (3, 3, "classes", 0),
}


@pytest.mark.corpus
@pytest.mark.parametrize("name", CORPUS)
def test_real_masks_are_paired_and_hold_classes_alone(corpora: Path, name: str) -> None:
    source = open_worktree(str(corpora / "datumaro-assets"))
    found = dataset.read(source, root=name, format="masks")
    n_images, n_masks, kind, unknown = CORPUS[name]
    held = masks(found)
    assert (len(found.samples), len(held)) == (n_images, n_masks)
    assert None not in held.columns["sample_id"]
    assert kind in held.columns["kind"]
    assert {each for (each,) in rows(held, "n_unknown")} == {unknown}
    assert {status for (status,) in rows(held, "status")} == {"ok"}
