"""Folders whose names only contain words for masks: recognised by names, stems and content together, or not at all."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image

from datalint import dataset
from datalint.dataset import formats
from datalint.dataset.listing import listing
from datalint.dataset.masks import drawing
from datalint.source.worktree import open_worktree
from tests.dataset.manifests import rows
from tests.dataset.test_masks import made

if TYPE_CHECKING:
    from pathlib import Path

    from datalint.dataset import Dataset

SIDE = 64
RANDOM = np.random.default_rng(5)


def saved(image: Image.Image, suffix: str) -> bytes:
    data = io.BytesIO()
    image.save(data, {"jpg": "JPEG", "tif": "TIFF"}.get(suffix, suffix.upper()))
    return data.getvalue()


def photo(suffix: str = "jpg", mode: str = "RGB") -> bytes:
    """Low frequencies with the noise of a sensor."""
    low = Image.fromarray(RANDOM.integers(0, 255, (6, 7, 3), dtype=np.uint8)).resize(
        (SIDE, SIDE), Image.Resampling.BICUBIC
    )
    noisy = np.asarray(low).astype(int) + RANDOM.integers(-9, 9, (SIDE, SIDE, 3))
    return saved(Image.fromarray(np.clip(noisy, 0, 255).astype(np.uint8)).convert(mode), suffix)


def mask(suffix: str = "png", mode: str = "L") -> bytes:
    """An ellipse that is another each time."""
    down, across = np.mgrid[:SIDE, :SIDE]
    x, y, a, b = RANDOM.integers(10, 30, 4)
    inside = ((across - x) / a) ** 2 + ((down - y) / b) ** 2 < 1
    return saved(Image.fromarray(inside.astype(np.uint8) * 255).convert(mode), suffix)


def tiff(content: bytes, compression: str) -> bytes:
    data = io.BytesIO()
    with Image.open(io.BytesIO(content)) as image:
        image.save(data, "TIFF", compression=compression)
    return data.getvalue()


def folders(images: str, masks: str, ending: str = "", *, number: int = 6) -> dict[str, bytes]:
    """`images` and `masks` are paths of folders with the suffix of their files."""
    (of, suffix), (folder, kind) = (path.rsplit(".", 1) for path in (images, masks))
    files = {f"{of}/{each:03d}.{suffix}": photo(suffix) for each in range(number)}
    return files | {f"{folder}/{each:03d}{ending}.{kind}": mask(kind) for each in range(number)}


def recognised(home: Path, files: dict[str, bytes]) -> str | None:
    found = formats.recognise(listing(open_worktree(str(made(home, files))), "."))
    return found and found[0]


def read(home: Path) -> Dataset:
    return dataset.read(open_worktree(str(home)), root=".")


LAYOUTS = {
    "Carvana": (("train.jpg", "train_masks.gif", "_mask"), "train"),
    "TernausNet": (("train/images.jpg", "train/binary_masks.png"), "train"),
    "keras-segmentation": (("images_prepped_train.png", "annotations_prepped_train.png"), None),
    "train_images": (("train_images.jpg", "train_masks.png"), "train"),
    "train_labels": (("train.png", "train_labels.png", "_L"), "train"),
    "CVC-ClinicDB": (("PNG/Original.png", "PNG/Ground Truth.png"), None),
    "nnU-Net": (("imagesTr.png", "labelsTr.png"), None),
    "drones": (("original_images.jpg", "label_images_semantic.png"), None),
    "frames": (("frames.jpg", "masks.png"), None),
    "X-rays": (("CXR_png.png", "masks.png", "_mask"), None),
    "HAM10000": (("HAM10000_images.jpg", "HAM10000_segmentations.png", "_segmentation"), None),
    "a place": (("washington.jpg", "washington_gt.png"), None),
    "BMP": (("frames.bmp", "masks.bmp"), None),
    "TIFF": (("train_images.tif", "train_masks.tif"), "train"),
    "CamVid again": (("imgs.jpg", "annots.png"), None),
    "splits below": (("frames/val.jpg", "masks/val.png"), "val"),
}


@pytest.mark.parametrize(("parts", "split"), LAYOUTS.values(), ids=LAYOUTS)
def test_layouts_that_people_download(tmp_path: Path, parts: tuple[str, ...], split: str | None) -> None:
    files = folders(*parts)
    assert recognised(tmp_path, files) == "masks"
    found = read(tmp_path)
    images = sorted(path for path in files if path.startswith(f"{parts[0].rsplit('.', 1)[0]}/"))
    assert rows(found.samples, "path", "split") == [(path, split) for path in images]
    assert sorted(rows(found.mask_rows, "sample_id")) == [(number,) for number in range(6)]


def test_the_number_of_a_channel_is_no_part_of_the_name(tmp_path: Path) -> None:
    """nnU-Net: `imagesTr/road_1_0000.png` and `labelsTr/road_1.png`."""
    files = {f"imagesTr/road_{each}_0000.png": photo("png") for each in range(4)}
    files |= {f"labelsTr/road_{each}.png": mask() for each in range(4)}
    assert recognised(tmp_path, files) == "masks"
    assert None not in read(tmp_path).mask_rows.columns["sample_id"]


def test_splits_are_named_by_the_folders_together(tmp_path: Path) -> None:
    files = folders("images_prepped_train.png", "annotations_prepped_train.png")
    files |= folders("images_prepped_test.png", "annotations_prepped_test.png")
    made(tmp_path, files)
    assert sorted(set(rows(read(tmp_path).samples, "split"))) == [("test",), ("train",)]


def test_a_split_without_masks_belongs_to_it(tmp_path: Path) -> None:
    """Carvana's `test`."""
    files = folders("train.jpg", "train_masks.gif", "_mask") | {"test/900.jpg": photo()}
    made(tmp_path, files)
    assert ("test/900.jpg", "test") in rows(read(tmp_path).samples, "path", "split")


