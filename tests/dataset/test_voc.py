"""Pascal VOC as people have it: the devkit's layout, Roboflow's and Kaggle's, and what goes wrong in them."""

from __future__ import annotations

import tracemalloc
from collections import Counter
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree
from xml.sax.saxutils import escape

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from datalint import dataset
from datalint.dataset.voc import record, sets
from datalint.source.index import open_index
from datalint.source.worktree import open_worktree
from tests.dataset.manifests import rows
from tests.dataset.test_yolo import made
from tests.source.repository import create

if TYPE_CHECKING:
    from pathlib import Path

    from datalint.dataset import Dataset

CORNERS = (2, 3, 10, 12)


def box(name: str = "cat", corners: tuple[object, ...] = CORNERS, more: str = "") -> str:
    edges = zip(("xmin", "ymin", "xmax", "ymax"), corners, strict=False)
    inside = "".join(f"\n      <{edge}>{value}</{edge}>" for edge, value in edges)
    return f"  <object>\n    <name>{name}</name>{more}\n    <bndbox>{inside}\n    </bndbox>\n  </object>\n"


def xml(*boxes: str, filename: str = "", head: str = "") -> str:
    size = "  <size>\n    <width>16</width>\n    <height>16</height>\n    <depth>3</depth>\n  </size>\n"
    named = f"  <filename>{filename}</filename>\n" if filename else ""
    return f"{head}<annotation>\n{named}{size}{''.join(boxes)}</annotation>\n"


def devkit(**more: str) -> dict[str, str]:
    """Three images with a cat each, of which train, val and test have one."""
    files = {f"VOC2007/JPEGImages/{number}.jpg": "" for number in (1, 2, 3)}
    files |= {f"VOC2007/Annotations/{number}.xml": xml(box()) for number in (1, 2, 3)}
    lists = {"train": "1\n", "val": "2\n", "trainval": "1\n2\n", "test": "3\n"}
    files |= {f"VOC2007/ImageSets/Main/{name}.txt": content for name, content in lists.items()}
    return files | {f"VOC2007/{path}": content for path, content in more.items()}


def read(home: Path, files: dict[str, str], **options: Any) -> Dataset:
    found = dataset.read(open_worktree(made(home, files)), root=".", **options)
    assert found.format == "voc"
    return found


def samples(found: Dataset) -> list[tuple[object, ...]]:
    return rows(found.samples, "split", "path")


def problems(found: Dataset) -> list[tuple[object, ...]]:
    return rows(found.problems, "kind", "path", "line", "detail")


def test_the_layout_of_the_devkit(tmp_path: Path) -> None:
    found = read(tmp_path, devkit())
    assert rows(found.samples, "split", "path", "declared_width", "declared_height", "manifest") == [
        ("test", "VOC2007/JPEGImages/3.jpg", 16, 16, "VOC2007/ImageSets/Main/test.txt"),
        ("train", "VOC2007/JPEGImages/1.jpg", 16, 16, "VOC2007/ImageSets/Main/train.txt"),
        ("val", "VOC2007/JPEGImages/2.jpg", 16, 16, "VOC2007/ImageSets/Main/val.txt"),
    ]
    assert rows(found.annotations, "path", "line", "category", "x", "y", "width", "height")[1] == (
        "VOC2007/Annotations/1.xml", 7, "cat", 1, 2, 9, 10,
    )  # fmt: skip
    assert not problems(found)
    assert rows(found.classes, "name", "split", "n_samples") == [("cat", name, 1) for name in ("test", "train", "val")]


def test_two_years_below_one_folder(tmp_path: Path) -> None:
    files = devkit() | {path.replace("2007", "2012"): content for path, content in devkit().items()}
    found = read(tmp_path, files)
    assert Counter(split for split, _ in samples(found)) == {"train": 2, "val": 2, "test": 2}
    assert len({path for _, path in samples(found)}) == 6


