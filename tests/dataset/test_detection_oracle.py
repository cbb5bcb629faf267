"""YOLO and Pascal VOC as another library reads them: `supervision` counts the same classes and places the same boxes.

It is the lightest reader of both that needs neither torch nor a native toolkit; the extra `dev` installs it.
"""

from __future__ import annotations

import warnings
from collections import Counter, defaultdict
from typing import TYPE_CHECKING, Any

import pytest
from PIL import Image

from datalint import dataset
from datalint.source.worktree import open_worktree
from tests.dataset.manifests import rows

if TYPE_CHECKING:
    from pathlib import Path

    from datalint.dataset import Dataset

pytestmark = pytest.mark.corpus
Boxes = dict[str, list[tuple[str, tuple[float, ...]]]]
"""By image: classes and left, top, right, bottom in pixels."""


@pytest.fixture(scope="module")
def supervision() -> Any:
    """The library, which warns that OpenCV is not there."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return pytest.importorskip("supervision", reason="supervision is not installed: the extra `dev` has it")


def size(path: Path) -> tuple[int, int]:
    with Image.open(path) as image:
        return image.size


def ours(found: Dataset, root: Path, split: str | None) -> Boxes:
    """Of one split; fractions are multiplied by the size of the image."""
    boxes: Boxes = defaultdict(list)
    images = rows(found.samples, "sample_id", "path", "split")
    paths = {number: path for number, path, name in images if split in (None, name)}
    sizes = {number: size(root / path) for number, path in paths.items()}
    columns = ("sample_id", "category", "category_id", "x", "y", "width", "height", "normalised")
    for number, category, category_id, x, y, width, height, normalised in rows(found.annotations, *columns):
        if number not in paths or x is None:
            continue
        across, down = sizes[number] if normalised else (1, 1)
        edges = (x * across, y * down, (x + width) * across, (y + height) * down)
        boxes[paths[number].rpartition("/")[2]].append((str(category if category_id is None else category_id), edges))
    return boxes


def theirs(found: Any, *, names: bool) -> Boxes:
    boxes: Boxes = defaultdict(list)
    for path, each in found.annotations.items():
        for number, edges in zip(each.class_id, each.xyxy, strict=True):
            label = found.classes[number] if names else str(number)
            boxes[path.replace("\\", "/").rpartition("/")[2]].append((label, tuple(map(float, edges))))
    return boxes


def agree(one: Boxes, other: Boxes) -> None:
    """Floats of 32 bits, and corners of polygons that they round: within a pixel."""
    assert one.keys() == other.keys()
    for image in one:
        assert Counter(name for name, _ in one[image]) == Counter(name for name, _ in other[image])
        for (name, edges), (their_name, their_edges) in zip(sorted(one[image]), sorted(other[image]), strict=True):
            assert name == their_name
            assert edges == pytest.approx(their_edges, abs=1), image


@pytest.mark.parametrize(("split", "folder"), [("train", "train"), ("val", "validate"), ("test", "test")])
def test_ships(supervision: Any, corpora: Path, tmp_path: Path, split: str, folder: str) -> None:
    # It refuses ids that have no class, so it gets 45; what is not within the image is compared by the count.
    names = tmp_path / "data.yaml"
    names.write_text(f"names: {[str(number) for number in range(45)]}\n")
    home = corpora / "ships-yolo" / folder
    read = supervision.DetectionDataset.from_yolo(str(home / "images"), str(home / "labels"), str(names))
    found = dataset.read(open_worktree(str(corpora)), root="ships-yolo")
    n_images = sum(each == split for (each,) in rows(found.samples, "split"))
    assert n_images == len(read)
    mine, other = ours(found, corpora, split), theirs(read, names=False)
    outside = {
        path.rpartition("/")[2].removesuffix(".txt")
        for kind, path in rows(found.problems, "kind", "path")
        if kind in ("not-normalised", "barely-not-normalised")
    }
    agree(
        {name: boxes for name, boxes in mine.items() if name.rpartition(".")[0] not in outside},
        {name: boxes for name, boxes in other.items() if name.rpartition(".")[0] not in outside},
    )
    numbers = {number for number, each in rows(found.samples, "sample_id", "split") if each == split}
    total = Counter(
        str(each) for number, each in rows(found.annotations, "sample_id", "category_id") if number in numbers
    )
    assert total == Counter(name for boxes in other.values() for name, _ in boxes)


def test_bccd(supervision: Any, corpora: Path) -> None:
    home = corpora / "bccd-voc/BCCD"
    read = supervision.DetectionDataset.from_pascal_voc(str(home / "JPEGImages"), str(home / "Annotations"))
    found = dataset.read(open_worktree(str(corpora)), root="bccd-voc")
    other = theirs(read, names=True)
    agree(ours(found, corpora, None), other)
    for split in ("train", "val", "test"):
        listed = (home / f"ImageSets/Main/{split}.txt").read_text("utf-8").split()
        counted = Counter(name for each in listed for name, _ in other[f"{each}.jpg"])
        assert Counter(name for boxes in ours(found, corpora, split).values() for name, _ in boxes) == counted