def test_some_images_may_lack_a_mask(tmp_path: Path) -> None:
    files = folders("CXR_png.png", "masks.png", number=9) | {"CXR_png/100.png": photo("png")}
    assert recognised(tmp_path, files) == "masks"


def classes(*names: str, suffix: str = "png", mode: str = "RGB") -> dict[str, bytes]:
    return {f"{name}/{each:03d}.{suffix}": photo(suffix, mode) for name in names for each in range(6)}


@pytest.mark.parametrize(
    "names",
    [
        ("cat", "dog"),
        ("mask", "no_mask"),
        ("mask", "nomask"),
        ("Mask", "Non Mask"),
        ("with_mask", "without_mask", "mask_weared_incorrect"),
        ("masks", "faces"),
        ("face", "face_mask"),
        ("original", "mask"),
        ("train", "train_masks"),
        ("labels", "logos"),
        ("images", "labels_old"),
    ],
)
@pytest.mark.parametrize("mode", ["RGB", "L"])
@pytest.mark.parametrize("suffix", ["png", "bmp", "tif"])
def test_photographs_are_classes_whatever_they_are_called(
    tmp_path: Path, names: tuple[str, ...], mode: str, suffix: str
) -> None:
    files = classes(*names, mode=mode, suffix=suffix)
    assert recognised(tmp_path, files) is None
    assert read(tmp_path).format == "imagefolder"


@pytest.mark.parametrize(
    "files",
    [
        pytest.param(lambda: folders("mask.png", "no_mask.png"), id="both are called after masks"),
        pytest.param(lambda: folders("face.png", "mask.png"), id="one word that is a class too"),
        pytest.param(lambda: folders("train.jpg", "train_masks.jpg"), id="JPEGs hold no numbers of classes"),
        pytest.param(lambda: folders("train.jpg", "val_masks.png"), id="masks of another split"),
        pytest.param(lambda: folders("train_images.jpg", "val_masks.png"), id="masks of another split's images"),
        pytest.param(
            lambda: folders("train.jpg", "train_masks.png") | {f"train_masks/x{each}.png": mask() for each in range(2)},
            id="masks of no image",
        ),
        pytest.param(
            lambda: (
                folders("train.jpg", "train_masks.png", number=2) | {f"train/x{each}.jpg": photo() for each in range(9)}
            ),
            id="images without masks",
        ),
        pytest.param(
            lambda: {f"{name}/{each}.png": mask() for name in ("arrows", "labels") for each in range(6)},
            id="drawings on both sides",
        ),
        pytest.param(
            lambda: folders("cat.jpg", "masks.png") | {f"dog/{each:03d}.jpg": photo() for each in range(6)},
            id="of which folder nobody can tell",
        ),
    ],
)
def test_what_is_not_sure_stays_classes(tmp_path: Path, files: object) -> None:
    assert callable(files)
    assert recognised(tmp_path, files()) is None


def test_who_asks_for_masks_gets_them(tmp_path: Path) -> None:
    made(tmp_path, folders("train.jpg", "train_masks.jpg"))
    found = dataset.read(open_worktree(str(tmp_path)), root=".", format="masks")
    assert (len(found.samples), len(found.mask_rows)) == (6, 6)


@pytest.mark.parametrize(
    ("content", "drawn"),
    [
        (mask(), True),
        (mask("png", "1"), True),
        (mask("png", "RGB"), True),
        (mask("gif"), True),
        (photo("png"), False),
        (photo("png", "L"), False),
        (photo("png", "P"), False),
        (photo("gif"), False),
        (photo("jpg"), None),
        (mask("bmp"), True),
        (mask("bmp", "RGB"), True),
        (mask("tif"), True),
        (mask("tif", "RGB"), True),
        (tiff(mask(), "tiff_lzw"), True),
        (tiff(mask(), "tiff_adobe_deflate"), True),
        (tiff(mask(), "jpeg"), None),
        (photo("bmp"), False),
        (photo("bmp", "L"), False),
        (photo("tif"), False),
        (photo("tif", "L"), False),
        (tiff(photo("png"), "tiff_lzw"), False),
        (tiff(photo("png"), "jpeg"), None),
        (mask("tif")[:100], None),
        (mask("bmp")[:20], None),
        (b"BM", None),
        (b"II*\x00", None),
        (b"MM\x00*\xff\xff\xff\xff", None),
        (b"", None),
        (b"version https://git-lfs.github.com/spec/v1\n", None),
        (b"\x89PNG\r\n\x1a\n", None),
        (b"GIF89a\x00", None),
    ],
)
def test_a_drawing_takes_few_bytes_for_its_pixels(tmp_path: Path, content: bytes, *, drawn: bool | None) -> None:
    made(tmp_path, {"a.bin": content})
    assert drawing.is_drawn(listing(open_worktree(str(tmp_path)), "."), "a.bin") is drawn