def test_trainval_alone_is_what_is_trained_on(tmp_path: Path) -> None:
    files = {path: content for path, content in devkit().items() if not path.endswith(("/train.txt", "/val.txt"))}
    found = read(tmp_path, files)
    assert Counter(split for split, _ in samples(found)) == {"train": 2, "test": 1}
    said = "VOC2007/ImageSets/Main/trainval.txt was read as train: there is neither train.txt nor val.txt"
    assert found.assumptions == (said,)


def test_lists_that_contradict_each_other(tmp_path: Path) -> None:
    lists = {
        "ImageSets/Main/trainval.txt": "1\n3\n",
        "ImageSets/Main/cat_train.txt": "1 -1\n",
        "ImageSets/Main/dog_val.txt": "2  1\n",
    }
    found = read(tmp_path, devkit(**lists))
    home = "VOC2007/ImageSets/Main"
    flag = "1 has the flag -1 (no 'cat'), and 'cat' in its annotations"
    assert problems(found) == [
        ("split-list-disagrees", f"{home}/trainval.txt", 2, "1 of its names is in neither train nor val (first: 3)"),
        ("split-list-disagrees", f"{home}/trainval.txt", None, "it lacks 1 name of train and val (first: 2)"),
        ("class-list-disagrees", f"{home}/cat_train.txt", 1, flag),
        ("class-list-disagrees", f"{home}/dog_val.txt", 1, "2 has the flag 1 ('dog'), and no 'dog' in its annotations"),
    ]  # fmt: skip


def test_flags_of_a_class_list_that_are_right(tmp_path: Path) -> None:
    difficult = xml(box(more="<difficult>1</difficult>"))
    lists = {"ImageSets/Main/cat_train.txt": "1  0\n", "ImageSets/Main/dog_train.txt": "1 -1\n"}
    found = read(tmp_path, devkit(**lists) | {"VOC2007/Annotations/1.xml": difficult})
    assert not problems(found)
    assert rows(found.annotations, "path", "difficult")[1] == ("VOC2007/Annotations/1.xml", True)


def test_names_without_image_or_annotation(tmp_path: Path) -> None:
    files = devkit(**{"ImageSets/Main/val.txt": "2\n\n4\n", "ImageSets/Main/trainval.txt": "1\n2\n4\n"})
    found = read(tmp_path, files)
    image = "VOC2007/JPEGImages/4.jpg"
    assert problems(found) == [
        ("missing-annotation-file", image, 3, "there is no VOC2007/Annotations/4.xml"),
        ("missing-file", image, 3, f"{image} is not there (VOC2007/ImageSets/Main/val.txt line 3 names it)"),
    ]


def test_images_and_annotations_that_no_list_names(tmp_path: Path) -> None:
    more = {
        "JPEGImages/5.jpg": "",
        "Annotations/5.xml": xml(box()),
        "JPEGImages/6.jpg": "",
        "Annotations/6.xml": xml(box()),
        "ImageSets/Segmentation/train.txt": "6\n",
        "Annotations/7.xml": xml(box()),
    }
    found = read(tmp_path, devkit(**more))
    assert problems(found) == [("label-without-image", "VOC2007/Annotations/7.xml", None, "no image is called like it")]
    reasons = dict(rows(found.skipped, "path", "reason"))
    assert reasons == {"VOC2007/JPEGImages/5.jpg": "no-split", "VOC2007/JPEGImages/6.jpg": "documentation"}


@pytest.mark.parametrize(
    "images", [["train/1.jpg", "valid/1.jpg"], ["images/train/1.jpg", "images/val/1.jpg"]], ids=["roboflow", "kaggle"]
)
def test_annotations_beside_images_and_in_a_folder_of_their_own(images: list[str], tmp_path: Path) -> None:
    annotations = [path.replace("images", "annotations").replace(".jpg", ".xml") for path in images]
    files = dict.fromkeys(images, "") | {
        annotations[0]: xml(box("cat"), filename="1.jpg"),
        annotations[1]: xml(box("dog"), filename="1.jpg"),
        "train/notes.xml": "<notes/>",
    }
    found = read(tmp_path, files)
    assert samples(found) == [("train", images[0]), ("val", images[1])]
    assert rows(found.annotations, "sample_id", "category", "path") == [
        (0, "cat", annotations[0]),
        (1, "dog", annotations[1]),
    ]
    assert not problems(found)


@pytest.mark.parametrize(
    "more", [{"labels/1.txt": "0 0.5 0.5 0.1 0.1\n"}, {"data.yaml": "train: images\nval: images\nnc: 1\n"}]
)
def test_what_yolo_labels_were_converted_from_is_not_the_dataset(more: dict[str, str], tmp_path: Path) -> None:
    files = {"images/1.jpg": "", "annotations/1.xml": xml(box()), "labels/1.txt": "0 0.5 0.5 0.1 0.1\n"}
    assert dataset.read(open_worktree(made(tmp_path / "loose", files | more)), root=".").format == "yolo"
    labelled = devkit() | {"VOC2007/labels.txt": "cat\n"}
    assert dataset.read(open_worktree(made(tmp_path / "kit", labelled)), root=".").format == "voc"
    both = labelled | more | {"JPEGImages/1.jpg": "", "JPEGImages/1.txt": "0 0.5 0.5 0.1 0.1\n"}
    wanted = "yolo" if "data.yaml" in more else "voc"
    assert dataset.read(open_worktree(made(tmp_path / "both", both)), root=".").format == wanted


def test_a_split_without_annotations_is_a_split_and_a_folder_of_other_pictures_is_none(tmp_path: Path) -> None:
    files = {"train/1.jpg": "", "train/1.xml": xml(box()), "train/2.jpg": "", "test/3.jpg": "", "docs/shot.png": ""}
    found = read(tmp_path, files)
    assert samples(found) == [("test", "test/3.jpg"), ("train", "train/1.jpg"), ("train", "train/2.jpg")]
    assert not problems(found)


def test_an_annotation_file_belongs_to_one_image(tmp_path: Path) -> None:
    found = read(tmp_path, {"a/x/1.jpg": "", "b/x/1.jpg": "", "b/x/1.xml": xml(box()), "b/x/2.jpg": ""})
    assert [path for _, path in samples(found)] == ["b/x/1.jpg", "b/x/2.jpg"]
    assert rows(found.annotations, "sample_id") == [(0,)]


@pytest.mark.parametrize(
    ("filename", "kind", "more"),
    [
        ("1.jpg", None, ""),
        ("1", None, ""),
        ("C:\\data\\1.jpg", None, ""),
        ("1.png", "wrong-file-name", ""),
        ("IMG_1.jpg", "wrong-file-name", ""),
        ("2.jpg", "other-file-name", ", and VOC2007/JPEGImages/2.jpg is there too"),
    ],
)
def test_the_name_within(filename: str, kind: str | None, more: str, tmp_path: Path) -> None:
    found = read(tmp_path, devkit() | {"VOC2007/Annotations/1.xml": xml(box(), filename=filename)})
    detail = f"it says <filename>{filename}</filename>, and belongs to 1.jpg{more}"
    assert problems(found) == ([(kind, "VOC2007/Annotations/1.xml", 2, detail)] if kind else [])


def test_a_path_of_one_machine(tmp_path: Path) -> None:
    text = xml("  <path>/home/pi/1.jpg</path>\n")
    found = read(tmp_path, devkit() | {"VOC2007/Annotations/1.xml": text})
    assert problems(found) == [("machine-path", "VOC2007/Annotations/1.xml", 7, "/home/pi/1.jpg")]


@pytest.mark.parametrize(
    ("content", "name"), [("# label:color_rgb:parts:actions\nDog:0,0,0::\ncat:1,1,1::\n", "labelmap.txt"),
                          ("item {\n id: 1\n name: 'Dog'\n}\nitem { id: 2 name: \"cat\" }\n", "label_map.pbtxt"),
                          ("Dog\ncat\n", "classes.txt")],
)  # fmt: skip
def test_categories_that_the_label_map_lacks(content: str, name: str, tmp_path: Path) -> None:
    files = devkit(**{name: content}) | {"VOC2007/Annotations/1.xml": xml(box(), box("dog"))}
    found = read(tmp_path, files)
    detail = f"'dog' is not in VOC2007/{name}"
    assert problems(found) == [("unlisted-category", "VOC2007/Annotations/1.xml", 16, detail)]
    assert rows(found.classes, "name", "index")[:2] == [("Dog", 0), ("cat", 1)]


@pytest.mark.parametrize(
    ("corners", "extent"),
    [
        ((1, 1, 16, 16), (0, 0, 16, 16)),
        ((5, 5, 5, 9), (4, 4, 0, 5)),
        ((9, 5, 5, 9), (8, 4, -4, 5)),
        ((2.5, 1, 4.0, "1e1"), (1.5, 0, 2.5, 10)),
        ((-3, 1, 4, 20), (-4, 0, 8, 20)),
    ],
)
def test_corners_are_pixels_that_belong_to_the_box(
    corners: tuple[object, ...], extent: tuple[float, ...], tmp_path: Path
) -> None:
    found = read(tmp_path, devkit() | {"VOC2007/Annotations/1.xml": xml(box(corners=corners))})
    assert rows(found.annotations, "x", "y", "width", "height")[1] == extent
    assert not problems(found)


def test_a_box_that_counts_from_0_is_said_to_and_does_not_leave_the_image(tmp_path: Path) -> None:
    found = read(tmp_path, devkit() | {"VOC2007/Annotations/1.xml": xml(box(corners=(0, 0.5, 8, 8)))})
    detail = "xmin is 0 and ymin is 0.5"
    assert problems(found) == [("zero-based-box", "VOC2007/Annotations/1.xml", 7, detail)]
    assert rows(found.annotations, "x", "y", "width", "height")[1] == (0, 0, 8, 8)


@pytest.mark.parametrize(
    ("text", "kind", "line", "detail"),
    [
        ("", "bad-annotation-file", 1, "the file is empty"),
        ("<annotation>\n<object>\n", "bad-annotation-file", 3, "not XML: no element found"),
        ("<annotation>\n<a></b>\n", "bad-annotation-file", 2, "not XML: mismatched tag"),
        ("<annotations/>", "bad-annotation-file", 1, "its root is <annotations>, not <annotation>"),
        (
            '<?xml version="1.0" encoding="nonsense"?><annotation/>', "bad-annotation-file", 1,
            "not XML: unknown encoding: nonsense",
        ),
        (
            xml(box(), head='<!DOCTYPE a [<!ENTITY a "aa">]>\n'), "bad-annotation-file", 1,
            "it has a document type (<!DOCTYPE>), which may define entities: not read",
        ),
        ("<annotation>" * 101, "bad-annotation-file", 1, "nested deeper than 100 levels"),
        (xml(box("")), "bad-annotation-line", 7, "an object without a name"),
        (xml(box(corners=(1, 2, 3))), "bad-annotation-line", 7, "the box of 'cat' has no ymax"),
        (xml("<object>\n<name>cat</name>\n</object>"), "bad-annotation-line", 7, "object 'cat' has no <bndbox>"),
        (xml(box(corners=(1, "x", 3, 4))), "bad-annotation-line", 11, "<ymin> is 'x', not a number of pixels"),
        (xml(box(corners=(1, "nan", 3, 4))), "bad-annotation-line", 11, "<ymin> is 'nan', not a number of pixels"),
        (
            xml("<size><width>?</width></size>"), "bad-annotation-line", 7,
            "<width> of <size> is '?', not a number of pixels",
        ),
    ],
)  # fmt: skip
def test_an_annotation_file_that_is_none(text: str, kind: str, line: int, detail: str, tmp_path: Path) -> None:
    found = read(tmp_path, devkit() | {"VOC2007/Annotations/1.xml": text})
    assert problems(found)[0] == (kind, "VOC2007/Annotations/1.xml", line, detail)
    assert len(found.samples) == 3


def test_a_corner_with_a_comma_is_told_once(tmp_path: Path) -> None:
    """Where it stands, and not as a corner that is missing."""
    found = read(tmp_path, devkit() | {"VOC2007/Annotations/1.xml": xml(box(corners=("10,5", 2, 30, 40)))})
    detail = "<xmin> is '10,5', not a number of pixels"
    assert problems(found) == [("bad-annotation-line", "VOC2007/Annotations/1.xml", 10, detail)]


def test_parts_of_a_body_are_no_objects(tmp_path: Path) -> None:
    part = "<part><name>head</name><bndbox><xmin>1</xmin><ymin>1</ymin><xmax>2</xmax><ymax>2</ymax></bndbox></part>"
    found = read(tmp_path, devkit() | {"VOC2007/Annotations/1.xml": xml(box("person", more=part))})
    assert rows(found.annotations, "category", "x", "width")[1] == ("person", 1, 9)
    assert not problems(found)


def test_entities_that_would_fill_the_memory_are_never_expanded() -> None:
    levels = "".join(f'<!ENTITY e{level + 1} "{f"&e{level};" * 10}">' for level in range(9))
    bomb = (
        f'<!DOCTYPE annotation [<!ENTITY e0 "0123456789">{levels}]><annotation><filename>&e9;</filename></annotation>'
    )
    outside = '<!DOCTYPE annotation [<!ENTITY e SYSTEM "file:///etc/passwd">]><annotation><filename>&e;</filename></annotation>'
    tracemalloc.start()
    found = [record.parse(text.encode()) for text in (bomb, outside)]
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert [each.filename for each in found] == [None, None]
    assert all(each.faults[0].kind == "bad-annotation-file" for each in found)
    assert peak < 1_000_000


def test_lfs_pointers_are_said_to_be_pointers(tmp_path: Path) -> None:
    pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 9\n"
    found = read(tmp_path, devkit() | {"VOC2007/Annotations/1.xml": pointer})
    assert rows(found.skipped, "path", "reason") == [("VOC2007/Annotations/1.xml", "lfs-pointer")]
    assert not problems(found)


def test_the_index_says_the_same(tmp_path: Path) -> None:
    files = devkit()
    found = read(tmp_path, files)
    create(tmp_path).git("add", "--all")
    staged = dataset.read(open_index(str(tmp_path)), root=".")
    for table in ("samples", "annotations", "classes", "problems"):
        assert getattr(staged, table) == getattr(found, table)


NAMES = st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cs")), max_size=10).filter(
    lambda name: name.isprintable()
)
NUMBERS = st.one_of(st.integers(-5, 2000), st.floats(-5, 2000), st.sampled_from(["", "x", "nan", "1e400", "-0"]))
BOXES = st.tuples(NAMES, st.lists(NUMBERS, min_size=4, max_size=4))


@settings(deadline=None)
@given(boxes=st.lists(BOXES, max_size=4), filename=NAMES)
def test_what_is_read_is_what_another_reader_reads(boxes: list[tuple[str, list[object]]], filename: str) -> None:
    """ElementTree is the oracle for names, lines in order and numbers."""
    text = xml(*(box(escape(name), tuple(corners)) for name, corners in boxes), filename=escape(filename))
    found = record.parse(text.encode())
    tree = ElementTree.fromstring(text)
    named = tree.findtext("filename", "").strip()
    assert (found.filename or "") == named
    wanted = [item.findtext("name") for item in tree.iter("object")]
    assert [each.name for each in found.boxes] == [name if name and name.strip() else None for name in wanted]
    lines = [number for number, line in enumerate(text.split("\n"), 1) if line.strip() == "<object>"]
    assert [each.line for each in found.boxes] == lines
    for each, (_, corners) in zip(found.boxes, boxes, strict=True):
        for edge, value in zip(("xmin", "ymin", "xmax", "ymax"), corners, strict=True):
            assert (edge in each.corners) == (str(value) not in ("", "x", "nan", "1e400"))
            assert each.corners.get(edge, 0) == (float(str(value)) if edge in each.corners else 0)


@settings(deadline=None)
@given(content=st.one_of(st.binary(max_size=300), st.text(max_size=300).map(str.encode)), cut=st.integers(0, 400))
def test_nothing_escapes(content: bytes, cut: int) -> None:
    whole = xml(box(), box("dog")).encode()
    for data in (content, whole[:cut], whole[:cut] + content, whole[:cut] + content + whole[cut:]):
        found = record.parse(data)
        assert all(each.line >= 1 for each in found.faults)
        record.is_one(data)
    list(sets.names(content))
    sets.read({"a/train.txt": content, "a/cat_train.txt": content})


@pytest.mark.corpus
def test_bccd(corpora: Path) -> None:
    """Every number of its README that is about annotations; the CSV beside it is not the dataset."""
    found = dataset.read(open_worktree(str(corpora)), root="bccd-voc")
    assert found.format == "voc"
    assert Counter(split for split, _ in samples(found)) == {"train": 205, "val": 87, "test": 72}
    boxes = rows(found.annotations, "category", "sample_id", "path", "line", "x", "y", "width", "height")
    assert Counter(row[0] for row in boxes) == {"RBC": 4155, "WBC": 372, "Platelets": 361}
    images = Counter(category for category, _ in {(row[0], row[1]) for row in boxes})
    assert images == {"RBC": 349, "WBC": 358, "Platelets": 201}
    empty = sorted((row for row in boxes if 0 in row[6:]), key=lambda row: str(row[2]))
    assert [(str(row[2]).rpartition("/")[2], row[4], row[5], *row[6:]) for row in empty] == [
        ("BloodImage_00338.xml", 503, 336, 0, 0),
        ("BloodImage_00343.xml", 180, 328, 0, 0),
    ]
    for row in empty:
        text = (corpora / str(row[2])).read_text("utf-8").splitlines()
        assert text[int(str(row[3])) - 1].strip() == "<object>"
        assert text[int(str(row[3])) + 5].strip() in ("<xmin>504</xmin>", "<xmin>181</xmin>")
    assert {row[0] for row in problems(found)} == {"machine-path"}
    assert len(problems(found)) == 364


@pytest.mark.corpus
def test_the_csv_of_bccd_is_the_whole_of_it_with_a_box_in_each_row(corpora: Path) -> None:
    images = "bccd-voc/BCCD/JPEGImages"
    source = open_worktree(str(corpora))
    found = dataset.read(source, root="bccd-voc/test.csv", files_root=images, columns={"label": "cell_type"})
    assert (found.task, len(found.annotations), len(found.samples), len(found.files)) == ("detection", 4888, 364, 364)
    assert Counter(found.annotations.columns["category"]) == {"RBC": 4155, "WBC": 372, "Platelets": 361}
    assert rows(found.annotations, "sample_id", "category", "x", "y", "width", "height", "line")[:2] == [
        (0, "WBC", 260, 177, 231, 199, 2),
        (0, "RBC", 78, 336, 106, 99, 3),
    ]
    assert {entry.kind for entry in found.files} == {"file"}
    assert not problems(found)


@pytest.mark.corpus
@pytest.mark.parametrize(
    ("corpus", "splits", "kinds"),
    [
        (
            "voc_dataset/voc_dataset1", {"train": 1, "test": 1},
            {"class-list-disagrees": 11, "missing-annotation-file": 1},
        ),
        ("voc_dataset/voc_dataset2", {"train": 5}, {"missing-file": 5}),
        ("voc_dataset/voc_dataset3", {"train": 2}, {"missing-file": 1, "missing-annotation-file": 1}),
        ("roboflow_dataset/voc", {"train": 2, "val": 1}, {"zero-based-box": 3}),
    ],
)  # fmt: skip
def test_the_variants_of_datumaro(corpora: Path, corpus: str, splits: dict[str, int], kinds: dict[str, int]) -> None:
    found = dataset.read(open_worktree(str(corpora)), root=f"datumaro-assets/{corpus}")
    assert found.format == "voc"
    assert Counter(split for split, _ in samples(found)) == splits
    assert Counter(row[0] for row in problems(found)) == kinds


def pets(name: str = "cat_0.jpg") -> dict[str, str]:
    """Oxford-IIIT Pet: masks of the same stems lie nearer to the XML than the images."""
    return {
        "images/cat_0.jpg": "",
        "images/cat_1.jpg": "",
        "annotations/trimaps/cat_0.png": "",
        "annotations/trimaps/cat_1.png": "",
        "annotations/xmls/cat_0.xml": xml(box(), filename=name),
        "annotations/xmls/cat_1.xml": xml(box(), filename="cat_1.jpg"),
    }


def test_of_images_of_one_stem_the_named_one_is_meant(tmp_path: Path) -> None:
    found = read(tmp_path, pets())
    assert rows(found.samples, "path") == [("images/cat_0.jpg",), ("images/cat_1.jpg",)]
    assert rows(found.annotations, "sample_id", "path") == [
        (0, "annotations/xmls/cat_0.xml"),
        (1, "annotations/xmls/cat_1.xml"),
    ]
    assert not problems(found)


def test_a_name_of_no_image_leaves_the_nearest_one(tmp_path: Path) -> None:
    found = read(tmp_path, pets("frame.jpg"))
    assert {kind for kind, *_ in problems(found)} == {"wrong-file-name"}


def test_an_image_beside_the_annotation_is_its_own_whatever_the_name(tmp_path: Path) -> None:
    """The pictures were converted, and the originals were kept."""
    files = {f"png/{each}.png": "" for each in "ab"} | {f"jpg/{each}.jpg": "" for each in "ab"}
    files |= {f"jpg/{each}.xml": xml(box(), filename=f"{each}.png") for each in "ab"}
    found = read(tmp_path, files)
    assert rows(found.samples, "path") == [("jpg/a.jpg",), ("jpg/b.jpg",)]
    assert {kind for kind, *_ in problems(found)} == {"other-file-name"}


def test_of_two_suffixes_beside_the_annotation_the_named_one_is_annotated(tmp_path: Path) -> None:
    files = {"a.jpg": "", "a.png": "", "a.xml": xml(box(), filename="a.png")}
    found = read(tmp_path, files)
    assert rows(found.annotations, "sample_id") == [(samples(found).index((None, "a.png")),)]
    assert not problems(found)


def test_what_macos_leaves_beside_files_is_neither_image_nor_annotation(tmp_path: Path) -> None:
    """The archive of Oxford-IIIT Pet has `annotations/trimaps/._*.png`."""
    junk = {"annotations/trimaps/._cat_0.png": "", "images/._cat_0.jpg": "", "annotations/xmls/._cat_0.xml": "\x00\x05"}
    found = read(tmp_path, pets() | junk | {"__MACOSX/images/cat_0.jpg": "", "__MACOSX/annotations/cat_0.xml": ""})
    assert rows(found.samples, "path") == [("images/cat_0.jpg",), ("images/cat_1.jpg",)]
    assert not problems(found)


def test_of_two_annotations_of_one_image_the_other_one_is_told(tmp_path: Path) -> None:
    found = read(tmp_path, pets() | {"annotations/old/cat_0.xml": xml(box(), filename="cat_0.jpg")})
    assert {(kind, path) for kind, path, *_ in problems(found)} == {
        ("label-without-image", "annotations/xmls/cat_0.xml")
    }
